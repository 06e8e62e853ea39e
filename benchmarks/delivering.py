"""How long it takes to deliver many invoices to Workday, against what the calls alone must take."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
from measure import BenchmarkFailed, Ran, Result, SandboxProcess, best, program, reported, run, sandbox, workplace

CONCURRENCY = 2
GOAL = 1.3


@click.command(help=__doc__)
@click.option("--invoices", default=1000, show_default=True, help="How many invoices of 1 to 5 lines.")
@click.option("--long-invoices", default=500, show_default=True, help="How many invoices of 40 lines.")
@click.option("--latency", default=0.1, show_default=True, help="Seconds each call takes.")
@click.option("--tries", default=2, show_default=True, help="The fastest of so many counts.")
@reported
def main(invoices: int, long_invoices: int, latency: float, tries: int) -> list[Result]:
    """Delivering invoices with target-workday: wall time of the process, from an empty ledger."""
    return [_deliver(count, lines, latency, tries) for count, lines in ((invoices, "1-5"), (long_invoices, "40"))]


def prepared(folder: Path, bills: int, lines: str) -> Path:
    """Return the output of tap-bill for a world, with all the streams it reads by itself."""
    output = folder / "bills.jsonl"
    with sandbox(bills=bills, lines=lines) as box:
        run([program("tap-bill"), "--config", "ENV"], folder, box.settings, stdout=output)
    return output


def delivered(folder: Path, box: SandboxProcess, output: Path, count: int) -> Ran:
    """Run target-workday with an empty ledger and an empty tenant; see that it posts everything."""
    shutil.rmtree(folder / ".ml-connector", ignore_errors=True)
    box.reset()
    ran = run([program("target-workday"), "--config", "ENV"], folder, box.settings, stdin=output)
    if box.submitted() != count or not box.everything_posted():
        raise BenchmarkFailed(f"{count} invoices were to be posted, {box.submitted()} were sent:\n{ran.log}")
    return ran


def _deliver(count: int, lines: str, latency: float, tries: int) -> Result:
    floor = count * latency / CONCURRENCY
    with workplace(bills=count, lines=lines) as folder:
        output = prepared(folder, count, lines)
        with sandbox(bills=count, lines=lines, latency=latency) as box:
            ran = best(lambda: delivered(folder, box, output, count), tries=tries, enough=GOAL * floor)
    return Result(
        f"target-workday, {count:,} invoices of {lines} lines, {CONCURRENCY} calls at once",
        ran.seconds,
        "s",
        f"floor: {count:,} documents x {latency} s / {CONCURRENCY}",
        floor,
        GOAL,
        ran.load,
        f"{ran.cpu:.1f} s of processor time",
    )


if __name__ == "__main__":
    main()
