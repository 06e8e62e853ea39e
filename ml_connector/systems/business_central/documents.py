"""Reading documents with their lines and dimensions, although one broken dimension breaks a whole page.

Once a dimension value is deleted, every page with a document that carries it fails (sheet business-central 8.8). Then
the list is read in ever smaller groups until the document to blame stands alone, and that one comes without its
dimensions and with ``dimensionsUnreadable``.
"""

from __future__ import annotations

import logging
import re
import typing as t

from ml_connector.errors import NotFound, Rejected
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.settings import LARGEST_PAGE

__all__ = ["DOCUMENTS_PER_PAGE", "UNREADABLE", "document_rows", "with_lines"]

DOCUMENTS_PER_PAGE: t.Final = 1000
"""Rows with what belongs to them come at most so many at a time: a page may take eight minutes, not more (sheet 3)."""
UNREADABLE: t.Final = "dimensionsUnreadable"

_IDS_PER_CALL: t.Final = 100
_HEADER: t.Final = "dimensionSetLines,"
_LINES: t.Final = "($expand=dimensionSetLines)"
_ABOUT_DIMENSIONS = re.compile(r"dimension|parent\s?id", re.IGNORECASE)
_log = logging.getLogger(__name__)

Row = dict[str, t.Any]


def with_lines(lines: str) -> str:
    """Return what ``$expand`` takes to give a document with its lines and all dimensions."""
    return f"{_HEADER}{lines}{_LINES}"


def document_rows(
    client: BusinessCentralClient, path: str, expand: str, terms: str = "", *, fresh: bool = False
) -> t.Iterator[Row]:
    """Yield the documents of a list; after a failure those before it come once more.

    Args:
        client: The environment's client.
        path: Of the list.
        expand: As :func:`with_lines` gives it.
        terms: Filter.
        fresh: Whether a write will depend on it.

    Raises:
        SystemFault: Business Central refuses, or cannot be reached after some patience.
    """
    size = min(client.settings.page_size, DOCUMENTS_PER_PAGE)
    params = {"$filter": terms} if terms else {}
    try:
        yield from client.rows(path, params | {"$expand": expand}, page_size=size, fresh=fresh)
    except (NotFound, Rejected) as fault:
        if not _ABOUT_DIMENSIONS.search(fault.message):
            raise
        _log.warning("%s Looking for the document to blame.", fault)
        group: list[str] = []
        for row in client.rows(path, params | {"$select": "id"}, page_size=LARGEST_PAGE, fresh=fresh):
            group.append(str(row["id"]))
            if len(group) == _IDS_PER_CALL:
                yield from _group(client, path, expand, group, fresh=fresh)
                group = []
        if group:
            yield from _group(client, path, expand, group, fresh=fresh)


def _group(client: BusinessCentralClient, path: str, expand: str, ids: list[str], *, fresh: bool) -> t.Iterator[Row]:
    params = {"$filter": " or ".join(f"id eq {each}" for each in ids), "$expand": expand}
    try:
        yield from list(client.rows(path, params, page_size=DOCUMENTS_PER_PAGE, fresh=fresh))
    except (NotFound, Rejected) as fault:
        if not _ABOUT_DIMENSIONS.search(fault.message):
            raise
        if len(ids) > 1:
            half = len(ids) // 2
            yield from _group(client, path, expand, ids[:half], fresh=fresh)
            yield from _group(client, path, expand, ids[half:], fresh=fresh)
            return
        _log.warning("%s The dimensions of %s cannot be read.", fault, ids[0])
        params["$expand"] = expand.removeprefix(_HEADER).removesuffix(_LINES)
        for row in client.rows(path, params, fresh=fresh):
            yield row | {UNREADABLE: True}
