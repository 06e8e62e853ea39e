"""Between XML and values: reading requests in any dialect, writing answers in the dialect of a version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

from lxml import etree

from erp_sandbox.workday.contract import (
    NAMESPACE,
    Choice,
    Element,
    Version,
    complex_types,
    is_reference,
    is_simple,
)
from erp_sandbox.workday.errors import Issue, ValidationRefusalError, xpath_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from erp_sandbox.workday.instances import Instance

PACIFIC = ZoneInfo("America/Los_Angeles")
"""The zone of every answer, and of every moment sent without one (docs/systems/workday.md#w8)."""

_WD = f"{{{NAMESPACE}}}"


@dataclass(frozen=True, slots=True)
class GivenId:
    """One id of a reference in a request."""

    type: str
    value: str
    parent_type: str
    parent_id: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference in a request: its ids and where it stands."""

    ids: tuple[GivenId, ...]
    element: etree._Element

    @property
    def xpath(self) -> str:
        """Where the reference stands."""
        return xpath_of(self.element)


class Record:
    """One complex element of a request, read by the keys of its described type.

    Elements the description does not know (a foreign WSDL may allow them) are kept in ``unknown``.
    """

    __slots__ = ("_found", "_names", "element", "type_name", "unknown", "version")

    def __init__(self, element: etree._Element, type_name: str, version: Version) -> None:
        self.element = element
        self.type_name = type_name
        self.version = version
        self.unknown: list[etree._Element] = []
        self._found: dict[str, list[etree._Element]] = {}
        names = _elements_by_name(type_name)
        for child in element:
            if not isinstance(child.tag, str):
                continue
            described = names.get(child.tag)
            if described is None:
                self.unknown.append(child)
            else:
                self._found.setdefault(described.value_key, []).append(child)

    def has(self, key: str) -> bool:
        """Whether the request carries this element."""
        return key in self._found

    def elements(self, key: str) -> list[etree._Element]:
        """The raw elements under a key."""
        return self._found.get(key, [])

    def text(self, key: str) -> str | None:
        """The text of an element, None when it is not there."""
        found = self._found.get(key)
        return (found[0].text or "") if found else None

    def flag(self, key: str) -> bool | None:
        """A boolean element."""
        text = self.text(key)
        return None if text is None else text.strip() in {"true", "1"}

    def number(self, key: str) -> Decimal | None:
        """A decimal element."""
        text = self.text(key)
        return None if text is None else Decimal(text.strip())

    def day(self, key: str) -> date | None:
        """A date element, its zone dropped.

        Raises:
            ValidationRefusalError: a date no calendar of this tenant has.
        """
        text = self.text(key)
        try:
            return None if text is None else date.fromisoformat(text.strip()[:10])
        except ValueError:
            raise self._not_a_time(key) from None

    def moment(self, key: str) -> datetime | None:
        """A dateTime element in UTC; one without a zone is Pacific time.

        Raises:
            ValidationRefusalError: a moment no calendar of this tenant has.
        """
        text = self.text(key)
        if text is None:
            return None
        try:
            value = datetime.fromisoformat(text.strip())
            return (value if value.tzinfo else value.replace(tzinfo=PACIFIC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self._not_a_time(key) from None

    def references(self, key: str) -> list[Reference]:
        """All references under a key."""
        return [Reference(_ids(element), element) for element in self.elements(key)]

    def reference(self, key: str) -> Reference | None:
        """The reference under a key."""
        found = self._found.get(key)
        return Reference(_ids(found[0]), found[0]) if found else None

    def record(self, key: str) -> Record | None:
        """The complex element under a key."""
        found = self.records(key)
        return found[0] if found else None

    def records(self, key: str) -> list[Record]:
        """All complex elements under a key."""
        found = self._found.get(key)
        if not found:
            return []
        described = _elements_by_key(self.type_name)[key]
        return [Record(element, described.type, self.version) for element in found]

    def attribute(self, name: str) -> str | None:
        """A qualified attribute."""
        return self.element.get(f"{_WD}{name}")

    def xpath(self, key: str = "") -> str:
        """Where this element, or its child under a key, stands or would stand."""
        here = xpath_of(self.element)
        if not key:
            return here
        found = self._found.get(key)
        if found:
            return xpath_of(found[0])
        return f"{here}/wd:{name_in(self.type_name, key, self.version)}[1]"

    def _not_a_time(self, key: str) -> ValidationRefusalError:
        return ValidationRefusalError(Issue(f"'{self.text(key)}' is out of range.", self.xpath(key)))


def name_in(type_name: str, key: str, version: Version) -> str:
    """What the element under ``key`` is called in a version."""
    for element in complex_types()[type_name].elements(version):
        if element.value_key == key:
            return element.name
    return key


def write(name: str, type_name: str, version: Version, values: Mapping[str, Any], *, descriptors: bool) -> str:
    """An element with its content, in the order of its type.

    ``values`` maps keys to a value, a list of them, or None; attributes are keys that start with ``@``.
    """
    parts: list[str] = []
    _write_into(parts, name, type_name, version, values, descriptors=descriptors)
    return "".join(parts)


def amount_text(value: Decimal) -> str:
    """A decimal as answers print it: plain, without trailing zeros."""
    return format(value.normalize(), "f") if value else "0"


@lru_cache(maxsize=4096)
def date_text(value: date) -> str:
    """A date as answers print it: with the Pacific offset of its midnight."""
    return f"{value.isoformat()}{_offset(datetime.combine(value, time(), PACIFIC))}"


def moment_text(value: datetime) -> str:
    """A moment as answers print it: Pacific time with milliseconds."""
    local = value.astimezone(PACIFIC)
    return f"{local.strftime('%Y-%m-%dT%H:%M:%S')}.{local.microsecond // 1000:03d}{_offset(local)}"


def _offset(moment: datetime) -> str:
    text = moment.strftime("%z")
    return f"{text[:3]}:{text[3:]}"


def _ids(element: etree._Element) -> tuple[GivenId, ...]:
    return tuple(
        GivenId(
            child.get(f"{_WD}type", ""),
            child.text or "",
            child.get(f"{_WD}parent_type", ""),
            child.get(f"{_WD}parent_id", ""),
        )
        for child in element.iterchildren(f"{_WD}ID")
    )


def _described(type_name: str) -> list[Element]:
    return [
        element
        for particle in complex_types()[type_name].content
        for element in (particle.elements if isinstance(particle, Choice) else (particle,))
    ]


@cache
def _elements_by_name(type_name: str) -> dict[str, Element]:
    return {f"{_WD}{element.name}": element for element in _described(type_name)}


@cache
def _elements_by_key(type_name: str) -> dict[str, Element]:
    return {element.value_key: element for element in _described(type_name)}


@cache
def _plan(type_name: str, version: Version) -> tuple[tuple[str, str, str, bool], ...]:
    """Per element in order: its key, name, complex type (empty for simple) and whether it is a reference."""
    return tuple(
        (
            element.value_key,
            element.name,
            "" if is_simple(element) or is_reference(element) else element.type,
            is_reference(element),
        )
        for element in complex_types()[type_name].elements(version)
    )


def _write_into(
    parts: list[str],
    name: str,
    type_name: str,
    version: Version,
    values: Mapping[str, Any],
    *,
    descriptors: bool,
) -> None:
    attributes = "".join(
        f" wd:{key[1:]}={quoteattr(_text(value))}"
        for key, value in values.items()
        if key.startswith("@") and value is not None
    )
    parts.append(f"<wd:{name}{attributes}>")
    text = values.get("")
    if text is not None:
        parts.append(escape(_text(text)))
    for key, child, child_type, reference in _plan(type_name, version):
        value = values.get(key)
        if value is None:
            continue
        for each in value if isinstance(value, list | tuple) else (value,):
            if reference:
                instance: Instance = each
                parts.append(instance.xml(child, descriptor=descriptors))
            elif child_type:
                _write_into(parts, child, child_type, version, each, descriptors=descriptors)
            else:
                parts.append(f"<wd:{child}>{escape(_text(each))}</wd:{child}>")
    parts.append(f"</wd:{name}>")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return amount_text(value)
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, date):
        return date_text(value)
    return str(value)
