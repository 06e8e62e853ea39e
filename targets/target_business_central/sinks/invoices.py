"""Supplier invoices as purchase invoices: drafts, and posted where that is asked for."""

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
    CredentialsRefused,
    KeptBack,
    NoLongerThere,
    NotFound,
    OutcomeUnknown,
    Reason,
    Rejected,
    SystemFault,
)
from ml_connector.sameness import same_number
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.errors import SYSTEM
from ml_connector.systems.business_central.purchase_invoices import PurchaseInvoice, PurchaseInvoiceBook
from ml_connector.systems.business_central.writes import Written, on_fresh_data, written_already
from target_business_central.invoice_checks import check_invoice
from target_business_central.invoice_request import (
    InvoiceRequest,
    coding_changes,
    header_changes,
    invoice_number,
    invoice_request,
    is_shortened,
    line_changes,
)
from target_business_central.options import BusinessCentralPosting
from target_business_central.references import Ambiguous, References

__all__ = ["SupplierInvoiceSink"]

_LOG = logging.getLogger(__name__)

_CREATE: t.Final = "POST purchaseInvoices"
_CHANGE: t.Final = "PATCH purchaseInvoices"
_QUEUED: t.Final = 'it was asked to and does so later where "Post with Job Queue" is on; else it gives no reason'
_POSTED: t.Final = frozenset({"Open", "Paid"})
_NOTHING: t.Final = Written({}, "", "")


