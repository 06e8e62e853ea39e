"""Suppliers both sides have: who is master of a field decides it, and nothing goes round in circles."""

from __future__ import annotations

import pytest
from ledger_doubles import TestMap, timeout

from ml_connector.crosswalk.tables import AmbiguousLink
from ml_connector.documents import DocumentSource
from ml_connector.errors import Conflict
from ml_connector.ledger import proof, queries
from ml_connector.ledger.binder import LedgerLinks, LedgerReferences
from ml_connector.ledger.intake import Intake


def vendor(number="V7", **fields):
    return {"id": number, "name": "Acme", **fields}


@pytest.fixture
def suppliers(bench):
    """A bench whose target knows Acme as S-77, and whose source is master of the e-mail."""
    bench.suppliers.known["Acme"] = "S-77"
    bench.map.owned = ["email"]

    def run(**fields):
        bench.take(vendor(**fields), stream="vendors")
        bench.deliver()
        return {key: count for key, count in bench.last.summary.counts["suppliers"].items() if count}

    bench.run = run
    return bench


def test_first_link_makes_owned_fields_equal(suppliers):
    """When a supplier is linked, what the source is master of is made equal at once."""
    assert suppliers.run(email="ap@acme.invalid") == {"updated": 1}
    assert suppliers.target.fields["wid-S-77"] == {"email": "ap@acme.invalid"}


def test_equal_fields_are_not_written(suppliers):
    """What the target says already is not sent: nothing echoes."""
    suppliers.target.fields["wid-S-77"] = {"email": "ap@acme.invalid"}
    assert suppliers.run(email="ap@acme.invalid") == {"linked": 1}
    assert suppliers.target.writes == []


def test_change_of_an_owned_field_is_sent_once(suppliers):
    """An owned field that changes is sent, and the run after that sends nothing."""
    suppliers.run(email="old@acme.invalid")
    assert suppliers.run(email="new@acme.invalid") == {"updated": 1}
    assert suppliers.run(email="new@acme.invalid") == {}
    assert suppliers.target.fields["wid-S-77"]["email"] == "new@acme.invalid"


def test_change_of_a_foreign_field_is_none_of_ours(suppliers):
    """A field the source is not master of is never sent."""
    suppliers.run(email="ap@acme.invalid")
    writes = list(suppliers.target.writes)
    assert suppliers.run(email="ap@acme.invalid", active=False) == {"unchanged": 1}
    assert suppliers.target.writes == writes


def test_without_ownership_linked_suppliers_are_left_alone(suppliers):
    """By default nobody is master of anything, and nothing is changed."""
    suppliers.map.owned = []
    assert suppliers.run(email="ap@acme.invalid") == {"linked": 1}
    assert suppliers.run(email="new@acme.invalid") == {"unchanged": 1}
    assert suppliers.target.writes == []


@pytest.mark.parametrize("arrived", [True, False])
def test_lost_answer_to_a_field_update_is_sent_again(suppliers, arrived):
    """After a lost answer the field is compared anew: written if it had not arrived, else left."""
    suppliers.run(email="old@acme.invalid")
    (suppliers.target.fail_after if arrived else suppliers.target.fail_before)(timeout())
    suppliers.run(email="new@acme.invalid")
    assert suppliers.target.fields["wid-S-77"]["email"] == "new@acme.invalid"
    assert suppliers.target.writes.count(("update", "BILL-V7")) == 2


def test_link_holds_in_the_other_direction(suppliers):
    """What a vendor became in the target leads back to the vendor when the target is read as a source."""
    suppliers.run()
    back = LedgerLinks(suppliers.ledger, "bill:org", system=lambda: "test")
    assert back.linked("suppliers", "one", "S-77") == "V7"
    assert back.linked("suppliers", "one", "wid-S-77") == "V7"
    assert back.linked("suppliers", "one", "S-78") is None


