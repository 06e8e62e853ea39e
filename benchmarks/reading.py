"""How long it takes to read many bills, against what the calls alone must take, and against a plain tap."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from measure import BenchmarkFailed, Ran, Result, best, program, reported, run, sandbox, workplace

PAGE_SIZE = 100
LINES = "1-3"
GOAL = 1.3
GOAL_PLAIN = 0.5


@click.command(help=__doc__)
@click.option("--bills", default=10_000, show_default=True, help="How many bills are read.")
@click.option("--latency", default=0.1, show_default=True, help="Seconds each call takes.")
@click.option("--tries", default=3, show_default=True, help="The fastest of so many counts.")
@reported
def main(bills: int, latency: float, tries: int) -> list[Result]:
    """Reading bills with tap-bill: wall time of the process."""
    pages = math.ceil(bills / PAGE_SIZE)
    results = []
    with workplace(bills=bills, lines=LINES) as folder, sandbox(bills=bills, lines=LINES, latency=latency) as box:
        catalog = folder / "catalog.json"
        output = folder / "bills.jsonl"
        choose_bills(folder, catalog)
        fastest = {}
        for concurrency in (2, 3):
            floor = pages * latency / concurrency
            settings = {**box.settings, "TAP_BILL_MAX_CONCURRENCY": str(concurrency)}
            command = [program("tap-bill"), "--config", "ENV", "--catalog", str(catalog)]

            def once(command: list[str] = command, settings: dict[str, str] = settings) -> Ran:
                ran = run(command, folder, settings, stdout=output)
                check_count(output, bills)
                return ran

            ran = fastest[concurrency] = best(once, tries=tries, enough=GOAL * floor)
            results.append(
                Result(
                    f"tap-bill, {bills:,} bills, {concurrency} calls at once",
                    ran.seconds,
                    "s",
                    f"floor: {pages} pages x {latency} s / {concurrency}",
                    floor,
                    GOAL if concurrency == 2 else None,
                    ran.load,
                    f"{ran.cpu:.2f} s of processor time",
                )
            )
        plain = best(lambda: _plain(folder, box.settings, output, bills), tries=tries)
    results.append(
        Result(
            "tap-bill, 2 calls at once",
            fastest[2].seconds,
            "s",
            "the plain tap",
            plain.seconds,
            GOAL_PLAIN,
            plain.load,
            f"plain tap: {plain.cpu:.2f} s of processor time",
        )
    )
    return results


def choose_bills(folder: Path, catalog: Path) -> None:
    """Write a catalog that selects bills only."""
    found = folder / "discovered.json"
    run([program("tap-bill"), "--discover"], folder, {}, stdout=found)
    streams = json.loads(found.read_text())
    for stream in streams["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["tap_stream_id"] == "bills"
    catalog.write_text(json.dumps(streams))


def check_count(output: Path, bills: int) -> None:
    """Refuse to measure a tap that does not give out every bill exactly once."""
    ids = set()
    count = 0
    with output.open("rb") as lines:
        for line in lines:
            message = json.loads(line)
            if message["type"] == "RECORD" and message["stream"] == "bills":
                count += 1
                ids.add(message["record"]["id"])
    if not count == len(ids) == bills:
        raise BenchmarkFailed(f"{bills} bills are there, {count} came out, {len(ids)} of them different")


def _plain(folder: Path, settings: Mapping[str, str], output: Path, bills: int) -> Ran:
    script = Path(__file__).with_name("plain_tap.py")
    ran = run([sys.executable, str(script), "--config", "ENV"], folder, settings, stdout=output)
    check_count(output, bills)
    return ran


if __name__ == "__main__":
    main()
