"""Drafts of a careful first run: they count for nothing, and are submitted later if they still are what was sent."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from ledger_bench import FAST
from ledger_doubles import bill, timeout

from ml_connector.errors import Rejected
from ml_connector.ledger.queries import posted_totals, states


@pytest.fixture
def careful(bench):
    """A bench after a first run that left two drafts; from now on everything is submitted."""
    bench.target.draft = True
    bench.take(bill("1"), bill("2", "50.00"))
    assert bench.deliver() == {"drafted": 2}
    bench.target.draft = False
    return bench


def test_drafts_are_left_alone_as_long_as_they_are_to_be_drafts(careful):
    """Nothing is submitted before somebody asks for it."""
    careful.target.draft = True
    assert careful.deliver() == {}
    assert careful.target.drafts == {"BILL-1", "BILL-2"}


def test_drafts_are_no_posted_money(careful):
    """They are shown as drafts, with their own total."""
    with careful.ledger.read() as connection:
        assert [(row.state, row.documents) for row in states(connection)] == [("draft", 2)]
        assert [(each.draft, each.documents, each.amount) for each in posted_totals(connection)] == [
            (True, 2, Decimal(150))
        ]


def test_our_drafts_are_submitted_once_that_is_asked_for(careful):
    """Each once, and without another create."""
    assert careful.deliver() == {"submitted": 2}
    assert careful.target.drafts == set()
    assert careful.deliver() == {}
    assert sorted(careful.target.writes) == [(verb, f"BILL-{n}") for verb in ("create", "update") for n in (1, 2)]
    with careful.ledger.read() as connection:
        assert [(row.state, row.documents) for row in states(connection)] == [("posted", 2)]
        assert [(each.draft, each.amount) for each in posted_totals(connection)] == [(False, Decimal(150))]
    assert careful.entry("1").verified_at is not None


def test_a_draft_that_somebody_has_changed_is_not_submitted(careful):
    """It is held with what differs; the other one goes."""
    document = careful.target.documents["BILL-1"]
    careful.target.documents["BILL-1"] = document.model_copy(update={"total": Decimal(99)})
    assert careful.deliver() == {"held": 1, "submitted": 1}
    (reason,) = careful.entry("1").reasons
    assert (reason.code, "total is 99, sent was 100.00, and is not submitted" in reason.what) == (
        "differs_in_target",
        True,
    )
    assert careful.deliver() == {"held": 1}
    assert careful.target.drafts == {"BILL-1"}


def test_a_draft_that_somebody_has_submitted_is_noted_as_posted(careful):
    """Nothing is sent for it."""
    careful.target.drafts.discard("BILL-1")
    assert careful.deliver() == {"unchanged": 1, "submitted": 1}
    assert ("update", "BILL-1") not in careful.target.writes
    assert (careful.entry("1").state, careful.entry("1").target_draft) == ("posted", False)


@pytest.mark.parametrize("gone", ["deleted", "cancelled"])
def test_a_draft_that_is_gone_is_held(careful, gone):
    """It is never entered a second time by itself."""
    if gone == "deleted":
        del careful.target.documents["BILL-1"]
    else:
        careful.target.cancelled.add("BILL-1")
    assert careful.deliver() == {"held": 1, "submitted": 1}
    assert careful.target.writes.count(("create", "BILL-1")) == 1


def test_a_draft_of_what_was_paid_meanwhile_is_not_submitted(careful):
    """What the filter does not want any more is not made payable."""
    careful.take(bill("1", paid=True, version="2"))
    assert careful.deliver() == {"held": 1, "submitted": 1}
    (reason,) = careful.entry("1").reasons
    assert (reason.code, reason.what) == ("draft", "it is a draft in test, and is not submitted: paid")


def test_a_draft_whose_source_changed_is_submitted_as_it_is_now(careful):
    """In one request."""
    careful.take(bill("1", "110.00", version="2"))
    assert careful.deliver() == {"submitted": 2}
    assert careful.target.documents["BILL-1"].total == Decimal("110.00")
    assert careful.target.writes.count(("update", "BILL-1")) == 1


@pytest.mark.parametrize("arrived", [True, False])
def test_after_a_lost_answer_a_draft_is_submitted_once(careful, arrived):
    """Whether it is a draft still says whether the request arrived."""
    (careful.target.fail_after if arrived else careful.target.fail_before)(timeout())
    assert careful.deliver(dataclasses.replace(FAST, max_concurrency=1)) == {"submitted": 2}
    assert careful.target.writes.count(("update", "BILL-1")) == 1
    assert careful.entry("1").state == "posted"


def test_a_refused_submission_is_held_and_stays_a_draft(careful):
    """In the target's words, and not repeated."""
    careful.target.fail_before(Rejected("test", "update", "closed period"))
    assert careful.deliver(dataclasses.replace(FAST, max_concurrency=1)) == {"held": 1, "submitted": 1}
    entry = careful.entry("1")
    assert (entry.state, entry.target_draft, entry.reasons[0].code) == ("held", True, "rejected")
    assert careful.deliver() == {"held": 1}


def test_the_cap_holds_for_submitting_too(careful):
    """A careful run submits no more than it may."""
    assert careful.deliver(dataclasses.replace(FAST, max_documents=1, max_concurrency=1)) == {
        "submitted": 1,
        "waiting": 1,
    }
    assert careful.deliver() == {"submitted": 1}


def test_a_dry_run_says_what_would_be_submitted(careful):
    """And submits nothing."""
    assert careful.deliver(dataclasses.replace(FAST, dry_run=True)) == {"submitted": 2}
    assert careful.target.drafts == {"BILL-1", "BILL-2"}


def test_a_draft_found_after_a_lost_answer_is_submitted(bench):
    """The run that left it was killed before it learned of it."""
    bench.target.draft = True
    bench.take(bill("1"))
    bench.target.fail_after(timeout())
    bench.target.blind = True
    bench.deliver(dataclasses.replace(FAST, tries=1))
    bench.target.blind, bench.target.draft = False, False
    bench.tamper("1", next_attempt_at=None, state="posting")
    assert bench.deliver() == {"submitted": 1}
    assert bench.target.writes == [("create", "BILL-1"), ("update", "BILL-1")]


def test_drafts_people_submit_themselves_become_posted_by_and_by(careful):
    """Where drafts are meant to stay, they are looked at once a day."""
    careful.target.draft = True
    careful.target.drafts.discard("BILL-1")
    assert careful.deliver() == {}
    assert careful.entry("1").target_draft
    careful.tamper("1", verified_at=careful.entry("1").verified_at - dt.timedelta(days=1))
    assert careful.deliver() == {}
    assert (careful.entry("1").state, careful.entry("1").target_draft) == ("posted", False)


def test_a_draft_where_nobody_wanted_one_is_held(bench, monkeypatch):
    """A target may keep as a draft what was to be submitted; nobody would ever approve it."""
    bench.take(bill("1"))
    leave = bench.invoices._leave
    monkeypatch.setattr(bench.invoices, "_leave", lambda document: leave(document) or bench.target.drafts.add("BILL-1"))
    assert bench.deliver() == {"held": 1}
    assert "it was to be submitted and is a draft" in bench.entry("1").reasons[0].what
