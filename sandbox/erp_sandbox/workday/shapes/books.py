"""Payments, journals, organizations and values of the tenant, read only (docs/systems/workday.md#w3-3)."""

from __future__ import annotations

from erp_sandbox.workday.contract import Attribute, ComplexType, Element
from erp_sandbox.workday.shapes.common import get_request, get_response, stream_types, updated_criteria

_PAYMENT_GROUP = (
    Element("Include_Reference", "boolean"),
    Element("Include_Originating_Bank_Data", "boolean"),
    Element("Include_Payroll_Remittance_Data", "boolean"),
    Element("Include_Payment_Group_Data", "boolean"),
)

_PAYMENTS = (
    ComplexType(
        "General_Payment_CriteriaType",
        (
            Element("Company_Reference", "ref:Organization", max=None),
            Element("Bank_Account_Reference", "ref:Financial_Account", max=None),
            Element("Payment_Category_Reference", "ref:Payment_Category", max=None),
            Element("Payment_Date_on_Date_Or_After", "date"),
            Element("Payment_Date_on_Date_Or_Before", "date"),
        ),
    ),
    ComplexType(
        "Payment_Group_DataType",
        (
            Element("Payment_Date", "date"),
            Element("Currency_Reference", "ref:Currency"),
            Element("Payment_Type_Reference", "ref:Payment_Type"),
            Element("Payment_Category_Reference", "ref:Payment_Category"),
        ),
    ),
    ComplexType(
        "Originating_Party_Bank_DataType",
        (Element("Account_Nickname", "string"), Element("Account_Number", "string")),
    ),
    ComplexType(
        "Receiving_Party_Bank_DataType",
        (Element("Account_Number", "string"), Element("Masked_Account_Number", "string")),
    ),
    ComplexType(
        "Document_Remittance_DataType",
        (
            Element("Document_Type", "string"),
            Element("Document_ID", "string"),
            Element("Document_Reference", "string"),
            Element("Document_Date", "date"),
            Element("Total_Payable_Amount", "amount"),
            Element("Amount_Paid", "amount"),
            Element("Amount_Due", "amount"),
            Element("Discount_Taken", "amount"),
        ),
    ),
    ComplexType(
        "Remittance_DataType",
        (Element("Document_Remittance_Data", "Document_Remittance_DataType", max=None),),
    ),
    ComplexType(
        "Payment_WWS_DataType",
        (
            Element("Payment_Group_Data", "Payment_Group_DataType"),
            Element("Payment_Status", "string"),
            Element("Payment_Memo", "string"),
            Element("Payment_Reference_Number", "string"),
            Element("Payment_Amount", "amount"),
            Element("Currency_Reference", "ref:Currency"),
            Element("Company_Reference", "ref:Company"),
            Element("Originating_Bank_Data", "Originating_Party_Bank_DataType", max=None),
            Element("Receiving_Party_Reference", "ref:Payee"),
            Element("Receiving_Party_Bank_Data", "Receiving_Party_Bank_DataType", max=None),
            Element("Remittance_Data", "Remittance_DataType", max=None),
        ),
    ),
    ComplexType(
        "Payments_Request_ReferencesType",
        (Element("Payment_WWS_Reference", "ref:Payment", min=1, max=None, key="References"),),
    ),
    ComplexType(
        "Payments_Request_CriteriaType",
        (Element("General_Payment_Criteria", "General_Payment_CriteriaType", max=None),),
    ),
    ComplexType("Payments_Response_GroupType", _PAYMENT_GROUP),
    ComplexType(
        "PaymentsType",
        (
            Element("Payment_Reference", "ref:Payment", key="Document_Reference"),
            Element("Payment_Data", "Payment_WWS_DataType", max=None),
        ),
    ),
    ComplexType("Payments_Response_DataType", (Element("Payment", "PaymentsType", max=None, key="Objects"),)),
    get_request(
        "Get_Payments",
        "Payments_Request_ReferencesType",
        "Payments_Request_CriteriaType",
        "Payments_Response_GroupType",
    ),
    get_response(
        "Get_Payments",
        "Payments_Request_ReferencesType",
        "Payments_Request_CriteriaType",
        "Payments_Response_GroupType",
        "Payments_Response_DataType",
    ),
)

