"""Where reading begins and up to where it counts as done, in every tap: nothing is left out without a word."""

from __future__ import annotations

import copy
import datetime as dt

import pytest
import tap_bill_runs
import tap_business_central_runs
import tap_workday_runs

from erp_sandbox.world import World
from ml_connector.errors import SettingInvalid
from tap_bill.tap import TapBill
from tap_business_central.tap import TapBusinessCentral
from tap_workday.tap import TapWorkday

TAPS = {
    "bill": (TapBill, tap_bill_runs),
    "business_central": (TapBusinessCentral, tap_business_central_runs),
    "workday": (TapWorkday, tap_workday_runs),
}
TO_COME = "2099-05-01T12:00:00.000+00:00"


@pytest.fixture
def box(sandbox):
    """A small world."""
    return sandbox(World.build(vendors=5, bills=8, payments=2, lines=(1, 2)))


def read(box, system, stream, state=None, **changes):
    """Run a tap for one stream and return all messages."""
    runs = TAPS[system][1]
    if system == "workday":
        return runs.run(box, stream, state=state, **changes)
    return runs.run(box, streams=[stream], state=state, **changes)


def keys(messages, stream):
    """Return what records of a stream are called."""
    found = tap_bill_runs.records(messages, stream)
    return sorted(str(record.get("id") or record["wid"]) for record in found)


def marks(messages, stream):
    """Return the bookmarks of a stream in the last state."""
    state = tap_bill_runs.last_state(messages)["bookmarks"][stream]
    return [state["replication_key_value"]] if "replication_key_value" in state else list(state["companies"].values())


def with_mark(messages, stream, mark):
    """Return the last state with another bookmark."""
    state = copy.deepcopy(tap_bill_runs.last_state(messages))
    own = state["bookmarks"][stream]
    if "companies" in own:
        own["companies"] = dict.fromkeys(own["companies"], mark)
    else:
        own["replication_key_value"] = mark
    return state


@pytest.mark.parametrize("system", TAPS)
@pytest.mark.parametrize(
    ("start", "words"),
    [
        (TO_COME, "still to come"),
        ((dt.datetime.now(dt.UTC) + dt.timedelta(days=2)).date().isoformat(), "still to come"),
        ("9999-12-31T23:59:59-05:00", "no date"),
        ("0026-10-01T00:00:00Z", "the year 26"),
        ("0001-01-01", "the year 1"),
        ("0001-01-01T00:00:00+05:00", "no date"),
        ("yesterday", "no date"),
    ],
)
def test_a_start_date_that_cannot_be_meant_is_refused(box, system, start, words):
    """Before anything is read, in one line with its cure."""
    kind, runs = TAPS[system]
    with pytest.raises(SettingInvalid, match=words) as refusal:
        kind(config=runs.config_for(box, start_date=start))
    assert start in refusal.value.what
    assert refusal.value.cure
    assert "\n" not in refusal.value.what


@pytest.mark.parametrize(("system", "stream"), [("bill", "vendors"), ("business_central", "vendors")])
@pytest.mark.parametrize("mark", [TO_COME, "9999-12-31T23:59:59.999-05:00", "0001-01-01T00:00:00", "last week", 7])
def test_a_bookmark_with_which_nothing_can_be_read_is_told_and_reading_begins_anew(box, caplog, system, stream, mark):
    """Else nothing would be read for ever, and nothing said; the next bookmark is one that can be true."""
    first = read(box, system, stream)
    again = read(box, system, stream, with_mark(first, stream, mark))
    assert keys(again, stream) == keys(first, stream)
    assert all(dt.datetime.fromisoformat(each) <= dt.datetime.now(dt.UTC) for each in marks(again, stream))
    told = [record.getMessage() for record in caplog.records if f'"{mark}"' in record.getMessage()]
    assert len(told) == 1
    assert "read again from the start" in told[0]


@pytest.mark.parametrize("mark", [TO_COME, "0026-10-01T00:00:00Z"])
def test_a_window_of_workday_begins_anew_behind_such_a_bookmark(box, caplog, mark):
    """It has no stamps of records, but the clock of the machine may have been wrong."""
    first = read(box, "workday", "suppliers")
    again = read(box, "workday", "suppliers", with_mark(first, "suppliers", mark))
    assert keys(again, "suppliers") == keys(first, "suppliers") != []
    assert marks(again, "suppliers") >= marks(first, "suppliers")
    assert marks(again, "suppliers")[0] < TO_COME
    assert f'"{mark}"' in caplog.text


def test_a_bill_stamped_with_a_time_to_come_hides_no_later_one(box, caplog):
    """It is read and named, and the bookmark stays where it can be true."""
    late, edited = (bill["id"] for bill in box.bill.bills()[:2])
    box.bill.edit_bill(late, touch=False, updatedTime=TO_COME)
    first = read(box, "bill", "bills")
    assert keys(first, "bills") == sorted(bill["id"] for bill in box.bill.bills())
    assert marks(first, "bills")[0] <= dt.datetime.now(dt.UTC).isoformat()
    assert f"{late} of bills says it was changed at 2099" in caplog.text
    box.bill.edit_bill(edited, description="corrected")
    assert {late, edited} <= set(keys(read(box, "bill", "bills", tap_bill_runs.last_state(first)), "bills"))


def test_a_vendor_of_business_central_stamped_with_a_time_to_come_hides_no_later_one(box, caplog):
    """It is read, at first and by later runs, though it lies beyond what a run reads."""
    central = box.business_central
    late, edited = (vendor["id"] for vendor in central.records("vendors")[:2])
    central.edit("vendors", late, touch=False, lastModifiedDateTime=4_081_320_000_000)
    first = read(box, "business_central", "vendors")
    assert late in keys(first, "vendors")
    assert marks(first, "vendors")[0] <= dt.datetime.now(dt.UTC).isoformat()
    assert "of vendors says it was changed at 2099" in caplog.text
    central.edit("vendors", edited, city="Oakland")
    again = read(box, "business_central", "vendors", tap_bill_runs.last_state(first), lookback_seconds=0)
    assert {late, edited} <= set(keys(again, "vendors"))


# A list from which another is read


def test_reading_the_files_of_bills_moves_no_bookmark_of_the_bills(box):
    """Whoever selects the bills afterwards gets all of them."""
    files = tap_bill_runs.run(box, streams=["bill_documents"])
    assert tap_bill_runs.records(files, "bill_documents")
    both = tap_bill_runs.run(box, streams=["bills"], state=tap_bill_runs.last_state(files))
    assert len(tap_bill_runs.records(both, "bills")) == len(box.bill.bills())


def test_files_selected_later_than_their_bills_are_all_read(box):
    """Their bookmark is their own; once they have caught up only what changed is asked for."""
    bills = tap_bill_runs.run(box, streams=["bills"])
    both = tap_bill_runs.run(box, streams=["bills", "bill_documents"], state=tap_bill_runs.last_state(bills))
    wanted = sum(map(len, box.bill.main.documents.values()))
    assert len(tap_bill_runs.records(both, "bill_documents")) == wanted > 0
    state = tap_bill_runs.last_state(both)
    again = tap_bill_runs.run(box, streams=["bills", "bill_documents"], state=state, lookback_seconds=0)
    assert len(tap_bill_runs.records(again, "bills")) < len(box.bill.bills())
    assert len(tap_bill_runs.records(again, "bill_documents")) < wanted
