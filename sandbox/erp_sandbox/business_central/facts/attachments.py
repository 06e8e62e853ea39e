"""Fields of files at documents and vendors (Microsoft's page of the entity; not in the derived contract)."""

from __future__ import annotations

from erp_sandbox.business_central.fields import choice, flag, guid, instant, integer, text

PARENTS = (
    " ",
    "Journal",
    "Sales Order",
    "Sales Quote",
    "Sales Credit Memo",
    "Sales Invoice",
    "Purchase Invoice",
    "Purchase Order",
    "Purchase Credit Memo",
    "Employee",
    "Job",
    "Item",
    "Customer",
    "Vendor",
)

DOCUMENT_ATTACHMENT = (
    guid("id"),
    text("fileName", 255, write=True),
    integer("byteSize"),
    choice("parentType", PARENTS, write=True),
    guid("parentId", write=True),
    integer("lineNumber", write=True),
    flag("documentFlowSales", write=True),
    flag("documentFlowPurchase", write=True),
    instant("lastModifiedDateTime"),
)
