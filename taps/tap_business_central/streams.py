"""The streams of tap-business-central, each a few facts about one list (sheet business-central 3, 8, 9)."""

from __future__ import annotations

import datetime as dt
import logging
import typing as t

from ml_connector.errors import NotFound, Rejected, SettingInvalid
from ml_connector.moments import before, parse_moment
from ml_connector.singer.stream import ApiStream
from ml_connector.systems.business_central.client import REPORTS_FINANCE
from ml_connector.systems.business_central.documents import DOCUMENTS_PER_PAGE, document_rows, with_lines
from ml_connector.systems.business_central.errors import is_missing_field
from ml_connector.systems.business_central.payables import Owed, Payables
from ml_connector.systems.business_central.settings import LARGEST_PAGE
from ml_connector.systems.business_central.values import format_time, quoted_text
from tap_business_central import schemas
from tap_business_central.approvals import Approvals
from tap_business_central.known_ids import KnownIds

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers import types

    from ml_connector.systems.business_central.client import BusinessCentralClient
    from tap_business_central.tap import TapBusinessCentral

__all__ = ["STREAM_CLASSES", "SWEEPABLE"]

CHANGED: t.Final = "lastModifiedDateTime"
NUMBER: t.Final = "entryNumber"
PURCHASE_HEADER: t.Final = 38
"""Number of the table of unposted purchase documents."""
_NUMBERS_PER_CALL: t.Final = 50

Record = dict[str, t.Any]


class CentralStream(ApiStream):
    """A list of each company that is read, completely.

    Attributes:
        path: Of the list, below the company.
        service: Address of another API it belongs to, below the environment.
        expand: What comes with each row.
        optional: Whether an environment may lack it; then it is left out with a warning.
    """

    path: t.ClassVar[str]
    service: t.ClassVar[str] = ""
    expand: t.ClassVar[str] = ""
    optional: t.ClassVar[bool] = False
    object_schema: t.ClassVar[dict[str, t.Any]]
    primary_keys: t.ClassVar[tuple[str, ...]] = (*schemas.KEY, "id")

    @property
    def schema(self) -> dict[str, t.Any]:
        """The schema of one row."""
        return self.object_schema

    @property
    def tap(self) -> TapBusinessCentral:
        """The tap."""
        return t.cast("TapBusinessCentral", self._tap)

    @property
    def client(self) -> BusinessCentralClient:
        """The tap's client, opened when the first stream asks."""
        return self.tap.client

    def get_records(self, context: types.Context | None) -> Iterable[types.Record]:
        """Yield what a run has to give, company after company."""
        del context
        try:
            for company in self.tap.companies:
                for row in self.read(company.id):
                    row["company_id"] = company.id
                    yield row
        except NotFound as fault:
            if not self.optional or fault.code == "Internal_CompanyNotFound":
                raise
            self.log(
                "%s is not offered by this environment, left out: %s", self.path, fault.message, level=logging.WARNING
            )

    def read(self, company_id: str) -> Iterator[Record]:
        """Yield the rows of one company."""
        yield from self.rows(self.address(company_id))

    def post_process(self, row: types.Record, context: types.Context | None = None) -> types.Record | None:
        """Say whose the row is, and drop what is of the protocol."""
        del context
        settings = self.client.settings
        _drop_annotations(row)
        row["tenant_id"], row["environment"] = settings.tenant_id, settings.environment
        return row

    def address(self, company_id: str) -> str:
        """Return the path of the list in a company."""
        service = f"{self.service}/" if self.service else ""
        return f"{service}companies({company_id})/{self.path}"

    def bookmarks(self) -> dict[str, t.Any]:
        """Return the bookmark of each company, to be read and changed: one word per company keeps the state small."""
        marks: dict[str, t.Any] = self.get_context_state(None).setdefault("companies", {})
        return marks

    def mark_of(self, company_id: str) -> t.Any:
        """Return the bookmark of a company; None when there is none, or all is to be read."""
        return self.bookmarks().get(company_id) if self.replication_method == "INCREMENTAL" else None

    def move_to(self, company_id: str, mark: t.Any) -> None:
        """Note how far a company has been read; the next state that is written holds it."""
        if self.replication_method == "INCREMENTAL":
            self.bookmarks()[company_id] = mark
            self.state_manager.is_flushed = False

    def rows(self, path: str, *terms: str) -> Iterator[Record]:
        """Yield the rows of a list that meet all filter terms."""
        params = {"$filter": " and ".join(terms)} if terms else {}
        if not self.expand:
            return self.client.rows(path, params)
        size = min(self.client.settings.page_size, DOCUMENTS_PER_PAGE)
        return self.client.rows(path, params | {"$expand": self.expand}, page_size=size)


