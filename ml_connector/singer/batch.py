"""BATCH messages: records that lie in files, read where they can be and refused where they cannot."""

from __future__ import annotations

import gzip
import pathlib
import typing as t
import urllib.parse
import urllib.request
import zlib

from ml_connector.errors import MalformedRecord

__all__ = ["batch_lines"]

_CURE: t.Final = "Turn batching off in the tap, or have it write JSONL to files of this machine."


def batch_lines(
    encoding: t.Mapping[str, t.Any], manifest: t.Sequence[t.Any], place: str
) -> t.Iterator[tuple[str, bytes]]:
    """Return an iterator over the lines of a batch's files, each with where it stands; blank ones say nothing.

    Args:
        encoding: What the message says of the files: ``jsonl``, plain or ``gzip``.
        manifest: Paths or ``file://`` addresses.
        place: Where the message stands.

    Raises:
        MalformedRecord: The files cannot be read here. Told before the first record is given out, unless a file turns
            out to be damaged.
    """
    if encoding.get("format") != "jsonl":
        raise MalformedRecord(f"{place}: a batch of format {encoding.get('format')!r} cannot be read.", _CURE)
    compression = encoding.get("compression") or "none"
    if compression not in ("none", "gzip"):
        raise MalformedRecord(f"{place}: a batch with compression {compression!r} cannot be read.", _CURE)
    paths = [_path(each, place) for each in manifest]
    return _lines(paths, place, zipped=compression == "gzip")


def _lines(paths: t.Sequence[pathlib.Path], place: str, *, zipped: bool) -> t.Iterator[tuple[str, bytes]]:
    for path in paths:
        try:
            with gzip.open(path, "rb") if zipped else path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield f"{place}, {path.name} line {number}", line
        except (OSError, EOFError, zlib.error) as error:
            raise MalformedRecord(
                f"{place}: the batch's file {path.name} cannot be read to its end: {error}.",
                "Run the tap again; nothing of this batch is acknowledged.",
            ) from None


def _path(address: t.Any, place: str) -> pathlib.Path:
    parts = urllib.parse.urlsplit(address) if isinstance(address, str) else None
    if parts is None or parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        raise MalformedRecord(f"{place}: the batch's file {address!r} is not on this machine.", _CURE)
    path = pathlib.Path(urllib.request.url2pathname(parts.path) if parts.scheme else t.cast("str", address))
    if not path.is_file():
        raise MalformedRecord(f"{place}: the batch's file {path} is not there.", _CURE)
    return path
