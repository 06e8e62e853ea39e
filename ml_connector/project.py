"""Where the user's files are."""

from __future__ import annotations

import os
import pathlib

__all__ = ["project_root"]


def project_root() -> pathlib.Path:
    """Return the Meltano project's folder, or the working directory outside Meltano.

    Relative paths in settings (``ledger_url``, ``crosswalk_dir``, ``maps_dir``) start here.
    """
    return pathlib.Path(os.environ.get("MELTANO_PROJECT_ROOT") or pathlib.Path.cwd())
