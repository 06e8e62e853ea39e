"""Records of the tenant as the values of an answer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from erp_sandbox.workday.documents import (
        Address,
        Attachment,
        BankAccount,
        Invoice,
        InvoiceLine,
        Phone,
        SupplierRecord,
    )
    from erp_sandbox.workday.instances import Instance, Instances
    from erp_sandbox.workday.records import Company, CostCenter, LedgerAccount, PaymentTerms, SpendCategory
    from erp_sandbox.workday.store import WorkdayStore

_SINCE = date(2020, 1, 1)
"""From when the seeded organizations are available."""

_ACCOUNT_TYPES = {"1": "ASSET", "2": "LIABILITY", "3": "EQUITY", "4": "REVENUE"}
"""Ledger account type by the first digit of the account; all others are expenses."""


def document(store: WorkdayStore, each: Invoice, *, attachments: bool) -> dict[str, Any]:
    """An invoice's data; :func:`adjustment` adds what only adjustments have."""
    find = store.instances
    return {
        "Document_ID": each.supplier_invoice_id,
        "Submit": each.submitted,
        "Locked_in_Workday": each.locked,
        "Invoice_Number": each.invoice_number,
        "Invoice_Document_Status_Reference": find.get("Document_Status", each.status),
        "Company_Reference": find.get("Company", each.company),
        "Currency_Reference": find.get("Currency", each.currency),
        "Supplier_Reference": find.get("Supplier", each.supplier),
        "Default_Tax_Option_Reference": _maybe(find, "Tax_Option", each.tax_option),
        "Default_Tax_Code_Reference": _maybe(find, "Tax_Code", each.tax_code),
        "Document_Date": each.invoice_date,
        "Invoice_Received_Date": each.received_date,
        "Due_Date_Override": each.due_date,
        "Accounting_Date_Override": each.accounting_date,
        "Budget_Date": each.budget_date,
        "On_Hold": each.on_hold,
        "Control_Total": each.control_amount_total,
        "Tax_Amount": each.tax_amount,
        "Withholding_Tax_Amount": each.withholding_tax_amount or None,
        "Freight_Amount": each.freight_amount or None,
        "Other_Charges": each.other_charges or None,
        "Supplier_Document_Received": each.supplier_document_received,
        "Suppliers_Invoice_Number": each.suppliers_invoice_number or None,
        "External_PO_Number": each.external_po_number or None,
        "Document_Link": each.document_link or None,
        "Memo": each.memo or None,
        "Payment_Terms_Reference": _maybe(find, "Payment_Terms", each.payment_terms),
        "Override_Payment_Type_Reference": _maybe(find, "Payment_Type", each.override_payment_type),
        "Attachment_Data": [_attachment(one) for one in each.attachments] if attachments else None,
        "Invoice_Line_Replacement_Data": [line(find, one) for one in each.lines],
    }


def supplier(store: WorkdayStore, each: SupplierRecord) -> dict[str, Any]:
    """A supplier's data; what moved between versions stands in both places, the version's type picks one."""
    find = store.instances
    tax_ids = _tax_ids(find, each)
    accounts = [_bank_account(find, account) for account in each.bank_accounts]
    return {
        "Supplier_ID": each.supplier_id,
        "Supplier_Reference_ID": each.supplier_id,
        "Supplier_Name": each.name,
        "Worktag_Only": each.worktag_only,
        "Approval_Status_Reference": find.get("Document_Status", each.approval),
        "Tax_ID_Data": tax_ids,
        "Tax_ID_Widget_Data": {"Tax_ID_Data": tax_ids} if tax_ids else None,
        "Supplier_Category_Reference": _maybe(find, "Supplier_Category", each.category),
        "Supplier_Group_Reference": [find.get("Supplier_Group", group) for group in each.groups],
        "Customer_Account_Number": each.customer_account_number or None,
        "DUNS_Number": each.duns_number or None,
        "Payment_Terms_Reference": _maybe(find, "Payment_Terms", each.payment_terms),
        "Payment_Types_Accepted_Reference": [find.get("Payment_Type", kind) for kind in each.payment_types],
        "Default_Payment_Type_Reference": _maybe(find, "Payment_Type", each.default_payment_type),
        "Business_Entity_Data": {
            "Business_Entity_Name": each.business_entity_name or each.name,
            "Business_Entity_Tax_ID": each.tax_id,
            "External_Entity_ID": each.external_entity_id,
            "Contact_Data": _contact(find, each),
        },
        "Settlement_Account_Data": accounts,
        "Settlement_Account_Widget_Data": {"Settlement_Account_Data": accounts} if accounts else None,
        "Supplier_Status_Data": [{"Status_Reference": find.get("Business_Entity_Status_Value", each.status)}],
        "Currency_Reference": _maybe(find, "Currency", each.currency),
        "Accepted_Currencies_Reference": [find.get("Currency", code) for code in each.accepted_currencies],
    }


