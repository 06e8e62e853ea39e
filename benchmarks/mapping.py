"""How long it takes to make a document of a long bill."""

from __future__ import annotations

import os
import tempfile
import time
import typing as t
from pathlib import Path

import click
from measure import BenchmarkFailed, Result, reported

from erp_sandbox.bill import seed as bill_seed
from erp_sandbox.world import World
from ml_connector.mapping.engine import MapEngine

SEED = 1

Record = t.Mapping[str, t.Any]


@click.command(help=__doc__)
@click.option("--bills", default=500, show_default=True, help="How many bills are mapped.")
@click.option("--lines", default=20, show_default=True, help="Lines of each.")
@click.option("--tries", default=3, show_default=True, help="The fastest of so many counts.")
@reported
def main(bills: int, lines: int, tries: int) -> list[Result]:
    """Mapping bills to documents: processor time per bill."""
    world = World.plain(SEED, bills=bills, lines=(lines, lines))
    with tempfile.TemporaryDirectory(prefix="ml-connector-bench-") as name:
        world.write_crosswalk(Path(name))
        known = Known(world)
        engine = MapEngine.load("tap-bill", target="workday", crosswalk_dir=name, references=known, links=known)
    records = [{**bill_seed.bill_record(SEED, plan), "organizationId": world.organization_id} for plan in world.plans()]
    load = os.getloadavg()[0]
    seconds = min(_map_all(engine, records) for _ in range(tries))
    return [Result(f"mapping a bill of {lines} lines", 1000 * seconds / bills, "ms", load=load)]


class Known:
    """Reference records of a world in memory; every vendor is known to be a supplier."""

    def __init__(self, world: World) -> None:
        self._records: dict[tuple[str, str], Record] = {
            (stream, record["id"]): record for stream, record in world.bill_records() if stream != "bills"
        }

    def get(self, instance: str, stream: str, id: str) -> Record | None:  # noqa: A002 - the name of the protocol
        """Return a record."""
        del instance
        return self._records.get((stream, id))

    def put(self, instance: str, stream: str, records: t.Mapping[str, Record]) -> None:
        """Remember records."""
        del instance
        self._records.update({(stream, key): record for key, record in records.items()})

    def linked(self, kind: str, source_instance: str, source_id: str) -> str | None:
        """Return the target's id of a thing."""
        del kind, source_instance
        return f"S-{source_id}"


def _map_all(engine: MapEngine, records: t.Sequence[Record]) -> float:
    began = time.process_time()
    mapped = [engine.map("bills", record) for record in records]
    seconds = time.process_time() - began
    if not all(one.document is not None and not one.reasons for one in mapped):
        raise BenchmarkFailed("a bill of the sandbox cannot be mapped")
    return seconds


if __name__ == "__main__":
    main()
