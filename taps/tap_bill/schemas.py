"""JSON schemas of BILL's objects (sheet bill 3.5 to 3.8, contract), nested as the API gives them.

Fields BILL leaves out are absent, so everything but the id may be missing or null; fields BILL adds later
pass through. Lists of values are left open: most of BILL's enums are not documented completely.
"""

from __future__ import annotations

import typing as t

__all__ = [
    "ACCOUNTING_CLASSES",
    "BILLS",
    "BILL_APPROVAL_POLICIES",
    "BILL_DOCUMENTS",
    "CHART_OF_ACCOUNTS",
    "DEPARTMENTS",
    "EMPLOYEES",
    "FUNDING_BANK_ACCOUNTS",
    "ITEMS",
    "JOBS",
    "LOCATIONS",
    "ORGANIZATION",
    "PAYMENTS",
    "RECURRING_BILLS",
    "USERS",
    "VENDORS",
    "VENDOR_CREDITS",
]

Schema = dict[str, t.Any]


def _type(name: str, *, format: str | None = None, about: str | None = None) -> Schema:  # noqa: A002 - JSON schema's word
    schema: Schema = {"type": [name, "null"]}
    if format:
        schema["format"] = format
    if about:
        schema["description"] = about
    return schema


def _text(about: str | None = None) -> Schema:
    return _type("string", about=about)


def _money(about: str | None = None) -> Schema:
    return _type("number", about=about)


def _flag(about: str | None = None) -> Schema:
    return _type("boolean", about=about)


def _count(about: str | None = None) -> Schema:
    return _type("number", about=about)


def _date(about: str | None = None) -> Schema:
    return _type("string", format="date", about=about)


def _time(about: str | None = None) -> Schema:
    return _type("string", format="date-time", about=about)


def _object(about: str | None = None, /, **properties: Schema) -> Schema:
    schema = _type("object", about=about)
    return {**schema, "properties": properties, "additionalProperties": True}


def _list(items: Schema, about: str | None = None) -> Schema:
    return {**_type("array", about=about), "items": items}


def _stream(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "BILL's id, 20 characters, stable for ever."},
            "organizationId": _text("The organization read, from the login. Added by tap-bill."),
            **properties,
        },
        "required": ["id"],
        "additionalProperties": True,
    }


_STAMPS: t.Final[dict[str, Schema]] = {
    "createdTime": _time(),
    "updatedTime": _time("When it was last changed."),
}
_ARCHIVED: t.Final[dict[str, Schema]] = {"archived": _flag("BILL deletes nothing, it archives.")}
_ADDRESS: t.Final = _object(
    line1=_text(),
    line2=_text(),
    city=_text(),
    stateOrProvince=_text(),
    zipOrPostalCode=_text(),
    country=_text("ISO 3166 code of two letters."),
    countryName=_text(),
)
_PAYMENT_PURPOSE: t.Final = _object(text=_text(), code=_object(name=_text(), value=_text()))
_HEADER_CODING: t.Final[dict[str, Schema]] = {
    "chartOfAccountId": _text(),
    "accountingClassId": _text(),
    "departmentId": _text(),
    "locationId": _text(),
    "itemId": _text(),
}
_LINE_CODING: t.Final = _object(**_HEADER_CODING, employeeId=_text(), jobId=_text(), customerId=_text())


def _classification(**more: Schema) -> Schema:
    return _stream(
        name=_text(),
        shortName=_text(),
        description=_text(),
        parentId=_text("The one above it."),
        **more,
        **_ARCHIVED,
        **_STAMPS,
    )


VENDORS: t.Final = _stream(
    **_ARCHIVED,
    name=_text(),
    shortName=_text(),
    accountNumber=_text("Our account number at the vendor, printed on cheques. Not a bank account."),
    accountType=_text("BUSINESS, PERSON, NONE ..."),
    email=_text(),
    phone=_text(),
    address=_ADDRESS,
    paymentInformation=_object(
        payeeName=_text(),
        email=_text(),
        lastPaymentDate=_text(),
        payByType=_text("ACH, CHECK, VIRTUAL_CARD ..."),
        payBySubType=_text(),
        bankAccount=_object(
            nameOnAccount=_text(),
            accountNumber=_text("Masked."),
            routingNumber=_text("Masked."),
            type=_text(),
            ownerType=_text(),
            paymentCurrency=_text(),
        ),
        virtualCard=_object(
            status=_text(),
            remitEmail=_text(),
            enrollDate=_time(),
            declineDate=_time(),
            alternatePayByType=_text(),
        ),
        paymentPurpose=_PAYMENT_PURPOSE,
    ),
    additionalInfo=_object(
        taxId=_text(),
        taxIdType=_text("EIN, SSN ..."),
        track1099=_flag(),
        leadTimeInDays=_count(),
        combinePayments=_flag(),
        paymentTermId=_text(),
        companyName=_text(),
    ),
    rppsId=_text(),
    bankAccountStatus=_text(),
    recurringPayments=_flag(),
    billCurrency=_text("ISO 4217 code; the currency of all bills of this vendor."),
    balance=_object(amount=_money(), lastUpdatedDate=_time()),
    autoPay=_object(
        enabled=_flag(),
        bankAccountId=_text(),
        createdBy=_text(),
        maxAmount=_money(),
        daysBeforeDueDate=_count(),
    ),
    networkStatus=_text("CONNECTED, NOT_CONNECTED, PENDING ..."),
    **_STAMPS,
)

