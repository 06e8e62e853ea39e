"""Lines of the input of which no document can be made: kept as held, since state moves past them.

They have no identity of their own, so a line is known by what it says: read again it is the same one. What is kept of
it is bounded and carries no secret and no bank details.
"""

from __future__ import annotations

import collections
import datetime as dt
import hashlib
import re
import typing as t

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ml_connector import exact_json
from ml_connector.documents import content_hash
from ml_connector.errors import Reason
from ml_connector.ledger.schema import entries
from ml_connector.redaction import HIDDEN, without_secrets
from ml_connector.sensitive import is_bank_number, is_tax_number, masked
from ml_connector.transport.http import redacted

__all__ = ["UNREADABLE", "Line", "held_lines", "set_aside", "shown", "stream_of"]

UNREADABLE: t.Final = "unreadable_lines"
"""What such lines are called where documents are told by their kind; no target delivers any."""

_LONGEST: t.Final = 2000
_STREAM = re.compile(r'"stream"\s*:\s*"(?P<name>[^"\\]{1,200})"')
_FIELD = re.compile(r'"(?P<name>[A-Za-z_-]{1,40})"\s*:\s*(?:"(?:[^"\\]|\\.)*"?|[^,{}\[\]\s"]+)')


class Line(t.NamedTuple):
    """A line set aside.

    Attributes:
        what: What is wrong with it, in a sentence that names the line.
        text: What it says, as ``shown``.
        digest: What tells it from others.
        cure: What to do about it.
        stream: Its stream, where that is known.
    """

    what: str
    text: str
    digest: str
    cure: str
    stream: str

    @classmethod
    def of(cls, what: str, text: str, *, stream: str = "", cure: str = "") -> Line:
        """Return the line for what somebody sent."""
        digest = hashlib.sha256(text.strip().encode("utf-8", errors="replace")).hexdigest()[:12]
        cure = cure or "mend it at its source and have it read again"
        return cls(what, shown(text), digest, f"{cure}; then `ml-connector ignore line-{digest}`", stream)


def shown(text: str) -> str:
    """Return a text without secrets and bank details, shortened."""
    try:
        safe = exact_json.dumps(redacted(masked(exact_json.loads(text), tax=True)))
    except (ValueError, RecursionError):
        safe = _FIELD.sub(_hidden, masked(text.strip()))
    safe = without_secrets(safe)
    return safe if len(safe) <= _LONGEST else f"{safe[:_LONGEST]}... ({len(safe):,} characters)"


def stream_of(text: str) -> str:
    """Return the stream a broken message names before its record; empty when it names none."""
    found = _STREAM.search(text.partition('"record"')[0])
    return found["name"] if found else ""


def set_aside(connection: sa.Connection, *, target: str, system: str, lines: t.Sequence[Line]) -> None:
    """Keep lines as held; those that are there already stay as they are, settled by a person or not."""
    now = dt.datetime.now(dt.UTC)
    rows = [
        {
            "target": target,
            "kind": UNREADABLE,
            "source": f"{system}:unknown",
            "source_id": f"line-{line.digest}",
            "stream": line.stream,
            "record": (record := exact_json.dumps({"line": line.text})),
            "record_hash": content_hash(record),
            "state": "held",
            "reasons": exact_json.dumps([Reason("unreadable", line.what, line.cure).to_dict()]),
            "first_seen_at": now,
            "changed_at": now,
            "held_since": now,
        }
        for line in lines
    ]
    if rows:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(entries).on_conflict_do_nothing(), rows)


def held_lines(connection: sa.Connection, target: str) -> t.Counter[tuple[str, str, str]]:
    """Return code, what and cure of the lines that are held, with how many there are of each."""
    query = sa.select(entries.c.reasons).where(
        entries.c.target == target, entries.c.kind == UNREADABLE, entries.c.state == "held"
    )
    found: t.Counter[tuple[str, str, str]] = collections.Counter()
    for reasons in connection.execute(query).scalars():
        found.update((each["code"], each["what"], each["cure"]) for each in exact_json.loads(reasons))
    return found


def _hidden(match: re.Match[str]) -> str:
    name = match["name"]
    told = redacted({name: ""}) == {name: HIDDEN} or is_tax_number(name) or is_bank_number(name)
    return f'"{name}": "{HIDDEN}"' if told else match[0]
