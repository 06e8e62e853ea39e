"""What becomes of a document, whatever the target does."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from decimal import Decimal

import pytest
from ledger_bench import FAST
from ledger_doubles import bill, timeout
from waiting import PATIENCE

from ml_connector.errors import (
    Conflict,
    CredentialsRefused,
    PermissionDenied,
    Reason,
    Rejected,
    Throttled,
    Unavailable,
)
from ml_connector.ledger import proof
from ml_connector.ledger.queries import replay


def fault(kind, message="no", **kwargs):
    return kind("test", "create", message, **kwargs)


def test_new_document_is_created_once(bench):
    """A new document is created, and the next run leaves it alone."""
    bench.take(bill("1"))
    assert bench.deliver() == {"created": 1}
    assert bench.deliver() == {}
    assert bench.target.writes == [("create", "BILL-1")]


def test_posted_document_is_verified_by_reading_back(bench):
    """What was posted counts as verified once the target shows the same facts."""
    bench.take(bill("1"))
    bench.deliver()
    assert bench.entry("1").verified_at is not None


def test_totals_are_exact_per_currency(bench):
    """A run's totals are the sums of what was created, to the minor unit, per currency."""
    bench.take(
        bill("1", "0.10"),
        bill("2", "0.20"),
        bill("3", "1.125", currency="KWD"),
        bill("4", "7", currency="JPY"),
    )
    bench.deliver()
    assert bench.last.summary.totals["supplier_invoices"]["created"] == {
        "USD": (2, Decimal("0.30")),
        "KWD": (1, Decimal("1.125")),
        "JPY": (1, Decimal(7)),
    }


@pytest.mark.parametrize("kind", [Throttled, Unavailable])
def test_refusal_before_processing_is_tried_again_in_the_same_run(bench, kind):
    """A request that certainly was not processed is sent again without a look-up."""
    bench.take(bill("1"))
    bench.target.fail_before(fault(kind), fault(kind))
    assert bench.deliver() == {"created": 1}
    assert bench.target.finds == []


def test_lost_answer_is_looked_up_before_anything_else(bench):
    """After a lost answer the target is asked, and what had arrived is not sent again."""
    bench.take(bill("1"))
    bench.target.fail_after(timeout())
    assert bench.deliver() == {"created": 1}
    assert bench.target.writes == [("create", "BILL-1")]
    assert bench.target.finds == ["BILL-1"]
    assert bench.last.summary.totals["supplier_invoices"]["created"]["USD"] == (1, Decimal("100.00"))


def test_lost_request_is_sent_again_after_the_target_says_it_has_nothing(bench):
    """After a timeout whose request never arrived the document is sent once more."""
    bench.take(bill("1"))
    bench.target.fail_before(timeout())
    assert bench.deliver() == {"created": 1}
    assert bench.target.finds == ["BILL-1"]
    assert bench.target.writes == [("create", "BILL-1")]


@pytest.mark.parametrize("arrived", [True, False])
def test_crash_after_write_ahead_is_resolved_by_looking_up(bench, arrived):
    """A document left in posting by a dead process is looked up first, whether or not it had arrived."""
    bench.take(bill("1"))
    bench.deliver()
    if not arrived:
        bench.target.documents.clear()
    bench.tamper("1", state="posting", uncertain=True, target_id=None, lease_owner="dead", verified_at=None)
    bench.target.writes.clear()
    bench.reopen()
    assert bench.deliver() == {"created": 1}
    assert bench.target.writes == ([] if arrived else [("create", "BILL-1")])


def test_blind_target_holds_an_uncertain_document(bench):
    """When the target cannot tell whether a document arrived, a person has to look; it is not sent again."""
    bench.take(bill("1"))
    bench.target.fail_after(timeout())
    bench.target.blind = True
    assert bench.deliver() == {"held": 1}
    assert bench.entry("1").reasons[0].code == "outcome_unknown"
    assert bench.deliver() == {"held": 1}
    assert bench.target.writes == [("create", "BILL-1")]
    bench.target.blind = False
    assert bench.deliver() == {"created": 1}
    assert bench.target.writes == [("create", "BILL-1")]


def test_lost_ledger_posts_nothing_twice(bench, tmp_path):
    """A fresh ledger finds by one bulk read what an earlier one had posted."""
    records = [bill(str(n)) for n in range(20)]
    bench.take(*records)
    bench.deliver()
    bench.reopen(f"sqlite:///{tmp_path}/other.db")
    bench.take(*records, bill("new"))
    assert bench.deliver() == {"found": 20, "created": 1}
    assert len(bench.target.writes) == 21
    assert bench.target.surveys[-1] == (dt.date(2026, 9, 1), dt.date(2026, 9, 30))
    assert bench.target.finds == []