def cost_center(store: WorkdayStore, each: CostCenter, *, simple: bool) -> dict[str, Any]:
    """A cost center's data, or its simple form."""
    subtype = store.instances.get("Organization_Subtype", "Cost_Center")
    if simple:
        return {
            "ID": each.cost_center_id,
            "Organization_Name": each.name,
            "Organization_Subtype_Reference": subtype,
        }
    return {
        "@Effective_Date": _SINCE.isoformat(),
        "Organization_Data": {
            "ID": each.cost_center_id,
            "Organization_Name": each.name,
            "Organization_Code": each.code,
            "Include_Organization_Code_in_Name": True,
            "Organization_Active": each.active,
            "Availability_Date": _SINCE,
        },
        "Organization_Subtype_Reference": subtype,
    }


def spend_category(store: WorkdayStore, each: SpendCategory) -> dict[str, Any]:
    """A spend category's data; its ledger account is not part of it (posting rules are not readable here)."""
    return {
        "Resource_Category_ID": each.spend_category_id,
        "Resource_Category_Name": each.name,
        "Procurement_Usage": True,
        "Expense_Usage": True,
        "Accounting_Treatment_Reference": store.instances.get("Accounting_Treatment", "EXPENSE"),
        "Inactive": each.inactive,
    }


def account_set(store: WorkdayStore, account_set_id: str, accounts: Iterable[LedgerAccount]) -> dict[str, Any]:
    """An account set with its ledger accounts."""
    find = store.instances
    return {
        "Account_Set_ID": account_set_id,
        "Account_Set_Name": account_set_id,
        "Chart_of_Accounts": True,
        "Ledger_Account_Data": [
            {
                "Ledger_Account_Identifier": account.ledger_account_id,
                "Ledger_Account_Name": account.name,
                "Ledger_Account_Type_Reference": find.get(
                    "Ledger_Account_Type", _ACCOUNT_TYPES.get(account.ledger_account_id[:1], "EXPENSE")
                ),
                "Retired": account.retired,
            }
            for account in accounts
        ],
    }


def company(store: WorkdayStore, each: Company) -> dict[str, Any]:
    """A company's data."""
    find = store.instances
    sets = dict.fromkeys(account.account_set_id for account in store.ledger_accounts)
    return {
        "Organization_Data": {
            "ID": each.company_id,
            "Organization_Name": each.name,
            "Organization_Code": each.company_id,
            "Organization_Active": True,
            "Availability_Date": _SINCE,
        },
        "Organization_Subtype_Reference": find.get("Organization_Subtype", "Company"),
        "Accounting_Data": {
            "Account_Set_Reference": _maybe(find, "Account_Set", next(iter(sets), None)),
            "Currency_Reference": find.get("Currency", each.currency),
            "Reverse_Debit_Credit": True,
        },
    }


def payment_terms(each: PaymentTerms) -> dict[str, Any]:
    """The data of payment terms."""
    return {
        "Payment_Terms_ID": each.payment_terms_id,
        "Payment_Terms_Name": each.name,
        "Due_Days": Decimal(each.days),
    }


def _maybe(find: Instances, kind: str, value: str | None) -> Instance | None:
    return find.get(kind, value) if value else None


