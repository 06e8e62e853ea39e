"""Payments made elsewhere, recorded as ad hoc payments. No money moves, and no invoice is settled by it."""

from __future__ import annotations

import datetime as dt
import typing as t

from ml_connector.delivery.sink import WATCHED, Delivered, DocumentSink, Found, LookupInconclusive
from ml_connector.documents import GAP, Payment, PaymentApplication
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
from ml_connector.systems.workday.ad_hoc_payments import CASH, GET, SUBMIT, AdHocPayment, AdHocPaymentReader
from ml_connector.systems.workday.client import Answer, WorkdayClient
from ml_connector.systems.workday.errors import SYSTEM, AlreadyExists
from ml_connector.systems.workday.invoices import INVOICE, InvoiceReader, InvoiceRecord
from ml_connector.systems.workday.references import References
from ml_connector.systems.workday.xml import is_wid
from target_workday.invoice_checks import supplier_reasons, thing_reasons
from target_workday.options import WorkdayPosting
from target_workday.payment_request import payment_body
from target_workday.submission import read_submission

__all__ = ["PaymentSink"]


class PaymentSink(DocumentSink[Payment]):
    """Records payments, each under its external id and create-only.

    Args:
        client: The tenant's client.
        references: The tenant's reference data.
        options: Bank account, clearing category and payment type.
    """

    document_class = Payment
    surveyed_by_date = True
    reads_back = True
    watched = WATCHED

    def __init__(self, client: WorkdayClient, references: References, options: WorkdayPosting) -> None:
        self._client = client
        self._references = references
        self._options = options
        self.leaves_drafts = not options.submit
        self._reader = AdHocPaymentReader(client)
        self._invoices = InvoiceReader(client)

    def prepare(self) -> None:
        """Read the reference data, and see that the tenant can record and list such payments.

        Raises:
            PermissionDenied: The ISU may not read what nothing can be checked without.
            SettingInvalid: The tenant's version lacks an operation or field.
        """
        service = self._client.service(CASH)
        service.shape(SUBMIT).part("Ad_hoc_Payment_Data").require("Ad_hoc_Payment_ID")
        service.shape(GET).part("Request_Criteria")
        self._references.load("company", "supplier", "spend_category")

    def check(self, document: Payment) -> list[Reason]:
        """Return what stands against recording it, among it invoices the tenant does not have."""
        reasons = supplier_reasons(document.supplier, self._references)
        if document.company is None:
            cure = "add a row to the companies mapping"
            reasons.append(Reason("missing", "it names no company that paid", cure, "field", "company"))
        else:
            reasons += thing_reasons("company", document.company, self._references)
        reasons += thing_reasons("spend_category", self._options.clearing_category, self._references)
        for tag in self._options.payment_tags:
            if tag.kind == "cost_center":
                reasons += thing_reasons("cost_center", tag.value, self._references)
        if document.amount <= 0 or any(part.amount < 0 for part in document.applications):
            what = f"{document.amount:f} is not what a payment of invoices amounts to"
            reasons.append(Reason("not_paid", what, "record it in Workday by hand, then `ml-connector ignore` it"))
        if not reasons and document.supplier != GAP:
            for part in (each for each in document.applications if each.invoice != GAP):
                reasons += self._against(document, part)
        return list(dict.fromkeys(reasons))

    def find(self, document: Payment) -> Found | None:
        """Look for the external id among the payments of its day: one that is not listed is not there."""
        day = document.payment_date
        try:
            payments = self._reader.window(day, day)
            found = next((each for each in payments if each.external_id == document.external_id), None)
        except (Rejected, PermissionDenied) as error:
            raise LookupInconclusive(f"Workday refuses to list the payments of {day} ({error.message}).") from error
        return None if found is None else self._found(found)

    def survey(self, first: dt.date, last: dt.date) -> t.Iterator[Found]:
        """Read all ad hoc payments of the window."""
        return map(self._found, self._reader.window(first, last))

    def compose(self, document: Payment) -> None:
        """Build the request, as far as nothing has to be asked for it."""
        service = self._client.service(CASH)
        service.build(SUBMIT, payment_body(document, service.shape(SUBMIT), self._references, self._options))

    def create(self, document: Payment) -> Delivered:
        """Record the payment, create-only.

        Raises:
            Conflict: Something else has its id.
            OutcomeUnknown: It may have been recorded.
        """
        body = self._body(document)
        try:
            answer = self._client.call(CASH, SUBMIT, body, write=True)
        except Conflict as conflict:
            return self._recorded_before(document, conflict)
        return self._settle(document, answer)

    def _body(self, document: Payment, *, replaces: str | None = None) -> dict[str, t.Any]:
        shape = self._client.service(CASH).shape(SUBMIT)
        return payment_body(document, shape, self._references, self._options, replaces=replaces)

    def _settle(self, document: Payment, answer: Answer) -> Delivered:
        said = read_submission(answer, "Ad_hoc_Payment_Reference")
        if not said.accepted:
            raise (Rejected if self._nothing_recorded(said.wid, said.errors) else OutcomeUnknown)(
                SYSTEM, SUBMIT, said.words
            )
        return Delivered(
            said.wid or "",
            document.external_id,
            draft=not self._options.submit,
            warnings=said.warnings,
            request=answer.request_text,
            response=answer.response_text,
        )

    def update(self, document: Payment, target_id: str, previous: Payment | None) -> Delivered:
        """Replace a draft; what is more than that stays.

        Raises:
            Conflict: It is no draft any more.
        """
        del previous  # a draft is replaced as a whole
        there = self._reader.by_wids([target_id]).get(target_id)
        if there is None:
            raise NoLongerThere(SYSTEM, SUBMIT, f"{document.external_id} ({target_id}) is not there any more")
        if not there.draft:
            words = f"{document.external_id} is recorded ({target_id}); correct or cancel it in Workday by hand"
            raise ConflictFound(SYSTEM, SUBMIT, words)
        body = self._body(document, replaces=target_id)
        return self._settle(document, self._client.call(CASH, SUBMIT, body, write=True))

    def facts(self, document: Payment) -> t.Mapping[str, t.Any]:
        """Return what Workday should say if it holds exactly this payment."""
        return {
            "company": self._references.canonical("company", document.company),
            "supplier": self._references.canonical("supplier", document.supplier),
            "currency": document.currency,
            "amount": document.amount,
            "payment_date": document.payment_date.isoformat(),
        }

    def read_back(self, target_ids: t.Sequence[str]) -> dict[str, Found]:
        """Read payments by WID, a hundred a call."""
        return {wid: self._found(each) for wid, each in self._reader.by_wids(target_ids).items()}

    def _against(self, document: Payment, part: PaymentApplication) -> t.Iterator[Reason]:
        """Say why an invoice cannot be what was paid, as far as this tenant lets it be looked up."""
        name = part.invoice_number or part.invoice
        cure = "compare it with what was paid at the source"
        try:
            record = self._invoice(part.invoice, document.payment_date)
        except NotFound:
            yield Reason("missing_invoice", f"Workday has no invoice {name}", cure, "supplier_invoice", part.invoice)
            return
        if record is None:
            return
        if record.cancelled:
            what = f"invoice {name} was cancelled in Workday"
            yield Reason("cancelled", what, cure, "supplier_invoice", part.invoice)
        supplier = self._references.canonical("supplier", record.supplier)
        if supplier not in (None, self._references.canonical("supplier", document.supplier)):
            what = f"invoice {name} is of Workday supplier {supplier}, the payment is to another"
            yield Reason("wrong_supplier", what, cure, "supplier_invoice", part.invoice)

    def _invoice(self, value: str, near: dt.date) -> InvoiceRecord | None:
        """Return an invoice, None where this tenant cannot look it up; the ledger then answers for it.

        Raises:
            NotFound: There is none.
        """
        try:
            if is_wid(value):
                found = self._invoices.by_wids([value], {value: INVOICE}).get(value)
                if found is None:
                    raise NoLongerThere(SYSTEM, INVOICE.get, f"{value} is not there")
                return found
            return self._invoices.by_id(INVOICE, value) if self._invoices.resolves(INVOICE, near) else None
        except Rejected:
            return None

    def _nothing_recorded(self, wid: str | None, errors: t.Sequence[str]) -> bool:
        if wid is None:
            return bool(errors)
        try:
            return not self._reader.is_there(wid)
        except SystemFault:
            return False

    def _recorded_before(self, document: Payment, conflict: Conflict) -> Delivered:
        """Settle a refusal because something exists: our own earlier request, or somebody else's payment."""
        try:
            found = self.find(document)
        except (LookupInconclusive, SystemFault) as error:
            if isinstance(conflict, AlreadyExists):
                raise OutcomeUnknown(SYSTEM, conflict.operation, f"{conflict.message}; then: {error}") from error
            raise conflict from error
        if found is None:
            raise conflict
        return Delivered(found.target_id, found.number, draft=found.draft, warnings=(conflict.message,))

    def _found(self, payment: AdHocPayment) -> Found:
        facts: dict[str, t.Any] = {
            "company": self._references.canonical("company", payment.company),
            "supplier": self._references.canonical("supplier", payment.payee),
            "currency": payment.currency,
            "amount": payment.total,
            "payment_date": payment.date.isoformat() if payment.date else None,
        }
        return Found(
            payment.wid,
            payment.external_id,
            payment.external_id,
            payment.status,
            draft=payment.draft,
            cancelled=payment.cancelled,
            facts={name: value for name, value in facts.items() if value is not None},
        )
