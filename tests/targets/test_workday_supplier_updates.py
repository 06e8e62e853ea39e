"""Suppliers both sides have: the fields the source is master of are kept equal, and nothing else is put at risk."""

from __future__ import annotations

import datetime as dt

import pytest
from lxml import etree

from erp_sandbox import credentials
from erp_sandbox.workday.documents import Address, BankAccount, Phone, TaxId
from erp_sandbox.world import World
from ml_connector.documents import DocumentSource, Supplier
from ml_connector.errors import Conflict, NotFound, OutcomeUnknown, Rejected
from ml_connector.systems.workday.client import WorkdayClient
from ml_connector.systems.workday.references import References, SupplierThing
from ml_connector.systems.workday.settings import WorkdaySettings
from ml_connector.systems.workday.supplier_record import read_record
from ml_connector.systems.workday.xml import Node
from target_workday.options import WorkdayPosting
from target_workday.sinks import SupplierSink
from target_workday.supplier_changes import supplier_change

PORTLAND = {
    "address_line1": "1 Main St",
    "city": "Portland",
    "region": "OR",
    "postal_code": "97201",
    "country": "US",
}
AT_PORTLAND = Address("US", {"ADDRESS_LINE_1": "1 Main St"}, "Portland", "USA-OR", "97201")
ACCOUNT = BankAccount("BA-1", "Main", "Any Bank", "US")


@pytest.fixture(scope="module")
def world():
    """The data tenants start with."""
    return World.plain(vendors=5, bills=2)


@pytest.fixture
def tenant(sandbox, world):
    """A running tenant."""
    return sandbox(world)


@pytest.fixture
def known(world):
    """A supplier of the tenant, active and with a tax number."""
    return world.workday_seed().suppliers[0]


@pytest.fixture(params=["v42.2", "v30.0"])
def sink(request, tenant, tmp_path):
    """A prepared sink, in both dialects."""
    client = WorkdayClient(
        WorkdaySettings.from_config(
            {
                "base_url": tenant.workday_base_url,
                "tenant": credentials.WORKDAY_TENANT,
                "isu_username": credentials.WORKDAY_ISU_USERNAME,
                "isu_password": credentials.WORKDAY_ISU_PASSWORD,
                "api_version": request.param,
            }
        ),
        state_dir=tmp_path,
    )
    made = SupplierSink(client, References(client), WorkdayPosting(supplier_phone_device_type="Landline"))
    made.prepare()
    yield made
    client.close()


@pytest.fixture
def kept(tenant, known):
    """What the tenant holds of the supplier."""
    return lambda: tenant.workday.suppliers[known.supplier_id]


def vendor(*owned, **changes):
    """A vendor whose owner is the source for the fields named."""
    fields = {
        "source": DocumentSource(system="bill", instance="org", stream="vendors", id="v1"),
        "external_id": "BILL-v1",
        "name": "Harbor Lights LLC",
        "owned": owned,
    }
    return Supplier(**{**fields, **changes})


def submits(tenant):
    """How many changes were sent."""
    return tenant.workday.requests.get("Submit_Supplier", 0)


