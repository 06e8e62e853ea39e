"""Fields of master data: accounts, vendors, items, codes, dimensions, the company (sheet 3; contract)."""

from __future__ import annotations

from erp_sandbox.business_central.fields import choice, code, day, flag, guid, instant, integer, number, text

VENDOR_BLOCKED = (" ", "Payment", "All")
TAX_TYPES = ("Sales Tax", "VAT")

COMPANY = (
    guid("id"),
    text("systemVersion"),
    integer("timestamp"),
    text("name", 30),
    text("displayName", 250),
    text("businessProfileId"),
    instant("systemCreatedAt"),
    guid("systemCreatedBy"),
    instant("systemModifiedAt"),
    guid("systemModifiedBy"),
)

ACCOUNT = (
    guid("id"),
    code("number", 20),
    text("displayName", 100),
    choice(
        "category",
        (
            " ",
            "Assets",
            "Liabilities",
            "Equity",
            "Income",
            "Cost of Goods Sold",
            "Expense",
        ),
    ),
    text("subCategory", 80),
    flag("blocked"),
    choice(
        "accountType",
        (
            "Posting",
            "Heading",
            "Total",
            "Begin-Total",
            "End-Total",
        ),
    ),
    flag("directPosting"),
    number("netChange"),
    choice(
        "consolidationTranslationMethod",
        (
            "Average Rate (Manual)",
            "Closing Rate",
            "Historical Rate",
            "Composite Rate",
            "Equity Rate",
        ),
    ),
    code("consolidationDebitAccount", 20),
    code("consolidationCreditAccount", 20),
    flag("excludeFromConsolidation"),
    instant("lastModifiedDateTime"),
)

VENDOR = (
    guid("id"),
    code("number", 20, write=True),
    text("displayName", 100, write=True),
    text("addressLine1", 100, write=True),
    text("addressLine2", 50, write=True),
    text("city", 30, write=True),
    text("state", 30, write=True),
    code("country", 10, write=True),
    code("postalCode", 20, write=True),
    text("phoneNumber", 30, write=True),
    text("email", 80, write=True),
    text("website", write=True),
    text("taxRegistrationNumber", 50, write=True),
    guid("currencyId", write=True),
    code("currencyCode", write=True),
    code("irs1099Code", 10, write=True),
    guid("paymentTermsId", write=True),
    guid("paymentMethodId", write=True),
    flag("taxLiable", write=True),
    choice("blocked", VENDOR_BLOCKED, write=True),
    number("balance"),
    instant("lastModifiedDateTime"),
)

ITEM = (
    guid("id"),
    code("number", 20, write=True),
    text("displayName", 100, write=True),
    text("displayName2", 50, write=True),
    choice(
        "type",
        (
            "Inventory",
            "Service",
            "Non-Inventory",
        ),
        write=True,
    ),
    guid("itemCategoryId", write=True),
    code("itemCategoryCode", 20, write=True),
    flag("blocked", write=True),
    code("gtin", 14, write=True),
    number("inventory"),
    number("unitPrice", write=True),
    flag("priceIncludesTax", write=True),
    number("unitCost", write=True),
    guid("taxGroupId", write=True),
    code("taxGroupCode", 20, write=True),
    guid("baseUnitOfMeasureId", write=True),
    code("baseUnitOfMeasureCode", 10, write=True),
    guid("generalProductPostingGroupId", write=True),
    code("generalProductPostingGroupCode", 20, write=True),
    guid("inventoryPostingGroupId", write=True),
    code("inventoryPostingGroupCode", 20, write=True),
    instant("lastModifiedDateTime"),
)

BANK_ACCOUNT = (
    guid("id"),
    code("number", 20, write=True),
    text("displayName", 100, write=True),
    instant("lastModifiedDateTime"),
    text("bankAccountNumber", 30, write=True),
    flag("blocked", write=True),
    code("currencyCode", 10, write=True),
    guid("currencyId", write=True),
    code("iban", 50, write=True),
    flag("intercompanyEnabled", write=True),
)

