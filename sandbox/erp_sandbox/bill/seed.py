"""The records of an invented BILL organization, each made from the seed and its number alone.

Fields and nesting follow sheet bill 3.5 to 3.8 and the contract; BILL leaves out what is not populated.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

from erp_sandbox import catalogue
from erp_sandbox.bill.times import instant_text
from erp_sandbox.catalogue import CURRENCIES, Currency
from erp_sandbox.clock import from_milliseconds
from erp_sandbox.ids import bill_id

Record = dict[str, Any]
Approval = Literal["APPROVED", "ASSIGNED", "DENIED", "UNASSIGNED"]
RecordStatus = Literal["ACTIVE", "INACTIVE", "DRAFT", "DRAFT_DELETED"]
Settlement = Literal["NONE", "PAID", "PARTIALLY_PAID", "SCHEDULED", "IN_PROCESS", "VOIDED"]
Flaw = Literal["unmapped_department", "unbalanced"]

EPOCH = int(datetime(2025, 2, 1, tzinfo=UTC).timestamp() * 1000)
"""When the organization was set up: its vendors and classifications are at least that old."""

_HOUR = 3_600_000
_DAY = 24 * _HOUR
_EXPENSES = [n for n, account in enumerate(catalogue.ACCOUNTS) if account.spend_category is not None]
_MAPPED = [n for n in range(len(catalogue.DEPARTMENTS)) if n != catalogue.UNMAPPED_DEPARTMENT]
_GOODS = (
    "Monthly service",
    "Materials as ordered",
    "Hours worked",
    "Delivery",
    "Licence renewal",
    "Spare parts",
)
_DISBURSEMENTS = ("ACH", "CHECK", "RPPS", "VIRTUAL_CARD", "WALLET")


@dataclass(frozen=True, slots=True)
class BillPlan:
    """What one bill shall be.

    Attributes:
        number: Its number in this organization; its id and invoice number follow from it.
        vendor: The vendor's number; its currency is the bill's.
        lines: How many.
        updated: ``updatedTime`` in milliseconds.
        settlement: What was done to pay it; VOIDED means paid, then voided, so unpaid again.
        flaw: What is wrong with it, if anything.
        numbered_like: Another vendor's bill with the same invoice number; it is unique per vendor at most.
    """

    number: int
    vendor: int
    lines: int
    updated: int
    approval: Approval = "APPROVED"
    record_status: RecordStatus = "ACTIVE"
    settlement: Settlement = "NONE"
    flaw: Flaw | None = None
    numbered_like: int | None = None

    @property
    def invoice_number(self) -> str:
        """The vendor's invoice number, at most 21 characters."""
        return f"INV-{20_000 + (self.numbered_like or self.number)}"

    @property
    def is_payable(self) -> bool:
        """Active, approved and not yet paid: what accounts payable wants in the ledger."""
        return self.record_status == "ACTIVE" and self.approval == "APPROVED" and self.settlement != "PAID"


def vendor_record(seed: int, number: int, *, archived: bool = False) -> Record:
    """A vendor."""
    chance = _random(seed, 1, number)
    name = catalogue.vendor_name(number)
    currency = catalogue.vendor_currency(number)
    created = EPOCH + number % 10_000 * _HOUR
    record: Record = {
        "id": bill_id("vendor", seed, number),
        "archived": archived,
        "name": name,
        "shortName": f"V{number:05d}",
        "accountType": "PERSON" if number % 25 == 0 else "BUSINESS",
        "email": f"billing{number}@vendor.invalid",
        "phone": f"555{number:07d}",
        "address": _address(currency, number),
        "paymentInformation": {
            "payeeName": name,
            "email": f"remittance{number}@vendor.invalid",
            "payByType": "ACH" if number % 3 else "CHECK",
        },
        "additionalInfo": {
            "taxId": f"00-{number:07d}",
            "taxIdType": "EIN",
            "track1099": number % 25 == 0,
            "combinePayments": number % 2 == 0,
            "paymentTermId": bill_id("payment_term", seed, number % len(catalogue.PAYMENT_TERMS)),
        },
        "bankAccountStatus": "NO_ACCOUNT",
        "recurringPayments": False,
        "billCurrency": currency,
        "balance": {
            "amount": money(chance.randint(0, 500_000), CURRENCIES[currency]),
            "lastUpdatedDate": instant_text(created + _DAY),
        },
        "autoPay": {"enabled": False},
        "networkStatus": "CONNECTED" if number % 5 == 0 else "NOT_CONNECTED",
        "createdTime": instant_text(created),
        "updatedTime": instant_text(created + chance.randint(0, 300) * _DAY),
    }
    if number % 4 == 0:
        record["accountNumber"] = f"ACME-{number:04d}"
    return record