class DimensionedRows:
    """For lists of what carries dimensions: reads around rows whose dimensions cannot be read.

    Attributes:
        expands: What comes with each row, and what is left for one of which not all can be read.
    """

    expands: t.ClassVar[tuple[str, ...]]
    client: BusinessCentralClient

    def rows(self, path: str, *terms: str) -> Iterator[Record]:
        """Yield the rows of a list that meet all filter terms."""
        return document_rows(self.client, path, self.expands, " and ".join(terms))


class IncrementalStream(CentralStream):
    """A list of which only changes are read, by the time of the last one.

    Rows come in the order of their keys, so the bookmark moves when a company has been read to its end: to the newest
    change that was seen, which is right even when a copy of the database lags behind. The next run begins
    ``lookback_seconds`` before it and leaves alone what is younger than ``settle_seconds``.

    Attributes:
        is_reference: Whether documents refer to it: read whatever ``start_date`` says.
    """

    replication_key = CHANGED
    is_reference: t.ClassVar[bool] = False

    def read(self, company_id: str) -> Iterator[Record]:
        """Yield the rows changed since the bookmark, all of them when there is none, and what is gone."""
        newest = self.usable_mark(self.mark_of(company_id), company_id)
        overlap = dt.timedelta(seconds=self.config.get("lookback_seconds", 300))
        for row in self.changed(company_id, before(newest, overlap) if newest else None):
            moment = _changed_at(row)
            if moment is not None and moment <= self.tap.until:
                newest = moment if newest is None else max(newest, moment)
            yield row
        yield from self._gone(company_id)
        if newest is not None:
            self.move_to(company_id, format_time(newest))

    def changed(self, company_id: str, since: dt.datetime | None) -> Iterator[Record]:
        """Yield the rows of a span, and those that never got a stamp where all rows are read.

        The first time there is no filter: it would drop rows that were never stamped (sheet 3).
        """
        path = self.address(company_id)
        start = self.start_date if since is None else since
        filters = (f"{CHANGED} gt {format_time(since)}",) if since else ()
        try:
            yield from self._within(self.rows(path, *filters), start)
        except Rejected as fault:
            if not filters or not is_missing_field(fault, CHANGED):
                raise
            self.log("Cannot be filtered by %s, reading all of it: %s", CHANGED, fault.message)
            yield from self._within(self.rows(path), start)

    def _within(self, rows: Iterable[Record], start: dt.datetime | None) -> Iterator[Record]:
        """Yield the rows of a span, those without a stamp, and those whose stamp cannot be true."""
        for row in rows:
            moment = _changed_at(row)
            fits = moment is None or ((start is None or moment >= start) and moment <= self.tap.until)
            if fits or self.is_premature(moment, str(row.get("number") or row.get("id"))):
                yield row

    @property
    def start_date(self) -> dt.datetime | None:
        """What changed before is not wanted; None: everything is."""
        return None if self.is_reference else super().start_date

    def _gone(self, company_id: str) -> Iterator[Record]:
        """Yield the keys of rows that were there when the keys were read last, and are not any more."""
        if self.name not in (self.config.get("sweep_streams") or ()):
            return
        rows = self.client.rows(self.address(company_id), {"$select": "id"}, page_size=LARGEST_PAGE, fresh=True)
        kept: dict[str, str] = self.get_context_state(None).setdefault("known_ids", {})
        known = KnownIds(kept.get(company_id))
        for row in rows:
            known.meet(str(row["id"]))
        if known.is_suspicious:
            self.log(
                "%d of %d rows are gone. That many are not deleted at once: the app may have lost permissions. "
                "No row is marked as deleted.",
                len(known.gone),
                known.before,
                level=logging.WARNING,
            )
            return
        moment = format_time(dt.datetime.now(dt.UTC))
        yield from ({"id": each, "deleted": True, "_sdc_deleted_at": moment} for each in known.gone)
        kept[company_id] = known.text()
        self.state_manager.is_flushed = False


