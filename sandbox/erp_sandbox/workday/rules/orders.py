"""Reading purchase orders and projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erp_sandbox.workday.rules.reads import Stream, is_inside, reader, window_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from erp_sandbox.workday.codec import Record
    from erp_sandbox.workday.documents import Split
    from erp_sandbox.workday.instances import Instance, Instances
    from erp_sandbox.workday.orders import GoodsLine, PurchaseOrder, ServiceLine
    from erp_sandbox.workday.rules.call import Call


def _select_orders(call: Call, criteria: Record | None, _as_of: datetime | None) -> Iterable[Instance]:
    window = window_of(criteria)
    companies = (
        {each.id for each in call.refer_all(criteria, "Organization_Reference", "Organization")} if criteria else ()
    )
    suppliers = {each.id for each in call.refer_all(criteria, "Supplier_Reference", "Supplier")} if criteria else ()
    number = criteria.text("Purchase_Order_Number") if criteria else None
    first = criteria.day("Purchase_Order_Date_On_or_After") if criteria else None
    last = criteria.day("Purchase_Order_Date_On_or_Before") if criteria else None
    call.settle()
    for each in call.store.purchase_orders.values():
        if (
            is_inside(each.updated_at, window)
            and (not companies or each.company in companies)
            and (not suppliers or each.supplier in suppliers)
            and number in (None, each.document_number)
            and (first is None or first <= each.document_date)
            and (last is None or each.document_date <= last)
        ):
            yield call.store.instances.get("Purchase_Order", each.purchase_order_id)


def _show_order(call: Call, instance: Instance, _group: Record | None) -> Mapping[str, Any]:
    return {"Purchase_Order_Data": [_order(call.store.instances, call.store.purchase_orders[instance.id])]}


def _order(find: Instances, each: PurchaseOrder) -> dict[str, Any]:
    return {
        "Purchase_Order_ID": each.purchase_order_id,
        "Locked_in_Workday": False,
        "Document_Number": each.document_number,
        "Purchase_Order_Document_Status_Reference": find.get("Document_Status", each.status),
        "Company_Reference": find.get("Company", each.company),
        "Supplier_Reference": find.get("Supplier", each.supplier),
        "Document_Date": each.document_date,
        "Tax_Amount": each.tax_amount,
        "Payment_Terms_Reference": find.get("Payment_Terms", each.payment_terms) if each.payment_terms else None,
        "Due_Date": each.due_date,
        "Currency_Reference": find.get("Currency", each.currency),
        "Memo": each.memo or None,
        "Goods_Line_Data": [_goods(find, line) for line in each.goods],
        "Service_Line_Data": [_service(find, line) for line in each.services],
    }


def _goods(find: Instances, line: GoodsLine) -> dict[str, Any]:
    return {
        "Goods_Purchase_Order_Line_ID": line.line_id,
        "Line_Number": line.number,
        "Item_Description": line.description,
        "Resource_Category_Reference": find.get("Spend_Category", line.spend_category),
        "Quantity": line.quantity,
        "Unit_of_Measure_Reference": find.get("Unit_of_Measure", line.unit_of_measure),
        "Unit_Cost": line.unit_cost,
        "Extended_Amount": line.extended_amount,
        "Worktags_Reference": _worktags(find, line.worktags),
        "Goods_Purchase_Order_Line_Split_Data": [_split(find, split) for split in line.splits],
    }


def _service(find: Instances, line: ServiceLine) -> dict[str, Any]:
    return {
        "Service_Order_Line_ID": line.line_id,
        "Line_Number": line.number,
        "Description": line.description,
        "Resource_Category_Reference": find.get("Spend_Category", line.spend_category),
        "Extended_Amount": line.extended_amount,
        "Start_Date": line.start,
        "End_Date": line.end,
        "Worktags_Reference": _worktags(find, line.worktags),
        "Service_Purchase_Order_Line_Split_Data": [_split(find, split) for split in line.splits],
    }


def _split(find: Instances, split: Split) -> dict[str, Any]:
    return {
        "Business_Document_Line_Split_ID": split.split_id,
        "Quantity": split.quantity,
        "Extended_Amount": split.extended_amount,
        "Memo": split.memo or None,
        "Worktags_Reference": _worktags(find, split.worktags),
    }


def _worktags(find: Instances, worktags: Mapping[str, str]) -> list[Instance]:
    return [find.worktag(id_type, value) for id_type, value in worktags.items()]


def _select_projects(call: Call, criteria: Record | None, _as_of: datetime | None) -> Iterable[Instance]:
    wanted = criteria.text("ID") if criteria else None
    name = criteria.text("Project_Name") if criteria else None
    for each in call.store.projects.values():
        if wanted in (None, each.project_id) and name in (None, each.name):
            yield call.store.instances.get("Project", each.project_id)


def _show_project(call: Call, instance: Instance, _group: Record | None) -> Mapping[str, Any]:
    each = call.store.projects[instance.id]
    return {
        "Project_Data": {
            "Workday_Project_ID": each.project_id,
            "Project_Name": each.name,
            "Inactive": each.inactive,
            "Start_Date": each.start,
            "End_Date": each.end,
            "Currency_Reference": call.store.instances.get("Currency", each.currency),
            "Company_Reference": call.store.instances.get("Company", each.company),
        }
    }


ORDERS = {
    "Get_Purchase_Orders": reader(Stream("Purchase_Order", _select_orders, _show_order)),
    "Get_Projects": reader(Stream("Project", _select_projects, _show_project)),
}
"""The handlers of this module's operations."""
