"""The invented company whose bills the sandbox holds: accounts, departments, people, currencies."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

COMPANY_NAME = "Acme Services"
WORKDAY_COMPANY_ID = "CO-100"
ACCOUNT_SET = "Corporate"


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency bills come in.

    Attributes:
        digits: Decimals of the minor unit (ISO 4217).
        usd: US dollars for one unit, as BILL would report it in ``exchangeRate``.
        scale: Rough size of a line, in units.
    """

    code: str
    digits: int
    usd: Decimal
    scale: int


CURRENCIES = MappingProxyType(
    {
        "USD": Currency("USD", 2, Decimal(1), 1000),
        "EUR": Currency("EUR", 2, Decimal("1.0857"), 900),
        "JPY": Currency("JPY", 0, Decimal("0.006613"), 150_000),
        "KWD": Currency("KWD", 3, Decimal("3.254148"), 300),
    }
)


@dataclass(frozen=True, slots=True)
class Account:
    """A BILL account, and the Workday spend category its bills belong to (None: not an expense)."""

    number: str
    name: str
    type: str
    spend_category: str | None = None


ACCOUNTS = (
    Account("1000", "Operating Cash", "BANK"),
    Account("1500", "Equipment", "FIXED_ASSET", "Equipment"),
    Account("2000", "Accounts Payable", "ACCOUNTS_PAYABLE"),
    Account("4000", "Service Revenue", "INCOME"),
    Account("5000", "Materials", "COST_OF_GOODS_SOLD", "Materials"),
    Account("5100", "Subcontractors", "COST_OF_GOODS_SOLD", "Subcontractors"),
    Account("6100", "Office Supplies", "EXPENSE", "Office_Supplies"),
    Account("6110", "Postage and Freight", "EXPENSE", "Freight"),
    Account("6200", "Professional Fees", "EXPENSE", "Professional_Services"),
    Account("6210", "Legal Fees", "EXPENSE", "Legal_Services"),
    Account("6300", "Rent", "EXPENSE", "Facilities_Rent"),
    Account("6310", "Utilities", "EXPENSE", "Utilities"),
    Account("6320", "Repairs and Maintenance", "EXPENSE", "Maintenance"),
    Account("6400", "Software Subscriptions", "EXPENSE", "Software"),
    Account("6410", "Telephone and Internet", "EXPENSE", "Telecommunications"),
    Account("6500", "Travel", "EXPENSE", "Travel"),
    Account("6510", "Meals", "EXPENSE", "Meals"),
    Account("6600", "Advertising", "EXPENSE", "Advertising"),
    Account("6700", "Insurance", "EXPENSE", "Insurance"),
    Account("6800", "Training", "EXPENSE", "Training"),
    Account("6900", "Bank Charges", "OTHER_EXPENSE", "Bank_Charges"),
)


@dataclass(frozen=True, slots=True)
class Department:
    """A BILL department, and the code of the Workday cost center it is mapped to (None: nobody mapped it)."""

    name: str
    cost_center_code: str | None


DEPARTMENTS = (
    Department("Administration", "110"),
    Department("Finance", "120"),
    Department("People", "130"),
    Department("Legal", "140"),
    Department("Sales", "210"),
    Department("Marketing", "220"),
    Department("Customer Support", "310"),
    Department("Engineering", "410"),
    Department("Research & Development", "420"),
    Department("Logistics", "510"),
    Department("Field Ops", None),
)
UNMAPPED_DEPARTMENT = next(n for n, item in enumerate(DEPARTMENTS) if item.cost_center_code is None)

LOCATIONS = ("Headquarters", "Oakland Warehouse", "Austin Office", "Rotterdam Depot", "Osaka Office")
JOBS = ("Harbour Refit", "Mill Street Annex", "Depot Relocation", "Website Relaunch")
ACCOUNTING_CLASSES = ("Recurring", "Project", "Capital")
ITEMS = ("Consulting hour", "Toner cartridge", "Freight charge", "Licence seat")
EMPLOYEES = (("Ines", "Halloway"), ("Tomas", "Birkett"), ("Yuki", "Arden"), ("Noor", "Velling"))
USERS = (
    ("Ada", "Merrow", "ADMINISTRATOR"),
    ("Ben", "Castellane", "ACCOUNTANT"),
    ("Cora", "Whitlock", "APPROVER"),
    ("Dov", "Ferrand", "APPROVER"),
)
PAYMENT_TERMS = (("Due on receipt", 0), ("Net 15", 15), ("Net 30", 30), ("Net 45", 45), ("Net 60", 60))

HARTLEY = 31
"""The vendor whose Workday supplier, S-00031, is inactive in the demo."""

_FIRST = [
    "Alder",
    "Birch",
    "Cobalt",
    "Dunmore",
    "Eastvale",
    "Fernhill",
    "Granby",
    "Harrow",
    "Ivywell",
    "Juniper",
    "Kestrel",
    "Lindworth",
    "Marlow",
    "Northgate",
    "Oakmere",
    "Pemberley",
    "Quarry",
    "Ravensby",
    "Sable",
    "Thornbury",
    "Umber",
    "Verdant",
    "Westlake",
    "Yarrow",
    "Zephyr",
    "Brightwater",
]
_TRADE = [
    "Paper",
    "Freight",
    "Tooling",
    "Catering",
    "Legal",
    "Print Works",
    "Roofing",
    "Electrical",
    "Software",
    "Cleaning",
    "Timber",
    "Signage",
    "Consulting",
    "Insurance",
    "Plumbing",
    "Logistics",
    "Media",
    "Packaging",
    "Security",
    "Analytics",
]
_FORMS = MappingProxyType(
    {
        "USD": ("LLC", "Inc.", "& Co.", "Group"),
        "EUR": ("GmbH", "B.V.", "S.à r.l.", "Oy"),
        "JPY": ("K.K.", "G.K."),
        "KWD": ("W.L.L.", "K.S.C."),
    }
)


def vendor_currency(number: int) -> str:
    """The currency of a vendor: of twenty, sixteen bill in USD, two in EUR, one in JPY, one in KWD."""
    return {17: "EUR", 13: "EUR", 18: "JPY", 19: "KWD"}.get(number % 20, "USD")


def vendor_name(number: int) -> str:
    """An invented name, different for every number."""
    if number == HARTLEY:
        return "Hartley & Sons"
    first = _FIRST[number % len(_FIRST)]
    trade = _TRADE[(number // len(_FIRST) + number) % len(_TRADE)]
    forms = _FORMS[vendor_currency(number)]
    round_trip = number // (len(_FIRST) * len(_TRADE))
    name = f"{first} {trade} {forms[number % len(forms)]}"
    return f"{name} {round_trip + 1}" if round_trip else name