class TestChanges:
    """What differs is sent, what is equal is not."""

    @pytest.mark.parametrize(
        ("document", "read", "expected"),
        [
            (vendor("name", name="Harbor Lights Inc"), lambda each: each.name, "Harbor Lights Inc"),
            (vendor("email", email="ap@harbor.invalid"), lambda each: each.emails, ["ap@harbor.invalid"]),
            (vendor("active", active=False), lambda each: each.status, "INACTIVE"),
            (
                vendor("tax_id", tax_id="98-7654321"),
                lambda each: each.tax_ids,
                [TaxId("98-7654321", "USA-EIN", primary=True)],
            ),
            (
                vendor("phone", phone="(503) 555-0100", country="US"),
                lambda each: each.phones,
                [Phone("5035550100", "USA", device_type="Landline")],
            ),
            (vendor(*PORTLAND, **PORTLAND), lambda each: each.addresses, [AT_PORTLAND]),
        ],
        ids=["name", "email", "active", "tax number", "phone", "address"],
    )
    def test_an_owned_field_is_made_equal_once(self, sink, tenant, known, kept, *, document, read, expected):
        """The second time nothing is sent, since Workday says it already."""
        delivered = sink.update(document, kept().wid, None)
        assert (delivered.target_id, delivered.number, delivered.unchanged) == (kept().wid, known.supplier_id, False)
        assert delivered.warnings == ()
        assert read(kept()) == expected
        again = sink.update(document, kept().wid, document)
        assert (again.unchanged, again.warnings, submits(tenant)) == (True, (), 1)

    def test_the_name_is_that_of_the_business_entity_too(self, sink, kept):
        """Both stand in the supplier."""
        sink.update(vendor("name", name="Harbor Lights Inc"), kept().wid, None)
        assert (kept().name, kept().business_entity_name) == ("Harbor Lights Inc", "Harbor Lights Inc")

    def test_a_field_that_is_not_owned_stays(self, sink, tenant, kept):
        """Whatever the source says of it."""
        document = vendor(email="ap@harbor.invalid", active=False)
        assert sink.update(document, kept().wid, None).unchanged
        assert submits(tenant) == 0

    def test_everything_else_stays(self, sink, tenant, known, kept):
        """Tax number, status, external id, terms, other contact data and bank accounts."""
        tenant.workday.edit_supplier(
            known.supplier_id, addresses=[AT_PORTLAND], bank_accounts=[ACCOUNT], payment_terms="NET_30"
        )
        before = (kept().tax_ids, kept().status, kept().external_entity_id, kept().currency)
        sink.update(vendor("email", email="ap@harbor.invalid"), kept().wid, None)
        assert (kept().tax_ids, kept().status, kept().external_entity_id, kept().currency) == before
        assert (kept().addresses, kept().bank_accounts, kept().payment_terms) == ([AT_PORTLAND], [ACCOUNT], "NET_30")
        assert kept().name == known.name

    def test_only_what_changes_is_sent(self, sink, tenant, known, kept):
        """No block that is equal, no bank account, no Add_Only beside the reference."""
        tenant.workday.edit_supplier(known.supplier_id, addresses=[AT_PORTLAND], bank_accounts=[ACCOUNT])
        document = vendor("email", "city", email="ap@harbor.invalid", city="Portland")
        request = etree.fromstring(sink.update(document, kept().wid, None).request)
        assert request.attrib == {}
        assert {etree.QName(node).localname for node in request.iter()} == {
            "Auto_Complete", "Business_Entity_Data", "Business_Entity_Name", "Business_Process_Parameters", "Comment",
            "Comment_Data", "Contact_Data", "Email_Address", "Email_Address_Data", "ID", "Submit",
            "Submit_Supplier_Request", "Supplier_Data", "Supplier_Name", "Supplier_Reference", "Type_Data",
            "Type_Reference", "Usage_Data",
        } | ({"External_Entity_ID"} if known.external_entity_id else set())  # fmt: skip

    def test_part_of_an_address_may_be_owned(self, sink, tenant, known, kept):
        """The rest of it is sent as it is, further lines too."""
        lines = {"ADDRESS_LINE_1": "1 Main St", "ADDRESS_LINE_2": "Suite 2", "ADDRESS_LINE_3": "Dock 4"}
        tenant.workday.edit_supplier(known.supplier_id, addresses=[Address("US", lines, "Portland", "USA-OR", "97201")])
        sink.update(vendor("address_line1", "address_line2", address_line1="9 Oak Ave"), kept().wid, None)
        (address,) = kept().addresses
        assert address.lines == {"ADDRESS_LINE_1": "9 Oak Ave", "ADDRESS_LINE_3": "Dock 4"}
        assert (address.municipality, address.region, address.postal_code) == ("Portland", "USA-OR", "97201")

    @pytest.mark.parametrize(
        ("changes", "document"),
        [
            ({"emails": ["AP@Harbor.invalid"]}, vendor("email", email="ap@harbor.invalid")),
            ({"name": "Harbor  Lights LLC"}, vendor("name")),
            (
                {"phones": [Phone("555-0100", "USA", "1", "503", device_type="Landline")]},
                vendor("phone", phone="(503) 5550100"),
            ),
            ({"addresses": [AT_PORTLAND]}, vendor(*PORTLAND, **{**PORTLAND, "region": "or", "country": "us"})),
            ({"tax_ids": [TaxId("123456789", "USA-EIN")]}, vendor("tax_id", tax_id="12-3456789")),
        ],
    )
    def test_another_spelling_is_no_difference(self, sink, tenant, known, kept, *, changes, document):
        """Nothing echoes between the two sides."""
        tenant.workday.edit_supplier(known.supplier_id, **changes)
        assert sink.update(document, kept().wid, None).unchanged
        assert submits(tenant) == 0

    def test_the_reference_data_learns_of_it(self, sink, known, kept):
        """An invoice in the same run sees what the supplier is now."""
        sink.update(vendor("active", "tax_id", active=False, tax_id="98-7654321"), kept().wid, None)
        thing = sink._references.supplier(known.supplier_id)
        assert (thing.active, thing.tax_ids) == (False, {"987654321"})
        assert sink._references.suppliers_with(tax_id=known.tax_id) == []
        assert len(sink._references.suppliers_with(tax_id="98-7654321")) == 1

    def test_nothing_stands_against_a_supplier_that_was_named(self, sink, tenant, known):
        """Neither that it is inactive nor what only new suppliers need."""
        tenant.workday.inactivate_supplier(known.supplier_id)
        sink._references.reload("supplier")
        document = vendor("active", tax_id=known.tax_id, target_id=known.supplier_id, active=True)
        assert sink.match(document).number == known.supplier_id
        assert sink.check(document) == []

    def test_an_inactive_supplier_is_linked_by_a_person_only(self, sink, tenant, known):
        """A tax number does not decide it: somebody has put the supplier out of use."""
        tenant.workday.inactivate_supplier(known.supplier_id)
        sink._references.reload("supplier")
        document = vendor("active", tax_id=known.tax_id, target_id=None, active=True)
        assert sink.match(document) is None
        assert any("inactive in the target" in reason.what for reason in sink.doubts(document))


