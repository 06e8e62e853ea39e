"""The map of Workday: which suppliers are wanted, what becomes of them, and what is sent only when asked for."""

from __future__ import annotations

import copy
import datetime as dt
from decimal import Decimal

import pytest

from ml_connector.crosswalk.tables import MemoryReferences
from ml_connector.mapping.engine import MapEngine
from tap_workday.tap import TapWorkday

TENANT = "acme_dpt1"
FINGERPRINT_BEFORE_FREIGHT = "02861f0c84a74cbe07152c012848b29f137da65413e8f8bebc82a2b61cd7b89f"
WID = "0b79d084dc5e0b4112181fbe12a0ad8c"
COMPANY = "bc6a5f721e780812fe5e90ecf215104d"
CATEGORY = "c0ffee00000000000000000000000001"
CENTER = "c0ffee00000000000000000000000002"
VENDOR = "00901VNDRAAAAAAA0001"
ORGANIZATION = "00801ORGAAAAAAAA0001"

TABLES = {
    "suppliers": f"source,target\n{VENDOR},S-00012\n",
    "companies": f"source,target\n{ORGANIZATION},CO-100\n",
    "spend_categories": "source,target\n6100,Office Supplies\n6200,SC-MULTI\n6300,SC-MULTI\n",
    "cost_centers": "source,target\nOperations,410\n*,CC-900\n",
}

SUPPLIER = {
    "wid": WID,
    "tenant": TENANT,
    "supplier_id": "S-00012",
    "supplier_name": "Birch Freight Inc.",
    "worktag_only": False,
    "approval_status_id": "Approved",
    "tax_id_data": [
        {"tax_id_text": "99-1", "primary_tax_id": False},
        {"tax_id_text": "00-0000001", "primary_tax_id": True},
    ],
    "business_entity_data": {
        "business_entity_name": "Birch Freight Incorporated",
        "external_entity_id": "EXT-7",
        "contact_data": {
            "address_data": [
                {
                    "effective_date": "2020-01-01",
                    "country_id": "US",
                    "address_line_data": [
                        {"type": "ADDRESS_LINE_2", "value": "Suite 2"},
                        {"type": "ADDRESS_LINE_1", "value": "1 Main Street"},
                    ],
                    "municipality": "Oakland",
                    "country_region_id": "USA-CA",
                    "postal_code": "94607",
                },
                {"effective_date": "2010-01-01", "municipality": "Alameda"},
            ],
            "phone_data": [{"area_code": "510", "phone_number": "5550100"}],
            "email_address_data": [
                {"email_address": "old@birch.invalid"},
                {
                    "email_address": "ap@birch.invalid",
                    "usage_data": [{"type_data": [{"primary": "1", "type_id": "BUSINESS"}]}],
                },
            ],
        },
    },
    "settlement_account_data": [{"bank_account_number": "********0003"}],
    "supplier_status_data": [{"status_id": "ACTIVE"}],
    "currency_id": "USD",
}

INVOICE = {
    "wid": "aa00000000000000000000000000000a",
    "tenant": TENANT,
    "supplier_invoice_id": "SUPPLIER_INVOICE-3-7",
    "invoice_number": "SI-7",
    "invoice_document_status_id": "APPROVED",
    "company_wid": COMPANY,
    "company_id": "CO-100",
    "supplier_wid": WID,
    "supplier_descriptor": "Birch Freight Inc.",
    "currency_id": "USD",
    "invoice_date": "2026-10-01",
    "due_date_override": "2026-10-31",
    "control_amount_total": Decimal("121.50"),
    "tax_amount": Decimal("10.00"),
    "freight_amount": Decimal("1.50"),
    "suppliers_invoice_number": "INV-1",
    "invoice_line_replacement_data": [
        {
            "supplier_invoice_line_id": "L-1",
            "item_description": "Paper",
            "spend_category_wid": CATEGORY,
            "extended_amount": Decimal("110.00"),
            "worktags": [
                {"type": "Project_ID", "id": "P-1", "wid": "p"},
                {"type": "Cost_Center_Reference_ID", "id": "CC-410", "wid": CENTER},
            ],
        }
    ],
}


def paid(status, amount=None):
    """The invoice with how far it is paid."""
    settled = None if amount is None else Decimal(amount)
    left = None if settled is None else Decimal("121.50") - settled
    return {**INVOICE, "payment_status": status, "paid_amount": settled, "remaining_amount": left}


