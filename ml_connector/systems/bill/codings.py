"""What lines are coded with: the chart of accounts and the classification lists (sheet bill 3.5, 4.4)."""

from __future__ import annotations

import dataclasses
import typing as t

from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.lists import read_all
from ml_connector.systems.bill.marks import mark_of
from ml_connector.systems.bill.writes import Written

__all__ = ["ACCOUNT_TYPES", "CODING_LISTS", "LINE_FIELDS", "AccountType", "Coding", "CodingBook", "CodingList"]

CodingList = t.Literal["chart_of_accounts", "departments", "locations", "jobs", "accounting_classes"]
CODING_LISTS: t.Final[tuple[CodingList, ...]] = t.get_args(CodingList)

LINE_FIELDS: t.Final[t.Mapping[CodingList, str]] = {
    "chart_of_accounts": "chartOfAccountId",
    "departments": "departmentId",
    "locations": "locationId",
    "jobs": "jobId",
    "accounting_classes": "accountingClassId",
}
"""The field of a line's ``classifications`` that refers to each list."""

AccountType = t.Literal[
    "UNSPECIFIED",
    "ACCOUNTS_PAYABLE",
    "ACCOUNTS_RECEIVABLE",
    "BANK",
    "COST_OF_GOODS_SOLD",
    "CREDIT_CARD",
    "EQUITY",
    "EXPENSE",
    "FIXED_ASSET",
    "INCOME",
    "LONG_TERM_LIABILITY",
    "OTHER_ASSET",
    "OTHER_CURRENT_ASSET",
    "OTHER_CURRENT_LIABILITY",
    "OTHER_EXPENSE",
    "OTHER_INCOME",
    "NON_POSTING",
]
ACCOUNT_TYPES: t.Final[tuple[AccountType, ...]] = t.get_args(AccountType)
"""Types an account may have (sheet bill 4.4)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Coding:
    """An account, department, location, job or accounting class.

    Attributes:
        list: Where it stands.
        id: BILL's id.
        name: Its name.
        code: The account's number, else the short name.
        mark: Our id, when we made it.
        archived: Whether it may no longer be used.
        fields: The object as BILL answers it.
    """

    list: CodingList
    id: str
    name: str
    code: str | None
    mark: str | None
    archived: bool
    fields: t.Mapping[str, t.Any] = dataclasses.field(repr=False)

    @classmethod
    def of(cls, which: CodingList, fields: t.Mapping[str, t.Any]) -> Coding:
        """Return the coding of BILL's object."""
        account = fields.get("account") or {}
        code = account.get("number") if which == "chart_of_accounts" else fields.get("shortName")
        return cls(
            list=which,
            id=str(fields["id"]),
            name=str(fields.get("name") or ""),
            code=str(code) if code else None,
            mark=mark_of(fields.get("description")),
            archived=bool(fields.get("archived")),
            fields=fields,
        )

    @property
    def label(self) -> str:
        """Code and name, as messages quote it."""
        return f'{self.code} "{self.name}"' if self.code else f'"{self.name}"'


class CodingBook:
    """The codings of an organization.

    Args:
        client: The organization's client.
    """

    def __init__(self, client: BillClient) -> None:
        self._client = client

    def all(self, which: CodingList) -> t.Iterator[Coding]:
        """Yield everything on a list, archived ones too: old bills still name them."""
        records = read_all(self._client, _path(which), sort="createdTime:asc")
        return (Coding.of(which, fields) for fields in records)

    def create(self, which: CodingList, body: t.Mapping[str, t.Any]) -> Written:
        """Create one; ``name`` is required."""
        return self._client.post(_path(which), body)

    def change(self, which: CodingList, identifier: str, body: t.Mapping[str, t.Any]) -> Written:
        """Change the fields given."""
        return self._client.patch(f"{_path(which)}/{identifier}", body)


def _path(which: CodingList) -> str:
    return f"/v3/classifications/{which.replace('_', '-')}"
