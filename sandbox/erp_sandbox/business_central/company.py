"""One company: its tables, its set-up and its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.behaviour import CompanySetup
from erp_sandbox.business_central.entities import SETS
from erp_sandbox.business_central.table import Table
from erp_sandbox.business_central.values import NO_GUID, Record, default_of

if TYPE_CHECKING:
    from erp_sandbox.business_central.environment import Environment

__all__ = ["Company"]

_KEYS: dict[str, tuple[str, ...]] = {
    "accounts": ("number",),
    "vendors": ("number",),
    "items": ("number",),
    "bankAccounts": ("number",),
    "dimensionValues": ("dimensionId", "code"),
    "defaultDimensions": ("parentId", "dimensionCode"),
    "documentAttachments": ("parentId", "lineNumber"),
    "companyInformation": (),
    "purchaseInvoices": ("number",),
    "purchaseCreditMemos": ("number",),
    "purchaseOrders": ("number",),
    "purchaseInvoiceLines": ("documentId", "sequence"),
    "purchaseCreditMemoLines": ("documentId", "sequence"),
    "purchaseOrderLines": ("documentId", "sequence"),
    "batches": ("templateDisplayName", "code"),
    "lines": ("journalId", "lineNumber"),
    "generalLedgerEntries": ("entryNumber",),
    "vendorLedgerEntries": ("entryNumber",),
    "approvalEntries": ("entryNumber",),
    "postedApprovalEntries": ("entryNumber",),
}
_INDEXES: dict[str, tuple[str, ...]] = {
    "accounts": ("number",),
    "vendors": ("number",),
    "items": ("number",),
    "bankAccounts": ("number",),
    "dimensionValues": ("dimensionId",),
    "defaultDimensions": ("parentId",),
    "documentAttachments": ("parentId",),
    "companyInformation": (),
    "purchaseInvoices": ("number", "vendorInvoiceNumber", "vendorNumber"),
    "purchaseCreditMemos": ("number", "vendorCreditMemoNumber", "vendorNumber"),
    "purchaseOrders": ("number",),
    "purchaseInvoiceLines": ("documentId",),
    "purchaseCreditMemoLines": ("documentId",),
    "purchaseOrderLines": ("documentId",),
    "batches": ("code",),
    "lines": ("journalId", "externalDocumentNumber"),
    "generalLedgerEntries": ("documentNumber", "accountNumber"),
    "vendorLedgerEntries": ("externalDocumentNumber", "vendorNumber", "documentNumber"),
    "approvalEntries": ("documentNumber",),
    "postedApprovalEntries": ("documentNumber",),
}


@dataclass(frozen=True, slots=True)
class Rounding:
    """A currency's decimals, and how many of it one unit of the local currency buys is left to ``rate``."""

    digits: int
    rate: Decimal
    """Local currency for one unit."""

    def exact(self, amount: Decimal) -> Decimal:
        """An amount rounded to the currency."""
        return amount.quantize(Decimal(1).scaleb(-self.digits), ROUND_HALF_UP)


