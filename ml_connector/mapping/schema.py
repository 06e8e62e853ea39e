"""Documents as Singer sees them: a flat JSON schema per kind, and records that fit it."""

from __future__ import annotations

import datetime as dt
import functools
import typing as t

from pydantic.json_schema import GenerateJsonSchema

from ml_connector.documents import DOCUMENT_CLASSES, Document, Mapped

__all__ = ["HELD_SCHEMA", "HELD_STREAM", "document_record", "document_schema", "held_record"]

HELD_STREAM: t.Final = "held_documents"


def _text(format_: str | None = None) -> dict[str, t.Any]:
    return {"type": ["string", "null"], **({"format": format_} if format_ else {})}


_REASON: t.Final = {name: _text() for name in ("code", "what", "cure", "kind", "value")}

HELD_SCHEMA: t.Final[dict[str, t.Any]] = {
    "type": "object",
    "properties": {
        "kind": {"type": "string"},
        "external_id": {"type": "string"},
        "source_system": {"type": "string"},
        "source_instance": {"type": "string"},
        "source_stream": {"type": "string"},
        "source_id": {"type": "string"},
        "source_version": _text(),
        "number": _text(),
        "party": _text(),
        "currency": _text(),
        "amount": {"type": ["number", "null"]},
        "date": _text("date"),
        "reasons": {"type": "array", "items": {"type": "object", "properties": _REASON}},
    },
    "required": ["kind", "external_id"],
}


@functools.cache
def document_schema(kind: str) -> dict[str, t.Any]:
    """Return the JSON schema of a kind of document, without references, amounts as numbers."""
    schema = DOCUMENT_CLASSES[kind].model_json_schema(schema_generator=_Generator)
    return t.cast("dict[str, t.Any]", _inlined(schema, schema.get("$defs", {})))


def document_record(document: Document) -> dict[str, t.Any]:
    """Return a document as a Singer record: exact decimals, dates as text."""
    return t.cast("dict[str, t.Any]", _plain(document.model_dump()))


def held_record(mapped: Mapped) -> dict[str, t.Any]:
    """Return the record that tells why a document is held."""
    source = mapped.source
    return {
        "kind": mapped.kind,
        "external_id": mapped.external_id,
        "source_system": source.system,
        "source_instance": source.instance,
        "source_stream": source.stream,
        "source_id": source.id,
        "source_version": source.version,
        "number": mapped.number,
        "party": mapped.party,
        "currency": mapped.currency,
        "amount": mapped.amount,
        "date": mapped.date.isoformat() if mapped.date else None,
        "reasons": [reason.to_dict() for reason in mapped.reasons],
    }


class _Generator(GenerateJsonSchema):
    def decimal_schema(self, schema: t.Any) -> dict[str, t.Any]:
        del schema
        return {"type": "number"}


def _inlined(node: t.Any, definitions: t.Mapping[str, t.Any]) -> t.Any:
    """Return a schema in the plain form Singer targets understand."""
    if isinstance(node, list):
        return [_inlined(element, definitions) for element in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in node:
        value, _ = node["anyOf"]
        inlined = _inlined(value, definitions)
        return {**inlined, "type": [inlined["type"], "null"]}
    plain = {
        key: _inlined(value, definitions)
        for key, value in node.items()
        if key not in {"$defs", "additionalProperties", "default", "description", "properties", "title"}
    }
    if "properties" in node:
        plain["properties"] = {name: _inlined(value, definitions) for name, value in node["properties"].items()}
    return plain


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _plain(element) for key, element in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    return value.isoformat() if isinstance(value, dt.date | dt.datetime) else value
