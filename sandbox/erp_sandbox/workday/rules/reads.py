"""The Get operations: by references or by criteria, page by page (docs/systems/workday.md#w3).

No order is promised: results are sorted by WID, which looks scrambled and stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from erp_sandbox.workday.documents import Adjustment, Invoice
from erp_sandbox.workday.errors import Issue, invalid_id
from erp_sandbox.workday.rules import render
from erp_sandbox.workday.rules.paging import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date, datetime

    from erp_sandbox.workday.codec import Record
    from erp_sandbox.workday.instances import Instance
    from erp_sandbox.workday.rules.call import Call


@dataclass(frozen=True, slots=True)
class Stream:
    """How the objects of one Get operation are found and shown.

    ``select`` returns the instances that meet the criteria (None: all of them), ``show`` the values of the
    answer beside the reference.
    """

    kind: str
    select: Callable[[Call, Record | None, datetime | None], Iterable[Instance]]
    show: Callable[[Call, Instance, Record | None], Mapping[str, Any]]
    reference_optional: bool = True


def read(call: Call, stream: Stream) -> Mapping[str, Any]:
    """Answer a Get.

    Raises:
        ValidationRefusalError: an unknown reference, a blank or contradictory criterion, an impossible page.
    """
    page = Page(call)
    criteria = call.request.record("Request_Criteria")
    if criteria is not None:
        call.refuse_unknown(criteria)
        if not len(criteria.element):
            call.note("The request criteria must not be blank.", criteria.xpath())
        _check_window(call, criteria)
    references = call.request.record("Request_References")
    found = _look_up(call, stream, references) if references is not None else None
    if found is None and not call.issues:
        call.settle()
        found = call.store.results.get(
            page.question(call),
            lambda: sorted(stream.select(call, criteria, page.as_of), key=lambda each: each.wid),
        )
    call.settle()
    results = [] if found is None or call.store.is_blind(call.operation) else found
    group = call.request.record("Response_Group")
    shown = page.take(results)
    objects = [
        {
            "Document_Reference": each if _with_reference(stream, group) else None,
            **stream.show(call, each, group),
        }
        for each in shown
    ]
    return {**page.answer(results, len(shown)), "Response_Data": {"Objects": objects} if objects else None}


def _with_reference(stream: Stream, group: Record | None) -> bool:
    return group is None or not stream.reference_optional or bool(group.flag("Include_Reference"))


def _look_up(call: Call, stream: Stream, references: Record) -> list[Instance]:
    """The referred instances; one that is unknown fails the whole call."""
    call.refuse_unknown(references)
    found: list[Instance] = []
    for reference in references.references("References"):
        refused = [given for given in reference.ids if given.type in call.store.behaviour.refused_lookup_types]
        if refused:
            call.issues.append(invalid_id(refused[0].value, refused[0].type, reference.xpath))
            continue
        instance = call.store.instances.resolve(reference, stream.kind)
        if isinstance(instance, Issue):
            call.issues.append(instance)
        elif instance not in found:
            found.append(instance)
    return found


def _check_window(call: Call, criteria: Record) -> None:
    """Updated_From_Date and Updated_To_Date: both or neither, in order, not in the future."""
    first, last = window_of(criteria)
    if first is None and last is None:
        return
    if first is None or last is None:
        missing = "Updated_From_Date" if first is None else "Updated_To_Date"
        call.note("Updated From Date and Updated To Date must be given together.", criteria.xpath(missing))
        return
    if last > call.store.clock.now():
        call.note("Updated To Date must not be later than now.", criteria.xpath("Updated_To_Date"))
    if first > last:
        call.note("Updated From Date must not be later than Updated To Date.", criteria.xpath("Updated_From_Date"))


def window_of(criteria: Record | None) -> tuple[datetime | None, datetime | None]:
    """The changed-since window of a request, both ends None when it has none."""
    if criteria is None:
        return None, None
    return criteria.moment("Updated_From_Date"), criteria.moment("Updated_To_Date")


def is_inside(moment: datetime, window: tuple[datetime | None, datetime | None]) -> bool:
    """Whether a moment lies in a window, ends included."""
    first, last = window
    return (first is None or first <= moment) and (last is None or moment <= last)


def _wids(call: Call, record: Record | None, key: str, kind: str) -> set[str]:
    return set() if record is None else {each.wid for each in call.refer_all(record, key, kind)}


def _select_documents(
    call: Call, criteria: Record | None, as_of: datetime | None, ledger: Any, kind: str
) -> Iterable[Instance]:
    store = call.store
    wanted = _DocumentFilter(call, criteria)
    call.settle()
    for each in ledger.between(wanted.first, wanted.last):
        if (as_of is None or each.created_at <= as_of) and wanted.accepts(each):
            yield store.instances.get(kind, each.supplier_invoice_id)


class _DocumentFilter:
    """The criteria of Get_Supplier_Invoices and Get_Supplier_Invoice_Adjustments."""

    def __init__(self, call: Call, criteria: Record | None) -> None:
        self._store = call.store
        self._companies = {each.id for each in self._all(call, criteria, "Company_Reference", "Organization")}
        self._suppliers = {each.id for each in self._all(call, criteria, "Supplier_Reference", "Resource_Provider")}
        self._statuses = {each.id for each in self._all(call, criteria, "Invoice_Status_Reference", "Document_Status")}
        self._reasons = {
            each.id for each in self._all(call, criteria, "Adjustment_Reasons_Reference", "Invoice_Adjustment_Reason")
        }
        self._supplier_statuses = {
            each.id for each in self._all(call, criteria, "Supplier_Status_Reference", "Business_Entity_Status_Value")
        }
        self.first: date | None = criteria.day("Invoice_Date_On_or_After") if criteria else None
        self.last: date | None = criteria.day("Invoice_Date_On_or_Before") if criteria else None
        self._due_first = criteria.day("Invoice_Due_Date_On_or_After") if criteria else None
        self._due_last = criteria.day("Invoice_Due_Date_On_or_Before") if criteria else None
        self._on_hold = criteria.flag("Invoice_On_Hold") if criteria else None
        self._po_number = criteria.text("External_PO_Number") if criteria else None

    @staticmethod
    def _all(call: Call, criteria: Record | None, key: str, kind: str) -> list[Instance]:
        return call.refer_all(criteria, key, kind) if criteria is not None else []

    def accepts(self, each: Invoice) -> bool:
        """Whether a document meets every criterion but its date."""
        return (
            (not self._companies or each.company in self._companies)
            and (not self._suppliers or each.supplier in self._suppliers)
            and (not self._statuses or each.status in self._statuses)
            and (not self._reasons or (isinstance(each, Adjustment) and each.adjustment_reason in self._reasons))
            and (not self._supplier_statuses or self._store.suppliers[each.supplier].status in self._supplier_statuses)
            and (self._on_hold is None or each.on_hold == self._on_hold)
            and (self._po_number is None or each.external_po_number == self._po_number)
            and self._is_due(each)
        )

    def _is_due(self, each: Invoice) -> bool:
        if self._due_first is None and self._due_last is None:
            return True
        terms = self._store.payment_terms.get(each.payment_terms or "")
        due = each.due_date or each.invoice_date + timedelta(days=terms.days if terms else 0)
        return (self._due_first is None or self._due_first <= due) and (self._due_last is None or due <= self._due_last)


def _select_invoices(call: Call, criteria: Record | None, as_of: datetime | None) -> Iterable[Instance]:
    return _select_documents(call, criteria, as_of, call.store.invoice_ledger, "Supplier_Invoice")


def _show_invoice(call: Call, instance: Instance, group: Record | None) -> Mapping[str, Any]:
    invoice = call.store.invoice_ledger.by_wid(instance.wid)
    attachments = bool(group and group.flag("Include_Attachment_Data"))
    return {"Document_Data": [render.document(call.store, invoice, attachments=attachments)]}


def _select_adjustments(call: Call, criteria: Record | None, as_of: datetime | None) -> Iterable[Instance]:
    return _select_documents(call, criteria, as_of, call.store.adjustment_ledger, "Supplier_Invoice_Adjustment")


def _show_adjustment(call: Call, instance: Instance, group: Record | None) -> Mapping[str, Any]:
    adjustment = call.store.adjustment_ledger.by_wid(instance.wid)
    find = call.store.instances
    values = render.document(call.store, adjustment, attachments=bool(group and group.flag("Include_Attachment_Data")))
    values["Increase_Liability"] = adjustment.increase_liability
    values["Adjustment_Reason_Reference"] = find.get("Invoice_Adjustment_Reason", adjustment.adjustment_reason)
    if adjustment.original_invoice:
        values["Original_Invoice_Reference"] = find.get("Supplier_Invoice", adjustment.original_invoice)
    return {"Document_Data": [values]}


def _select_suppliers(call: Call, criteria: Record | None, as_of: datetime | None) -> Iterable[Instance]:
    window = window_of(criteria)
    statuses = _wids(call, criteria, "Supplier_Status_Reference", "Business_Entity_Status_Value")
    categories = _wids(call, criteria, "Supplier_Category_Reference", "Supplier_Category")
    account = criteria.text("Customer_Account_Number") if criteria else None
    duns = criteria.text("DUNS_Number") if criteria else None
    call.settle()
    find = call.store.instances
    for each in call.store.suppliers.values():
        if (
            is_inside(each.updated_at, window)
            and (as_of is None or each.created_at <= as_of)
            and (not statuses or find.get("Business_Entity_Status_Value", each.status).wid in statuses)
            and (
                not categories
                or (each.category is not None and find.get("Supplier_Category", each.category).wid in categories)
            )
            and (account is None or each.customer_account_number == account)
            and (duns is None or each.duns_number == duns)
        ):
            yield find.get("Supplier", each.supplier_id)


def _show_supplier(call: Call, instance: Instance, _group: Record | None) -> Mapping[str, Any]:
    return {"Document_Data": render.supplier(call.store, call.store.suppliers[instance.id])}


def _select_cost_centers(call: Call, criteria: Record | None, _as_of: datetime | None) -> Iterable[Instance]:
    return _changed(call, criteria, "Cost_Center", call.store.cost_centers)


def _show_cost_center(call: Call, instance: Instance, group: Record | None) -> Mapping[str, Any]:
    center = call.store.cost_centers[instance.id]
    simple = bool(group and group.flag("Include_Simple_Cost_Center_Data"))
    full = group.flag("Include_Cost_Center_Data") if group else None
    return {
        "Cost_Center_Data": (
            render.cost_center(call.store, center, simple=False) if (not simple if full is None else full) else None
        ),
        "Simple_Cost_Center_Data": render.cost_center(call.store, center, simple=True) if simple else None,
    }


def _select_spend_categories(call: Call, criteria: Record | None, _as_of: datetime | None) -> Iterable[Instance]:
    return _changed(call, criteria, "Spend_Category", call.store.spend_categories)


def _show_spend_category(call: Call, instance: Instance, _group: Record | None) -> Mapping[str, Any]:
    category = call.store.spend_categories[instance.id]
    return {"Resource_Category_Data": render.spend_category(call.store, category)}


def _changed(call: Call, criteria: Record | None, kind: str, known: Iterable[str]) -> Iterable[Instance]:
    window = window_of(criteria)
    for each in known:
        if is_inside(call.store.changed_at(kind, each), window):
            yield call.store.instances.get(kind, each)


def _select_account_sets(call: Call, _criteria: Record | None, _as_of: datetime | None) -> Iterable[Instance]:
    sets = dict.fromkeys(account.account_set_id for account in call.store.ledger_accounts)
    return [call.store.instances.get("Account_Set", each) for each in sets]


def _show_account_set(call: Call, instance: Instance, _group: Record | None) -> Mapping[str, Any]:
    accounts = [each for each in call.store.ledger_accounts if each.account_set_id == instance.id]
    return {"Account_Set_Data": [render.account_set(call.store, instance.id, accounts)]}


def _select_companies(call: Call, criteria: Record | None, _as_of: datetime | None) -> Iterable[Instance]:
    name = criteria.text("Name") if criteria else None
    code = criteria.text("Code") if criteria else None
    for each in call.store.companies.values():
        if name in (None, each.name) and code in (None, each.company_id):
            yield call.store.instances.get("Company", each.company_id)


def _show_company(call: Call, instance: Instance, _group: Record | None) -> Mapping[str, Any]:
    return {"Company_Data": [render.company(call.store, call.store.companies[instance.id])]}


def _select_terms(call: Call, criteria: Record | None, _as_of: datetime | None) -> Iterable[Instance]:
    name = criteria.text("Payment_Terms_Name") if criteria else None
    for each in call.store.payment_terms.values():
        if name in (None, each.name):
            yield call.store.instances.get("Payment_Terms", each.payment_terms_id)


def _show_terms(call: Call, instance: Instance, _group: Record | None) -> Mapping[str, Any]:
    return {"Payment_Term_Data": render.payment_terms(call.store.payment_terms[instance.id])}


_STREAMS = {
    "Get_Supplier_Invoices": Stream("Supplier_Invoice", _select_invoices, _show_invoice),
    "Get_Supplier_Invoice_Adjustments": Stream("Supplier_Invoice_Adjustment", _select_adjustments, _show_adjustment),
    "Get_Suppliers": Stream("Supplier", _select_suppliers, _show_supplier),
    "Get_Cost_Centers": Stream("Cost_Center", _select_cost_centers, _show_cost_center),
    "Get_Resource_Categories": Stream("Spend_Category", _select_spend_categories, _show_spend_category),
    "Get_Account_Sets": Stream("Account_Set", _select_account_sets, _show_account_set),
    "Get_Workday_Companies": Stream("Company", _select_companies, _show_company, reference_optional=False),
    "Get_Payment_Terms": Stream("Payment_Terms", _select_terms, _show_terms),
}


def reader(stream: Stream) -> Callable[[Call], Mapping[str, Any]]:
    """The handler of a Get operation."""

    def handler(call: Call) -> Mapping[str, Any]:
        return read(call, stream)

    return handler


READS = {name: reader(stream) for name, stream in _STREAMS.items()}
"""The handlers of the Get operations for what is written, and for what that refers to."""