_JOURNALS = (
    ComplexType(
        "Journal_Entry_Line_DataType",
        (
            Element("Line_Order", "string"),
            Element("Ledger_Account_Reference", "ref:Ledger_Account", min=1),
            Element("Debit_Amount", "amount"),
            Element("Credit_Amount", "amount"),
            Element("Currency_Reference", "ref:Currency"),
            Element("Memo", "string"),
            Element("Worktags_Reference", "ref:Accounting_Worktag", max=None),
        ),
    ),
    ComplexType(
        "Journal_Entry_DataType",
        (
            Element("Journal_Number", "string"),
            Element("Journal_Status_Reference", "ref:Journal_Entry_Status"),
            Element("Company_Reference", "ref:Company"),
            Element("Currency_Reference", "ref:Currency"),
            Element("Accounting_Date", "date"),
            Element("Journal_Source_Reference", "ref:Journal_Source"),
            Element("Memo", "string"),
            Element("Total_Ledger_Debits", "amount"),
            Element("Total_Ledger_Credits", "amount"),
            Element("Creation_Date", "dateTime"),
            Element("Last_Updated_Date", "dateTime"),
            Element("Journal_Entry_Line_Data", "Journal_Entry_Line_DataType", max=None),
        ),
    ),
    ComplexType(
        "Journal_Entry_Request_ReferencesType",
        (Element("JournalEntryReference", "ref:Journal_Entry", max=None, key="References"),),
    ),
    ComplexType(
        "Journal_Entry_Request_CriteriaType",
        (
            Element("Organization_Reference", "ref:Organization", max=None),
            Element("Accounting_From_Date", "date"),
            Element("Accounting_To_Date", "date"),
            *updated_criteria(),
        ),
    ),
    ComplexType("Journal_Entry_Response_GroupType", (Element("Include_Attachment_Data", "boolean"),)),
    ComplexType(
        "Journal_EntryType",
        (
            Element("Journal_Entry_Reference", "ref:Journal_Entry", key="Document_Reference"),
            Element("Journal_Entry_Data", "Journal_Entry_DataType", max=None),
        ),
    ),
    ComplexType(
        "Journal_Entry_Response_DataType", (Element("Journal_Entry", "Journal_EntryType", max=None, key="Objects"),)
    ),
    get_request(
        "Get_Journals",
        "Journal_Entry_Request_ReferencesType",
        "Journal_Entry_Request_CriteriaType",
        "Journal_Entry_Response_GroupType",
    ),
    ComplexType(
        "Get_Journals_ResponseType",  # its parts stand in an order of their own
        (
            Element("Request_References", "Journal_Entry_Request_ReferencesType"),
            Element("Request_Criteria", "Journal_Entry_Request_CriteriaType"),
            Element("Response_Filter", "Response_FilterType"),
            Element("Response_Results", "Response_ResultsType"),
            Element("Response_Group", "Journal_Entry_Response_GroupType"),
            Element("Response_Data", "Journal_Entry_Response_DataType"),
        ),
        versioned=True,
    ),
)