class TestWhatStaysWithAWord:
    """What cannot be sent safely is left as it is, and the audit says why."""

    @pytest.mark.parametrize(
        ("changes", "document", "warning"),
        [
            (
                {"emails": ["ap@harbor.invalid"]},
                vendor("email"),
                'email left as it is in Workday: BILL has none; Workday keeps "ap@harbor.invalid"',
            ),
            (
                {"tax_ids": []},
                vendor("tax_id", tax_id="12-3456789"),
                "tax number left as it is in Workday: which type of tax number it is cannot be told",
            ),
            (
                {"tax_ids": [TaxId("1", "USA-EIN"), TaxId("2", "DEU-VAT")]},
                vendor("tax_id", tax_id="12-3456789"),
                "tax number left as it is in Workday: which type of tax number it is cannot be told",
            ),
            (
                {},
                vendor("address_line1", address_line1="1 Main St"),
                "address line 1 left as it is in Workday: the address would be incomplete",
            ),
            (
                {"addresses": [AT_PORTLAND]},
                vendor("region", region="Oregon State"),
                "region left as it is in Workday: it is not the code of a region there",
            ),
            (
                {},
                vendor("phone", phone="+41 31 555 01 00"),
                "phone left as it is in Workday: where its country code ends cannot be told",
            ),
            (
                {},
                vendor("phone", phone="5550100"),
                'phone left as it is in Workday: its country, or a device type ("supplier_phone_device_type"), is missing',
            ),
            (
                {"emails": ["one@harbor.invalid", "two@harbor.invalid"]},
                vendor("email", email="three@harbor.invalid"),
                "email left as it is in Workday: there are several, and the others would be replaced",
            ),
        ],
    )
    def test_it_is_told_and_not_sent(self, sink, tenant, known, kept, *, changes, document, warning):
        """Alone it makes no change."""
        tenant.workday.edit_supplier(known.supplier_id, **changes)
        delivered = sink.update(document, kept().wid, None)
        assert (delivered.unchanged, delivered.warnings, submits(tenant)) == (True, (warning,), 0)

    def test_the_rest_is_sent(self, sink, tenant, known, kept):
        """One field that cannot be sent does not stop the others."""
        tenant.workday.edit_supplier(known.supplier_id, tax_ids=[])
        document = vendor("tax_id", "email", tax_id="12-3456789", email="ap@harbor.invalid")
        delivered = sink.update(document, kept().wid, None)
        assert (len(delivered.warnings), kept().emails) == (1, ["ap@harbor.invalid"])


