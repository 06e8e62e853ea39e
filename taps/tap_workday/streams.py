"""The streams of tap-workday, each a few facts about one Get operation (docs/systems/workday.md#w3-3, #w9)."""

from __future__ import annotations

import abc
import datetime as dt
import functools
import itertools
import logging
import typing as t

from ml_connector.errors import PermissionDenied
from ml_connector.singer.stream import ApiStream
from ml_connector.systems.workday import schemas
from ml_connector.systems.workday.client import FINANCE, RESOURCES
from ml_connector.systems.workday.flatten import Flattener
from ml_connector.systems.workday.payment_progress import PAYMENTS, PaymentProgress
from ml_connector.systems.workday.raas import report_rows
from ml_connector.systems.workday.reads import DatesBetween, Reader, Source
from ml_connector.systems.workday.windows import DateWindow, UpdatedWindow
from ml_connector.systems.workday.wql import changed_invoices
from tap_workday.attachments import attachments_of
from tap_workday.report_keys import ReportKeys
from tap_workday.seen import Seen

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk.helpers import types

    from ml_connector.systems.workday.client import WorkdayClient
    from ml_connector.systems.workday.fields import Shape
    from ml_connector.systems.workday.xml import Node
    from tap_workday.tap import TapWorkday

__all__ = ["STREAM_CLASSES"]

INTEGRATIONS: t.Final = "Integrations"
_LARGE_PAGE: t.Final = 999
_INVOICES_WITH_FILES: t.Final = 5
_FILES_PER_STATE: t.Final = 10
_EARLIEST: t.Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_ENOUGH_TO_COMPARE: t.Final = 20
_PERSONS: t.Final = frozenset(
    {
        "Academic_Person_ID",
        "Applicant_ID",
        "Contingent_Worker_ID",
        "Deduction_Recipient_ID",
        "Employee_ID",
        "External_Committee_Member_ID",
        "Student_ID",
    }
)


class WorkdayStream(ApiStream):
    """Rows of one Get operation.

    Attributes:
        source: The operation.
        data: Element that holds the data of a row.
        shape: What that element consists of.
    """

    source: t.ClassVar[Source]
    data: t.ClassVar[str]
    shape: t.ClassVar[Shape]
    primary_keys: t.ClassVar[tuple[str, ...]] = ("wid",)

    @functools.cached_property
    def schema(self) -> dict[str, t.Any]:
        """The schema of one record."""
        return schemas.stream_schema(self.shape)

    @property
    def client(self) -> WorkdayClient:
        """The tap's client, opened when the first stream asks."""
        return t.cast("TapWorkday", self._tap).client

    @functools.cached_property
    def reader(self) -> Reader:
        """Reads the rows."""
        return Reader(self.client, self.source, self.group)

    @property
    def group(self) -> Mapping[str, bool]:
        """What the settings ask for in the response group."""
        return {}

    @property
    def is_timestamp_replication_key(self) -> bool:
        """Whether the bookmark is a moment: it is the end of the window read, never a field of a record."""
        return bool(self.replication_key)

    def get_records(self, context: types.Context | None) -> Iterable[types.Record]:
        """Yield the records of a run."""
        try:
            yield from self.read(context)
        except PermissionDenied as denied:
            self.log("workday_permission_lost: %s", denied, level=logging.WARNING)
            denied.cure = f'{denied.cure} Or deselect the stream "{self.name}".'.lstrip()
            raise

    @abc.abstractmethod
    def read(self, context: types.Context | None) -> Iterator[types.Record]:
        """Yield the records of a run, and note in the state what the next one needs."""

    def post_process(self, row: types.Record, context: types.Context | None = None) -> types.Record | None:
        """Add the tenant."""
        del context
        row["tenant"] = self.client.settings.tenant
        return row

    def records_of(self, row: Node) -> Iterator[types.Record]:
        """Yield what a row holds: one record, with the data of the row beside what the row is known by."""
        yield self._flattener.row(row, reference=self.source.reference, data=self.data, shape=self.shape)

    @functools.cached_property
    def _flattener(self) -> Flattener:
        return Flattener(show_bank_numbers=bool(self.config.get("include_bank_details")))

    @property
    def bookmark(self) -> dt.datetime | None:
        """End of the last window; None when everything is to be read."""
        return None if self.config.get("sweep") else super().bookmark

    @property
    def _overlap(self) -> dt.timedelta:
        return dt.timedelta(hours=self.config.get("overlap_hours", 24))

    def _is_suspicious(self, before: int, now: int) -> bool:
        """Whether so many rows are gone that lost permission is likelier (docs/systems/workday.md#w2-4)."""
        if before and not now:
            return True
        share = self.config.get("suspicious_drop", 0.5)
        return before >= _ENOUGH_TO_COMPARE and now < before * (1 - share)

    def _suspect(self, before: int, now: int) -> None:
        self.log(
            "workday_permission_suspected: %s answers %d rows where there were %d. Workday deletes nothing, and "
            "answers like this when the ISU lost access. The bookmark is kept.",
            self.reader.operation,
            now,
            before,
            level=logging.WARNING,
        )


