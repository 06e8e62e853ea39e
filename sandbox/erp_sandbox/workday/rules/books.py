"""Reading payments, journals, organizations and the tenant's own values."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from erp_sandbox.workday.instances import ID_TYPES, Instance
from erp_sandbox.workday.orders import Payment, Remittance
from erp_sandbox.workday.rules.reads import Stream, is_inside, reader, window_of
from erp_sandbox.workday.store import SEEDED_AT
from erp_sandbox.workday.tenant_data import PAYMENT_METHODS, REFERENCE_VALUES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from erp_sandbox.workday.codec import Record
    from erp_sandbox.workday.documents import AdHocPayment
    from erp_sandbox.workday.instances import Instances
    from erp_sandbox.workday.orders import JournalLine
    from erp_sandbox.workday.rules.call import Call

_OUR_ACCOUNT = "000111222333"
_SHOWN = 4
_PAID = {"AD_HOC_PAYMENT": "Ad hoc Payment", "EXPENSE_PAYMENT": "Expense Report"}
"""What payments of a category pay, where it is no supplier invoice."""


def _select_payments(call: Call, criteria: Record | None, _as_of: datetime | None) -> Iterable[Instance]:
    wanted = criteria.records("General_Payment_Criteria") if criteria else []
    accepted = [_PaymentFilter(call, each) for each in wanted]
    call.settle()
    for payment in call.store.payments.values():
        if not accepted or any(each.accepts(payment, None) for each in accepted):
            yield call.store.instances.get("Payment", payment.payment_id)
    for ad_hoc in call.store.ad_hoc_payments.values():
        if not accepted or any(each.accepts(_as_payment(ad_hoc), ad_hoc.bank_account) for each in accepted):
            yield call.store.instances.get("Ad_Hoc_Payment", ad_hoc.payment_id)


class _PaymentFilter:
    """One block of criteria of Get_Payments."""

    def __init__(self, call: Call, criteria: Record) -> None:
        call.refuse_unknown(criteria)
        if not len(criteria.element):
            call.note("The payment criteria must not be blank.", criteria.xpath())
        self._companies = {each.id for each in call.refer_all(criteria, "Company_Reference", "Organization")}
        self._categories = {
            each.id for each in call.refer_all(criteria, "Payment_Category_Reference", "Payment_Category")
        }
        self._accounts = {each.id for each in call.refer_all(criteria, "Bank_Account_Reference", "Financial_Account")}
        self._first = criteria.day("Payment_Date_on_Date_Or_After")
        self._last = criteria.day("Payment_Date_on_Date_Or_Before")

    def accepts(self, payment: Payment, account: str | None) -> bool:
        return (
            (not self._accounts or account in self._accounts)
            and (not self._companies or payment.company in self._companies)
            and (not self._categories or payment.category in self._categories)
            and (self._first is None or self._first <= payment.date)
            and (self._last is None or payment.date <= self._last)
        )


def _show_payment(call: Call, instance: Instance, group: Record | None) -> Mapping[str, Any]:
    find = call.store.instances
    if instance.kind == "Ad_Hoc_Payment":
        payment = _as_payment(call.store.ad_hoc_payments[instance.id])
    else:
        payment = call.store.payments[instance.id]

    def wanted(key: str) -> bool:
        return bool(group and group.flag(key))

    of_group = {
        "Payment_Date": payment.date,
        "Currency_Reference": find.get("Currency", payment.currency),
        "Payment_Type_Reference": find.get("Payment_Type", payment.payment_type) if payment.payment_type else None,
        "Payment_Category_Reference": find.get("Payment_Category", payment.category),
    }
    number = payment.account_number
    values = {
        "Payment_Group_Data": of_group if wanted("Include_Payment_Group_Data") else None,
        "Payment_Status": payment.status,
        "Payment_Memo": payment.memo or None,
        "Payment_Reference_Number": payment.reference_number,
        "Payment_Amount": payment.amount,
        "Currency_Reference": find.get("Currency", payment.currency),
        "Company_Reference": find.get("Company", payment.company),
        "Originating_Bank_Data": (
            [{"Account_Nickname": "Operating", "Account_Number": _OUR_ACCOUNT}]
            if wanted("Include_Originating_Bank_Data")
            else None
        ),
        "Receiving_Party_Reference": find.get(payment.payee_kind, payment.payee),
        "Receiving_Party_Bank_Data": (
            [{"Account_Number": number, "Masked_Account_Number": number[-_SHOWN:].rjust(len(number), "*")}]
            if number
            else None
        ),
        "Remittance_Data": [
            {
                "Document_Remittance_Data": [
                    {
                        "Document_Type": _PAID.get(payment.category, "Supplier Invoice"),
                        "Document_ID": each.document_id,
                        "Document_Reference": each.document_reference or None,
                        "Document_Date": each.document_date,
                        "Total_Payable_Amount": each.total,
                        "Amount_Paid": each.paid,
                        "Amount_Due": each.total - each.paid - each.discount,
                        "Discount_Taken": each.discount or None,
                    }
                    for each in payment.remittances
                ]
            }
        ],
    }
    return {"Payment_Data": [values]}


def _as_payment(each: AdHocPayment) -> Payment:
    """An ad hoc payment is a payment too (contract: its id is one of those a payment may have)."""
    return Payment(
        payment_id=each.payment_id,
        reference_number=each.payment_id,
        date=each.payment_date,
        status=each.status,
        category="AD_HOC_PAYMENT",
        payment_type=each.payment_type or "",
        company=each.company,
        currency=each.currency,
        payee_kind=each.payee_kind,
        payee=each.payee,
        account_number="",
        remittances=[Remittance(each.payment_id, "", each.payment_date, each.control_total, each.control_total)],
        memo=each.memo,
    )


def _select_journals(call: Call, criteria: Record | None, _as_of: datetime | None) -> Iterable[Instance]:
    updated = window_of(criteria)
    first = criteria.day("Accounting_From_Date") if criteria else None
    last = criteria.day("Accounting_To_Date") if criteria else None
    by_change, by_date = None not in updated, None not in (first, last)
    if by_change == by_date:
        where = (criteria or call.request).xpath()
        call.note("Give either both updated dates or both accounting dates.", where)
    call.settle()
    for each in call.store.journals.values():
        inside = is_inside(each.updated_at, updated) if by_change else first <= each.accounting_date <= last  # type: ignore[operator]
        if inside:
            yield call.store.instances.get("Journal_Entry", each.journal_id)


def _show_journal(call: Call, instance: Instance, _group: Record | None) -> Mapping[str, Any]:
    each, find = call.store.journals[instance.id], call.store.instances
    values = {
        "Journal_Number": each.number,
        "Journal_Status_Reference": find.get("Journal_Entry_Status", each.status),
        "Company_Reference": find.get("Company", each.company),
        "Currency_Reference": find.get("Currency", each.currency),
        "Accounting_Date": each.accounting_date,
        "Journal_Source_Reference": find.get("Journal_Source", each.source),
        "Memo": each.memo or None,
        "Total_Ledger_Debits": sum((line.debit for line in each.lines), Decimal(0)),
        "Total_Ledger_Credits": sum((line.credit for line in each.lines), Decimal(0)),
        "Creation_Date": SEEDED_AT,
        "Last_Updated_Date": each.updated_at,
        "Journal_Entry_Line_Data": [
            _journal_line(find, line, number, each.currency) for number, line in enumerate(each.lines, start=1)
        ],
    }
    return {"Journal_Entry_Data": [values]}


def _journal_line(find: Instances, line: JournalLine, number: int, currency: str) -> dict[str, Any]:
    return {
        "Line_Order": str(number),
        "Ledger_Account_Reference": find.get("Ledger_Account", line.ledger_account),
        "Debit_Amount": line.debit or None,
        "Credit_Amount": line.credit or None,
        "Currency_Reference": find.get("Currency", currency),
        "Memo": line.memo or None,
        "Worktags_Reference": [find.worktag(id_type, value) for id_type, value in line.worktags.items()],
    }


def _select_organizations(call: Call, criteria: Record | None, _as_of: datetime | None) -> Iterable[Instance]:
    find = call.store.instances
    types = (
        {each.id for each in call.refer_all(criteria, "Organization_Type_Reference", "Organization_Type")}
        if criteria
        else ()
    )
    inactive_too = bool(criteria and criteria.flag("Include_Inactive"))
    call.settle()
    if not types or "COMPANY" in types:
        yield from (find.get("Company", each) for each in call.store.companies)
    if not types or "COST_CENTER" in types:
        for center in call.store.cost_centers.values():
            if center.active or inactive_too:
                yield find.get("Cost_Center", center.cost_center_id)


def _show_organization(call: Call, instance: Instance, group: Record | None) -> Mapping[str, Any]:
    find = call.store.instances
    center = call.store.cost_centers.get(instance.id) if instance.kind == "Cost_Center" else None
    values = {
        "Reference_ID": instance.id,
        "Name": center.name if center else instance.descriptor,
        "Organization_Code": center.code if center else instance.id,
        "Organization_Type_Reference": find.get("Organization_Type", instance.kind.upper()),
        "Organization_Subtype_Reference": find.get("Organization_Subtype", instance.kind),
        "Availibility_Date": SEEDED_AT,
        "Last_Updated_DateTime": call.store.changed_at(instance.kind, instance.id),
        "Inactive": center is not None and not center.active,
        "Hierarchy_Data": {} if group and group.flag("Include_Hierarchy_Data") else None,
    }
    return {"Organization_Data": values}


def _select_payment_types(call: Call, criteria: Record | None, _as_of: datetime | None) -> Iterable[Instance]:
    name = criteria.text("Payment_Type_Name") if criteria else None
    for each in call.store.instances.of_type("Payment_Type_ID"):
        if name in (None, each.descriptor):
            yield each


def _show_payment_type(call: Call, instance: Instance, _group: Record | None) -> Mapping[str, Any]:
    method = call.store.instances.get("Payment_Method", PAYMENT_METHODS.get(instance.id, "OTHER"))
    return {
        "Payment_Type_Data": {
            "Payment_Type_ID": instance.id,
            "Payment_Type_Name": instance.descriptor,
            "Payment_Method_Reference": method,
        }
    }


def _select_tax_codes(call: Call, _criteria: Record | None, _as_of: datetime | None) -> Iterable[Instance]:
    return call.store.instances.of_type("Tax_Code_ID")


def _show_tax_code(call: Call, instance: Instance, _group: Record | None) -> Mapping[str, Any]:
    rate = "RATE_ZERO" if instance.id.endswith("ZERO") else "RATE_STANDARD"
    return {
        "Tax_Code_Data": {
            "Tax_Code_ID": instance.id,
            "Tax_Code_Name": instance.descriptor,
            "Country_Reference": call.store.instances.get("Country", "GB"),
            "Tax_Rate_Reference": [call.store.instances.get("Tax_Rate", rate)],
        }
    }


def _select_reference_ids(call: Call, criteria: Record | None, _as_of: datetime | None) -> Iterable[Instance]:
    """The ids of a type, or of all types this tenant keeps values for; each is an instance of its own."""
    wanted = criteria.text("Reference_ID_Type") if criteria else None
    types = [wanted] if wanted else [ID_TYPES[kind][0] for kind in REFERENCE_VALUES]
    find = call.store.instances
    for id_type in types:
        for each in find.of_type(id_type):
            yield find.add("Reference_Index", f"{id_type}={each.id}", each.descriptor)


def _show_reference_id(_call: Call, instance: Instance, _group: Record | None) -> Mapping[str, Any]:
    id_type, _, value = instance.id.partition("=")
    return {
        "Reference_ID_Data": {
            "ID": value,
            "Reference_ID_Type": id_type,
            "Referenced_Object_Descriptor": instance.descriptor,
        }
    }


BOOKS = {
    "Get_Payments": reader(Stream("Payment", _select_payments, _show_payment)),
    "Get_Journals": reader(Stream("Journal_Entry", _select_journals, _show_journal, reference_optional=False)),
    "Get_Organizations": reader(
        Stream("Organization", _select_organizations, _show_organization, reference_optional=False)
    ),
    "Get_Payment_Types": reader(Stream("Payment_Type", _select_payment_types, _show_payment_type)),
    "Get_Transaction_Tax_Codes": reader(Stream("Tax_Code", _select_tax_codes, _show_tax_code)),
    "Get_References": reader(
        Stream("Reference_Index", _select_reference_ids, _show_reference_id, reference_optional=False)
    ),
}
"""The handlers of this module's operations."""
