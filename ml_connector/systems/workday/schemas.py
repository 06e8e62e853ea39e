"""What the objects of Workday consist of (contract v30; newer names from docs/systems/workday.md#w3-3 and #w4-1).

Everything but the WID may be missing. Elements that newer versions add pass through under their own names.
"""

from __future__ import annotations

import typing as t

from ml_connector.systems.workday.fields import (
    Schema,
    Shape,
    amount,
    date,
    flag,
    json_schema,
    left_out,
    part,
    parts,
    ref,
    refs,
    shape,
    text,
    texts,
    time,
    wrapper,
)

__all__ = [
    "ACCOUNT_SET",
    "ADJUSTMENT",
    "ATTACHMENT_ROW",
    "COMPANY",
    "COST_CENTER",
    "CUSTOM_REPORT_ROW",
    "INVOICE",
    "JOURNAL",
    "LEDGER_ACCOUNT",
    "ORGANIZATION",
    "PAYMENT",
    "PAYMENT_TERMS",
    "PAYMENT_TYPE",
    "PROJECT",
    "PURCHASE_ORDER",
    "REFERENCE_ID",
    "SPEND_CATEGORY",
    "SUPPLIER",
    "TAX_CODE",
    "invoice_schema",
    "ledger_account_schema",
    "stream_schema",
]

_TENANT: t.Final[Schema] = {"type": "string", "description": "The tenant read. Added by tap-workday."}
_OWN: t.Final[dict[str, Schema]] = {
    "wid": {"type": "string", "description": "Workday's id: stable within a tenant, different in another one."},
    "id": {
        "type": ["string", "null"],
        "description": "The id people and integrations use; the WID where there is none.",
    },
    "descriptor": {"type": ["string", "null"], "description": "What Workday calls it."},
}


def stream_schema(of: Shape) -> Schema:
    """Return the schema of a stream: what a row is known by, the tenant, and what the row consists of."""
    own_ids = json_schema(shape(ref("X")))["x_refs"]
    properties: dict[str, Schema] = {**_OWN, "refs": own_ids, "tenant": _TENANT, **json_schema(of)}
    return _object(properties, ["wid", "tenant"])


def invoice_schema() -> Schema:
    """Return the schema of supplier invoices, which tell how far they are paid beside what Workday says in them."""
    made = stream_schema(INVOICE)
    number: Schema = {"type": ["number", "null"]}
    made["properties"] |= {
        "payment_status": {
            "type": ["string", "null"],
            "description": "UNPAID, PARTIALLY_PAID or PAID, by payments and WQL; null where that is not known.",
        },
        "paid_amount": {**number, "description": "What payments and their discounts settle of it; null if not known."},
        "remaining_amount": {**number, "description": "What is left of its total; null where that is not known."},
    }
    return made


def ledger_account_schema(of: Shape) -> Schema:
    """Return the schema of ledger accounts, which have no id but their number within an account set."""
    properties: dict[str, Schema] = {
        "account_set_id": {"type": "string", "description": "The account set the number belongs to."},
        "account_set_name": {"type": ["string", "null"]},
        "account_set_wid": {"type": ["string", "null"]},
        "tenant": _TENANT,
        **json_schema(of),
    }
    properties["ledger_account_identifier"] = {"type": "string", "description": "The number of the account."}
    return _object(properties, ["account_set_id", "ledger_account_identifier", "tenant"])