def test_two_vendors_of_one_supplier_lead_nowhere_back(suppliers):
    """Nobody picks one of several, unless the supplier has become a certain vendor itself."""
    suppliers.run()
    suppliers.take(vendor("V8"), stream="vendors")
    suppliers.deliver()
    back = LedgerLinks(suppliers.ledger, "bill:org", system=lambda: "test")
    with pytest.raises(AmbiguousLink, match="V7, V8"):
        back.linked("suppliers", "one", "S-77")


class Mirror(TestMap):
    """Reads what the bench's target has, as the way back would."""

    source = "test"

    def identify(self, stream, record):
        """Return the supplier's identity."""
        return DocumentSource(system="test", instance="one", stream=stream, id=record["id"])


def read_back(bench, **fields):
    """Let the other direction read the supplier as the target shows it now."""
    intake = Intake(
        bench.ledger, "bill:org", Mirror(), LedgerReferences(bench.ledger, system=lambda: "test"), ["suppliers"]
    )
    intake.add("vendors", {"id": "wid-S-77", "name": "Acme", **fields})
    intake.flush()


def test_a_change_on_the_other_side_is_on_record(suppliers):
    """The audit says why a settled supplier is open again, before anything is done with it."""
    suppliers.run()
    read_back(suppliers, email="hand@acme.invalid")
    entry = suppliers.entry("V7")
    assert entry.state == "received"
    with suppliers.ledger.read() as connection:
        assert queries.history(connection, entry)[-1].action == "reopened"
        assert proof.verify(connection).differing == ()


def test_a_change_on_the_other_side_is_noticed(suppliers, monkeypatch):
    """A field the source is master of, changed in the target: seen when the target is read as a source."""
    suppliers.run(email="ap@acme.invalid")
    read_back(suppliers, email="ap@acme.invalid")
    assert suppliers.run(email="ap@acme.invalid") == {"unchanged": 1}
    assert suppliers.run(email="ap@acme.invalid") == {}

    def conflict(document, target_id, previous):
        assert previous.email == "ap@acme.invalid"
        raise Conflict("test", "update", "somebody changed it")

    with monkeypatch.context() as patch:
        patch.setattr(suppliers.suppliers, "update", conflict)
        read_back(suppliers, email="typed@acme.invalid")
        assert suppliers.run(email="ap@acme.invalid") == {"held": 1}
    (reason,) = suppliers.entry("V7").reasons
    assert (reason.code, reason.cure) == (
        "changed_in_target",
        "put it back in Test; or overwrite it: `ml-connector replay V7`",
    )
    assert suppliers.run(email="ap@acme.invalid") == {"held": 1}, "it is not asked again before something changes"
    read_back(suppliers, email="ap@acme.invalid")
    assert suppliers.run(email="ap@acme.invalid") == {"unchanged": 1}
    assert suppliers.entry("V7").state == "posted"


def test_a_replayed_supplier_is_overwritten(suppliers, monkeypatch):
    """Who replays it has decided that the master is right."""
    suppliers.run(email="ap@acme.invalid")
    seen = []
    update = suppliers.suppliers.update

    def noted(document, target_id, previous):
        seen.append(previous)
        return update(document, target_id, previous)

    monkeypatch.setattr(suppliers.suppliers, "update", noted)
    suppliers.target.fields["wid-S-77"]["email"] = "typed@acme.invalid"
    queries.replay(suppliers.ledger, [suppliers.entry("V7")], actor="somebody")
    suppliers.deliver()
    assert seen == [None]
    assert suppliers.target.fields["wid-S-77"]["email"] == "ap@acme.invalid"


def test_an_echo_is_read_once(suppliers):
    """The other side's record of our own change has the supplier compared once more, and nothing is written."""
    suppliers.run(email="ap@acme.invalid")
    writes = list(suppliers.target.writes)
    read_back(suppliers, email="ap@acme.invalid")
    suppliers.deliver()
    read_back(suppliers, email="ap@acme.invalid")
    assert suppliers.run(email="ap@acme.invalid") == {}
    assert suppliers.target.writes == writes
