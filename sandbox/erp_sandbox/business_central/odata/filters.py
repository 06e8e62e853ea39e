"""``$filter``: comparisons joined by ``and``; ``or`` between values of one field only (sheet 3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.entities import EntitySet
from erp_sandbox.business_central.errors import BusinessCentralRefusalError
from erp_sandbox.business_central.fields import Field
from erp_sandbox.business_central.names import decoded, encoded
from erp_sandbox.business_central.values import GUID, Record, edm_type, parse_instant

__all__ = ["Filter", "parse_filter"]

Test = Callable[[Record], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?![\w-])"
    r"|(?P<instant>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<day>\d{4}-\d\d-\d\d)(?![\w-])"
    r"|(?P<number>-?\d+(?:\.\d+)?)(?![\w-])"
    r"|(?P<word>[A-Za-z_][\w/]*)"
    r"|(?P<mark>[(),]))"
)
_OPERATORS = ("eq", "ne", "gt", "ge", "lt", "le")
_FUNCTIONS = ("startswith", "endswith", "contains")
_LITERALS: dict[str, tuple[str, ...]] = {
    "text": ("text", "code", "choice"),
    "guid": ("guid",),
    "instant": ("instant",),
    "day": ("day",),
    "number": ("number", "integer"),
    "flag": ("flag",),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was understood.

    Attributes:
        admits: Whether a record passes.
        equals: Fields that must have one value, for indexes and for lists that insist on them.
        fields: All fields that take part.
    """

    admits: Test
    equals: dict[str, Any]
    fields: frozenset[str]


def parse_filter(text: str, entity: EntitySet, *, lists: bool = False) -> Filter:
    """Read a filter; ``in (...)`` needs schema version 2.1 (sheet 1).

    Raises:
        BusinessCentralRefusalError: what the service refuses, in its manner.
    """
    return _Parser(text, entity, lists=lists).whole()


@dataclass(frozen=True, slots=True)
class _Node:
    test: Test
    fields: frozenset[str]
    equals: dict[str, Any]


