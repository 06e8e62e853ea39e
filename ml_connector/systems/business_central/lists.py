"""Reading single rows, several by id, and those with a certain value; from the primary, since writes depend on it."""

from __future__ import annotations

import typing as t

from ml_connector.errors import NotFound, Rejected, SystemFault
from ml_connector.systems.business_central.batch import MOST_REQUESTS, BatchRequest
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.values import quoted_text

__all__ = ["any_of", "etag_of", "read_ids", "read_one"]

_IDS_PER_FILTER: t.Final = 100

Row = dict[str, t.Any]


def read_one(
    client: BusinessCentralClient, path: str, identifier: str, params: t.Mapping[str, str] | None = None
) -> Row | None:
    """Return a row as it is now, None when there is none.

    Args:
        client: The environment's client.
        path: Of its list.
        identifier: Its id.
        params: Query, such as ``$expand``.

    Raises:
        SystemFault: Business Central refuses; also "not found" when the list has the row all the same.
    """
    try:
        return client.get(f"{path}({identifier})", params, fresh=True)
    except NotFound:
        if _listed(client, path, [identifier]):
            raise
        return None


def read_ids(
    client: BusinessCentralClient, path: str, ids: t.Sequence[str], queries: t.Sequence[str] = ("",)
) -> dict[str, Row]:
    """Return rows by id, a hundred a call; those are left out that their list does not have either.

    "Not found" by itself proves nothing: a company, a part of the path, or a dimension of the row that is gone is told
    with the same status, in words that differ between languages.

    Args:
        client: The environment's client.
        path: Of their list.
        ids: Whose.
        queries: Such as ``?$expand=...``, written as an address takes it; a row that is refused by one is asked for by
            the next.

    Raises:
        SystemFault: A row that is there is refused by all queries.
    """
    found: dict[str, Row] = {}
    for start in range(0, len(ids), MOST_REQUESTS):
        found |= _some(client, path, ids[start : start + MOST_REQUESTS], queries)
    return found


def any_of(field: str, values: t.Iterable[str]) -> str:
    """Return the filter for rows whose field has one of these texts."""
    return " or ".join(f"{field} eq {quoted_text(value)}" for value in values)


def etag_of(row: t.Mapping[str, t.Any]) -> str:
    """Return the etag of a row that was read."""
    return str(row["@odata.etag"])


def _some(client: BusinessCentralClient, path: str, ids: t.Sequence[str], queries: t.Sequence[str]) -> dict[str, Row]:
    query, *further = queries
    found: dict[str, Row] = {}
    refused: dict[str, SystemFault] = {}
    answers = client.batch([BatchRequest("GET", f"{path}({each}){query}") for each in ids])
    for identifier, answer in zip(ids, answers, strict=True):
        if answer.fault is None:
            found[identifier] = dict(answer.body)
        elif isinstance(answer.fault, NotFound | Rejected):
            refused[identifier] = answer.fault
        else:
            raise answer.fault
    doubtful = [each for each, fault in refused.items() if isinstance(fault, NotFound)]
    there = _listed(client, path, doubtful)
    left = [each for each in refused if each not in doubtful or each.lower() in there]
    if left and not further:
        raise refused[left[0]]
    return found | (_some(client, path, left, further) if left else {})


def _listed(client: BusinessCentralClient, path: str, ids: t.Sequence[str]) -> set[str]:
    """Return which of some ids the list has."""
    there: set[str] = set()
    for start in range(0, len(ids), _IDS_PER_FILTER):
        meant = " or ".join(f"id eq {each}" for each in ids[start : start + _IDS_PER_FILTER])
        there.update(
            str(row["id"]).lower() for row in client.rows(path, {"$filter": meant, "$select": "id"}, fresh=True)
        )
    return there