BILLS: t.Final = _stream(
    **_ARCHIVED,
    recordStatus=_text("ACTIVE, INACTIVE, DRAFT, DRAFT_DELETED; archived is true for all but ACTIVE."),
    vendorId=_text(),
    vendorName=_text(),
    amount=_money("In the vendor's billCurrency."),
    paidAmount=_money(),
    dueAmount=_money("What is still owed."),
    scheduledAmount=_money(),
    creditAmount=_money(),
    fundingAmount=_money("In USD, for vendors billed in another currency."),
    exchangeRate=_type("number"),
    description=_text(),
    dueDate=_date(),
    invoice=_object(invoiceNumber=_text(), invoiceDate=_date()),
    billLineItems=_list(
        _object(
            id=_text(),
            amount=_money(),
            quantity=_type("number"),
            price=_type("number"),
            description=_text(),
            classifications=_LINE_CODING,
        )
    ),
    classifications=_object(**_HEADER_CODING),
    payFromChartOfAccountId=_text(),
    paymentStatus=_text("UNPAID, SCHEDULED, PARTIALLY_PAID, PAID, IN_PROCESS, UNDEFINED."),
    approvalStatus=_text("UNASSIGNED (no policy asks for one), ASSIGNED, APPROVED, DENIED, APPROVING, UNDEFINED."),
    approvers=_list(_object(userId=_text(), status=_text(), approverOrder=_count(), statusChangedTime=_time())),
    purchaseOrderNumber=_text(),
    paymentTermId=_text(),
    createdBy=_text("User id."),
    **_STAMPS,
)

PAYMENTS: t.Final = _stream(
    vendorId=_text(),
    vendorName=_text(),
    billId=_text("For payments of a single bill."),
    billPayments=_list(
        _object(
            id=_text(),
            billId=_text(),
            amount=_money("Cash part."),
            vendorCredits=_list(_object(id=_text(), amount=_money()), "Credit part of the same settlement."),
        )
    ),
    amount=_money(),
    fundingAmount=_money("In USD."),
    exchangeRate=_type("number"),
    description=_text(),
    processDate=_date("When the money leaves."),
    fundingAccount=_object(type=_text("BANK_ACCOUNT, CARD_ACCOUNT, WALLET, AP_CARD."), id=_text()),
    processingOptions=_object(requestPayFaster=_flag(), createBill=_flag(), requestCheckDeliveryType=_text()),
    transactionNumber=_text(),
    confirmationNumber=_text(),
    status=_text("The coarse status: APPROVING, SCHEDULED, PAID, CANCELLED, VOID, ESCHEATED."),
    singleStatus=_text("The fine status; CLEARED is settled, and may still be returned."),
    disbursementStatus=_text(),
    disbursementType=_text("ACH, CHECK, RPPS, VIRTUAL_CARD, WALLET, OFFLINE, INTERNATIONAL ..."),
    onlinePayment=_flag("False for a payment that was only recorded."),
    remittanceEmail=_text(),
    disbursementInfo=_object(
        isVoidable=_flag(),
        checkDisbursement=_object(sentDate=_date(), arrivesByDate=_date(), checkNumber=_count()),
        achDisbursement=_object(sentDate=_date(), arrivesByDate=_date()),
        rppsDisbursement=_object(sentDate=_date(), arrivesByDate=_date(), traceNumber=_count(), batchNumber=_count()),
        internationalDisbursement=_object(
            sentDate=_date(), arrivesByDate=_date(), amount=_money(), disbursementSubType=_text()
        ),
        vcardDisbursement=_object(arrivesByDate=_date(), validUntil=_date(), last4CardNumber=_text()),
        walletDisbursement=_object(arrivesByDate=_date()),
    ),
    voidInfo=_list(
        _object(
            id=_text(),
            requestedBy=_text(),
            type=_text(),
            status=_text("A request to void is not a void: see singleStatus."),
            reason=_text(),
            **_STAMPS,
        )
    ),
    paymentPurpose=_PAYMENT_PURPOSE,
    cardFundingPurpose=_text(),
    cancelRequestSubmitted=_flag(),
    createdBy=_text(),
    toPrintCheck=_flag("Recorded payments only."),
    classifications=_object(chartOfAccountId=_text()),
    syncReference=_text("External reference of a recorded payment."),
    allowExport=_flag("Recorded payments only."),
    **_STAMPS,
)

