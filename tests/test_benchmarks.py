"""The benchmarks run; what they measure is looked at by people, never asserted here."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
NAMES = sorted(
    path.stem for path in BENCHMARKS.glob("*.py") if "@reported" in path.read_text("utf-8") and path.stem != "measure"
)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_runs_and_gives_its_results(name, tmp_path):
    """Each script does at tiny sizes what it does at full ones, and keeps rows with values."""
    kept = tmp_path / "results.json"
    ran = subprocess.run(
        [sys.executable, str(BENCHMARKS / "run.py"), name, "--quick", "--json", str(kept)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    results = json.loads(kept.read_text("utf-8"))["results"][name]
    assert results
    assert all(result["value"] > 0 for result in results)


def test_every_benchmark_is_part_of_the_whole(monkeypatch):
    """The scripts that measure are exactly those that run.py runs."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    assert sorted(runpy.run_path(str(BENCHMARKS / "run.py"))["BENCHMARKS"]) == NAMES
