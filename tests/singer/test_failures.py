"""A tap that fails is remembered and told, until it comes to its end."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from erp_sandbox import credentials
from erp_sandbox.world import World
from ml_connector.cli import main
from ml_connector.singer import failures
from tap_bill.tap import TapBill

REFUSED = {"password": "wrong"}
DOWN = {"base_url": "http://127.0.0.1:9"}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of Meltano's; it and the state of the machine are the test's own."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path / "state"))
    for name in ("MELTANO_EXTRACTOR_NAME", "MELTANO_ENVIRONMENT", "ML_CONNECTOR_LEDGER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tap(project, sandbox):
    """Run tap-bill as its command does; returns its exit code."""
    box = sandbox(World.plain(vendors=1, bills=1))

    def run(*words, code, **changes):
        config = {
            "base_url": box.bill_base_url,
            "dev_key": credentials.BILL_DEV_KEY,
            "username": credentials.BILL_SYNC_TOKEN_NAME,
            "password": credentials.BILL_SYNC_TOKEN_VALUE,
            "organization_id": credentials.BILL_ORGANIZATION_ID,
            **changes,
        }
        (project / "config.json").write_text(json.dumps(config), "utf-8")
        result = CliRunner().invoke(TapBill.cli, ["--config", str(project / "config.json"), *words])
        assert result.exit_code == code, result.output
        return result

    return run


def status(*words):
    """What ml-connector status says."""
    result = CliRunner().invoke(main, ["status", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_refused_credentials_are_told_by_status(tap):
    """Who, when, why in one line, and what to do; also where no run has made a ledger yet."""
    tap(code=1, **REFUSED)
    lines = status().splitlines()
    at = lines.index("tap-bill failed just now: BILL answered POST /v3/login (BDC_1101): Invalid username or password.")
    assert lines[at + 1].startswith("  Check that dev_key, username, password and organization_id")
    (told,) = json.loads(status("--json"))["taps"]
    assert (told["plugin"], told["times"]) == ("tap-bill", 1)
    assert "tap-bill as " in told["by"]
    assert "wrong" not in json.dumps(told)


@pytest.mark.parametrize(
    "changes", [REFUSED, {"organization_id": None}, {"start_date": "2999-01-01T00:00:00Z"}], ids=str
)
def test_whatever_ends_it_is_remembered(tap, changes):
    """Credentials, a setting that is missing, one that is wrong."""
    tap(code=1, **changes)
    (known,) = failures.known()
    assert known.what
    assert known.cure
    assert "\n" not in known.what + known.cure
    assert not known.what.startswith("tap-bill")


def test_an_error_nobody_foresaw_is_remembered_by_its_name(tap, monkeypatch):
    """What it says may hold anything; the log has it."""

    def fail(self):
        raise KeyError("secret")

    monkeypatch.setattr(TapBill, "sync_all", fail)
    tap(code=1)
    (known,) = failures.known()
    assert known.what == "unexpected error (KeyError)."


def test_failures_in_a_row_are_counted(tap):
    """Since when, and how often."""
    tap(code=1, **REFUSED)
    tap(code=1, **REFUSED)
    (known,) = failures.known()
    assert (known.times, known.since < known.at) == (2, True)
    assert ", 2 times since " in status()


def test_a_later_success_ends_it(tap):
    """Nothing is left to tell; what is only asked of the tap is no success."""
    tap(code=1, **REFUSED)
    tap("--discover", code=0)
    assert len(failures.known()) == 1
    tap(code=0)
    assert failures.known() == []


def test_who_stops_reading_is_not_its_failure(tap, monkeypatch):
    """The target's own record says why."""

    def fail(self):
        raise BrokenPipeError

    monkeypatch.setattr(TapBill, "sync_all", fail)
    tap(code=1)
    assert failures.known() == []


def test_each_tap_and_environment_is_remembered_by_itself(tap, monkeypatch):
    """An inheriting tap by the name Meltano has for it."""
    tap(code=1, **REFUSED)
    monkeypatch.setenv("MELTANO_EXTRACTOR_NAME", "tap-bill--acme")
    monkeypatch.setenv("MELTANO_ENVIRONMENT", "prod")
    tap(code=1, **REFUSED)
    assert [(each.plugin, each.environment) for each in failures.known()] == [
        ("tap-bill--acme", "prod"),
        ("tap-bill", ""),
    ]
    assert "tap-bill--acme failed just now in environment prod: " in status()
    tap(code=0)
    assert [each.plugin for each in failures.known()] == ["tap-bill"]


def test_outside_a_project_nothing_is_left_behind(tap, project, monkeypatch):
    """A tap may be used with other targets, in any folder."""
    monkeypatch.delenv("MELTANO_PROJECT_ROOT")
    tap(code=1, **REFUSED)
    assert not (project / ".ml-connector").exists()
    (project / ".ml-connector").mkdir()
    tap(code=1, **REFUSED)
    assert len(failures.known()) == 1


def test_a_file_that_is_damaged_says_nothing(tap, project):
    """The next run of the tap mends it."""
    tap(code=1, **REFUSED)
    (path,) = (project / ".ml-connector" / "taps").glob("*.json")
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("{", "utf-8")
    assert failures.known() == []
    tap(code=1, **REFUSED)
    assert [each.times for each in failures.known()] == [1]
