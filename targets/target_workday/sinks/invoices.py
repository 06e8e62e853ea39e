"""Supplier invoices, and credits as supplier invoice adjustments."""

from __future__ import annotations

import datetime as dt
import logging
import typing as t

from ml_connector.delivery.sink import WATCHED, Delivered, DocumentSink, Found, LookupInconclusive
from ml_connector.documents import SupplierInvoice
from ml_connector.errors import (
    Conflict,
    ConflictFound,
    NoLongerThere,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Reason,
    Rejected,
    SystemFault,
)
from ml_connector.systems.workday.client import RESOURCES, Answer, WorkdayClient
from ml_connector.systems.workday.errors import SYSTEM, AlreadyExists
from ml_connector.systems.workday.invoices import ADJUSTMENT, FORMS, Form, InvoiceReader, InvoiceRecord
from ml_connector.systems.workday.orders import Orders
from ml_connector.systems.workday.references import References
from target_workday.invoice_checks import check_invoice
from target_workday.invoice_request import form_of, invoice_body, supplier_number
from target_workday.numbers import NumberGuard
from target_workday.options import WorkdayPosting
from target_workday.submission import read_submission

__all__ = ["SupplierInvoiceSink"]

_LOG = logging.getLogger(__name__)


class SupplierInvoiceSink(DocumentSink[SupplierInvoice]):
    """Posts supplier invoices, each under its external id and create-only.

    Args:
        client: The tenant's client.
        references: The tenant's reference data.
        options: How to post.
    """

    document_class = SupplierInvoice
    surveyed_by_date = True
    reads_back = True
    watched = WATCHED

    def __init__(self, client: WorkdayClient, references: References, options: WorkdayPosting) -> None:
        self._client = client
        self._references = references
        self._options = options
        self.leaves_drafts = not options.submit
        self._reader = InvoiceReader(client)
        self._orders = Orders(client)
        self._forms: dict[str, Form] = {}
        self._guard = NumberGuard(self._reader, references, self._forms)

    def prepare(self) -> None:
        """Read the reference data, and see that the tenant's version has every field an invoice may need.

        Raises:
            PermissionDenied: The ISU may not read what nothing can be checked without.
            SettingInvalid: The tenant's version lacks an operation or field.
        """
        for form in FORMS:
            shape = self._client.service(RESOURCES).shape(form.submit)
            shape.part(form.data).require("Suppliers_Invoice_Number", "Supplier_Reference_Number")
            if self._options.tax_option:
                shape.part(form.data).require("Default_Tax_Option_Reference", "Tax_Option_Reference")
            if self._options.override_payment_type:
                shape.part(form.data).require("Override_Payment_Type_Reference")
        self._references.load("company", "supplier", "spend_category", "cost_center", "gl_account", "payment_terms")

    def check(self, document: SupplierInvoice) -> list[Reason]:
        """Return what reference data and purchase orders have against the invoice, each cause once."""
        return check_invoice(document, self._references, self._orders, self._options)

    def find(self, document: SupplierInvoice) -> Found | None:
        """Look for the external id among invoices and adjustments: the sign may have changed meanwhile."""
        own = form_of(document)
        record = self._look_for(own, document)
        if record is None:
            record = self._look_for_other(next(form for form in FORMS if form is not own), document)
        return None if record is None else self._found(record)

    def survey(self, first: dt.date, last: dt.date) -> t.Iterator[Found]:
        """Read all invoices and adjustments dated in the window."""
        for form in FORMS:
            try:
                yield from map(self._found, self._reader.window(form, first, last))
            except PermissionDenied as error:
                if form is not ADJUSTMENT:
                    raise
                _LOG.warning("%s; credits posted before cannot be seen.", error)

    def compose(self, document: SupplierInvoice) -> None:
        """Build the request, as far as nothing has to be asked for it."""
        form = form_of(document)
        body = self._body(document)
        self._client.service(RESOURCES).build(form.submit, body)

    def create(self, document: SupplierInvoice) -> Delivered:
        """Post the invoice, create-only.

        Raises:
            Conflict: The supplier's number is in use on another invoice, or our id on a canceled one.
            OutcomeUnknown: It may have been posted.
        """
        form = form_of(document)
        body = self._body(document)
        with self._guard.of(document):
            try:
                answer = self._client.call(RESOURCES, form.submit, body, write=True)
            except Conflict as conflict:
                return self._posted_before(document, conflict)
            delivered = self._settle(form, answer, document)
            self._guard.note(document, delivered.target_id)
        self._reader.remember(form, document.external_id)
        return delivered

    def update(self, document: SupplierInvoice, target_id: str, previous: SupplierInvoice | None) -> Delivered:
        """Replace a draft; lines left out of it are removed.

        Raises:
            Conflict: It is no longer a draft, or was posted with the other sign.
        """
        del previous  # a draft is replaced as a whole
        form = form_of(document)
        record = self._reader.by_wids([target_id], self._forms).get(target_id)
        if record is None:
            raise NoLongerThere(SYSTEM, form.submit, f"{document.external_id} ({target_id}) is not there any more")
        if record.form is not form:
            raise ConflictFound(SYSTEM, form.submit, f"{document.external_id} was posted with the other sign")
        if not record.draft:
            raise ConflictFound(SYSTEM, form.submit, f"{document.external_id} is no draft any more ({record.status})")
        body = self._body(document, replaces=target_id)
        return self._settle(form, self._client.call(RESOURCES, form.submit, body, write=True), document)

    def facts(self, document: SupplierInvoice) -> t.Mapping[str, t.Any]:
        """Return what Workday should say if it holds exactly this invoice."""
        return {
            "company": self._references.canonical("company", document.company),
            "supplier": self._references.canonical("supplier", document.supplier),
            "supplier_number": supplier_number(document),
            "currency": document.currency,
            "total": document.total,
            "charges": document.charges * form_of(document).sign,
            "lines": len(document.lines),
            **self._line_facts(document),
        }

    def _line_facts(self, document: SupplierInvoice) -> dict[str, t.Any]:
        """Return what the lines should say; those of orders take their coding from the order."""
        sign, canonical = form_of(document).sign, self._references.canonical
        facts: dict[str, t.Any] = {}
        for line in document.lines:
            facts[f"amount_of_line_{line.order}"] = line.amount * sign
            if line.purchase_order_line:
                continue
            facts[f"spend_category_of_line_{line.order}"] = canonical("spend_category", line.spend_category)
            for dimension in line.dimensions:
                if dimension.kind == "cost_center":
                    facts[f"cost_center_of_line_{line.order}"] = canonical("cost_center", dimension.value)
        return facts

    def read_back(self, target_ids: t.Sequence[str]) -> dict[str, Found]:
        """Read invoices and adjustments by WID, a hundred a call."""
        records = self._reader.by_wids(target_ids, self._forms)
        return {wid: self._found(record) for wid, record in records.items()}

    def _body(self, document: SupplierInvoice, *, replaces: str | None = None) -> dict[str, t.Any]:
        shape = self._shape(form_of(document))
        return invoice_body(document, shape, self._references, self._orders, self._options, replaces=replaces)

    def _shape(self, form: Form) -> t.Any:
        return self._client.service(RESOURCES).shape(form.submit)

    def _look_for(self, form: Form, document: SupplierInvoice) -> InvoiceRecord | None:
        try:
            if self._reader.resolves(form, document.invoice_date):
                return self._reader.by_id(form, document.external_id)
        except NotFound:
            return None
        except Rejected as error:
            _LOG.info(
                "The look-up of %s by id failed (%s); the window is read.",
                document.external_id,
                error.message,
            )
        return self._look_in_window(form, document)

    def _look_in_window(self, form: Form, document: SupplierInvoice) -> InvoiceRecord | None:
        supplier = self._references.reference("supplier", document.supplier)
        day = document.invoice_date
        try:
            return next(
                (
                    record
                    for record in self._reader.window(form, day, day, supplier=supplier)
                    if record.external_id == document.external_id
                ),
                None,
            )
        except Rejected as error:
            raise LookupInconclusive(
                f"Workday refuses to list the supplier's documents of {day} ({error.message})."
            ) from error

    def _look_for_other(self, form: Form, document: SupplierInvoice) -> InvoiceRecord | None:
        try:
            return self._look_for(form, document)
        except PermissionDenied:
            # What the ISU may not even read it has not posted either.
            return None

    def _posted_before(self, document: SupplierInvoice, conflict: Conflict) -> Delivered:
        """Settle a refusal because something exists: our own earlier request, or somebody else's invoice."""
        try:
            found = self.find(document)
        except (LookupInconclusive, SystemFault) as error:
            if isinstance(conflict, AlreadyExists):
                raise OutcomeUnknown(SYSTEM, conflict.operation, f"{conflict.message}; then: {error}") from error
            raise conflict from error
        if found is None or found.cancelled:
            raise conflict
        return Delivered(found.target_id, found.number, draft=found.draft, warnings=(conflict.message,))

    def _settle(self, form: Form, answer: Answer, document: SupplierInvoice) -> Delivered:
        said = read_submission(answer, form.reference)
        if not said.accepted:
            raise self._not_accepted(form, said.wid, said.words, proved=bool(said.errors))
        self._forms[said.wid or ""] = form
        return Delivered(
            said.wid or "",
            document.external_id if self._options.invoice_number_from == "external_id" else None,
            draft=not self._options.submit,
            warnings=said.warnings,
            request=answer.request_text,
            response=answer.response_text,
        )

    def _not_accepted(self, form: Form, wid: str | None, words: str, *, proved: bool) -> SystemFault:
        """Decide what an answer without a fault but with errors means.

        Errors and no WID: refused. A WID with errors: refused if Workday has no such document; else something
        was left behind, which the delivery has to look at before it sends anything again.
        """
        if wid is None:
            return (Rejected if proved else OutcomeUnknown)(SYSTEM, form.submit, words)
        try:
            left_behind = self._reader.is_there(form, wid)
        except SystemFault:
            left_behind = True
        return (OutcomeUnknown if left_behind else Rejected)(SYSTEM, form.submit, words)

    def _found(self, record: InvoiceRecord) -> Found:
        self._forms[record.wid] = record.form
        facts: dict[str, t.Any] = {
            "company": self._references.canonical("company", record.company),
            "supplier": self._references.canonical("supplier", record.supplier),
            "currency": record.currency,
        }
        facts = {name: value for name, value in facts.items() if value is not None}
        facts |= {"supplier_number": record.supplier_number, "total": record.total}
        facts |= {"charges": record.charges, "lines": record.lines}
        for order, line in record.by_order.items():
            facts[f"amount_of_line_{order}"] = line.amount
            facts[f"spend_category_of_line_{order}"] = self._references.canonical("spend_category", line.spend_category)
            facts[f"cost_center_of_line_{order}"] = self._references.canonical("cost_center", line.cost_center)
        return Found(
            record.wid,
            record.external_id,
            record.number,
            record.status,
            draft=record.draft,
            cancelled=record.cancelled,
            facts=facts,
        )
