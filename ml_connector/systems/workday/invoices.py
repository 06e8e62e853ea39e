"""Reading supplier invoices and supplier invoice adjustments (credits) as one kind of record."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import threading
import typing as t
from decimal import Decimal

from ml_connector.errors import NotFound, Rejected
from ml_connector.systems.workday.client import RESOURCES, WorkdayClient
from ml_connector.systems.workday.errors import SYSTEM
from ml_connector.systems.workday.xml import Node, Ref, reference

__all__ = ["ADJUSTMENT", "FORMS", "INVOICE", "Form", "InvoiceReader", "InvoiceRecord", "LineRecord"]

_LOG = logging.getLogger(__name__)

_MOST_REFERENCES = 100
_CHARGES: t.Final = ("Freight_Amount", "Other_Charges")
_SAMPLE_DAYS = dt.timedelta(days=45)


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """One of the two documents Workday has for what a supplier bills.

    Attributes:
        name: Name of the thing, which all its element names are made of.
        id_type: ID type of the id a client gave it.
        sign: What an amount in it counts.
    """

    name: str
    id_type: str
    sign: int

    @property
    def submit(self) -> str:
        """The operation that creates or changes one."""
        return f"Submit_{self.name}"

    @property
    def get(self) -> str:
        """The operation that reads them."""
        return f"Get_{self.name}s"

    @property
    def reference(self) -> str:
        """Element that refers to one."""
        return f"{self.name}_Reference"

    @property
    def data(self) -> str:
        """Element that holds one."""
        return f"{self.name}_Data"


INVOICE: t.Final = Form("Supplier_Invoice", "Supplier_Invoice_Reference_ID", 1)
ADJUSTMENT: t.Final = Form("Supplier_Invoice_Adjustment", "Supplier_Invoice_Adjustment_Reference_ID", -1)
FORMS: t.Final = (INVOICE, ADJUSTMENT)


class LineRecord(t.NamedTuple):
    """A line as it stands in the tenant.

    Attributes:
        amount: Its extended amount, positive on an adjustment that lowers the liability.
        spend_category: What was bought.
        cost_center: The first cost center among its worktags.
    """

    amount: Decimal | None
    spend_category: Ref | None
    cost_center: Ref | None


@dataclasses.dataclass(frozen=True, slots=True)
class InvoiceRecord:
    """A supplier invoice or adjustment as it stands in the tenant.

    Attributes:
        form: Which of the two it is.
        wid: Its Workday id.
        external_id: The id it was created under.
        number: The number people see.
        status: Workday's word for its state; None where the version does not say.
        draft: Whether it was never submitted, and may still be changed.
        cancelled: Whether it was cancelled.
        company: The company that owes.
        supplier: Who is owed.
        currency: ISO 4217 code.
        supplier_number: The supplier's own number.
        total: What is owed, negative for an adjustment that lowers the liability.
        charges: Freight and other charges together, positive on an adjustment that lowers the liability.
        lines: Number of lines.
        by_order: Those of them that carry an id of ours, by the order it names.
        date: Invoice or adjustment date.
    """

    form: Form
    wid: str
    external_id: str | None
    number: str | None
    status: str | None
    draft: bool
    cancelled: bool
    company: Ref | None
    supplier: Ref | None
    currency: str | None
    supplier_number: str | None
    total: Decimal
    charges: Decimal
    lines: int
    by_order: t.Mapping[int, LineRecord]
    date: dt.date | None


class InvoiceReader:
    """Finds invoices and adjustments; thread-safe."""

    def __init__(self, client: WorkdayClient) -> None:
        self._client = client
        self._keys = {form: _Key() for form in FORMS}

    def window(
        self, form: Form, first: dt.date, last: dt.date, *, supplier: t.Mapping[str, t.Any] | None = None
    ) -> t.Iterator[InvoiceRecord]:
        """Read everything dated ``first`` to ``last``, both included, as it stands now.

        Args:
            form: Invoices or adjustments.
            first: First date.
            last: Last date.
            supplier: Reference to the one supplier wanted.
        """
        return (record for record, _ in self.rows(form, first, last, supplier=supplier))

    def rows(
        self, form: Form, first: dt.date, last: dt.date, *, supplier: t.Mapping[str, t.Any] | None = None
    ) -> t.Iterator[tuple[InvoiceRecord, Node]]:
        """As :meth:`window`, each with the whole row of the answer."""
        shape = self._client.service(RESOURCES).shape(form.get).part("Request_Criteria")
        criteria: dict[str, t.Any] = {}
        shape.put(criteria, first, "Invoice_Date_On_or_After", "Adjustment_Date_On_or_After")
        shape.put(criteria, last, "Invoice_Date_On_or_Before", "Adjustment_Date_On_or_Before")
        shape.put(criteria, [supplier] if supplier else None, "Supplier_Reference")
        body = {"Request_Criteria": criteria, **self._group(form)}
        for page in self._client.pages(RESOURCES, form.get, body, pinned=False):
            yield from _rows(form, page)

    def by_id(self, form: Form, external_id: str) -> InvoiceRecord:
        """Return the one created under an id.

        Raises:
            NotFound: Workday says that the id is not valid; proof of absence only where :meth:`resolves`.
        """
        return self._one(form, form.id_type, external_id)

    def by_wids(self, wids: t.Sequence[str], forms: t.Mapping[str, Form]) -> dict[str, InvoiceRecord]:
        """Read several in few calls, whatever they are.

        Args:
            wids: Their Workday ids; what does not exist is left out.
            forms: Which form each has, as far as it is known.
        """
        found: dict[str, InvoiceRecord] = {}
        for form in FORMS:
            wanted = [wid for wid in wids if wid not in found and forms.get(wid, form) == form]
            for start in range(0, len(wanted), _MOST_REFERENCES):
                found |= {record.wid: record for record in self._some(form, wanted[start : start + _MOST_REFERENCES])}
        return found

    def is_there(self, form: Form, wid: str) -> bool:
        """Whether something exists under a WID Workday has just named.

        Raises:
            SystemFault: Workday cannot tell.
        """
        try:
            self._one(form, "WID", wid)
        except NotFound:
            return False
        return True

    def remember(self, form: Form, external_id: str) -> None:
        """Note an id that exists, to prove the look-up by id with."""
        self._keys[form].sample = external_id

    def resolves(self, form: Form, near: dt.date) -> bool:
        """Whether this tenant has shown that look-ups by id work.

        Some id types are returned by Workday but refused as a key, with the very words of an unknown id
        (docs/systems/workday.md#w4-1). So an id known to exist is looked up once per run.

        Args:
            form: Invoices or adjustments.
            near: Date around which an existing one is looked for.
        """
        key = self._keys[form]
        with key.lock:
            if key.resolves is None:
                sample = key.sample or self._sample(form, near)
                if sample is None:
                    return False
                key.resolves = self._shows(form, sample)
            return key.resolves

    def _shows(self, form: Form, sample: str) -> bool:
        try:
            return self.by_id(form, sample).external_id == sample
        except (NotFound, Rejected) as error:
            _LOG.warning("Workday does not resolve %s (%s); windows are read instead.", form.id_type, error.message)
            return False

    def _sample(self, form: Form, near: dt.date) -> str | None:
        records = self.window(form, near - _SAMPLE_DAYS, near + _SAMPLE_DAYS)
        return next((record.external_id for record in records if record.external_id), None)

    def _some(self, form: Form, wids: t.Sequence[str]) -> list[InvoiceRecord]:
        """Read several of a form, by halves where one that is unknown fails the call (docs/systems/workday.md#w3-1)."""
        try:
            if len(wids) > 1:
                return self._by_references(form, [reference("WID", wid) for wid in wids])
            return [self._one(form, "WID", wid) for wid in wids]
        except (NotFound, Rejected):
            middle = len(wids) // 2
            return [*self._some(form, wids[:middle]), *self._some(form, wids[middle:])] if middle else []

    def _one(self, form: Form, kind: str, value: str) -> InvoiceRecord:
        records = self._by_references(form, [reference(kind, value)], sought=(kind, value))
        for record in records:
            if value == (record.wid if kind == "WID" else record.external_id):
                return record
        # An answer about something else proves neither that it exists nor that it does not.
        raise Rejected(SYSTEM, form.get, f"the answer for {kind} {value} does not contain it")

    def _by_references(
        self, form: Form, references: list[dict[str, t.Any]], sought: tuple[str, str] | None = None
    ) -> list[InvoiceRecord]:
        body = {"Request_References": {form.reference: references}, **self._group(form)}
        body["Response_Filter"] = {"Count": _MOST_REFERENCES}
        node = self._client.call(RESOURCES, form.get, body, sought=sought).node
        return [record for page in node.nodes("Response_Data") for record, _ in _rows(form, page)]

    def _group(self, form: Form) -> dict[str, t.Any]:
        group = self._client.service(RESOURCES).shape(form.get).part("Response_Group")
        wanted = {"Include_Reference": True, "Include_Attachment_Data": False}
        return {"Response_Group": {name: value for name, value in wanted.items() if group.has(name)}}


@dataclasses.dataclass(slots=True)
class _Key:
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)
    sample: str | None = None
    resolves: bool | None = None


def _rows(form: Form, page: Node) -> t.Iterator[tuple[InvoiceRecord, Node]]:
    for node in page.nodes(form.name):
        ref = node.ref(form.reference)
        for data in node.nodes(form.data)[:1]:
            if ref is not None and ref.wid:
                yield _record(form, ref, data), node


def _record(form: Form, ref: Ref, data: Node) -> InvoiceRecord:
    status = next(
        (
            found
            for name in ("Invoice_Document_Status_Reference", "Document_Status_Reference")
            if (found := data.ref(name))
        ),
        None,
    )
    words = (status.descriptor or status.pick("Document_Status_ID")) if status else None
    state = " ".join(filter(None, (words, status.pick("Document_Status_ID") if status else None))).casefold()
    currency = data.ref("Currency_Reference")
    lines = data.nodes("Invoice_Line_Replacement_Data")
    raises_liability = form is INVOICE or data.flag("Increase_Liability") is True
    return InvoiceRecord(
        form=form,
        wid=ref.wid or "",
        external_id=data.text(f"{form.name}_ID") or ref.pick(form.id_type),
        number=data.text("Invoice_Number"),
        status=words,
        draft="draft" in state or (not state and data.flag("Submit") is False),
        cancelled="cancel" in state,
        company=data.ref("Company_Reference"),
        supplier=data.ref("Supplier_Reference"),
        currency=(currency.pick("Currency_ID") or currency.descriptor) if currency else None,
        supplier_number=data.either("Suppliers_Invoice_Number", "Supplier_Reference_Number"),
        total=_total(data, lines) * (1 if raises_liability else -1),
        charges=sum((data.amount(name) or Decimal(0) for name in _CHARGES), Decimal(0)),
        lines=len(lines),
        by_order=_by_order(data.text(f"{form.name}_ID") or "", lines),
        date=data.date("Invoice_Date", "Adjustment_Date"),
    )


def _by_order(external_id: str, lines: list[Node]) -> dict[int, LineRecord]:
    """Return the lines that carry an id of ours; no order is promised, so no other line can be told from the next."""
    found = {}
    for line in lines:
        own, _, order = (line.text("Supplier_Invoice_Line_ID") or "").rpartition("-")
        if own and own == external_id and order.isdecimal():
            tags = [each for each in line.refs("Worktags_Reference") if each.pick("Cost_Center_Reference_ID")]
            found[int(order)] = LineRecord(
                line.amount("Extended_Amount"),
                line.ref("Spend_Category_Reference"),
                next(iter(tags), None),
            )
    return found


def _total(data: Node, lines: t.Sequence[Node]) -> Decimal:
    control = data.amount("Control_Amount_Total", "Control_Total_Amount")
    if control:
        return control
    parts = [line.amount("Extended_Amount") for line in lines]
    parts += [data.amount(name) for name in ("Tax_Amount", *_CHARGES)]
    return sum((part for part in parts if part is not None), Decimal(0))
