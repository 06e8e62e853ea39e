"""Records against the schema their tap has announced: what holds a document, and what is only worth a word."""

from __future__ import annotations

import typing as t

import jsonschema
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from ml_connector.errors import Reason

__all__ = ["Deviations", "SchemaCheck", "malformed"]

_TOO_MANY: t.Final = 20
_Validator: t.Final = extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft7Validator,
    # A pattern can take for ever on a short text, and no document depends on one.
    {"pattern": lambda *_: iter(()), "patternProperties": lambda *_: iter(())},
)
_NOTHING_FETCHED: t.Final[Registry[t.Any]] = Registry()
"""References lead within the schema; what is elsewhere is not asked for over the network."""
_WORDS: t.Final = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "nothing",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}


class Deviations(t.NamedTuple):
    """What a record has that its schema does not allow.

    Attributes:
        reasons: What a document made of it depends on: it is held.
        aside: What nothing depends on, in words.
    """

    reasons: tuple[Reason, ...]
    aside: tuple[str, ...]


class SchemaCheck:
    """Checks records by the schema their stream announced last.

    Args:
        reads: Whether the document made of a stream depends on a path of its record.
    """

    def __init__(self, reads: t.Callable[[str, t.Sequence[str | int]], bool]) -> None:
        self._reads = reads
        self._validators: dict[str, t.Any] = {}

    def announce(self, stream: str, schema: t.Mapping[str, t.Any]) -> None:
        """Take a stream's schema in place of the one it had."""
        self._validators[stream] = _Validator(schema, registry=_NOTHING_FETCHED)

    def check(self, stream: str, record: t.Mapping[str, t.Any]) -> Deviations:
        """Return where a record deviates."""
        try:
            return self._check(stream, record)
        except (RecursionError, Unresolvable) as error:
            why = "leads in a circle" if isinstance(error, RecursionError) else f"leads nowhere ({error})"
            what = f"the schema of stream {stream} has a reference that {why}: no record can be checked by it"
            return Deviations((malformed(what, "correct the schema the tap announces"),), ())

    def _check(self, stream: str, record: t.Mapping[str, t.Any]) -> Deviations:
        reasons: dict[str, Reason] = {}
        aside: dict[str, None] = {}
        for error in self._validators[stream].iter_errors(record):
            for path, words in _deviations(error):
                what = f"{stream}: {words}"
                if self._reads(stream, path):
                    reasons.setdefault(what, malformed(what))
                else:
                    aside[words] = None
            if len(reasons) >= _TOO_MANY:
                break
        return Deviations(tuple(reasons.values()), tuple(aside))


def _deviations(error: t.Any) -> t.Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the paths an error is about, each with words for a person."""
    path = tuple(error.absolute_path)
    where = _shown(path)
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        yield from (((*path, name), f"{_shown((*path, name))} is missing") for name in missing)
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = [name for name in error.instance if name not in known]
        yield from (((*path, name), f"{_shown((*path, name))} is not in the schema") for name in unknown)
    else:
        yield path, f"{where} is malformed, expected {_expected(error)}"


def _expected(error: t.Any) -> str:
    if error.validator != "type":
        return f"{error.validator} {error.validator_value if error.validator in ('format', 'enum') else ''}".rstrip()
    types = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
    return " or ".join(_WORDS.get(each, each) for each in types if each != "null" or len(types) == 1)


def _shown(path: t.Sequence[str | int]) -> str:
    return ".".join(map(str, path)) or "the record"


def malformed(what: str, cure: str = "correct it at its source") -> Reason:
    """Return the reason that holds a record for its form."""
    return Reason("malformed", what, f"{cure}; the next version of the record is taken by itself")
