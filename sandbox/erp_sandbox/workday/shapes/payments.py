"""Ad hoc payments of Cash_Management (docs/systems/workday.md#w4-6)."""

from __future__ import annotations

from erp_sandbox.workday.contract import Attribute, ComplexType, Element
from erp_sandbox.workday.shapes.common import INCLUDE_REFERENCE, get_request, get_response

_REFERENCE = Element("Ad_hoc_Payment_Reference", "ref:Ad_Hoc_Payment", key="Document_Reference")
_STEM = "Ad_hoc_Payment"
_GET = (
    "Get_Ad_hoc_Payments",
    f"{_STEM}_Request_ReferencesType",
    f"{_STEM}_Request_CriteriaType",
    f"{_STEM}_Response_GroupType",
)

TYPES = (
    ComplexType(
        "Ad_hoc_Payment_DataType",
        (
            Element("Ad_hoc_Payment_ID", "string"),
            Element("Submit", "boolean"),
            Element("Company_Reference", "ref:Company"),
            Element("Bank_Account_Reference", "ref:Financial_Account"),
            Element("Payee_Reference", "ref:Payee"),
            Element("Currency_Reference", "ref:Currency"),
            Element("Payment_Date", "date", min=1),
            Element("Payment_Type_Reference", "ref:Payment_Type"),
            Element("Memo", "string"),
            Element("Control_Total_Amount", "decimal"),
            Element("External_Reference_as_Text", "string"),
            Element("Invoice_Line_Replacement_Data", "Supplier_Invoice_Line_Replacement_DataType", max=None),
        ),
    ),
    ComplexType(
        "Submit_Ad_hoc_Payment_RequestType",
        (
            _REFERENCE,
            Element("Business_Process_Parameters", "Financials_Business_Process_ParametersType"),
            Element("Ad_hoc_Payment_Data", "Ad_hoc_Payment_DataType", key="Document_Data"),
        ),
        (Attribute("Add_Only", "boolean"),),
        versioned=True,
    ),
    ComplexType(
        "Submit_Ad_hoc_Payment_ResponseType",
        (_REFERENCE, Element("Exceptions_Response_Data", "Exceptions_Response_DataType")),
        versioned=True,
    ),
    ComplexType(
        _GET[1],
        (Element("Ad_hoc_Payment_Reference", "ref:Ad_Hoc_Payment", max=None, key="References"),),
    ),
    ComplexType(
        _GET[2],
        (
            Element("Company_Reference", "ref:Organization"),
            Element("Bank_Account_Reference", "ref:Financial_Account", max=None),
            Element("Payee_Reference", "ref:Payee", max=None),
            Element("Payment_Date_on_Date_or_After", "date"),
            Element("Payment_Date_on_Date_or_Before", "date"),
        ),
    ),
    ComplexType(_GET[3], (INCLUDE_REFERENCE,)),
    ComplexType(
        "Ad_hoc_PaymentType",
        (_REFERENCE, Element("Ad_hoc_Payment_Data", "Ad_hoc_Payment_DataType", max=None, key="Document_Data")),
    ),
    ComplexType(
        "Ad_hoc_Payment_Response_DataType",
        (Element("Ad_hoc_Payment", "Ad_hoc_PaymentType", max=None, key="Objects"),),
    ),
    get_request(*_GET),
    get_response(*_GET, "Ad_hoc_Payment_Response_DataType"),
)