PAYMENT = {
    "wid": "bb00000000000000000000000000000b",
    "id": "PAYMENT-7",
    "tenant": TENANT,
    "payment_status": "Complete",
    "payment_reference_number": "1000007",
    "payment_amount": Decimal("121.50"),
    "currency_id": "USD",
    "company_wid": COMPANY,
    "company_id": "CO-100",
    "receiving_party_wid": WID,
    "receiving_party_descriptor": "Birch Freight Inc.",
    "payment_group_data": {"payment_date": "2026-10-31", "payment_type_id": "ACH"},
    "remittance_data": [{"document_remittance_data": [{"document_id": "BILL-00n1", "amount_paid": Decimal("121.50")}]}],
}

FILE = {
    "id": f"{INVOICE['wid']}-0a4d55a8d778e502",
    **{name: value for name, value in INVOICE.items() if not name.endswith("_data") and name != "wid"},
    "supplier_invoice_wid": INVOICE["wid"],
    "filename": "scan.pdf",
    "content_type": "application/pdf",
    "compressed": False,
    "size": 3,
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "content": "YWJj",
}

CENTER_RECORD = {
    "wid": CENTER,
    "tenant": TENANT,
    "organization_data": {
        "id": "CC-410",
        "organization_name": "Operations",
        "organization_code": "410",
        "organization_active": True,
    },
}
ACCOUNT_RECORD = {
    "account_set_id": "Corporate",
    "tenant": TENANT,
    "ledger_account_identifier": "6100",
    "ledger_account_name": "Office Supplies",
    "ledger_account_type_id": "EXPENSE",
    "retired": False,
}


def supplier(**changes):
    """Return a supplier as the tap gives it; None removes a field."""
    record = {**copy.deepcopy(SUPPLIER), **changes}
    return {name: value for name, value in record.items() if value is not None}


def whats(mapped):
    """Return what stands against a document."""
    return [reason.what for reason in mapped.reasons]


class Learned:
    """Links a ledger has learned."""

    def __init__(self, links):
        self._links = links

    def linked(self, kind, source_instance, source_id):
        """Return what was learned, None otherwise."""
        return self._links.get((kind, source_instance, source_id))


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A maker of engines for Workday and BILL; tables are those of BILL and Workday unless ``own`` has some."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))

    def load(*, links=None, own=None, tables=None, **settings):
        for pair, files in (("bill-workday", TABLES if tables is None else tables), ("workday-bill", own or {})):
            folder = tmp_path / "transforms" / "crosswalk" / pair
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (folder / f"{name}.csv").write_text(text, "utf-8")
        memory = MemoryReferences()
        memory.put(TENANT, "suppliers", {WID: SUPPLIER})
        memory.put(TENANT, "companies", {COMPANY: {"id": "CO-100", "organization_data": {"organization_name": "Acme"}}})
        memory.put(
            TENANT,
            "spend_categories",
            {CATEGORY: {"resource_category_id": "SC-OFFICE", "resource_category_name": "Office Supplies"}},
        )
        memory.put(TENANT, "cost_centers", {CENTER: CENTER_RECORD})
        memory.put(TENANT, "ledger_accounts", {"Corporate/6100": ACCOUNT_RECORD})
        return MapEngine.load(
            "tap-workday", target="bill", settings=settings, references=memory, links=Learned(links or {})
        )

    return load