def bill_record(seed: int, plan: BillPlan) -> Record:
    """A bill, whose amounts are exact to the minor unit of its vendor's currency."""
    chance = _random(seed, 2, plan.number)
    currency = CURRENCIES[catalogue.vendor_currency(plan.vendor)]
    lines = _lines(seed, plan, chance, currency)
    total = sum((line.pop("_minor") for line in lines), 0)
    if plan.flaw == "unbalanced":
        total += 50 * 10**currency.digits
    created = plan.updated - chance.randint(2, 20) * _DAY - chance.randint(0, _HOUR)
    invoiced = from_milliseconds(created).date() - timedelta(days=chance.randint(0, 6))
    term = catalogue.PAYMENT_TERMS[plan.vendor % len(catalogue.PAYMENT_TERMS)][1]
    record: Record = {
        "id": bill_id("bill", seed, plan.number),
        "archived": plan.record_status != "ACTIVE",
        "recordStatus": plan.record_status,
        "vendorId": bill_id("vendor", seed, plan.vendor),
        "vendorName": catalogue.vendor_name(plan.vendor),
        "amount": money(total, currency),
        **_settled(plan, total, currency),
        "dueDate": (invoiced + timedelta(days=term)).isoformat(),
        "invoice": {"invoiceNumber": plan.invoice_number, "invoiceDate": invoiced.isoformat()},
        "billLineItems": lines,
        "payFromChartOfAccountId": bill_id("account", seed, 0),
        "paymentStatus": "UNPAID" if plan.settlement in ("NONE", "VOIDED") else plan.settlement,
        "approvalStatus": plan.approval,
        "createdBy": bill_id("user", seed, 1),
        "classifications": {"chartOfAccountId": lines[0]["classifications"]["chartOfAccountId"]},
        "createdTime": instant_text(created),
        "updatedTime": instant_text(plan.updated),
    }
    if currency.code != "USD":
        record["exchangeRate"] = currency.usd
        record["fundingAmount"] = _funding(total, currency)
    if plan.number % 3 == 0:
        record["description"] = f"{chance.choice(_GOODS)}, see attached"
    if plan.number % 4 == 0:
        record["purchaseOrderNumber"] = f"45{plan.number:08d}"
    if plan.approval != "UNASSIGNED":
        record["approvers"] = _approvers(seed, plan)
    return record


def payment_record(seed: int, plan: BillPlan) -> Record:
    """The payment of a bill with a settlement.

    Raises:
        ValueError: the bill has none.
    """
    if plan.settlement == "NONE":
        raise ValueError(f"bill {plan.number} has no payment")
    chance = _random(seed, 3, plan.number)
    bill = bill_record(seed, plan)
    amount = bill["paidAmount"] or bill["scheduledAmount"] or bill["amount"]
    status, single_status = {
        "PAID": ("PAID", "CLEARED"),
        "PARTIALLY_PAID": ("PAID", "CLEARED"),
        "SCHEDULED": ("SCHEDULED", "SCHEDULED"),
        "IN_PROCESS": ("PAID", "SENT"),
        "VOIDED": ("VOID", "VOIDED"),
    }[plan.settlement]
    currency = CURRENCIES[catalogue.vendor_currency(plan.vendor)]
    kind = "INTERNATIONAL" if currency.code != "USD" else chance.choice(_DISBURSEMENTS)
    created = plan.updated - _DAY
    sent = from_milliseconds(created).date()
    record: Record = {
        "id": bill_id("payment", seed, plan.number),
        "vendorId": bill["vendorId"],
        "vendorName": bill["vendorName"],
        "billId": bill["id"],
        "billPayments": [{"id": bill_id("bill_payment", seed, plan.number), "billId": bill["id"], "amount": amount}],
        "amount": amount,
        "description": f"Payment of {plan.invoice_number}",
        "processDate": sent.isoformat(),
        "fundingAccount": {"type": "BANK_ACCOUNT", "id": bill_id("bank_account", seed, 0)},
        "processingOptions": {"requestPayFaster": False, "createBill": False},
        "transactionNumber": bill_id("payment", seed, 10_000_000 + plan.number)[5:],
        "confirmationNumber": f"P{sent:%y%m%d}01 - {plan.number:07d}",
        "status": status,
        "singleStatus": single_status,
        "disbursementType": kind,
        "disbursementInfo": _disbursement(kind, sent, plan.number, amount),
        "onlinePayment": True,
        "cancelRequestSubmitted": False,
        "createdBy": bill_id("user", seed, 1),
        "voidInfo": [_void(seed, plan)] if plan.settlement == "VOIDED" else [],
        "createdTime": instant_text(created),
        "updatedTime": instant_text(plan.updated + _HOUR),
    }
    if single_status == "CLEARED":
        record["disbursementStatus"] = "DONE"
    if currency.code != "USD":
        record["exchangeRate"] = currency.usd
        record["fundingAmount"] = _usd(Decimal(amount) * currency.usd)
    return record


