"""Supplier invoices and supplier invoice adjustments (docs/systems/workday.md#w4-1)."""

from __future__ import annotations

from erp_sandbox.workday.contract import Attribute, ComplexType, Element, Version
from erp_sandbox.workday.shapes.common import get_request, get_response

_LINE_FIELDS: Version = (31, 0)
"""The v31.2 line type has the additions; v30 does not."""
_SUPPLIERS_NUMBER: Version = (33, 0)
"""Renamed between v29 and v33.1."""
_FORTY: Version = (40, 0)
_ITEM: Version = (44, 0)


def _suppliers_number() -> tuple[Element, Element]:
    return (
        Element("Supplier_Reference_Number", "string", key="Suppliers_Invoice_Number", until=_SUPPLIERS_NUMBER),
        Element("Suppliers_Invoice_Number", "string", since=_SUPPLIERS_NUMBER),
    )


def _tax_defaults() -> tuple[Element, ...]:
    return (
        Element("Tax_Option_Reference", "ref:Tax_Option", key="Default_Tax_Option_Reference", until=_FORTY),
        Element("Default_Tax_Option_Reference", "ref:Tax_Option", since=_FORTY),
        Element("Tax_Code_Reference", "ref:Tax_Code", key="Default_Tax_Code_Reference", until=_FORTY),
        Element("Default_Tax_Code_Reference", "ref:Tax_Code", since=_FORTY),
    )


def _criteria(first: tuple[Element, ...], reasons: tuple[Element, ...] = ()) -> tuple[Element, ...]:
    return (
        *first,
        Element("Supplier_Status_Reference", "ref:Business_Entity_Status_Value", max=None),
        Element("Invoice_Date_On_or_After", "date"),
        Element("Invoice_Date_On_or_Before", "date"),
        Element("Invoice_On_Hold", "boolean"),
        *reasons,
        Element("Invoice_Due_Date_On_or_After", "date"),
        Element("Invoice_Due_Date_On_or_Before", "date"),
        Element("External_PO_Number", "string"),
        Element("Invoice_Status_Reference", "ref:Document_Status", max=None),
    )


_COMPANY_CRITERION = Element("Company_Reference", "ref:Organization", max=None)
_SUPPLIER_CRITERION = Element("Supplier_Reference", "ref:Resource_Provider", max=None)
_RESPONSE_GROUP = (Element("Include_Reference", "boolean"), Element("Include_Attachment_Data", "boolean"))

_INVOICE_DATA = ComplexType(
    "Supplier_Invoice_DataType",
    (
        Element("Supplier_Invoice_ID", "string", key="Document_ID"),
        Element("Submit", "boolean"),
        Element("Locked_in_Workday", "boolean"),
        Element("Invoice_Number", "string"),
        Element("Invoice_Document_Status_Reference", "ref:Document_Status"),
        Element("Company_Reference", "ref:Company"),
        Element("Currency_Reference", "ref:Currency"),
        Element("Supplier_Reference", "ref:Supplier"),
        *_tax_defaults(),
        Element("Invoice_Date", "date", key="Document_Date"),
        Element("Invoice_Received_Date", "date", since=_FORTY),
        Element("Due_Date_Override", "date"),
        Element("Accounting_Date_Override", "date"),
        Element("Budget_Date", "date"),
        Element("On_Hold", "boolean"),
        Element("Control_Amount_Total", "amount", key="Control_Total"),
        Element("Tax_Amount", "amount"),
        Element("Withholding_Tax_Amount", "amount"),
        Element("Freight_Amount", "amount"),
        Element("Other_Charges", "amount"),
        Element("Supplier_Document_Received", "boolean"),
        *_suppliers_number(),
        Element("External_PO_Number", "string"),
        Element("Document_Link", "string"),
        Element("Memo", "string"),
        Element("Payment_Terms_Reference", "ref:Payment_Terms"),
        Element("Override_Payment_Type_Reference", "ref:Payment_Type"),
        Element("Attachment_Data", "Financials_Attachment_DataType", max=None),
        Element("Invoice_Line_Replacement_Data", "Supplier_Invoice_Line_Replacement_DataType", max=None),
    ),
)

_ADJUSTMENT_DATA = ComplexType(
    "Supplier_Invoice_Adjustment_DataType",
    (
        Element("Supplier_Invoice_Adjustment_ID", "string", key="Document_ID"),
        Element("Submit", "boolean"),
        Element("Locked_in_Workday", "boolean"),
        Element("Invoice_Number", "string"),
        Element("Company_Reference", "ref:Company"),
        Element("Currency_Reference", "ref:Currency"),
        Element("Supplier_Reference", "ref:Supplier"),
        Element("Increase_Liability", "boolean"),
        Element("Adjustment_Reason_Reference", "ref:Invoice_Adjustment_Reason"),
        Element("Adjustment_Date", "date", key="Document_Date"),
        Element("Due_Date_Override", "date"),
        Element("Accounting_Date_Override", "date"),
        Element("Budget_Date", "date"),
        *_tax_defaults(),
        Element("Control_Total_Amount", "amount", key="Control_Total"),
        Element("Tax_Amount", "amount"),
        Element("Withholding_Tax_Amount", "amount"),
        Element("Freight_Amount", "amount"),
        Element("Other_Charges", "amount"),
        Element("Original_Invoice_Reference", "ref:Supplier_Invoice"),
        Element("Payment_Terms_Reference", "ref:Payment_Terms"),
        Element("Override_Payment_Type_Reference", "ref:Payment_Type"),
        Element("On_Hold", "boolean"),
        Element("Supplier_Document_Received", "boolean"),
        *_suppliers_number(),
        Element("External_PO_Number", "string"),
        Element("Document_Link", "string"),
        Element("Document_Memo", "string", key="Memo"),
        Element("Attachment_Data", "Financials_Attachment_DataType", max=None),
        Element("Invoice_Line_Replacement_Data", "Supplier_Invoice_Line_Replacement_DataType", max=None),
    ),
)

