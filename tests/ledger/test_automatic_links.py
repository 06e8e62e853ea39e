"""Suppliers that are linked by what both sides say: listed, and held where another one may be meant."""

from __future__ import annotations

import logging

import pytest

from ml_connector.delivery.attempt import Policy
from ml_connector.ledger import queries
from ml_connector.singer.summary import log_summary

TAX_ID = "94-3456781"


def vendor(number, name="Acme", **fields):
    """Return a vendor with the tax number of the target's S-77."""
    return {"id": number, "name": name, "tax_id": TAX_ID, **fields}


@pytest.fixture
def suppliers(bench):
    """A bench whose target has one supplier of that tax number."""
    bench.suppliers.with_tax_id = {TAX_ID: "S-77"}
    bench.map.suppliers = {}

    def run(*records, policy=None):
        bench.take(*records, stream="vendors")
        bench.deliver(*([policy] if policy else ()))
        return {key: count for key, count in bench.last.summary.counts["suppliers"].items() if count}

    bench.run = run
    return bench


def test_each_link_is_listed_with_what_it_rests_on(suppliers, caplog):
    """In the summary people read, in that for programs, and in the life of the supplier."""
    assert suppliers.run(vendor("V7")) == {"linked": 1}
    with caplog.at_level(logging.INFO):
        log_summary(logging.getLogger("test"), suppliers.last, "bill", "workday", dry_run=False)
    assert '"Acme" (V7) is Workday "Acme Inc" (S-77): the same tax number' in caplog.text
    (link,) = suppliers.last.summary.to_dict()["links"]
    assert link == {
        "kind": "suppliers",
        "source": '"Acme" (V7)',
        "target": '"Acme Inc" (S-77)',
        "rests_on": "the same tax number",
    }
    with suppliers.ledger.read() as connection:
        steps = [row.outcome for row in queries.history(connection, suppliers.entry("V7"))]
    assert any("the same tax number" in outcome for outcome in steps)
    assert TAX_ID not in caplog.text


def test_a_link_a_person_made_is_none_of_these(suppliers):
    """A mapped supplier is not listed: somebody has looked at it."""
    suppliers.map.suppliers = {"V7": "S-77"}
    assert suppliers.run(vendor("V7")) == {"linked": 1}
    assert suppliers.last.summary.links == []


def test_two_of_one_tax_number_are_both_held(suppliers):
    """Whichever comes first: nobody but a person can say which of them it is."""
    assert suppliers.run(vendor("V7"), vendor("V8", "Acme Two", tax_id="94 3456781")) == {"held": 2}
    (reason,) = suppliers.entry("V7").reasons
    assert reason.code == "ambiguous"
    assert '"Acme Two" (V8) has the same tax number' in reason.what


def test_a_later_one_of_the_same_tax_number_is_held(suppliers):
    """The first stays linked, and the second is not paid in its place."""
    assert suppliers.run(vendor("V7")) == {"linked": 1}
    assert suppliers.run(vendor("V8", "Acme Two")) == {"held": 1}
    assert '"Acme" (V7) is linked to it already' in suppliers.entry("V8").reasons[0].what


def test_what_is_mapped_to_another_is_not_linked(suppliers):
    """A row of the table gives the supplier to one vendor: another one needs a row of its own."""
    suppliers.map.suppliers = {"V8": "wid-S-77"}
    assert suppliers.run(vendor("V7"), vendor("V8", "Acme Two")) == {"held": 1, "linked": 1}
    assert '"Acme Two" (V8) is linked to it already' in suppliers.entry("V7").reasons[0].what


def test_a_row_in_the_table_settles_it(suppliers):
    """Once a person has said who it is, it goes out by itself."""
    suppliers.run(vendor("V7"), vendor("V8", "Acme Two"))
    suppliers.map.suppliers = {"V7": "wid-S-77", "V8": "wid-S-78"}
    assert suppliers.run() == {"linked": 2}


def test_one_that_is_not_in_use_any_more_is_no_rival(suppliers):
    """An old copy that was archived at the source lays claim to nothing."""
    counts = suppliers.run(vendor("V7"), vendor("V8", active=False))
    assert (counts["linked"], suppliers.entry("V7").target_number) == (1, "S-77")


def test_a_placeholder_is_no_tax_number_of_anybody(suppliers):
    """All who have none written down as zeros are not one another's rivals."""
    suppliers.suppliers.with_tax_id = {"000000000": "S-77"}
    first, second = (vendor(each, tax_id="000000000") for each in ("V7", "V8"))
    suppliers.run(first, second)
    assert "has the same tax number" not in str(suppliers.entry("V7").reasons)


def test_a_doubt_is_told_where_suppliers_are_not_created(suppliers):
    """Held with what it may be and why that is not certain, not only as missing."""
    suppliers.suppliers.suspects = {"Stranger": "S-9"}
    assert suppliers.run(vendor("V9", "Stranger", tax_id=None)) == {"held": 1}
    assert [reason.code for reason in suppliers.entry("V9").reasons] == ["ambiguous"]


def test_a_dry_run_says_the_same(suppliers):
    """What a run would link it lists as well."""
    dry = Policy(dry_run=True, wait_initial=0.001)
    assert suppliers.run(vendor("V7"), policy=dry) == {"linked": 1}
    assert len(suppliers.last.summary.links) == 1
