"""What a map file says about each stream, compiled."""

from __future__ import annotations

import dataclasses

import pydantic

from ml_connector.documents import Document
from ml_connector.mapping.expressions import Expression
from ml_connector.mapping.known import Known

__all__ = ["Field", "Hold", "Lines", "ReferenceBlock", "Rest", "Rule", "Stream"]


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field of a document or line; ``varies`` when mapping tables decide its value."""

    name: str
    expression: Expression
    varies: bool


@dataclasses.dataclass(frozen=True, slots=True)
class ReferenceBlock:
    """A field that holds one reference per kind (``dimensions``)."""

    name: str
    fields: tuple[Field, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Lines:
    """A field that holds one element per element of a native list."""

    name: str
    model: type[pydantic.BaseModel]
    each: Expression
    wanted: Expression | None
    fields: tuple[Field | ReferenceBlock, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One condition of the filter, and what to say when it fails."""

    when: Expression
    otherwise: tuple[tuple[str, Expression | None], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Hold:
    """One condition under which a document is held, and what to say then."""

    when: Expression
    what: tuple[tuple[str, Expression | None], ...]
    cure: str
    code: str


@dataclasses.dataclass(frozen=True, slots=True)
class Rest:
    """When only what is left to pay of a document is sent, how much that is, and what the document says of it."""

    when: Expression
    left: Expression
    memo: tuple[tuple[str, Expression | None], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Stream:
    """Everything the map says about one native stream."""

    name: str
    noun: str
    instance: Expression
    id: Expression
    version: Expression | None
    created: Expression | None
    label: Expression | None
    aliases: tuple[Expression, ...]
    kind: str | None
    model: type[Document] | None
    key_properties: tuple[str, ...]
    rules: tuple[Rule, ...]
    holds: tuple[Hold, ...]
    rest: Rest | None
    known: tuple[Known, ...]
    fields: tuple[Field | ReferenceBlock | Lines, ...]