CHART_OF_ACCOUNTS: t.Final = _stream(
    **_ARCHIVED,
    name=_text(),
    description=_text(),
    parentId=_text("The account above it."),
    account=_object(type=_text("EXPENSE, BANK, ACCOUNTS_PAYABLE ..."), number=_text()),
    **_STAMPS,
)
DEPARTMENTS: t.Final = _classification()
LOCATIONS: t.Final = _classification()
JOBS: t.Final = _classification()
ACCOUNTING_CLASSES: t.Final = _classification()
ITEMS: t.Final = _classification(
    type=_text(),
    price=_type("number"),
    expenseChartOfAccountId=_text(),
    chartOfAccountId=_text(),
    purchaseDescription=_text(),
    purchaseCost=_type("number"),
    taxable=_flag(),
    percentage=_type("number"),
)
EMPLOYEES: t.Final = _stream(
    firstName=_text(), lastName=_text(), shortName=_text(), parentId=_text(), **_ARCHIVED, **_STAMPS
)

VENDOR_CREDITS: t.Final = _stream(
    **_ARCHIVED,
    vendorId=_text(),
    referenceNumber=_text(),
    creditDate=_date(),
    description=_text(),
    applyToChartOfAccountId=_text(),
    applyToBankAccountId=_text(),
    amount=_money(),
    appliedAmount=_money(),
    status=_text("NOT_APPLIED, PARTIALLY_APPLIED, FULLY_APPLIED, IN_PROCESS."),
    vendorCreditLineItems=_list(
        _object(id=_text(), description=_text(), amount=_money(), classifications=_LINE_CODING)
    ),
    usage=_list(_object(billId=_text(), paymentId=_text(), amount=_money()), "Where it was applied."),
    **_STAMPS,
)

RECURRING_BILLS: t.Final = _stream(
    **_ARCHIVED,
    vendorId=_text(),
    description=_text(),
    recurringBillLineItems=_list(
        _object(id=_text(), amount=_money(), description=_text(), classifications=_LINE_CODING)
    ),
    schedule=_object(period=_text(), frequency=_count(), nextDueDate=_date(), endDate=_date(), daysInAdvance=_count()),
    processingOptions=_object(autoPayment=_flag()),
    paymentInformation=_object(bankAccountId=_text()),
    **_STAMPS,
)

FUNDING_BANK_ACCOUNTS: t.Final = _stream(
    **_ARCHIVED,
    status=_text(),
    createdBy=_text(),
    routingNumber=_text("Masked."),
    accountNumber=_text("Masked."),
    nameOnAccount=_text(),
    type=_text(),
    ownerType=_text(),
    bankName=_text(),
    accessToAdmins=_flag(),
    default=_object(payables=_flag(), receivables=_flag()),
    chartOfAccountId=_text("The general ledger account of this bank account."),
    **_STAMPS,
)

USERS: t.Final = _stream(
    **_ARCHIVED,
    firstName=_text(),
    lastName=_text(),
    email=_text(),
    role=_object(id=_text(), type=_text(), description=_text()),
    **_STAMPS,
)

ORGANIZATION: t.Final = _stream(
    **_ARCHIVED,
    name=_text(),
    address=_ADDRESS,
    mailingAddress=_ADDRESS,
    phone=_text(),
    companyOwner=_object(name=_text(), dateOfBirth=_date()),
    taxId=_text(),
    taxIdType=_text(),
    industry=_text(),
    businessCategory=_text(),
    accountType=_text(),
    processingOptions=_object(
        mailingAddressSameAsPhysical=_flag(), individualTransferOut=_flag(), individualTransferIn=_flag()
    ),
    partnerName=_text(),
    **_STAMPS,
)

BILL_APPROVAL_POLICIES: t.Final = _stream(
    policyName=_text(),
    status=_text(),
    rules=_list(
        _object(key=_text(), op=_text(), values=_list(_object(value=_text(), displayName=_text()))),
        "All must hold for the policy to apply.",
    ),
    approvers=_object(
        users=_list(_object(userId=_text(), fullName=_text())),
        groups=_list(
            _object(
                groupId=_text(),
                groupName=_text(),
                users=_list(_object(id=_text(), fullName=_text())),
            )
        ),
    ),
)

BILL_DOCUMENTS: t.Final = _stream(
    billId=_text("The bill it belongs to. Added by tap-bill."),
    name=_text(),
    createdTime=_time(),
    downloadLink=_text("Fetched with the header sessionId; it is no login by itself."),
)