class FullStream(WorkdayStream):
    """Read completely by every run."""

    def read(self, context: types.Context | None) -> Iterator[types.Record]:
        """Yield all rows."""
        count = 0
        for row in self.rows():
            for record in self.records_of(row):
                count += 1
                yield record
        state = self.get_context_state(context)
        before = state.get("rows", 0)
        if self._is_suspicious(before, count):
            self._suspect(before, count)
        else:
            state["rows"] = count

    def rows(self) -> Iterator[Node]:
        """Yield the rows."""
        return self.reader.rows()


class UpdatedStream(WorkdayStream):
    """Read by windows of time in which rows were changed; a row of the overlap comes again.

    Attributes:
        from_start_date: Whether what was last changed before ``start_date`` is left out. What documents refer to is
            read however old it is.
        needs_window: Whether the operation cannot be asked for everything.
    """

    replication_key = "window_end"
    from_start_date: t.ClassVar[bool] = False
    needs_window: t.ClassVar[bool] = False

    def given(self, records: Iterator[types.Record]) -> Iterator[types.Record]:
        """Yield what is given out for records that changed: the records themselves."""
        return records

    def read(self, context: types.Context | None) -> Iterator[types.Record]:
        """Yield the rows changed since the bookmark, less the overlap."""
        first = self.start_date if self.from_start_date else None
        if first is None and self.needs_window:
            first = _EARLIEST
        now = dt.datetime.now(dt.UTC)
        window = UpdatedWindow.since(self.bookmark, first, now=now, overlap=self._overlap)
        count = 0
        for row in self.reader.rows(self.reader.updated(window)):
            count += 1
            yield from self.given(self.records_of(row))
        state = self.get_context_state(context)
        if not count and state.get("has_rows") and not self.needs_window and self.reader.is_empty():
            self._suspect(1, 0)
            return
        state["has_rows"] = bool(count) or state.get("has_rows", False)
        self.move_bookmark(window.end)


class DatedStream(UpdatedStream):
    """Read by windows of dates, since the operation cannot tell what changed; only what differs is given out.

    The state keeps a short hash of every record of the window, see :mod:`tap_workday.seen`. A tenant whose version
    can tell what changed is asked for that instead.

    Attributes:
        days: Setting for how far back documents are expected to change, and its default.
        dated: Path of the field that says when a document is dated.
    """

    from_start_date = True
    days: t.ClassVar[tuple[str, int]] = ("invoice_window_days", 90)
    dated: t.ClassVar[tuple[str, ...]]

    def read(self, context: types.Context | None) -> Iterator[types.Record]:
        """Yield the documents of the window that are new or differ from what was given out before."""
        if self.reader.knows_updates:
            yield from super().read(context)
            return
        state = self.get_context_state(context)
        start, days = self.start_date, self.config.get(*self.days)
        window = DateWindow.since(
            self.bookmark, start.date() if start else None, now=dt.datetime.now(dt.UTC), days=days
        )
        seen = Seen(state.get("seen"))
        rows = self.reader.rows(self.reader.dated(window))
        yield from self.given(self._changed(rows, seen, window.oldest_of_next(days)))
        if self._is_suspicious(len(seen), len(seen) - seen.missing):
            self._suspect(len(seen), len(seen) - seen.missing)
            return
        state["seen"] = seen.text()
        self.move_bookmark(window.end)

    @property
    def gives_all(self) -> bool:
        """Whether records that look as before are given out too."""
        return False

    def _changed(self, rows: Iterable[Node], seen: Seen, oldest: dt.date) -> Iterator[types.Record]:
        for row in rows:
            for record in self.records_of(row):
                if seen.meet(record["wid"], record, keep=self._date_of(record) >= oldest) or self.gives_all:
                    yield record

    def _date_of(self, record: types.Record) -> dt.date:
        """Return the date of a document; one without, or with none that can be, is as good as dated to-morrow."""
        value: t.Any = record
        for name in self.dated:
            value = (value or {}).get(name)
        try:
            return dt.date.fromisoformat(value) if value else dt.date.max
        except (TypeError, ValueError):
            return dt.date.max


