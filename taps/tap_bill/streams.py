"""The streams of tap-bill, each a few facts about one list of BILL (sheet bill 3.5, 9)."""

from __future__ import annotations

import contextlib
import datetime as dt
import typing as t

from ml_connector.errors import Rejected
from ml_connector.moments import before
from ml_connector.singer.stream import ApiStream
from ml_connector.systems.bill.errors import is_bad_query
from ml_connector.systems.bill.paging import BEGINNING, ListReader
from ml_connector.systems.bill.windows import read_since
from tap_bill import schemas

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk.helpers import types

    from ml_connector.systems.bill.client import BillClient
    from ml_connector.systems.bill.rows import Row
    from tap_bill.tap import TapBill

__all__ = ["STREAM_CLASSES"]


class BillStream(ApiStream):
    """A list of one organization.

    Attributes:
        path: Of the list, below the base address.
    """

    path: t.ClassVar[str]
    object_schema: t.ClassVar[dict[str, t.Any]]
    primary_keys: t.ClassVar[tuple[str, ...]] = ("id",)

    @property
    def schema(self) -> dict[str, t.Any]:
        """The schema of one object."""
        return self.object_schema

    @property
    def client(self) -> BillClient:
        """The tap's client, opened when the first stream asks."""
        return t.cast("TapBill", self._tap).client

    def post_process(self, row: types.Record, context: types.Context | None = None) -> types.Record | None:
        """Drop archived rows when they are not wanted; add the organization."""
        del context
        if row.get("archived") and not self.config.get("include_archived", True):
            return None
        row["organizationId"] = self.client.organization_id
        return row


class ListStream(BillStream):
    """A list in pages.

    Attributes:
        params: Query parameters of every page.
        stable_sort: The order in which the list is read when it cannot be filtered by time; edits do not
            change it.
    """

    params: t.ClassVar[Mapping[str, str]] = {}
    stable_sort: t.ClassVar[str | None] = "createdTime:asc"

    def get_records(self, context: types.Context | None) -> Iterable[types.Record]:
        """Yield all rows."""
        del context
        for rows in self._all_rows(self._reader()):
            yield from self._decoded(rows)

    def _reader(self) -> ListReader:
        settings = self.client.settings
        return ListReader(
            lambda query: self.client.get_page(self.path, query),
            f"GET {self.path}",
            page_size=settings.page_size,
            mode=settings.pagination_mode,
            params=self.params,
        )

    def _all_rows(self, reader: ListReader) -> t.Iterator[list[Row]]:
        return reader.everything(self.stable_sort)

    def _decoded(self, rows: list[Row]) -> t.Iterator[types.Record]:
        for row in rows:
            yield row.record()


class IncrementalStream(ListStream):
    """A list read by ``updatedTime``.

    Attributes:
        surely_filters: Whether the list is documented to filter by time. Where it is not, the filter is
            tried, and when BILL refuses it the whole list is read and filtered here (sheet bill 3.2).
    """

    replication_key = "updatedTime"
    surely_filters: t.ClassVar[bool] = False

    def get_records(self, context: types.Context | None) -> Iterable[types.Record]:
        """Yield the rows changed since the bookmark, less an overlap, in the order of their change."""
        del context
        since = self._since()
        if since is None and not self.surely_filters:
            since = BEGINNING  # so that the very first call shows whether the filter is accepted
        reader = self._reader()
        read = read_since(reader, since, concurrency=self.client.settings.max_concurrency)
        with contextlib.closing(read) as batches:
            try:
                batch = next(batches, None)
            except Rejected as refusal:
                if self.surely_filters or not is_bad_query(refusal):
                    raise
                self.log("Cannot be filtered by updatedTime, reading all of it: %s", refusal.message)
                yield from self._read_all(reader, since)
                return
            while batch is not None:
                yield from self._decoded(batch.rows)
                if batch.complete_until is not None:
                    self.move_bookmark(batch.complete_until)
                batch = next(batches, None)

    def _since(self) -> dt.datetime | None:
        mark, start = self.bookmark, self.start_date
        if mark is None or (start is not None and start > mark):
            return start
        return before(mark, dt.timedelta(seconds=self.config.get("lookback_seconds", 300)))

    def _decoded(self, rows: list[Row]) -> t.Iterator[types.Record]:
        for row in rows:
            self.is_premature(row.time, row.id)
        return super()._decoded(rows)

    def _read_all(self, reader: ListReader, since: dt.datetime | None) -> Iterable[types.Record]:
        newest = since
        for rows in self._all_rows(reader):
            wanted = [row for row in rows if since is None or row.time is None or row.time >= since]
            yield from self._decoded(wanted)
            newest = max([time for row in wanted if (time := row.time)] + ([newest] if newest else []), default=None)
        if newest is not None and newest != since:
            self.move_bookmark(newest)  # a time to come moves it no further than to now


class ReferenceStream(IncrementalStream):
    """What bills refer to, read whatever ``start_date`` says: an account of today's bill may be years old."""

    @property
    def start_date(self) -> None:
        """None: all of it is wanted."""