def test_lost_ledger_finds_ids_that_have_nothing_in_common(bench, tmp_path):
    """One read serves all documents of the month, whatever their ids are made of and whichever source they are of."""
    records = [bill(id_) for id_ in ("W-1", "17", "900017")]
    bench.map.external_id = {"W-1": "WORKDAY-S-3", "17": "BC-ae01"}.get
    bench.take(*records)
    bench.deliver()
    bench.reopen(f"sqlite:///{tmp_path}/other.db")
    bench.take(*records)
    assert bench.deliver() == {"found": 3}
    assert len(bench.target.surveys) == 2  # one by each of the two ledgers


def test_found_document_that_differs_is_held(bench, tmp_path):
    """What a fresh ledger finds under our id with another total is held, not adopted in silence."""
    bench.take(bill("1", "100.00"))
    bench.deliver()
    bench.reopen(f"sqlite:///{tmp_path}/other.db")
    bench.take(bill("1", "120.00"))
    bench.deliver()
    entry = bench.entry("1")
    assert entry.state == "held"
    assert entry.reasons[0].code == "differs_in_target"
    assert "total is 100.00, sent was 120.00" in entry.reasons[0].what


def test_documents_newer_than_the_ledger_need_no_survey(bench):
    """A document created after the ledger began cannot have been posted by an earlier one."""
    record = bill("1") | {"created": (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).isoformat()}
    bench.take(record)
    bench.deliver()
    assert bench.target.surveys == []


def test_unmapped_document_goes_out_after_the_row_is_added(bench):
    """A held document is mapped again on every run and goes out by itself."""
    bench.take(bill("1", vendor="V2"))
    assert bench.deliver() == {"held": 1}
    assert bench.entry("1").reasons[0].key == "supplier:V2"
    bench.map.suppliers["V2"] = "S-2"
    assert bench.deliver() == {"created": 1}
    assert bench.entry("1").reasons == ()


def test_inactive_reference_holds(bench):
    """What the target's reference data has against a document holds it before anything is sent."""
    bench.invoices.inactive.add("S-1")
    bench.take(bill("1"), bill("2"))
    assert bench.deliver() == {"held": 2}
    assert bench.target.writes == []
    assert list(bench.last.summary.reasons.values()) == [2]


def test_unbalanced_document_is_held_never_adjusted(bench):
    """Lines that do not add up to the total hold the document, with both sums in the reason."""
    bench.take(bill("1", "1250.00", line="1200.00"))
    assert bench.deliver() == {"held": 1}
    assert "lines add up to 1,200.00, the total says 1,250.00" in bench.entry("1").reasons[0].what


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "10.5"), ("USD", "1.001"), ("KWD", "1.0001")])
def test_more_decimals_than_the_currency_has_are_held(bench, currency, amount):
    """An amount that the currency cannot express is held, never rounded."""
    bench.take(bill("1", amount, currency=currency))
    assert bench.deliver() == {"held": 1}
    assert bench.entry("1").reasons[0].code == "inexact"


def test_change_after_posting_is_held(bench):
    """A posted document whose source changed is held with what changed; the target is not touched."""
    bench.take(bill("1", "100.00"))
    bench.deliver()
    bench.take(bill("1", "110.00", version="2"))
    assert bench.deliver() == {"held": 1}
    entry = bench.entry("1")
    assert entry.reasons[0].code == "changed_after_posting"
    assert "total was 100.00, now 110.00" in entry.reasons[0].what
    assert bench.deliver() == {"held": 1}
    assert len(bench.target.writes) == 1


def test_withdrawal_after_posting_is_held(bench):
    """A posted document that the source archived is held with that reason."""
    bench.take(bill("1"))
    bench.deliver()
    bench.take(bill("1", archived=True, version="2"))
    assert bench.deliver() == {"held": 1}
    assert "archived in BILL" in bench.entry("1").reasons[0].what


def test_another_map_alone_is_no_change(bench):
    """A posted document is not taken for changed because the map's own words have changed."""
    bench.take(bill("1"))
    bench.deliver()
    bench.tamper("1", fingerprint="made by an older map", state="received")
    assert bench.deliver() == {"unchanged": 1}


