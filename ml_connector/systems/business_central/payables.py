"""What posted purchase invoices still owe, which no field of theirs tells (sheet 8.7).

Two places do, where they are there: the analytics API of the Power BI reports, in local currency and one row per
detailed entry; and the page of vendor ledger entries (29), if an administrator has published it as a web service.
"""

from __future__ import annotations

import collections
import dataclasses
import logging
import typing as t
from decimal import Decimal

from ml_connector.errors import NotFound, PermissionDenied, Rejected
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.companies import Company

__all__ = ["ANALYTICS", "Owed", "Payables", "service_path"]

ANALYTICS: t.Final = ("/api/microsoft/analytics/v1.0", "/api/microsoft/analytics/v0.5")
"""Addresses of the analytics API, below the environment; older apps have the second alone."""

_ENTRIES: t.Final = "vendorLedgerEntries"
_INITIAL: t.Final = "initial entry"
_PAID_BY: t.Final = ("application", "payment discount", "payment tolerance")
"""How the types of rows begin that settle a part of an invoice; others adjust exchange rates and roundings."""

_log = logging.getLogger(__name__)

Row = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Owed:
    """What an open invoice still owes.

    Attributes:
        local: In local currency.
        amount: In its own currency; None where that is not told.
        settled: Whether a part of it was settled; None where only amounts can tell.
        touched: Whether anything has happened to it since it was posted; None where that is not known.
    """

    local: Decimal | None
    amount: Decimal | None = None
    settled: bool | None = None
    touched: bool | None = None

    def noted(self, invoice: Row) -> None:
        """Add to an invoice what it still owes."""
        total = Decimal(invoice.get("totalAmountIncludingTax") or 0)
        # Documents in local currency have no currency id (sheet 8.3); what they owe is in local currency anyway.
        amount = self.local if self.amount is None and not invoice.get("currencyId") else self.amount
        invoice["remainingAmount"], invoice["remainingAmountLocal"] = amount, self.local
        invoice["paidInPart"] = bool(self.settled) or (amount is not None and amount != total)


class Payables:
    """The open purchase invoices of a company.

    Args:
        client: The environment's client.
        company: The company.
        service: Name of the web service page 29 is published as, if it is.
    """

    def __init__(self, client: BusinessCentralClient, company: Company, service: str | None = None) -> None:
        self._client = client
        self._company = company
        self._service = service

    def open(self) -> dict[str, Owed] | None:
        """Return what each open invoice owes, by its number; None when neither place can be read.

        An invoice that is not among them need not be paid: a date filter of the reports hides rows (sheet 1).
        """
        why: list[str] = []
        for read in (*([self._published] if self._service else []), *map(self._reader, ANALYTICS)):
            try:
                return read()
            except (NotFound, PermissionDenied, Rejected) as fault:
                why.append(str(fault).splitlines()[0])
        _log.warning(
            "What purchase invoices of %s still owe cannot be read, and those paid in part not be told from others: %s",
            self._company.name,
            "; ".join(dict.fromkeys(why)),
        )
        return None

    def _reader(self, service: str) -> t.Callable[[], dict[str, Owed]]:
        return lambda: self._analytics(f"{service}/{self._company.path}/{_ENTRIES}")

    def _published(self) -> dict[str, Owed]:
        terms = {"$filter": "Document_Type eq 'Invoice' and Open eq true"}
        rows = self._client.rows(service_path(self._company, self._service or ""), terms, fresh=True)
        return {
            str(row["Document_No"]): Owed(
                _size(row.get("Remaining_Amt_LCY")),
                _size(row.get("Remaining_Amount")),
                touched=row["Original_Amount"] != row.get("Remaining_Amount") if "Original_Amount" in row else None,
            )
            for row in rows
            if row.get("Document_No")
        }

    def _analytics(self, path: str) -> dict[str, Owed]:
        numbers: dict[int, str] = {}
        left: collections.defaultdict[int, Decimal] = collections.defaultdict(Decimal)
        settled: collections.defaultdict[int, Decimal] = collections.defaultdict(Decimal)
        touched: set[int] = set()
        for row in self._client.rows(path, {"$filter": "vleOpen eq true"}, fresh=True):
            entry, amount = row["vleEntryNo"], Decimal(row.get("dvleAmountLCY") or 0)
            kind = str(row.get("dvleEntryType") or "").strip().lower()
            left[entry] += amount
            if kind.startswith(_PAID_BY):
                settled[entry] += amount
            if kind != _INITIAL:
                touched.add(entry)
            elif row.get("purchInvHeaderDocumentNo"):
                numbers[entry] = str(row["purchInvHeaderDocumentNo"])
        return {
            number: Owed(abs(left[entry]), settled=settled[entry] != 0, touched=entry in touched)
            for entry, number in numbers.items()
        }


def service_path(company: Company, service: str) -> str:
    """Return the address of a page that is published as an OData service, below the environment."""
    name = company.name.replace("'", "''")
    return f"/ODataV4/Company('{name}')/{service}"


def _size(value: t.Any) -> Decimal | None:
    """Return what an entry owes: it stands in the vendor's books with a negative sign."""
    return None if value is None else abs(Decimal(value))