def organization_record(identifier: str, name: str) -> Record:
    """The organization's own record."""
    return {
        "id": identifier,
        "archived": False,
        "name": name,
        "address": _address("USD", 1),
        "phone": "5550100100",
        "taxIdType": "EIN",
        "industry": "Services",
        "accountType": "BUSINESS",
        "createdTime": instant_text(EPOCH),
        "updatedTime": instant_text(EPOCH + 30 * _DAY),
    }


def reference_records(seed: int) -> Iterator[tuple[str, Record]]:
    """Classifications, users, bank accounts and payment terms, as ``(resource name, record)``."""
    yield from _classifications(seed)
    for n, (first, last, role) in enumerate(catalogue.USERS):
        yield (
            "users",
            {
                "id": bill_id("user", seed, n),
                "archived": False,
                "firstName": first,
                "lastName": last,
                "email": f"{first.lower()}@acme.invalid",
                "role": {"id": f"0ro01{role}", "type": role, "description": role.capitalize()},
                **_times(n),
            },
        )
    for n, (name, days) in enumerate(catalogue.PAYMENT_TERMS):
        term = {"id": bill_id("payment_term", seed, n), "name": name, "daysDue": days}
        yield ("payment_terms", {**term, **_times(n)})
    for n, name in enumerate(("Operating", "Payroll")):
        yield (
            "funding_bank_accounts",
            {
                "id": bill_id("bank_account", seed, n),
                "archived": False,
                "status": "VERIFIED",
                "createdBy": bill_id("user", seed, 0),
                "routingNumber": "*****0010",
                "accountNumber": f"*****{2333 + n}",
                "nameOnAccount": f"{catalogue.COMPANY_NAME} {name}",
                "type": "CHECKING",
                "ownerType": "BUSINESS",
                "bankName": "Invented Savings Bank",
                "accessToAdmins": True,
                "default": {"payables": n == 0, "receivables": n == 0},
                "chartOfAccountId": bill_id("account", seed, 0),
                **_times(n),
            },
        )


def recurring_records(seed: int, vendors: int) -> Iterator[tuple[str, Record]]:
    """Up to three recurring bills and vendor credits, as ``(resource name, record)``."""
    for n in range(min(3, vendors)):
        vendor = bill_id("vendor", seed, n + 1)
        coding = {"chartOfAccountId": bill_id("account", seed, _EXPENSES[n])}
        line: Record = {"description": "Monthly service", "classifications": coding}
        yield (
            "recurring_bills",
            {
                "id": bill_id("recurring_bill", seed, n),
                "archived": False,
                "vendorId": vendor,
                "description": "Standing order",
                "recurringBillLineItems": [{"id": bill_id("line", seed, 900_000_000 + n), "amount": 100 + n, **line}],
                "schedule": {
                    "period": "MONTHLY",
                    "frequency": 1,
                    "nextDueDate": "2027-01-15",
                    "endDate": "2027-12-15",
                    "daysInAdvance": 10,
                },
                "processingOptions": {"autoPayment": False},
                **_times(n),
            },
        )
        yield (
            "vendor_credits",
            {
                "id": bill_id("vendor_credit", seed, n),
                "archived": False,
                "vendorId": vendor,
                "referenceNumber": f"CR-{n + 1:03d}",
                "creditDate": "2026-09-15",
                "description": "Goods returned",
                "amount": 40 + n,
                "appliedAmount": 0,
                "status": "NOT_APPLIED",
                "vendorCreditLineItems": [{"id": bill_id("line", seed, 910_000_000 + n), "amount": 40 + n, **line}],
                "usage": [],
                **_times(n),
            },
        )