class Companies(FullStream):
    """Companies."""

    name = "companies"
    source = Source(((FINANCE, "Get_Workday_Companies"),), "Company", "Company_Reference")
    data = "Company_Data"
    shape = schemas.COMPANY


class CostCenters(UpdatedStream):
    """Cost centers, inactive ones too."""

    name = "cost_centers"
    source = Source(
        ((FINANCE, "Get_Cost_Centers"),),
        "Cost_Center",
        "Cost_Center_Reference",
        {"Include_Cost_Center_Data": True, "Include_Simple_Cost_Center_Data": False},
        count=_LARGE_PAGE,
    )
    data = "Cost_Center_Data"
    shape = schemas.COST_CENTER


class SpendCategories(UpdatedStream):
    """Spend categories, which Workday also calls resource categories."""

    name = "spend_categories"
    source = Source(
        ((FINANCE, "Get_Resource_Categories"), (RESOURCES, "Get_Resource_Categories")),
        "Resource_Category",
        "Resource_Category_Reference",
        count=_LARGE_PAGE,
    )
    data = "Resource_Category_Data"
    shape = schemas.SPEND_CATEGORY


class LedgerAccounts(FullStream):
    """Ledger accounts, each within its account set."""

    name = "ledger_accounts"
    primary_keys = ("account_set_id", "ledger_account_identifier")
    source = Source(((FINANCE, "Get_Account_Sets"),), "Account_Set", "Account_Set_Reference")
    data = "Account_Set_Data"
    shape = schemas.ACCOUNT_SET

    @functools.cached_property
    def schema(self) -> dict[str, t.Any]:
        """The schema of one account."""
        return schemas.ledger_account_schema(schemas.LEDGER_ACCOUNT)

    def records_of(self, row: Node) -> Iterator[types.Record]:
        """Yield the accounts of a set."""
        for account_set in super().records_of(row):
            of_set = {
                "account_set_id": account_set.get("account_set_id") or account_set.get("id"),
                "account_set_name": account_set.get("account_set_name"),
                "account_set_wid": account_set.get("wid"),
            }
            for data in (account_set, *account_set.get("further_data", ())):
                for account in data.get("ledger_account_data", ()):
                    yield {**of_set, **account}


class PaymentTerms(FullStream):
    """Payment terms."""

    name = "payment_terms"
    source = Source(((FINANCE, "Get_Payment_Terms"),), "Payment_Term", "Payment_Term_Reference")
    data = "Payment_Term_Data"
    shape = schemas.PAYMENT_TERMS


class PaymentTypes(FullStream):
    """Payment types."""

    name = "payment_types"
    source = Source(((FINANCE, "Get_Payment_Types"),), "Payment_Type", "Payment_Type_Reference")
    data = "Payment_Type_Data"
    shape = schemas.PAYMENT_TYPE


class TaxCodes(FullStream):
    """Tax codes of transactions."""

    name = "tax_codes"
    source = Source(((FINANCE, "Get_Transaction_Tax_Codes"),), "Tax_Code", "Tax_Code_Reference")
    data = "Tax_Code_Data"
    shape = schemas.TAX_CODE


class Projects(FullStream):
    """Projects, inactive ones too."""

    name = "projects"
    source = Source(((RESOURCES, "Get_Projects"),), "Project", "Project_Reference")
    data = "Project_Data"
    shape = schemas.PROJECT


class Organizations(FullStream):
    """Organizations of every type: regions, hierarchies, custom ones."""

    name = "organizations"
    selected_by_default = False
    source = Source(
        ((FINANCE, "Get_Organizations"),), "Organization", "Organization_Reference", {"Include_Hierarchy_Data": True}
    )
    data = "Organization_Data"
    shape = schemas.ORGANIZATION

    def rows(self) -> Iterator[Node]:
        """Yield the rows, inactive too: its change log is searched, not its records (docs/systems/workday.md#w3-3)."""
        return self.reader.rows({"Include_Inactive": True})


class ReferenceIds(FullStream):
    """What values a tenant has for the types of id in ``reference_id_types``."""

    name = "reference_ids"
    selected_by_default = False
    source = Source(((INTEGRATIONS, "Get_References"),), "Reference_ID", "Reference_ID_Reference", count=_LARGE_PAGE)
    data = "Reference_ID_Data"
    shape = schemas.REFERENCE_ID

    def rows(self) -> Iterator[Node]:
        """Yield the values of one type after the other."""
        for kind in self.config.get("reference_id_types") or ():
            yield from self.reader.rows({"Reference_ID_Type": kind})