def test_payment_progress_is_no_change(bench):
    """A posted document that is paid later, which the filter no longer wants, stays posted."""
    bench.take(bill("1"))
    bench.deliver()
    bench.take(bill("1", paid=True, version="2"))
    assert bench.deliver() == {"unchanged": 1}
    assert bench.entry("1").state == "posted"


def test_draft_is_updated(bench):
    """A document that is still a draft in the target is replaced when its source changes."""
    bench.target.draft = True
    bench.take(bill("1", "100.00"))
    bench.deliver()
    bench.take(bill("1", "110.00", version="2"))
    assert bench.deliver() == {"updated": 1}
    assert bench.target.documents["BILL-1"].total == Decimal("110.00")


@pytest.mark.parametrize("arrived", [True, False])
def test_lost_answer_to_an_update_ends_with_the_new_content(bench, arrived):
    """After a lost answer to an update the target holds the new version; an update may be sent again."""
    bench.target.draft = True
    bench.take(bill("1", "100.00"))
    bench.deliver()
    bench.take(bill("1", "110.00", version="2"))
    (bench.target.fail_after if arrived else bench.target.fail_before)(timeout())
    assert bench.deliver() == {"updated": 1}
    assert bench.target.documents["BILL-1"].total == Decimal("110.00")
    assert bench.target.writes.count(("create", "BILL-1")) == 1
    assert bench.entry("1").state == "posted"


def test_refused_update_leaves_the_change_open(bench):
    """An update that the target refuses is held, and is not taken for done on the next run."""
    bench.target.draft = True
    bench.take(bill("1", "100.00"))
    bench.deliver()
    bench.take(bill("1", "110.00", version="2"))
    bench.target.fail_before(fault(Rejected, "closed period"))
    assert bench.deliver() == {"held": 1}
    assert bench.deliver() == {"held": 1}
    replay(bench.ledger, [bench.entry("1")], actor="tester")
    assert bench.deliver() == {"updated": 1}


@pytest.mark.parametrize(("kind", "code"), [(Rejected, "rejected"), (Conflict, "duplicate")])
def test_refusal_holds_in_the_systems_own_words(bench, kind, code):
    """What the target refuses is held with its own words, and the run goes on."""
    bench.take(bill("1"), bill("2"))
    bench.target.fail_before(fault(kind, "Accounting date is in a closed period"))
    policy = dataclasses.replace(FAST, max_concurrency=1)
    assert bench.deliver(policy) == {"held": 1, "created": 1}
    assert bench.entry("1").reasons[0].code == code
    assert "Accounting date is in a closed period" in bench.entry("1").reasons[0].what


def test_refused_document_is_not_sent_again_unchanged(bench):
    """What the target refused is sent again only when it says something else."""
    bench.take(bill("1"))
    bench.target.fail_before(fault(Rejected, "unknown tax code"))
    assert bench.deliver() == {"held": 1}
    assert bench.deliver() == {"held": 1}
    assert bench.target.writes == []
    bench.map.suppliers["V1"] = "S-3"
    assert bench.deliver() == {"created": 1}


@pytest.mark.parametrize("kind", [CredentialsRefused, PermissionDenied])
def test_refused_credentials_stop_the_run_at_once(bench, kind):
    """Nothing more is sent once the target refuses us; what is left is untouched for the next run."""
    bench.take(*(bill(str(n)) for n in range(10)))
    bench.target.fail_before(fault(kind))
    with pytest.raises(kind):
        bench.deliver(dataclasses.replace(FAST, max_concurrency=1))
    assert bench.target.writes == []
    assert bench.deliver() == {"created": 10}


def test_outage_postpones_and_stops(bench):
    """When the target is down the run stops early, says so, and the next one delivers."""
    bench.take(*(bill(str(n)) for n in range(10)))
    bench.target.fail_before(*(fault(Unavailable, "503") for _ in range(100)))
    bench.deliver(dataclasses.replace(FAST, tries=2, down_after=3, max_concurrency=1))
    assert "did not take 3 documents in a row; 10 documents wait" in bench.last.summary.stopped
    bench.target.before.clear()
    bench.tamper("0", next_attempt_at=None)
    waiting = [n for n in range(10) if bench.entry(str(n)).state == "retry"]
    assert len(waiting) == 3
    for n in waiting:
        bench.tamper(str(n), next_attempt_at=dt.datetime.now(dt.UTC))
    assert bench.deliver() == {"created": 10}


