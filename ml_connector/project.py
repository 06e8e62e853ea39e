"""Where the user's files are, and what Meltano is told in them."""

from __future__ import annotations

import io
import os
import pathlib
import typing as t

from dotenv import dotenv_values

from ml_connector.errors import SettingInvalid
from ml_connector.kept_files import read_text, read_yaml

__all__ = ["dotenv", "meltano_yml", "project_root"]


def project_root() -> pathlib.Path:
    """Return the Meltano project's folder, or the working directory outside Meltano.

    Relative paths in settings (``ledger_url``, ``crosswalk_dir``, ``maps_dir``) start here.
    """
    return pathlib.Path(os.environ.get("MELTANO_PROJECT_ROOT") or pathlib.Path.cwd())


def dotenv() -> dict[str, str]:
    """Return the variables of the project's ``.env``, none when there is no such file.

    Raises:
        SettingInvalid: It cannot be read.
    """
    path = project_root() / ".env"
    try:
        text = read_text(path, str(path))
    except FileNotFoundError:
        return {}
    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value is not None}


def meltano_yml() -> dict[str, t.Any]:
    """Return the project's ``meltano.yml``, nothing when there is none.

    Raises:
        SettingInvalid: It cannot be read.
    """
    path = project_root() / "meltano.yml"
    try:
        project = read_yaml(path, str(path)) or {}
    except FileNotFoundError:
        return {}
    if not isinstance(project, dict):
        raise SettingInvalid(f"{path} is no project of Meltano.", "Put the meltano.yml back that came with this.")
    return project
