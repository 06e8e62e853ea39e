"""What a run puts on record beside its documents: changes of tables and settings, and the end of the audit."""

from __future__ import annotations

import json
import stat

import pytest
import sqlalchemy as sa
from delivering import run_over

from erp_sandbox import credentials
from ml_connector.errors import SettingInvalid
from ml_connector.ledger import proof
from ml_connector.ledger.schema import audit
from ml_connector.ledger.store import Ledger
from target_workday.target import TargetWorkday

CONFIG = {
    "base_url": "https://services.vendor.invalid",
    "tenant": credentials.WORKDAY_TENANT,
    "isu_username": credentials.WORKDAY_ISU_USERNAME,
    "isu_password": credentials.WORKDAY_ISU_PASSWORD,
    "transform": "tap-bill",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project's folder with one mapping table."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    table(tmp_path).parent.mkdir(parents=True)
    table(tmp_path).write_text("source,target\nV1,S-1\nV2,S-2\n", "utf-8")
    return tmp_path


def table(folder):
    """The mapping table of suppliers."""
    return folder / "transforms" / "crosswalk" / "bill-workday" / "suppliers.csv"


def run(**settings):
    """Run the target over nothing."""
    run_over(TargetWorkday(config={**CONFIG, **settings}), [])


def on_record(folder):
    """What the audit says was noticed, oldest first."""
    with Ledger(f"sqlite:///{folder}/.ml-connector/ledger.db") as ledger, ledger.read() as connection:
        rows = connection.execute(sa.select(audit).where(audit.c.action == "noticed").order_by(audit.c.seq))
        return [(row.outcome, json.loads(row.detail), row.run) for row in rows]


def test_a_changed_table_is_on_record_with_the_lines_that_went_and_came(project):
    """Who is paid hangs on it, and nobody tells us that it was edited."""
    run()
    before = on_record(project)
    assert any(
        outcome == "mapping table transforms/crosswalk/bill-workday/suppliers.csv is used for the first time"
        for outcome, _, _ in before
    )
    run()
    assert on_record(project) == before
    table(project).write_text("source,target\nV1,S-66\nV2,S-2\n", "utf-8")
    run()
    ((outcome, detail, run_id),) = on_record(project)[len(before) :]
    assert outcome.endswith("suppliers.csv has changed: 1 lines added, 1 removed")
    assert (detail["removed"], detail["added"]) == (["V1,S-1"], ["V1,S-66"])
    assert detail["before"] != detail["after"]
    assert run_id


def test_a_table_that_is_gone_is_on_record(project):
    """Taking a table away decides over documents as well."""
    run()
    before = on_record(project)
    table(project).unlink()
    run()
    ((outcome, _, _),) = on_record(project)[len(before) :]
    assert outcome.endswith("suppliers.csv is gone")


def test_a_changed_setting_is_on_record_and_a_secret_only_as_changed(project):
    """Of a password the audit says that it is another, and nothing else."""
    run()
    before = on_record(project)
    run(submit=False, isu_password="another-word")
    ((outcome, detail, _),) = on_record(project)[len(before) :]
    assert outcome.startswith("settings of target-workday tap-bill, workday:")
    assert "submit: False" in detail["added"]
    secret = [line for line in detail["added"] if line.startswith("isu_password: (secret)")]
    assert len(secret) == 1
    text = (project / ".ml-connector" / "ledger.db").read_bytes()
    assert b"another-word" not in text
    assert credentials.WORKDAY_ISU_PASSWORD.encode() not in text


def test_a_dry_run_puts_nothing_on_record(project):
    """It leaves no trace, whatever it saw."""
    run()
    before = on_record(project)
    table(project).write_text("source,target\nV1,S-66\n", "utf-8")
    run(dry_run=True)
    assert on_record(project) == before


@pytest.fixture
def keeper(project):
    """A program that keeps what it is given in ``kept.txt``."""
    path = project / "keep"
    path.write_text('#!/bin/sh\ncat >> "$1"\n', "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.parametrize("how", ["file", "command", "log"])
def test_the_end_of_the_audit_is_kept_elsewhere_after_each_run(project, keeper, how, caplog):
    """One line a run, which the chain can be compared with later."""
    caplog.set_level("INFO")
    kept = project / "kept.txt"
    place = {"file": f"file:{kept}", "command": f"command:{keeper} {kept}", "log": "log"}[how]
    run(audit_anchor=place)
    table(project).write_text("source,target\nV1,S-66\n", "utf-8")
    run(audit_anchor=place)
    lines = kept.read_text("utf-8").splitlines() if how != "log" else caplog.messages
    anchors = [anchor for line in lines if (anchor := proof.Anchor.parse(line)) is not None]
    assert len(anchors) == 2
    assert anchors[0].seq < anchors[1].seq
    with Ledger(f"sqlite:///{project}/.ml-connector/ledger.db") as ledger, ledger.read() as connection:
        assert proof.verify(connection, anchors=anchors).holds


def test_an_anchor_that_cannot_be_kept_is_told_and_stops_nothing(project, caplog):
    """Documents are delivered by then; whoever watches the log learns of it."""
    run(audit_anchor="command:false")
    run(audit_anchor=f"file:{project}")
    told = [record.message for record in caplog.records if "end of the audit was not kept" in record.message]
    assert len(told) == 2


@pytest.mark.parametrize("place", ["stdout", "file:", "command: ", "kept.txt"])
def test_a_place_for_anchors_that_is_none_is_refused(project, place):
    """Before anything is read, with the ways there are."""
    with pytest.raises(SettingInvalid, match=r"audit_anchor(.|\n)*file:"):
        _ = TargetWorkday(config={**CONFIG, "audit_anchor": place}).intake
