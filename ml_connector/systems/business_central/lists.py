"""Reading single rows, several by id, and those with a certain value; from the primary, since writes depend on it."""

from __future__ import annotations

import typing as t

from ml_connector.errors import NotFound
from ml_connector.systems.business_central.batch import MOST_REQUESTS, BatchRequest
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.values import quoted_text

__all__ = ["any_of", "etag_of", "read_ids", "read_one"]

Row = dict[str, t.Any]


def read_one(client: BusinessCentralClient, path: str, params: t.Mapping[str, str] | None = None) -> Row | None:
    """Return a row as it is now, None when there is none."""
    try:
        return client.get(path, params, fresh=True)
    except NotFound:
        return None


def read_ids(client: BusinessCentralClient, path: str, ids: t.Sequence[str], query: str = "") -> dict[str, Row]:
    """Return rows by id, a hundred a call; those that are not there are left out.

    Args:
        client: The environment's client.
        path: Of their list.
        ids: Whose.
        query: Such as ``?$expand=...``, written as an address takes it.
    """
    found: dict[str, Row] = {}
    for start in range(0, len(ids), MOST_REQUESTS):
        some = ids[start : start + MOST_REQUESTS]
        answers = client.batch([BatchRequest("GET", f"{path}({each}){query}") for each in some])
        for identifier, answer in zip(some, answers, strict=True):
            if answer.fault is None:
                found[identifier] = dict(answer.body)
            elif not isinstance(answer.fault, NotFound):
                raise answer.fault
    return found


def any_of(field: str, values: t.Iterable[str]) -> str:
    """Return the filter for rows whose field has one of these texts."""
    return " or ".join(f"{field} eq {quoted_text(value)}" for value in values)


def etag_of(row: t.Mapping[str, t.Any]) -> str:
    """Return the etag of a row that was read."""
    return str(row["@odata.etag"])