_LINE_DATA = ComplexType(
    "Supplier_Invoice_Line_Replacement_DataType",
    (
        Element("Supplier_Invoice_Line_ID", "string"),
        Element("Line_Order", "string"),
        Element("Intercompany_Affiliate_Reference", "ref:Company"),
        Element("Purchase_Item_Reference", "ref:Procurement_Item", key="Item_Reference", until=_ITEM),
        Element("Item_Reference", "ref:Procurement_Item", since=_ITEM),
        Element("Item_Description", "string"),
        Element("Purchase_Order_Line_Reference", "ref:Purchase_Order_Line"),
        Element("Spend_Category_Reference", "ref:Spend_Category"),
        Element("Tax_Applicability_Reference", "ref:Tax_Applicability"),
        Element("Tax_Code_Reference", "ref:Tax_Code"),
        Element("Packaging_String", "string", since=_LINE_FIELDS),
        Element("Quantity", "amount"),
        Element("Unit_of_Measure_Reference", "ref:Unit_of_Measure", since=_LINE_FIELDS),
        Element("Unit_Cost", "amount"),
        Element("Extended_Amount", "amount"),
        Element("Budget_Date", "date"),
        Element("Memo", "string"),
        Element("Worktags_Reference", "ref:Accounting_Worktag", max=None, until=_SUPPLIERS_NUMBER),
        Element("Worktags_Reference", "ref:Audited_Accounting_Worktag", max=None, since=_SUPPLIERS_NUMBER),
        Element("Billable", "boolean"),
        Element("Supplier_Invoice_Split_Line_Data", "Supplier_Invoice_Line_Split_DataType", max=None),
    ),
)

_SPLIT_DATA = ComplexType(
    "Supplier_Invoice_Line_Split_DataType",
    (
        Element("Supplier_Invoice_Line_Split_ID", "string"),
        Element("Quantity", "amount"),
        Element("Extended_Amount", "amount", min=1),
        Element("Memo", "string"),
        Element(
            "Worktag_Reference",
            "ref:Accounting_Worktag",
            max=None,
            key="Worktags_Reference",
            until=_SUPPLIERS_NUMBER,
        ),
        Element(
            "Worktag_Reference",
            "ref:Audited_Accounting_Worktag",
            max=None,
            key="Worktags_Reference",
            since=_SUPPLIERS_NUMBER,
        ),
    ),
)


def _submit(kind: str) -> tuple[ComplexType, ComplexType]:
    reference = Element(f"{kind}_Reference", f"ref:{kind}", key="Document_Reference")
    request = ComplexType(
        f"Submit_{kind}_RequestType",
        (
            reference,
            Element("Business_Process_Parameters", "Financials_Business_Process_ParametersType"),
            Element(f"{kind}_Data", f"{kind}_DataType", min=1, key="Document_Data"),
        ),
        (Attribute("Add_Only", "boolean"),),
        versioned=True,
    )
    response = ComplexType(
        f"Submit_{kind}_ResponseType",
        (reference, Element("Exceptions_Response_Data", "Exceptions_Response_DataType")),
        versioned=True,
    )
    return request, response


def _documents(kind: str) -> tuple[ComplexType, ...]:
    reference = Element(f"{kind}_Reference", f"ref:{kind}", key="Document_Reference")
    return (
        ComplexType(
            f"{kind}_Request_ReferencesType",
            (Element(f"{kind}_Reference", f"ref:{kind}", min=1, max=None, key="References"),),
        ),
        ComplexType(f"{kind}_Response_GroupType", _RESPONSE_GROUP),
        ComplexType(
            f"{kind}Type",
            (reference, Element(f"{kind}_Data", f"{kind}_DataType", max=None, key="Document_Data")),
        ),
        ComplexType(f"{kind}_Response_DataType", (Element(kind, f"{kind}Type", max=None, key="Objects"),)),
        get_request(
            f"Get_{kind}s",
            f"{kind}_Request_ReferencesType",
            f"{kind}_Request_CriteriaType",
            f"{kind}_Response_GroupType",
        ),
        get_response(
            f"Get_{kind}s",
            f"{kind}_Request_ReferencesType",
            f"{kind}_Request_CriteriaType",
            f"{kind}_Response_GroupType",
            f"{kind}_Response_DataType",
        ),
    )


_CANCELED = Element("Supplier_Invoice_Reference", "ref:Supplier_Invoice", key="Document_Reference")

TYPES = (
    _INVOICE_DATA,
    _ADJUSTMENT_DATA,
    _LINE_DATA,
    _SPLIT_DATA,
    ComplexType("Supplier_Invoice_Request_CriteriaType", _criteria((_SUPPLIER_CRITERION, _COMPANY_CRITERION))),
    ComplexType(
        "Supplier_Invoice_Adjustment_Request_CriteriaType",
        _criteria(
            (_COMPANY_CRITERION, _SUPPLIER_CRITERION),
            (Element("Adjustment_Reasons_Reference", "ref:Invoice_Adjustment_Reason", max=None),),
        ),
    ),
    *_submit("Supplier_Invoice"),
    *_submit("Supplier_Invoice_Adjustment"),
    *_documents("Supplier_Invoice"),
    *_documents("Supplier_Invoice_Adjustment"),
    ComplexType("Cancel_Supplier_Invoice_RequestType", (_CANCELED,), versioned=True),
    ComplexType("Cancel_Supplier_Invoice_ResponseType", (_CANCELED,), versioned=True),
)