_ORGANIZATIONS = (
    ComplexType(
        "Organization_Request_ReferencesType",
        (Element("Organization_Reference", "ref:Organization", min=1, max=None, key="References"),),
        (Attribute("Skip_Non_Existing_Instances", "boolean"),),
    ),
    ComplexType(
        "Organization_Request_CriteriaType",
        (
            Element("Organization_Type_Reference", "ref:Organization_Type", max=None),
            Element("Include_Inactive", "boolean"),
        ),
    ),
    ComplexType(
        "Organization_Response_GroupType",
        (Element("Include_Roles_Data", "boolean"), Element("Include_Hierarchy_Data", "boolean")),
    ),
    ComplexType(
        "Organization_Hierarchy_DataType",
        (Element("Subordinate_Organization_Reference", "ref:Organization", max=None),),
    ),
    ComplexType(
        "Organization_WWS_DataType",
        (
            Element("Reference_ID", "string"),
            Element("Name", "string"),
            Element("Organization_Code", "string"),
            Element("Organization_Type_Reference", "ref:Organization_Type"),
            Element("Organization_Subtype_Reference", "ref:Organization_Subtype"),
            Element("Availibility_Date", "dateTime"),
            Element("Last_Updated_DateTime", "dateTime"),
            Element("Inactive", "boolean"),
            Element("Hierarchy_Data", "Organization_Hierarchy_DataType"),
        ),
    ),
    ComplexType(
        "Organization_WWSType",
        (
            Element("Organization_Reference", "ref:Organization", key="Document_Reference"),
            Element("Organization_Data", "Organization_WWS_DataType"),
        ),
    ),
    ComplexType(
        "Organization_Response_DataType", (Element("Organization", "Organization_WWSType", max=None, key="Objects"),)
    ),
    ComplexType(
        "Get_Organizations_RequestType",
        (
            Element("Request_References", "Organization_Request_ReferencesType"),
            Element("Request_Criteria", "Organization_Request_CriteriaType"),
            Element("Response_Filter", "Response_FilterType"),
            Element("Response_Group", "Organization_Response_GroupType"),
        ),
        versioned=True,
    ),
    get_response(
        "Get_Organizations",
        "Organization_Request_ReferencesType",
        "Organization_Request_CriteriaType",
        "Organization_Response_GroupType",
        "Organization_Response_DataType",
    ),
)

_VALUES = (
    ComplexType(
        "Payment_Type_DataType",
        (
            Element("Payment_Type_ID", "string"),
            Element("Payment_Type_Name", "string", min=1),
            Element("Payment_Method_Reference", "ref:Payment_Method", min=1),
        ),
    ),
    *stream_types(
        "Get_Payment_Types",
        "Payment_Type",
        "Payment_Type",
        "Payment_Type",
        criteria=(Element("Payment_Type_Name", "string"),),
        data=(Element("Payment_Type_Data", "Payment_Type_DataType"),),
        leaf_type="Payment_TypeType",
        response_data="Payment_Type_Response_DataType",
    ),
    ComplexType(
        "Tax_Code_DataType",
        (
            Element("Tax_Code_ID", "string"),
            Element("Tax_Code_Name", "string", min=1),
            Element("Country_Reference", "ref:Country", min=1),
            Element("Tax_Rate_Reference", "ref:Tax_Rate", max=None),
        ),
    ),
    *stream_types(
        "Get_Tax_Codes",
        "Tax_Code",
        "Tax_Code",
        "Tax_Code",
        criteria=(),
        data=(Element("Tax_Code_Data", "Tax_Code_DataType"),),
        leaf_type="Tax_CodeType",
        response_data="Tax_Code_Response_DataType",
    ),
    ComplexType(
        "Get_References_Request_CriteriaType",
        (Element("Reference_ID_Type", "string"), Element("Include_Defaulted_Values_Only", "boolean")),
    ),
    ComplexType(
        "Get_References_RequestType",
        (
            Element("Request_Criteria", "Get_References_Request_CriteriaType"),
            Element("Response_Filter", "Response_FilterType"),
        ),
        versioned=True,
    ),
    ComplexType(
        "Reference_ID_DataType",
        (
            Element("ID", "string"),
            Element("Reference_ID_Type", "string"),
            Element("Referenced_Object_Descriptor", "string"),
        ),
    ),
    ComplexType(
        "Reference_IDType",
        (
            Element("Reference_ID_Reference", "ref:Reference_Index", key="Document_Reference"),
            Element("Reference_ID_Data", "Reference_ID_DataType"),
        ),
    ),
    ComplexType(
        "Get_References_Response_DataType", (Element("Reference_ID", "Reference_IDType", max=None, key="Objects"),)
    ),
    ComplexType(
        "Get_References_ResponseType",
        (
            Element("Request_Criteria", "Get_References_Request_CriteriaType"),
            Element("Response_Filter", "Response_FilterType"),
            Element("Response_Results", "Response_ResultsType"),
            Element("Response_Data", "Get_References_Response_DataType"),
        ),
        versioned=True,
    ),
)

TYPES = (*_PAYMENTS, *_JOURNALS, *_ORGANIZATIONS, *_VALUES)
