"""Bills, and vendor credits, which are what BILL has for negative ones (sheet bill 3.6, 4.1, 4.7)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import threading
import typing as t
from decimal import Decimal

from ml_connector.errors import Conflict, NotFound, OutcomeUnknown, Rejected, SystemFault
from ml_connector.numbers_in_use import NumbersInUse
from ml_connector.sameness import same_number
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.errors import SYSTEM, is_bad_query
from ml_connector.systems.bill.lists import filterable, read_all, read_by_time, read_ids, read_one
from ml_connector.systems.bill.marks import mark_of
from ml_connector.systems.bill.writes import Written

__all__ = ["MOST_AT_ONCE", "BillBook", "CreditBook", "Invoice", "is_credit"]

_LOG = logging.getLogger(__name__)

MOST_AT_ONCE: t.Final = 100
"""Bills in one bulk request."""

_BILLS = "/v3/bills"
_CREDITS = "/v3/vendor-credits"
_UNPROVEN: t.Final = frozenset({"allowDuplicateInvoiceNumber"})
"""Fields that work in production and stand in no contract: left out where BILL does not know them (sheet bill 4.1)."""

_WITH_APPROVERS: t.Final = {"billApprovals": "true"}
_OPEN_APPROVALS = frozenset({"UNASSIGNED", "ASSIGNED"})
_WINDOW = dt.timedelta(days=92)

Body = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Invoice:
    """A bill, or a vendor credit as an invoice with a negative total.

    Attributes:
        id: BILL's id.
        vendor_id: Whose.
        number: The invoice number, or the credit's reference number.
        date: Its date.
        total: In the vendor's currency; negative for a credit.
        lines: Its lines as BILL answers them.
        mark: Our id, when its description carries one.
        archived: Whether it counts no more; drafts of the web application do not count yet.
        status: BILL's words for how far approval and payment are.
        open: Whether nobody has approved, scheduled or paid any of it.
        due_amount: What is still owed.
        fields: The object as BILL answers it.
    """

    id: str
    vendor_id: str
    number: str | None
    date: str | None
    total: Decimal
    lines: tuple[t.Mapping[str, t.Any], ...] = dataclasses.field(repr=False)
    mark: str | None
    archived: bool
    status: str
    open: bool
    due_amount: Decimal
    fields: Body = dataclasses.field(repr=False)

    @classmethod
    def of_bill(cls, fields: Body) -> Invoice:
        """Return the invoice of a bill object."""
        invoice = fields.get("invoice") or {}
        record_status = fields.get("recordStatus")
        payment = str(fields.get("paymentStatus") or "UNDEFINED")
        approval = str(fields.get("approvalStatus") or "UNDEFINED")
        untouched = not any(_amount(fields, name) for name in ("paidAmount", "scheduledAmount", "creditAmount"))
        signed = any(approver.get("status") == "APPROVED" for approver in fields.get("approvers") or ())
        archived = bool(fields.get("archived")) if record_status is None else record_status != "ACTIVE"
        return cls(
            id=str(fields["id"]),
            vendor_id=str(fields.get("vendorId") or ""),
            number=invoice.get("invoiceNumber"),
            date=_day(invoice.get("invoiceDate")),
            total=_amount(fields, "amount"),
            lines=tuple(fields.get("billLineItems") or ()),
            mark=mark_of(fields.get("description")),
            archived=archived,
            status=f"{approval}, {payment}",
            open=not archived and payment == "UNPAID" and approval in _OPEN_APPROVALS and untouched and not signed,
            due_amount=_amount(fields, "dueAmount"),
            fields=fields,
        )

    @classmethod
    def of_credit(cls, fields: Body) -> Invoice:
        """Return the invoice of a vendor credit object."""
        status = str(fields.get("status") or "UNDEFINED")
        archived = bool(fields.get("archived"))
        return cls(
            id=str(fields["id"]),
            vendor_id=str(fields.get("vendorId") or ""),
            number=fields.get("referenceNumber"),
            date=_day(fields.get("creditDate")),
            total=-_amount(fields, "amount"),
            lines=tuple(fields.get("vendorCreditLineItems") or ()),
            mark=mark_of(fields.get("description")),
            archived=archived,
            status=status,
            open=not archived and status == "NOT_APPLIED" and not _amount(fields, "appliedAmount"),
            due_amount=_amount(fields, "appliedAmount") - _amount(fields, "amount"),
            fields=fields,
        )


class BillBook:
    """The bills of an organization.

    Args:
        client: The organization's client.
    """

    def __init__(self, client: BillClient) -> None:
        self._client = client
        self._no_number_filter = threading.Event()
        self._not_known: frozenset[str] = frozenset()
        self._numbers = NumbersInUse(self._numbers_of)

    def with_number(self, vendor_id: str, number: str, due_date: dt.date) -> list[Invoice]:
        """Return a vendor's bills with an invoice number, however it is written, archived ones and drafts too.

        BILL's filter compares exactly, so the vendor's bills are read once a run and compared here. The filter works
        in production but is not documented. Where it is refused, the vendor's bills due in the months around the due
        date are read instead.
        """
        ids, just_read = self._numbers.ids(vendor_id, number)
        found = [] if just_read else self._asked_for(vendor_id, number, due_date)
        others = self.by_ids([each for each in ids if each not in {bill.id for bill in found}]).values()
        return [*found, *(bill for bill in others if _is(bill, vendor_id, number))]

    def note(self, bill: Invoice) -> None:
        """Note the number of a bill that was made or changed."""
        self._numbers.add(bill.vendor_id, bill.number, bill.id)

    def _numbers_of(self, vendor_id: str) -> t.Iterator[tuple[str | None, str]]:
        for fields in read_all(self._client, _BILLS, f"vendorId:eq:{vendor_id}", sort="createdTime:asc"):
            yield (fields.get("invoice") or {}).get("invoiceNumber"), str(fields["id"])

    def _asked_for(self, vendor_id: str, number: str, due_date: dt.date) -> list[Invoice]:
        if filterable(number) and not self._no_number_filter.is_set():
            try:
                return self._with(vendor_id, number, f"invoice.invoiceNumber:eq:{number}")
            except Rejected as refusal:
                if not is_bad_query(refusal):
                    raise
                self._no_number_filter.set()
        due = (f"dueDate:gte:{due_date - _WINDOW}", f"dueDate:lte:{due_date + _WINDOW}")
        return self._with(vendor_id, number, *due)

    def get(self, identifier: str) -> Invoice | None:
        """Return a bill as it is now, with its approvers."""
        fields = read_one(self._client, _BILLS, identifier, _WITH_APPROVERS)
        return None if fields is None else Invoice.of_bill(fields)

    def by_ids(self, ids: t.Sequence[str]) -> dict[str, Invoice]:
        """Return bills by id."""
        records = read_ids(self._client, _BILLS, ids, _WITH_APPROVERS)
        return {key: Invoice.of_bill(fields) for key, fields in records.items()}

    def changed_since(self, since: dt.datetime) -> t.Iterator[Invoice]:
        """Yield every bill created or edited since an instant."""
        return map(Invoice.of_bill, read_by_time(self._client, _BILLS, since, _WITH_APPROVERS))

    def create(self, body: Body) -> Written:
        """Create one bill, under the organization's approval policies.

        Raises:
            Conflict: The invoice number is in use.
            OutcomeUnknown: It may have been created.
        """
        return self._written(body, lambda known: self._client.post(_BILLS, known, _WITH_APPROVERS))

    def create_many(self, bodies: t.Sequence[Body]) -> list[Written | SystemFault]:
        """Create up to a hundred bills, as many at once as BILL takes together.

        A bulk request is all or nothing (BDC_1246): a refused one is halved until the bill that is to blame stands
        alone, so that the others are created.

        Returns:
            What became of each, in order. After a technical fault nothing more is sent: the rest has that fault too,
            as one that certainly was not processed where that is so.
        """
        if len(bodies) == 1:
            try:
                return [self.create(bodies[0])]
            except SystemFault as fault:
                return [fault]
        try:
            known = [self._known(body) for body in bodies]
            return _dealt_out(bodies, self._client.post(f"{_BILLS}/bulk", known, _WITH_APPROVERS))
        except (Conflict, NotFound, Rejected) as fault:
            if self._learns(fault):
                return self.create_many(bodies)
            middle = len(bodies) // 2
            return [*self.create_many(bodies[:middle]), *self.create_many(bodies[middle:])]
        except SystemFault as fault:
            return [fault] * len(bodies)

    def change(self, identifier: str, body: Body) -> Written:
        """Change the fields and lines given; a line that comes without its coding may lose it."""
        return self._client.patch(f"{_BILLS}/{identifier}", body)

    def replace(self, identifier: str, body: Body) -> Written:
        """Replace a bill; lines that are left out are removed."""
        return self._written(body, lambda known: self._client.put(f"{_BILLS}/{identifier}", known))

    def _written(self, body: Body, write: t.Callable[[Body], Written]) -> Written:
        """Write a body; once more without a field BILL turns out not to know, for a refused body was not processed."""
        try:
            return write(self._known(body))
        except Rejected as fault:
            if not self._learns(fault):
                raise
        return write(self._known(body))

    def _known(self, body: Body) -> Body:
        return {name: value for name, value in body.items() if name not in self._not_known}

    def _learns(self, fault: SystemFault) -> bool:
        """Note which field a refusal names that we could do without; False when it names none that is new."""
        named = {name for name in _UNPROVEN - self._not_known if name in (fault.field or "") or name in fault.message}
        self._not_known |= named
        for name in named:
            _LOG.warning("BILL does not know the field %s, which is left out from now on: %s", name, fault.message)
        return bool(named)

    def _with(self, vendor_id: str, number: str, *filters: str) -> list[Invoice]:
        records = read_all(self._client, _BILLS, f"vendorId:eq:{vendor_id}", *filters, **_WITH_APPROVERS)
        return [bill for bill in map(Invoice.of_bill, records) if _is(bill, vendor_id, number)]


class CreditBook:
    """The vendor credits of an organization.

    Args:
        client: The organization's client.
    """

    def __init__(self, client: BillClient) -> None:
        self._client = client

    def with_number(self, vendor_id: str, number: str) -> list[Invoice]:
        """Return a vendor's credits with a reference number, archived ones too."""
        return [credit for credit in self._of(vendor_id) if _is(credit, vendor_id, number)]

    def get(self, identifier: str) -> Invoice | None:
        """Return a credit as it is now."""
        fields = read_one(self._client, _CREDITS, identifier)
        return None if fields is None else Invoice.of_credit(fields)

    def by_ids(self, ids: t.Sequence[str]) -> dict[str, Invoice]:
        """Return credits by id."""
        return {key: Invoice.of_credit(fields) for key, fields in read_ids(self._client, _CREDITS, ids).items()}

    def all(self) -> t.Iterator[Invoice]:
        """Yield every credit."""
        return map(Invoice.of_credit, read_all(self._client, _CREDITS, sort="createdTime:asc"))

    def create(self, body: Body) -> Written:
        """Create a credit; raises as ``BillBook.create``."""
        return self._client.post(_CREDITS, body)

    def change(self, identifier: str, body: Body) -> Written:
        """Change the fields and lines given; a line that comes without its coding may lose it."""
        return self._client.patch(f"{_CREDITS}/{identifier}", body)

    def replace(self, identifier: str, body: Body) -> Written:
        """Replace a credit; lines that are left out are removed."""
        return self._client.put(f"{_CREDITS}/{identifier}", body)

    def _of(self, vendor_id: str) -> t.Iterator[Invoice]:
        try:
            yield from map(Invoice.of_credit, read_all(self._client, _CREDITS, f"vendorId:eq:{vendor_id}"))
        except Rejected as refusal:
            if not is_bad_query(refusal):
                raise
            yield from self.all()


