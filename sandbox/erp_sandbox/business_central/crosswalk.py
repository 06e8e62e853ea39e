"""The mapping tables between BILL and Business Central, as a clerk would have written them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from erp_sandbox import catalogue, credentials

if TYPE_CHECKING:
    from erp_sandbox.world import World

__all__ = ["write_crosswalk"]

_DEPARTMENTS = [(item.name, item.cost_center_code or "900") for item in catalogue.DEPARTMENTS]
_LOCATIONS = [(name, f"LOC{number}") for number, name in enumerate(catalogue.LOCATIONS, start=1)]
_JOBS = [(name, f"PRJ{number:02d}") for number, name in enumerate(catalogue.JOBS, start=1)]


def write_crosswalk(world: World, directory: Path) -> None:
    """Write the tables to ``directory/bill-business_central/<kind>.csv``; read backwards they serve the way back.

    Accounts have the same numbers on both sides, so there is no table of them.
    """
    shared = [n for n in range(1, world.vendor_count + 1) if n not in world.absent_in_workday]
    tables = {
        "companies": [(credentials.BILL_ORGANIZATION_ID, world.organization_name, world.organization_name)],
        "suppliers": [(world.vendor_id(n), f"V{n:05d}", catalogue.vendor_name(n)) for n in shared],
        # What a bill's department is called here, and on the way back.
        "cost_centers": [(name, code, name) for name, code in _DEPARTMENTS],
        "departments": [(name, code, name) for name, code in _DEPARTMENTS],
        "locations": [(name, code, name) for name, code in _LOCATIONS],
        "jobs": [(name, code, name) for name, code in _JOBS],
    }
    folder = directory / "bill-business_central"
    folder.mkdir(parents=True, exist_ok=True)
    for kind, rows in tables.items():
        with (folder / f"{kind}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([("source", "target", "name"), *rows])
