"""Submit_Ad_Hoc_Payment and Get_Ad_Hoc_Payments (docs/systems/workday.md#w4-6): records that settle nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erp_sandbox.workday.currencies import minor_units
from erp_sandbox.workday.documents import ZERO, AdHocPayment
from erp_sandbox.workday.rules import render
from erp_sandbox.workday.rules.call import exceptions
from erp_sandbox.workday.rules.documents import read_line
from erp_sandbox.workday.rules.reads import Stream, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from erp_sandbox.workday.codec import Record
    from erp_sandbox.workday.instances import Instance
    from erp_sandbox.workday.rules.call import Call

_ADD_ONLY = "The Web Service is set to Add Only; documents cannot be resubmitted."
_REQUIRED = ("Company_Reference", "Bank_Account_Reference", "Payee_Reference", "Currency_Reference", "Payment_Date")


def submit_payment(call: Call) -> Mapping[str, Any]:
    """Record a payment, or replace a draft when the request refers to one.

    Raises:
        ValidationRefusalError: with everything that is wrong with it.
    """
    data = call.request.record("Document_Data")
    if data is None:
        call.require(call.request, "Document_Data")
        call.settle()
        raise AssertionError  # settle has raised
    call.refuse_unknown(call.request)
    own_id = data.text("Ad_hoc_Payment_ID") or ""
    existing = _existing(call, data, own_id)
    if not own_id or own_id != own_id.strip():
        call.note("The ID must not be empty, and not start or end with a blank.", data.xpath("Ad_hoc_Payment_ID"))
    call.settle()
    payment = _read(call, data, own_id)
    call.settle()
    trap = call.store.next_trap()
    if trap is not None:
        ghost = call.store.instances.unknown("Ad_Hoc_Payment", own_id)
        return {
            "Document_Reference": ghost if trap == "error_exception" else None,
            "Exceptions_Response_Data": (
                None if trap == "no_reference" else exceptions("Error", "The payment could not be saved.")
            ),
        }
    if existing is not None:
        return {"Document_Reference": call.store.replace_ad_hoc_payment(existing, payment)}
    return {"Document_Reference": call.store.add_ad_hoc_payment(payment)}


def _existing(call: Call, data: Record, own_id: str) -> AdHocPayment | None:
    """The draft to replace, if the request refers to one; notes why it cannot be."""
    if not call.request.has("Document_Reference"):
        if own_id and call.store.instances.has("Ad_Hoc_Payment", own_id):
            call.note(_ADD_ONLY, data.xpath("Ad_hoc_Payment_ID"))
        return None
    where = call.request.xpath("Document_Reference")
    if (call.request.attribute("Add_Only") or "false").strip() in {"true", "1"}:
        call.note("A request that is Add Only cannot refer to an existing document.", where)
    instance = call.refer(call.request, "Document_Reference", "Ad_Hoc_Payment")
    if instance is None:
        return None
    payment = call.store.ad_hoc_payments[instance.id]
    if payment.submitted:
        call.note("The document is not in Draft status and can no longer be changed.", where)
    if own_id and own_id != payment.payment_id:
        call.note("The ID of an existing document cannot be changed.", data.xpath("Ad_hoc_Payment_ID"))
    return payment


def _read(call: Call, data: Record, own_id: str) -> AdHocPayment:
    call.refuse_unknown(data)
    call.require(data, *_REQUIRED)
    company = call.refer(data, "Company_Reference", "Company")
    account = call.refer(data, "Bank_Account_Reference", "Financial_Account")
    payee = call.refer(data, "Payee_Reference", "Payee")
    currency = call.refer(data, "Currency_Reference", "Currency")
    kind = call.refer(data, "Payment_Type_Reference", "Payment_Type")
    units = minor_units(currency.id) if currency else 6
    lines = [read_line(call, record, units) for record in data.records("Invoice_Line_Replacement_Data")]
    total = sum((line.extended_amount for line in lines), ZERO)
    control = data.number("Control_Total_Amount") or ZERO
    if control not in (ZERO, total) or total <= ZERO:
        call.note(
            f"The control total {control} does not equal the lines ({total}).", data.xpath("Control_Total_Amount")
        )
    day = data.day("Payment_Date")
    now = call.store.clock.now()
    return AdHocPayment(
        wid="",
        payment_id=own_id,
        submitted=data.flag("Submit") or False,
        company=company.id if company else "",
        bank_account=account.id if account else "",
        payee=payee.id if payee else "",
        payee_kind=payee.kind if payee else "",
        currency=currency.id if currency else "",
        payment_date=day or now.date(),
        payment_type=kind.id if kind else None,
        memo=data.text("Memo") or "",
        control_total=control,
        external_reference=data.text("External_Reference_as_Text") or "",
        lines=lines,
        created_at=now,
    )


def _select(call: Call, criteria: Record | None, as_of: datetime | None) -> Iterable[Instance]:
    first = criteria.day("Payment_Date_on_Date_or_After") if criteria else None
    last = criteria.day("Payment_Date_on_Date_or_Before") if criteria else None
    company = call.refer(criteria, "Company_Reference", "Organization") if criteria else None
    accounts = _ids(call, criteria, "Bank_Account_Reference", "Financial_Account")
    payees = _ids(call, criteria, "Payee_Reference", "Payee")
    call.settle()
    for each in call.store.ad_hoc_payments.values():
        if (
            (first is None or first <= each.payment_date)
            and (last is None or each.payment_date <= last)
            and (as_of is None or each.created_at <= as_of)
            and (company is None or each.company == company.id)
            and (not accounts or each.bank_account in accounts)
            and (not payees or each.payee in payees)
        ):
            yield call.store.instances.get("Ad_Hoc_Payment", each.payment_id)


def _ids(call: Call, criteria: Record | None, key: str, kind: str) -> set[str]:
    return set() if criteria is None else {each.id for each in call.refer_all(criteria, key, kind)}


def _show(call: Call, instance: Instance, _group: Record | None) -> Mapping[str, Any]:
    find = call.store.instances
    each = call.store.ad_hoc_payments[instance.id]
    return {
        "Document_Data": [
            {
                "Ad_hoc_Payment_ID": each.payment_id,
                "Submit": each.submitted,
                "Company_Reference": find.get("Company", each.company),
                "Bank_Account_Reference": find.get("Financial_Account", each.bank_account),
                "Payee_Reference": find.get(each.payee_kind, each.payee),
                "Currency_Reference": find.get("Currency", each.currency),
                "Payment_Date": each.payment_date,
                "Payment_Type_Reference": find.get("Payment_Type", each.payment_type) if each.payment_type else None,
                "Memo": each.memo or None,
                "Control_Total_Amount": each.control_total,
                "External_Reference_as_Text": each.external_reference or None,
                "Invoice_Line_Replacement_Data": [render.line(find, line) for line in each.lines],
            }
        ]
    }


_STREAM = Stream("Ad_Hoc_Payment", _select, _show)


def get_payments(call: Call) -> Mapping[str, Any]:
    """Answer Get_Ad_Hoc_Payments."""
    return read(call, _STREAM)
