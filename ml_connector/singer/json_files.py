"""The JSON files a plugin is started with: configuration, catalog and state."""

from __future__ import annotations

import io
import json
import pathlib
import typing as t

import click

from ml_connector.errors import SettingInvalid

__all__ = ["CATALOG", "STATE", "read_object"]

_BOM: t.Final = b"\xef\xbb\xbf"
_UTF_16: t.Final = (b"\xff\xfe", b"\xfe\xff")


def read_object(path: str, what: str, cure: str) -> dict[str, t.Any]:
    """Return the JSON object in a file.

    Args:
        path: Of the file.
        what: What the file is, for messages (``configuration``).
        cure: What to do when it is not there or empty.

    Raises:
        SettingInvalid: There is no such file, or it holds no JSON object; never quotes its content.
    """
    try:
        content = pathlib.Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise SettingInvalid(f"{what} {path} cannot be read: {why}.", cure) from None
    if not content.strip():
        raise SettingInvalid(f"{what} {path} is empty.", cure)
    if content.startswith(_UTF_16):
        raise SettingInvalid(f"{what} {path} is UTF-16.", "Save it as UTF-8.")
    try:
        value = json.loads(content.removeprefix(_BOM).decode("utf-8"))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SettingInvalid(f"{what} {path} is not UTF-8, line {line}.", "Save it as UTF-8.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise SettingInvalid(f"{what} {path} is not JSON: {error.msg}, {place}.", "Correct it there.") from None
    except (RecursionError, ValueError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else "a number of too many digits"
        raise SettingInvalid(f"{what} {path} is not usable JSON: {why}.", "Correct it there.") from None
    if not isinstance(value, dict):
        raise SettingInvalid(f"{what} {path} is not a JSON object.", cure)
    return value


class _JsonFile(click.ParamType[io.StringIO]):
    """A file that is read and checked while arguments are; given on as the open text the SDK wants."""

    name = "filename"

    def __init__(self, what: str, cure: str, fault: t.Callable[[dict[str, t.Any]], str | None]) -> None:
        self._what = what
        self._cure = cure
        self._fault = fault

    def convert(self, value: t.Any, param: click.Parameter | None, ctx: click.Context | None) -> io.StringIO:
        """Return the checked content."""
        del param, ctx
        content = read_object(value, self._what, self._cure)
        if fault := self._fault(content):
            raise SettingInvalid(f"{self._what} {value} is no Singer {self._what}: {fault}.", self._cure)
        return io.StringIO(json.dumps(content))


def _catalog_fault(catalog: dict[str, t.Any]) -> str | None:
    streams = catalog.get("streams")
    if not isinstance(streams, list):
        return "it has no list streams"
    for number, entry in enumerate(streams, 1):
        if not isinstance(entry, dict) or not isinstance(entry.get("tap_stream_id"), str):
            return f"entry {number} of its streams has no tap_stream_id"
        name = entry["tap_stream_id"]
        schema = entry.get("schema")
        if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
            return f"stream {name} has no schema with properties"
        metadata = entry.get("metadata", [])
        if not isinstance(metadata, list) or not all(map(_is_metadata, metadata)):
            return f"the metadata of stream {name} are no list of breadcrumbs"
    return None


def _is_metadata(item: t.Any) -> bool:
    return (
        isinstance(item, dict) and isinstance(item.get("breadcrumb"), list) and isinstance(item.get("metadata"), dict)
    )


def _state_fault(state: dict[str, t.Any]) -> str | None:
    bookmarks = state.get("bookmarks", {})
    if not isinstance(bookmarks, dict):
        return "its bookmarks are no object"
    for stream, bookmark in bookmarks.items():
        if not isinstance(bookmark, dict):
            return f"the bookmark of {stream} is no object"
        if not isinstance(bookmark.get("partitions", []), list):
            return f"the partitions of {stream} are no list"
    return None


CATALOG: t.Final = _JsonFile("catalog", "Write it anew with --discover.", _catalog_fault)
STATE: t.Final = _JsonFile(
    "state", "Give the last state line a target printed; leave --state out for a first run.", _state_fault
)
