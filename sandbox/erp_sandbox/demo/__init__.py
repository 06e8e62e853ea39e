"""The demo: real ``meltano run`` between the sandbox's systems.

It works in a Meltano project of its own, so that neither the settings nor the ledger of the checkout take part, and it
stops everything it has started, also on Ctrl-C. What it tells afterwards comes from the sandboxes and from
``ml-connector``, as a user would ask for it; nothing is taken from the pipeline's own word.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from erp_sandbox.demo import bill_workday, business_central_bill
from erp_sandbox.demo.stage import DemoFailedError, Stage, check_checkout, say, stoppable
from erp_sandbox.server import Sandbox
from erp_sandbox.snapshot import load_snapshot, save_snapshot
from erp_sandbox.world import World

__all__ = ["FOLDER", "PAIRS", "DemoFailedError", "Pair", "run_demo"]


class Pair(Protocol):
    """What is shown: a module of this package.

    Attributes:
        SYSTEMS: The systems, in words.
        SETTINGS: Environment variables beyond those that lead to the sandbox.
    """

    @property
    def SYSTEMS(self) -> str: ...  # noqa: N802, D102 - a module's constant
    @property
    def SETTINGS(self) -> Mapping[str, str]: ...  # noqa: N802, D102 - likewise

    def world(self) -> World:
        """Return what the sandbox holds."""
        ...

    def prepare(self, world: World, crosswalk: Path, /) -> None:
        """Write the mapping tables."""
        ...

    def show(self, stage: Stage, keep: Callable[[], object], /) -> int:
        """Run the pipelines, keep the sandbox's data, and tell what came of it; return the exit code."""
        ...


PAIRS: Mapping[str, Pair] = MappingProxyType(
    {
        "bill-workday": bill_workday,
        "bill-business-central": business_central_bill,
        "business-central-bill": business_central_bill,
    }
)
"""What can be shown, by the systems in it."""

FOLDER = Path(".demo")
"""Where demos live, each pair in a folder of its own."""
_MARK = ".made-by-the-demo"
"""File that tells a folder the demo made, and may make anew; it says of which pair."""


def run_demo(checkout: Path, folder: Path | None, *, again: bool, pair: str = "bill-workday") -> int:
    """Run the pipelines of a pair on fresh or kept data and tell what came of it.

    Args:
        checkout: Where meltano.yml is.
        folder: Where the demo lives, the pair's own below ``.demo`` when None; made anew unless ``again``.
        again: Go on with what the last demo left behind.
        pair: One of :data:`PAIRS`.

    Returns:
        Exit code of the pipelines.

    Raises:
        DemoFailedError: The demo cannot be shown, or the folder is not one a demo has made.
    """
    shown = PAIRS[pair]
    name = _name(shown)
    folder = folder if folder is not None else checkout / FOLDER / name
    data = folder / "sandbox"
    check_checkout(checkout)
    try:
        if again:
            _check_made(folder, name, data)
        else:
            _make_anew(folder, name)
        shutil.copy(checkout / "meltano.yml", folder / "meltano.yml")
        shutil.copytree(checkout / "plugins", folder / "plugins", dirs_exist_ok=True)
    except OSError as error:
        raise DemoFailedError(f"{folder} cannot be used: {error.strerror}: name another with --folder") from None
    world = shown.world()
    with stoppable(), Sandbox(world) as box:
        if again:
            load_snapshot(box, data)
        else:
            shown.prepare(world, folder / "transforms" / "crosswalk")
        say(f"sandbox: {shown.SYSTEMS} on {box.url} (nothing leaves this machine)")
        return shown.show(Stage(box, folder, shown.SETTINGS), lambda: save_snapshot(box, data))


def _name(shown: Pair) -> str:
    """Return the name a pair's folder has, the same for both orders of its systems."""
    return next(name for name in sorted(PAIRS, reverse=True) if PAIRS[name] is shown)


def _check_made(folder: Path, name: str, data: Path) -> None:
    if not data.is_dir():
        raise DemoFailedError("there is nothing to go on with yet: run `make demo` first")
    made = (folder / _MARK).read_text("utf-8").strip() if (folder / _MARK).is_file() else name
    if made != name:
        raise DemoFailedError(f"the demo in {folder} is one of {made}: add --pair {made}, or name another folder")


def _make_anew(folder: Path, name: str) -> None:
    """Make the folder; only one that a demo has made is emptied before."""
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / _MARK).is_file():
            raise DemoFailedError(
                f"{folder} was not made by the demo, and is left as it is: name an empty or new folder with --folder"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).write_text(f"{name}\n", "utf-8")
