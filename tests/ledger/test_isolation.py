"""A document nothing can be done with holds itself: a fault of ours, a damaged row, a question that is refused."""

from __future__ import annotations

import dataclasses
import logging

import pytest
import sqlalchemy as sa
from ledger_bench import FAST
from ledger_doubles import bill
from sqlalchemy.exc import OperationalError

from ml_connector import defects
from ml_connector.errors import CannotBeSent, Rejected, SettingInvalid
from ml_connector.ledger import audit, proof
from ml_connector.ledger.entries import read
from ml_connector.ledger.outcomes import outcomes
from ml_connector.ledger.queries import find, held
from ml_connector.ledger.schema import entries

DRY = dataclasses.replace(FAST, dry_run=True)


def failing(function, *, on, error):
    """Return the function, raising an error for one document."""

    def replaced(document, *rest):
        if document.external_id == f"BILL-{on}":
            raise error
        return function(document, *rest)

    return replaced


@pytest.fixture
def three(bench):
    """A bench with three bills taken in."""
    bench.take(bill("1"), bill("2"), bill("3"))
    return bench


STEPS = ["check", "compose", "create"]


@pytest.mark.parametrize("error", [KeyError("vendors"), ZeroDivisionError(), RecursionError("deep")])
@pytest.mark.parametrize("step", STEPS)
def test_a_fault_of_ours_holds_one_document(three, monkeypatch, step, error):
    """It is held with a number to quote, the others go out, and the run's account names the number."""
    monkeypatch.setattr(three.invoices, step, failing(getattr(three.invoices, step), on="2", error=error))
    assert three.deliver() == {"created": 2, "held": 1}
    entry = three.entry("2")
    (reason,) = entry.reasons
    assert (entry.state, entry.uncertain, reason.code) == ("held", step == "create", "defect")
    assert three.last.summary.defects == {reason.value}
    assert f"number {reason.value}" in reason.what
    assert ("may or may not have reached Test" in reason.what) is (step == "create")


@pytest.mark.parametrize("arrived", [True, False])
def test_a_fault_after_the_write_ahead_is_looked_up_first(three, monkeypatch, arrived):
    """Whether it had reached the target is asked before anything is sent again: nothing is posted twice."""
    original = three.invoices.create

    def create(document):
        if arrived or document.external_id != "BILL-2":
            original(document)
        if document.external_id == "BILL-2":
            raise KeyError("answer")
        return dataclasses.replace(original_answer(document))

    def original_answer(document):
        from ml_connector.delivery.sink import Delivered

        return Delivered(f"wid-{document.external_id}", document.external_id)

    monkeypatch.setattr(three.invoices, "create", create)
    three.deliver()
    monkeypatch.setattr(three.invoices, "create", original)
    assert three.deliver() == {"created": 1}
    assert three.target.finds == ["BILL-2"]
    assert sorted(three.target.writes) == [("create", f"BILL-{number}") for number in (1, 2, 3)]


@pytest.mark.parametrize("step", ["check", "compose"])
def test_a_dry_run_finds_the_same_faults(three, monkeypatch, step):
    """What cannot be checked or built is told by a dry run as well."""
    monkeypatch.setattr(three.invoices, step, failing(getattr(three.invoices, step), on="2", error=KeyError("x")))
    assert three.deliver(DRY) == {"created": 2, "held": 1}


def test_a_mended_fault_lets_its_document_go(three, monkeypatch):
    """Each run tries again what a fault of ours holds: a later version of ml-connector delivers it by itself."""
    with monkeypatch.context() as patch:
        patch.setattr(three.invoices, "check", failing(three.invoices.check, on="2", error=KeyError("x")))
        three.deliver()
    assert three.deliver() == {"created": 1}


def test_the_same_fault_has_the_same_number(three, monkeypatch, caplog):
    """Documents that one fault holds stand together; no traceback is printed, the way it came about is in a file."""
    caplog.set_level(logging.INFO)

    def check(document):
        raise KeyError("PLANTED " + document.number)

    monkeypatch.setattr(three.invoices, "check", check)
    assert three.deliver() == {"held": 3}
    (number,) = three.last.summary.defects
    text = (defects.folder() / f"{number}.txt").read_text("utf-8")
    assert "in check" in text
    assert "KeyError" in text
    assert [each for each in caplog.records if each.exc_info] == []
    assert "Traceback" not in caplog.text
    assert len([each for each in caplog.messages if number in each]) == 3
    assert (defects.folder() / f"{number}.txt").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "error",
    [
        SettingInvalid("a setting is missing.", "Set it."),
        OperationalError("insert", {}, Exception("disk I/O error")),
        OSError(28, "No space left on device"),
    ],
)
def test_what_concerns_every_document_ends_the_run(three, monkeypatch, error):
    """A missing setting, a database that is gone and a full disk are no document's fault."""
    monkeypatch.setattr(three.invoices, "check", failing(three.invoices.check, on="2", error=error))
    with pytest.raises(type(error)):
        three.deliver()


