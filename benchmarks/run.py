"""Run the benchmarks, all or some, each in a process of its own; keep the results in results/latest.json.

Everything happens on this machine: the sandbox stands in for both systems. Options of a single benchmark, such as
other sizes, are options of its own script: python benchmarks/reading.py --help.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import click
from measure import machine

HERE = Path(__file__).resolve().parent
LATEST = HERE / "results" / "latest.json"

BENCHMARKS: t.Final[dict[str, tuple[str, ...]]] = {
    "reading": ("--bills", "300", "--latency", "0.01", "--tries", "1"),
    "reading_business_central": ("--vendors", "20", "--vendors", "60"),
    "delivering": ("--invoices", "20", "--long-invoices", "5", "--latency", "0.01", "--tries", "1"),
    "memory": ("--bills", "20", "--bills", "60", "--delivered", "5"),
    "ledger_growth": ("--rows", "1000", "--rows", "3000", "--new", "20", "--unchanged", "20", "--tries", "1"),
    "mapping": ("--bills", "20", "--tries", "1"),
    "meltano_overhead": ("--bills", "20", "--tries", "1"),
    "webhooks": ("--changes", "1"),
}
"""Each benchmark, and the sizes at which it only shows that it works."""


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--quick", is_flag=True, help="Tiny sizes: to see that the scripts work; the numbers mean nothing.")
@click.option(
    "--json",
    "kept",
    type=click.Path(dir_okay=False, path_type=Path),
    default=LATEST,
    help="Where the results are kept.  [default: benchmarks/results/latest.json]",
)
def main(names: tuple[str, ...], *, quick: bool, kept: Path) -> None:
    """Run benchmarks."""
    about = machine()
    print(", ".join(f"{name} {value}" for name, value in about.items()), flush=True)
    results = {name: _run(name, BENCHMARKS[name] if quick else ()) for name in names or BENCHMARKS}
    report = {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": about,
        "load": os.getloadavg(),
        "quick": quick,
        "results": results,
    }
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(report, indent=2) + "\n")


def _run(name: str, sizes: tuple[str, ...]) -> t.Any:
    with tempfile.TemporaryDirectory(prefix="ml-connector-bench-") as folder:
        results = Path(folder) / "results.json"
        command = [sys.executable, str(HERE / f"{name}.py"), *sizes, "--json", str(results)]
        if code := subprocess.run(command, check=False).returncode:
            sys.exit(code)
        return json.loads(results.read_text())


if __name__ == "__main__":
    main()