PAYMENT_TERM = (
    guid("id"),
    code("code", 10, write=True),
    text("displayName", 100, write=True),
    text("dueDateCalculation", write=True),
    text("discountDateCalculation", write=True),
    number("discountPercent", write=True),
    flag("calculateDiscountOnCreditMemos", write=True),
    instant("lastModifiedDateTime"),
)

PAYMENT_METHOD = (
    guid("id"),
    code("code", 10, write=True),
    text("displayName", 100, write=True),
    instant("lastModifiedDateTime"),
)

CURRENCY = (
    guid("id"),
    code("code", 10, write=True),
    text("displayName", 30, write=True),
    text("symbol", 10, write=True),
    text("amountDecimalPlaces", 5, write=True),
    number("amountRoundingPrecision", write=True),
    instant("lastModifiedDateTime"),
)

TAX_GROUP = (
    guid("id"),
    code("code", 20, write=True),
    text("displayName", 100, write=True),
    choice("taxType", TAX_TYPES),
    instant("lastModifiedDateTime"),
)

TAX_AREA = (
    guid("id"),
    code("code", 20, write=True),
    text("displayName", 100, write=True),
    choice("taxType", TAX_TYPES),
    instant("lastModifiedDateTime"),
)

UNIT_OF_MEASURE = (
    guid("id"),
    code("code", 10, write=True),
    text("displayName", 50, write=True),
    code("internationalStandardCode", 10, write=True),
    text("symbol", 10, write=True),
    instant("lastModifiedDateTime"),
)

LOCATION = (
    guid("id"),
    code("code", 10, write=True),
    text("displayName", 100, write=True),
    text("contact", 100, write=True),
    text("addressLine1", 100, write=True),
    text("addressLine2", 50, write=True),
    text("city", 30, write=True),
    text("state", 30, write=True),
    code("country", 10, write=True),
    code("postalCode", 20, write=True),
    text("phoneNumber", 30, write=True),
    text("email", 80, write=True),
    text("website", write=True),
    instant("lastModifiedDateTime"),
)

COMPANY_INFORMATION = (
    guid("id"),
    text("displayName", 100, write=True),
    text("addressLine1", 100, write=True),
    text("addressLine2", 50, write=True),
    text("city", 30, write=True),
    text("state", 30, write=True),
    code("country", 10, write=True),
    code("postalCode", 20, write=True),
    text("phoneNumber", 30, write=True),
    text("faxNumber", 30, write=True),
    text("email", 80, write=True),
    text("website", write=True),
    text("taxRegistrationNumber", 50, write=True),
    code("currencyCode", 10),
    day("currentFiscalYearStartDate"),
    text("industry", 30, write=True),
    text("experience", write=True),
    instant("lastModifiedDateTime"),
)

DIMENSION = (
    guid("id"),
    code("code", 20),
    text("displayName", 30),
    code("consolidationCode", 20),
    instant("lastModifiedDateTime"),
)

DIMENSION_VALUE = (
    guid("id"),
    code("code", 20),
    guid("dimensionId"),
    text("displayName", 50),
    code("consolidationCode", 20),
    instant("lastModifiedDateTime"),
)

DEFAULT_DIMENSION = (
    guid("id"),
    choice(
        "parentType",
        (
            " ",
            "Customer",
            "Item",
            "Vendor",
            "Employee",
        ),
        write=True,
    ),
    guid("parentId", write=True),
    guid("dimensionId", write=True),
    code("dimensionCode", 20),
    guid("dimensionValueId", write=True),
    code("dimensionValueCode", 20),
    choice(
        "postingValidation",
        (
            " ",
            "Code Mandatory",
            "Same Code",
            "No Code",
        ),
        write=True,
    ),
    instant("lastModifiedDateTime"),
)
