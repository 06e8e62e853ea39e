"""Payments that were made elsewhere, noted on the bills they settle. No money moves."""

from __future__ import annotations

import datetime as dt
import typing as t
from decimal import Decimal

from ml_connector import exact_json
from ml_connector.delivery.sink import WATCHED, Delivered, DocumentSink, Found, LookupInconclusive
from ml_connector.documents import GAP, Payment, PaymentApplication
from ml_connector.errors import ConflictFound, OutcomeUnknown, Reason, Rejected
from ml_connector.systems.bill.bills import BillBook, Invoice
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.errors import SYSTEM
from ml_connector.systems.bill.recorded_payments import PaymentBook, RecordedPayment
from target_bill.invoice_checks import amount_reasons, vendor_reasons
from target_bill.posted_bills import PostedBills
from target_bill.references import References

__all__ = ["PaymentSink"]

_OPERATION: t.Final = "POST /v3/bills/record-payment"
_UNAPPROVED: t.Final = frozenset({"ASSIGNED", "APPROVING", "DENIED"})


class PaymentSink(DocumentSink[Payment]):
    """Notes payments; BILL knows no other guard than the reference we give and what bills still owe.

    Args:
        client: The organization's client.
        references: The organization's reference data.
    """

    document_class = Payment
    surveyed_by_date = True
    reads_back = True
    watched = WATCHED

    def __init__(self, client: BillClient, references: References) -> None:
        self._references = references
        self._bills = PostedBills(BillBook(client), references)
        self._payments = PaymentBook(client)

    def prepare(self) -> None:
        """Nothing: vendors and bills are read when the first payment asks for them."""

    def check(self, document: Payment) -> list[Reason]:
        """Return why it cannot be noted: a bill that is missing, unapproved, or owes less; parts that do not add up."""
        reasons = vendor_reasons(document, self._references)
        parts = document.applications
        reasons += amount_reasons([document.amount, *(part.amount for part in parts)])
        if sum((part.amount for part in parts), Decimal(0)) != document.amount or document.amount <= 0:
            what = f"its parts do not add up to a positive {document.amount:f}"
            reasons.append(Reason("unbalanced", what, "correct the payment at its source"))
        if any(part.credit for part in parts):
            what = "a vendor credit is part of it, and which one in BILL is not known"
            reasons.append(Reason("credit", what, "apply the credit in BILL by hand and note the payment there"))
        if not reasons and document.supplier != GAP:
            for part in (each for each in parts if each.invoice != GAP):
                reasons += self._against(document, part)
        return list(dict.fromkeys(reasons))

    def find(self, document: Payment) -> Found | None:
        """Look for it among the payments noted on its day: by our reference, or without any by bills and amounts."""
        try:
            ours, same = self._noted(document, self._parts(document))
        except Rejected as error:
            raise LookupInconclusive(f"BILL refuses to list the vendor's payments ({error.message}).") from error
        payment = ours or same
        return None if payment is None else _found(payment, document.external_id)

    def survey(self, first: dt.date, last: dt.date) -> t.Iterator[Found]:
        """Read the payments noted as made in the window."""
        return map(_found, self._payments.noted(first, last))

    def compose(self, document: Payment) -> None:
        """Build the request, as far as nothing has to be asked for it."""
        exact_json.dumps([(part.invoice, part.amount) for part in document.applications])

    def create(self, document: Payment) -> Delivered:
        """Note the payment, once it is certain that BILL has no such note.

        Raises:
            Conflict: Somebody has noted it already, or our note was voided.
            OutcomeUnknown: It may have been noted.
        """
        parts = self._parts(document)
        ours, same = self._noted(document, parts)
        if ours is not None and not ours.undone:
            return Delivered(ours.id, ours.id, unchanged=True, warnings=(f"BILL had it already as {ours.id}",))
        if other := ours or same:
            state = "was voided" if other.undone else "was noted by somebody"
            raise ConflictFound(SYSTEM, _OPERATION, f"this payment {state} in BILL ({other.id})")
        written = self._payments.note(
            vendor_id=self._vendor_id(document),
            date=document.payment_date,
            reference=document.external_id,
            parts=list(parts.items()),
            description=" ".join(word for word in (document.method, document.reference) if word) or None,
        )
        if not isinstance(written.value, dict) or not written.value.get("id"):
            raise OutcomeUnknown(SYSTEM, _OPERATION, "the answer has no id")
        identifier = str(written.value["id"])
        return Delivered(identifier, identifier, request=written.request, response=written.response)

    def update(self, document: Payment, target_id: str, previous: Payment | None) -> Delivered:
        """Refuse: what was noted stays.

        Raises:
            Conflict: Always.
        """
        del previous
        words = f"{document.external_id} is noted ({target_id}); void it in BILL by hand"
        raise ConflictFound(SYSTEM, _OPERATION, words)

    def facts(self, document: Payment) -> t.Mapping[str, t.Any]:
        """Return what BILL should say if it holds exactly this payment."""
        return {
            "supplier": self._vendor_id(document),
            "amount": document.amount,
            "payment_date": document.payment_date.isoformat(),
            "bills": len({part.invoice for part in document.applications}),
        }

    def read_back(self, target_ids: t.Sequence[str]) -> dict[str, Found]:
        """Read payments by id."""
        return {key: _found(payment) for key, payment in self._payments.by_ids(target_ids).items()}

    def _vendor_id(self, document: Payment) -> str:
        return self._bills.vendor_id(document.supplier)

    def _bill(self, document: Payment, part: PaymentApplication) -> Invoice | None:
        return self._bills.bill(part.invoice, document.supplier, document.payment_date)

    def _against(self, document: Payment, part: PaymentApplication) -> t.Iterator[Reason]:
        name = part.invoice_number or part.invoice
        bill = self._bill(document, part)
        if bill is None:
            what, cure = f"BILL has no bill {name}", "nothing to do if it is on its way; else enter it in BILL"
            yield Reason("missing_bill", what, cure, "bill", part.invoice)
            return
        if bill.vendor_id != self._vendor_id(document):
            what = f"bill {name} is another vendor's"
            yield Reason("wrong_vendor", what, "correct the payment at its source", "bill", part.invoice)
        if bill.archived:
            yield Reason("inactive", f"bill {name} is archived in BILL", "restore it", "bill", part.invoice)
        if bill.fields.get("approvalStatus") in _UNAPPROVED:
            what = f"bill {name} is not approved in BILL, and takes no payment until it is"
            yield Reason("unapproved", what, "approve it in BILL; the payment goes out by itself then", "bill", bill.id)
        if part.amount > bill.due_amount:
            what = f"bill {name} owes {bill.due_amount:f} in BILL, less than the {part.amount:f} paid"
            cure = "see in BILL what was paid already; `ml-connector ignore` the payment if it is noted there"
            yield Reason("overpaid", what, cure, "bill", part.invoice)

    def _parts(self, document: Payment) -> dict[str, Decimal]:
        """Return the amounts by bill id."""
        sums: dict[str, Decimal] = {}
        for part in document.applications:
            bill = self._bill(document, part)
            identifier = part.invoice if bill is None else bill.id
            sums[identifier] = sums.get(identifier, Decimal(0)) + part.amount
        return sums

    def _noted(
        self, document: Payment, parts: t.Mapping[str, Decimal]
    ) -> tuple[RecordedPayment | None, RecordedPayment | None]:
        """Return the payment that carries our reference, and one without any that settles the same."""
        day = document.payment_date
        noted = list(self._payments.noted(day, day, self._vendor_id(document)))
        ours = [payment for payment in noted if payment.reference == document.external_id]
        same = (each for each in noted if each.reference is None and not each.undone and each.parts == parts)
        return min(ours, key=lambda each: each.undone, default=None), next(same, None)


def _found(payment: RecordedPayment, external_id: str | None = None) -> Found:
    return Found(
        payment.id,
        external_id or payment.reference,
        payment.id,
        payment.status,
        cancelled=payment.undone,
        facts={
            "supplier": payment.vendor_id,
            "amount": payment.amount,
            "payment_date": payment.date,
            "bills": len(payment.parts),
        },
    )
