"""Answers that are not quite what they should be, read on with a replacement rather than not at all.

One vendor whose name holds half of a character, a byte of another encoding or a control character must not keep
everything else from being read. What is replaced is U+FFFD afterwards, and is told with the record and the field.
"""

from __future__ import annotations

import html.entities
import json
import re
import typing as t
from decimal import Decimal

from ml_connector.decimals import json_number

__all__ = ["REPLACEMENT", "Damage", "TooMuch", "damages", "mended_json", "mended_xml"]

REPLACEMENT: t.Final = "\ufffd"

_MARK: t.Final = b"\xef\xbb\xbf"
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NAMES: t.Final = ("id", "number", "name")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_AMPERSANDS = re.compile(
    r"(?P<kept><!\[CDATA\[.*?\]\]>)|&(?P<reference>#[0-9]+;|#x[0-9A-Fa-f]+;|[A-Za-z]\w*;)?", re.DOTALL
)
_OF_XML: t.Final = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})
_MOST_TOLD: t.Final = 20


class TooMuch(ValueError):
    """An answer that is larger, or nested deeper, than is read; asked for again it would be the same."""


class Damage(t.NamedTuple):
    """Where something was replaced.

    Attributes:
        record: What the record is called, empty when it says nothing of the kind.
        field: Path of the field.
    """

    record: str
    field: str

    def __str__(self) -> str:
        return f"{self.field} of {self.record}" if self.record else self.field


def mended_json(data: bytes) -> t.Any:
    """Return the value of JSON text that is damaged; numbers with a point, and very long ones, are ``Decimal``.

    A byte order mark is left out. Bytes that are not UTF-8, halves of characters and raw control characters become
    :data:`REPLACEMENT`; ``NaN`` and ``Infinity``, which are no JSON, become text.

    Raises:
        TooMuch: It is nested too deeply.
        ValueError: It is not JSON, damaged or not.
    """
    text = data.removeprefix(_MARK).decode("utf-8", "replace")
    try:
        value = json.loads(text, strict=False, parse_float=json_number, parse_int=_whole, parse_constant=str)
        return _legible(value)
    except RecursionError as error:
        raise TooMuch("it is nested too deeply") from error


def mended_xml(data: bytes) -> bytes:
    """Return XML that is damaged in a form a parser takes, in UTF-8 without a declaration.

    What stands before the declaration is left out. Bytes of another encoding, control characters and references to
    what XML has no character for become :data:`REPLACEMENT`; entities of HTML become their characters.
    """
    declared = _ENCODING.match(data.removeprefix(_MARK))
    try:
        text = data.removeprefix(_MARK).decode(declared[1].decode() if declared else "utf-8", "replace")
    except LookupError:
        text = data.decode("utf-8", "replace")
    return _AMPERSANDS.sub(_reference, _UNREADABLE.sub(REPLACEMENT, _DECLARATION.sub("", text))).encode()


def damages(value: t.Any) -> list[Damage]:
    """Return where a JSON value holds :data:`REPLACEMENT`, the first few places."""
    found: list[Damage] = []
    _look(value, "", "", found)
    return found


def _whole(text: str) -> int | Decimal | str:
    return int(text) if len(text) < 19 else json_number(text)


def _legible(value: t.Any) -> t.Any:
    if isinstance(value, str):
        return _UNREADABLE.sub(REPLACEMENT, value)
    if isinstance(value, dict):
        return {_legible(name): _legible(item) for name, item in value.items()}
    return [_legible(item) for item in value] if isinstance(value, list) else value


def _look(value: t.Any, record: str, path: str, found: list[Damage]) -> None:
    if len(found) >= _MOST_TOLD:
        return
    if isinstance(value, str):
        if REPLACEMENT in value:
            found.append(Damage(record, path))
    elif isinstance(value, dict):
        called = next((value[name] for name in _NAMES if isinstance(value.get(name), str) and value[name]), "")
        if called and not record:
            record, path = called, ""
        for name, item in value.items():
            _look(item, record, f"{path}.{name}" if path else name, found)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _look(item, record, f"{path}[{number}]", found)


def _reference(match: re.Match[str]) -> str:
    reference = match["reference"]
    if match["kept"]:
        return match[0]
    if not reference:
        return "&amp;"
    if reference in _OF_XML:
        return match[0]
    if not reference.startswith("#"):
        return html.entities.html5.get(reference, REPLACEMENT).replace("&", "&amp;").replace("<", "&lt;")
    digits = reference[1:-1]
    code = int(digits[1:], 16) if digits.startswith("x") else int(digits) if len(digits) < 9 else 0
    return match[0] if _is_character(code) else REPLACEMENT


def _is_character(code: int) -> bool:
    return 0 < code <= 0x10FFFF and not _UNREADABLE.match(chr(code))
