"""``ml-connector plugins``: bring the definitions of the installed plugins into a Meltano project."""

from __future__ import annotations

from pathlib import Path

import click

from ml_connector.cli.output import Output
from ml_connector.errors import UserError
from ml_connector.files import replace_file
from ml_connector.kept_files import read_bytes
from ml_connector.project import project_root
from ml_connector.singer.definitions import VARIANT, installed, lock_path, lock_text

__all__ = ["plugins"]


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a file is not that of this version.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, complete and without colours.")
def plugins(*, check: bool, as_json: bool) -> None:
    """Write what Meltano has to know of the installed plugins into the project: plugins/<kind>/<name>.lock.

    Give it once in a project of your own, and after each upgrade. With these files Meltano needs no hub and nothing to
    install; meltano.yml names a plugin in two lines, `name: tap-bill` and `variant: ml-connector`.
    """
    root = project_root()
    if not (root / "meltano.yml").is_file():
        raise UserError(f"there is no meltano.yml in {root}.", "Make a project (`meltano init`), or go to its folder.")
    files = {str(lock_path(plugin)): lock_text(plugin) for plugin in installed()}
    stale = [name for name, text in files.items() if _present(root / name) != text.encode()]
    if check and stale:
        raise UserError(f"{', '.join(stale)} not as this version has it.", "Give `ml-connector plugins`.")
    for name in stale:
        path = root / name
        replace_file(path, files[name].encode())
    told = [f"{name} {'written' if name in stale else 'as it was'}" for name in files]
    named = f"In meltano.yml name each by its name and `variant: {VARIANT}`."
    Output(as_json=as_json).show({"written": stale, "files": list(files)}, "\n".join([*told, named]))


def _present(path: Path) -> bytes | None:
    if not path.exists():
        return None
    try:
        return read_bytes(path)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}.", "Remove it; it is written anew.") from None