class Suppliers(UpdatedStream):
    """Suppliers, inactive ones too."""

    name = "suppliers"
    source = Source(((RESOURCES, "Get_Suppliers"),), "Supplier", "Supplier_Reference")
    data = "Supplier_Data"
    shape = schemas.SUPPLIER


class PurchaseOrders(UpdatedStream):
    """Purchase orders with their goods, service and other lines and the splits of these."""

    name = "purchase_orders"
    from_start_date = True
    source = Source(((RESOURCES, "Get_Purchase_Orders"),), "Purchase_Order", "Purchase_Order_Reference")
    data = "Purchase_Order_Data"
    shape = schemas.PURCHASE_ORDER


class SupplierInvoices(DatedStream):
    """Supplier invoices, with how far they are paid, which is no part of them in Workday and asked for beside."""

    name = "supplier_invoices"
    tells_payments: t.ClassVar[bool] = True
    source = Source(
        ((RESOURCES, "Get_Supplier_Invoices"),),
        "Supplier_Invoice",
        "Supplier_Invoice_Reference",
        dates=DatesBetween(("Invoice_Date_On_or_After",), ("Invoice_Date_On_or_Before",)),
    )
    data = "Supplier_Invoice_Data"
    shape = schemas.INVOICE
    dated = ("invoice_date",)

    @functools.cached_property
    def schema(self) -> dict[str, t.Any]:
        """The schema of one record."""
        return schemas.invoice_schema()

    def records_of(self, row: Node) -> Iterator[types.Record]:
        """Yield the invoice, with how far it is paid."""
        for record in super().records_of(row):
            yield self._progress.note(record) if self._progress is not None else record

    @functools.cached_property
    def _progress(self) -> PaymentProgress | None:
        if not (self.tells_payments and self.config.get("include_payment_status", True)):
            return None
        start, days = self.start_date, self.config.get(*self.days)
        window = DateWindow.since(
            self.bookmark, start.date() if start else None, now=dt.datetime.now(dt.UTC), days=days
        )
        return PaymentProgress(self.client, window)

    def read(self, context: types.Context | None) -> Iterator[types.Record]:
        """Yield the invoices whose lines changed according to WQL, where that is set; else those of the window."""
        bookmark = self.bookmark
        if self.config.get("invoice_change_source") != "wql" or bookmark is None:
            yield from super().read(context)
            return
        window = UpdatedWindow.since(bookmark, None, now=dt.datetime.now(dt.UTC), overlap=self._overlap)
        since = window.start or bookmark
        state = self.get_context_state(context)
        seen = Seen(state.get("seen"))
        wids = dict.fromkeys(changed_invoices(self.client, self._companies(), since))
        states = (self._progress.states if self._progress is not None else None) or {}
        paid = Seen(state.get("paid"))
        wids |= dict.fromkeys(
            wid for wid, said in states.items() if paid.meet(wid, {"payment_status": said}, keep=True)
        )
        yield from self.given(self._changed(self.reader.by_wids(list(wids)), seen, dt.date.min))
        state["seen"] = seen.text()
        state["paid"] = paid.text()
        self.move_bookmark(window.end)

    def _companies(self) -> Iterator[str]:
        for row in Reader(self.client, Companies.source).rows():
            reference = row.ref(Companies.source.reference)
            if reference is not None and reference.wid:
                yield reference.wid


class SupplierInvoiceAttachments(SupplierInvoices):
    """Files of supplier invoices, one record each, with their content.

    Which invoices have new files cannot be asked. So those are read that are new or differ, as in the stream of
    invoices, and of these the files; a sweep reads the files of all.
    """

    name = "supplier_invoice_attachments"
    tells_payments = False
    selected_by_default = False
    primary_keys = ("id",)

    @functools.cached_property
    def schema(self) -> dict[str, t.Any]:
        """The schema of one file."""
        return schemas.ATTACHMENT_ROW

    @property
    def gives_all(self) -> bool:
        """Whether files may be new though their invoice is not."""
        return bool(self.config.get("sweep"))

    def given(self, records: Iterator[types.Record]) -> Iterator[types.Record]:
        """Yield the files of invoices; a state after every few, up to which what reads them keeps them in memory."""
        state = self.get_context_state(self.context)
        count = 0
        while some := list(itertools.islice(records, _INVOICES_WITH_FILES)):
            for row in self._with_files.by_wids([record["wid"] for record in some]):
                for file in self._files(row):
                    yield file
                    count += 1
                    if count % _FILES_PER_STATE == 0:
                        state["given"] = count  # a state that says nothing new is not written
                        self.state_manager.is_flushed = False
                        self._write_state_message()

    @functools.cached_property
    def _with_files(self) -> Reader:
        return Reader(self.client, self.source, {"Include_Attachment_Data": True})

    def _files(self, row: Node) -> Iterator[types.Record]:
        largest = self.config.get("largest_attachment_mb", 6) * 1_000_000
        for invoice in self.records_of(row):
            yield from attachments_of(invoice, row.nodes(self.data, "Attachment_Data"), largest=largest)


