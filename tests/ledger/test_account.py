"""A run's account adds up: each record read is counted once, under what became of it."""

from __future__ import annotations

import collections
import dataclasses
import itertools

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_bench import FAST, Bench
from ledger_doubles import bill, timeout

from ml_connector.errors import Rejected
from ml_connector.ledger import leftout
from ml_connector.ledger.queries import ignore
from ml_connector.ledger.runs import ENDS
from ml_connector.ledger.schema import entries

ENDS_OF_STATES = {"held": "held", "received": "waiting", "posting": "waiting", "retry": "waiting"}
ONE_TRY = dataclasses.replace(FAST, tries=1)
KIND = "supplier_invoices"

_folders = itertools.count()

records = st.builds(
    bill,
    st.sampled_from("123456"),
    st.sampled_from(["100.00", "100.001", "7.50"]),
    line=st.sampled_from([None, None, "1.00"]),
    vendor=st.sampled_from(["V1", "V1", "V2"]),
    paid=st.booleans(),
    archived=st.sampled_from([False, False, True]),
    version=st.sampled_from("123456789"),
)
faults = st.sampled_from(["timeout", "rejected"])
runs = st.tuples(
    st.lists(records, max_size=8),
    st.lists(faults, max_size=2),
    st.sampled_from([None, 1, 2]),
    st.sampled_from([None, None, *"123456"]),
)


def _fault(name):
    return timeout() if name == "timeout" else Rejected("test", "create", "no such company")


def _states(bench, ids):
    """Return what the ledger itself says has become of documents, as an account names it."""
    ends = {}
    with bench.ledger.read() as connection:
        for id_ in ids:
            row = connection.execute(sa.select(entries).where(entries.c.source_id == id_)).one_or_none()
            if row is None:
                assert leftout.named(connection, id_), f"{id_} was read and has no trace"
                ends[id_] = "left_out"
            elif row.state == "ignored":
                ends[id_] = "left_out" if '"filtered"' in row.reasons else "ignored"
            else:
                ends[id_] = ENDS_OF_STATES.get(row.state, "arrived")
    return ends


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives=st.lists(runs, min_size=1, max_size=4))
def test_each_record_read_is_counted_once(tmp_path, lives):
    """Whatever comes in, fails, is capped or ignored: read = delivered + unchanged + held + waiting + ignored + left out.

    The account says of each document what the ledger says; a document read twice counts once more as unchanged.
    """
    bench = Bench(f"sqlite:///{tmp_path}/{next(_folders)}.db")
    for read, troubles, cap, ignored in lives:
        bench.target.before[:] = [_fault(name) for name in troubles]
        summary = bench.run(*read, policy=dataclasses.replace(ONE_TRY, max_documents=cap))
        told = summary.to_dict()
        account = told["read"].get(KIND, {"records": 0, **dict.fromkeys(ENDS, 0)})
        assert account["records"] == len(read)
        assert account["records"] == sum(account[end] for end in ENDS)
        assert min(account.values()) >= 0

        expected = collections.Counter(_states(bench, {record["id"] for record in read}).values())
        for end in ("held", "waiting", "ignored", "left_out"):
            again = len(read) - sum(expected.values())
            assert expected[end] <= account[end] <= expected[end] + again, end
        all_read_and_open = sum(told["counts"].get(KIND, {}).values())
        assert all_read_and_open == len(read) + sum(told["earlier"].get(KIND, {}).values())
        assert sum(each["records"] for each in told["left_out"]) == told["counts"].get(KIND, {}).get("left_out", 0)
        if ignored is not None:
            with bench.ledger.read() as connection:
                known = connection.execute(sa.select(entries.c.id).where(entries.c.source_id == ignored)).first()
            if known:
                ignore(bench.ledger, [bench.entry(ignored)], reason="entered by hand", actor="tester")
    bench.ledger.close()


def test_what_is_read_again_while_it_is_held_is_held_and_not_unchanged_too(bench):
    """300 records read are 300 in the account, though some of them were held before."""
    bench.run(bill("1"), bill("2", vendor="V2"), bill("3", paid=True))
    summary = bench.run(bill("1"), bill("2", vendor="V2"), bill("3", paid=True))
    assert summary.to_dict()["read"][KIND] == {
        "records": 3,
        "delivered": 0,
        "unchanged": 1,
        "held": 1,
        "waiting": 0,
        "ignored": 0,
        "left_out": 1,
    }
    assert summary.to_dict()["left_out"] == [{"kind": KIND, "why": "paid", "records": 1}]


def test_what_earlier_runs_left_open_is_told_apart_from_what_was_read(bench):
    """A held bill that goes out in a later run without being read is delivered, and was not read."""
    bench.run(bill("1", vendor="V2"))
    bench.map.suppliers["V2"] = "S-2"
    told = bench.run(bill("2")).to_dict()
    assert (told["read"][KIND]["records"], told["read"][KIND]["delivered"]) == (1, 1)
    assert told["earlier"][KIND]["delivered"] == 1
    assert told["counts"][KIND] == {"created": 2}


def test_accounts_add_up_across_kinds(bench):
    """Vendors and bills of one run are counted each under their own kind."""
    bench.run({"id": "V1", "name": "Acme"}, {"id": "V2", "name": "Other"}, stream="vendors")
    assert bench.last.summary.to_dict()["read"]["suppliers"]["records"] == 2
    bench.run(bill("1"), bill("2", paid=True))
    told = bench.last.summary.to_dict()
    assert told["read"][KIND] | {"records": 2} == told["read"][KIND]
    assert told["read"].get("suppliers", {"records": 0})["records"] == 0


def test_a_document_posted_and_found_to_differ_is_counted_once_as_held(bench):
    """Its amount is not among what was created as well."""
    original = bench.invoices._found
    bench.invoices._found = lambda document: dataclasses.replace(original(document), facts={"total": 2})
    summary = bench.run(bill("1"))
    assert {outcome: n for outcome, n in summary.counts[KIND].items() if n} == {"held": 1}
    assert summary.to_dict()["totals"][KIND] == {"held": {"USD": {"documents": 1, "amount": "100.00"}}}


@pytest.mark.parametrize(("currency", "amount", "told"), [("JPY", "4410", "4410"), ("KWD", "1.5", "1.500")])
def test_totals_have_the_decimals_of_their_currency(bench, currency, amount, told):
    """Programs get amounts as exact text, written as the currency is."""
    totals = bench.run(bill("1", amount, currency=currency)).to_dict()["totals"][KIND]["created"]
    assert totals[currency]["amount"] == told