class TestSuppliers:
    """What every direction into another system begins with."""

    def test_everything_but_bank_details_is_taken(self, engine):
        """The primary tax number, e-mail and the newest address; the vendor by the table read backwards."""
        mapped = engine(vendor_master=["email", "active"]).map("suppliers", supplier())
        assert mapped.reasons == ()
        assert mapped.document.model_dump(exclude={"source"}) == {
            "external_id": "WORKDAY-S-00012",
            "number": "S-00012",
            "withdrawn": None,
            "name": "Birch Freight Inc.",
            "target_id": VENDOR,
            "currency": "USD",
            "tax_id": "00-0000001",
            "email": "ap@birch.invalid",
            "phone": "5105550100",
            "address_line1": "1 Main Street",
            "address_line2": "Suite 2",
            "city": "Oakland",
            "region": "CA",
            "postal_code": "94607",
            "country": "US",
            "active": True,
            "known_as": ("EXT-7",),
            "owned": ("email", "active"),
        }
        assert (mapped.source.instance, mapped.source.id, mapped.party) == (TENANT, WID, "Birch Freight Inc.")

    def test_nothing_is_owned_by_default(self, engine):
        """Whoever is master of a field is a decision of people."""
        assert engine().map("suppliers", supplier()).document.owned == ()

    def test_a_bare_supplier_is_enough(self, engine):
        """A supplier without an id of people's, contact data or status is mapped as far as it goes."""
        bare = {"wid": "w" * 32, "tenant": TENANT, "supplier_name": "Nobody Yet"}
        document = engine().map("suppliers", bare).document
        assert (document.external_id, document.target_id, document.known_as) == (f"WORKDAY-{'w' * 32}", None, ())
        assert (document.active, document.address_line1, document.tax_id, document.phone) == (True, None, None, None)

    def test_a_supplier_made_from_a_vendor_knows_it(self, engine):
        """Even when ledger and tables are gone, our id and the external id lead back."""
        record = supplier(supplier_id=f"BILL-{VENDOR}", business_entity_data={"external_entity_id": VENDOR})
        assert engine(tables={}).map("suppliers", record).document.known_as == (VENDOR, VENDOR)

    @pytest.mark.parametrize(
        ("changes", "settings", "unwanted"),
        [
            ({}, {}, None),
            ({"worktag_only": True}, {}, "a worktag only"),
            ({"approval_status_id": "In_Progress"}, {}, "not approved (In_Progress)"),
            ({"approval_status_id": "IN_PROGRESS"}, {"approval_status": ["APPROVED", "IN_PROGRESS"]}, None),
            ({"approval_status_id": None}, {}, None),
            ({"supplier_status_data": [{"status_id": "INACTIVE"}]}, {}, "inactive in Workday"),
            ({"supplier_status_data": [{"status_id": "INACTIVE"}]}, {"inactive_suppliers": True}, None),
            ({"supplier_status_data": None}, {}, None),
        ],
    )
    def test_which_suppliers_are_wanted(self, engine, changes, settings, unwanted):
        """Approved, active, and more than a worktag."""
        assert engine(**settings).unwanted("suppliers", supplier(**changes)) == unwanted

    @pytest.mark.parametrize(
        ("statuses", "active"),
        [(None, True), ([], True), ([{"status_id": "ACTIVE"}], True), ([{"status_id": "INACTIVE"}], False)],
    )
    def test_active_follows_the_status(self, engine, statuses, active):
        """A supplier without any status is active."""
        assert engine().map("suppliers", supplier(supplier_status_data=statuses)).document.active is active

    def test_own_table_goes_before_the_one_read_backwards(self, engine):
        """A row of the direction itself decides."""
        own = {"suppliers": "source,target\nS-00012,00901OTHER\n"}
        assert engine(own=own).map("suppliers", supplier()).document.target_id == "00901OTHER"

    def test_a_learned_link_is_enough(self, engine):
        """What the ledger knows needs no row."""
        links = {("suppliers", TENANT, WID): "00901LEARNED"}
        assert engine(links=links, tables={}).map("suppliers", supplier()).document.target_id == "00901LEARNED"

    def test_two_vendors_of_one_supplier_are_never_guessed(self, engine):
        """The rows contradict each other backwards: a person says which, in the direction's own table."""
        tables = {"suppliers": f"source,target\n{VENDOR},S-00012\n00901TWIN,S-00012\n"}
        (reason,) = engine(tables=tables).map("suppliers", supplier()).reasons
        assert reason.code == "ambiguous"
        assert 'transforms/crosswalk/bill-workday/suppliers.csv line 3 "00901TWIN" is S-00012' in reason.what
        assert "transforms/crosswalk/workday-bill/suppliers.csv" in reason.cure