class ChartOfAccounts(ReferenceStream):
    """General ledger accounts, archived ones too: old bills still name them."""

    name = "chart_of_accounts"
    path = "/v3/classifications/chart-of-accounts"
    object_schema = schemas.CHART_OF_ACCOUNTS


class AccountingClasses(ReferenceStream):
    """Accounting classes."""

    name = "accounting_classes"
    path = "/v3/classifications/accounting-classes"
    object_schema = schemas.ACCOUNTING_CLASSES


class Departments(ReferenceStream):
    """Departments."""

    name = "departments"
    path = "/v3/classifications/departments"
    object_schema = schemas.DEPARTMENTS


class Locations(ReferenceStream):
    """Locations."""

    name = "locations"
    path = "/v3/classifications/locations"
    object_schema = schemas.LOCATIONS


class Jobs(ReferenceStream):
    """Jobs."""

    name = "jobs"
    path = "/v3/classifications/jobs"
    object_schema = schemas.JOBS


class Items(ReferenceStream):
    """Items."""

    name = "items"
    path = "/v3/classifications/items"
    object_schema = schemas.ITEMS


class Employees(ReferenceStream):
    """Employees."""

    name = "employees"
    path = "/v3/classifications/employees"
    object_schema = schemas.EMPLOYEES


class Organization(BillStream):
    """The organization itself, one record."""

    name = "organization"
    path = "/v3/organizations"
    object_schema = schemas.ORGANIZATION
    selected_by_default = False

    def get_records(self, context: types.Context | None) -> Iterable[types.Record]:
        """Yield the organization of the session."""
        del context
        yield self.client.get(f"{self.path}/{self.client.organization_id}")


class Users(ListStream):
    """Users, to resolve approvers."""

    name = "users"
    path = "/v3/users"
    object_schema = schemas.USERS
    selected_by_default = False


class BillApprovalPolicies(BillStream):
    """Approval policies, one answer without pages."""

    name = "bill_approval_policies"
    path = "/v3/bill-approvals/policies"
    object_schema = schemas.BILL_APPROVAL_POLICIES
    selected_by_default = False

    def get_records(self, context: types.Context | None) -> Iterable[types.Record]:
        """Yield all policies."""
        del context
        yield from self.client.get(self.path)


class FundingBankAccounts(ListStream):
    """The organization's bank accounts with their general ledger accounts."""

    name = "funding_bank_accounts"
    path = "/v3/funding-accounts/banks"
    object_schema = schemas.FUNDING_BANK_ACCOUNTS
    selected_by_default = False


class Vendors(ReferenceStream):
    """Vendors."""

    name = "vendors"
    path = "/v3/vendors"
    object_schema = schemas.VENDORS
    surely_filters = True


class RecurringBills(IncrementalStream):
    """Recurring bills."""

    name = "recurring_bills"
    path = "/v3/recurringbills"
    object_schema = schemas.RECURRING_BILLS
    stable_sort = None
    selected_by_default = False


class Bills(IncrementalStream):
    """Bills with their lines and approvers."""

    name = "bills"
    path = "/v3/bills"
    object_schema = schemas.BILLS
    params: t.ClassVar[Mapping[str, str]] = {"billApprovals": "true"}
    surely_filters = True

    def get_child_context(self, record: types.Record, context: types.Context | None) -> types.Context | None:
        """Return whose documents to read."""
        del context
        return {"billId": record["id"]} if record.get("id") else None


class BillDocuments(ListStream):
    """Files of each bill that was read: names and links, not contents."""

    name = "bill_documents"
    path = "/v3/documents/bills"
    object_schema = schemas.BILL_DOCUMENTS
    parent_stream_type = Bills
    state_partitioning_keys = ()
    selected_by_default = False

    def get_records(self, context: types.Context | None) -> Iterable[types.Record]:
        """Yield the documents of one bill."""
        bill_id = (context or {})["billId"]
        path = f"{self.path}/{bill_id}"
        reader = ListReader(
            lambda query: self.client.get_page(path, query),
            f"GET {path}",
            page_size=self.client.settings.page_size,
        )
        for rows in reader.everything():
            for record in self._decoded(rows):
                yield {**record, "billId": bill_id}


class VendorCredits(IncrementalStream):
    """Vendor credits."""

    name = "vendor_credits"
    path = "/v3/vendor-credits"
    object_schema = schemas.VENDOR_CREDITS


class Payments(IncrementalStream):
    """Payments with their split over bills."""

    name = "payments"
    path = "/v3/payments"
    object_schema = schemas.PAYMENTS
    surely_filters = True


STREAM_CLASSES: t.Final[tuple[type[BillStream], ...]] = (
    ChartOfAccounts,
    AccountingClasses,
    Departments,
    Locations,
    Jobs,
    Items,
    Employees,
    Organization,
    Users,
    BillApprovalPolicies,
    FundingBankAccounts,
    Vendors,
    RecurringBills,
    Bills,
    BillDocuments,
    VendorCredits,
    Payments,
)
"""In the order they are read: what bills refer to, vendors, bills, what was paid of them."""
