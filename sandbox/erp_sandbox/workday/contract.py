"""How a Workday service is described: types as ordered lists of elements, and the versions they live in.

The description is the only source of what the stand-in accepts and answers: :mod:`.wsdl` turns it into the
WSDL of any served version, :mod:`.codec` reads requests and writes answers by it. Names that changed between
versions (docs/systems/workday.md#w4-1) are two elements with one ``key``; the rules see keys only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

NAMESPACE = "urn:com.workday/bsvc"

Version = tuple[int, int]
"""Major and minor, so that versions compare."""

FIRST_VERSION: Version = (28, 0)
LAST_VERSION: Version = (46, 1)
_BEYOND: Version = (999, 0)


@dataclass(frozen=True, slots=True)
class Simple:
    """An XSD simple type: a built-in ``base`` and its facets."""

    base: str
    facets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type, in its place.

    ``type`` is a key of :data:`SIMPLE_TYPES`, ``ref:<kind>`` for an instance reference of that kind, or the
    name of a complex type. ``max`` is None for any number. The element exists in versions from ``since``
    up to, not including, ``until``.
    """

    name: str
    type: str
    min: int = 0
    max: int | None = 1
    key: str = ""
    since: Version = FIRST_VERSION
    until: Version = _BEYOND

    @property
    def value_key(self) -> str:
        """The name the rules know this element by, in every version."""
        return self.key or self.name

    def lives_in(self, version: Version) -> bool:
        """Whether the element exists in ``version``."""
        return self.since <= version < self.until


@dataclass(frozen=True, slots=True)
class Choice:
    """At most one of these elements."""

    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A qualified attribute of a type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class ComplexType:
    """A type: its elements in order, its attributes, or the simple ``base`` of its text content."""

    name: str
    content: tuple[Element | Choice, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    base: str = ""
    versioned: bool = False

    def elements(self, version: Version) -> tuple[Element, ...]:
        """All elements that exist in ``version``, in order, choices flattened."""
        return tuple(
            element
            for particle in self.content
            for element in (particle.elements if isinstance(particle, Choice) else (particle,))
            if element.lives_in(version)
        )


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: its name and the types of its request and answer (their elements are named alike)."""

    name: str
    request: str
    response: str


@dataclass(frozen=True, slots=True)
class Service:
    """A service: a name in the URL and its operations."""

    name: str
    operations: tuple[Operation, ...]

    def operation_of(self, root: str) -> Operation | None:
        """The operation whose request element is called ``root``."""
        return next((operation for operation in self.operations if operation.request == root), None)


_AMOUNT = (("totalDigits", "26"), ("fractionDigits", "6"))

SIMPLE_TYPES: dict[str, Simple] = {
    "string": Simple("string"),
    "boolean": Simple("boolean"),
    "date": Simple("date"),
    "dateTime": Simple("dateTime"),
    "decimal": Simple("decimal"),
    "amount": Simple("decimal", _AMOUNT),
    "base64Binary": Simple("base64Binary"),
    "string9": Simple("string", (("maxLength", "9"),)),
    "string80": Simple("string", (("maxLength", "80"),)),
    "string255": Simple("string", (("maxLength", "255"),)),
    "page": Simple("decimal", (("totalDigits", "12"), ("fractionDigits", "0"), ("minInclusive", "0"))),
    "count": Simple("decimal", (("totalDigits", "3"), ("fractionDigits", "0"), ("minInclusive", "0"))),
    "days": Simple("decimal", (("totalDigits", "4"), ("fractionDigits", "0"), ("minInclusive", "0"))),
}

_VERSION_TEXT = re.compile(r"v(\d{2})\.(\d)")


def parse_version(text: str) -> Version | None:
    """The version named by ``text`` (``v42.2``), or None when it is not one this tenant serves."""
    match = _VERSION_TEXT.fullmatch(text)
    if match is None:
        return None
    version = (int(match[1]), int(match[2]))
    served = FIRST_VERSION <= version <= LAST_VERSION and version[1] <= 2
    return version if served else None


def version_text(version: Version) -> str:
    """``(42, 2)`` as ``v42.2``."""
    return f"v{version[0]}.{version[1]}"


@cache
def complex_types() -> dict[str, ComplexType]:
    """Every described type by name."""
    from erp_sandbox.workday.shapes import ALL_TYPES  # noqa: PLC0415  # the shapes are written in these terms

    return {each.name: each for each in ALL_TYPES}


@cache
def services() -> dict[str, Service]:
    """Every served service by name."""
    from erp_sandbox.workday.shapes import ALL_SERVICES  # noqa: PLC0415  # as above

    return {each.name: each for each in ALL_SERVICES}


def is_reference(element: Element) -> bool:
    """Whether the element refers to an instance."""
    return element.type.startswith("ref:")


def reference_kind(element: Element) -> str:
    """The kind of instance a reference element refers to."""
    return element.type.removeprefix("ref:")


def is_simple(element: Element) -> bool:
    """Whether the element holds a plain value."""
    return element.type in SIMPLE_TYPES