class ReferenceStream(IncrementalStream):
    """What documents refer to."""

    is_reference = True


class Companies(CentralStream):
    """Companies of the environment, those that are read."""

    name = "companies"
    path = "companies"
    object_schema = schemas.COMPANIES

    def get_records(self, context: types.Context | None) -> Iterable[types.Record]:
        """Yield the companies."""
        del context
        yield from ({**company.fields, "company_id": company.id} for company in self.tap.companies)


class CompanyInformation(CentralStream):
    """Name, address and local currency of each company."""

    name = "company_information"
    path = "companyInformation"
    object_schema = schemas.COMPANY_INFORMATION

    def post_process(self, row: types.Record, context: types.Context | None = None) -> types.Record | None:
        """Leave out the picture."""
        row.pop("picture", None)
        return super().post_process(row, context)


class Currencies(ReferenceStream):
    """Currencies other than the local one."""

    name = "currencies"
    path = "currencies"
    object_schema = schemas.CURRENCIES


class PaymentTerms(ReferenceStream):
    """Payment terms."""

    name = "payment_terms"
    path = "paymentTerms"
    object_schema = schemas.PAYMENT_TERMS


class PaymentMethods(ReferenceStream):
    """Payment methods."""

    name = "payment_methods"
    path = "paymentMethods"
    object_schema = schemas.PAYMENT_METHODS
    selected_by_default = False


class TaxGroups(ReferenceStream):
    """Tax groups, or VAT product posting groups."""

    name = "tax_groups"
    path = "taxGroups"
    object_schema = schemas.TAX_GROUPS
    selected_by_default = False


class TaxAreas(ReferenceStream):
    """Tax areas, or VAT business posting groups."""

    name = "tax_areas"
    path = "taxAreas"
    object_schema = schemas.TAX_AREAS
    selected_by_default = False


class UnitsOfMeasure(ReferenceStream):
    """Units of measure."""

    name = "units_of_measure"
    path = "unitsOfMeasure"
    object_schema = schemas.UNITS_OF_MEASURE
    selected_by_default = False


class Locations(ReferenceStream):
    """Locations of stock; not a dimension."""

    name = "locations"
    path = "locations"
    object_schema = schemas.LOCATIONS
    selected_by_default = False


class Items(ReferenceStream):
    """Items."""

    name = "items"
    path = "items"
    object_schema = schemas.ITEMS


class BankAccounts(ReferenceStream):
    """The companies' own bank accounts."""

    name = "bank_accounts"
    path = "bankAccounts"
    object_schema = schemas.BANK_ACCOUNTS
    selected_by_default = False


class Accounts(CentralStream):
    """General ledger accounts; read whole, for their balance changes without a stamp (sheet 8.6)."""

    name = "accounts"
    path = "accounts"
    object_schema = schemas.ACCOUNTS


class Dimensions(CentralStream):
    """Dimensions with their values."""

    name = "dimensions"
    path = "dimensions"
    expand = "dimensionValues"
    object_schema = schemas.DIMENSIONS
    selected_by_default = False


class DimensionValues(CentralStream):
    """Dimension values, each with the code of its dimension."""

    name = "dimension_values"
    path = "dimensions"
    expand = "dimensionValues"
    object_schema = schemas.DIMENSION_VALUES

    def read(self, company_id: str) -> Iterator[Record]:
        """Yield the values of all dimensions."""
        for dimension in super().read(company_id):
            for value in dimension.get("dimensionValues") or ():
                yield {**value, "dimensionCode": dimension["code"]}


class Vendors(DimensionedRows, ReferenceStream):
    """Vendors with their default dimensions."""

    name = "vendors"
    path = "vendors"
    expands = ("defaultDimensions", "")
    object_schema = schemas.VENDORS


class PurchaseOrders(DimensionedRows, IncrementalStream):
    """Purchase orders with lines and dimensions."""

    name = "purchase_orders"
    path = "purchaseOrders"
    expands = with_lines("purchaseOrderLines")
    object_schema = schemas.PURCHASE_ORDERS


