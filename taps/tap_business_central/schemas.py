"""The rows of each stream as JSON schemas: fields as the API of app 29 has them (sheet business-central 3, contract).

A field is a text unless a kind stands behind it. Every field may be null: Business Central writes what is not there
as an empty text, an id of zeros or the year 1, and the tap gives null for these.
"""

from __future__ import annotations

import typing as t

__all__ = ["KEY"]

_KINDS: t.Final[dict[str, dict[str, t.Any]]] = {
    "text": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "integer": {"type": ["integer", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "time": {"type": ["string", "null"], "format": "date-time"},
}
KEY: t.Final = ("tenant_id", "environment", "company_id")
"""Whose a row is: a copy of an environment has the same companies, under the same ids."""


def _about(kind: str, words: str) -> dict[str, t.Any]:
    return _KINDS[kind] | {"description": words}


def _fields(text: str, **nested: dict[str, t.Any]) -> dict[str, t.Any]:
    named = (each.partition(":") for each in text.split())
    return {name: dict(_KINDS[kind or "text"]) for name, _, kind in named} | nested


def _list(text: str, **nested: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        "type": ["array", "null"],
        "items": {"type": "object", "properties": _fields(text, **nested)},
    }


def _stream(text: str, key: str = "id", **nested: dict[str, t.Any]) -> dict[str, t.Any]:
    whose = {name: {"type": "string"} for name in KEY}
    properties = whose | _fields(text, **nested)
    properties[key] = properties[key] | {"type": properties[key]["type"][0]}
    # Targets of the SDK keep _sdc_deleted_at to themselves, so the row says it once more.
    properties["deleted"] = _about("flag", "True when the row was found to be gone; null otherwise.")
    properties["_sdc_deleted_at"] = _KINDS["time"] | {"description": "When the row was found to be gone."}
    return {"type": "object", "properties": properties}


_DIMENSIONS: t.Final = _list(
    "id code consolidationCode parentId parentType displayName valueId valueCode valueConsolidationCode "
    "valueDisplayName"
)
_DEFAULT_DIMENSIONS: t.Final = _list(
    "id parentType parentId dimensionId dimensionCode dimensionValueId dimensionValueCode postingValidation "
    "lastModifiedDateTime:time"
)
_DIMENSIONS_UNREADABLE: t.Final = _about(
    "flag", "True when a dimension value is gone and the dimensions that name it cannot be read any more."
)
_LINE: t.Final = (
    "id documentId sequence:integer itemId accountId lineType lineObjectNumber description description2 "
    "unitOfMeasureId unitOfMeasureCode quantity:number discountAmount:number discountPercent:number "
    "discountAppliedBeforeTax:flag amountExcludingTax:number taxCode taxPercent:number totalTaxAmount:number "
    "amountIncludingTax:number invoiceDiscountAllocation:number netAmount:number netTaxAmount:number "
    "netAmountIncludingTax:number expectedReceiptDate:date itemVariantId locationId "
)
_BUY_FROM: t.Final = "buyFromAddressLine1 buyFromAddressLine2 buyFromCity buyFromCountry buyFromState buyFromPostCode "
_PAY_TO: t.Final = "payToAddressLine1 payToAddressLine2 payToCity payToCountry payToState payToPostCode "
_SHIP_TO: t.Final = (
    "shipToName shipToContact shipToAddressLine1 shipToAddressLine2 shipToCity shipToCountry shipToState "
    "shipToPostCode "
)
_TOTALS: t.Final = (
    "discountAmount:number discountAppliedBeforeTax:flag totalAmountExcludingTax:number totalTaxAmount:number "
    "totalAmountIncludingTax:number status lastModifiedDateTime:time "
)
_ADDRESS: t.Final = "addressLine1 addressLine2 city state country postalCode phoneNumber email website "

COMPANIES: t.Final = _stream(
    "id systemVersion timestamp:integer name displayName businessProfileId systemCreatedAt:time systemCreatedBy "
    "systemModifiedAt:time systemModifiedBy"
)
COMPANY_INFORMATION: t.Final = _stream(
    f"id displayName {_ADDRESS} faxNumber taxRegistrationNumber currencyCode currentFiscalYearStartDate:date "
    "industry experience lastModifiedDateTime:time"
)
CURRENCIES: t.Final = _stream(
    "id code displayName symbol amountDecimalPlaces amountRoundingPrecision:number lastModifiedDateTime:time"
)
PAYMENT_TERMS: t.Final = _stream(
    "id code displayName dueDateCalculation discountDateCalculation discountPercent:number "
    "calculateDiscountOnCreditMemos:flag lastModifiedDateTime:time"
)
PAYMENT_METHODS: t.Final = _stream("id code displayName lastModifiedDateTime:time")
TAX_GROUPS: t.Final = _stream("id code displayName taxType lastModifiedDateTime:time")
TAX_AREAS: t.Final = _stream("id code displayName taxType lastModifiedDateTime:time")
UNITS_OF_MEASURE: t.Final = _stream("id code displayName internationalStandardCode symbol lastModifiedDateTime:time")
LOCATIONS: t.Final = _stream(f"id code displayName contact {_ADDRESS} lastModifiedDateTime:time")
ITEMS: t.Final = _stream(
    "id number displayName displayName2 type itemCategoryId itemCategoryCode blocked:flag gtin inventory:number "
    "unitPrice:number priceIncludesTax:flag unitCost:number taxGroupId taxGroupCode baseUnitOfMeasureId "
    "baseUnitOfMeasureCode generalProductPostingGroupId generalProductPostingGroupCode inventoryPostingGroupId "
    "inventoryPostingGroupCode lastModifiedDateTime:time"
)
BANK_ACCOUNTS: t.Final = _stream(
    "id number displayName lastModifiedDateTime:time blocked:flag currencyCode currencyId intercompanyEnabled:flag",
    bankAccountNumber=_about("text", "Last four characters, unless include_bank_details."),
    iban=_about("text", "Last four characters, unless include_bank_details."),
)
ACCOUNTS: t.Final = _stream(
    "id number displayName category subCategory blocked:flag accountType directPosting:flag "
    "consolidationTranslationMethod consolidationDebitAccount consolidationCreditAccount "
    "excludeFromConsolidation:flag lastModifiedDateTime:time",
    netChange=_about("number", "Changes with every posting, lastModifiedDateTime does not."),
)
DIMENSIONS: t.Final = _stream(
    "id code displayName consolidationCode lastModifiedDateTime:time",
    dimensionValues=_list("id code dimensionId displayName consolidationCode lastModifiedDateTime:time"),
)
DIMENSION_VALUES: t.Final = _stream(
    "id code dimensionId displayName consolidationCode lastModifiedDateTime:time",
    dimensionCode=_about("text", "Code of the dimension it is a value of; added by the tap."),
)
VENDORS: t.Final = _stream(
    f"id number displayName {_ADDRESS} taxRegistrationNumber currencyId currencyCode irs1099Code paymentTermsId "
    "paymentMethodId taxLiable:flag lastModifiedDateTime:time",
    blocked=_about("text", "Payment or All; null when it is not blocked."),
    balance=_about("number", "Changes with every posting, lastModifiedDateTime does not."),
    defaultDimensions=_DEFAULT_DIMENSIONS,
    dimensionsUnreadable=_DIMENSIONS_UNREADABLE,
)
PURCHASE_ORDERS: t.Final = _stream(
    "id number orderDate:date postingDate:date vendorId vendorNumber vendorName payToName payToVendorId "
    f"payToVendorNumber {_SHIP_TO} {_BUY_FROM} {_PAY_TO} shortcutDimension1Code shortcutDimension2Code currencyId "
    "currencyCode pricesIncludeTax:flag paymentTermsId shipmentMethodId purchaser requestedReceiptDate:date "
    f"{_TOTALS} fullyReceived:flag",
    purchaseOrderLines=_list(
        f"{_LINE} directUnitCost:number receivedQuantity:number invoicedQuantity:number invoiceQuantity:number "
        "receiveQuantity:number",
        dimensionSetLines=_DIMENSIONS,
    ),
    dimensionSetLines=_DIMENSIONS,
    dimensionsUnreadable=_DIMENSIONS_UNREADABLE,
)
PURCHASE_INVOICES: t.Final = _stream(
    "id number postingDate:date invoiceDate:date dueDate:date vendorInvoiceNumber vendorId vendorNumber vendorName "
    f"payToName payToContact payToVendorId payToVendorNumber {_SHIP_TO} {_BUY_FROM} {_PAY_TO} "
    "shortcutDimension1Code shortcutDimension2Code currencyId currencyCode orderId orderNumber purchaser "
    f"pricesIncludeTax:flag {_TOTALS}",
    purchaseInvoiceLines=_list(f"{_LINE} unitCost:number", dimensionSetLines=_DIMENSIONS),
    dimensionSetLines=_DIMENSIONS,
    dimensionsUnreadable=_DIMENSIONS_UNREADABLE,
    approvalStatus=_about(
        "text", "Of a draft, with include_approvals: Approved, Pending or Rejected; null when nobody was asked."
    ),
    approvedAmount=_about("number", "Amount approval was asked for, with include_approvals."),
    remainingAmount=_about(
        "number", "What a posted invoice still owes, in its currency; null where that is not known."
    ),
    remainingAmountLocal=_about("number", "The same in local currency."),
    paidInPart=_about("flag", "Whether a part of an open invoice was paid; null where that is not known."),
)
PURCHASE_CREDIT_MEMOS: t.Final = _stream(
    "id number creditMemoDate:date postingDate:date dueDate:date vendorId vendorNumber vendorName "
    f"vendorCreditMemoNumber payToVendorId payToVendorNumber payToName {_BUY_FROM} {_PAY_TO} "
    "shortcutDimension1Code shortcutDimension2Code currencyId currencyCode paymentTermsId shipmentMethodId "
    f"purchaser pricesIncludeTax:flag {_TOTALS} invoiceId invoiceNumber vendorReturnReasonId",
    purchaseCreditMemoLines=_list(f"{_LINE} unitCost:number", dimensionSetLines=_DIMENSIONS),
    dimensionSetLines=_DIMENSIONS,
    dimensionsUnreadable=_DIMENSIONS_UNREADABLE,
)
VENDOR_PAYMENT_JOURNALS: t.Final = _stream(
    "id code displayName balancingAccountId balancingAccountNumber lastModifiedDateTime:time"
)
VENDOR_PAYMENTS: t.Final = _stream(
    "id journalId journalDisplayName lineNumber:integer vendorId vendorNumber postingDate:date documentNumber "
    "externalDocumentNumber amount:number appliesToInvoiceId appliesToInvoiceNumber description comment "
    "lastModifiedDateTime:time"
)
JOURNALS: t.Final = _stream(
    "id code displayName templateDisplayName lastModifiedDateTime:time balancingAccountId balancingAccountNumber"
)
JOURNAL_LINES: t.Final = _stream(
    "id journalId journalDisplayName lineNumber:integer accountType accountId accountNumber postingDate:date "
    "documentNumber externalDocumentNumber amount:number description comment taxCode balanceAccountType "
    "balancingAccountId balancingAccountNumber lastModifiedDateTime:time"
)
GENERAL_LEDGER_ENTRIES: t.Final = _stream(
    "id entryNumber:integer postingDate:date documentNumber documentType accountId accountNumber description "
    "debitAmount:number creditAmount:number additionalCurrencyDebitAmount:number "
    "additionalCurrencyCreditAmount:number lastModifiedDateTime:time"
)
VENDOR_LEDGER_ENTRIES: t.Final = _stream(
    "entryNumber:integer documentType description postingDate:date documentNumber externalDocumentNumber "
    "balancingAccountNumber balancingAccountType vendorNumber open:flag amount:number debitAmount:number "
    "creditAmount:number amountLocalCurrency:number dimensionSetID:integer debitAmountLocalCurrency:number "
    "creditAmountLocalCurrency:number currencyCode lastModifiedDateTime:time",
    key="entryNumber",
)
APPROVAL_ENTRIES: t.Final = _stream(
    "id entryNumber:integer tableId:integer documentType documentNumber sequenceNumber:integer senderId senderName "
    "approvalCode salespersonPurchaserCode salespersonPurchaserName approverId approverName status "
    "dateTimeSentForApproval:time lastDateTimeModified:time comment:flag dueDate:date amount:number "
    "amountLCY:number currencyCode approvalType limitType availableCreditLimitLCY:number pendingApprovals:integer "
    "recordIdToApprove delegationDateFormula numberOfApprovedRequests:integer numberOfRejectedRequests:integer "
    "relatedToChange:flag workflowStepInstanceId lastModifiedDateTime:time"
)