class TestConflicts:
    """What somebody changed in Workday is not overwritten without a word."""

    def test_a_change_made_in_workday_is_told_with_all_values(self, sink, tenant, known, kept):
        """Field, what Workday says, what was sent and what should be sent now."""
        tenant.workday.edit_supplier(known.supplier_id, emails=["clerk@harbor.invalid"])
        before, now = (vendor("email", email=f"{name}@harbor.invalid") for name in ("old", "new"))
        with pytest.raises(Conflict) as caught:
            sink.update(now, kept().wid, before)
        assert (
            'email is "clerk@harbor.invalid" in Workday, sent last was "old@harbor.invalid", '
            'now it should be "new@harbor.invalid"'
        ) in caught.value.message
        assert kept().emails == ["clerk@harbor.invalid"]

    @pytest.mark.parametrize(
        "previous",
        [
            None,
            vendor("name"),
            vendor("email"),
            vendor("email", email="clerk@harbor.invalid"),
        ],
        ids=["nothing sent", "field not owned then", "nothing to send then", "as sent last"],
    )
    def test_without_a_baseline_the_master_has_its_way(self, sink, tenant, known, kept, previous):
        """A conflict needs something that was sent and is not there any more."""
        tenant.workday.edit_supplier(known.supplier_id, emails=["clerk@harbor.invalid"])
        sink.update(vendor("email", email="new@harbor.invalid"), kept().wid, previous)
        assert kept().emails == ["new@harbor.invalid"]

    def test_a_change_that_leads_to_the_same_is_none(self, sink, tenant, known, kept):
        """Both sides agree; it does not matter who was first."""
        tenant.workday.edit_supplier(known.supplier_id, emails=["new@harbor.invalid"])
        before, now = (vendor("email", email=f"{name}@harbor.invalid") for name in ("old", "new"))
        assert sink.update(now, kept().wid, before).unchanged

    def test_a_tax_number_is_not_told_whole(self, sink, tenant, known, kept):
        """It may be a person's."""
        tenant.workday.edit_supplier(known.supplier_id, tax_ids=[TaxId("333-33-3333", "USA-SSN")])
        with pytest.raises(Conflict) as caught:
            sink.update(vendor("tax_id", tax_id="222-22-2222"), kept().wid, vendor("tax_id", tax_id="111-11-1111"))
        assert '"...3333"' in caught.value.message
        assert "333-33" not in caught.value.message


