"""One page of a list: ``max``, ``page``, ``sort``, ``filters`` (sheet bill 3.1 to 3.3)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from erp_sandbox.bill import errors
from erp_sandbox.bill.filters import Term, parse_filters, parse_sort, sort_key
from erp_sandbox.bill.resources import Resource
from erp_sandbox.bill.rules import BillRules
from erp_sandbox.bill.table import END, START, Key, Row, Table, decode

DEFAULT_PAGE_SIZE = 20
LARGEST_PAGE_SIZE = 100
LIST_PARAMETERS = frozenset({"max", "page", "sort", "filters"})

_BY_TIME = (("updatedTime", False),)
_NUMBERS = frozenset({"id", "invoice.invoiceNumber", "name", "referenceNumber"})
"""Fields with a value of its own for nearly each record: who asks for one is not kept waiting by all the others."""


class _Token(msgspec.Struct, omit_defaults=True):
    """What a cursor remembers: its query, and a place: a row passed, a row to stop at, or a count."""

    filters: str
    sort: str
    after: tuple[int, str] | None = None
    before: tuple[int, str] | None = None
    offset: int | None = None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class _Query:
    """What is asked for, and the beginnings of a cursor to more of it."""

    terms: tuple[Term, ...]
    order: tuple[tuple[str, bool], ...]
    count: int
    blank: _Token

    def cursor(self, **place: Any) -> str:
        return _encode_token(msgspec.structs.replace(self.blank, **place))


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one answer and the cursors to its neighbours; an empty cursor means there is none."""

    rows: Sequence[Row]
    next_page: str
    prev_page: str

    def body(self, *, with_detail: bool = False) -> bytes:
        """The envelope as JSON. The last page has no ``nextPage`` at all, the first an empty ``prevPage``."""
        next_page = b'"nextPage":"' + self.next_page.encode() + b'",' if self.next_page else b""
        results = b",".join([row.whole() if with_detail else row.body for row in self.rows])
        return b"{" + next_page + b'"prevPage":"' + self.prev_page.encode() + b'","results":[' + results + b"]}"


def read_page(table: Table, resource: Resource, query: Mapping[str, str], rules: BillRules) -> Page:
    """Answer a list request.

    Args:
        table: The records.
        resource: What they may be filtered and sorted by.
        query: The list parameters of the request.
        rules: How paging behaves.

    Raises:
        BillRefusalError: a parameter is not what BILL takes.
    """
    count = _page_size(query.get("max"))
    token = _decode_token(query["page"]) if "page" in query else None
    if token is not None and rules.cursor == "refuses_filters" and "filters" in query:
        raise errors.invalid_parameter("The page parameter cannot be combined with filters.")
    filters, sort = _same_query(query, token)
    terms = parse_filters(filters, resource, allow_unconfirmed=rules.classifications_by_time) if filters else ()
    order = parse_sort(sort, resource) if sort else ()
    asked = _Query(terms, order, count, _Token(filters, sort))
    if rules.cursor == "works" and order == _BY_TIME:
        return _page_by_time(table, asked, token)
    if token is not None and rules.cursor in ("no_filters", "refuses_filters"):
        asked = replace(asked, terms=())
    return _page_by_offset(table, asked, token, stuck=rules.cursor == "stuck")


def _page_size(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE_SIZE
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST_PAGE_SIZE:
        raise errors.invalid_parameter(f"max: must be between 1 and {LARGEST_PAGE_SIZE}, but is {text}")
    return int(text)


def _same_query(query: Mapping[str, str], token: _Token | None) -> tuple[str, str]:
    """The filters and sort of a request; with a cursor they are left out or the same as on the first page."""
    if token is None:
        return query.get("filters", ""), query.get("sort", "")
    if query.get("filters", token.filters) != token.filters or query.get("sort", token.sort) != token.sort:
        raise errors.invalid_parameter("The page parameter belongs to another query.")
    return token.filters, token.sort


def _page_by_time(table: Table, asked: _Query, token: _Token | None) -> Page:
    start, end, rest = _time_range(asked.terms)
    admits = _all(rest) if rest else None
    among = _candidates(table, rest)
    if token is not None and token.before is not None:
        keys = table.walk(start, min(end, token.before), asked.count, admits, backwards=True, among=among)
        more = True
    else:
        if token is not None:
            if token.after is None:
                raise errors.invalid_parameter("Invalid page parameter.")
            start = max(start, table.after(token.after))
        keys = table.walk(start, end, asked.count + 1, admits, among=among)
        more = len(keys) > asked.count
        keys = keys[: asked.count]
    return Page(
        _rows(table, [identifier for _, identifier in keys]),
        asked.cursor(after=keys[-1]) if more and keys else "",
        asked.cursor(before=keys[0]) if token is not None and keys else "",
    )


def _page_by_offset(table: Table, asked: _Query, token: _Token | None, *, stuck: bool) -> Page:
    identifiers = table.selection((asked.terms, asked.order), lambda: _select(table, asked.terms, asked.order))
    if token is not None and token.offset is None:
        raise errors.invalid_parameter("Invalid page parameter.")
    offset = 0 if token is None or stuck else token.offset or 0
    end = offset + asked.count
    turn = token.turn + 1 if stuck and token is not None else 0
    return Page(
        _rows(table, identifiers[offset:end]),
        asked.cursor(offset=end, turn=turn) if end < len(identifiers) else "",
        asked.cursor(offset=max(0, offset - asked.count)) if offset else "",
    )


def _rows(table: Table, identifiers: Sequence[str]) -> list[Row]:
    return [row for identifier in identifiers if (row := table.row(identifier)) is not None]


def _select(table: Table, terms: Sequence[Term], order: Sequence[tuple[str, bool]]) -> list[str]:
    if not terms and order in (_BY_TIME, (("updatedTime", True),)):
        identifiers = [identifier for _, identifier in table.positions()]
        return identifiers[::-1] if order[0][1] else identifiers
    admits = _all(terms)
    among = _candidates(table, terms)
    rows = table.rows() if among is None else ((each, row) for each in among if (row := table.row(each)) is not None)
    if not order:
        return sorted(identifier for identifier, row in rows if admits(row))
    found = [decode(row.body) for _, row in rows if admits(row)]
    for field, descending in reversed(order):
        found.sort(key=sort_key(field), reverse=descending)
    return [record["id"] for record in found]


def _candidates(table: Table, terms: Sequence[Term]) -> Collection[str] | None:
    """Ids outside of which nothing meets the conditions; None where none of them names a number exactly."""
    for term in terms:
        if term.field in _NUMBERS and term.operator == "eq":
            return table.with_value(term.field, term.values[0])
    return None


def _time_range(terms: Sequence[Term]) -> tuple[Key, Key, list[Term]]:
    start, end, rest = START, END, []
    for term in terms:
        if term.field != "updatedTime":
            rest.append(term)
            continue
        instant = term.values[0]
        if term.operator in ("gt", "gte"):
            start = max(start, (instant + (term.operator == "gt"), ""))
        else:
            end = min(end, (instant + (term.operator == "lte"), ""))
    return start, end, rest


def _all(terms: Sequence[Term]) -> Callable[[Row], bool]:
    if not terms:
        return lambda _row: True

    def admits(row: Row) -> bool:
        record: dict[str, Any] = decode(row.body)
        return all(term.admits(record) for term in terms)

    return admits


def _encode_token(token: _Token) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")


def _decode_token(text: str) -> _Token:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Token)
    except (binascii.Error, UnicodeEncodeError, ValueError, msgspec.DecodeError):
        raise errors.invalid_parameter("Invalid page parameter.") from None
