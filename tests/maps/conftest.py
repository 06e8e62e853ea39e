"""A small world for maps: one vendor, one account, two departments, and the tables between BILL and Workday."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest

from ml_connector.crosswalk.tables import MemoryReferences
from ml_connector.mapping.engine import MapEngine

ORGANIZATION = "00801ORGAAAAAAAA0001"
VENDOR = "00901VNDRAAAAAAA0001"
ACCOUNT = "0ca01ACCTAAAAAAA0001"
OPERATIONS = "0de01DEPTAAAAAAA0001"
FIELD_OPS = "0de01DEPTAAAAAAA0002"

TABLES = {
    "suppliers": f"source,target\n{VENDOR},S-00012\n",
    "companies": f"source,target\n{ORGANIZATION},CO-100\n",
    "spend_categories": "source,target,expected_ledger_account\n6100,SC-OFFICE,61000\n",
    "cost_centers": "source,target\nOperations,CC-410\n",
}

RECORDS = {
    "vendors": [
        {
            "id": VENDOR,
            "name": "Northwind Paper LLC",
            "shortName": "NWP",
            "billCurrency": "USD",
            "archived": False,
        }
    ],
    "chart_of_accounts": [{"id": ACCOUNT, "name": "Office Supplies", "account": {"type": "EXPENSE", "number": "6100"}}],
    "departments": [{"id": OPERATIONS, "name": "Operations"}, {"id": FIELD_OPS, "name": "Field Ops"}],
}

BILL = {
    "id": "00n01BILLAAAAAAA0001",
    "organizationId": ORGANIZATION,
    "archived": False,
    "vendorId": VENDOR,
    "vendorName": "Northwind Paper LLC",
    "amount": Decimal("228.99"),
    "paidAmount": 0,
    "dueDate": "2026-12-31",
    "invoice": {"invoiceNumber": "INV-20391", "invoiceDate": "2026-12-01"},
    "purchaseOrderNumber": "4500001234",
    "description": "Paper and toner",
    "billLineItems": [
        {
            "id": "bli01LINEAAAAAAA0001",
            "amount": Decimal(149),
            "description": "Toner",
            "classifications": {"chartOfAccountId": ACCOUNT, "departmentId": OPERATIONS},
        },
        {"id": "bli01LINEAAAAAAA0002", "amount": Decimal("79.99"), "quantity": 1, "price": Decimal("79.99")},
    ],
    "paymentStatus": "UNPAID",
    "approvalStatus": "APPROVED",
    "approvers": [{"userId": "00601USERAAAAAAA0001", "status": "APPROVED"}],
    "classifications": {"chartOfAccountId": ACCOUNT, "departmentId": OPERATIONS},
    "createdTime": "2026-12-01T23:15:23.127+00:00",
    "updatedTime": "2026-12-02T10:00:00.310+00:00",
}


class Learned:
    """Links that were learned, as a ledger would answer."""

    def __init__(self, links=None):
        self._links = dict(links or {})

    def linked(self, kind, source_instance, source_id):
        """Return what was learned, None otherwise."""
        return self._links.get((kind, source_instance, source_id))


@pytest.fixture
def bill():
    """A maker of approved, unpaid, fully mapped bills; fields given replace those of the bill, None removes one."""

    def make(**changes):
        record = {**copy.deepcopy(BILL), **changes}
        return {name: value for name, value in record.items() if value is not None}

    return make


@pytest.fixture
def vendor():
    """A maker of vendors."""
    return lambda **changes: {**RECORDS["vendors"][0], "organizationId": ORGANIZATION, **changes}


@pytest.fixture
def references():
    """What was read before: the vendor, the account and both departments."""
    memory = MemoryReferences()
    for stream, records in RECORDS.items():
        memory.put(ORGANIZATION, stream, {record["id"]: record for record in records})
    return memory


@pytest.fixture
def write_tables(tmp_path, monkeypatch):
    """Writes mapping tables of a Meltano project; those given replace those of the small world, None removes one."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))

    def write(**tables):
        folder = tmp_path / "transforms" / "crosswalk" / "bill-workday"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in {**TABLES, **tables}.items():
            if text is not None:
                (folder / f"{name}.csv").write_text(text, "utf-8")

    return write


@pytest.fixture
def engine(write_tables, references):
    """A maker of engines for BILL and Workday: ``engine(settings={...}, links={...}, cost_centers="...")``."""

    def load(transform="tap-bill", *, settings=None, links=None, maps_dir=None, known=None, **tables):
        write_tables(**tables)
        return MapEngine.load(
            transform,
            target="workday",
            maps_dir=maps_dir,
            settings=settings,
            references=references if known is None else known,
            links=Learned(links),
        )

    return load


@pytest.fixture
def own_map(tmp_path, engine):
    """Loads a map given as text, from a folder of the user's own."""

    def load(text, name="tap_try.yml", **arguments):
        folder = tmp_path / "my-maps"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
        return engine("tap-try", maps_dir=str(folder), **arguments)

    return load


PAYMENT = {
    "id": "stp01PAYMAAAAAAA0001",
    "organizationId": ORGANIZATION,
    "vendorId": VENDOR,
    "vendorName": "Northwind Paper LLC",
    "amount": Decimal("228.99"),
    "billPayments": [{"id": "blp01BPAYAAAAAAA0001", "billId": BILL["id"], "amount": Decimal("228.99")}],
    "processDate": "2026-12-20",
    "fundingAccount": {"type": "BANK_ACCOUNT", "id": "bac01BANKAAAAAAA0001"},
    "transactionNumber": "EPKZLNTSTYSEUWVALISV",
    "confirmationNumber": "P26122001 - 0411839",
    "status": "PAID",
    "singleStatus": "CLEARED",
    "disbursementType": "ACH",
    "onlinePayment": True,
    "voidInfo": [],
    "createdTime": "2026-12-19T08:00:00.000+00:00",
    "updatedTime": "2026-12-23T15:30:00.000+00:00",
}


@pytest.fixture
def payment():
    """A maker of settled payments of the bill; fields given replace those of the payment, None removes one."""

    def make(**changes):
        record = {**copy.deepcopy(PAYMENT), **changes}
        return {name: value for name, value in record.items() if value is not None}

    return make
