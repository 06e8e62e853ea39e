"""meltano.yml works in Meltano as it is."""

from __future__ import annotations

import filecmp
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
    shutil.copytree(ROOT / "plugins", folder / "plugins")
    return folder


@pytest.fixture
def meltano(programs):
    """Runs Meltano with the plugins of this environment and no other settings, as a new user would."""

    def run(project, *args, **settings):
        home = project.parent / "home"
        home.mkdir(exist_ok=True)
        path = os.pathsep.join([str(programs), str(BIN), os.defpath])
        return subprocess.run(
            [str(programs / "meltano"), *args],
            cwd=project,
            env={"PATH": path, "HOME": str(home), "NO_COLOR": "1", **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


@pytest.mark.parametrize(
    "args",
    [
        ("compile", "--lint"),
        ("run", "--dry-run", "bills-to-workday"),
        ("run", "--dry-run", "vendors-both-ways"),
        ("run", "--dry-run", "business-central-to-bill", "payments-to-business-central"),
        ("run", "--dry-run", "tap-bill", "map-finance-bill", "target-workday"),
        ("config", "print", "target-workday"),
        ("config", "list", "tap-workday"),
        ("install",),
        ("invoke", "tap-bill", "--about"),
        ("invoke", "ml-connector:status", "--help"),
    ],
    ids=" ".join,
)
def test_meltano_takes_the_project_as_it_is(project, args, meltano):
    """Ordinary commands work without any setting, and none of them changes meltano.yml."""
    done = meltano(project, *args)
    assert done.returncode == 0, done.stderr
    assert (project / "meltano.yml").read_text("utf-8") == (ROOT / "meltano.yml").read_text("utf-8")
    assert not filecmp.dircmp(project / "plugins", ROOT / "plugins").diff_files


def test_nothing_is_left_in_the_home_directory_but_logs(project, meltano):
    """Meltano keeps its state inside the project."""
    assert meltano(project, "state", "list").returncode == 0
    left = {path.relative_to(project.parent / "home").parts[:2] for path in (project.parent / "home").rglob("*")}
    assert left <= {(".local",), (".local", "state"), (".cache",)}


def test_the_schedules_are_complete(project, meltano):
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


def test_a_project_of_ones_own_gets_the_definitions(tmp_path, project, meltano):
    """Without them Meltano asks its hub, which has other plugins of that name; `ml-connector plugins` brings them."""
    own = project.parent / "own"
    own.mkdir()
    (own / "meltano.yml").write_text(
        "requires_meltano: '>=4.4'\ndefault_environment: dev\nenvironments: [{name: dev}]\nproject_id: 5b0d1c5e-6a7b-4b0e-9f53-7a1c0f6f4d21\nplugins:\n"
        "  extractors: [{name: tap-bill, variant: ml-connector}]\n"
        "  loaders: [{name: target-workday, variant: ml-connector}]\n",
        "utf-8",
    )
    nowhere = {"MELTANO_HUB_URL": "http://127.0.0.1:9"}
    assert meltano(own, "run", "--dry-run", "tap-bill", "target-workday", **nowhere).returncode != 0
    done = subprocess.run(
        [str(BIN / "ml-connector"), "plugins"], cwd=own, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "plugins/extractors/tap-bill--ml-connector.lock written" in done.stdout
    done = meltano(own, "run", "--dry-run", "tap-bill", "target-workday", **nowhere)
    assert done.returncode == 0, done.stderr


def test_meltano_shows_no_secret(project, meltano):
    """What the definitions call sensitive is not printed; the ledger's address is one, its password stands in it."""
    secrets = {"TAP_BILL_DEV_KEY": "hush-1", "TAP_BILL_PASSWORD": "hush-2"}
    done = meltano(project, "config", "print", "tap-bill", **secrets)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["dev_key"]
    assert "hush" not in done.stdout + done.stderr
