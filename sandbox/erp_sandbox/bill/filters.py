"""Reading ``filters=`` and ``sort=`` as BILL does, and refusing what it refuses (sheet bill 3.1)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from erp_sandbox.bill import errors
from erp_sandbox.bill.resources import Filter, Resource
from erp_sandbox.bill.times import parse_day, parse_instant

OPERATORS = frozenset({"eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "sw"})

_TERM = re.compile(r'(?P<field>[A-Za-z.]+):(?P<operator>[A-Za-z]+):(?P<value>"[^"]*"|[^",]*)')
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "sw": lambda found, wanted: str(found).startswith(wanted),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: a field, an operator, and the value (or values) in the field's own type."""

    field: str
    operator: str
    type: str
    values: tuple[Any, ...]

    def admits(self, record: Mapping[str, Any]) -> bool:
        """Whether a record meets the condition; a field it lacks is unequal to everything."""
        found = self._read(record)
        if self.operator in ("ne", "nin"):
            return found not in self.values
        if found is None:
            return False
        if self.operator == "in":
            return found in self.values
        return _COMPARISONS[self.operator](found, self.values[0])

    def _read(self, record: Mapping[str, Any]) -> Any:
        value: Any = record
        for part in ("id" if self.field == "bankAccountId" else self.field).split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is None:
            return None
        if self.type == "instant":
            return parse_instant(value)
        if self.type == "day":
            return parse_day(value)
        return value


def parse_filters(text: str, resource: Resource, *, allow_unconfirmed: bool) -> tuple[Term, ...]:
    """Read the value of ``filters=`` (already URL-decoded).

    Raises:
        BillRefusalError: BDC_1130 for a field, BDC_1131 for an operator, BDC_1129 for a value or the grammar.
    """
    terms: list[Term] = []
    position = 0
    while True:
        match = _TERM.match(text, position)
        if match is None:
            raise errors.invalid_parameter(f"Invalid filters: cannot read {text[position:]!r}.")
        terms.append(_term(match, resource, allow_unconfirmed=allow_unconfirmed))
        position = match.end()
        if position == len(text):
            return tuple(terms)
        if text[position] != ",":
            raise errors.invalid_parameter(f"Invalid filters: cannot read {text[position:]!r}.")
        position += 1


def parse_sort(text: str, resource: Resource) -> tuple[tuple[str, bool], ...]:
    """Read the value of ``sort=`` into (field, descending) pairs.

    Raises:
        BillRefusalError: BDC_1130 for a field, BDC_1129 for a direction.
    """
    order: list[tuple[str, bool]] = []
    for part in text.split(","):
        name, _, direction = part.partition(":")
        if name not in resource.sorts:
            raise errors.bad_filter_field(resource.name, name)
        if direction not in ("", "asc", "desc"):
            raise errors.invalid_parameter(f"Invalid sort direction: {direction!r}.")
        order.append((name, direction == "desc"))
    return tuple(order)


def sort_key(field: str) -> Callable[[Mapping[str, Any]], tuple[bool, Any]]:
    """A key that puts records without the field first."""

    def key(record: Mapping[str, Any]) -> tuple[bool, Any]:
        value = record.get(field)
        return (value is not None, value)

    return key


def _term(match: re.Match[str], resource: Resource, *, allow_unconfirmed: bool) -> Term:
    name, op, raw = match["field"], match["operator"], match["value"]
    known = resource.filters.get(name)
    if known is None or (known.unconfirmed and not allow_unconfirmed):
        raise errors.bad_filter_field(resource.name, name)
    if op not in OPERATORS or op not in known.operators:
        raise errors.bad_filter_operator(name, op)
    return Term(name, op, known.type, _values(name, op, raw, known))


def _values(name: str, op: str, raw: str, known: Filter) -> tuple[Any, ...]:
    quoted = raw.startswith('"')
    text = raw[1:-1] if quoted else raw
    if not text:
        raise errors.invalid_parameter(f"Invalid value for {name}: it is empty.")
    must_quote = op == "sw" or ":" in text
    must_not = known.type in ("boolean", "number")
    if (must_quote and not quoted) or (must_not and quoted):
        raise errors.invalid_parameter(f"Invalid value for {name}: {raw}.")
    parts = text.split(",") if op in ("in", "nin") else [text]
    return tuple(_value(name, part, known) for part in parts)


def _value(name: str, text: str, known: Filter) -> Any:
    try:
        return _READERS[known.type](text, known)
    except (ValueError, InvalidOperation):
        raise errors.invalid_parameter(f"Invalid value for {name}: {text}.") from None


def _read_text(text: str, known: Filter) -> str:
    if known.values and text not in known.values:
        raise ValueError(text)
    return text


def _read_flag(text: str, _known: Filter) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _read_number(text: str, _known: Filter) -> Decimal:
    if not re.fullmatch(r"-?\d+(\.\d+)?", text):
        raise ValueError(text)
    return Decimal(text)


def _read_day(text: str, _known: Filter) -> date:
    return parse_day(text)


def _read_instant(text: str, _known: Filter) -> int:
    return parse_instant(text)


_READERS: Mapping[str, Callable[[str, Filter], Any]] = {
    "text": _read_text,
    "boolean": _read_flag,
    "number": _read_number,
    "day": _read_day,
    "instant": _read_instant,
}
