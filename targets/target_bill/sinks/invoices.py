"""Supplier invoices as bills, and those with a negative total as vendor credits."""

from __future__ import annotations

import datetime as dt
import logging
import typing as t

from ml_connector import exact_json
from ml_connector.delivery.keyed_lock import SingleFlight
from ml_connector.delivery.sink import WATCHED, Delivered, DocumentSink, Found, LookupInconclusive
from ml_connector.documents import SupplierInvoice
from ml_connector.errors import (
    Conflict,
    ConflictFound,
    NoLongerThere,
    OutcomeUnknown,
    PermissionDenied,
    Reason,
    Rejected,
    SystemFault,
)
from ml_connector.sameness import same_number
from ml_connector.systems.bill.bills import BillBook, CreditBook, Invoice, is_credit
from ml_connector.systems.bill.bulk import BillPost
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.errors import SYSTEM
from ml_connector.systems.bill.writes import Written
from target_bill.invoice_checks import check_invoice
from target_bill.invoice_request import (
    bill_body,
    bill_changes,
    credit_body,
    invoice_number,
    is_shortened,
    line_count,
)
from target_bill.options import BillPosting
from target_bill.references import Ambiguous, References

__all__ = ["SupplierInvoiceSink"]

_LOG = logging.getLogger(__name__)

_BEFORE_ITS_DATE: t.Final = dt.timedelta(days=31)
"""How long before its own date an invoice may have been entered, for the survey."""


