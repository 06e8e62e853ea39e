"""Reading rows with what belongs to them, although one broken dimension breaks a whole page.

Once a dimension value is deleted, every page with a document that carries it fails (sheet business-central 8.8), with a
status nobody is sure of and words in whatever language. So what happens decides: where the same query is answered for
no document at all, and the same documents are listed without what belongs to them, one of them is to blame. Then they
are read in ever smaller groups until it stands alone, and it comes without its dimensions and with
``dimensionsUnreadable``.
"""

from __future__ import annotations

import logging
import typing as t

from ml_connector.errors import NotFound, Rejected, SystemFault
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.settings import LARGEST_PAGE
from ml_connector.systems.business_central.values import NO_ID

__all__ = ["DOCUMENTS_PER_PAGE", "UNREADABLE", "document_rows", "with_lines"]

DOCUMENTS_PER_PAGE: t.Final = 1000
"""Rows with what belongs to them come at most so many at a time: a page may take eight minutes, not more (sheet 3)."""
UNREADABLE: t.Final = "dimensionsUnreadable"

_IDS_PER_CALL: t.Final = 100
_log = logging.getLogger(__name__)

Row = dict[str, t.Any]


def with_lines(lines: str) -> tuple[str, ...]:
    """Return what ``$expand`` takes to give a document with its lines and all dimensions, and with less and less."""
    return f"dimensionSetLines,{lines}($expand=dimensionSetLines)", lines, ""


def document_rows(
    client: BusinessCentralClient, path: str, expands: t.Sequence[str], terms: str = "", *, fresh: bool = False
) -> t.Iterator[Row]:
    """Yield the rows of a list; after a failure those before it come once more.

    Args:
        client: The environment's client.
        path: Of the list.
        expands: What comes with a row: all of it, and what is left for a row of which not all can be read.
        terms: Filter.
        fresh: Whether a write will depend on it.

    Raises:
        SystemFault: Business Central refuses, or cannot be reached after some patience.
    """
    reading = _Reading(client, path, expands, fresh=fresh)
    size = min(client.settings.page_size, DOCUMENTS_PER_PAGE)
    try:
        yield from reading.rows(terms, expands[0], size)
    except (NotFound, Rejected) as fault:
        ids = reading.to_blame(terms)
        if ids is None:
            raise
        _log.warning("%s Looking for the document to blame.", fault)
        for start in range(0, len(ids), _IDS_PER_CALL):
            yield from reading.group(ids[start : start + _IDS_PER_CALL])


class _Reading:
    """Reads one list in whatever way is left."""

    def __init__(self, client: BusinessCentralClient, path: str, expands: t.Sequence[str], *, fresh: bool) -> None:
        self._client = client
        self._path = path
        self._expands = expands
        self._fresh = fresh

    def rows(self, terms: str, expand: str, size: int = DOCUMENTS_PER_PAGE) -> t.Iterator[Row]:
        params = ({"$filter": terms} if terms else {}) | ({"$expand": expand} if expand else {})
        return self._client.rows(self._path, params, page_size=size, fresh=self._fresh)

    def to_blame(self, terms: str) -> list[str] | None:
        """Return the ids of the documents of which one fails the list; None when it is not one of them."""
        params = ({"$filter": terms} if terms else {}) | {"$select": "id"}
        try:
            for _ in self.rows(f"id eq {NO_ID}", self._expands[0]):
                return None  # a row that has no id: nothing is as it is thought to be
            rows = self._client.rows(self._path, params, page_size=LARGEST_PAGE, fresh=self._fresh)
            return [str(row["id"]) for row in rows] or None
        except (NotFound, Rejected):
            return None

    def group(self, ids: list[str]) -> t.Iterator[Row]:
        try:
            found = self._of(ids, self._expands[0])
        except (NotFound, Rejected) as fault:
            if len(ids) == 1:
                yield from self._with_less(ids[0], fault)
                return
            half = len(ids) // 2
            yield from self.group(ids[:half])
            yield from self.group(ids[half:])
        else:
            yield from found

    def _with_less(self, identifier: str, fault: SystemFault) -> t.Iterator[Row]:
        _log.warning("%s The dimensions of %s cannot be read.", fault, identifier)
        for expand in self._expands[1:]:
            try:
                found = self._of([identifier], expand)
            except (NotFound, Rejected) as refusal:
                fault = refusal
            else:
                yield from (row | {UNREADABLE: True} for row in found)
                return
        raise fault

    def _of(self, ids: list[str], expand: str) -> list[Row]:
        return list(self.rows(" or ".join(f"id eq {each}" for each in ids), expand))
