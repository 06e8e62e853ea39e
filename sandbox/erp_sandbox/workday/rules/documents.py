"""Submit_Supplier_Invoice and Submit_Supplier_Invoice_Adjustment (docs/systems/workday.md#w4 and #w4-1).

Where the sheet is unsure the stricter reading holds: a second submit under a known id is refused with and
without Add_Only, amounts have no more decimals than their currency, quantities come with their unit cost.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Literal

from erp_sandbox.workday.currencies import minor_units
from erp_sandbox.workday.documents import ZERO, Adjustment, Attachment, Invoice, InvoiceLine, Split
from erp_sandbox.workday.errors import Issue
from erp_sandbox.workday.rules.call import exceptions
from erp_sandbox.workday.rules.order_lines import REFERENCE, check_orders, ordered_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from erp_sandbox.workday.codec import Record
    from erp_sandbox.workday.documents import Status
    from erp_sandbox.workday.instances import Instance
    from erp_sandbox.workday.ledger import DocumentLedger
    from erp_sandbox.workday.rules.call import Call
    from erp_sandbox.workday.store import Trap, WorkdayStore

ATTACHMENT_LIMIT = 30 * 1024 * 1024
"""Bytes of one attachment (docs/systems/workday.md#w6)."""

_ADD_ONLY = "The Web Service is set to Add Only; documents cannot be resubmitted."
_DUPLICATE = "Enter a Supplier's Invoice Number that isn't already in use on another supplier invoice"
_AMOUNTS = ("Tax_Amount", "Withholding_Tax_Amount", "Freight_Amount", "Other_Charges")


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """What differs between the two kinds of documents."""

    name: Literal["Supplier_Invoice", "Supplier_Invoice_Adjustment"]
    required: tuple[str, ...]
    id_prefix: str
    number_prefix: str


INVOICES = DocumentKind(
    "Supplier_Invoice",
    ("Company_Reference", "Currency_Reference", "Supplier_Reference", "Document_Date"),
    "SUPPLIER_INVOICE-3",
    "SUPIN",
)
ADJUSTMENTS = DocumentKind(
    "Supplier_Invoice_Adjustment",
    (
        "Company_Reference",
        "Currency_Reference",
        "Supplier_Reference",
        "Increase_Liability",
        "Adjustment_Reason_Reference",
        "Document_Date",
    ),
    "SUPPLIER_INVOICE_ADJUSTMENT-3",
    "SUPADJ",
)


def submit_document(call: Call, kind: DocumentKind) -> Mapping[str, Any]:
    """Create a document, or replace a draft when the request refers to one.

    Raises:
        ValidationRefusalError: with everything that is wrong with it.
    """
    data = call.request.record("Document_Data")
    if data is None:
        call.require(call.request, "Document_Data")
        call.settle()
        raise AssertionError  # settle has raised
    call.refuse_unknown(call.request)
    existing = _existing(call, kind, data)
    call.settle()
    document, warnings = _read(call, kind, data, existing)
    call.settle()
    trap = call.store.next_trap()
    if trap is not None:
        return _trapped(call.store, kind, document, trap)
    reference = _keep(call.store, kind, document, existing)
    return {"Document_Reference": reference, "Exceptions_Response_Data": exceptions("Warning", *warnings)}


def _existing(call: Call, kind: DocumentKind, data: Record) -> Invoice | None:
    """The draft to replace, if the request refers to one; notes why it cannot be."""
    add_only = (call.request.attribute("Add_Only") or "false").strip() in {"true", "1"}
    own_id = data.text("Document_ID")
    if not call.request.has("Document_Reference"):
        if own_id and call.store.instances.has(kind.name, own_id):
            message = _ADD_ONLY if add_only else f"{own_id} exists already; refer to it to update it."
            call.note(message, data.xpath("Document_ID"))
        return None
    where = call.request.xpath("Document_Reference")
    if add_only:
        call.note("A request that is Add Only cannot refer to an existing document.", where)
    instance = call.refer(call.request, "Document_Reference", kind.name)
    if instance is None:
        return None
    document = _ledger_document(call.store, kind, instance.wid)
    if document.status != "DRAFT":
        call.note("The document is not in Draft status and can no longer be changed.", where)
    if own_id and own_id != document.supplier_invoice_id:
        call.note("The ID of an existing document cannot be changed.", data.xpath("Document_ID"))
    return document


def _ledger_document(store: WorkdayStore, kind: DocumentKind, wid: str) -> Invoice:
    if kind is INVOICES:
        return store.invoice_ledger.by_wid(wid)
    return store.adjustment_ledger.by_wid(wid)


def _read(
    call: Call, kind: DocumentKind, data: Record, existing: Invoice | None
) -> tuple[Invoice | Adjustment, list[str]]:
    call.refuse_unknown(data)
    call.require(data, *kind.required)
    if data.has("Invoice_Document_Status_Reference"):
        call.note("The status is set by Workday.", data.xpath("Invoice_Document_Status_Reference"))
    own_id = data.text("Document_ID")
    if own_id is not None and (own_id != own_id.strip() or own_id == ""):
        call.note("The ID must not be empty, and not start or end with a blank.", data.xpath("Document_ID"))
    company = call.refer(data, "Company_Reference", "Company")
    currency = call.refer(data, "Currency_Reference", "Currency")
    supplier = _supplier(call, data)
    units = minor_units(currency.id) if currency else 6
    amounts = {key: _amount(call, data, key, units) for key in _AMOUNTS}
    lines = [read_line(call, record, units) for record in data.records("Invoice_Line_Replacement_Data")]
    check_orders(call, data, supplier.id if supplier else "")
    if not lines:
        call.note("At least one line is required.", data.xpath("Invoice_Line_Replacement_Data"))
    submitted = data.flag("Submit") or False
    _check_period(call, data, submitted=submitted)
    now = call.store.clock.now()
    business_process = call.request.record("Business_Process_Parameters")
    auto_complete = bool(business_process and business_process.flag("Auto_Complete"))
    comment = business_process.record("Comment_Data") if business_process else None
    terms = call.refer(data, "Payment_Terms_Reference", "Payment_Terms")
    payment_type = call.refer(data, "Override_Payment_Type_Reference", "Payment_Type")
    tax_option = call.refer(data, "Default_Tax_Option_Reference", "Tax_Option")
    tax_code = call.refer(data, "Default_Tax_Code_Reference", "Tax_Code")
    number = (data.text("Suppliers_Invoice_Number") or "").strip()
    warnings = _duplicate(call, kind, data, supplier=supplier, number=number, existing=existing)
    fields: dict[str, Any] = {
        "wid": existing.wid if existing else "",
        "supplier_invoice_id": existing.supplier_invoice_id if existing else own_id or "",
        "invoice_number": data.text("Invoice_Number") or (existing.invoice_number if existing else ""),
        "company": company.id if company else "",
        "currency": currency.id if currency else "",
        "supplier": supplier.id if supplier else "",
        "suppliers_invoice_number": number,
        "invoice_date": data.day("Document_Date"),
        "control_amount_total": _amount(call, data, "Control_Total", units),
        "status": _status(submitted=submitted, auto_complete=auto_complete),
        "submitted": submitted,
        "locked": data.flag("Locked_in_Workday") or False,
        "created_at": existing.created_at if existing else now,
        "updated_at": now,
        "lines": lines,
        "due_date": data.day("Due_Date_Override"),
        "accounting_date": data.day("Accounting_Date_Override"),
        "budget_date": data.day("Budget_Date"),
        "on_hold": data.flag("On_Hold") or False,
        "tax_amount": amounts["Tax_Amount"],
        "withholding_tax_amount": amounts["Withholding_Tax_Amount"],
        "freight_amount": amounts["Freight_Amount"],
        "other_charges": amounts["Other_Charges"],
        "supplier_document_received": data.flag("Supplier_Document_Received"),
        "external_po_number": data.text("External_PO_Number") or "",
        "document_link": data.text("Document_Link") or "",
        "memo": data.text("Memo") or "",
        "comment": (comment.text("Comment") or "") if comment else "",
        "payment_terms": terms.id if terms else None,
        "override_payment_type": payment_type.id if payment_type else None,
        "tax_option": tax_option.id if tax_option else None,
        "tax_code": tax_code.id if tax_code else None,
        "attachments": [_attachment(call, record) for record in data.records("Attachment_Data")],
    }
    if kind is INVOICES:
        document = Invoice(**fields, received_date=data.day("Invoice_Received_Date"))
    else:
        document = _adjustment(call, data, fields)
    _check_totals(call, kind, data, document)
    return document, warnings


def _adjustment(call: Call, data: Record, fields: dict[str, Any]) -> Adjustment:
    reason = call.refer(data, "Adjustment_Reason_Reference", "Invoice_Adjustment_Reason")
    original = call.refer(data, "Original_Invoice_Reference", "Supplier_Invoice")
    return Adjustment(
        **fields,
        increase_liability=data.flag("Increase_Liability") or False,
        adjustment_reason=reason.id if reason else "",
        original_invoice=original.id if original else None,
    )


def _status(*, submitted: bool, auto_complete: bool) -> Status:
    if not submitted:
        return "DRAFT"
    return "APPROVED" if auto_complete else "IN_PROGRESS"


def _supplier(call: Call, data: Record) -> Instance | None:
    instance = call.refer(data, "Supplier_Reference", "Supplier")
    if instance is None:
        return None
    supplier = call.store.suppliers[instance.id]
    where = data.xpath("Supplier_Reference")
    if supplier.status == "INACTIVE":
        call.note(f"Supplier {supplier.name} is inactive.", where)
    if supplier.worktag_only:
        call.note(f"Supplier {supplier.name} can be used as a worktag only.", where)
    if call.store.behaviour.approved_suppliers_only and supplier.approval != "APPROVED":
        call.note(f"Supplier {supplier.name} is not approved yet.", where)
    return instance


def _amount(call: Call, record: Record, key: str, units: int) -> Decimal:
    """An amount of money, zero when absent; notes decimals its currency does not have."""
    value = record.number(key)
    if value is None:
        return ZERO
    if value != round(value, units):
        call.note(f"{value} has more than the {units} decimals of the currency.", record.xpath(key))
    return value


def read_line(call: Call, record: Record, units: int) -> InvoiceLine:
    """A line of a request; ``units`` are the decimals of the currency."""
    call.refuse_unknown(record)
    category = call.refer(record, "Spend_Category_Reference", "Spend_Category")
    item = call.refer(record, "Item_Reference", "Procurement_Item")
    ordered = ordered_by(call, record)
    if not any(map(record.has, ("Spend_Category_Reference", "Item_Reference", REFERENCE))):
        call.note("A line needs a spend category or an item.", record.xpath("Spend_Category_Reference"))
    if category is not None and call.store.spend_categories[category.id].inactive:
        call.note(f"Spend category {category.descriptor} is inactive.", record.xpath("Spend_Category_Reference"))
    quantity, unit_cost, extended = _line_amounts(call, record, units)
    splits = [_split(call, split, units) for split in record.records("Supplier_Invoice_Split_Line_Data")]
    if splits and sum((split.extended_amount for split in splits), ZERO) != extended:
        call.note("The splits of a line must add up to the line.", record.xpath("Supplier_Invoice_Split_Line_Data"))
    worktags = _worktags(call, record)
    tax_code = call.refer(record, "Tax_Code_Reference", "Tax_Code")
    applicability = call.refer(record, "Tax_Applicability_Reference", "Tax_Applicability")
    affiliate = call.refer(record, "Intercompany_Affiliate_Reference", "Company")
    unit = call.refer(record, "Unit_of_Measure_Reference", "Unit_of_Measure")
    return InvoiceLine(
        line_id=record.text("Supplier_Invoice_Line_ID") or "",
        line_order=record.text("Line_Order") or "",
        description=record.text("Item_Description") or (item.descriptor if item else ""),
        spend_category=category.id if category else ordered.line.spend_category if ordered else None,
        quantity=quantity,
        unit_cost=unit_cost,
        extended_amount=extended,
        memo=record.text("Memo") or "",
        worktags=worktags or (dict(ordered.line.worktags) if ordered else {}),
        order_line=ordered.line.line_id if ordered else None,
        tax_code=tax_code.id if tax_code else None,
        tax_applicability=applicability.id if applicability else None,
        intercompany_affiliate=affiliate.id if affiliate else None,
        unit_of_measure=unit.id if unit else None,
        packaging=record.text("Packaging_String"),
        budget_date=record.day("Budget_Date"),
        billable=record.flag("Billable"),
        splits=splits,
    )


def _line_amounts(call: Call, record: Record, units: int) -> tuple[Decimal, Decimal, Decimal]:
    """Quantity, unit cost and extended amount; the first two come together and give the third."""
    quantity, unit_cost = record.number("Quantity"), record.number("Unit_Cost")
    if quantity is None and unit_cost is None:
        if not record.has("Extended_Amount"):
            call.note("A line needs an extended amount, or quantity and unit cost.", record.xpath("Extended_Amount"))
        return ZERO, ZERO, _amount(call, record, "Extended_Amount", units)
    if quantity is None or unit_cost is None:
        missing = "Quantity" if quantity is None else "Unit_Cost"
        call.note("Quantity and unit cost must be given together.", record.xpath(missing))
        return quantity or ZERO, unit_cost or ZERO, _amount(call, record, "Extended_Amount", units)
    product = (quantity * unit_cost).quantize(Decimal(1).scaleb(-units), ROUND_HALF_UP)
    if not record.has("Extended_Amount"):
        return quantity, unit_cost, product
    extended = _amount(call, record, "Extended_Amount", units)
    if extended != product:
        call.note(
            f"The extended amount {extended} is not quantity times unit cost ({product}).",
            record.xpath("Extended_Amount"),
        )
    return quantity, unit_cost, extended


def _split(call: Call, record: Record, units: int) -> Split:
    call.refuse_unknown(record)
    return Split(
        split_id=record.text("Supplier_Invoice_Line_Split_ID") or "",
        extended_amount=_amount(call, record, "Extended_Amount", units),
        quantity=record.number("Quantity"),
        memo=record.text("Memo") or "",
        worktags=_worktags(call, record),
    )


def _worktags(call: Call, record: Record) -> dict[str, str]:
    """The worktags of a line or split, at most one of each type (docs/systems/workday.md#w4-1)."""
    chosen: dict[str, str] = {}
    for reference in record.references("Worktags_Reference"):
        worktag = call.store.instances.resolve(reference, "Accounting_Worktag")
        if isinstance(worktag, Issue):
            call.issues.append(worktag)
            continue
        if worktag.id_type in chosen:
            kind = worktag.kind.replace("_", " ")
            call.note(f"Only one worktag of type {kind} is allowed on a line.", reference.xpath)
        chosen[worktag.id_type] = worktag.id
        if worktag.kind == "Cost_Center" and not call.store.cost_centers[worktag.id].active:
            call.note(f"Cost center {worktag.descriptor} is inactive.", reference.xpath)
        if worktag.kind == "Spend_Category" and call.store.spend_categories[worktag.id].inactive:
            call.note(f"Spend category {worktag.descriptor} is inactive.", reference.xpath)
    return chosen


def _attachment(call: Call, record: Record) -> Attachment:
    name, content_type = record.attribute("Filename") or "", record.attribute("Content_Type") or ""
    content = "".join((record.text("File_Content") or "").split())
    if name and not (content_type and content):
        call.note("An attachment with a file name needs a content type and content.", record.xpath())
    if content and not name:
        call.note("An attachment needs a file name.", record.xpath())
    if len(content) * 3 // 4 > ATTACHMENT_LIMIT:
        call.note("The attachment is larger than 30 MB.", record.xpath())
    compressed = record.attribute("Compressed")
    return Attachment(
        filename=name,
        content_type=content_type,
        encoding=record.attribute("Encoding") or "",
        content=content,
        comment=record.text("Comment") or "",
        compressed=None if compressed is None else compressed.strip() in {"true", "1"},
    )


def _check_period(call: Call, data: Record, *, submitted: bool) -> None:
    key = "Accounting_Date_Override" if data.has("Accounting_Date_Override") else "Document_Date"
    day = data.day(key)
    if submitted and day is not None and (day.year, day.month) in call.store.closed_periods:
        call.note(f"The accounting period of {day} is closed.", data.xpath(key))


def _check_totals(call: Call, kind: DocumentKind, data: Record, document: Invoice) -> None:
    total = document.total
    if document.control_amount_total not in (ZERO, total):
        call.note(
            f"The control total {document.control_amount_total} does not equal the document's total {total}.",
            data.xpath("Control_Total"),
        )
    if total < ZERO:
        cure = "; use a supplier invoice adjustment" if kind is INVOICES else ""
        call.note(f"The total {total} is negative{cure}.", data.xpath("Control_Total"))


def _duplicate(
    call: Call,
    kind: DocumentKind,
    data: Record,
    *,
    supplier: Instance | None,
    number: str,
    existing: Invoice | None,
) -> list[str]:
    """Refuse a supplier's number already in use, or return it as a warning."""
    if supplier is None:
        return []
    ledger = call.store.invoice_ledger if kind is INVOICES else call.store.adjustment_ledger
    if all(each is existing for each in ledger.using_number(supplier.id, number)):
        return []
    if call.store.behaviour.duplicate_number == "warn":
        return [_DUPLICATE]
    call.note(_DUPLICATE, data.xpath("Suppliers_Invoice_Number"))
    return []


def _keep(store: WorkdayStore, kind: DocumentKind, document: Invoice, existing: Invoice | None) -> Instance:
    if not document.supplier_invoice_id:
        document.supplier_invoice_id = f"{kind.id_prefix}-{store.next_number(kind.id_prefix)}"
    if not document.invoice_number:
        document.invoice_number = f"{kind.number_prefix}-{store.next_number(kind.number_prefix):06d}"
    if existing is not None:
        changes = {field.name: getattr(document, field.name) for field in dataclasses.fields(document)}
        ledger: DocumentLedger[Any] = store.invoice_ledger if kind is INVOICES else store.adjustment_ledger
        ledger.change(existing, changes)
        store.touch()
        return store.instances.get(kind.name, existing.supplier_invoice_id)
    if isinstance(document, Adjustment):
        return store.add_adjustment(document)
    return store.add_invoice(document)


def _trapped(store: WorkdayStore, kind: DocumentKind, document: Invoice, trap: Trap) -> Mapping[str, Any]:
    failed = exceptions("Error", "The document could not be saved.")
    if trap == "no_reference":
        return {}
    if trap == "not_written":
        return {"Exceptions_Response_Data": failed}
    ghost = store.instances.unknown(kind.name, document.supplier_invoice_id or "UNSAVED")
    return {"Document_Reference": ghost, "Exceptions_Response_Data": failed}