def test_a_document_that_fits_no_request_is_held_before_anything_is_sent(three, monkeypatch):
    """It is held in our own words, is not uncertain, and was never sent."""
    error = CannotBeSent("memo has a character that cannot be sent")
    monkeypatch.setattr(three.invoices, "compose", failing(three.invoices.compose, on="2", error=error))
    assert three.deliver() == {"created": 2, "held": 1}
    assert three.entry("2").reasons[0].what == "cannot be sent: memo has a character that cannot be sent"
    assert three.entry("2").uncertain is False


@pytest.mark.parametrize("question", ["match", "check", "survey"])
def test_a_refused_question_holds_its_document_only(bench, monkeypatch, question):
    """A look-up the target refuses ends no run: what it was about is held with the target's words."""
    from ml_connector.errors import NotFound

    bench.take(bill("1", day=bench_day(1)), bill("2", day=bench_day(2)), bill("3", day=bench_day(1)))
    refusal = Rejected("test", "Get", "the date is out of range")
    if question == "survey":

        def survey(first, last):
            if first.month == 2:
                raise refusal
            return iter(())

        monkeypatch.setattr(bench.invoices, "survey", survey)
    else:
        error = refusal if question == "check" else NotFound("test", "Get", "out of range")
        monkeypatch.setattr(bench.invoices, question, failing(getattr(bench.invoices, question), on="2", error=error))
    assert bench.deliver() == {"created": 2, "held": 1}
    (reason,) = bench.entry("2").reasons
    assert reason.code == "lookup_refused"
    assert "out of range" in reason.what
    monkeypatch.undo()
    assert bench.deliver() == {"created": 1}


def bench_day(month):
    """Return a day of a month before the ledger began."""
    import datetime as dt

    return dt.date(2026, month, 3)


def test_a_refused_month_is_asked_for_once_a_run(bench, monkeypatch):
    """Its other documents are held without repeating a bad request."""
    asked = []

    def survey(first, last):
        asked.append(first)
        raise Rejected("test", "Get", "no")

    monkeypatch.setattr(bench.invoices, "survey", survey)
    bench.take(bill("1"), bill("2"), bill("3"))
    assert bench.deliver() == {"held": 3}
    assert len(asked) == 1


DAMAGE = {
    "reasons": "{not json",
    "record": '{"id": "2", "amou',
    "first_seen_at": "yesterday",
    "sent": '{"number": ',
    "amount": "a lot",
    "booking_date": "2026-13-77",
}


@pytest.fixture
def damaged(bench, request):
    """A bench of which one document's row is damaged after it was held."""
    bench.take(bill("1", vendor="V1"), bill("2", vendor="V2"))
    bench.deliver()
    bench.take(bill("3"))
    with bench.ledger.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE entries SET {request.param} = ? WHERE source_id = '2'", (DAMAGE[request.param],))  # noqa: S608 # fmt: skip
    return bench


@pytest.mark.parametrize("damaged", DAMAGE, indirect=True)
def test_a_damaged_row_holds_its_document_only(damaged):
    """The others are delivered, run after run; the damaged one is held and says what cannot be read."""
    for expected in ({"created": 1, "held": 1}, {"held": 1}):
        assert damaged.deliver() == expected
    assert any("damaged" in what for (_, _, what, _) in damaged.last.summary.reasons)


@pytest.mark.parametrize("damaged", DAMAGE, indirect=True)
def test_a_damaged_row_hides_none_of_the_others(damaged):
    """Lists, searches and the comparison of both sides show every document, the damaged one as damaged."""
    damaged.deliver()
    with damaged.ledger.read() as connection:
        assert len(read(connection, sa.select(entries).order_by(entries.c.id))) == 3
        (entry,) = held(connection)
        assert "damaged" in "; ".join(reason.what for reason in entry.reasons)
        assert [each.source_id for each in find(connection, "2")] == ["2"]
        known = outcomes(connection, target="test:one", source="bill:org", kind="supplier_invoices")
    assert set(known) == {"1", "2", "3"}
    assert known["2"].state == "held"


@pytest.mark.parametrize("damaged", [*sorted(DAMAGE.keys() & set(audit.COVERED)), "record"], indirect=True)
def test_the_audit_names_a_damaged_row(damaged):
    """Whatever stands in a row that an entry covers, it is compared with what the entry says."""
    with damaged.ledger.read() as connection:
        (said,) = proof.verify(connection).differing
    assert said.startswith("document INV-2: ")


def test_a_kind_whose_preparation_fails_leaves_the_others(bench, monkeypatch):
    """A fault of ours before the first document of a kind is told with its number; other kinds are delivered."""

    def prepare():
        raise KeyError("reference data")

    monkeypatch.setattr(bench.suppliers, "prepare", prepare)
    bench.suppliers.known["Acme"] = "S-77"
    bench.take({"id": "V7", "name": "Acme"}, stream="vendors")
    bench.take(bill("1"))
    assert bench.deliver() == {"created": 1}
    assert len(bench.last.summary.defects) == 1