def test_endless_trouble_is_given_up_for_a_person(bench):
    """A document that fails for ever is held in the end."""
    bench.take(bill("1"))
    policy = dataclasses.replace(FAST, tries=1, give_up_after=3)
    for _ in range(3):
        bench.target.fail_before(fault(Unavailable, "503"))
        bench.deliver(policy)
        if bench.entry("1").state == "retry":
            bench.tamper("1", next_attempt_at=dt.datetime.now(dt.UTC))
    assert bench.entry("1").state == "held"
    assert bench.entry("1").reasons[0].code == "technical"


def test_cap_leaves_the_rest_for_the_next_run(bench):
    """max_documents caps what a run creates; the rest waits and is delivered later."""
    bench.take(*(bill(str(n)) for n in range(5)))
    assert bench.deliver(dataclasses.replace(FAST, max_documents=2)) == {"created": 2, "waiting": 3}
    assert bench.deliver() == {"created": 3}


def test_a_sink_that_sends_together_is_given_enough_at_once(bench):
    """Each of its documents is written ahead before any of them is sent, and settled by itself."""
    together = threading.Barrier(6, timeout=PATIENCE)
    create = bench.invoices.create

    def gathering(document):
        together.wait()
        return create(document)

    bench.invoices.side_by_side, bench.invoices.create = 6, gathering
    bench.take(*(bill(str(number)) for number in range(6)))
    bench.target.fail_after(timeout())
    assert bench.deliver(dataclasses.replace(FAST, max_concurrency=1)) == {"created": 6}
    assert sorted(bench.target.writes) == [("create", f"BILL-{number}") for number in range(6)]
    assert len(bench.target.finds) == 1


def test_dry_run_decides_everything_and_posts_nothing(bench):
    """A dry run gives the verdicts of the real run and sends nothing."""
    bench.take(bill("1"), bill("2", vendor="V9"), bill("3", "2", line="1"))
    assert bench.deliver(dataclasses.replace(FAST, dry_run=True)) == {"created": 1, "held": 2}
    assert bench.target.writes == []


def test_malformed_record_is_held_until_a_new_version_comes(bench):
    """A record its schema refuses is held even if it could be mapped, and a good version mends it."""
    bench.take(bill("1"), malformed=[Reason("malformed", "amount is malformed", "correct it")])
    assert bench.deliver() == {"held": 1}
    assert bench.deliver() == {"held": 1}
    bench.take(bill("1", version="2"))
    assert bench.deliver() == {"created": 1}


def test_posted_document_the_target_does_not_show_is_held(bench):
    """An answer without a fault is no proof: what cannot be read back is held."""
    bench.target.forgets = True
    bench.take(bill("1"))
    bench.deliver()
    assert bench.entry("1").reasons[0].code == "differs_in_target"
    bench.target.forgets = False
    bench.deliver()
    assert bench.entry("1").state == "posted"
    assert bench.entry("1").verified_at is not None


def test_what_is_undone_later_is_noticed_where_it_is_watched(bench, monkeypatch):
    """Once a day for as long as the sink says; it is held, never posted again, and clears when it is put right."""
    bench.take(bill("1"))
    bench.deliver()
    bench.target.cancelled.add("BILL-1")
    day_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    bench.tamper("1", verified_at=day_ago)
    bench.deliver()
    assert bench.entry("1").state == "posted"  # nothing is watched by default
    monkeypatch.setattr(type(bench.invoices), "watched", dt.timedelta(days=90))
    bench.tamper("1", verified_at=dt.datetime.now(dt.UTC))
    bench.deliver()
    assert bench.entry("1").state == "posted"  # looked at less than a day ago
    bench.tamper("1", verified_at=day_ago)
    assert bench.deliver() == {"held": 1}
    (reason,) = bench.entry("1").reasons
    assert ("was cancelled in Test" in reason.what, "not posted again by itself" in reason.cure) == (True, True)
    assert len(bench.target.writes) == 1
    bench.target.cancelled.clear()
    bench.deliver()
    assert bench.entry("1").state == "posted"
    bench.target.cancelled.add("BILL-1")
    bench.tamper("1", verified_at=day_ago, posted_at=day_ago - dt.timedelta(days=90))
    bench.deliver()
    assert bench.entry("1").state == "posted"  # watched no more


def test_missing_supplier_is_held_by_default(bench):
    """A supplier the target lacks is listed, not made."""
    bench.take({"id": "V7", "name": "Acme"}, stream="vendors")
    bench.deliver()
    assert bench.entry("V7").reasons[0].code == "missing_supplier"