def _object(properties: dict[str, Schema], required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": True}


_ATTACHMENT = shape(left_out("File_Content"), text("Comment"), flag("External"))
_TAX_ID = shape(text("Tax_ID_Text"), ref("Tax_ID_Type_Reference"), flag("Transaction_Tax_ID"), flag("Primary_Tax_ID"))
_USAGE = shape(parts("Type_Data", inside=shape(ref("Type_Reference"))), refs("Use_For_Reference"), texts("Comments"))
_NAMED_TEXT = shape(text("Type"), text("Descriptor"), text("Value"))
_ADDRESS = shape(
    text("Formatted_Address", about="The whole of it."),
    date("Effective_Date"),
    ref("Country_Reference"),
    time("Last_Modified"),
    parts("Address_Line_Data", inside=_NAMED_TEXT),
    text("Municipality"),
    parts("Submunicipality_Data", inside=_NAMED_TEXT),
    ref("Country_Region_Reference"),
    text("Country_Region_Descriptor"),
    parts("Subregion_Data", inside=_NAMED_TEXT),
    text("Postal_Code"),
    parts("Usage_Data", inside=_USAGE),
)
_CONTACT = shape(
    parts("Address_Data", inside=_ADDRESS),
    parts(
        "Phone_Data",
        inside=shape(
            text("Formatted_Phone"),
            text("Country_ISO_Code"),
            text("International_Phone_Code"),
            text("Area_Code"),
            text("Phone_Number"),
            text("Phone_Extension"),
            ref("Phone_Device_Type_Reference"),
            parts("Usage_Data", inside=_USAGE),
        ),
    ),
    parts(
        "Email_Address_Data",
        inside=shape(text("Email_Address"), text("Email_Comment"), parts("Usage_Data", inside=_USAGE)),
    ),
    parts("Web_Address_Data", inside=shape(text("Web_Address"), parts("Usage_Data", inside=_USAGE))),
)
_BANK = (
    ref("Country_Reference"),
    ref("Currency_Reference"),
    text("Bank_Account_Nickname"),
    ref("Bank_Account_Type_Reference"),
    text("Bank_Name"),
    text("Routing_Transit_Number", about="Last four characters, unless include_bank_details."),
    text("Branch_ID"),
    text("Branch_Name"),
    text("Bank_Account_Number", about="Last four characters, unless include_bank_details."),
    text("Check_Digit"),
    text("Bank_Account_Name"),
    text("Roll_Number"),
    text("IBAN", about="Last four characters, unless include_bank_details."),
    text("SWIFT_Bank_Identification_Code"),
    flag("Inactive"),
    text("Bank_Instructions"),
)
_INTERMEDIARY_BANKS = parts("Intermediary_Bank_Data", inside=shape(text("Intermediary_Bank_Order"), *_BANK))
_RELATED_WORKTAGS = part(
    "Related_Worktags_Data",
    shape(
        parts(
            "Related_Worktags_by_Type_Data",
            inside=shape(
                ref("Worktag_Type_Reference"),
                flag("Required_On_Transaction"),
                flag("Required_On_Transaction_For_Validation"),
                part("Default_Worktag_Data", shape(ref("Default_Worktag_Reference"))),
                parts("Allowed_Worktag_Data", inside=shape(ref("Allowed_Worktag_Reference"))),
            ),
        )
    ),
)
_WORKTAGS = refs(
    "Worktags_Reference", "Worktag_Reference", about="One per type; type says of which (Cost_Center_Reference_ID ...)."
)

SUPPLIER: t.Final = shape(
    text("Supplier_ID"),
    text("Supplier_Reference_ID"),
    text("Supplier_Name"),
    flag("Worktag_Only", about="True for suppliers that are worktags and can never be owed money."),
    refs("Restricted_To_Companies_Reference"),
    ref("Approval_Status_Reference"),
    flag("Submit"),
    ref("Tax_Authority_Form_Type_Reference"),
    flag("IRS_1099_Supplier"),
    wrapper("Tax_ID_Widget_Data"),
    parts("Tax_ID_Data", inside=_TAX_ID),
    ref("Supplier_Category_Reference"),
    refs("Supplier_Group_Reference"),
    date("Tax_Document_Date"),
    ref("Default_Tax_Code_Reference"),
    ref("Default_Withholding_Tax_Code_Reference"),
    flag("FATCA"),
    date("Certificate_of_Insurance_Date"),
    text("Customer_Account_Number", about="Our account at the supplier. Not a bank account."),
    text("DUNS_Number"),
    flag("Invoice_Any_Supplier"),
    ref("Purchase_Order_Issue_Option_Reference"),
    ref("Shipping_Terms_Reference"),
    ref("Shipping_Method_Reference"),
    ref("Payment_Terms_Reference"),
    refs("Payment_Types_Accepted_Reference"),
    ref("Default_Payment_Type_Reference"),
    refs("Included_Children_Reference"),
    part(
        "Business_Entity_Data",
        shape(
            text("Business_Entity_Name"),
            text("Business_Entity_Tax_ID"),
            text("External_Entity_ID", about="The id an integration gave it."),
            part("Contact_Data", _CONTACT),
            left_out("Business_Entity_Logo_Image_Data"),
        ),
    ),
    wrapper("Settlement_Account_Widget_Data"),
    parts(
        "Settlement_Account_Data",
        inside=shape(
            text("Settlement_Bank_Account_ID"),
            *_BANK,
            refs("Accepts_Payment_Types_Reference"),
            refs("Payment_Types_Reference"),
            flag("For_Supplier_Connections_Only"),
            flag("Requires_Prenote"),
            _INTERMEDIARY_BANKS,
        ),
    ),
    parts(
        "Supplier_Status_Data",
        inside=shape(ref("Status_Reference"), ref("Reason_Reference"), text("Reason_Description")),
    ),
    flag("Always_Separate_Payments"),
    ref("Currency_Reference"),
    refs("Accepted_Currencies_Reference"),
    parts(
        "Business_Entity_Alternate_Name_Data",
        inside=shape(text("Alternate_Name"), refs("Alternate_Name_Usage_Reference")),
    ),
    refs("Spend_Category_or_Hierarchy_Reference"),
    parts("Attachment_Data", inside=_ATTACHMENT),
)

_ORGANIZATION_DATA = part(
    "Organization_Data",
    shape(
        text("ID"),
        flag("Include_Organization_ID_in_Name"),
        text("Organization_Name"),
        text("Organization_Code"),
        flag("Include_Organization_Code_in_Name"),
        flag("Organization_Active"),
        date("Availability_Date"),
        parts("Integration_ID_Data", inside=shape(parts("ID", inside=shape(text("System_ID"), text("Value"))))),
    ),
)
COST_CENTER: t.Final = shape(
    date("Effective_Date"),
    refs("Restricted_To_Company_or_Company_Hierarchy_Reference"),
    _ORGANIZATION_DATA,
    ref("Organization_Subtype_Reference"),
    refs("Organization_Container_Reference"),
    _RELATED_WORKTAGS,
)
COMPANY: t.Final = shape(
    date("Effective_Date"),
    wrapper("Tax_ID_Widget_Data"),
    parts("Tax_ID_Data", inside=_TAX_ID),
    _ORGANIZATION_DATA,
    ref("Organization_Subtype_Reference"),
    refs("Organization_Container_Reference"),
    part("Contact_Data", _CONTACT),
    part(
        "Accounting_Data",
        shape(
            ref("Fiscal_Schedule_Reference"),
            ref("Account_Set_Reference"),
            ref("Alternate_Account_Set_Reference"),
            ref("Default_Account_Set_Reference"),
            ref("Currency_Reference"),
            ref("Account_Posting_Rule_Set_Reference"),
            flag("Reverse_Debit_Credit"),
            flag("Keep_Debit_Credit_and_Reverse_Sign"),
        ),
    ),
)
ORGANIZATION: t.Final = shape(
    text("Reference_ID"),
    text("Name"),
    text("Description"),
    text("Organization_Code"),
    ref("Organization_Type_Reference"),
    ref("Organization_Subtype_Reference"),
    time("Availibility_Date"),
    time("Last_Updated_DateTime", about="An effective date, which may lie in the future."),
    flag("Inactive"),
    date("Inactive_Date"),
    ref("Organization_Visibility_Reference"),
    part(
        "Hierarchy_Data",
        shape(
            ref("Top-Level_Organization_Reference"),
            ref("Superior_Organization_Reference"),
            refs("Subordinate_Organization_Reference"),
            refs("Included_Organization_Reference"),
            refs("Included_In_Organization_Reference"),
        ),
    ),
)
SPEND_CATEGORY: t.Final = shape(
    text("Resource_Category_ID", about="The same as the type Spend_Category_ID of references."),
    text("Resource_Category_Name"),
    refs("Spend_Category_Usage_Reference"),
    flag("Procurement_Usage"),
    flag("Expense_Usage"),
    ref("Tax_Applicability_Reference"),
    flag("Allocate_Freight"),
    flag("Allocate_Other_Charges"),
    flag("Track_Items"),
    flag("Stock_Items"),
    ref("Accounting_Treatment_Reference"),
    ref("Asset_Type_Reference"),
    ref("Asset_Class_Reference"),
    text("Commodity_Code"),
    text("Description"),
    flag("Inactive"),
    _RELATED_WORKTAGS,
)
LEDGER_ACCOUNT: t.Final = shape(
    text("Ledger_Account_Identifier"),
    text("Ledger_Account_Name"),
    ref("Ledger_Account_Type_Reference"),
    flag("Retired"),
    refs("Restricted_To_Company_or_Hierarchy_Reference"),
)
ACCOUNT_SET: t.Final = shape(
    text("Account_Set_ID"),
    text("Account_Set_Name"),
    flag("Chart_of_Accounts"),
    parts("Ledger_Account_Data", inside=LEDGER_ACCOUNT),
)
PROJECT: t.Final = shape(
    text("Workday_Project_ID", "Project_ID"),
    flag("Locked_in_Workday"),
    ref("Project_Hierarchy_Reference"),
    refs("Optional_Project_Hierarchy_Reference"),
    text("Project_Name"),
    flag("Worktag_Only"),
    flag("Inactive"),
    ref("Project_Status_Reference"),
    ref("Project_Owner_Reference"),
    date("Start_Date"),
    date("End_Date"),
    ref("Currency_Reference"),
    flag("Billable"),
    flag("Capital"),
    text("Description"),
    amount("Overall_Percent_Complete"),
    ref("Company_Reference"),
    ref("Customer_Reference"),
    ref("Project_Group_Reference"),
    text("External_Project_Reference_Name"),
    amount("Estimated_Budget"),
    amount("Estimated_Revenue"),
    amount("Realized_Revenue"),
    ref("Balancing_Worktag_Reference"),
    parts("Project_Attachment_Data", inside=_ATTACHMENT),
)
PAYMENT_TERMS: t.Final = shape(
    text("Payment_Terms_ID"),
    text("Payment_Terms_Name"),
    amount("Due_Days"),
    amount("Payment_Discount_Days"),
    amount("Payment_Discount_Percent"),
    amount("Grace_Days"),
)
PAYMENT_TYPE: t.Final = shape(text("Payment_Type_ID"), text("Payment_Type_Name"), ref("Payment_Method_Reference"))
TAX_CODE: t.Final = shape(
    text("Tax_Code_ID"),
    text("Tax_Code_Name"),
    flag("Transaction_Tax_ID_Required"),
    ref("Country_Reference"),
    flag("Exempt"),
    refs("Tax_Rate_Reference"),
)
REFERENCE_ID: t.Final = shape(
    text("ID"), text("New_ID"), text("Reference_ID_Type"), text("Referenced_Object_Descriptor")
)

_TAX_CODE_DATA = shape(
    ref("Tax_Applicability_Reference"),
    ref("Tax_Code_Reference"),
    amount("Taxable_Amount"),
    parts("Tax_Rate_Data", inside=shape(ref("Tax_Rate_Reference"), amount("Taxable_Amount"))),
)
_RATES = (
    wrapper("Currency_Rate_Data"),
    ref("Currency_Rate_Type_Override_Reference"),
    date("Currency_Rate_Date_Override"),
    amount("Currency_Rate_Manual_Override"),
    amount("Document_Currency_Conversion_Rate"),
    flag("Rate_Override"),
    amount("Currency_Rate_Lookup_Override"),
    amount("Manual_Override_Percent"),
    refs("Default_Rate_Type_Reference"),
    date("Rate_Basis_Date"),
    amount("Default_Currency_Rate"),
)
_LINE_SPLIT = shape(
    ref("Supplier_Invoice_Line_Split_Reference"),
    text("Supplier_Invoice_Line_Split_ID"),
    amount("Quantity"),
    amount("Extended_Amount"),
    text("Memo"),
    ref("Line_Split_Allocation_Reference"),
    date("Budget_Date"),
    _WORKTAGS,
    flag("Billable"),
)
_LINES = parts(
    "Invoice_Line_Replacement_Data",
    inside=shape(
        text("Supplier_Invoice_Line_ID"),
        text("Line_Order"),
        ref("Intercompany_Affiliate_Reference"),
        ref("Item_Reference", "Purchase_Item_Reference"),
        text("Item_Description"),
        ref("Purchase_Order_Line_Reference"),
        ref("Supplier_Contract_Line_Reference"),
        ref("Customer_Invoice_Line_Reference"),
        ref("Spend_Category_Reference", about="Workday derives the ledger account from it."),
        ref("Ship_To_Address_Reference"),
        ref("Ship_To_Contact_Reference"),
        ref("Accounting_Treatment_Reference"),
        flag("Trackable_Item"),
        ref("Tax_Applicability_Reference"),
        ref("Tax_Code_Reference"),
        ref("Withholding_Tax_Code_Reference"),
        text("Packaging_String"),
        amount("Quantity"),
        ref("Unit_of_Measure_Reference"),
        amount("Unit_Cost"),
        amount("Extended_Amount", about="Without tax."),
        amount("Retention_Amount"),
        amount("Payment_Amount"),
        date("Budget_Date"),
        flag("Prepaid"),
        text("Memo"),
        _WORKTAGS,
        flag("Billable"),
        parts("Supplier_Invoice_Split_Line_Data", inside=_LINE_SPLIT),
    ),
)
_PARTIES = (
    ref("Company_Reference"),
    ref("Currency_Reference"),
    ref("Contingent_Worker_Reference"),
    ref("Supplier_Reference"),
    ref("Supplier_Connection_Reference"),
)
_TAX_DEFAULTS = (
    ref("Default_Tax_Option_Reference", "Tax_Option_Reference"),
    ref("Ship-To_Address_Reference"),
    ref("Default_Tax_Code_Reference", "Tax_Code_Reference"),
    ref("Default_Withholding_Tax_Code_Reference"),
)
_AMOUNTS = (
    amount("Tax_Amount"),
    amount("Withholding_Tax_Amount"),
    amount("Freight_Amount"),
    amount("Other_Charges"),
)
_TERMS = (
    ref("Payment_Terms_Reference"),
    ref("Override_Payment_Type_Reference"),
    ref("Handling_Code_Reference"),
)
_SUPPLIERS_NUMBER = text(
    "Suppliers_Invoice_Number", "Supplier_Reference_Number", about="The number the supplier gave its invoice."
)
INVOICE: t.Final = shape(
    text("Supplier_Invoice_ID"),
    flag("Submit"),
    flag("Locked_in_Workday"),
    text("Invoice_Number", about="Workday's own number."),
    ref("Invoice_Document_Status_Reference", about="DRAFT, IN_PROGRESS, APPROVED, CANCELED ...; never how it is paid."),
    *_PARTIES,
    *_TAX_DEFAULTS,
    date("Invoice_Date"),
    date("Invoice_Received_Date"),
    date("Due_Date_Override"),
    date("Accounting_Date_Override"),
    date("Budget_Date"),
    flag("On_Hold"),
    amount("Control_Amount_Total"),
    *_AMOUNTS,
    amount("Discount_Amount_Override"),
    flag("Supplier_Document_Received"),
    _SUPPLIERS_NUMBER,
    text("Additional_Reference_Number"),
    ref("Additional_Type_Reference"),
    ref("External_Supplier_Invoice_Source_Reference"),
    text("External_PO_Number"),
    ref("Supplier_Contract_Reference"),
    text("Document_Link"),
    ref("Supplier_Invoice_Request_Reference"),
    ref("Requester_Reference"),
    ref("Approver_Reference"),
    text("Memo"),
    *_TERMS,
    flag("Prepaid"),
    amount("Gross_Invoice_Amount"),
    amount("Total_Amount_Retained"),
    amount("Total_Amount_Released"),
    text("Retention_Memo"),
    *_RATES,
    parts("Attachment_Data", inside=_ATTACHMENT),
    parts("Tax_Code_Data", inside=_TAX_CODE_DATA),
    _LINES,
)
ADJUSTMENT: t.Final = shape(
    text("Supplier_Invoice_Adjustment_ID"),
    flag("Submit"),
    flag("Locked_in_Workday"),
    text("Invoice_Number"),
    ref("Invoice_Document_Status_Reference", "Document_Status_Reference"),
    *_PARTIES,
    flag("Increase_Liability", about="False for a credit."),
    ref("Adjustment_Reason_Reference"),
    date("Adjustment_Date"),
    date("Due_Date_Override"),
    date("Accounting_Date_Override"),
    date("Budget_Date"),
    *_TAX_DEFAULTS,
    amount("Control_Total_Amount"),
    *_AMOUNTS,
    ref("Original_Invoice_Reference"),
    text("Original_Invoice_Suppliers_Invoice_Number", "Original_Invoice_Supplier_Reference_Number"),
    *_TERMS,
    flag("On_Hold"),
    flag("Supplier_Document_Received"),
    _SUPPLIERS_NUMBER,
    text("External_PO_Number"),
    ref("Supplier_Contract_Reference"),
    text("Document_Link"),
    text("Document_Memo"),
    *_RATES,
    parts("Attachment_Data", inside=_ATTACHMENT),
    parts("Tax_Code_Data", inside=_TAX_CODE_DATA),
    _LINES,
)

_ORDER_SPLIT = shape(
    ref("Business_Document_Line_Split_Reference"),
    text("Business_Document_Line_Split_ID"),
    amount("Quantity"),
    amount("Extended_Amount"),
    text("Memo"),
    ref("Line_Split_Allocation_Reference"),
    _WORKTAGS,
)
_ORDER_LINE_CODING = (
    ref("Item_Reference"),
    ref("Supplier_Contract_Line_Reference"),
    ref("Resource_Category_Reference", about="The spend category."),
    ref("Tax_Applicability_Reference"),
    ref("Tax_Code_Reference"),
)
_ORDER_LINE_REST = (
    flag("Prepaid"),
    flag("Retention"),
    text("Memo"),
    ref("Ship_To_Address_Reference"),
    ref("Ship_To_Contact_Reference"),
    ref("Deliver_To_Location_Reference"),
    refs("Requisition_Line_Reference"),
    ref("Storage_Location_Reference"),
)
_ON_LINE_OR_SPLITS = refs("Worktags_Reference", "Worktag_Reference", about="On the splits, when the line is split.")
PURCHASE_ORDER: t.Final = shape(
    text("Purchase_Order_ID"),
    flag("Locked_in_Workday"),
    text("Document_Number", about="The number people see."),
    ref("Purchase_Order_Document_Status_Reference"),
    ref("Company_Reference"),
    ref("Supplier_Reference"),
    date("Document_Date"),
    flag("Acknowledgement_Expected"),
    amount("Tax_Amount"),
    amount("Freight_Amount"),
    amount("Other_Charges"),
    ref("Payment_Terms_Reference"),
    ref("Override_Payment_Type_Reference"),
    ref("Shipping_Terms_Reference"),
    ref("Shipping_Method_Reference"),
    text("Shipping_Instruction"),
    date("Due_Date"),
    ref("Supplier_Contract_Reference"),
    ref("Currency_Reference"),
    ref("Default_Tax_Option_Reference", "Tax_Option_Reference"),
    ref("Default_Tax_Code_Reference", "Tax_Code_Reference"),
    ref("Issue_Option_Reference"),
    ref("Buyer_Reference"),
    ref("Bill_To_Contact_Reference"),
    ref("Ship_To_Contact_Reference"),
    text("Memo"),
    text("Internal_Memo"),
    flag("Prepaid"),
    amount("Percent_to_Retain"),
    parts(
        "Goods_Line_Data",
        inside=shape(
            text("Goods_Purchase_Order_Line_ID"),
            amount("Line_Number"),
            text("Item_Description"),
            *_ORDER_LINE_CODING,
            amount("Quantity"),
            ref("Unit_of_Measure_Reference"),
            amount("Unit_Cost"),
            amount("Extended_Amount"),
            date("Due_Date"),
            ref("Delivery_Type_Reference"),
            date("Requested_Delivery_Date"),
            *_ORDER_LINE_REST,
            _ON_LINE_OR_SPLITS,
            parts("Goods_Purchase_Order_Line_Split_Data", inside=_ORDER_SPLIT),
            refs("Item_Tag_Reference"),
        ),
    ),
    parts(
        "Deliverables_Line_Data",
        inside=shape(
            text("Deliverables_Order_Line_ID"),
            amount("Line_Number"),
            ref("Project_Reference"),
            ref("Resource_Category_Reference"),
            text("Memo"),
            amount("Extended_Amount"),
            _ON_LINE_OR_SPLITS,
            parts("Deliverables_Purchase_Order_Line_Split_Data", inside=_ORDER_SPLIT),
        ),
    ),
    parts(
        "Service_Line_Data",
        inside=shape(
            text("Service_Order_Line_ID"),
            amount("Line_Number"),
            text("Description"),
            *_ORDER_LINE_CODING,
            amount("Extended_Amount"),
            date("Due_Date"),
            date("Start_Date"),
            date("End_Date"),
            *_ORDER_LINE_REST,
            _ON_LINE_OR_SPLITS,
            parts("Service_Purchase_Order_Line_Split_Data", inside=_ORDER_SPLIT),
        ),
    ),
    parts(
        "Contingent_Worker_Line_Data",
        inside=shape(
            amount("Line_Number"),
            ref("Contingent_Worker_Reference"),
            ref("Position_Reference"),
            ref("Location_Reference"),
            date("Start_Date"),
            date("End_Date"),
            amount("Scheduled_Hours"),
            amount("Contract_Pay_Rate"),
            amount("Extended_Amount"),
            ref("Resource_Category_Reference"),
            ref("Tax_Applicability_Reference"),
            ref("Tax_Code_Reference"),
            _WORKTAGS,
            text("Memo"),
        ),
    ),
    parts("Tax_Code_Data", inside=_TAX_CODE_DATA),
    parts("Attachment_Data", inside=_ATTACHMENT),
)

PAYMENT: t.Final = shape(
    part(
        "Payment_Group_Data",
        shape(
            ref("Payment_Group_Reference"),
            date("Payment_Date"),
            ref("Currency_Reference"),
            ref("Payment_Type_Reference"),
            ref("Payment_Method_Reference"),
            ref("Payment_Category_Reference"),
        ),
    ),
    ref("Settlement_Run_Reference"),
    text("Payment_Status"),
    text("Payment_Memo"),
    text("Payment_Reference_Number"),
    amount("Payment_Amount"),
    text("Amount_as_Text"),
    amount("Discount_Taken"),
    ref("Currency_Reference"),
    text("Currency_Symbol"),
    text("Currency_Description"),
    amount("Check_or_Advice_Number"),
    text("Check_Number"),
    flag("Prenote_Flag"),
    ref("Handling_Code_Reference"),
    ref("Tax_Code_Reference"),
    ref("Company_Reference"),
    refs("On_Behalf_of_Company_Reference"),
    parts(
        "Originating_Bank_Data",
        inside=shape(
            refs("Bank_Account_Reference"),
            text("Account_Nickname"),
            text("Account_Number", about="Last four characters, unless include_bank_details."),
            text("IBAN", about="Last four characters, unless include_bank_details."),
            text("Routing_Transit_Number"),
            text("Bank_Identification_Code"),
            text("Branch_Name"),
            ref("Country_Reference"),
            ref("Currency_Reference"),
            text("Bank_Account_Name"),
        ),
    ),
    ref("Receiving_Party_Reference", about="The payee: a Supplier_ID for suppliers."),
    parts(
        "Receiving_Party_Bank_Data",
        inside=shape(
            text("Bank_Account_Nickname"),
            text("Account_Number", about="Last four characters, unless include_bank_details."),
            text("Masked_Account_Number"),
            text("Account_Type"),
            text("Bank_Name"),
            text("IBAN", about="Last four characters, unless include_bank_details."),
            text("BIC"),
            ref("Country_Reference"),
            ref("Currency_Reference"),
            _INTERMEDIARY_BANKS,
        ),
    ),
    left_out("Receiving_Party_Credit_Card_Data"),
    parts(
        "Remittance_Data",
        inside=shape(
            parts("Unstructured_Remittance_Data", inside=shape(texts("Addenda_Line"))),
            parts(
                "Document_Remittance_Data",
                about="The documents paid.",
                inside=shape(
                    text("Document_Type"),
                    text("Document_ID", about="The number of the document."),
                    text("Document_Reference", about="The supplier's number of it."),
                    text("Additional_Document_Reference"),
                    date("Document_Date"),
                    amount("Total_Payable_Amount"),
                    amount("Amount_Paid"),
                    amount("Amount_Due"),
                    amount("Discount_Taken"),
                    amount("Tax_Amount"),
                    text("Additional_Info"),
                    text("Document_Memo"),
                    amount("Withheld_Tax_Amount"),
                ),
            ),
        ),
    ),
    left_out("Payroll_Remittance_Data", "Payroll_Result_Gross_Amount_Data", "Payroll_Result_Country_Data"),
)

JOURNAL: t.Final = shape(
    ref("Journal_Entry_Reference"),
    text("Journal_Number"),
    text("Journal_Sequence_Number"),
    ref("Journal_Status_Reference"),
    ref("Company_Reference"),
    ref("Currency_Reference"),
    ref("Book_Code_Reference"),
    ref("Ledger_Reference"),
    ref("Display_Account_Set_Reference"),
    ref("Ledger_Period_Reference"),
    date("Accounting_Date"),
    ref("Journal_Source_Reference"),
    ref("Balancing_Worktag_Reference"),
    refs("Optional_Balancing_Worktags_Reference"),
    date("Transaction_Date"),
    ref("Operational_Transaction_Reference"),
    flag("Record_Quantity"),
    text("Memo"),
    text("External_Reference_ID"),
    text("Document_Link"),
    ref("Originated_By_Reference"),
    refs("Approved_by_Reference"),
    amount("Total_Ledger_Debits"),
    amount("Total_Ledger_Credits"),
    time("Creation_Date"),
    time("Last_Updated_Date", about="The last change within the window that was read."),
    parts(
        "Journal_Entry_Line_Data",
        inside=shape(
            text("Line_Order"),
            ref("Line_Company_Reference"),
            ref("Ledger_Account_Reference"),
            ref("Alternate_Ledger_Account_Reference"),
            amount("Debit_Amount"),
            amount("Credit_Amount"),
            ref("Currency_Reference"),
            amount("Currency_Rate"),
            amount("Ledger_Debit_Amount"),
            amount("Ledger_Credit_Amount"),
            amount("Quantity"),
            ref("Unit_of_Measure_Reference"),
            text("Memo"),
            text("External_Reference_ID"),
            date("Budget_Date"),
            _WORKTAGS,
            flag("Exclude_from_Spend_Report"),
        ),
    ),
    parts("Attachment_Data", inside=_ATTACHMENT),
)

ATTACHMENT_ROW: t.Final[Schema] = _object(
    {
        "id": {"type": "string", "description": "WID of the invoice and beginning of the content's hash."},
        "tenant": _TENANT,
        "supplier_invoice_wid": {"type": "string", "description": "The invoice it belongs to."},
        **json_schema(
            shape(
                text("Supplier_Invoice_ID"),
                text("Invoice_Number", about="Of the invoice, as all the following up to its dates."),
                text("Suppliers_Invoice_Number"),
                ref("Invoice_Document_Status_Reference"),
                ref("Company_Reference"),
                ref("Supplier_Reference"),
                date("Invoice_Date"),
                date("Due_Date_Override"),
                text("Filename"),
                text("Content_Type"),
                text("Comment"),
            )
        ),
        "compressed": {"type": "boolean", "description": "Whether Workday says that the content is compressed."},
        "size": {"type": "integer", "description": "Bytes of the content."},
        "sha256": {"type": "string", "description": "Hash of the content, hexadecimal."},
        "content": {
            "type": ["string", "null"],
            "description": "The file as base64; null where it is larger than largest_attachment_mb.",
        },
    },
    ["id", "tenant", "supplier_invoice_wid", "size", "sha256"],
)
CUSTOM_REPORT_ROW: t.Final[Schema] = _object(
    {
        "report": {"type": "string", "description": "Name of the report, as set."},
        "key": {"type": "string", "description": "Values of the key columns, else a hash of the row."},
        "tenant": _TENANT,
        "row": {"type": "object", "description": "The row as the report gives it.", "additionalProperties": True},
    },
    ["report", "key", "tenant", "row"],
)