class TestOnRequest:
    """Documents that are sent only when a setting says so."""

    @pytest.mark.parametrize(
        ("stream", "record", "setting"),
        [
            ("supplier_invoices", INVOICE, "send_invoices"),
            ("payments", PAYMENT, "send_payments"),
            ("cost_centers", CENTER_RECORD, "send_cost_centers"),
            ("ledger_accounts", ACCOUNT_RECORD, "send_ledger_accounts"),
        ],
    )
    def test_nothing_but_suppliers_is_sent_by_default(self, engine, stream, record, setting):
        """Each has a setting of its own."""
        assert setting in engine().unwanted(stream, record)
        assert engine(**{setting: True}).unwanted(stream, record) is None

    @pytest.mark.parametrize("control", [None, "", 0, "0", "0.00", Decimal(0), Decimal("121.50"), "121.5"], ids=repr)
    def test_without_a_control_total_the_parts_say_what_is_owed(self, engine, control):
        """It is optional in Workday; lines, tax, freight and other charges come to the total."""
        record = {**INVOICE, "control_amount_total": control}
        if control is None:
            del record["control_amount_total"]
        mapped = engine(send_invoices=True).map("supplier_invoices", record)
        assert (mapped.reasons, mapped.document.total) == ((), Decimal("121.50"))
        assert mapped.document.lines_total == mapped.document.total

    def test_an_invoice_that_is_paid_is_left_out(self, engine):
        """Whoever pays its bill would pay it a second time; the condition is told."""
        assert engine(send_invoices=True).unwanted("supplier_invoices", paid("PAID", "121.50")) == "paid in Workday"

    @pytest.mark.parametrize(
        ("amount", "words"),
        [
            ("21.50", "USD 21.50 of USD 121.50 is paid, USD 100.00 is left"),
            (None, "paid in part in Workday, which does not tell how much is left"),
        ],
    )
    def test_an_invoice_paid_in_part_is_held_with_what_is_left(self, engine, amount, words):
        """Where Workday tells no amounts, that it is paid in part is told."""
        record = paid("PARTIALLY_PAID", amount)
        (reason,) = engine(send_invoices=True).map("supplier_invoices", record).reasons
        assert (reason.code, words in reason.what) == ("part_paid", True), reason.what
        assert engine(send_invoices=True, part_payments="whole").map("supplier_invoices", record).reasons == ()

    def test_of_an_invoice_paid_in_part_the_rest_is_sent_where_the_setting_says_so(self, engine):
        """Its amounts come to what is left, its memo says of what; where that is not known it is held all the same."""
        rest = engine(send_invoices=True, part_payments="rest")
        mapped = rest.map("supplier_invoices", paid("PARTIALLY_PAID", "21.50"))
        assert (mapped.reasons, mapped.amount, mapped.document.total) == ((), Decimal("100.00"), Decimal("100.00"))
        assert mapped.document.lines_total == Decimal("100.00")
        assert mapped.document.memo.endswith("what is left of USD 121.50, USD 21.50 was paid in Workday")
        assert rest.map("supplier_invoices", paid("UNPAID", "0")).document.total == Decimal("121.50")
        (reason,) = rest.map("supplier_invoices", paid("PARTIALLY_PAID", None)).reasons
        assert reason.code == "part_paid"

    def test_paying_a_part_makes_no_other_invoice_of_what_was_sent(self, engine):
        """Also where only the rest of it would be sent now."""
        rest = engine(send_invoices=True, part_payments="rest")
        prints = {
            rest.map("supplier_invoices", paid("PARTIALLY_PAID", each)).fingerprint for each in ("21.50", "60.00")
        }
        assert prints == {rest.map("supplier_invoices", paid("UNPAID", "0")).fingerprint}

    def test_whether_unknown_payments_hold_is_a_setting(self, engine):
        """By default an invoice goes out whole where nobody can know; a state the map does not know holds it."""
        assert engine(send_invoices=True).map("supplier_invoices", paid(None)).reasons == ()
        strict = engine(send_invoices=True, unknown_payments="hold")
        (reason,) = strict.map("supplier_invoices", paid(None)).reasons
        assert reason.code == "payments_unknown"
        assert strict.map("supplier_invoices", paid("UNPAID", "0")).reasons == ()
        (reason,) = engine(send_invoices=True).map("supplier_invoices", paid("SETTLED")).reasons
        assert "SETTLED" in reason.what

    @pytest.mark.parametrize("status", ["UNPAID", "PARTIALLY_PAID", "PAID", None])
    def test_a_payment_makes_no_other_invoice(self, engine, status):
        """What was sent before it was paid has not changed."""
        mapped = engine(send_invoices=True).map("supplier_invoices", paid(status, "1.00"))
        assert mapped.fingerprint == FINGERPRINT_BEFORE_FREIGHT

    @pytest.mark.parametrize("freight", [None, "0", "1.00", "1.50"])
    def test_which_part_of_the_charges_is_freight_makes_no_other_invoice(self, engine, freight):
        """Freight used not to be told apart: what was sent then has not changed because it is now."""
        record = {**INVOICE, "freight_amount": freight, "other_charges": Decimal("1.50") - Decimal(freight or 0)}
        mapped = engine(send_invoices=True).map("supplier_invoices", record)
        assert mapped.document.freight == Decimal(freight or 0)
        assert mapped.fingerprint == FINGERPRINT_BEFORE_FREIGHT

    def test_an_invoice_is_coded_by_the_tables_read_backwards(self, engine):
        """Account from the spend category, department from the cost center's code, company as organization."""
        mapped = engine(send_invoices=True).map("supplier_invoices", INVOICE)
        invoice = mapped.document
        assert mapped.reasons == ()
        assert (invoice.external_id, invoice.number, invoice.supplier, invoice.company) == (
            "WORKDAY-SUPPLIER_INVOICE-3-7",
            "INV-1",
            VENDOR,
            ORGANIZATION,
        )
        assert (invoice.total, invoice.tax_amount, invoice.charges, invoice.lines_total) == (
            Decimal("121.50"),
            Decimal("10.00"),
            Decimal("1.50"),
            Decimal("121.50"),
        )
        assert invoice.freight == Decimal(str(INVOICE.get("freight_amount") or 0))
        (line,) = invoice.lines
        assert (line.gl_account, [each.model_dump() for each in line.dimensions]) == (
            "6100",
            [{"kind": "cost_center", "value": "Operations"}],
        )
        assert (invoice.invoice_date, invoice.due_date) == (dt.date(2026, 10, 1), dt.date(2026, 10, 31))

    @pytest.mark.parametrize(
        ("changes", "settings", "unwanted"),
        [
            ({"invoice_document_status_id": "IN_PROGRESS"}, {}, "not approved (IN_PROGRESS)"),
            ({"invoice_document_status_id": None}, {}, "not approved (not given)"),
            ({}, {"companies": ["CO-200"]}, "of another company (CO-100)"),
            ({}, {"companies": ["CO-100"]}, None),
            (
                {"supplier_invoice_id": "BILL-00n1"},
                {},
                "made from a document of the target (BILL-00n1)",
            ),
            ({"supplier_invoice_id": "COUPA-1"}, {}, None),
            (
                {"supplier_invoice_id": "COUPA-1"},
                {"came_from_target": ["COUPA-"]},
                "made from a document of the target (COUPA-1)",
            ),
        ],
    )
    def test_which_invoices_are_wanted(self, engine, changes, settings, unwanted):
        """Approved ones of the companies named, and none that the target gave us."""
        record = {**INVOICE, **changes}
        assert engine(send_invoices=True, **settings).unwanted("supplier_invoices", record) == unwanted

    def test_an_account_is_never_guessed(self, engine):
        """A spend category several accounts lead to is held."""
        tables = {**TABLES, "spend_categories": "source,target\n6200,SC-OFFICE\n6300,SC-OFFICE\n"}
        mapped = engine(tables=tables, send_invoices=True).map("supplier_invoices", INVOICE)
        assert [reason.code for reason in mapped.reasons] == ["ambiguous"]

    def test_a_split_line_is_held(self, engine):
        """Its coding stands on the splits."""
        line = {**INVOICE["invoice_line_replacement_data"][0], "supplier_invoice_split_line_data": [{"memo": "half"}]}
        mapped = engine(send_invoices=True).map(
            "supplier_invoices", {**INVOICE, "invoice_line_replacement_data": [line]}
        )
        assert whats(mapped) == ["Workday invoice INV-1 has no amount that is not split on line 1"]

    def test_a_canceled_invoice_is_withdrawn(self, engine):
        """What was posted of it is then reported."""
        record = {**INVOICE, "invoice_document_status_id": "CANCELED"}
        assert engine(send_invoices=True).map("supplier_invoices", record).document.withdrawn == "invoice is canceled"

    def test_a_payment_names_what_it_pays(self, engine):
        """By the target's id of each document, which the ledger knows in either direction."""
        links = {("supplier_invoices", TENANT, "BILL-00n1"): "00n1"}
        payment = engine(send_payments=True, links=links).map("payments", PAYMENT).document
        assert (payment.external_id, payment.supplier, payment.amount) == (
            "WORKDAYPAY-PAYMENT-7",
            VENDOR,
            Decimal("121.50"),
        )
        assert [(each.invoice, each.amount) for each in payment.applications] == [("00n1", Decimal("121.50"))]
        (reason,) = engine(send_payments=True).map("payments", PAYMENT).reasons
        assert reason.code == "missing_invoice"

    def test_a_payment_finds_an_invoice_that_was_sent_from_workday(self, engine):
        """A remittance names it by its id, while the ledger knows it by its WID and by the id it was sent under."""
        paid = [{"document_remittance_data": [{"document_id": "SUPPLIER_INVOICE-3-7", "amount_paid": Decimal(1)}]}]
        links = {("supplier_invoices", TENANT, "WORKDAY-SUPPLIER_INVOICE-3-7"): "00n7"}
        mapped = engine(send_payments=True, links=links).map("payments", {**PAYMENT, "remittance_data": paid})
        assert mapped.reasons == ()
        assert [each.invoice for each in mapped.document.applications] == ["00n7"]

    def test_a_file_names_the_invoice_it_belongs_to(self, engine):
        """By the target's id, and waits for it."""
        links = {("supplier_invoices", TENANT, INVOICE["wid"]): "INV-1"}
        loaded = engine(send_invoices=True, send_attachments=True, links=links)
        document = loaded.map("supplier_invoice_attachments", FILE).document
        assert (document.external_id, document.invoice, document.supplier) == (
            f"WORKDAYFILE-{FILE['id']}",
            "INV-1",
            VENDOR,
        )
        assert (document.file_name, document.size, document.data) == ("scan.pdf", 3, b"abc")
        waiting = engine(send_invoices=True, send_attachments=True)
        (reason,) = waiting.map("supplier_invoice_attachments", FILE).reasons
        assert reason.code == "missing_invoice"

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"compressed": True}, "has no content that is not compressed"),
            ({"content": "YWJk"}, "content: is not what its size and hash say"),
            ({"content": "~"}, "content: is not base64"),
        ],
    )
    def test_a_file_that_would_arrive_broken_is_held(self, engine, changes, words):
        """Nothing of its content is quoted."""
        links = {("supplier_invoices", TENANT, INVOICE["wid"]): "INV-1"}
        loaded = engine(send_invoices=True, send_attachments=True, links=links)
        (what,) = whats(loaded.map("supplier_invoice_attachments", {**FILE, **changes}))
        assert what.endswith(words)

    @pytest.mark.parametrize(
        ("settings", "changes", "unwanted"),
        [
            (
                {"send_invoices": True},
                {},
                "attachments are not sent (map settings send_attachments and send_invoices)",
            ),
            (
                {"send_attachments": True},
                {},
                "attachments are not sent (map settings send_attachments and send_invoices)",
            ),
            (
                {"send_invoices": True, "send_attachments": True},
                {"invoice_document_status_id": "DRAFT"},
                "not approved (DRAFT)",
            ),
            (
                {"send_invoices": True, "send_attachments": True},
                {"supplier_invoice_id": "BILL-00n1"},
                "made from a document of the target (BILL-00n1)",
            ),
            ({"send_invoices": True, "send_attachments": True}, {}, None),
        ],
    )
    def test_which_files_are_wanted(self, engine, settings, changes, unwanted):
        """Those of invoices that are."""
        assert engine(**settings).unwanted("supplier_invoice_attachments", {**FILE, **changes}) == unwanted

    @pytest.mark.parametrize(
        ("changes", "unwanted"),
        [
            ({"payment_status": "Voided"}, "not complete (Voided)"),
            ({"payment_status": None}, "not complete (not given)"),
            ({"id": "BILLPAY-stp1"}, "made from a payment of the target"),
        ],
    )
    def test_which_payments_are_wanted(self, engine, changes, unwanted):
        """Completed ones that did not come from the target."""
        assert engine(send_payments=True).unwanted("payments", {**PAYMENT, **changes}) == unwanted

    def test_cost_centers_become_departments(self, engine):
        """With what the target calls them, as far as the table says."""
        document = engine().map("cost_centers", CENTER_RECORD).document
        assert (document.dimension, document.code, document.name, document.target_id) == (
            "department",
            "410",
            "Operations",
            "Operations",
        )

    def test_a_ledger_account_is_known_within_its_account_set(self, engine):
        """The number alone may stand in several sets."""
        mapped = engine().map("ledger_accounts", ACCOUNT_RECORD)
        assert (mapped.source.id, mapped.document.account_number, mapped.document.active) == (
            "Corporate/6100",
            "6100",
            True,
        )


def test_the_map_reads_only_fields_the_tap_has(engine):
    """A field that is misspelt in the map would silently be empty."""
    loaded = engine()
    streams = TapWorkday(config={}, validate_config=False).discover_streams()
    unknown = {
        stream.name: loaded.unknown_fields(stream.name, stream.schema["properties"])
        for stream in streams
        if stream.name in loaded.streams
    }
    assert unknown == {key: [] for key in loaded.streams}