class PurchaseInvoices(DimensionedRows, IncrementalStream):
    """Purchase invoices, drafts and posted ones, with lines and dimensions."""

    name = "purchase_invoices"
    path = "purchaseInvoices"
    expands = with_lines("purchaseInvoiceLines")
    object_schema = schemas.PURCHASE_INVOICES

    def changed(self, company_id: str, since: dt.datetime | None) -> Iterator[Record]:
        """Yield the rows of a span, and what a part payment or, with ``include_approvals``, an approval has changed."""
        owed = self._owed(company_id)
        seen: set[str] = set()
        for row in self._with_approvals(company_id, since):
            if row.get("status") == "Open" and row.get("number"):
                seen.add(row["number"])
            yield self._noted(row, owed)
        # A part payment leaves the invoice itself untouched (sheet 8.7), so no stamp tells of it.
        numbers = [number for number in self._newly_paid(company_id, owed) if number not in seen]
        if since is None:
            return
        for row in self._numbered(company_id, numbers):
            if row.get("status") == "Open":
                yield self._noted(row, owed)

    def _owed(self, company_id: str) -> dict[str, Owed]:
        company = next(each for each in self.tap.companies if each.id == company_id)
        return Payables(self.client, company, self.config.get("ledger_entries_service")).open() or {}

    def _newly_paid(self, company_id: str, owed: t.Mapping[str, Owed]) -> list[str]:
        """Return the invoices of which something else is left than when they were looked at last, and remember that."""
        state = self.get_context_state(None)
        before: dict[str, str] = state.get("part_paid", {}).get(company_id, {})
        now = {number: str(each.amount or each.local) for number, each in owed.items() if each.touched is not False}
        if now != before and owed:
            state.setdefault("part_paid", {})[company_id] = now
            self.state_manager.is_flushed = False
        return [number for number in {**before, **now} if owed and before.get(number) != now.get(number)]

    @staticmethod
    def _noted(row: Record, owed: t.Mapping[str, Owed]) -> Record:
        row |= {"remainingAmount": None, "remainingAmountLocal": None, "paidInPart": None}
        if row.get("status") == "Open" and (there := owed.get(row.get("number") or "")):
            there.noted(row)
        return row

    def _numbered(self, company_id: str, numbers: t.Sequence[str]) -> Iterator[Record]:
        for start in range(0, len(numbers), _NUMBERS_PER_CALL):
            terms = [f"number eq {quoted_text(number)}" for number in numbers[start : start + _NUMBERS_PER_CALL]]
            yield from self.rows(self.address(company_id), " or ".join(terms))

    def _with_approvals(self, company_id: str, since: dt.datetime | None) -> Iterator[Record]:
        rows = super().changed(company_id, since)
        if not self.config.get("include_approvals"):
            yield from rows
            return
        approvals = Approvals(self._approval_entries(company_id))
        yield from map(approvals.noted, rows)
        numbers = approvals.changed_since(since) if since else []
        for row in self._numbered(company_id, numbers):
            if row.get("status") == "Draft":
                yield approvals.noted(row)

    def _approval_entries(self, company_id: str) -> Iterator[Record]:
        path = f"companies({company_id})/{ApprovalEntries.path}"
        try:
            yield from self.client.rows(path, {"$filter": f"tableId eq {PURCHASE_HEADER}"}, fresh=True)
        except NotFound as fault:
            raise SettingInvalid(
                'setting "include_approvals" needs the list approvalEntries, which this environment does not have: '
                f"{fault.message}",
                "Set it to false; posted invoices are approved.",
            ) from fault


class PurchaseCreditMemos(DimensionedRows, IncrementalStream):
    """Purchase credit memos, drafts and posted ones, with lines and dimensions."""

    name = "purchase_credit_memos"
    path = "purchaseCreditMemos"
    expands = with_lines("purchaseCreditMemoLines")
    object_schema = schemas.PURCHASE_CREDIT_MEMOS


class VendorPaymentJournals(CentralStream):
    """Payment journal batches."""

    name = "vendor_payment_journals"
    path = "vendorPaymentJournals"
    object_schema = schemas.VENDOR_PAYMENT_JOURNALS
    selected_by_default = False


class Journals(CentralStream):
    """General journal batches, those of the default template (sheet 8.13)."""

    name = "journals"
    path = "journals"
    object_schema = schemas.JOURNALS
    selected_by_default = False


