"""What it costs to let Meltano run tap and target, against a plain pipe of the two."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import click
from measure import BenchmarkFailed, Ran, Result, SandboxProcess, best, program, reported, run, sandbox, workplace

LINES = "1-3"
PROJECT = Path(__file__).resolve().parent.parent


@click.command(help=__doc__)
@click.option("--bills", default=500, show_default=True, help="How many bills are moved.")
@click.option("--tries", default=2, show_default=True, help="The fastest of so many counts.")
@reported
def main(bills: int, tries: int) -> list[Result]:
    """Moving bills with `meltano run`: wall time, calls that answer at once."""
    pipe = f"{shlex.quote(program('tap-bill'))} --config ENV | {shlex.quote(program('target-workday'))} --config ENV"
    meltano = [program("meltano"), "run", "--full-refresh", "tap-bill", "target-workday"]
    with workplace(bills=bills, lines=LINES) as folder, sandbox(bills=bills, lines=LINES) as box:
        shutil.copy(PROJECT / "meltano.yml", folder)
        shutil.copytree(PROJECT / "plugins", folder / "plugins")
        # The first run of a project also makes Meltano's own database.
        _moved(folder, box, meltano)
        through_meltano = best(lambda: _moved(folder, box, meltano), tries=tries)
        plain = best(lambda: _moved(folder, box, ["sh", "-c", pipe]), tries=tries)
    return [
        Result(
            f"meltano run, {bills:,} bills",
            through_meltano.seconds,
            "s",
            "tap-bill | target-workday",
            plain.seconds,
            load=through_meltano.load,
            note=f"{through_meltano.seconds - plain.seconds:.1f} s more",
        )
    ]


def _moved(folder: Path, box: SandboxProcess, command: list[str]) -> Ran:
    shutil.rmtree(folder / ".ml-connector", ignore_errors=True)
    box.reset()
    ran = run(command, folder, box.settings)
    if not box.everything_posted():
        raise BenchmarkFailed(f"not everything was posted:\n{ran.log}")
    return ran


if __name__ == "__main__":
    main()
