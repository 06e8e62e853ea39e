"""Payments that were made elsewhere and are only noted in BILL. Nothing here can move money (sheet bill 4.5)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t
from decimal import Decimal

from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.lists import read_all, read_ids
from ml_connector.systems.bill.writes import Written

__all__ = ["PaymentBook", "RecordedPayment"]

_PATH = "/v3/payments"
_UNDONE = frozenset({"VOID", "CANCELLED"})


@dataclasses.dataclass(frozen=True, slots=True)
class RecordedPayment:
    """A payment noted in BILL.

    Attributes:
        id: BILL's id.
        vendor_id: Who was paid.
        reference: The reference of whoever noted it, our id if it was us.
        date: When the money left.
        amount: How much.
        parts: Amount by bill id.
        undone: Whether it was voided.
        online: Whether BILL moved the money.
        status: BILL's word for its state.
    """

    id: str
    vendor_id: str
    reference: str | None
    date: str | None
    amount: Decimal
    parts: t.Mapping[str, Decimal]
    undone: bool
    online: bool
    status: str | None

    @classmethod
    def of(cls, fields: t.Mapping[str, t.Any]) -> RecordedPayment:
        """Return the payment of BILL's object."""
        amount = Decimal(fields.get("amount") or 0)
        parts: dict[str, Decimal] = {}
        for part in fields.get("billPayments") or ():
            bill = str(part.get("billId") or "")
            parts[bill] = parts.get(bill, Decimal(0)) + Decimal(part.get("amount") or 0)
        if not parts and fields.get("billId"):
            parts[str(fields["billId"])] = amount
        status = fields.get("singleStatus") or fields.get("status")
        return cls(
            id=str(fields["id"]),
            vendor_id=str(fields.get("vendorId") or ""),
            reference=fields.get("syncReference") or None,
            date=str(fields["processDate"])[:10] if fields.get("processDate") else None,
            amount=amount,
            parts=parts,
            undone=fields.get("status") in _UNDONE or fields.get("singleStatus") == "VOIDED",
            online=bool(fields.get("onlinePayment")),
            status=status,
        )


class PaymentBook:
    """The payments noted in an organization.

    Args:
        client: The organization's client.
    """

    def __init__(self, client: BillClient) -> None:
        self._client = client

    def noted(self, first: dt.date, last: dt.date, vendor_id: str | None = None) -> t.Iterator[RecordedPayment]:
        """Yield the payments noted as made in ``first..last``, both included."""
        filters = ["onlinePayment:eq:false", f"processDate:gte:{first}", f"processDate:lte:{last}"]
        if vendor_id:
            filters.insert(0, f"vendorId:eq:{vendor_id}")
        for payment in map(RecordedPayment.of, read_all(self._client, _PATH, *filters)):
            meant = not payment.online and vendor_id in (None, payment.vendor_id)
            if meant and first.isoformat() <= (payment.date or "") <= last.isoformat():
                yield payment

    def by_ids(self, ids: t.Sequence[str]) -> dict[str, RecordedPayment]:
        """Return payments by id."""
        return {key: RecordedPayment.of(fields) for key, fields in read_ids(self._client, _PATH, ids).items()}

    def note(
        self,
        *,
        vendor_id: str,
        date: dt.date,
        reference: str,
        parts: t.Sequence[tuple[str, Decimal]],
        description: str | None = None,
    ) -> Written:
        """Note a payment that was made elsewhere; prints no cheque, and BILL's own sync does not send it back.

        Args:
            vendor_id: Who was paid.
            date: When.
            reference: By which it is found again.
            parts: Bill id and amount each.
            description: For people.

        Raises:
            OutcomeUnknown: It may have been noted.
        """
        body = {
            "vendorId": vendor_id,
            "processDate": date.isoformat(),
            "toPrintCheck": False,
            "allowExport": False,
            "syncReference": reference,
            "payments": [{"billId": bill, "amount": amount} for bill, amount in parts],
        }
        if description:
            body["description"] = description
        return self._client.post("/v3/bills/record-payment", body)