def line(find: Instances, each: InvoiceLine) -> dict[str, Any]:
    """A line of an invoice, adjustment or ad hoc payment."""
    return {
        "Supplier_Invoice_Line_ID": each.line_id or None,
        "Line_Order": each.line_order or None,
        "Intercompany_Affiliate_Reference": _maybe(find, "Company", each.intercompany_affiliate),
        "Item_Description": each.description or None,
        "Purchase_Order_Line_Reference": _maybe(find, "Purchase_Order_Line", each.order_line),
        "Spend_Category_Reference": _maybe(find, "Spend_Category", each.spend_category),
        "Tax_Applicability_Reference": _maybe(find, "Tax_Applicability", each.tax_applicability),
        "Tax_Code_Reference": _maybe(find, "Tax_Code", each.tax_code),
        "Packaging_String": each.packaging,
        "Quantity": each.quantity,
        "Unit_of_Measure_Reference": _maybe(find, "Unit_of_Measure", each.unit_of_measure),
        "Unit_Cost": each.unit_cost,
        "Extended_Amount": each.extended_amount,
        "Budget_Date": each.budget_date,
        "Memo": each.memo or None,
        "Worktags_Reference": _worktags(find, each.worktags),
        "Billable": each.billable,
        "Supplier_Invoice_Split_Line_Data": [
            {
                "Supplier_Invoice_Line_Split_ID": split.split_id or None,
                "Quantity": split.quantity,
                "Extended_Amount": split.extended_amount,
                "Memo": split.memo or None,
                "Worktags_Reference": _worktags(find, split.worktags),
            }
            for split in each.splits
        ],
    }


def _worktags(find: Instances, worktags: Mapping[str, str]) -> list[Instance]:
    return [find.worktag(id_type, value) for id_type, value in worktags.items()]


def _attachment(one: Attachment) -> dict[str, Any]:
    return {
        "@Content_Type": one.content_type or None,
        "@Filename": one.filename or None,
        "@Encoding": one.encoding or None,
        "@Compressed": one.compressed,
        "File_Content": one.content or None,
        "Comment": one.comment or None,
    }


def _bank_account(find: Instances, account: BankAccount) -> dict[str, Any]:
    return {
        "Settlement_Bank_Account_ID": account.account_id,
        "Country_Reference": _maybe(find, "Country", account.country),
        "Bank_Account_Nickname": account.nickname,
        "Bank_Name": account.bank,
        "Routing_Transit_Number": account.routing_number or None,
        "Bank_Account_Number": account.number or None,
        "IBAN": account.iban or None,
    }


def _tax_ids(find: Instances, each: SupplierRecord) -> list[dict[str, Any]]:
    return [
        {
            "Tax_ID_Text": tax_id.text,
            "Tax_ID_Type_Reference": find.get("Tax_ID_Type", tax_id.type),
            "Transaction_Tax_ID": tax_id.transaction,
            "Primary_Tax_ID": tax_id.primary,
        }
        for tax_id in each.tax_ids
    ]


def _contact(find: Instances, each: SupplierRecord) -> dict[str, Any] | None:
    if not (each.addresses or each.phones or each.emails):
        return None
    return {
        "Address_Data": [_address(find, address) for address in each.addresses],
        "Phone_Data": [_phone(find, phone) for phone in each.phones],
        "Email_Address_Data": [{"Email_Address": email} for email in each.emails],
    }


def _address(find: Instances, address: Address) -> dict[str, Any]:
    printed = [*address.lines.values(), f"{address.municipality} {address.postal_code}".strip()]
    return {
        "@Formatted_Address": "\n".join(line for line in printed if line),
        "@Effective_Date": _SINCE.isoformat(),
        "Country_Reference": _maybe(find, "Country", address.country),
        "Address_Line_Data": [{"@Type": kind, "": text} for kind, text in address.lines.items()],
        "Municipality": address.municipality or None,
        "Country_Region_Reference": (find.unknown("Country_Region", address.region) if address.region else None),
        "Postal_Code": address.postal_code or None,
    }


def _phone(find: Instances, phone: Phone) -> dict[str, Any]:
    return {
        "Country_ISO_Code": phone.country or None,
        "International_Phone_Code": phone.international_code or None,
        "Area_Code": phone.area_code or None,
        "Phone_Number": phone.number,
        "Phone_Extension": phone.extension or None,
        "Phone_Device_Type_Reference": _maybe(find, "Phone_Device_Type", phone.device_type),
    }
