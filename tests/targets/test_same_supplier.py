"""Who is paid: when a supplier is one the target has, in every target the same; and none is made twice."""

from __future__ import annotations

import unicodedata
from contextlib import ExitStack

import bill_documents
import business_central_documents
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same_texts import ALIKE

from erp_sandbox import credentials
from erp_sandbox.bill.rules import BillRules
from erp_sandbox.server import Sandbox
from erp_sandbox.workday.documents import Address, TaxId
from erp_sandbox.world import World, supplier_id
from ml_connector.matching import match_parties
from ml_connector.sameness import same_name
from ml_connector.system.access import Party
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.settings import BillSettings
from ml_connector.systems.workday.client import WorkdayClient
from ml_connector.systems.workday.settings import WorkdaySettings
from target_bill import references as of_bill
from target_bill import sinks as bill_sinks
from target_business_central import references as of_business_central
from target_business_central import sinks as business_central_sinks
from target_business_central.options import BusinessCentralPosting
from target_workday import sinks as workday_sinks
from target_workday.options import WorkdayPosting

NAME, TAX_ID = "Café Zürich AG", "94-3456781"
NEW_SUPPLIERS = {"supplier_category": "SERVICES", "supplier_payment_terms": "NET_30", "supplier_payment_type": "ACH"}


class Bill:
    """An organization whose first vendor can be changed."""

    def __init__(self, box):
        self.box = box
        self.client = BillClient(BillSettings.from_config(bill_documents.config_for(box), plugin="target-bill"))

    def becomes(self, name, tax_id=None, country="US", *, other=False):
        number = 2 if other else 1
        vendor = bill_documents.bill_id("vendor", 1, number)
        address = {**self.box.bill.vendor(vendor)["address"], "country": country}
        info = {"taxId": tax_id} if tax_id else None
        self.box.bill.edit_vendor(vendor, name=name, additionalInfo=info, address=address)

    def sink(self):
        made = bill_sinks.SupplierSink(of_bill.References(self.client))
        made.prepare()
        return made


class BusinessCentral:
    """A company whose first vendor can be changed."""

    def __init__(self, box):
        self.box = box
        self.client = business_central_documents.client_for(box)

    def becomes(self, name, tax_id=None, country="US", *, other=False):
        vendor = self.box.business_central.vendor("V00002" if other else "V00001")["id"]
        changes = {"displayName": name, "taxRegistrationNumber": tax_id or "", "country": country}
        self.box.business_central.edit("vendors", vendor, **changes)

    def sink(self):
        references = of_business_central.References(self.client, self.box.business_central.company().id)
        made = business_central_sinks.SupplierSink(references, BusinessCentralPosting.from_config({}))
        made.prepare()
        return made


class Workday:
    """A tenant whose first supplier can be changed."""

    def __init__(self, box):
        self.box = box
        config = {
            "base_url": box.workday_base_url,
            "tenant": credentials.WORKDAY_TENANT,
            "isu_username": credentials.WORKDAY_ISU_USERNAME,
            "isu_password": credentials.WORKDAY_ISU_PASSWORD,
        }
        self.client = WorkdayClient(WorkdaySettings.from_config(config))

    def becomes(self, name, tax_id=None, country="US", *, other=False):
        supplier = self.box.workday.suppliers[supplier_id(2 if other else 1)]
        supplier.name, supplier.external_entity_id = name.translate({2: None}), None  # XML has no such character
        supplier.tax_ids = [TaxId(tax_id, "USA-EIN", primary=True)] if tax_id else []
        supplier.addresses = [Address(country, {"ADDRESS_LINE_1": "1 Way"}, "Bend", postal_code="97701")]
        self.box.workday.touch()

    def sink(self):
        references = workday_sinks.suppliers.References(self.client)
        made = workday_sinks.SupplierSink(self.client, references, WorkdayPosting.from_config(NEW_SUPPLIERS))
        made.prepare()
        return made


