"""From a payment made elsewhere to the request that records it (docs/systems/workday.md#w4-6)."""

from __future__ import annotations

import typing as t

from ml_connector.documents import Payment
from ml_connector.names import display_name
from ml_connector.systems.workday.references import References
from ml_connector.systems.workday.services import Shape
from ml_connector.systems.workday.xml import reference
from target_workday.invoice_request import worktags
from target_workday.options import WorkdayPosting

__all__ = ["payment_body"]


def payment_body(
    document: Payment,
    shape: Shape,
    references: References,
    options: WorkdayPosting,
    *,
    replaces: str | None = None,
) -> dict[str, t.Any]:
    """Return the body of Submit_Ad_Hoc_Payment.

    Cash only, one line per invoice, all coded to the clearing category: what a credit covers was never paid.

    Args:
        document: The payment.
        shape: What the tenant's request may contain.
        references: The tenant's reference data.
        options: Bank account, clearing category, worktags and payment type.
        replaces: WID of the draft to replace; None to create, and only to create.
    """
    body: dict[str, t.Any] = {}
    if replaces is None:
        shape.put(body, True, "Add_Only")
    else:
        shape.put(body, reference("WID", replaces), "Ad_hoc_Payment_Reference")
    if options.submit:
        shape.put(body, _process(document, options), "Business_Process_Parameters")
    part = shape.part("Ad_hoc_Payment_Data")
    data: dict[str, t.Any] = {}
    put = part.put
    put(data, document.external_id, "Ad_hoc_Payment_ID")
    put(data, options.submit, "Submit")
    put(data, references.reference("company", document.company or ""), "Company_Reference")
    put(data, reference("Bank_Account_ID", document.bank_account or options.bank_account), "Bank_Account_Reference")
    put(data, references.reference("supplier", document.supplier), "Payee_Reference")
    put(data, reference("Currency_ID", document.currency), "Currency_Reference")
    put(data, document.payment_date, "Payment_Date")
    if options.payment_type:
        put(data, reference("Payment_Type_ID", options.payment_type), "Payment_Type_Reference")
    put(data, _memo(document), "Memo")
    put(data, document.amount, "Control_Total_Amount")
    put(data, document.source.id, "External_Reference_as_Text")
    put(data, _lines(document, part, references, options), "Invoice_Line_Replacement_Data")
    shape.put(body, data, "Ad_hoc_Payment_Data")
    return body


def _process(document: Payment, options: WorkdayPosting) -> dict[str, t.Any]:
    source = document.source
    comment = f"Recorded from {source.system} {source.stream} {source.id}"
    return {"Auto_Complete": options.auto_complete, "Comment_Data": {"Comment": comment}}


def _memo(document: Payment) -> str:
    words = (f"Paid in {display_name(document.source.system)}", document.method, document.reference)
    return " ".join(word for word in words if word)


def _lines(document: Payment, shape: Shape, references: References, options: WorkdayPosting) -> list[dict[str, t.Any]]:
    line_shape = shape.part("Invoice_Line_Replacement_Data")
    lines = []
    for order, part in enumerate((each for each in document.applications if each.amount), 1):
        line: dict[str, t.Any] = {}
        put = line_shape.put
        put(line, str(order), "Line_Order")
        put(line, f"Paid elsewhere: {part.invoice_number or part.invoice}", "Item_Description")
        put(line, references.reference("spend_category", options.clearing_category), "Spend_Category_Reference")
        put(line, part.amount, "Extended_Amount")
        put(line, worktags(options.payment_tags, references, options), "Worktags_Reference")
        lines.append(line)
    return lines
