"""What there is of a document against which something stands, so that a target can check the rest of it."""

from __future__ import annotations

import datetime as dt
import typing as t
from collections.abc import Mapping
from decimal import Decimal

import pydantic

from ml_connector.documents import GAP, UNKNOWN, Document, DocumentSource
from ml_connector.mapping.expressions import UNRESOLVED

__all__ = ["part_of"]

_GAPS: t.Final[t.Mapping[type, t.Any]] = {str: GAP, Decimal: UNKNOWN, dt.date: UNKNOWN}


def part_of(model: type[Document], source: DocumentSource, values: t.Mapping[str, t.Any]) -> Document | None:
    """Return a document with something in the place of each value that is not known, or that its class refuses.

    Args:
        model: Its class.
        source: Where it comes from.
        values: Its fields, ``UNRESOLVED`` for what could not be found out.

    Returns:
        The part; None where too little is there, or nothing can be said of a part of this kind.
    """
    if not model.checked_in_part:
        return None
    for _ in range(2):
        fields = model.reckoned(_with_gaps(model, values))
        if fields is None:
            return None
        try:
            return model.model_validate({**fields, "source": source})
        except pydantic.ValidationError as error:
            for fault in error.errors():
                values = _without(values, fault["loc"]) if fault["loc"] else {}
    return None


def _without(value: t.Any, path: t.Sequence[int | str]) -> t.Any:
    """Return a value in which what stands at a path is not known."""
    if isinstance(value, Mapping) and path:
        return {**value, path[0]: _without(value.get(t.cast("str", path[0])), path[1:])}
    if isinstance(value, list) and path and isinstance(path[0], int) and path[0] < len(value):
        return [_without(each, path[1:]) if place == path[0] else each for place, each in enumerate(value)]
    return UNRESOLVED


def _with_gaps(model: type[pydantic.BaseModel], values: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return values with something in the place of each that could not be found out, or has to be there and is not.

    A gap stands for a text; numbers and dates are the model's to reckon.
    """
    filled: dict[str, t.Any] = {}
    for name, info in model.model_fields.items():
        value = values.get(name)
        if value is UNRESOLVED or (value is None and info.is_required()):
            for kind in (kind for kind in _GAPS if _may_be(info.annotation, kind)):
                filled[name] = _GAPS[kind]
        elif isinstance(value, list):
            element = next(iter(t.get_args(info.annotation)), None)
            # A list where a text belongs is told already by validation, which refuses this part as well.
            if isinstance(element, type) and issubclass(element, pydantic.BaseModel):
                filled[name] = [_with_gaps(element, each) if isinstance(each, dict) else each for each in value]
            else:
                filled[name] = value
        elif value is not None:
            filled[name] = value
    return filled


def _may_be(annotation: t.Any, kind: type) -> bool:
    return annotation is kind or any(_may_be(each, kind) for each in t.get_args(annotation))
