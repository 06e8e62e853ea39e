"""How much memory tap and target hold at their peak, against what they hold for a thousand bills."""

from __future__ import annotations

from pathlib import Path

import click
from measure import BenchmarkFailed, Ran, Result, SandboxProcess, program, reported, run, sandbox, workplace

LINES = "1-3"
GOAL = 1.5


@click.command(help=__doc__)
@click.option("--bills", multiple=True, type=int, default=(1_000, 10_000, 100_000), show_default=True)
@click.option("--delivered", default=1000, show_default=True, help="How many of them the target posts.")
@reported
def main(bills: tuple[int, ...], delivered: int) -> list[Result]:
    """Peak memory of tap-bill and target-workday: it must not grow with the number of bills."""
    peaks: dict[str, list[tuple[int, Ran]]] = {"tap-bill": [], "target-workday": []}
    for count in sorted(bills):
        with workplace(bills=count, lines=LINES) as folder, sandbox(bills=count, lines=LINES) as box:
            output = folder / "bills.jsonl"
            tap = run([program("tap-bill"), "--config", "ENV"], folder, box.settings, stdout=output)
            peaks["tap-bill"].append((count, tap))
            peaks["target-workday"].append((count, _take_in(folder, box, output, delivered)))
    return [result for name, runs in peaks.items() for result in _compared(name, runs, delivered)]


def _take_in(folder: Path, box: SandboxProcess, output: Path, delivered: int) -> Ran:
    """Let the target take in everything and deliver a part, then ask it to stop: posting it all takes too long."""

    def enough() -> bool:
        return box.submitted() >= delivered

    command = [program("target-workday"), "--config", "ENV"]
    ran = run(command, folder, box.settings, stdin=output, stop_when=enough)
    if not enough():
        raise BenchmarkFailed(f"the target posted {box.submitted()} documents:\n{ran.log}")
    return ran


def _compared(name: str, runs: list[tuple[int, Ran]], delivered: int) -> list[Result]:
    (fewest, least), *others = runs
    base = f"{name}, {fewest:,} bills"
    results = [Result(base, least.peak, "MiB", load=least.load, note=f"{least.seconds:.1f} s")]
    for count, ran in others:
        part = f", of which {delivered:,} are posted" if name.startswith("target") else ""
        what = f"{name}, {count:,} bills{part}"
        note = f"{ran.seconds:.1f} s, {ran.cpu:.1f} s of processor time"
        results.append(Result(what, ran.peak, "MiB", base, least.peak, GOAL, ran.load, note))
    return results


if __name__ == "__main__":
    main()