class SupplierInvoiceAdjustments(DatedStream):
    """Supplier invoice adjustments: credits, and debits."""

    name = "supplier_invoice_adjustments"
    source = Source(
        ((RESOURCES, "Get_Supplier_Invoice_Adjustments"),),
        "Supplier_Invoice_Adjustment",
        "Supplier_Invoice_Adjustment_Reference",
        dates=DatesBetween(
            ("Adjustment_Date_On_or_After", "Invoice_Date_On_or_After"),
            ("Adjustment_Date_On_or_Before", "Invoice_Date_On_or_Before"),
        ),
    )
    data = "Supplier_Invoice_Adjustment_Data"
    shape = schemas.ADJUSTMENT
    dated = ("adjustment_date",)


class Payments(DatedStream):
    """Payments with the documents they pay. Payments to persons (payroll, expenses) only when asked for."""

    name = "payments"
    source = PAYMENTS
    data = "Payment_Data"
    shape = schemas.PAYMENT
    days = ("payment_window_days", 90)
    dated = ("payment_group_data", "payment_date")

    @property
    def group(self) -> Mapping[str, bool]:
        """Our own bank accounts only when bank details are wanted."""
        return {"Include_Originating_Bank_Data": bool(self.config.get("include_bank_details"))}

    def records_of(self, row: Node) -> Iterator[types.Record]:
        """Yield the payment, unless a person receives it."""
        for record in super().records_of(row):
            payee = {one["type"] for one in record.get("receiving_party_refs", ())}
            if self.config.get("include_payments_to_persons") or not payee & _PERSONS:
                yield record


class Journals(UpdatedStream):
    """Journal entries with their lines."""

    name = "journals"
    selected_by_default = False
    from_start_date = True
    needs_window = True
    source = Source(((FINANCE, "Get_Journals"),), "Journal_Entry", "Journal_Entry_Reference")
    data = "Journal_Entry_Data"
    shape = schemas.JOURNAL


class CustomReports(WorkdayStream):
    """Rows of the reports in ``custom_reports``, as they are."""

    name = "custom_reports"
    selected_by_default = False
    primary_keys = ("report", "key")

    @functools.cached_property
    def schema(self) -> dict[str, t.Any]:
        """The schema of one row: reports have columns of their own."""
        return schemas.CUSTOM_REPORT_ROW

    def read(self, context: types.Context | None) -> Iterator[types.Record]:
        """Yield the rows of one report after the other."""
        del context
        for report in self.config.get("custom_reports") or ():
            rows = report_rows(self.client, report["owner"], report["name"], report.get("prompts"))
            keys = ReportKeys(report["name"], report.get("key") or (), rows)
            for row in rows:
                yield {"report": report["name"], "key": keys.of(row), "row": row}
            for count, what in (
                (keys.without, "say nothing in the columns of its key: each is known by all it says"),
                (keys.shared, "have the key of another row that says something else: name more columns in its key"),
            ):
                if count:
                    self.log("%d rows of report %s %s.", count, report["name"], what, level=logging.WARNING)


STREAM_CLASSES: t.Final[tuple[type[WorkdayStream], ...]] = (
    Companies,
    CostCenters,
    SpendCategories,
    LedgerAccounts,
    PaymentTerms,
    PaymentTypes,
    TaxCodes,
    Projects,
    Organizations,
    ReferenceIds,
    Suppliers,
    PurchaseOrders,
    SupplierInvoices,
    SupplierInvoiceAttachments,
    SupplierInvoiceAdjustments,
    Payments,
    Journals,
    CustomReports,
)
"""In the order they are read: what documents refer to, suppliers, orders, invoices, what was paid of them."""
