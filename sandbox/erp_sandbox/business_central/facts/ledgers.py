"""Fields of journals, payments, ledger entries and approvals (sheet 3; contract)."""

from __future__ import annotations

from erp_sandbox.business_central.fields import choice, code, day, flag, guid, instant, integer, number, text

ACCOUNT_TYPES = (
    "G/L Account",
    "Customer",
    "Vendor",
    "Bank Account",
    "Fixed Asset",
    "IC Partner",
    "Employee",
    "Allocation Account",
)
DOCUMENT_TYPES = (" ", "Payment", "Invoice", "Credit Memo", "Finance Charge Memo", "Reminder", "Refund")
APPROVAL_STATUSES = ("Created", "Open", "Canceled", "Rejected", "Approved", " ")
APPROVERS = ("Workflow User Group", "Sales Pers./Purchaser", "Approver")
LIMITS = ("Approval Limits", "Credit Limits", "Request Limits", "No Limits")

JOURNAL = (
    guid("id"),
    code("code", 10, write=True),
    text("displayName", 100, write=True),
    code("templateDisplayName", 10, write=True),
    instant("lastModifiedDateTime"),
    guid("balancingAccountId", write=True),
    code("balancingAccountNumber", 20),
)

JOURNAL_LINE = (
    guid("id"),
    guid("journalId", write=True),
    code("journalDisplayName", 10, write=True),
    integer("lineNumber", write=True),
    choice("accountType", ACCOUNT_TYPES, write=True),
    guid("accountId", write=True),
    code("accountNumber", 20, write=True),
    day("postingDate", write=True),
    code("documentNumber", 20, write=True),
    code("externalDocumentNumber", 35, write=True),
    number("amount", write=True),
    text("description", 100, write=True),
    text("comment", 250, write=True),
    code("taxCode", 20, write=True),
    choice("balanceAccountType", ACCOUNT_TYPES, write=True),
    guid("balancingAccountId", write=True),
    code("balancingAccountNumber", 20, write=True),
    instant("lastModifiedDateTime"),
)

PAYMENT_JOURNAL = (
    guid("id"),
    code("code", 10, write=True),
    text("displayName", 100, write=True),
    guid("balancingAccountId", write=True),
    code("balancingAccountNumber", 20),
    instant("lastModifiedDateTime"),
)

VENDOR_PAYMENT = (
    guid("id"),
    guid("journalId", write=True),
    code("journalDisplayName", 10, write=True),
    integer("lineNumber", write=True),
    guid("vendorId", write=True),
    code("vendorNumber", 20, write=True),
    day("postingDate", write=True),
    code("documentNumber", 20, write=True),
    code("externalDocumentNumber", 35, write=True),
    number("amount", write=True),
    guid("appliesToInvoiceId", write=True),
    code("appliesToInvoiceNumber", 20, write=True),
    text("description", 100, write=True),
    text("comment", 250, write=True),
    instant("lastModifiedDateTime"),
)

APPLY_VENDOR_ENTRY = (
    guid("id"),
    flag("applied", write=True),
    code("appliesToId", 50),
    day("postingDate"),
    choice("documentType", DOCUMENT_TYPES),
    code("documentNumber", 20),
    code("externalDocumentNumber", 35),
    code("vendorNumber", 20),
    text("vendorName", 100),
    text("description", 100),
    number("remainingAmount"),
    instant("lastModifiedDateTime"),
)

GENERAL_LEDGER_ENTRY = (
    guid("id"),
    integer("entryNumber"),
    day("postingDate"),
    code("documentNumber", 20),
    choice("documentType", DOCUMENT_TYPES),
    guid("accountId"),
    code("accountNumber", 20),
    text("description", 100),
    number("debitAmount"),
    number("creditAmount"),
    number("additionalCurrencyDebitAmount"),
    number("additionalCurrencyCreditAmount"),
    instant("lastModifiedDateTime"),
)

VENDOR_LEDGER_ENTRY = (
    integer("entryNumber"),
    choice("documentType", DOCUMENT_TYPES),
    text("description", 100),
    day("postingDate"),
    code("documentNumber", 20),
    code("externalDocumentNumber", 35),
    text("balancingAccountNumber", 20),
    text("balancingAccountType"),
    text("vendorNumber", 20),
    flag("open"),
    number("amount"),
    number("debitAmount"),
    number("creditAmount"),
    number("amountLocalCurrency"),
    integer("dimensionSetID"),
    number("debitAmountLocalCurrency"),
    number("creditAmountLocalCurrency"),
    code("currencyCode", 10),
    instant("lastModifiedDateTime"),
)

VENDOR_LEDGER_DETAIL = (
    integer("vleEntryNo"),
    flag("vleOpen"),
    day("vlePostingDate"),
    day("vleDueDate"),
    integer("dvleEntryNo"),
    day("dvlePostingDate"),
    text("dvleEntryType"),
    flag("dvleLedgerEntryAmount"),
    choice("dvleDocumentType", DOCUMENT_TYPES),
    code("dvleDocumentNo", 20),
    number("dvleAmountLCY"),
    code("dvleVendorNo", 20),
    text("purchInvHeaderDocumentNo"),
)
"""A row of the analytics API: one per detailed entry, amounts in local currency alone (sheet 1)."""

APPROVAL_ENTRY = (
    guid("id"),
    integer("entryNumber"),
    integer("tableId"),
    choice(
        "documentType",
        (
            "Quote",
            "Order",
            "Invoice",
            "Credit Memo",
            "Blanket Order",
            "Return Order",
            " ",
            "Payment",
        ),
    ),
    code("documentNumber", 20),
    integer("sequenceNumber"),
    code("senderId", 50),
    text("senderName", 80),
    code("approvalCode", 20),
    code("salespersonPurchaserCode", 20),
    text("salespersonPurchaserName", 80),
    code("approverId", 50),
    text("approverName", 80),
    choice("status", APPROVAL_STATUSES),
    instant("dateTimeSentForApproval"),
    instant("lastDateTimeModified"),
    flag("comment"),
    day("dueDate"),
    number("amount"),
    number("amountLCY"),
    code("currencyCode", 10),
    choice("approvalType", APPROVERS),
    choice("limitType", LIMITS),
    number("availableCreditLimitLCY"),
    integer("pendingApprovals"),
    text("recordIdToApprove"),
    text("delegationDateFormula"),
    integer("numberOfApprovedRequests"),
    integer("numberOfRejectedRequests"),
    flag("relatedToChange"),
    guid("workflowStepInstanceId"),
    instant("lastModifiedDateTime"),
)

POSTED_APPROVAL_ENTRY = (
    guid("id"),
    integer("entryNumber"),
    integer("tableId"),
    code("documentNumber", 20),
    integer("sequenceNumber"),
    code("senderId", 50),
    text("senderName", 80),
    code("approvalCode", 20),
    code("salespersonPurchCode", 20),
    text("salespersonPurchName", 80),
    code("approverId", 50),
    text("approverName", 80),
    choice("status", APPROVAL_STATUSES),
    instant("dateTimeSentForApproval"),
    instant("lastDateTimeModified"),
    code("lastModifiedById", 50),
    flag("comment"),
    day("dueDate"),
    number("amount"),
    number("amountLCY"),
    code("currencyCode", 10),
    choice("approvalType", APPROVERS),
    choice("limitType", LIMITS),
    number("availableCreditLimitLCY"),
    text("recordId"),
    text("delegationDateFormula"),
    integer("numberOfApprovedRequests"),
    integer("numberOfRejectedRequests"),
    integer("iterationNumber"),
    instant("lastModifiedDateTime"),
)