@pytest.fixture(scope="module", params=[Bill, BusinessCentral, Workday])
def room(request):
    """A target with a few suppliers, the first of which a test can change."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        business_central_documents.without_documents(patch)
        box = stack.enter_context(Sandbox(World.plain(vendors=3, bills=0, lines=(1, 1)), rules=BillRules()))
        made = request.param(box)
        stack.callback(made.client.close)
        yield made


def supplier(name=NAME, id_="s1", **changes):
    """Return a supplier of the source."""
    return bill_documents.supplier(id_, name=name, **changes)


def codes(reasons):
    """What stands against a document, by code."""
    return [reason.code for reason in reasons]


@pytest.mark.parametrize(("there", "here"), [pair for each in ALIKE.values() for pair in (each, each[::-1])])
def test_none_is_made_beside_one_of_its_name(room, there, here):
    """However either side writes the name: Unicode form, case, blanks or what nobody sees."""
    room.becomes(there)
    (reason,) = room.sink().check(supplier(here))
    assert reason.code == "ambiguous"


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(codec="utf-8", categories=["L", "Nd"]), min_size=3, max_size=12),
    form=st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]),
    unseen=st.sampled_from(["\u200b", "\u00ad", "\u200e", "\u2060", "\ufe0f"]),
    at=st.integers(0, 12),
)
def test_no_writing_of_a_name_makes_another_supplier(room, name, form, unseen, at):
    """Any name, in any form, with something unseen anywhere, in any case."""
    room.becomes(name)
    variant = unicodedata.normalize(form, name[:at] + unseen + name[at:])
    other_case = variant.swapcase()
    if same_name(other_case) == same_name(variant):  # it is not where a letter has none of its own: a dotless i
        variant = other_case
    assert "ambiguous" in codes(room.sink().check(supplier(variant)))


def test_another_name_is_another_supplier(room):
    """Accents tell names apart; nothing stands against it."""
    room.becomes(NAME)
    assert codes(room.sink().check(supplier("Cafe Zurich AG"))) == []


def test_what_is_just_made_is_known_however_it_is_written(room):
    """Two suppliers of one name in one run are one too many."""
    sink = room.sink()
    first, second = supplier("Naïve Büro GmbH", "n1"), supplier("Nai\u0308ve Bu\u0308ro Gmb\u200bH", "n2")
    assert sink.check(first) == []
    sink.create(first)
    assert codes(sink.check(second)) == ["ambiguous"]


@pytest.mark.parametrize(
    ("changes", "against"),
    [
        ({}, None),
        ({"name": "CAFE\u0301 ZU\u0308RICH"}, None),
        ({"tax_id": "94 345 67 81"}, None),
        ({"tax_id": "\uff19\uff14\u20113456781"}, None),
        ({"country": None}, None),
        ({"name": "Tidewater Couriers LLC"}, "the names differ"),
        ({"country": "DE"}, "the countries differ"),
        ({"name": "Tidewater Couriers LLC", "country": "DE"}, "the names differ; the countries differ"),
    ],
)
def test_a_tax_number_links_only_what_nothing_contradicts(room, changes, against):
    """Its name and country must speak for it; else it is held, with what speaks against it."""
    room.becomes(NAME, TAX_ID)
    sink, document = room.sink(), supplier(**{"tax_id": TAX_ID, **changes})
    found = sink.match(document)
    assert (found is None) == (against is not None)
    reasons = [*sink.doubts(document), *sink.check(document)]
    if found is None:
        assert {reason.code for reason in reasons} == {"ambiguous"}
        assert against in reasons[0].what
        assert TAX_ID not in reasons[0].what
    else:
        assert reasons == []
        assert "the same tax number" in found.rests_on


@pytest.mark.parametrize(
    "changes",
    [{}, {"name": "Tidewater Couriers LLC"}, {"country": "DE"}, {"tax_id": "94-3456782"}, {"tax_id": "00-0000000"}],
)
def test_match_and_delivery_judge_alike(room, changes):
    """What ``match suppliers`` would not map by itself no delivery links by itself, and the other way round."""
    room.becomes(NAME, TAX_ID)
    document = supplier(**{"tax_id": TAX_ID, **changes})
    found = room.sink().match(document)
    source = Party("s1", document.name, tax_ids=frozenset({document.tax_id}), country=document.country)
    there = Party("there", NAME, tax_ids=frozenset({TAX_ID}), country="US")
    assert (found is not None) == any(each.certain for each in match_parties([source], [there]))


def test_a_tax_number_of_two_links_nobody(room):
    """Which of the two it is nobody but a person can say."""
    room.becomes(NAME, TAX_ID)
    room.becomes(f"{NAME} 2", TAX_ID, other=True)
    try:
        sink, document = room.sink(), supplier(tax_id=TAX_ID)
        assert sink.match(document) is None
        (reason,) = sink.doubts(document)
        assert "others have the same tax id" in reason.what
    finally:
        room.becomes("Somebody Else", other=True)


def test_a_second_supplier_of_the_same_tax_number_is_held(room):
    """One supplier of the target is one of the source."""
    room.becomes(NAME, TAX_ID)
    sink = room.sink()
    assert sink.match(supplier(id_="a", tax_id=TAX_ID)) is not None
    second = supplier(id_="b", tax_id=TAX_ID)
    assert sink.match(second) is None
    assert f'as "{NAME}" (a) is' in sink.doubts(second)[0].what
