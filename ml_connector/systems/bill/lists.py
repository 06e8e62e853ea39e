"""Reading what a write depends on: one object, or all that a filter admits."""

from __future__ import annotations

import datetime as dt
import functools
import typing as t

from ml_connector.errors import NotFound, PermissionDenied, Unreadable
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.errors import SYSTEM
from ml_connector.systems.bill.paging import ListReader
from ml_connector.systems.bill.rows import Row

__all__ = ["filterable", "read_all", "read_by_time", "read_ids", "read_one"]

Record = dict[str, t.Any]

IDS_PER_CALL: t.Final = 50
_UNSAFE = frozenset(',:"')


def filterable(value: str) -> bool:
    """Whether a value may stand in a filter: there is no documented escape for these (sheet bill 3.1)."""
    return bool(value) and not _UNSAFE & set(value)


def read_all(
    client: BillClient, path: str, *filters: str, sort: str | None = None, **params: str
) -> t.Iterator[Record]:
    """Yield every object of a list that meets all filters; more than a page may hold some that do not meet them.

    Args:
        client: The organization's client.
        path: The list.
        filters: Terms such as ``vendorId:eq:009...``.
        sort: An order that edits do not change, for long lists.
        params: Further parameters of every page (``billApprovals``).

    Raises:
        Rejected: BILL refuses a filter, or its cursor is stuck.
    """
    query = dict(params)
    if filters:
        query["filters"] = ",".join(filters)
    reader = ListReader(
        functools.partial(client.get_page, path),
        f"GET {path}",
        page_size=client.settings.page_size,
        mode="cursor",
        params=query,
    )
    for rows in reader.everything(sort):
        yield from _records(path, rows)


def read_by_time(
    client: BillClient, path: str, since: dt.datetime | None = None, params: t.Mapping[str, str] | None = None
) -> t.Iterator[Record]:
    """Yield every object of a long list that was edited since an instant, the way ``pagination_mode`` says."""
    reader = ListReader(
        functools.partial(client.get_page, path),
        f"GET {path}",
        page_size=client.settings.page_size,
        mode=client.settings.pagination_mode,
        params=params,
    )
    for rows in reader.pages(since, None):
        yield from _records(path, rows)


def read_one(
    client: BillClient, path: str, identifier: str, params: t.Mapping[str, str] | None = None
) -> Record | None:
    """Return one object, None when there is none with this id.

    A user may be denied the object but not the list (sheet bill 8); then the list is asked for it.
    """
    try:
        found: Record = client.get(f"{path}/{identifier}", params)
    except NotFound:
        return None
    except PermissionDenied:
        return next(read_all(client, path, f"id:eq:{identifier}", **(params or {})), None)
    return found


def read_ids(
    client: BillClient, path: str, ids: t.Sequence[str], params: t.Mapping[str, str] | None = None
) -> dict[str, Record]:
    """Return the objects with these ids, fifty a call; what there is none of is left out."""
    found = {}
    for start in range(0, len(ids), IDS_PER_CALL):
        some = ids[start : start + IDS_PER_CALL]
        for record in read_all(client, path, f'id:in:"{",".join(some)}"', **(params or {})):
            found[str(record["id"])] = record
    return {key: record for key, record in found.items() if key in ids}


def _records(path: str, rows: list[Row]) -> t.Iterator[Record]:
    """Yield objects; one without an id proves nothing, neither that something is there nor that it is not."""
    for row in rows:
        if not row.id:
            raise Unreadable(SYSTEM, f"GET {path}", "one of its rows has no id")
        yield row.record()
