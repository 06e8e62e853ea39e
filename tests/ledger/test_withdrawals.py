"""What was delivered and is withdrawn at its source: taken back where the target lets that be done, else held."""

from __future__ import annotations

import dataclasses

import pytest
from ledger_bench import FAST
from ledger_doubles import InvoiceSink, bill, timeout

from ml_connector.delivery.sink import Delivered
from ml_connector.errors import Conflict, Throttled
from ml_connector.ledger import proof, queries


class GivingBack(InvoiceSink):
    """A sink whose target gives back what it was given."""

    withdraws = True
    posted = False

    def withdraw(self, document, target_id):
        """Remove the document; once it is posted a person has to do it."""
        target = self.target
        if target.before:
            raise target.before.pop(0)
        if self.posted:
            raise Conflict("test", "delete", "it is posted", cure="reverse entry 7")
        there = target.documents.pop(document.external_id, None)
        target.writes.append(("withdraw", document.external_id))
        if target.after:
            raise target.after.pop(0)
        return Delivered(target_id, unchanged=there is None)


@pytest.fixture
def taken(bench):
    """A bench that has delivered a bill, and whose source has archived it since."""
    bench.invoices = GivingBack(bench.target)
    bench.take(bill("1"))
    bench.deliver()
    bench.target.writes.clear()
    bench.take(bill("1", archived=True, version="2"))
    return bench


def test_it_is_taken_back_once(taken):
    """Counted by a word of its own, and left alone from then on."""
    assert taken.deliver() == {"withdrawn": 1}
    assert taken.target.writes == [("withdraw", "BILL-1")]
    entry = taken.entry("1")
    assert (entry.state, entry.target_id, entry.reasons[0].what) == ("ignored", None, "taken back: archived in BILL")
    assert taken.deliver() == {}
    with taken.ledger.read() as connection:
        proof.verify(connection)


def test_what_comes_back_is_delivered_as_new(taken):
    """Its source stands by it again."""
    taken.deliver()
    taken.take(bill("1", version="3"))
    assert taken.deliver() == {"created": 1}
    assert list(taken.target.documents) == ["BILL-1"]


def test_what_only_a_person_can_undo_is_held_with_the_task(taken):
    """In the target's own words; it is not asked again before somebody replays it."""
    taken.invoices.posted = True
    assert taken.deliver() == {"held": 1}
    (reason,) = taken.entry("1").reasons
    assert (reason.code, reason.what, reason.cure) == (
        "not_taken_back",
        "archived in BILL, and it was delivered before: it is posted",
        "reverse entry 7",
    )
    taken.invoices.posted = False
    assert taken.deliver() == {"held": 1}
    queries.replay(taken.ledger, [taken.entry("1")], actor="somebody")
    assert taken.deliver() == {"withdrawn": 1}


@pytest.mark.parametrize("arrived", [True, False])
def test_a_lost_answer_is_settled_by_asking_again(taken, arrived):
    """Taking back what is gone already does no harm."""
    (taken.target.fail_after if arrived else taken.target.fail_before)(timeout())
    assert taken.deliver() == {"withdrawn": 1}
    assert taken.target.documents == {}


def test_a_target_that_is_busy_is_asked_again(taken):
    """The document is as it was before meanwhile."""
    taken.target.fail_before(Throttled("test", "delete", "busy"))
    assert taken.deliver() == {"withdrawn": 1}


def test_a_dry_run_takes_nothing_back(taken):
    """It says that it would."""
    assert taken.deliver(dataclasses.replace(FAST, dry_run=True)) == {"withdrawn": 1}
    assert list(taken.target.documents) == ["BILL-1"]


def test_a_sink_that_gives_nothing_back_holds_it(bench):
    """As anything that changed after posting."""
    bench.take(bill("1"))
    bench.deliver()
    bench.take(bill("1", archived=True, version="2"))
    assert bench.deliver() == {"held": 1}
    assert bench.entry("1").reasons[0].code == "changed_after_posting"


def test_a_sink_finishes_once_a_run_and_never_in_a_dry_one(bench, monkeypatch):
    """After its last document, and also when there was none."""
    finished = []
    monkeypatch.setattr(bench.invoices, "finish", lambda: finished.append(len(bench.target.documents)))
    bench.deliver()
    bench.take(bill("1"), bill("2"))
    bench.deliver(dataclasses.replace(FAST, dry_run=True))
    assert finished == [0]
    bench.deliver()
    assert finished == [0, 2]
