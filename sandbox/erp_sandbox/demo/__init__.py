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

__all__ = ["PAIRS", "DemoFailedError", "Pair", "run_demo"]


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


def run_demo(checkout: Path, folder: Path, *, again: bool, pair: str = "bill-workday") -> int:
    """Run the pipelines of a pair on fresh or kept data and tell what came of it.

    Args:
        checkout: Where meltano.yml is.
        folder: Where the demo lives; made anew unless ``again``.
        again: Go on with what the last demo left behind.
        pair: One of :data:`PAIRS`.

    Returns:
        Exit code of the pipelines.
    """
    shown = PAIRS[pair]
    data = folder / "sandbox"
    check_checkout(checkout)
    if again and not data.is_dir():
        raise DemoFailedError("there is nothing to go on with yet: run `make demo` first")
    if not again:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    shutil.copy(checkout / "meltano.yml", folder / "meltano.yml")
    world = shown.world()
    with stoppable(), Sandbox(world) as box:
        if again:
            load_snapshot(box, data)
        else:
            shown.prepare(world, folder / "transforms" / "crosswalk")
        say(f"sandbox: {shown.SYSTEMS} on {box.url} (nothing leaves this machine)")
        return shown.show(Stage(box, folder, shown.SETTINGS), lambda: save_snapshot(box, data))