def test_missing_supplier_is_created_by_choice(bench):
    """With missing_suppliers create a supplier the target lacks is made, once."""
    bench.take({"id": "V7", "name": "Acme"}, stream="vendors")
    policy = dataclasses.replace(FAST, missing_suppliers="create")
    bench.deliver(policy)
    bench.deliver(policy)
    assert bench.target.writes == [("create", "BILL-V7")]


def test_supplier_the_target_has_is_linked(bench):
    """A certain match links the supplier without writing anything."""
    bench.suppliers.known["Acme"] = "S-77"
    bench.take({"id": "V7", "name": "Acme"}, stream="vendors")
    bench.deliver()
    entry = bench.entry("V7")
    assert (entry.state, entry.origin, entry.target_number) == ("posted", "matched", "S-77")
    assert bench.target.writes == []


def test_every_outcome_is_in_an_intact_audit_chain(bench):
    """Intent, outcome and look-up of a document are in the chain, and the chain verifies."""
    bench.take(bill("1"), bill("2", vendor="V9"))
    bench.target.fail_after(timeout())
    bench.deliver(dataclasses.replace(FAST, max_concurrency=1))
    import sqlalchemy as sa

    from ml_connector.ledger.schema import audit as table

    with bench.ledger.read() as connection:
        actions = list(connection.execute(sa.select(table.c.action).order_by(table.c.seq)).scalars())
        count = proof.verify(connection).entries
    assert actions == ["brought_in", "intent", "failed", "looked_up", "held", "verified"]
    assert count == 6


@pytest.mark.parametrize("state", ["posted", "held", "ignored"])
def test_unchanged_record_is_not_looked_at_twice(bench, state):
    """A record read again without a change leaves its document as it is."""
    bench.take(bill("1"))
    bench.deliver()
    bench.tamper("1", state=state)
    counts = bench.take(bill("1"))
    assert ("new" in counts, "changed" in counts) == (False, False)
    assert bench.entry("1").state == state


@pytest.mark.parametrize("kind", [Throttled, Unavailable])
def test_a_target_that_is_down_before_the_first_document_stops_the_run(bench, monkeypatch, kind):
    """That even reference data cannot be read is an outage like any other: told, and left to the next run."""
    bench.take(*(bill(str(n)) for n in range(4)))
    with monkeypatch.context() as down:
        down.setattr(bench.invoices, "prepare", lambda: (_ for _ in ()).throw(fault(kind, "503")))
        assert bench.deliver() == {"waiting": 4}
        assert "503; 4 documents wait" in bench.last.summary.stopped
    assert bench.deliver() == {"created": 4}


@pytest.mark.parametrize("amount", ["922337203685477.59", "-4006381333931000", "1E+40"])
def test_an_amount_that_can_be_none_is_held_and_keeps_nothing_back(bench, amount):
    """A bar code typed into the amount stops its own bill, not those beside it."""
    bench.take(bill("typo", amount), bill("1"), bill("2"))
    assert bench.deliver() == {"created": 2, "held": 1}
    entry = bench.entry("typo")
    assert (entry.state, entry.amount, [reason.code for reason in entry.reasons]) == ("held", None, ["too_large"])


def test_what_the_target_has_against_a_held_document_is_told_with_the_rest(bench):
    """A bill that does not add up, of a supplier that is inactive, says both in the first run, and says so once."""
    bench.invoices.inactive.add("S-1")
    bench.take(bill("1", "100.00", line="90.00"))
    assert bench.deliver() == {"held": 1}
    assert [reason.code for reason in bench.entry("1").reasons] == ["unbalanced", "inactive"]
    held = bench.entry("1").held_since
    assert bench.deliver() == {"held": 1}
    assert bench.entry("1").held_since == held


@pytest.mark.parametrize(
    ("kind", "asked"), [(Unavailable, 1), (Throttled, 1), (CredentialsRefused, 1), (PermissionDenied, 1), (Rejected, 3)]
)
def test_a_target_that_does_not_answer_hides_nothing_that_is_known(bench, monkeypatch, kind, asked):
    """Held bills stay held for what is known; one that is out of order is not asked once more for each of them."""
    calls = []

    def check(document):
        calls.append(document)
        raise fault(kind)

    monkeypatch.setattr(bench.invoices, "check", check)
    bench.take(*(bill(str(number), "100.00", line="90.00") for number in range(3)))
    assert bench.deliver() == {"held": 3}
    assert [bench.entry(str(number)).reasons[0].code for number in range(3)] == ["unbalanced"] * 3
    assert len(calls) == asked
