"""``ml-connector audit``: proving the record, keeping its end elsewhere, and what commands put on it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from ledger_bench import Bench
from ledger_doubles import bill

from ml_connector.actor import actor
from ml_connector.ledger.schema import audit, audit_head, entries
from ml_connector.ledger.store import Ledger


@pytest.fixture
def ledger(commands):
    """The ledger of the project, with two documents posted."""
    folder = commands.folder / ".ml-connector"
    folder.mkdir()
    bench = Bench(f"sqlite:///{folder / 'ledger.db'}")
    bench.take(bill("1"), bill("2"))
    bench.deliver()
    yield bench.ledger
    bench.ledger.close()


def steps(folder, action):
    """What the audit has of one action."""
    with Ledger(f"sqlite:///{folder}/.ml-connector/ledger.db") as ledger, ledger.read() as connection:
        return list(connection.execute(sa.select(audit).where(audit.c.action == action)))


def test_an_anchor_that_was_kept_proves_the_chain_later(commands, ledger, tmp_path):
    """As a line, as a bare hash, and as a file of lines among which others may be."""
    anchor = commands.run("audit", "anchor").strip()
    kept = tmp_path / "anchors.txt"
    kept.write_text(f"kept by cron\n{anchor} 2026-11-30T03:00:00Z\n", "utf-8")
    for expected in (anchor, anchor.split()[-1], str(kept)):
        assert commands.ask("audit", "verify", "--expect", expected)["anchors"] == 1
    assert "2 documents are as the audit says" in commands.run("audit", "verify")


def test_a_cut_chain_is_broken_by_the_anchor_alone(commands, ledger):
    """Without it the shorter chain is intact; with it the exit code is 3."""
    anchor = commands.run("audit", "anchor").strip()

    def cut(connection):
        last = connection.execute(sa.select(sa.func.max(audit.c.seq))).scalar()
        connection.execute(sa.delete(audit).where(audit.c.seq == last))
        connection.execute(
            sa.update(audit_head).values(
                seq=last - 1, hash=sa.select(audit.c.hash).where(audit.c.seq == last - 1).scalar_subquery()
            )
        )

    ledger.write(cut)
    commands.run("audit", "verify")
    said = commands.ask("audit", "verify", "--expect", anchor, code=3)
    assert said["intact"] is False
    assert "cut off" in said["why"]


def test_a_changed_document_is_no_intact_ledger(commands, ledger):
    """The chain holds and the document's row does not: exit code 3, and the line says which and how."""
    ledger.write(
        lambda connection: connection.execute(
            sa.update(entries).where(entries.c.source_id == "1").values(state="ignored")
        )
    )
    said = commands.ask("audit", "verify", code=3)
    assert said["intact"] is False
    assert "state is ignored, was posted" in said["differing"][0]


@pytest.mark.parametrize("expected", ["nothing-of-the-kind", f"ml-connector-audit 01OTHER 3 {'a' * 64}"])
def test_what_is_no_anchor_of_this_ledger_is_refused(commands, ledger, expected):
    """One line what, one line cure."""
    output = commands.run("audit", "verify", "--expect", expected, code=1)
    assert len(output.strip().splitlines()) == 2


def test_a_new_key_goes_before_the_old_one(commands, ledger, tmp_path):
    """With both in the file all stays proved."""
    path = Path(os.environ["ML_CONNECTOR_AUDIT_KEY_FILE"])
    path.write_text(f"{Fernet.generate_key().decode()}\n{path.read_text('utf-8')}", "utf-8")
    commands.run("audit", "new-key")
    said = commands.ask("audit", "verify")
    assert said["keys_not_here"] == {}
    assert said["sealed"] == said["entries"]


def test_vault_commands_are_on_record(commands, ledger):
    """Which settings of which entry were set or taken out, never a value."""
    commands.env["ML_CONNECTOR_KEY_FILE"] = str(commands.folder / "vault.key")
    commands.run("vault", "init")
    commands.env["TARGET_BILL_PASSWORD"] = "not-to-be-seen"
    commands.run("vault", "set", "bill-prod", "--from-env", "target-bill")
    commands.run("vault", "rm", "bill-prod", "--yes")
    made, set_, removed = steps(commands.folder, "vault")
    assert "was made" in made.outcome
    assert set_.outcome == 'credentials "bill-prod" were set: password'
    assert "taken out" in removed.outcome
    assert "not-to-be-seen" not in json.dumps([row.detail for row in (made, set_, removed)])


def test_the_actor_is_who_the_system_says_it_is(monkeypatch):
    """A variable anybody can set names nobody; sudo's own is told as what it is."""
    for name in ("USER", "LOGNAME", "USERNAME", "LNAME"):
        monkeypatch.setenv(name, "the-auditor")
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert "the-auditor" not in actor()
    assert f"uid {os.getuid()}" in actor()
    monkeypatch.setenv("SUDO_USER", "kim")
    assert "SUDO_USER kim" in actor("target-workday 1.0")