class _Parser:
    def __init__(self, text: str, entity: EntitySet, *, lists: bool) -> None:
        self._text = text
        self._entity = entity
        self._lists = lists
        self._tokens = self._split()
        self._next = 0

    def whole(self) -> Filter:
        node = self._either()
        if self._kind() != "end":
            raise self._syntax()
        return Filter(node.test, node.equals, node.fields)

    def _split(self) -> list[tuple[str, str]]:
        tokens, place = [], 0
        while place < len(self._text.rstrip()):
            found = _TOKEN.match(self._text, place)
            if found is None:
                raise errors.bad_request(f"Syntax error at position {place} in '{self._text}'.")
            tokens.append((str(found.lastgroup), str(found[str(found.lastgroup)])))
            place = found.end()
        return tokens

    def _either(self) -> _Node:
        nodes = [self._both()]
        while self._word("or"):
            nodes.append(self._both())
        if len(nodes) == 1:
            return nodes[0]
        fields = frozenset[str]().union(*(node.fields for node in nodes))
        if len(fields) > 1:
            raise errors.bad_request("An OR operator between filters on different fields is not supported.")
        tests = [node.test for node in nodes]
        return _Node(lambda record: any(test(record) for test in tests), fields, {})

    def _both(self) -> _Node:
        nodes = [self._term()]
        while self._word("and"):
            nodes.append(self._term())
        if len(nodes) == 1:
            return nodes[0]
        tests = [node.test for node in nodes]
        equals: dict[str, Any] = {}
        for node in nodes:
            equals.update(node.equals)
        return _Node(
            lambda record: all(test(record) for test in tests),
            frozenset[str]().union(*(node.fields for node in nodes)),
            equals,
        )

    def _term(self) -> _Node:
        if self._mark("("):
            node = self._either()
            self._expect(")")
            return node
        kind, word = self._take()
        if kind != "word":
            raise self._syntax()
        if word in _FUNCTIONS and self._mark("("):
            return self._function(word)
        return self._comparison(self._field(word))

    def _function(self, name: str) -> _Node:
        kind, word = self._take()
        if kind != "word":
            raise self._syntax()
        field = self._field(word)
        self._expect(",")
        if field.kind not in ("text", "code"):
            raise errors.bad_request(f"The function '{name}' is not supported for '{edm_type(field)}'.")
        wanted = str(self._value(field))
        self._expect(")")
        tests: dict[str, Test] = {
            "startswith": lambda record: str(record[field.name]).startswith(wanted),
            "endswith": lambda record: str(record[field.name]).endswith(wanted),
            "contains": lambda record: wanted in str(record[field.name]),
        }
        return _Node(tests[name], frozenset({field.name}), {})

    def _comparison(self, field: Field) -> _Node:
        kind, operator = self._take()
        if kind == "word" and operator == "in" and self._lists:
            return self._membership(field)
        if kind != "word" or operator not in _OPERATORS:
            raise self._syntax()
        name, value = field.name, self._value(field)
        tests: dict[str, Test] = {
            "eq": lambda record: bool(record[name] == value),
            "ne": lambda record: bool(record[name] != value),
            "gt": lambda record: bool(record[name] > value),
            "ge": lambda record: bool(record[name] >= value),
            "lt": lambda record: bool(record[name] < value),
            "le": lambda record: bool(record[name] <= value),
        }
        return _Node(tests[operator], frozenset({name}), {name: value} if operator == "eq" else {})

    def _membership(self, field: Field) -> _Node:
        self._expect("(")
        values = [self._value(field)]
        while self._mark(","):
            values.append(self._value(field))
        self._expect(")")
        return _Node(lambda record: record[field.name] in values, frozenset({field.name}), {})

    def _field(self, word: str) -> Field:
        field = self._entity.by_name.get(word)
        if field is None:
            raise errors.unknown_query_property(word, self._entity.kind)
        return field

    def _value(self, field: Field) -> Any:
        kind, text = self._take()
        if kind == "word" and text in ("true", "false"):
            kind = "flag"
        if kind not in _LITERALS:
            raise self._syntax()
        if field.kind not in _LITERALS[kind]:
            raise errors.bad_request(
                "A binary operator with incompatible types was detected. Found operand types "
                f"'{edm_type(field)}' and '{_LITERAL_TYPES[kind]}'."
            )
        return self._literal(field, kind, text)

    def _literal(self, field: Field, kind: str, text: str) -> Any:
        match kind:
            case "text":
                return _text_value(field, text[1:-1].replace("''", "'"))
            case "guid" if GUID.fullmatch(text):
                return text.lower()
            case "instant":
                try:
                    return parse_instant(text)
                except ValueError:
                    raise errors.bad_request(f"'{text}' is not a valid UTC date and time.") from None
            case "number":
                return Decimal(text) if field.kind == "number" else int(Decimal(text))
            case "flag":
                return text == "true"
        return text

    def _kind(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else "end"

    def _take(self) -> tuple[str, str]:
        if self._next >= len(self._tokens):
            raise self._syntax()
        self._next += 1
        return self._tokens[self._next - 1]

    def _word(self, word: str) -> bool:
        return self._is("word", word)

    def _mark(self, mark: str) -> bool:
        return self._is("mark", mark)

    def _is(self, kind: str, text: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next] == (kind, text):
            self._next += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._mark(mark):
            raise self._syntax()

    def _syntax(self) -> BusinessCentralRefusalError:
        return errors.bad_request(f"Syntax error: the filter '{self._text}' could not be read.")


_LITERAL_TYPES = {
    "text": "Edm.String",
    "guid": "Edm.Guid",
    "instant": "Edm.DateTimeOffset",
    "day": "Edm.Date",
    "number": "Edm.Decimal",
    "flag": "Edm.Boolean",
}


def _text_value(field: Field, text: str) -> str:
    """Codes compare without regard to case, as they are kept in one; enums are named as on the wire."""
    if field.kind == "code":
        return text.strip().upper()
    if field.kind == "choice":
        caption = decoded(text)
        if caption not in field.options or encoded(caption) != text:
            raise BusinessCentralRefusalError(
                400,
                "Application_FilterErrorException",
                f"The filter value '{text}' is not an option of '{field.name}'.",
            )
        return caption
    return text
