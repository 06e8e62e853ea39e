"""From a payment made elsewhere to the journal lines that record it (sheet business-central 4)."""

from __future__ import annotations

import dataclasses
import typing as t
from decimal import Decimal

from ml_connector.documents import Payment
from ml_connector.names import display_name
from ml_connector.systems.business_central.numbers import digest, mark_of, marked
from ml_connector.systems.business_central.purchase_invoices import PurchaseInvoice
from ml_connector.systems.business_central.vendor_payments import PaymentLine

__all__ = ["PaymentNumbers", "is_ours", "payment_lines"]

_LONGEST_KEY: t.Final = 35
_LONGEST_NUMBER: t.Final = 20
_LONGEST_DESCRIPTION: t.Final = 100
_LONGEST_COMMENT: t.Final = 250


@dataclasses.dataclass(frozen=True, slots=True)
class PaymentNumbers:
    """By what the lines of a payment, and the entries they become, are found again.

    Both numbers end with a digest of our exact id, since Business Central knows no case.

    Attributes:
        key: External document number of all its lines: it is kept when they are posted.
        number: Their document number, by which people see that they are one payment.
    """

    key: str
    number: str

    @classmethod
    def of(cls, document: Payment) -> PaymentNumbers:
        """Return the numbers of a payment."""
        ending = f"-{digest(document.external_id)}"
        readable = "".join(char if char.isalnum() else "-" for char in document.source.id.upper())
        return cls.of_key(f"{readable[-(_LONGEST_KEY - len(ending)) :]}{ending}")

    @classmethod
    def of_key(cls, key: str) -> PaymentNumbers:
        """Return the numbers that belong to a key."""
        readable, dash, ending = key.rpartition("-")
        return cls(key, f"{readable[-(_LONGEST_NUMBER - len(ending) - 1) :]}{dash}{ending}")


def payment_lines(
    document: Payment, vendor_number: str, parts: t.Sequence[tuple[PurchaseInvoice, Decimal]]
) -> list[dict[str, t.Any]]:
    """Return one line per invoice that is paid, with our exact id in the comment.

    Args:
        document: The payment.
        vendor_number: Who was paid.
        parts: The invoices and what is paid of each.
    """
    numbers = PaymentNumbers.of(document)
    words = " ".join(word for word in (document.method, document.reference) if word)
    said = f"{display_name(document.source.system)} payment {words}".strip()
    comment = marked(
        f"{said}, {document.source.system} id {document.source.id}", document.external_id, _LONGEST_COMMENT
    )
    return [
        {
            "vendorNumber": vendor_number,
            "postingDate": document.payment_date.isoformat(),
            "documentNumber": numbers.number,
            "externalDocumentNumber": numbers.key,
            "amount": amount,
            "appliesToInvoiceId": invoice.id,
            "description": f"{said}, invoice {invoice.supplier_number or invoice.number}"[:_LONGEST_DESCRIPTION],
            "comment": comment,
        }
        for invoice, amount in parts
    ]


def is_ours(line: PaymentLine) -> bool:
    """Whether a line was made here: its external document number is that of the id in its comment."""
    mark = mark_of(line.comment)
    return bool(mark and line.key and line.key.endswith(f"-{digest(mark)}"))
