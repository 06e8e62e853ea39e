"""What BILL lists, and by which fields each list filters and sorts (sheet bill 3.2, 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

FieldType = Literal["text", "boolean", "number", "day", "instant"]


@dataclass(frozen=True, slots=True)
class Filter:
    """A field a list filters by.

    Attributes:
        operators: The operators it offers.
        type: How the value is read and compared.
        values: The enum's members, if it is one: another value is a 400.
        unconfirmed: Offered only if the rules say so: the sheet calls it likely, not certain.
    """

    operators: frozenset[str]
    type: FieldType = "text"
    values: frozenset[str] = frozenset()
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """A list of objects of one kind.

    Attributes:
        name: The stream's name, also the first half of a permission such as ``bills.list``.
        path: Below the base URL.
        label: The kind in error messages.
        detail: A field that is only shown on request: ``approvers`` of bills, ``usage`` of credits.
    """

    name: str
    path: str
    label: str
    filters: Mapping[str, Filter] = field(default_factory=dict)
    sorts: frozenset[str] = frozenset()
    detail: str | None = None


_ID = Filter(frozenset({"eq", "ne", "in"}))
_REFERENCE = Filter(frozenset({"eq", "in"}))
_FLAG = Filter(frozenset({"eq", "ne"}), "boolean")
_TIME = Filter(frozenset({"gt", "gte", "lt", "lte"}), "instant")
_DAY = Filter(frozenset({"gt", "gte", "lt", "lte"}), "day")
_MAYBE_TIME = Filter(_TIME.operators, "instant", unconfirmed=True)
_MAYBE_TEXT = Filter(frozenset({"eq", "sw"}), unconfirmed=True)
_EXACT = Filter(frozenset({"eq"}))

PAYMENT_STATUSES = frozenset({"PAID", "UNPAID", "PARTIALLY_PAID", "SCHEDULED", "IN_PROCESS", "UNDEFINED"})
APPROVAL_STATUSES = frozenset({"UNASSIGNED", "ASSIGNED", "APPROVED", "DENIED", "APPROVING", "UNDEFINED"})


def _enum(operators: str, members: frozenset[str]) -> Filter:
    return Filter(frozenset(operators.split()), values=members)


def _sorts(names: str) -> frozenset[str]:
    return frozenset(names.split())


VENDORS = Resource(
    "vendors",
    "/v3/vendors",
    "vendor",
    {
        "id": _ID,
        "archived": _FLAG,
        "name": Filter(frozenset({"eq", "sw"})),
        "accountType": _enum("eq ne", frozenset({"BUSINESS", "PERSON", "NONE", "UNDEFINED"})),
        "address.country": Filter(frozenset({"eq", "ne"})),
        "billCurrency": _EXACT,
        "paymentStatus": _enum("eq", PAYMENT_STATUSES),
        "createdTime": _TIME,
        "updatedTime": _TIME,
    },
    _sorts("archived name shortName email phone billCurrency createdTime updatedTime"),
)
BILLS = Resource(
    "bills",
    "/v3/bills",
    "bill",
    {
        "id": _ID,
        "archived": _FLAG,
        "vendorId": _REFERENCE,
        "dueDate": _DAY,
        "paymentStatus": _enum("eq ne in", PAYMENT_STATUSES),
        "approvalStatus": _enum("eq", APPROVAL_STATUSES),
        "invoice.invoiceNumber": _EXACT,
        "createdTime": _TIME,
        "updatedTime": _TIME,
        "payFromChartOfAccountId": _ID,
        **{
            f"classifications.{name}": _ID
            for name in ("chartOfAccountId", "accountingClassId", "departmentId", "locationId", "itemId")
        },
    },
    _sorts("archived fundingAmount exchangeRate description dueDate createdTime updatedTime"),
    detail="approvers",
)
PAYMENTS = Resource(
    "payments",
    "/v3/payments",
    "payment",
    {
        "id": _ID,
        "vendorId": _REFERENCE,
        "processDate": _DAY,
        "amount": Filter(frozenset({"eq", "gt", "gte", "lt", "lte"}), "number"),
        "transactionNumber": _EXACT,
        "status": _enum("eq ne in", frozenset({"APPROVING", "SCHEDULED", "PAID", "CANCELLED", "VOID", "ESCHEATED"})),
        "onlinePayment": _FLAG,
        "disbursementType": Filter(frozenset({"eq", "ne", "in"})),
        "createdTime": _TIME,
        "updatedTime": _TIME,
    },
    _sorts(
        "description processDate amount confirmationNumber onlinePayment createdTime updatedTime disbursementStatus"
    ),
)
RECURRING_BILLS = Resource(
    "recurring_bills",
    "/v3/recurringbills",
    "recurring bill",
    {"id": _ID, "archived": _FLAG, "vendorId": _REFERENCE},
    _sorts("archived"),
)
VENDOR_CREDITS = Resource(
    "vendor_credits",
    "/v3/vendor-credits",
    "vendor credit",
    {
        "id": _ID,
        "archived": Filter(_FLAG.operators, "boolean", unconfirmed=True),
        "vendorId": Filter(_REFERENCE.operators, unconfirmed=True),
        "createdTime": _MAYBE_TIME,
        "updatedTime": _MAYBE_TIME,
    },
    _sorts("archived creditDate amount appliedAmount createdTime updatedTime"),
    detail="usage",
)
FUNDING_BANK_ACCOUNTS = Resource(
    "funding_bank_accounts",
    "/v3/funding-accounts/banks",
    "bank account",
    {
        "id": _ID,
        "bankAccountId": _ID,
        "archived": _FLAG,
        "status": Filter(frozenset({"eq", "ne", "in"})),
        "type": Filter(frozenset({"eq", "ne", "in"})),
        "ownerType": Filter(frozenset({"eq", "ne", "in"})),
        "accessToAdmins": _FLAG,
        "createdTime": _TIME,
        "updatedTime": _MAYBE_TIME,
    },
    _sorts("archived nameOnAccount bankName accessToAdmins createdTime updatedTime"),
)
USERS = Resource(
    "users", "/v3/users", "user", {"id": _ID, "archived": _FLAG}, _sorts("archived createdTime updatedTime")
)
PAYMENT_TERMS = Resource(
    "payment_terms", "/payment-terms", "payment term", {"id": _ID}, _sorts("name createdTime updatedTime")
)


def _classification(name: str, segment: str, label: str, sorts: str = "name") -> Resource:
    return Resource(
        name,
        f"/v3/classifications/{segment}",
        label,
        {
            "id": _ID,
            "archived": _FLAG,
            "name": _MAYBE_TEXT,
            "createdTime": _MAYBE_TIME,
            "updatedTime": _MAYBE_TIME,
        },
        _sorts(f"archived {sorts} description createdTime updatedTime"),
    )


CLASSIFICATIONS = (
    _classification("chart_of_accounts", "chart-of-accounts", "chart of accounts"),
    _classification("departments", "departments", "department"),
    _classification("locations", "locations", "location"),
    _classification("jobs", "jobs", "job"),
    _classification("accounting_classes", "accounting-classes", "accounting class"),
    _classification("items", "items", "item"),
    _classification("employees", "employees", "employee", "firstName lastName"),
)
LISTED = (
    VENDORS,
    BILLS,
    PAYMENTS,
    *CLASSIFICATIONS,
    VENDOR_CREDITS,
    RECURRING_BILLS,
    FUNDING_BANK_ACCOUNTS,
    USERS,
)
BY_NAME: Mapping[str, Resource] = MappingProxyType({item.name: item for item in (*LISTED, PAYMENT_TERMS)})
