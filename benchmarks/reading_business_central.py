"""What reading vendors of Business Central costs in calls and memory, for ever more of them."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import click
from measure import BenchmarkFailed, Ran, Result, program, reported, run

VENDORS_PER_PAGE = 1000
"""Vendors come with their dimensions, and such rows at most so many at a time."""
BESIDE_THE_PAGES = 2
"""The token, and the list of companies."""
GOAL_MEMORY = 1.5
GOAL_CALLS = 1.0


@click.command(help=__doc__)
@click.option("--vendors", multiple=True, type=int, default=(1_000, 100_000), show_default=True)
@reported
def main(vendors: tuple[int, ...]) -> list[Result]:
    """Reading vendors with tap-business-central: calls against pages, memory against fewer vendors."""
    read = [_read(count) for count in sorted(vendors)]
    fewest, _, _, least = read[0]
    results = []
    for asked, count, calls, ran in read:
        what = f"tap-business-central, {asked:,} vendors"
        pages = math.ceil(count / VENDORS_PER_PAGE) + BESIDE_THE_PAGES
        against = "pages, the list of companies and the token"
        results.append(Result(f"{what}: calls", calls, "calls", against, pages, GOAL_CALLS, ran.load))
        base = None if ran is least else least.peak
        against = "" if ran is least else f"{fewest:,} vendors"
        note = (
            f"{ran.seconds:.1f} s, {ran.cpu:.1f} s of processor time, {count / ran.cpu:,.0f} vendors per second of it"
        )
        goal = GOAL_MEMORY if base else None
        results.append(Result(f"{what}: memory", ran.peak, "MiB", against, base, goal, ran.load, note))
    return results


def _read(vendors: int) -> tuple[int, int, int, Ran]:
    """Read a sandbox with so many vendors: the number asked for, all there are, calls, and how the tap fared."""
    with tempfile.TemporaryDirectory(prefix="ml-connector-bench-") as name, _serving(vendors) as (settings, calls):
        folder = Path(name)
        catalog, output = folder / "catalog.json", folder / "vendors.jsonl"
        _choose_vendors(folder, catalog)
        calls()
        ran = run(
            [program("tap-business-central"), "--config", "ENV", "--catalog", str(catalog)],
            folder,
            settings,
            stdout=output,
        )
        with output.open("rb") as lines:
            count = sum(line.startswith(b'{"type":"RECORD"') for line in lines)
        if count < vendors:
            raise BenchmarkFailed(f"{count} of {vendors} vendors were read:\n{ran.log}")
        return vendors, count, calls(), ran


def _choose_vendors(folder: Path, catalog: Path) -> None:
    found = folder / "discovered.json"
    run([program("tap-business-central"), "--discover"], folder, {}, stdout=found)
    streams = json.loads(found.read_text())
    for stream in streams["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["stream"] == "vendors"
    catalog.write_text(json.dumps(streams))


@contextlib.contextmanager
def _serving(vendors: int) -> t.Iterator[tuple[dict[str, str], t.Callable[[], int]]]:
    """Run a sandbox in a process of its own; yield its settings, and what tells the calls since it was asked last."""
    script = Path(__file__).with_name("vendors_sandbox.py")
    command = [sys.executable, str(script), "--vendors", str(vendors)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        said, asked = t.cast("t.TextIO", process.stdout), t.cast("t.TextIO", process.stdin)

        def calls() -> int:
            asked.write("calls\n")
            return int(said.readline())

        settings: dict[str, str] = {}
        for line in said:
            if line.startswith("sandbox:"):
                break
            name, _, value = line.rstrip("\n").partition("=")
            settings[name] = value
        else:
            raise BenchmarkFailed("the sandbox did not start")
        try:
            yield settings, calls
        finally:
            asked.close()


if __name__ == "__main__":
    main()
