"""The invented company's books in Business Central: vendors it shares with BILL, and its own."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from erp_sandbox import catalogue
from erp_sandbox.business_central.behaviour import CompanySetup
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.entities import GENERAL, PAYMENT, SETS
from erp_sandbox.business_central.environment import Environment
from erp_sandbox.business_central.rules.batches import BATCH_INTERNALS
from erp_sandbox.business_central.rules.headers import HeaderRules
from erp_sandbox.business_central.rules.journal_lines import JournalLineRules, PaymentRules
from erp_sandbox.business_central.rules.kinds import CREDIT_MEMO, INVOICE, ORDER
from erp_sandbox.business_central.rules.masters import VENDOR_INTERNALS
from erp_sandbox.business_central.rules.posting_journals import post_batch
from erp_sandbox.business_central.rules.posting_purchases import post_document
from erp_sandbox.business_central.values import NEVER, Record

__all__ = ["BooksPlan", "add_vendors", "fill"]

OWN_VENDORS = 3
"""Vendors only Business Central knows."""

_FOUNDED = date(2025, 2, 1)
_OPENED = date(2026, 7, 1)
_DAY = timedelta(days=1)
_COMPANIES = uuid.UUID("6d9c2b1e-58a4-4e0c-9d0b-3f5b8c7a2e11")
"""A copy of an environment keeps the ids of its companies."""
_SYSTEM = "00000000-0000-0000-0000-000000000001"
_EXPENSES = tuple(account.number for account in catalogue.ACCOUNTS if account.spend_category is not None)
_CATEGORIES = {
    "BANK": "Assets",
    "FIXED_ASSET": "Assets",
    "ACCOUNTS_PAYABLE": "Liabilities",
    "INCOME": "Income",
    "COST_OF_GOODS_SOLD": "Cost of Goods Sold",
    "EXPENSE": "Expense",
    "OTHER_EXPENSE": "Expense",
}
_SYMBOLS = {"USD": "$", "EUR": "€", "JPY": "¥", "KWD": "KD"}
_STATUSES = ("Open", "Open", "Open", "Paid", "Draft", "Open", "Paid", "Open")


@dataclass(frozen=True, slots=True)
class BooksPlan:
    """What an environment is filled with.

    Attributes:
        seed: Varies amounts.
        company: The name of the main company.
        vendors: Numbers of BILL's vendors that Business Central has as well, under the same number and tax id.
        invoices: How many purchase invoices the main company has.
    """

    seed: int
    company: str
    vendors: tuple[int, ...]
    invoices: int = 40


def fill(environment: Environment, plan: BooksPlan) -> None:
    """Put two companies into an environment: one keeps its books in dollars, the other in euros with VAT."""
    main = _company(environment, plan.company, "USD", CompanySetup())
    _books(main, plan, plan.vendors, plan.invoices)
    other = _company(environment, f"{plan.company} Europe", "EUR", CompanySetup(vat=True))
    _books(other, plan, plan.vendors[:8], min(8, plan.invoices))


def add_vendors(company: Company, count: int, *, first: int = 1) -> None:
    """Add many vendors quickly, numbered ``M000001`` and on; for measuring."""
    blank = _blank_vendor(company)
    with company.environment.unit():
        for number in range(first, first + count):
            record = {
                **blank,
                "id": company.new_id("vendor"),
                "number": f"M{number:06d}",
                "displayName": catalogue.vendor_name(number),
                "email": f"billing{number}@vendor.invalid",
                "taxRegistrationNumber": f"00-{number:07d}",
            }
            company.save("vendors", record, touch=False)
            record["lastModifiedDateTime"] = _instant(_FOUNDED) + number


def _company(environment: Environment, name: str, currency: str, setup: CompanySetup) -> Company:
    founded = _instant(_FOUNDED)
    profile: Record = {
        "id": str(uuid.uuid5(_COMPANIES, name)),
        "systemVersion": "29.0.50000.0",
        "timestamp": environment.next_version(),
        "name": name,
        "displayName": "" if currency == "USD" else name,
        "businessProfileId": "",
        "systemCreatedAt": founded,
        "systemCreatedBy": _SYSTEM,
        "systemModifiedAt": founded,
        "systemModifiedBy": _SYSTEM,
    }
    company = Company(environment, profile, currency, setup)
    environment.companies[company.id] = company
    return company


def _books(company: Company, plan: BooksPlan, vendors: tuple[int, ...], invoices: int) -> None:
    _codes(company)
    _accounts(company)
    _dimensions(company)
    _things(company)
    for number in vendors:
        _vendor(company, f"V{number:05d}", number)
    for number in range(1, OWN_VENDORS + 1):
        _vendor(company, f"V{90_000 + number}", 9_000_000 + number)
    _batches(company)
    _documents(company, plan, invoices)
    _approvals(company)


def _instant(day: date) -> int:
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * 86_400_000


def _put(company: Company, table: str, stamp: int | None = None, **values: Any) -> Record:
    """A record as it was set up long ago; the ones set up with the company were never stamped (sheet 3)."""
    record = company.blank(table, **values)
    record["lastModifiedDateTime"] = NEVER if stamp is None else stamp
    return company.save(SETS[table].table, record, touch=False)


def _codes(company: Company) -> None:
    for code, days, percent in (("0 DAYS", 0, 0), ("15 DAYS", 15, 0), ("30 DAYS", 30, 0), ("2-10-30", 30, 2)):
        _put(
            company,
            "paymentTerms",
            code=code,
            displayName=f"Net {days} days",
            dueDateCalculation=f"{days}D",
            discountDateCalculation="10D" if percent else "",
            discountPercent=Decimal(percent),
        )
    for code, name in (("BANK", "Bank transfer"), ("CHECK", "Check"), ("CASH", "Cash")):
        _put(company, "paymentMethods", code=code, displayName=name)
    local = catalogue.CURRENCIES[company.local_currency]
    for currency in catalogue.CURRENCIES.values():
        if currency.code != company.local_currency:
            _put(
                company,
                "currencies",
                code=currency.code,
                displayName=currency.code,
                symbol=_SYMBOLS[currency.code],
                amountDecimalPlaces=f"{currency.digits}:{currency.digits}",
                amountRoundingPrecision=Decimal(1).scaleb(-currency.digits),
                _rate=str((currency.usd / local.usd).quantize(Decimal("0.0000001"))),
            )
    groups = (
        (("STANDARD", 21), ("REDUCED", 9), ("ZERO", 0)) if company.setup.vat else (("NONTAXABLE", 0), ("TAXABLE", 8))
    )
    kind = "VAT" if company.setup.vat else "Sales Tax"
    for code, percent in groups:
        _put(company, "taxGroups", code=code, displayName=code.capitalize(), taxType=kind, _percent=str(percent))
    _put(company, "taxAreas", code="HOME", displayName="Home", taxType=kind)
    for code, name, standard in (("PCS", "Piece", "EA"), ("HOUR", "Hour", "HUR")):
        _put(company, "unitsOfMeasure", code=code, displayName=name, internationalStandardCode=standard)
    for place, name in enumerate(catalogue.LOCATIONS, start=1):
        _put(company, "locations", code=f"L{place}", displayName=name, country="US", city=name.split()[0])
    _put(
        company,
        "companyInformation",
        displayName=company.name,
        addressLine1="1 Mill Street",
        city="Springfield",
        country="US" if company.local_currency == "USD" else "NL",
        postalCode="12345",
        currencyCode=company.local_currency,
        currentFiscalYearStartDate="2026-01-01",
    )


def _accounts(company: Company) -> None:
    tax_code = "STANDARD" if company.setup.vat else ""
    roles = {"1000": "Bank", "2000": "Payables", "1400": "Inventory", "2200": "Tax"}
    rows = [(account.number, account.name, _CATEGORIES[account.type]) for account in catalogue.ACCOUNTS]
    rows += [
        ("1400", "Inventory", "Assets"),
        ("2200", "Purchase Tax", "Liabilities"),
        ("2990", "Payment Clearing", "Assets"),
    ]
    rows.append(("6990", "Retired Expenses", "Expense"))
    for number, name, category in rows:
        _put(
            company,
            "accounts",
            _instant(_FOUNDED + _DAY) if number in _EXPENSES else None,
            number=number,
            displayName=name,
            category=category,
            accountType="Posting",
            directPosting=number not in roles or number == "1000",
            blocked=number == "6990",
            _role=roles.get(number, ""),
            _taxCode=tax_code,
        )
    for number, name, kind in (("6000", "Operating Expenses", "Begin-Total"), ("6999", "Total Expenses", "End-Total")):
        _put(
            company,
            "accounts",
            number=number,
            displayName=name,
            category="Expense",
            accountType=kind,
            _role="",
            _taxCode="",
        )


def _dimensions(company: Company) -> None:
    departments = [(item.cost_center_code or "900", item.name) for item in catalogue.DEPARTMENTS]
    locations = [(f"LOC{n}", name) for n, name in enumerate(catalogue.LOCATIONS, start=1)]
    projects = [(f"PRJ{n:02d}", name) for n, name in enumerate(catalogue.JOBS, start=1)]
    for code, name, values in (
        ("DEPARTMENT", "Department", departments),
        ("LOCATION", "Location", locations),
        ("PROJECT", "Project", projects),
    ):
        dimension = _put(company, "dimensions", _instant(_FOUNDED), code=code, displayName=name)
        for value_code, value_name in values:
            _put(
                company,
                "dimensionValues",
                _instant(_FOUNDED),
                code=value_code,
                displayName=value_name,
                dimensionId=dimension["id"],
                _blocked=False,
            )


def _things(company: Company) -> None:
    unit = company.table("unitsOfMeasure").one("code", "PCS") or {}
    group = company.table("taxGroups").one("code", "STANDARD" if company.setup.vat else "NONTAXABLE") or {}
    for place, name in enumerate(catalogue.ITEMS, start=1):
        _put(
            company,
            "items",
            _instant(_FOUNDED + place * _DAY),
            number=f"ITEM-{place:03d}",
            displayName=name,
            type="Service" if place == 1 else "Inventory",
            unitPrice=Decimal(40 * place),
            unitCost=Decimal(f"{25 * place}.03"),
            taxGroupId=group["id"],
            taxGroupCode=group["code"],
            baseUnitOfMeasureId=unit["id"],
            baseUnitOfMeasureCode=unit["code"],
        )
    identifier, currency = company.currency_of("")
    for number, name in (("OPERATING", "Operating account"), ("PAYROLL", "Payroll account")):
        _put(company, "bankAccounts", number=number, displayName=name, currencyId=identifier, currencyCode=currency)


def _blank_vendor(company: Company) -> Record:
    terms = company.table("paymentTerms").one("code", "30 DAYS") or {}
    method = company.table("paymentMethods").one("code", "BANK") or {}
    identifier, currency = company.currency_of("")
    return company.blank(
        "vendors",
        addressLine1="10 Dock Street",
        city="Springfield",
        state="CA",
        country="US",
        postalCode="94000",
        currencyId=identifier,
        currencyCode=currency,
        paymentTermsId=terms["id"],
        paymentMethodId=method["id"],
        taxLiable=company.setup.vat,
        _version=0,
        _created=0,
        **VENDOR_INTERNALS,
    )


def _vendor(company: Company, number: str, ordinal: int) -> None:
    identifier, currency = company.currency_of(catalogue.vendor_currency(ordinal))
    record = {
        **_blank_vendor(company),
        "id": company.new_id("vendor"),
        "number": number,
        "displayName": catalogue.vendor_name(ordinal),
        "addressLine1": f"{ordinal % 997} Dock Street",
        "phoneNumber": f"555{ordinal:07d}",
        "email": f"billing{ordinal}@vendor.invalid",
        "taxRegistrationNumber": f"00-{ordinal:07d}",
        "currencyId": identifier,
        "currencyCode": currency,
        "lastModifiedDateTime": NEVER
        if ordinal % 11 == 0
        else _instant(_FOUNDED) + ordinal % 300 * 86_400_000 + ordinal,
    }
    del record["_created"]
    company.save("vendors", record, touch=False)
    if ordinal % 5 == 0:
        dimension = company.table("dimensions").one("code", "DEPARTMENT") or {}
        value = company.table("dimensionValues").find("dimensionId", dimension["id"])[ordinal % 10]
        _put(
            company,
            "defaultDimensions",
            _instant(_FOUNDED),
            parentType="Vendor",
            parentId=record["id"],
            dimensionId=dimension["id"],
            dimensionCode=dimension["code"],
            dimensionValueId=value["id"],
            dimensionValueCode=value["code"],
        )


def _batches(company: Company) -> None:
    clearing = company.table("accounts").one("number", "2990") or {}
    bank = company.table("bankAccounts").one("number", "OPERATING") or {}
    for template, code, name, extra in (
        (GENERAL, "DEFAULT", "Default journal", {}),
        (GENERAL, "MONTHEND", "Month-end entries", {}),
        (
            PAYMENT,
            "GENERAL",
            "Payments by people",
            {"_balancingType": "Bank Account", "balancingAccountId": bank["id"], "balancingAccountNumber": "OPERATING"},
        ),
        (PAYMENT, "BILL", "BILL payments", {"balancingAccountId": clearing["id"], "balancingAccountNumber": "2990"}),
    ):
        record = company.blank("journals", templateDisplayName=template, code=code, displayName=name, **BATCH_INTERNALS)
        record.update(extra)
        company.save("batches", record, touch=False)
    month_end = company.table("batches").one("code", "MONTHEND") or {}
    for sign, number in ((1, "6300"), (-1, "2990")):
        _journal_line(company, month_end, number, Decimal(sign * 1200))


def _journal_line(company: Company, batch: Record, account: str, amount: Decimal) -> None:
    JournalLineRules().insert(
        company,
        None,
        batch,
        {
            "accountNumber": account,
            "postingDate": "2026-10-31",
            "documentNumber": "ME-2026-10",
            "amount": amount,
            "description": "Rent accrual",
        },
    )


def _documents(company: Company, plan: BooksPlan, count: int) -> None:
    vendors = [vendor["number"] for vendor in company.table("vendors")]
    orders = HeaderRules(ORDER)
    for number in range(1, count + 1):
        _invoice(company, plan, number, vendors[number % len(vendors)])
    for number in range(1, min(6, count) + 1):
        chance = random.Random(f"{plan.seed}:order:{number}")
        orders.insert(
            company,
            None,
            None,
            {
                "vendorNumber": vendors[number % len(vendors)],
                "orderDate": (_OPENED + number * _DAY).isoformat(),
                "purchaseOrderLines": [_line(company, chance, 1000, 2, "directUnitCost")],
            },
        )
    memo = HeaderRules(CREDIT_MEMO).insert(
        company,
        None,
        None,
        {
            "vendorNumber": vendors[0],
            "creditMemoDate": "2026-09-15",
            "postingDate": "2026-09-15",
            "vendorCreditMemoNumber": "CR-5001",
            "purchaseCreditMemoLines": [_line(company, random.Random(plan.seed), 100, 2, "unitCost")],
        },
    )
    post_document(company, CREDIT_MEMO, memo["id"])


def _invoice(company: Company, plan: BooksPlan, number: int, vendor: str) -> None:
    chance = random.Random(f"{plan.seed}:{company.local_currency}:{number}")
    record = company.table("vendors").one("number", vendor) or {}
    currency = catalogue.CURRENCIES[record["currencyCode"]]
    day = (_OPENED + number * 3 * _DAY).isoformat()
    lines = [_line(company, chance, currency.scale, currency.digits, "unitCost") for _ in range(chance.randint(1, 4))]
    if number % 6 == 0:
        lines.insert(0, {"lineType": "Comment", "description": "As agreed by telephone"})
    invoice = HeaderRules(INVOICE).insert(
        company,
        None,
        None,
        {
            "vendorNumber": vendor,
            "vendorInvoiceNumber": f"BC-{30_000 + number}",
            "invoiceDate": day,
            "postingDate": day,
            "purchaseInvoiceLines": lines,
        },
    )
    status = _STATUSES[number % len(_STATUSES)]
    if status != "Draft":
        posted = post_document(company, INVOICE, invoice["id"])
        if status == "Paid" or number % 10 == 1:
            _pay(company, posted, record, part=status != "Paid")
    _date_back(company, invoice["id"], _instant(_OPENED) + number * 3 * 86_400_000 + 32_767_000 + number)


def _line(company: Company, chance: random.Random, scale: int, digits: int, cost: str) -> dict[str, Any]:
    amount = Decimal(chance.randint(scale // 10 * 10**digits, scale * 3 * 10**digits)).scaleb(-digits)
    line: dict[str, Any] = {
        "lineType": "Account",
        "lineObjectNumber": chance.choice(_EXPENSES),
        "description": "Services rendered",
        "quantity": Decimal(1),
        cost: amount,
    }
    dimensions = company.table("dimensions")
    location = dimensions.one("code", "LOCATION") or {}
    values = company.table("dimensionValues").find("dimensionId", location["id"])
    line["dimensionSetLines"] = [{"code": "LOCATION", "valueCode": chance.choice(values)["code"]}]
    return line


def _pay(company: Company, invoice: Record, vendor: Record, *, part: bool) -> None:
    """Somebody paid it long ago; the batch is empty again."""
    batch = company.table("batches").one("code", "BILL") or {}
    digits = company.rounding(invoice["currencyCode"]).digits
    total = Decimal(invoice["totalAmountIncludingTax"])
    amount = (total / 2).quantize(Decimal(1).scaleb(-digits)) if part else total
    PaymentRules().insert(
        company,
        None,
        batch,
        {
            "vendorNumber": vendor["number"],
            "postingDate": invoice["dueDate"],
            "documentNumber": f"CHK{invoice['number']}",
            "externalDocumentNumber": f"CHK{invoice['number']}",
            "amount": amount,
            "appliesToInvoiceId": invoice["id"],
        },
    )
    post_batch(company, batch)


def _date_back(company: Company, identifier: str, stamp: int) -> None:
    """Let a document have been changed last when it was written."""
    document = company.table("purchaseInvoices").get(identifier)
    if document is not None:
        company.save("purchaseInvoices", {**document, "lastModifiedDateTime": stamp}, touch=False)


def _approvals(company: Company) -> None:
    """Every other draft invoice was approved, the others wait."""
    drafts = [invoice for invoice in company.table("purchaseInvoices") if invoice["status"] == "Draft"]
    for number, invoice in enumerate(drafts, start=1):
        _put(
            company,
            "approvalEntries",
            _instant(_OPENED) + number,
            entryNumber=number,
            tableId=38,
            documentType="Invoice",
            documentNumber=invoice["number"],
            sequenceNumber=1,
            senderId="CLERK",
            approverId="CHIEF",
            status="Approved" if number % 2 else "Open",
            amount=invoice["totalAmountIncludingTax"],
            amountLCY=invoice["totalAmountIncludingTax"],
            currencyCode=invoice["currencyCode"],
        )