class SupplierInvoiceSink(DocumentSink[SupplierInvoice]):
    """Posts bills and vendor credits, each under its vendor's invoice number and marked with our id.

    Args:
        client: The organization's client.
        references: The organization's reference data.
        options: How to post.
    """

    document_class = SupplierInvoice
    surveyed_by_date = True
    reads_back = True
    watched = WATCHED

    def __init__(self, client: BillClient, references: References, options: BillPosting) -> None:
        self._references = references
        self._options = options
        self._organization_id = client.settings.organization_id
        self._bills = BillBook(client)
        self._post = BillPost(self._bills, options.bills_per_request)
        self._flights = SingleFlight()
        self._credits = CreditBook(client)
        self.side_by_side = options.bills_per_request
        self._seen: list[Invoice] = []
        self._seen_since: dt.datetime | None = None

    def prepare(self) -> None:
        """Nothing: reference data is read when the first invoice asks for it."""

    def check(self, document: SupplierInvoice) -> list[Reason]:
        """Return what the reference data has against the invoice, each cause once."""
        return check_invoice(document, self._references, self._options, self._organization_id)

    def find(self, document: SupplierInvoice) -> Found | None:
        """Look for the invoice: the vendor's number with our mark, or with no mark and the very same total."""
        try:
            found = self._with_its_number(document)
        except Rejected as error:
            raise LookupInconclusive(f"BILL refuses to list the vendor's bills ({error.message}).") from error
        ours = _ours(document, found)
        same = [each for each in found if each.mark is None and not each.archived and each.total == document.total]
        invoice = ours or next(iter(same), None)
        return None if invoice is None else self._found(invoice, document.external_id)

    def survey(self, first: dt.date, last: dt.date) -> t.Iterator[Found]:
        """Read the invoices dated in the window that carry our mark; BILL does not filter by the invoice's date."""
        since = dt.datetime.combine(first, dt.time(), dt.UTC) - _BEFORE_ITS_DATE
        if self._seen_since is None or since < self._seen_since:
            bills = [bill for bill in self._bills.changed_since(since) if bill.mark]
            self._seen = [*bills, *self._marked_credits()]
            self._seen_since = since
        for invoice in self._seen:
            if first.isoformat() <= (invoice.date or "") <= last.isoformat():
                yield self._found(invoice)

    def compose(self, document: SupplierInvoice) -> None:
        """Build the request, as far as nothing has to be asked for it."""
        exact_json.dumps(self._body(document))

    def create(self, document: SupplierInvoice) -> Delivered:
        """Post the invoice, once its number has been looked up: BILL may take the same number twice.

        Raises:
            Conflict: The vendor has another invoice with this number, or ours was archived.
            OutcomeUnknown: It may have been posted.
        """
        with self._flights.of((self._vendor_id(document), document.total < 0, same_number(invoice_number(document)))):
            if there := self._already_there(document):
                return there
            try:
                if document.total < 0:
                    written = self._credits.create(self._body(document))
                else:
                    written = self._post.create(self._body(document))
            except Conflict as conflict:
                return self._posted_before(document, conflict)
            return self._delivered(document, written)

    def update(self, document: SupplierInvoice, target_id: str, previous: SupplierInvoice | None) -> Delivered:
        """Change an invoice nobody has approved, scheduled, paid or edited; lines keep their coding.

        Raises:
            Conflict: One of these has happened, or the invoice has changed its sign.
        """
        book: BillBook | CreditBook = self._credits if is_credit(target_id) else self._bills
        operation = "PATCH /v3/vendor-credits" if is_credit(target_id) else "PATCH /v3/bills"
        now = book.get(target_id)
        if now is None:
            raise NoLongerThere(SYSTEM, operation, f"{document.external_id} ({target_id}) is not there any more")
        if is_credit(target_id) != (document.total < 0):
            raise ConflictFound(SYSTEM, operation, f"{document.external_id} was posted with the other sign")
        if not now.open:
            raise ConflictFound(SYSTEM, operation, f"{document.external_id} may not be changed any more ({now.status})")
        if previous is not None and now.total not in (previous.total, document.total):
            what = (
                f"{document.external_id} was changed in BILL, its total is {now.total:f}, sent was {previous.total:f}"
            )
            raise ConflictFound(SYSTEM, operation, what)
        lines = "vendorCreditLineItems" if is_credit(target_id) else "billLineItems"
        body, replaces = bill_changes(self._body(document), now, lines)
        if not body:
            return Delivered(target_id, now.number, open=now.open, unchanged=True)
        return self._delivered(document, (book.replace if replaces else book.change)(target_id, body))

    def facts(self, document: SupplierInvoice) -> t.Mapping[str, t.Any]:
        """Return what BILL should say if it holds exactly this invoice."""
        return {
            "supplier": self._vendor_id(document),
            "supplier_number": invoice_number(document),
            "currency": document.currency,
            "invoice_date": document.invoice_date.isoformat(),
            "total": document.total,
            "lines": line_count(document),
        }

    def read_back(self, target_ids: t.Sequence[str]) -> dict[str, Found]:
        """Read bills and credits by id."""
        bills = [each for each in target_ids if not is_credit(each)]
        credits_ = [each for each in target_ids if is_credit(each)]
        found = {**self._bills.by_ids(bills), **self._credits.by_ids(credits_)}
        return {key: self._found(invoice) for key, invoice in found.items()}

    def _marked_credits(self) -> list[Invoice]:
        try:
            return [credit for credit in self._credits.all() if credit.mark]
        except PermissionDenied as error:
            # What the user may not even read was not posted by it either.
            _LOG.warning("%s; credits posted before cannot be seen.", error)
            return []

    def _vendor_id(self, document: SupplierInvoice) -> str:
        try:
            vendor = self._references.vendor(document.supplier)
        except Ambiguous:
            vendor = None
        return document.supplier if vendor is None else vendor.id

    def _body(self, document: SupplierInvoice) -> dict[str, t.Any]:
        make = credit_body if document.total < 0 else bill_body
        return make(document, self._references, self._options, self._vendor_id(document))

    def _with_its_number(self, document: SupplierInvoice) -> list[Invoice]:
        vendor, number = self._vendor_id(document), invoice_number(document)
        if document.total < 0:
            return self._credits.with_number(vendor, number)
        return self._bills.with_number(vendor, number, document.due_date or document.invoice_date)

    def _already_there(self, document: SupplierInvoice) -> Delivered | None:
        """Return the invoice if it is ours; refuse to post a second one of its number."""
        found = self._with_its_number(document)
        ours = _ours(document, found)
        if ours is not None and not ours.archived:
            words = f"BILL had it already as {ours.number} ({ours.id})"
            return Delivered(ours.id, ours.number, open=ours.open, unchanged=True, warnings=(words,))
        if ours is not None:
            raise ConflictFound(SYSTEM, "POST /v3/bills", f"{document.external_id} was archived in BILL ({ours.id})")
        other = next((each for each in found if not each.archived), None)
        if other is not None:
            what = f"the vendor has {other.number} of {other.total:f} already ({other.id}), and not from here"
            raise ConflictFound(SYSTEM, "POST /v3/bills", what)
        return None

    def _posted_before(self, document: SupplierInvoice, conflict: Conflict) -> Delivered:
        """Settle a refusal because of the number: our own earlier request, or somebody else's bill."""
        try:
            there = self._already_there(document)
        except SystemFault as error:
            raise conflict from error
        if there is None:
            raise conflict
        return there

    def _delivered(self, document: SupplierInvoice, written: Written) -> Delivered:
        if not isinstance(written.value, dict) or not written.value.get("id"):
            raise OutcomeUnknown(SYSTEM, "POST /v3/bills", "the answer has no id")
        of = Invoice.of_credit if is_credit(str(written.value["id"])) else Invoice.of_bill
        invoice = of(written.value)
        if not is_credit(invoice.id):
            self._bills.note(invoice)
        words = f"invoice number {document.supplier_number} is too long for BILL and stands there as {invoice.number}"
        return Delivered(
            invoice.id,
            invoice.number or invoice_number(document),
            open=invoice.open,
            warnings=(words,) if is_shortened(document) else (),
            request=written.request,
            response=written.response,
        )

    def _found(self, invoice: Invoice, external_id: str | None = None) -> Found:
        try:
            vendor = self._references.vendor(invoice.vendor_id)
        except Ambiguous:
            vendor = None
        facts: dict[str, t.Any] = {
            "supplier": invoice.vendor_id,
            "supplier_number": invoice.number,
            "invoice_date": invoice.date,
            "total": invoice.total,
            "lines": len(invoice.lines),
        }
        return Found(
            invoice.id,
            external_id or invoice.mark,
            invoice.number,
            invoice.status,
            open=invoice.open,
            cancelled=invoice.archived,
            facts=facts if vendor is None else {**facts, "currency": vendor.currency},
        )


def _ours(document: SupplierInvoice, found: t.Sequence[Invoice]) -> Invoice | None:
    marked = [each for each in found if each.mark == document.external_id]
    return min(marked, key=lambda each: each.archived, default=None)