def policy_records(seed: int) -> list[Record]:
    """The organization's approval policy, in the shape its list answers (sheet bill 4.2)."""
    approvers = [{"userId": bill_id("user", seed, n), "fullName": " ".join(catalogue.USERS[n][:2])} for n in (2, 3)]
    return [
        {
            "id": bill_id("policy", seed, 0),
            "policyName": "All bills",
            "status": "ACTIVE",
            "rules": [{"key": "BILL_AMOUNT", "op": "gte", "values": [{"value": "0", "displayName": "0.00"}]}],
            "approvers": {"users": approvers, "groups": []},
        }
    ]


def document_records(seed: int, plan: BillPlan) -> list[Record]:
    """The scanned invoice of a bill."""
    identifier = bill_id("document", seed, plan.number)
    return [
        {
            "id": identifier,
            "name": f"{plan.invoice_number}.pdf",
            "createdTime": instant_text(plan.updated - _DAY),
            "downloadLink": f"https://files.vendor.invalid/{identifier}",
        }
    ]


def money(minor: int, currency: Currency) -> Decimal | int:
    """An amount as a JSON number, from its minor units; a whole one is an integer (sheet bill 11)."""
    units, fraction = divmod(minor, 10**currency.digits)
    return units if fraction == 0 else Decimal(minor).scaleb(-currency.digits).normalize()


def _classifications(seed: int) -> Iterator[tuple[str, Record]]:
    for n, account in enumerate(catalogue.ACCOUNTS):
        yield (
            "chart_of_accounts",
            {
                "id": bill_id("account", seed, n),
                "archived": False,
                "name": account.name,
                "description": f"{account.number} {account.name}",
                "account": {"type": account.type, "number": account.number},
                **_times(n),
            },
        )
    for resource, kind, names in (
        ("departments", "department", tuple(department.name for department in catalogue.DEPARTMENTS)),
        ("locations", "location", catalogue.LOCATIONS),
        ("jobs", "job", catalogue.JOBS),
        ("accounting_classes", "accounting_class", catalogue.ACCOUNTING_CLASSES),
    ):
        for n, name in enumerate(names):
            yield (resource, {"id": bill_id(kind, seed, n), "archived": False, "name": name, **_times(n)})
    for n, name in enumerate(catalogue.ITEMS):
        yield (
            "items",
            {
                "id": bill_id("item", seed, n),
                "archived": False,
                "type": "SERVICE" if n == 0 else "NON_INVENTORY",
                "name": name,
                "price": 25 * (n + 1),
                "chartOfAccountId": bill_id("account", seed, 3),
                "expenseChartOfAccountId": bill_id("account", seed, _EXPENSES[n]),
                "taxable": False,
                **_times(n),
            },
        )
    for n, (first, last) in enumerate(catalogue.EMPLOYEES):
        employee = {
            "id": bill_id("employee", seed, n),
            "archived": False,
            "firstName": first,
            "lastName": last,
        }
        yield ("employees", {**employee, **_times(n)})


