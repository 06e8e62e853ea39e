"""Purchase invoices: drafts that may be changed, and posted ones that may not (sheet business-central 4)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t
from decimal import Decimal

from ml_connector.numbers_in_use import NumbersInUse
from ml_connector.sameness import same_number
from ml_connector.systems.business_central.batch import BatchRequest
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.lists import etag_of, read_ids, read_one
from ml_connector.systems.business_central.numbers import mark_of
from ml_connector.systems.business_central.values import quoted_text
from ml_connector.systems.business_central.writes import Written, audit_text

__all__ = ["PurchaseInvoice", "PurchaseInvoiceBook"]

_LINES: t.Final = "purchaseInvoiceLines"
_CODING: t.Final = "dimensionSetLines"
_PAGE: t.Final = 1000
_UNDONE: t.Final = frozenset({"Canceled", "Corrective"})

Body = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class PurchaseInvoice:
    """A purchase invoice.

    Attributes:
        id: Its GUID, which survives posting.
        number: Its number here; another one after posting.
        vendor_number: Who sent it.
        pay_to_number: Who is owed, which need not be the same vendor.
        supplier_number: The vendor's own number, in upper case.
        invoice_date: The vendor's date.
        posting_date: When it is booked.
        currency: Its currency; None where that is the company's own and goes without saying.
        total: What is owed, tax included, as Business Central computes it.
        status: ``Draft``, ``Open`` (posted), ``Paid``, ``Canceled`` or ``Corrective``.
        mark: Our id, when a comment line carries one; there is no field for it.
        etag: Of this reading of it.
        lines: Its lines, comments left out, in order; none where they were not read.
        fields: The object as Business Central answers it, decoded.
    """

    id: str
    number: str
    vendor_number: str
    pay_to_number: str
    supplier_number: str | None
    invoice_date: str | None
    posting_date: str | None
    currency: str | None
    total: Decimal
    status: str
    mark: str | None
    etag: str
    lines: tuple[Body, ...] = dataclasses.field(repr=False)
    fields: Body = dataclasses.field(repr=False)

    @classmethod
    def of(cls, fields: Body) -> PurchaseInvoice:
        """Return the invoice of an object."""
        lines = sorted(fields.get(_LINES) or (), key=lambda line: line.get("sequence") or 0)
        marks = (mark_of(line.get("description")) for line in lines if line.get("lineType") == "Comment")
        vendor = str(fields.get("vendorNumber") or "")
        return cls(
            id=str(fields["id"]).lower(),
            number=str(fields.get("number") or ""),
            vendor_number=vendor,
            pay_to_number=str(fields.get("payToVendorNumber") or vendor),
            supplier_number=fields.get("vendorInvoiceNumber"),
            invoice_date=fields.get("invoiceDate"),
            posting_date=fields.get("postingDate"),
            currency=fields.get("currencyCode"),
            total=Decimal(fields.get("totalAmountIncludingTax") or 0),
            status=str(fields.get("status") or ""),
            mark=next(filter(None, marks), None),
            etag=etag_of(fields),
            lines=tuple(line for line in lines if line.get("lineType") != "Comment"),
            fields=fields,
        )

    @property
    def draft(self) -> bool:
        """Whether it may still be changed."""
        return self.status == "Draft"

    @property
    def undone(self) -> bool:
        """Whether it was cancelled, or only corrects another one."""
        return self.status in _UNDONE


class PurchaseInvoiceBook:
    """The purchase invoices of a company.

    Args:
        client: The environment's client.
        company: Path of the company (``companies(...)``).
    """

    def __init__(self, client: BusinessCentralClient, company: str) -> None:
        self._client = client
        self._path = f"{company}/purchaseInvoices"
        self._numbers = NumbersInUse(self._numbers_of)

    def with_number(self, vendor_number: str, number: str) -> list[PurchaseInvoice]:
        """Return a vendor's invoices with its own number, however it is written, drafts and cancelled ones too.

        Drafts with a number that is in use are taken silently (sheet 4), so this is the only guard against a second.
        Filters compare all but case exactly, so the vendor's numbers are read once a run and compared here.
        """
        ids, just_read = self._numbers.ids(vendor_number, number)
        meant = f"vendorNumber eq {quoted_text(vendor_number)} and vendorInvoiceNumber eq {quoted_text(number)}"
        found = [] if just_read else self._listed({"$filter": meant})
        missing = [each for each in ids if each not in {invoice.id for invoice in found}]
        others = read_ids(self._client, self._path, missing, [f"?$expand={_LINES}"]).values() if missing else ()
        return [
            *found,
            *(
                invoice
                for invoice in map(PurchaseInvoice.of, others)
                if invoice.vendor_number == vendor_number
                and same_number(invoice.supplier_number or "") == same_number(number)
            ),
        ]

    def note(self, invoice: PurchaseInvoice) -> None:
        """Note the number of an invoice that was entered or changed."""
        self._numbers.add(invoice.vendor_number, invoice.supplier_number, invoice.id)

    def _numbers_of(self, vendor_number: str) -> t.Iterator[tuple[str | None, str]]:
        query = {"$filter": f"vendorNumber eq {quoted_text(vendor_number)}", "$select": "id,vendorInvoiceNumber"}
        for row in self._client.rows(self._path, query, page_size=_PAGE, fresh=True):
            yield row.get("vendorInvoiceNumber"), str(row["id"]).lower()

    def numbered(self, number: str) -> list[PurchaseInvoice]:
        """Return the invoices with a number of Business Central's own: a draft and a posted one may share it."""
        return self._listed({"$filter": f"number eq {quoted_text(number)}"})

    def dated(self, first: dt.date, last: dt.date) -> t.Iterator[PurchaseInvoice]:
        """Yield the invoices with an invoice date in ``first..last``, both included."""
        meant = f"invoiceDate ge {first.isoformat()} and invoiceDate le {last.isoformat()}"
        yield from self._listed({"$filter": meant})

    def get(self, identifier: str, *, lines: bool = False) -> PurchaseInvoice | None:
        """Return an invoice as it is now.

        Args:
            identifier: Its GUID.
            lines: Whether its lines with their dimensions are read as well.
        """
        found = self.by_ids([identifier]) if lines else {}
        if lines:
            return found.get(identifier)
        fields = read_one(self._client, self._path, identifier)
        return None if fields is None else PurchaseInvoice.of(fields)

    def by_ids(self, ids: t.Sequence[str]) -> dict[str, PurchaseInvoice]:
        """Return invoices by id, with lines; without dimensions where one was deleted meanwhile (sheet 8.8)."""
        ways = (f"?$expand={_LINES}($expand={_CODING})", f"?$expand={_LINES}")
        records = read_ids(self._client, self._path, ids, ways)
        return {key: PurchaseInvoice.of(fields) for key, fields in records.items()}

    def create(self, body: Body) -> Written:
        """Create a draft with its lines.

        Raises:
            OutcomeUnknown: It may have been created.
        """
        return Written.of(body, self._client.post(self._path, body))

    def change(self, invoice: PurchaseInvoice, body: Body) -> Written:
        """Change fields of the header of a draft that is still as it was read; raises ``EntityChanged``."""
        return Written.of(body, self._client.patch(f"{self._path}({invoice.id})", body, invoice.etag))

    def change_lines(self, invoice: PurchaseInvoice, changes: t.Sequence[BatchRequest]) -> str:
        """Change lines and their dimensions, all of them or none.

        Args:
            invoice: Whose.
            changes: Requests with paths below the invoice, each with the etag of the row it was made from.

        Returns:
            What was sent, for the audit.

        Raises:
            EntityChanged: A row is no longer as it was read.
            SystemFault: One is refused; none was carried out.
        """
        below = f"{self._path}({invoice.id})"
        requests = [dataclasses.replace(change, path=f"{below}/{change.path}") for change in changes]
        answers = self._client.batch(requests, isolated=True, goes_on=False)
        for answer in answers:
            if answer.fault is not None:
                raise answer.fault
        return audit_text([{"method": each.method, "path": each.path, "body": each.body} for each in changes])

    def delete(self, invoice: PurchaseInvoice) -> None:
        """Delete a draft that is still as it was read: of a posted one Business Central might even do so (sheet 4.6).

        Raises:
            EntityChanged: It is not.
            ValueError: It was no draft when it was read.
        """
        if not invoice.draft:
            raise ValueError(f"{invoice.id} is {invoice.status}, not a draft")
        self._client.delete(f"{self._path}({invoice.id})", invoice.etag)

    def post(self, identifier: str) -> None:
        """Post a draft.

        Raises:
            Conflict: The vendor has a posted invoice of this number.
            Rejected: A rule of posting, or an approval that is missing, stands against it.
            OutcomeUnknown: It may have been posted.
        """
        self._client.action(f"{self._path}({identifier})/Microsoft.NAV.post")

    def _listed(self, query: t.Mapping[str, str]) -> list[PurchaseInvoice]:
        rows = self._client.rows(self._path, {**query, "$expand": _LINES}, page_size=_PAGE, fresh=True)
        return [PurchaseInvoice.of(row) for row in rows]
