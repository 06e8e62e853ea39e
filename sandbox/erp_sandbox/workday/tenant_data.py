"""Values every tenant keeps for itself: statuses, reasons, payment types. Invented, but in the real shape."""

from __future__ import annotations

from babel import Locale

_NO_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
"""Two-letter codes of groups and of testing."""

REFERENCE_VALUES: dict[str, dict[str, str]] = {
    "Document_Status": {
        "DRAFT": "Draft",
        "IN_PROGRESS": "In Progress",
        "APPROVED": "Approved",
        "DENIED": "Denied",
        "CANCELED": "Canceled",
        "ISSUED": "Issued",
        "CLOSED": "Closed",
    },
    "Payment_Status": {"COMPLETE": "Complete", "VOIDED": "Voided"},
    "Payment_Category": {
        "AD_HOC_PAYMENT": "Ad hoc Payment",
        "EXPENSE_PAYMENT": "Expense Payment",
        "SUPPLIER_PAYMENT": "Supplier Payment",
    },
    "Payment_Method": {"CHECK": "Check", "ELECTRONIC": "Electronic", "OTHER": "Other"},
    "Journal_Entry_Status": {"POSTED": "Posted", "UNPOSTED": "Unposted"},
    "Journal_Source": {"MANUAL_JOURNAL": "Manual Journal", "SPREADSHEET_UPLOAD": "Spreadsheet Upload"},
    "Organization_Type": {"COMPANY": "Company", "COST_CENTER": "Cost Center"},
    "Tax_Rate": {"RATE_STANDARD": "Standard 20%", "RATE_ZERO": "Zero"},
    "Business_Entity_Status_Value": {"ACTIVE": "Active", "INACTIVE": "Inactive"},
    "Payment_Type": {
        "ACH": "ACH",
        "CHECK": "Check",
        "EFT": "EFT",
        "MANUAL": "Manual",
        "PAID_OUTSIDE": "Paid Outside Workday",
        "WIRE": "Wire",
    },
    "Financial_Account": {"BA-BILL-CLEARING": "BILL Clearing", "BA-MAIN": "Operating Account"},
    "Tax_Option": {
        "CALC_TAX_DUE": "Calculate Tax Due to Supplier",
        "ENTER_TAX_DUE": "Enter Tax Due to Supplier",
    },
    "Tax_Code": {"TAX_STANDARD": "Standard Rate", "TAX_ZERO": "Zero Rate"},
    "Tax_Applicability": {"TAXABLE": "Taxable", "NOT_TAXABLE": "Not Taxable"},
    "Tax_ID_Type": {
        "CAN-BN": "Business Number",
        "DEU-VAT": "VAT ID",
        "GBR-VAT": "VAT ID",
        "USA-EIN": "Employer Identification Number",
        "USA-SSN": "Social Security Number",
    },
    "Supplier_Category": {"GOODS": "Goods", "SERVICES": "Services", "UTILITIES": "Utilities"},
    "Supplier_Group": {"DOMESTIC": "Domestic", "FOREIGN": "Foreign"},
    "Invoice_Adjustment_Reason": {
        "OTHER_TERMS": "Other Terms",
        "PRICE_DIFFERENCE": "Price Difference",
        "RETURNED_GOODS": "Returned Goods",
    },
    "Ledger_Account_Type": {
        "ASSET": "Asset",
        "EQUITY": "Equity",
        "EXPENSE": "Expense",
        "LIABILITY": "Liability",
        "REVENUE": "Revenue",
    },
    "Accounting_Treatment": {"EXPENSE": "Expense"},
    "Organization_Subtype": {"Company": "Company", "Cost_Center": "Cost Center"},
    "Communication_Usage_Type": {"BUSINESS": "Business"},
    "Unit_of_Measure": {"EA": "Each", "HUR": "Hour", "KGM": "Kilogram"},
    "Phone_Device_Type": {"Fax": "Fax", "Landline": "Landline", "Mobile": "Mobile"},
    "Country": {
        code: name
        for code, name in Locale("en").territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
    },
}
"""Per kind: reference id and descriptor."""

PAYMENT_METHODS: dict[str, str] = {"ACH": "ELECTRONIC", "CHECK": "CHECK", "EFT": "ELECTRONIC", "WIRE": "ELECTRONIC"}
"""The method of each payment type; of all others it is ``OTHER``."""
