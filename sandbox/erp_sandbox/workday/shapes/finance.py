"""Reference data: cost centers, spend categories, ledger accounts, companies, payment terms."""

from __future__ import annotations

from erp_sandbox.workday.contract import Attribute, ComplexType, Element
from erp_sandbox.workday.shapes.common import INCLUDE_REFERENCE, stream_types, updated_criteria

TYPES = (
    ComplexType(
        "Organization_Common_DataType",
        (
            Element("ID", "string"),
            Element("Organization_Name", "string"),
            Element("Organization_Code", "string"),
            Element("Include_Organization_Code_in_Name", "boolean"),
            Element("Organization_Active", "boolean"),
            Element("Availability_Date", "date", min=1),
        ),
    ),
    ComplexType(
        "Cost_Center_DataType",
        (
            Element("Organization_Data", "Organization_Common_DataType", min=1),
            Element("Organization_Subtype_Reference", "ref:Organization_Subtype", min=1),
        ),
        (Attribute("Effective_Date", "date"),),
    ),
    ComplexType(
        "Simple_Cost_Center_DataType",
        (
            Element("ID", "string"),
            Element("Organization_Name", "string"),
            Element("Organization_Subtype_Reference", "ref:Organization_Subtype"),
        ),
    ),
    *stream_types(
        "Get_Cost_Centers",
        "Cost_Center",
        "Cost_Center",
        "Cost_Center",
        criteria=updated_criteria(),
        group=(
            INCLUDE_REFERENCE,
            Element("Include_Cost_Center_Data", "boolean"),
            Element("Include_Simple_Cost_Center_Data", "boolean"),
        ),
        data=(
            Element("Cost_Center_Data", "Cost_Center_DataType"),
            Element("Simple_Cost_Center_Data", "Simple_Cost_Center_DataType"),
        ),
        leaf_type="Cost_CenterType",
        response_data="Cost_Center_Response_DataType",
    ),
    ComplexType(
        "Spend_Category_DataType",
        (
            Element("Resource_Category_ID", "string"),
            Element("Resource_Category_Name", "string", min=1),
            Element("Procurement_Usage", "boolean"),
            Element("Expense_Usage", "boolean"),
            Element("Accounting_Treatment_Reference", "ref:Accounting_Treatment", min=1),
            Element("Inactive", "boolean"),
        ),
    ),
    *stream_types(
        "Get_Resource_Categories",
        "Spend_Category",
        "Resource_Category",
        "Spend_Category",
        criteria=updated_criteria(),
        data=(Element("Resource_Category_Data", "Spend_Category_DataType"),),
        leaf_type="Spend_CategoryType",
        response_data="Spend_Category_Response_DataType",
    ),
    ComplexType(
        "Ledger_Account_DataType",
        (
            Element("Ledger_Account_Identifier", "string", min=1),
            Element("Ledger_Account_Name", "string", min=1),
            Element("Ledger_Account_Type_Reference", "ref:Ledger_Account_Type", min=1),
            Element("Retired", "boolean"),
        ),
    ),
    ComplexType(
        "Account_Set_DataType",
        (
            Element("Account_Set_ID", "string"),
            Element("Account_Set_Name", "string", min=1),
            Element("Chart_of_Accounts", "boolean"),
            Element("Ledger_Account_Data", "Ledger_Account_DataType", max=None),
        ),
    ),
    *stream_types(
        "Get_Account_Sets",
        "Account_Set",
        "Account_Set",
        "Account_Set",
        criteria=(),
        data=(Element("Account_Set_Data", "Account_Set_DataType", max=None),),
        leaf_type="Account_SetType",
        response_data="Account_Set_Response_DataType",
    ),
    ComplexType(
        "Company_Accounting_Details_DataType",
        (
            Element("Account_Set_Reference", "ref:Account_Set"),
            Element("Currency_Reference", "ref:Currency", min=1),
            Element("Reverse_Debit_Credit", "boolean", min=1),
        ),
    ),
    ComplexType(
        "Company_WWS_DataType",
        (
            Element("Organization_Data", "Organization_Common_DataType", min=1),
            Element("Organization_Subtype_Reference", "ref:Organization_Subtype", min=1),
            Element("Accounting_Data", "Company_Accounting_Details_DataType"),
        ),
    ),
    *stream_types(
        "Get_Workday_Companies",
        "Company",
        "Company",
        "Company",
        criteria=(Element("Name", "string"), Element("Code", "string")),
        group=(Element("OX_Only", "boolean"),),
        data=(Element("Company_Data", "Company_WWS_DataType", max=None),),
        leaf_type="Company_WWSType",
        response_data="Company_WWS_Response_DataType",
    ),
    ComplexType(
        "Payment_Terms_DataType",
        (
            Element("Payment_Terms_ID", "string"),
            Element("Payment_Terms_Name", "string", min=1),
            Element("Due_Days", "days"),
        ),
    ),
    *stream_types(
        "Get_Payment_Terms",
        "Payment_Term",
        "Payment_Term",
        "Payment_Terms",
        criteria=(Element("Payment_Terms_Name", "string"),),
        data=(Element("Payment_Term_Data", "Payment_Terms_DataType"),),
        leaf_type="Payment_TermType",
        response_data="Payment_Term_Response_DataType",
    ),
)
