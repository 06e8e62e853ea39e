"""What a dry run would hold can be listed afterwards, and nothing of it is in the ledger."""

from __future__ import annotations

import json
from decimal import Decimal

import bill_documents
import pytest
from click.testing import CliRunner

from erp_sandbox.world import World
from ml_connector.cli import main
from ml_connector.ledger import dry_runs, queries
from ml_connector.ledger.store import DEFAULT_URL, Ledger


@pytest.fixture
def box(sandbox, tmp_path, monkeypatch):
    """An organization; the project is a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
    return sandbox(World.plain(vendors=3, bills=0, lines=(1, 1)))


def ask(*words, code=0):
    """Call ml-connector; return what it says."""
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def listed():
    """Return what the dry run would hold, by number."""
    return {row["number"]: row for row in json.loads(ask("held", "--dry-run", "--json"))}


GOOD = bill_documents.invoice("1")
STRANGER = bill_documents.invoice("2", supplier="00901NOBODY", supplier_number="R-2")
UNBALANCED = bill_documents.invoice("3", supplier_number="R-3").model_copy(update={"total": Decimal(1)})


def dry(box, *documents):
    """Let the target do a dry run."""
    return bill_documents.deliver(box, *documents, dry_run=True)


def test_what_would_be_held_is_listed_with_reason_and_cure(box):
    """With the dry run's id, its pipeline and when it was; the ledger knows nothing of the documents."""
    counts = dry(box, GOOD, STRANGER, UNBALANCED)
    assert counts["supplier_invoices"] == {"created": 1, "held": 2}
    found = listed()
    assert sorted(found) == sorted([STRANGER.number, UNBALANCED.number])
    (reason,) = found[STRANGER.number]["reasons"]
    assert "00901NOBODY" in reason["what"]
    assert reason["cure"]
    (known,) = dry_runs.kept()
    assert {row["dry_run"] for row in found.values()} == {known.run}
    told = ask("held", "--dry-run")
    assert f"dry run {known.run}, documents -> {known.target}, just now: 2 held" in told
    assert f"USD {STRANGER.total:,f}" in told
    assert ask("held").strip() == "nothing is held"
    with Ledger(DEFAULT_URL) as ledger, ledger.read() as connection:
        assert queries.states(connection) == []


def test_the_next_dry_run_takes_its_place(box):
    """Only the newest one to a target counts."""
    dry(box, STRANGER)
    dry(box, GOOD)
    assert listed() == {}
    assert ": 0 held" in ask("held", "--dry-run")


def test_a_real_run_leaves_it_as_it_is(box):
    """It is what the dry run said."""
    dry(box, STRANGER)
    bill_documents.deliver(box, GOOD)
    assert list(listed()) == [STRANGER.number]


def test_what_the_ledger_holds_already_is_among_it(box):
    """Since the dry run has looked at it again; what a person has settled is not."""
    bill_documents.deliver(box, STRANGER)
    dry(box)
    assert list(listed()) == []  # neither a map nor a document: nothing was looked at
    dry(box, STRANGER, UNBALANCED)
    assert sorted(listed()) == sorted([STRANGER.number, UNBALANCED.number])
    assert [row["number"] for row in json.loads(ask("held", "--json"))] == [STRANGER.number]


def test_it_can_be_narrowed_and_grouped(box):
    """By what holds it, and by reason, as what is held for good."""
    dry(box, STRANGER, UNBALANCED)
    (row,) = json.loads(ask("held", "--dry-run", "--held-by", "unbalanced", "--json"))
    assert row["number"] == UNBALANCED.number
    grouped = json.loads(ask("held", "--dry-run", "--by-reason", "--json"))
    assert sorted(each["first"] for each in grouped) == sorted([STRANGER.number, UNBALANCED.number])
    ask("held", "--dry-run", "--fail", code=3)


def test_lines_that_are_no_records_are_among_it(box, tmp_path):
    """They would be held as well."""
    run = bill_documents.TargetBill(config=bill_documents.config_for(box, dry_run=True))
    source = tmp_path / "input"
    source.write_text('{"type": "RECORD", "stream"\n', "utf-8")
    with source.open(encoding="utf-8") as lines:
        run.listen(lines)
    (row,) = json.loads(ask("held", "--dry-run", "--json"))
    assert row["kind"] == "unreadable_lines"


def test_without_a_dry_run_it_says_how_to_make_one(box):
    """One line what, one line cure."""
    told = ask("held", "--dry-run", code=1)
    assert "no dry run is on record in this project" in told
    assert "DRY_RUN=true" in told


def test_what_was_kept_and_is_damaged_is_told(box, tmp_path):
    """With the file and what to do."""
    dry(box, STRANGER)
    (path,) = (tmp_path / ".ml-connector" / "dry-runs").glob("*.json")
    path.write_text("{", "utf-8")
    told = ask("held", "--dry-run", code=1)
    assert f"{path.name} cannot be read" in told
    assert "the next dry run makes another" in told


def test_it_is_its_owners_alone(box, tmp_path):
    """Vendors and amounts stand in it."""
    dry(box, STRANGER)
    (path,) = (tmp_path / ".ml-connector" / "dry-runs").glob("*.json")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_that_it_cannot_be_kept_stops_nothing(box, tmp_path, caplog):
    """The run has said it all by then."""
    (tmp_path / ".ml-connector").mkdir(0o700)
    (tmp_path / ".ml-connector" / "dry-runs").write_text("", "utf-8")
    with caplog.at_level("WARNING"):
        assert dry(box, STRANGER)["supplier_invoices"] == {"held": 1}
    assert "cannot be listed afterwards" in caplog.text


def test_what_is_kept_is_what_held_tells(box):
    """The same fields as of a document the ledger holds, as far as a dry run has them."""
    bill_documents.deliver(box, STRANGER)
    (real,) = json.loads(ask("held", "--json"))
    dry(box, STRANGER)
    (would,) = listed().values()
    assert {name: would[name] for name in ("kind", "number", "source_id", "vendor", "currency", "amount", "date")} == {
        name: real[name] for name in ("kind", "number", "source_id", "vendor", "currency", "amount", "date")
    }
    assert would["reasons"] == real["reasons"]