class NestedStream(CentralStream):
    """What stands below each row of another list; there is no list of all of it (sheet 3).

    Attributes:
        below: Name of the list below a row.
    """

    below: t.ClassVar[str]
    selected_by_default = False

    def read(self, company_id: str) -> Iterator[Record]:
        """Yield what stands below each row that is still there."""
        path = self.address(company_id)
        for parent in self.client.rows(path, {"$select": "id"}):
            try:
                yield from self.rows(f"{path}({parent['id']})/{self.below}")
            except NotFound as fault:
                if fault.code == "BadRequest_ResourceNotFound":
                    raise
                self.log("%s was deleted meanwhile: %s", parent["id"], fault.message)


class VendorPayments(NestedStream):
    """Lines of payment journals that are not posted: posting deletes them, so they are read whole."""

    name = "vendor_payments"
    path = "vendorPaymentJournals"
    below = "vendorPayments"
    object_schema = schemas.VENDOR_PAYMENTS


class JournalLines(NestedStream):
    """Lines of general journals that are not posted: posting deletes them, so they are read whole."""

    name = "journal_lines"
    path = "journals"
    below = "journalLines"
    object_schema = schemas.JOURNAL_LINES


class GeneralLedgerEntries(CentralStream):
    """Posted entries, only ever added to: those with higher numbers than the highest that is known."""

    name = "general_ledger_entries"
    path = "generalLedgerEntries"
    object_schema = schemas.GENERAL_LEDGER_ENTRIES
    replication_key = NUMBER
    selected_by_default = False

    def read(self, company_id: str) -> Iterator[Record]:
        """Yield the entries above the bookmark."""
        known = highest = self.mark_of(company_id)
        for row in self._above(self.address(company_id), known):
            highest = row[NUMBER] if highest is None else max(highest, row[NUMBER])
            yield row
        if highest is not None:
            self.move_to(company_id, highest)

    def _above(self, path: str, known: int | None) -> Iterator[Record]:
        try:
            yield from self.rows(path, *(() if known is None else (f"{NUMBER} gt {known}",)))
        except Rejected as fault:
            if known is None:
                raise
            self.log("Cannot be filtered by %s, reading all of it: %s", NUMBER, fault.message)
            yield from (row for row in self.rows(path) if row[NUMBER] > known)


class VendorLedgerEntries(IncrementalStream):
    """Posted vendor entries with the vendors' own numbers; of an API that is beta."""

    name = "vendor_ledger_entries"
    path = "vendorLedgerEntries"
    service = REPORTS_FINANCE
    optional = True
    object_schema = schemas.VENDOR_LEDGER_ENTRIES
    primary_keys: t.ClassVar[tuple[str, ...]] = (*schemas.KEY, NUMBER)
    selected_by_default = False


class ApprovalEntries(IncrementalStream):
    """Requests for approval; new in 2026."""

    name = "approval_entries"
    path = "approvalEntries"
    optional = True
    object_schema = schemas.APPROVAL_ENTRIES
    selected_by_default = False


STREAM_CLASSES: t.Final[tuple[type[CentralStream], ...]] = (
    Companies,
    CompanyInformation,
    Currencies,
    PaymentTerms,
    PaymentMethods,
    TaxGroups,
    TaxAreas,
    UnitsOfMeasure,
    Locations,
    Items,
    BankAccounts,
    Accounts,
    Dimensions,
    DimensionValues,
    Vendors,
    PurchaseOrders,
    PurchaseInvoices,
    PurchaseCreditMemos,
    VendorPaymentJournals,
    VendorPayments,
    Journals,
    JournalLines,
    GeneralLedgerEntries,
    VendorLedgerEntries,
    ApprovalEntries,
)
"""In the order they are read: what documents refer to, vendors, documents, journals, entries."""

SWEEPABLE: t.Final = tuple(
    str(vars(each)["name"])
    for each in STREAM_CLASSES
    if issubclass(each, IncrementalStream) and each.primary_keys[-1] == "id"
)
"""Streams of which deleted rows can be noticed: those that are not read whole anyway."""


def _changed_at(row: Record) -> dt.datetime | None:
    """Return when a row was changed last; a stamp that is none hides the row from nobody."""
    try:
        return parse_moment(row[CHANGED]) if row.get(CHANGED) else None
    except ValueError:
        return None


def _drop_annotations(value: t.Any) -> None:
    """Drop what OData says about rows (``@odata.etag``), at all levels."""
    if isinstance(value, dict):
        for name in [name for name in value if "@odata." in name]:
            del value[name]
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, (dict, list)):
            _drop_annotations(item)
