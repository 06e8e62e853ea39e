"""How an element of Workday becomes a field of a record, said once for reading it and for its JSON schema.

A field is called like its element, in snake_case; an element that was renamed between versions has one field, called
like the newest name. A reference becomes four fields: ``company_wid``, ``company_id`` (of the type people use),
``company_descriptor`` and ``company_refs``, which holds every id. A repeated reference is a list of such things.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

__all__ = [
    "Field",
    "Kind",
    "Schema",
    "Shape",
    "amount",
    "date",
    "flag",
    "json_schema",
    "left_out",
    "part",
    "parts",
    "ref",
    "refs",
    "shape",
    "snake",
    "text",
    "texts",
    "time",
    "wrapper",
]

Kind = t.Literal[
    "text", "texts", "amount", "flag", "date", "time", "ref", "refs", "part", "parts", "wrapper", "left_out"
]
Schema = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        kind: What the element holds.
        names: Names of the element, the newest first.
        about: What it means, where its name does not say.
        inside: What a part consists of.
    """

    kind: Kind
    names: tuple[str, ...]
    about: str = ""
    inside: Shape | None = None

    @property
    def name(self) -> str:
        """Name of the field."""
        newest = self.names[0]
        return snake(newest.removesuffix("_Reference") if self.kind in ("ref", "refs") else newest)


@dataclasses.dataclass(frozen=True)
class Shape:
    """What an element consists of.

    Attributes:
        fields: Its fields, in the order records give them.
    """

    fields: tuple[Field, ...]

    @functools.cached_property
    def by_element(self) -> dict[str, Field]:
        """The fields by every name of their element."""
        return {name: field for field in self.fields for name in field.names}


def shape(*fields: Field) -> Shape:
    """Return a shape."""
    return Shape(fields)


def text(*names: str, about: str = "") -> Field:
    """An element with text."""
    return Field("text", names, about)


def texts(*names: str, about: str = "") -> Field:
    """A repeated element with text."""
    return Field("texts", names, about)


def amount(*names: str, about: str = "") -> Field:
    """A decimal, kept exact."""
    return Field("amount", names, about)


def flag(*names: str, about: str = "") -> Field:
    """Yes or no."""
    return Field("flag", names, about)


def date(*names: str, about: str = "") -> Field:
    """A day; the zone Workday appends is dropped (docs/systems/workday.md#w8)."""
    return Field("date", names, about)


def time(*names: str, about: str = "") -> Field:
    """A moment, given in UTC."""
    return Field("time", names, about)


def ref(*names: str, about: str = "") -> Field:
    """A reference."""
    return Field("ref", names, about)


def refs(*names: str, about: str = "") -> Field:
    """A repeated reference."""
    return Field("refs", names, about)


def part(name: str, inside: Shape, about: str = "") -> Field:
    """A nested element."""
    return Field("part", (name,), about, inside)


def parts(*names: str, inside: Shape, about: str = "") -> Field:
    """A repeated nested element; always a list."""
    return Field("parts", names, about, inside)


def wrapper(name: str) -> Field:
    """An element that newer versions put around others; what is in it counts as if it were not there."""
    return Field("wrapper", (name,))


def left_out(*names: str) -> Field:
    """An element that is never given out: file contents, pay slips."""
    return Field("left_out", names)


def snake(name: str) -> str:
    """Return the name of the field an element becomes."""
    return name.replace("-", "_").lower()


def json_schema(of: Shape) -> dict[str, Schema]:
    """Return the JSON schema of each field of a shape, by the field's name."""
    properties: dict[str, Schema] = {}
    for field in of.fields:
        properties |= _properties(field)
    return properties


_TYPES: t.Final[dict[str, Schema]] = {
    "text": {"type": ["string", "null"]},
    "texts": {"type": ["array", "null"], "items": {"type": "string"}},
    "amount": {"type": ["number", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "time": {"type": ["string", "null"], "format": "date-time"},
}
_IDS: t.Final[Schema] = {
    "type": ["array", "null"],
    "items": {"type": "object", "additionalProperties": {"type": "string"}},  # type, id, parent_type, parent_id
}
_REF: t.Final[dict[str, Schema]] = {
    "wid": {"type": ["string", "null"]},
    "id": {"type": ["string", "null"]},
    "type": {"type": ["string", "null"]},
    "descriptor": {"type": ["string", "null"]},
    "refs": _IDS,
}


def _properties(field: Field) -> dict[str, Schema]:
    about = {"description": field.about} if field.about else {}
    if field.kind in ("wrapper", "left_out"):
        return {}
    if field.kind == "ref":
        return {
            f"{field.name}_wid": _REF["wid"],
            f"{field.name}_id": {**_REF["id"], **about},
            f"{field.name}_descriptor": _REF["descriptor"],
            f"{field.name}_refs": _IDS,
        }
    if field.kind == "refs":
        items = {"type": "object", "properties": _REF}
        return {field.name: {"type": ["array", "null"], "items": items, **about}}
    if field.inside is not None:
        inside = {"properties": json_schema(field.inside), "additionalProperties": True}
        if field.kind == "part":
            return {field.name: {"type": ["object", "null"], **inside, **about}}
        return {field.name: {"type": ["array", "null"], "items": {"type": "object", **inside}, **about}}
    return {field.name: {**_TYPES[field.kind], **about}}