class TestOutcomes:
    """A change can be sent again, and is looked at afterwards."""

    @pytest.mark.parametrize(("fault", "arrived"), [("drop_before", False), ("drop_after", True), ("error_500", False)])
    def test_a_lost_answer_is_sent_again_if_need_be(self, sink, tenant, kept, fault, arrived):
        """The supplier is compared anew."""
        document = vendor("email", email="ap@harbor.invalid")
        tenant.faults.next("workday", fault, side="writes")
        with pytest.raises(OutcomeUnknown):
            sink.update(document, kept().wid, None)
        assert sink.update(document, kept().wid, None).unchanged == arrived
        assert kept().emails == ["ap@harbor.invalid"]

    def test_lost_bank_accounts_are_told_loudly(self, sink, tenant, known, kept):
        """Whether Workday keeps a block that is left out is not documented."""
        tenant.workday.edit_supplier(known.supplier_id, bank_accounts=[ACCOUNT])
        tenant.workday.behaviour.omitted_blocks = "cleared"
        with pytest.raises(Rejected, match="had 1 bank accounts and has 0 since it was changed: restore them"):
            sink.update(vendor("email", email="ap@harbor.invalid"), kept().wid, None)

    def test_a_change_that_cannot_be_read_back_is_told(self, sink, tenant, kept):
        """It was made all the same."""
        document, call = vendor("email", email="ap@harbor.invalid"), sink._client.call

        def forbid_afterwards(service, operation, body, **options):
            answer = call(service, operation, body, **options)
            if options.get("write"):
                tenant.workday.forbid("Get_Suppliers")
            return answer

        sink._client.call = forbid_afterwards
        (warning,) = sink.update(document, kept().wid, None).warnings
        assert warning.startswith("could not be read back")

    @pytest.mark.parametrize(
        ("trap", "error"),
        [("error_exception", Rejected), ("not_written", Rejected), ("no_reference", OutcomeUnknown)],
    )
    def test_an_answer_without_a_fault_proves_nothing(self, sink, tenant, kept, trap, error):
        """An Error exception is a refusal, an empty answer no answer."""
        tenant.workday.arm(trap)
        with pytest.raises(error):
            sink.update(vendor("email", email="ap@harbor.invalid"), kept().wid, None)

    def test_a_supplier_that_is_gone_is_told(self, sink):
        """It is not created again."""
        with pytest.raises(NotFound):
            sink.update(vendor("email", email="ap@harbor.invalid"), "f" * 32, None)

    def test_read_back_leaves_changes_to_the_approval(self, sink):
        """A change that waits for approval does not show yet, and is no difference."""
        assert sink.facts(vendor("email")) == {}
        assert sink.facts(vendor()) == {"name": "Harbor Lights LLC"}


CONTACT = """
<wd:Supplier xmlns:wd="urn:com.workday/bsvc">
<wd:Supplier_Reference><wd:ID wd:type="WID">{wid}</wd:ID></wd:Supplier_Reference>
<wd:Supplier_Data><wd:Supplier_Name>Harbor</wd:Supplier_Name>
<wd:Business_Entity_Data><wd:Business_Entity_Name>Harbor Holding</wd:Business_Entity_Name>
<wd:Contact_Data>{points}</wd:Contact_Data></wd:Business_Entity_Data></wd:Supplier_Data></wd:Supplier>
"""
USAGE = (
    '<wd:Usage_Data wd:Public="1"><wd:Type_Data wd:Primary="{primary}"><wd:Type_Reference>'
    '<wd:ID wd:type="Communication_Usage_Type_ID">WORK</wd:ID></wd:Type_Reference></wd:Type_Data>'
    '<wd:Use_For_Reference><wd:ID wd:type="WID">u1</wd:ID></wd:Use_For_Reference>'
    "<wd:Comments>Remit to</wd:Comments></wd:Usage_Data>"
)
STREET = (
    '<wd:Address_Data wd:Effective_Date="{since}"><wd:Country_Reference><wd:ID wd:type="ISO_3166-1_Alpha-2_Code">CH'
    '</wd:ID></wd:Country_Reference><wd:Address_Line_Data wd:Type="ADDRESS_LINE_1">{street}</wd:Address_Line_Data>'
    "<wd:Municipality>Bern</wd:Municipality>{more}{usage}<wd:Address_Reference>"
    '<wd:ID wd:type="Address_ID">{street}-ID</wd:ID></wd:Address_Reference></wd:Address_Data>'
)