def _lines(seed: int, plan: BillPlan, chance: random.Random, currency: Currency) -> list[Record]:
    scale = currency.scale * 10**currency.digits
    lines: list[Record] = []
    for position in range(plan.lines):
        account, department = chance.choice(_EXPENSES), chance.choice(_MAPPED)
        if plan.flaw == "unmapped_department" and position == 0:
            department = catalogue.UNMAPPED_DEPARTMENT
        if plan.flaw == "unbalanced":
            minor = 1200 * 10**currency.digits // plan.lines
        else:
            minor = chance.randint(scale // 50, scale * 3)
        line: Record = {
            "id": bill_id("line", seed, plan.number * 100 + position),
            "description": _GOODS[(plan.number + position) % len(_GOODS)],
        }
        if position % 3 == 1 and plan.flaw is None:
            quantity = chance.randint(2, 12)
            price = max(1, minor // quantity)
            minor = quantity * price
            line |= {"quantity": quantity, "price": money(price, currency)}
        coding = {
            "chartOfAccountId": bill_id("account", seed, account),
            "departmentId": bill_id("department", seed, department),
        }
        if position % 4 == 0:
            coding["locationId"] = bill_id("location", seed, chance.randrange(len(catalogue.LOCATIONS)))
        if position % 7 == 3:
            coding["jobId"] = bill_id("job", seed, chance.randrange(len(catalogue.JOBS)))
        lines.append({**line, "amount": money(minor, currency), "classifications": coding, "_minor": minor})
    return lines


def _settled(plan: BillPlan, total: int, currency: Currency) -> Record:
    paid = {"PAID": total, "PARTIALLY_PAID": total // 2}.get(plan.settlement, 0)
    scheduled = total if plan.settlement in ("SCHEDULED", "IN_PROCESS") else 0
    return {
        "paidAmount": money(paid, currency),
        "dueAmount": money(total - paid, currency),
        "scheduledAmount": money(scheduled, currency),
        "creditAmount": 0,
    }


def _funding(minor: int, currency: Currency) -> Decimal | int:
    return _usd(Decimal(minor).scaleb(-currency.digits) * currency.usd)


def _usd(amount: Decimal) -> Decimal | int:
    cents = int(amount.scaleb(2).to_integral_value(ROUND_HALF_EVEN))
    return money(cents, CURRENCIES["USD"])


def _approvers(seed: int, plan: BillPlan) -> list[Record]:
    status = {"APPROVED": "APPROVED", "ASSIGNED": "WAITING", "DENIED": "DENIED"}[plan.approval]
    approvers: list[Record] = []
    for order in range(1 + plan.number % 2):
        approver: Record = {
            "userId": bill_id("user", seed, 2 + order),
            "status": status,
            "approverOrder": order,
        }
        if status != "WAITING":
            approver["statusChangedTime"] = instant_text(plan.updated - _HOUR)
        approvers.append(approver)
    return approvers


def _disbursement(kind: str, sent: Any, number: int, amount: Decimal | int) -> Record:
    dates = {"sentDate": sent.isoformat(), "arrivesByDate": (sent + timedelta(days=3)).isoformat()}
    arrives = {"arrivesByDate": dates["arrivesByDate"]}
    details: dict[str, Record] = {
        "ACH": {"achDisbursement": dates},
        "CHECK": {"checkDisbursement": {**dates, "checkNumber": 1000 + number}},
        "RPPS": {"rppsDisbursement": {**dates, "traceNumber": 7000 + number, "batchNumber": 1 + number % 9}},
        "VIRTUAL_CARD": {
            "vcardDisbursement": {
                **arrives,
                "validUntil": (sent + timedelta(days=180)).isoformat(),
                "last4CardNumber": f"{number % 10_000:04d}",
            }
        },
        "WALLET": {"walletDisbursement": arrives},
        "INTERNATIONAL": {"internationalDisbursement": {**dates, "amount": amount, "disbursementSubType": "NONE"}},
    }
    return {"isVoidable": False, **details[kind]}


def _void(seed: int, plan: BillPlan) -> Record:
    return {
        "id": bill_id("void", seed, plan.number),
        "requestedBy": bill_id("user", seed, 0),
        "type": "VOID_AND_CREDIT",
        "status": "ACCEPTED",
        "reason": "Paid twice",
        "createdTime": instant_text(plan.updated),
        "updatedTime": instant_text(plan.updated + _HOUR),
    }


def _address(currency: str, number: int) -> Record:
    city, code, country = {
        "USD": ("Oakland", "94607", "US"),
        "EUR": ("Rotterdam", "3011 AA", "NL"),
        "JPY": ("Osaka", "530-0001", "JP"),
        "KWD": ("Kuwait City", "13001", "KW"),
    }[currency]
    address = {"line1": f"{number} Mill Street", "city": city, "zipOrPostalCode": code, "country": country}
    return address | ({"stateOrProvince": "CA"} if country == "US" else {})


def _times(number: int) -> Record:
    return {
        "createdTime": instant_text(EPOCH + number * _HOUR),
        "updatedTime": instant_text(EPOCH + (30 + number) * _DAY),
    }


def _random(seed: int, kind: int, number: int) -> random.Random:
    return random.Random((seed * 31 + kind) * 1_000_000_007 + number)
