"""meltano.yml works in Meltano as it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


@pytest.fixture
def project(tmp_path):
    """A copy of the Meltano project in a folder whose name has a space."""
    folder = tmp_path / "a project"
    folder.mkdir()
    shutil.copy(ROOT / "meltano.yml", folder)
    return folder


def meltano(project, *args):
    """Run Meltano with the plugins of this environment and no other settings, as a new user would."""
    home = project.parent / "home"
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [str(BIN / "meltano"), *args],
        cwd=project,
        env={"PATH": f"{BIN}{os.pathsep}{os.defpath}", "HOME": str(home), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "args",
    [
        ("compile", "--lint"),
        ("run", "--dry-run", "bills-to-workday"),
        ("run", "--dry-run", "vendors-both-ways"),
        ("run", "--dry-run", "business-central-to-bill", "payments-to-business-central"),
        ("run", "--dry-run", "tap-bill", "map-finance-bill", "target-workday"),
        ("config", "print", "target-workday"),
        ("invoke", "tap-bill", "--about"),
        ("invoke", "ml-connector:status", "--help"),
    ],
    ids=" ".join,
)
def test_meltano_takes_the_project_as_it_is(project, args):
    """Ordinary commands work without any setting, and none of them changes meltano.yml."""
    done = meltano(project, *args)
    assert done.returncode == 0, done.stderr
    assert (project / "meltano.yml").read_text("utf-8") == (ROOT / "meltano.yml").read_text("utf-8")


def test_nothing_is_left_in_the_home_directory_but_logs(project):
    """Meltano keeps its state inside the project."""
    assert meltano(project, "state", "list").returncode == 0
    left = {path.relative_to(project.parent / "home").parts[:2] for path in (project.parent / "home").rglob("*")}
    assert left <= {(".local",), (".local", "state"), (".cache",)}


def test_the_schedules_are_complete(project):
    """The hourly run follows the bookmarks; the nightly sweep reads everything again."""
    listed = json.loads(meltano(project, "schedule", "list", "--format=json").stdout)["schedules"]["job"]
    by_name = {each["name"]: each for each in listed}
    assert by_name["bills-to-workday-hourly"]["cron_interval"] == "0 * * * *"
    assert by_name["bills-to-workday-hourly"]["env"] == {}
    assert by_name["bills-to-workday-sweep"]["env"] == {"MELTANO_RUN_FULL_REFRESH": "true"}
    assert by_name["vendors-both-ways-hourly"]["cron_interval"] == "45 * * * *"
    assert {each["job"]["name"]: each["job"]["tasks"] for each in listed} == {
        "bills-to-workday": ["tap-bill target-workday"],
        "vendors-both-ways": ["tap-bill--vendors target-workday", "tap-workday--suppliers target-bill"],
        "business-central-to-bill": ["tap-business-central--invoices target-bill"],
        "payments-to-business-central": ["tap-bill--payments target-business-central"],
    }