def street(name, since="2025-01-01-08:00", primary="1", more=""):
    """An address as a tenant shows it."""
    return STREET.format(street=name, since=since, more=more, usage=USAGE.format(primary=primary))


def change(points, document, shape):
    """What would be done about a supplier with these ways to reach it."""
    record = read_record(Node(etree.fromstring(CONTACT.format(points=points, wid="a" * 32))))
    return supplier_change(document, record, None, shape=shape, options=WorkdayPosting(), today=dt.date(2026, 10, 1))


class AnyShape:
    """A description that has every field."""

    def __init__(self, lacks=()):
        self.lacks = lacks

    def has(self, name):
        """Whether there is a field of that name."""
        return name not in self.lacks

    def part(self, *names):
        """A nested part, alike."""
        return self

    def put(self, data, value, *names):
        """Put a value under the first name."""
        if value not in (None, [], {}):
            data[names[0]] = value


def test_one_of_several_addresses_is_named():
    """The newest primary one is changed, the others stay; what it is used for goes with it."""
    points = street("Old", "2020-01-01") + street("Other", "2026-01-01", primary="0") + street("Now")
    made = change(points, vendor("address_line1", address_line1="New"), AnyShape())
    ((address,),) = made.body["Supplier_Data"]["Business_Entity_Data"]["Contact_Data"].values()
    assert address["Do_Not_Replace_All"] is True
    assert address["Address_Reference"] == {"ID": [{"_value_1": "Now-ID", "type": "Address_ID"}]}
    assert address["Usage_Data"] == [
        {
            "Type_Data": [
                {
                    "Type_Reference": {"ID": [{"_value_1": "WORK", "type": "Communication_Usage_Type_ID"}]},
                    "Primary": True,
                }
            ],
            "Use_For_Reference": [{"ID": [{"_value_1": "u1", "type": "WID"}]}],
            "Comments": "Remit to",
            "Public": True,
        }
    ]
    assert made.body["Supplier_Data"]["Business_Entity_Data"]["Business_Entity_Name"] == "Harbor Holding"


@pytest.mark.parametrize(
    ("points", "lacks", "why"),
    [
        (street("A") + street("B"), ("Do_Not_Replace_All",), "there are several, and the others would be replaced"),
        (street("A") + street("B"), ("Address_Reference",), "there are several, and the others would be replaced"),
        (
            street("A", more="<wd:Submunicipality_Data>x</wd:Submunicipality_Data>"),
            (),
            "it has Submunicipality_Data, which would be lost",
        ),
    ],
)
def test_an_address_that_cannot_be_changed_safely_is_left(points, lacks, why):
    """Rather than lose what stands beside it."""
    made = change(points, vendor("address_line1", address_line1="New"), AnyShape(lacks))
    assert (made.fields, made.warnings) == ((), (f"address line 1 left as it is in Workday: {why}",))


def test_a_status_of_the_tenants_own_is_left():
    """A hold on payments is neither active nor inactive."""
    record = read_record(Node(etree.fromstring(CONTACT.format(points="", wid="a" * 32))))
    thing = SupplierThing("supplier", {"WID": "a" * 32}, "Harbor", active=False, status="Payment Hold")
    changed = {name: getattr(record, name) for name in record.__dataclass_fields__} | {
        "thing": thing,
        "status_id": "PAYMENT_HOLD",
    }
    made = supplier_change(
        vendor("active"),
        type(record)(**changed),
        None,
        shape=AnyShape(),
        options=WorkdayPosting(),
        today=dt.date(2026, 10, 1),
    )
    assert made.warnings == ("active left as it is in Workday: its status PAYMENT_HOLD is neither active nor inactive",)
