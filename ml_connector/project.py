"""Where the user's files are."""

from __future__ import annotations

import os
import pathlib

from dotenv import dotenv_values

from ml_connector.errors import SettingInvalid

__all__ = ["dotenv", "project_root"]


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
        return {name: value for name, value in dotenv_values(path).items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror or error if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingInvalid(f"{path} cannot be read: {why}.", "Give this user the right to, or remove it.") from None