class SupplierInvoiceSink(DocumentSink[SupplierInvoice]):
    """Enters purchase invoices, each under its vendor's number and with our id in a comment line.

    Args:
        client: The environment's client.
        references: The company's reference data.
        options: How to enter, and whether to post.
    """

    document_class = SupplierInvoice
    surveyed_by_date = True
    reads_back = True
    watched = WATCHED
    deletes = True

    def __init__(self, client: BusinessCentralClient, references: References, options: BusinessCentralPosting) -> None:
        self._references = references
        self._options = options
        self.leaves_drafts = not options.post_invoices
        self._invoices = PurchaseInvoiceBook(client, references.company)
        self._flights = SingleFlight()

    def prepare(self) -> None:
        """Nothing: reference data is read when the first invoice asks for it."""

    def check(self, document: SupplierInvoice) -> list[Reason]:
        """Return what the reference data has against the invoice, each cause once."""
        return check_invoice(document, self._references, self._options)

    def find(self, document: SupplierInvoice) -> Found | None:
        """Look for the invoice: the vendor's number with our id, or with no id and the very same total."""
        try:
            there = self._with_its_number(document)
        except Rejected as error:
            words = f"Business Central refuses to list the vendor's invoices ({error.message})."
            raise LookupInconclusive(words) from error
        same = [each for each in there if each.mark is None and not each.undone and each.total == document.total]
        invoice = _ours(document, there) or next(iter(same), None)
        return None if invoice is None else self._found(invoice, document.external_id)

    def survey(self, first: dt.date, last: dt.date) -> t.Iterator[Found]:
        """Read the invoices dated in the window that carry our id."""
        return (self._found(invoice) for invoice in self._invoices.dated(first, last) if invoice.mark)

    def compose(self, document: SupplierInvoice) -> None:
        """Build the request, as far as nothing has to be asked for it."""
        exact_json.dumps(self._wanted(document).body())

    def create(self, document: SupplierInvoice) -> Delivered:
        """Enter the invoice as a draft, see that it comes to the same total, and post it if that is asked for.

        Its number is looked up first: Business Central takes a draft with the same number silently.

        Raises:
            Conflict: The vendor has another invoice with this number, or ours was cancelled.
            Rejected: Business Central comes to another total; the draft was removed again.
            OutcomeUnknown: It may have been entered.
        """
        vendor = self._vendor_number(document)
        with self._flights.of((vendor, same_number(invoice_number(document)))):
            invoice, written = self._already_there(document), _NOTHING
            warnings: tuple[str, ...] = ()
            if invoice is None:
                written = self._entered(self._wanted(document))
                with written_already():
                    invoice = self._right_after(str(written.value.get("id") or "").lower())
            else:
                warnings = (f"Business Central had it already as {invoice.number} ({invoice.status})",)
                if invoice.draft:  # begun by an attempt that did not come to its end
                    with written_already():
                        invoice = self._right_after(self._coded(self._wanted(document), invoice.id))
            if invoice.draft and invoice.total != document.total:
                raise self._taken_out(invoice, document)
        return self._delivered(document, invoice, written, warnings)

    def update(self, document: SupplierInvoice, target_id: str, previous: SupplierInvoice | None) -> Delivered:
        """Change a draft nobody has posted or edited, row by row, each with the etag that was read.

        Raises:
            Conflict: One of these has happened, or the invoice is another vendor's now.
        """
        wanted = self._wanted(document)
        now = self._there(document, target_id)
        if now.status in _POSTED and self._says(now, wanted):
            # Posted by us, which we never learned, or by somebody.
            return Delivered(now.id, _shown(now), unchanged=True)
        _refuse_unless_draft(now, document)
        if previous is not None and now.total not in (previous.total, document.total):
            words = f"{document.external_id} was changed in Business Central, its total is {now.total:f}"
            raise ConflictFound(SYSTEM, _CHANGE, f"{words}, sent was {previous.total:f}")
        requests = [
            *self._brought_up(document, now.id, self._header, wanted),
            *self._brought_up(document, now.id, self._lines, wanted),
            *self._brought_up(document, now.id, self._coding, wanted),
        ]
        if not requests and not self._options.post_invoices:
            return Delivered(now.id, None, draft=True, unchanged=True)
        invoice = self._draft(document, target_id)
        if invoice.total != document.total:
            words = f"Business Central comes to {invoice.total:f}, not {document.total:f}"
            raise ConflictFound(SYSTEM, _CHANGE, f"{document.external_id} was changed, but {words}; correct the draft")
        return self._delivered(document, invoice, Written({}, "\n".join(requests), ""))

    def facts(self, document: SupplierInvoice) -> t.Mapping[str, t.Any]:
        """Return what Business Central should say if it holds exactly this invoice."""
        wanted = self._wanted(document)
        coding = {
            f"{code}_of_line_{order}": value.upper()
            for order, each in enumerate(wanted.coding, 1)
            for code, value in each.items()
        }
        accounts = {f"account_of_line_{order}": line["lineObjectNumber"] for order, line in enumerate(wanted.lines, 1)}
        return {
            "supplier": self._vendor_number(document),
            "supplier_number": invoice_number(document),
            "currency": document.currency,
            "invoice_date": document.invoice_date.isoformat(),
            "total": document.total,
            "lines": len(wanted.lines),
            **accounts,
            **coding,
        }

    def read_back(self, target_ids: t.Sequence[str]) -> dict[str, Found]:
        """Read invoices by id, with lines and dimensions."""
        return {key: self._found(invoice) for key, invoice in self._invoices.by_ids(target_ids).items()}

    def _wanted(self, document: SupplierInvoice) -> InvoiceRequest:
        return invoice_request(document, self._references, self._options, self._vendor_number(document))

    def _vendor_number(self, document: SupplierInvoice) -> str:
        try:
            vendor = self._references.vendor(document.supplier)
        except Ambiguous:
            vendor = None
        return document.supplier if vendor is None else vendor.number

    def _with_its_number(self, document: SupplierInvoice) -> list[PurchaseInvoice]:
        return self._invoices.with_number(self._vendor_number(document), invoice_number(document))

    def _already_there(self, document: SupplierInvoice) -> PurchaseInvoice | None:
        """Return the invoice if it is ours; refuse to enter a second one of its number."""
        there = self._with_its_number(document)
        ours = _ours(document, there)
        if ours is not None and ours.undone:
            words = f"{document.external_id} was cancelled in Business Central ({ours.number})"
            raise ConflictFound(SYSTEM, _CREATE, words)
        other = next((each for each in there if not each.undone), None)
        if ours is None and other is not None:
            words = (
                f"the vendor has {other.supplier_number} of {other.total:f} already ({other.number}, {other.status})"
            )
            raise ConflictFound(SYSTEM, _CREATE, f"{words}, and not from here")
        return ours

    def _entered(self, wanted: InvoiceRequest) -> Written:
        """Create the draft; where lines inherit a dimension that is sent as well, its dimensions come afterwards."""
        try:
            return self._invoices.create(wanted.body())
        except (Conflict, Rejected) as fault:
            if not any(wanted.coding) or "imension" not in fault.message or "already exists" not in fault.message:
                raise
        written = self._invoices.create(wanted.body(coded=False))
        identifier = str(written.value.get("id") or "").lower()
        with written_already():
            try:
                self._coded(wanted, identifier)
            except (Conflict, Rejected, NotFound) as fault:
                if not self._remove(identifier):
                    raise
                refusal: SystemFault = fault
            else:
                return written
        raise refusal

    def _coded(self, wanted: InvoiceRequest, identifier: str) -> str:
        """Complete the dimensions of a draft; return its id."""

        def step() -> str:
            now = self._right_after(identifier, lines=True)
            if changes := coding_changes(wanted, now, self._references):
                self._invoices.change_lines(now, changes)
            return identifier

        return on_fresh_data(step)

    def _right_after(self, identifier: str, *, lines: bool = False) -> PurchaseInvoice:
        invoice = self._invoices.get(identifier, lines=lines) if identifier else None
        if invoice is None:
            raise OutcomeUnknown(SYSTEM, _CREATE, "the invoice is not there right after it was entered")
        return invoice

    def _taken_out(self, invoice: PurchaseInvoice, document: SupplierInvoice) -> SystemFault:
        """Remove a draft that comes to another total; return what to say."""
        words = f"Business Central comes to a total of {invoice.total:f}, the invoice says {document.total:f}"
        tax = invoice.fields.get("totalTaxAmount") or 0
        words += f" (it computes {tax} of tax by itself)" if tax else ""
        if self._remove(invoice.id):
            return KeptBack(SYSTEM, _CREATE, f"{words}; the draft was removed again")
        return ConflictFound(SYSTEM, _CREATE, f"{words}; draft {invoice.number} could not be removed again")

    def _remove(self, identifier: str) -> bool:
        """Remove a draft as it was just read; a posted one never."""

        def step() -> bool:
            now = self._invoices.get(identifier)
            if now is None:
                return True
            if now.draft:
                self._invoices.delete(now)
            return now.draft

        try:
            return on_fresh_data(step)
        except SystemFault as fault:
            _LOG.warning("Draft %s stays in Business Central: %s", identifier, fault)
            return False

    def _there(self, document: SupplierInvoice, target_id: str) -> PurchaseInvoice:
        now = self._invoices.get(target_id, lines=True)
        if now is None:
            raise NoLongerThere(SYSTEM, _CHANGE, f"{document.external_id} ({target_id}) is not there any more")
        return now

    def _draft(self, document: SupplierInvoice, target_id: str) -> PurchaseInvoice:
        now = self._there(document, target_id)
        _refuse_unless_draft(now, document)
        return now

    def _says(self, now: PurchaseInvoice, wanted: InvoiceRequest) -> bool:
        """Whether an invoice says what it should."""
        references = self._references
        return not (
            header_changes(wanted, now, references)
            or line_changes(wanted, now)
            or coding_changes(wanted, now, references)
        )

    def _brought_up(
        self,
        document: SupplierInvoice,
        target_id: str,
        change: t.Callable[[PurchaseInvoice, InvoiceRequest], str | None],
        wanted: InvoiceRequest,
    ) -> list[str]:
        """Change one part of a draft as it is now, again as it is then where somebody was faster."""
        said = on_fresh_data(lambda: change(self._draft(document, target_id), wanted))
        return [said] if said else []

    def _header(self, now: PurchaseInvoice, wanted: InvoiceRequest) -> str | None:
        changes = header_changes(wanted, now, self._references)
        if "vendorNumber" in changes:
            words = f"draft {now.number} is of vendor {now.vendor_number}, the invoice of {changes['vendorNumber']} now"
            raise ConflictFound(
                SYSTEM, _CHANGE, words, cure="delete the draft in Business Central and replay the invoice"
            )
        return self._invoices.change(now, changes).request if changes else None

    def _lines(self, now: PurchaseInvoice, wanted: InvoiceRequest) -> str | None:
        changes = line_changes(wanted, now)
        return self._invoices.change_lines(now, changes) if changes else None

    def _coding(self, now: PurchaseInvoice, wanted: InvoiceRequest) -> str | None:
        changes = coding_changes(wanted, now, self._references)
        return self._invoices.change_lines(now, changes) if changes else None

    def _delivered(
        self, document: SupplierInvoice, invoice: PurchaseInvoice, written: Written, said: t.Sequence[str] = ()
    ) -> Delivered:
        self._invoices.note(invoice)
        warnings, refusal = list(said), None
        if is_shortened(document):
            number = document.supplier_number
            warnings.append(f"number {number} is too long for Business Central: {invoice.supplier_number} there")
        if self._options.post_invoices and invoice.draft:
            invoice, refusal = self._posted(invoice)
        return Delivered(
            invoice.id,
            _shown(invoice),
            draft=invoice.draft,
            unfinished=refusal,
            warnings=tuple(warnings),
            request=written.request,
            response=written.response,
        )

    def _posted(self, invoice: PurchaseInvoice) -> tuple[PurchaseInvoice, str | None]:
        """Post a draft; return it as it is then, and why it stays a draft if it does.

        A lost answer is settled by the status: the id survives posting (sheet 4.5).
        """
        refusal = _QUEUED
        try:
            self._invoices.post(invoice.id)
        except CredentialsRefused:
            raise
        except SystemFault as fault:
            refusal = fault.message
        with written_already():
            now = self._invoices.get(invoice.id) or invoice
        if not now.draft:
            return now, None
        return now, f"it stays a draft, Business Central does not post it: {refusal}"

    def _found(self, invoice: PurchaseInvoice, external_id: str | None = None) -> Found:
        facts: dict[str, t.Any] = {
            "supplier": invoice.vendor_number,
            "supplier_number": invoice.supplier_number,
            "currency": self._references.currency(invoice.currency),
            "invoice_date": invoice.invoice_date,
            "total": invoice.total,
            "lines": len(invoice.lines),
        }
        for order, line in enumerate(invoice.lines, 1):
            facts[f"account_of_line_{order}"] = line.get("lineObjectNumber")
            if "dimensionSetLines" in line:
                there = {str(each.get("code")).upper(): each.get("valueCode") for each in line["dimensionSetLines"]}
                facts |= {f"{code}_of_line_{order}": there.get(code) for code in self._options.codes}
        return Found(
            invoice.id,
            external_id or invoice.mark,
            _shown(invoice),
            invoice.status,
            draft=invoice.draft,
            cancelled=invoice.undone,
            unfinished="it is a draft, and not posted yet" if invoice.draft and self._options.post_invoices else None,
            facts=facts,
        )


def _ours(document: SupplierInvoice, there: t.Sequence[PurchaseInvoice]) -> PurchaseInvoice | None:
    marked = [each for each in there if each.mark == document.external_id]
    return min(marked, key=lambda each: each.undone, default=None)


def _refuse_unless_draft(now: PurchaseInvoice, document: SupplierInvoice) -> None:
    if not now.draft:
        raise ConflictFound(SYSTEM, _CHANGE, f"{document.external_id} may not be changed any more ({now.status})")


def _shown(invoice: PurchaseInvoice) -> str | None:
    """Return the number people know it by, none for a draft: it gets another one when it is posted."""
    return None if invoice.draft else invoice.number