def is_credit(identifier: str) -> bool:
    """Whether an id is a vendor credit's (sheet bill 1)."""
    return identifier.startswith("vcr")


def _is(invoice: Invoice, vendor_id: str, number: str) -> bool:
    """Whether it is this vendor's invoice of this number, however that is written."""
    return invoice.vendor_id == vendor_id and same_number(invoice.number or "") == same_number(number)


def _dealt_out(bodies: t.Sequence[Body], written: Written) -> list[Written | SystemFault]:
    """Give each bill of a bulk request its part of the answer, by vendor and number rather than by place."""
    made = {
        (str(each.get("vendorId")), (each.get("invoice") or {}).get("invoiceNumber")): each
        for each in (written.value if isinstance(written.value, list) else ())
        if isinstance(each, dict) and each.get("id")
    }
    parts: list[Written | SystemFault] = []
    for body in bodies:
        answer = made.get((str(body["vendorId"]), body["invoice"]["invoiceNumber"]))
        if answer is None:
            what = "the answer does not show this bill among those created"
            parts.append(OutcomeUnknown(SYSTEM, f"POST {_BILLS}/bulk", what))
        else:
            parts.append(Written(answer, written.request, written.response))
    return parts


def _amount(fields: Body, name: str) -> Decimal:
    return Decimal(fields.get(name) or 0)


def _day(text: str | None) -> str | None:
    return text[:10] if text else None
