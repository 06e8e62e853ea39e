"""Suppliers (docs/systems/workday.md#w3-3 and #w4-2). Bank accounts are shown, but this tenant takes none in."""

from __future__ import annotations

from erp_sandbox.workday.contract import Attribute, ComplexType, Element, Version
from erp_sandbox.workday.shapes.common import get_request, get_response, updated_criteria

_WIDGETS: Version = (40, 0)
"""From here the tax ids and bank accounts sit one level deeper."""

_REFERENCE = Element("Supplier_Reference", "ref:Supplier", key="Document_Reference")

TYPES = (
    ComplexType(
        "Business_Entity_WWS_DataType",
        (
            Element("Business_Entity_Name", "string"),
            Element("Business_Entity_Tax_ID", "string"),
            Element("External_Entity_ID", "string"),
            Element("Contact_Data", "Contact_Information_DataType"),
        ),
    ),
    ComplexType(
        "Supplier_Status_DataType",
        (Element("Status_Reference", "ref:Business_Entity_Status_Value"),),
    ),
    ComplexType(
        "Settlement_Account_WWS_DataType",
        (
            Element("Settlement_Bank_Account_ID", "string"),
            Element("Country_Reference", "ref:Country"),
            Element("Currency_Reference", "ref:Currency"),
            Element("Bank_Account_Nickname", "string"),
            Element("Bank_Name", "string"),
            Element("Routing_Transit_Number", "string"),
            Element("Bank_Account_Number", "string"),
            Element("Bank_Account_Name", "string"),
            Element("IBAN", "string"),
        ),
    ),
    ComplexType(
        "Settlement_Account_Widget_DataType",
        (Element("Settlement_Account_Data", "Settlement_Account_WWS_DataType", max=None),),
    ),
    ComplexType("Tax_ID_Widget_DataType", (Element("Tax_ID_Data", "Tax_ID_DataType", max=None),)),
    ComplexType(
        "Supplier_DataType",
        (
            Element("Supplier_ID", "string"),
            Element("Supplier_Reference_ID", "string"),
            Element("Supplier_Name", "string"),
            Element("Worktag_Only", "boolean"),
            Element("Approval_Status_Reference", "ref:Document_Status"),
            Element("Submit", "boolean"),
            Element("Tax_ID_Data", "Tax_ID_DataType", max=None, until=_WIDGETS),
            Element("Tax_ID_Widget_Data", "Tax_ID_Widget_DataType", since=_WIDGETS),
            Element("Supplier_Category_Reference", "ref:Supplier_Category"),
            Element("Supplier_Group_Reference", "ref:Supplier_Group", max=None),
            Element("Customer_Account_Number", "string"),
            Element("DUNS_Number", "string"),
            Element("Payment_Terms_Reference", "ref:Payment_Terms"),
            Element("Payment_Types_Accepted_Reference", "ref:Payment_Type", max=None),
            Element("Default_Payment_Type_Reference", "ref:Payment_Type"),
            Element("Business_Entity_Data", "Business_Entity_WWS_DataType"),
            Element("Settlement_Account_Data", "Settlement_Account_WWS_DataType", max=None, until=_WIDGETS),
            Element("Settlement_Account_Widget_Data", "Settlement_Account_Widget_DataType", since=_WIDGETS),
            Element("Supplier_Status_Data", "Supplier_Status_DataType", max=None),
            Element("Currency_Reference", "ref:Currency"),
            Element("Accepted_Currencies_Reference", "ref:Currency", max=None),
        ),
    ),
    ComplexType("SupplierType", (_REFERENCE, Element("Supplier_Data", "Supplier_DataType", key="Document_Data"))),
    ComplexType("Supplier_Response_DataType", (Element("Supplier", "SupplierType", max=None, key="Objects"),)),
    ComplexType(
        "Supplier_Request_ReferencesType",
        (Element("Supplier_Reference", "ref:Supplier", min=1, max=None, key="References"),),
    ),
    ComplexType(
        "Supplier_Request_CriteriaType",
        (
            *updated_criteria(),
            Element("Supplier_Status_Reference", "ref:Business_Entity_Status_Value", max=None),
            Element("Supplier_Category_Reference", "ref:Supplier_Category", max=None),
            Element("Customer_Account_Number", "string"),
            Element("DUNS_Number", "string9"),
        ),
    ),
    ComplexType(
        "Supplier_Response_GroupType",
        (Element("Include_Reference", "boolean"), Element("Include_Attachment_Data", "boolean")),
    ),
    get_request(
        "Get_Suppliers",
        "Supplier_Request_ReferencesType",
        "Supplier_Request_CriteriaType",
        "Supplier_Response_GroupType",
    ),
    get_response(
        "Get_Suppliers",
        "Supplier_Request_ReferencesType",
        "Supplier_Request_CriteriaType",
        "Supplier_Response_GroupType",
        "Supplier_Response_DataType",
    ),
    ComplexType(
        "Submit_Supplier_RequestType",
        (
            _REFERENCE,
            Element("Business_Process_Parameters", "Financials_Business_Process_ParametersType"),
            Element("Supplier_Data", "Supplier_DataType", min=1, key="Document_Data"),
        ),
        (Attribute("Add_Only", "boolean"),),
        versioned=True,
    ),
    ComplexType(
        "Submit_Supplier_ResponseType",
        (_REFERENCE, Element("Exceptions_Response_Data", "Exceptions_Response_DataType")),
        versioned=True,
    ),
)
