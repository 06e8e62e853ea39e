"""What lines are coded with: ledger accounts and dimension values. Both are read-only in the API (sheet 3)."""

from __future__ import annotations

import dataclasses
import typing as t

from ml_connector.systems.business_central.client import BusinessCentralClient

__all__ = ["Account", "CodingBook", "DimensionValue"]


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """A ledger account.

    Attributes:
        id: Its GUID.
        number: Its number.
        name: Its name.
        why_not: Why nothing can be posted to it directly, None when it can (sheet 8.10).
    """

    id: str
    number: str
    name: str
    why_not: str | None

    @classmethod
    def of(cls, fields: t.Mapping[str, t.Any]) -> Account:
        """Return the account of an object."""
        kind = fields.get("accountType")
        why_not: str | None = None
        if kind not in (None, "Posting"):
            why_not = f"is a {str(kind).lower()} account"
        elif fields.get("blocked"):
            why_not = "is blocked"
        elif not fields.get("directPosting", True):
            why_not = "takes no direct postings"
        number = str(fields.get("number") or "")
        return cls(str(fields["id"]).lower(), number, str(fields.get("displayName") or ""), why_not)

    @property
    def label(self) -> str:
        """Number and name, as messages quote it."""
        return f'{self.number} "{self.name}"'


@dataclasses.dataclass(frozen=True, slots=True)
class DimensionValue:
    """A value of a dimension.

    Attributes:
        id: Its GUID.
        dimension: Code of its dimension.
        code: Its code.
        name: Its name.
    """

    id: str
    dimension: str
    code: str
    name: str


class CodingBook:
    """Accounts and dimensions of a company.

    Args:
        client: The environment's client.
        company: Path of the company (``companies(...)``).
    """

    def __init__(self, client: BusinessCentralClient, company: str) -> None:
        self._client = client
        self._company = company

    def accounts(self) -> t.Iterator[Account]:
        """Yield every account, headings and blocked ones too."""
        return map(Account.of, self._client.rows(f"{self._company}/accounts"))

    def values(self) -> dict[str, list[DimensionValue]]:
        """Return the values of each dimension, by its code."""
        found: dict[str, list[DimensionValue]] = {}
        for row in self._client.rows(f"{self._company}/dimensions", {"$expand": "dimensionValues"}):
            code = str(row["code"]).upper()
            found[code] = [
                DimensionValue(str(value["id"]).lower(), code, str(value["code"]), str(value.get("displayName") or ""))
                for value in row.get("dimensionValues") or ()
            ]
        return found

    def currencies(self) -> tuple[str | None, frozenset[str]]:
        """Return the company's own currency, and the others it knows."""
        own = next(iter(self._client.rows(f"{self._company}/companyInformation")), {}).get("currencyCode")
        rows = self._client.rows(f"{self._company}/currencies", {"$select": "id,code"})
        return own, frozenset(str(row["code"]) for row in rows if row.get("code"))