class Company:
    """A company and everything in it.

    Args:
        environment: Where it is.
        profile: Its row in the list of companies.
        local_currency: The code of its own currency.
        setup: Its switches.
    """

    def __init__(self, environment: Environment, profile: Record, local_currency: str, setup: CompanySetup) -> None:
        self.environment = environment
        self.profile = profile
        self.local_currency = local_currency
        self.setup = setup
        self.global_dimensions = ("DEPARTMENT", "PROJECT")
        self.series: dict[str, int] = {}
        self.files: dict[str, bytes] = {}
        names = {entity.table for entity in SETS.values() if entity.table} | {"vendorLedgerEntries"}
        self.tables = {
            name: Table(name, _KEYS.get(name, ("code",)), _INDEXES.get(name, ("code",)), environment.note)
            for name in sorted(names)
        }
        environment.know_tables(self)

    @property
    def id(self) -> str:
        """Its id in the path."""
        return str(self.profile["id"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.profile["name"])

    def table(self, name: str) -> Table:
        """The records of one kind."""
        return self.tables[name]

    def today(self) -> str:
        """The work date: today in UTC (sheet 8.4)."""
        return self.environment.clock.now().date().isoformat()

    def next_number(self, series: str, first: int = 1) -> int:
        """The next number of a series."""
        self.series[series] = self.series.get(series, first - 1) + 1
        return self.series[series]

    def new_id(self, kind: str) -> str:
        """An id nothing has yet; the same for the same order of writes."""
        return self.environment.new_id(f"{self.id}:{kind}")

    def blank(self, entity_name: str, **values: Any) -> Record:
        """A new record with an id and the service's empty values."""
        entity = SETS[entity_name]
        record: Record = {field.name: default_of(field) for field in entity.fields}
        record["id"] = self.new_id(entity.kind)
        if "dimensionSetLines" in entity.navs:
            record["_dimensions"] = {}
        record.update(values)
        return record

    def save(self, table: str, record: Record, *, touch: bool = True) -> Record:
        """Put a record with a fresh etag, and with the time of this change unless it is to stay untouched."""
        record["_version"] = self.environment.next_version()
        record.setdefault("_created", record["_version"])
        if touch and "lastModifiedDateTime" in record:
            record["lastModifiedDateTime"] = self.environment.clock.stamp()
        self.tables[table].put(record)
        return record

    def change(self, table: str, identifier: str, *, touch: bool = True, **values: Any) -> Record:
        """Change some fields of a record."""
        record = self.tables[table].get(identifier)
        if record is None:
            raise KeyError(f"{table} has no record {identifier}")
        return self.save(table, {**record, **values}, touch=touch)

    def lines_of(self, table: str, document: str) -> list[Record]:
        """The lines of a document in their order."""
        return self.tables[table].find("documentId", document)

    def rounding(self, currency: str) -> Rounding:
        """How a currency rounds and what it is worth; an empty code is the local one.

        Raises:
            BusinessCentralRefusalError: it is gone, or nobody entered what it is worth.
        """
        if currency in ("", self.local_currency):
            return Rounding(2, Decimal(1))
        record = self.tables["currencies"].one("code", currency)
        if record is None or "_rate" not in record:
            raise errors.dialog(
                f"There is no Currency Exchange Rate within the filter. Filters: Currency Code: {currency}"
            )
        digits = str(record["amountDecimalPlaces"]).partition(":")[0]
        return Rounding(int(digits) if digits.isdecimal() else 2, Decimal(record["_rate"]))

    def currency_of(self, code: str) -> tuple[str, str]:
        """Id and code of a currency as documents show them: the local one has an id of zeros (sheet 8.3)."""
        if code in ("", self.local_currency):
            return NO_GUID, self.local_currency
        record = self.tables["currencies"].one("code", code)
        return (record["id"] if record else NO_GUID), code

    def may_be_posted_on(self, day: str) -> bool:
        """Whether the books are open on a day."""
        date.fromisoformat(day)
        return (self.setup.posting_from or day) <= day <= (self.setup.posting_to or day)

    def balances(self) -> dict[str, Decimal]:
        """What is owed to each vendor in local currency, by number."""
        owed: dict[str, Decimal] = {}
        for entry in self.tables["vendorLedgerEntries"]:
            share = entry["amountLocalCurrency"]
            owed[entry["vendorNumber"]] = owed.get(entry["vendorNumber"], Decimal()) - share
        return owed

    def net_changes(self) -> dict[str, Decimal]:
        """The balance of each account by number."""
        sums: dict[str, Decimal] = {}
        for entry in self.tables["generalLedgerEntries"]:
            number = entry["accountNumber"]
            sums[number] = sums.get(number, Decimal()) + entry["debitAmount"] - entry["creditAmount"]
        return sums

    def all_tables(self) -> Iterator[Table]:
        """Every table."""
        return iter(self.tables.values())
