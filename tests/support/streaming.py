"""A target of an own project fed with lines as its standard input gives them, and what it made of them."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json

import sqlalchemy as sa

from erp_sandbox.environment import environment
from ml_connector.errors import ConnectorError
from ml_connector.ledger.entries import Entry, read
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger
from target_bill.target import TargetBill
from target_business_central.target import TargetBusinessCentral
from target_workday.target import TargetWorkday

TARGETS = {each.name: each for each in (TargetBill, TargetBusinessCentral, TargetWorkday)}


@dataclasses.dataclass(frozen=True)
class Ran:
    """What a run of a target came to.

    Attributes:
        code: Its exit code.
        states: The different states it printed.
        entries: The ledger's documents, in the order they came.
        summary: Its summary; None when it never came to delivering.
        error: The error a person would have been shown.
    """

    code: int
    states: list
    entries: list[Entry]
    summary: object
    error: ConnectorError | None

    def held(self, kind=None):
        """Return what each held document is held for, by the source's id."""
        return {
            entry.source_id: "; ".join(reason.what for reason in entry.reasons)
            for entry in self.entries
            if entry.state == "held" and kind in (None, entry.kind)
        }

    def posted(self, kind="supplier_invoices"):
        """Return the source's ids of the documents of a kind the target has."""
        return {entry.source_id for entry in self.entries if entry.state == "posted" and entry.kind == kind}


def line(message):
    """Return a message as the line a tap prints."""
    return (message if isinstance(message, bytes) else json.dumps(message).encode()) + b"\n"


def schema(stream, properties=()):
    """Return the announcement of a stream; properties it does not name may be anything."""
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": dict(properties)},
        "key_properties": ["id"],
    }


def record(stream, **fields):
    """Return a message that carries a record."""
    return {"type": "RECORD", "stream": stream, "record": fields}


STATE = {"type": "STATE", "value": {"bookmarks": {"x": 1}}}


def settings_for(box, name):
    """Return the settings with which a target finds the sandbox."""
    prefix = f"{name.upper().replace('-', '_')}_"
    found = {key.removeprefix(prefix).lower(): v for key, v in environment(box).items() if key.startswith(prefix)}
    return found | ({"requests_per_minute": 60_000} if name == "target-business-central" else {})


def run(target, data):
    """Let a target read standard input, given as bytes or messages, and deliver."""
    data = data if isinstance(data, bytes) else b"".join(map(line, data))
    said, summaries, error, code = io.StringIO(), [], None, 0
    finished = target._exit_code

    def exit_code(summary):
        summaries.append(summary)
        return finished(summary)

    target._exit_code = exit_code
    url = target.ledger.url
    with contextlib.redirect_stdout(said):
        try:
            target.listen(io.TextIOWrapper(io.BytesIO(data), encoding="ascii"))
        except ConnectorError as refusal:
            error, code = refusal, 1
        except SystemExit as ending:
            code = int(ending.code or 0)
    target.ledger.close()
    with Ledger(url) as ledger, ledger.read() as connection:
        found = read(connection, sa.select(entries).order_by(entries.c.id))
    states = []
    for each in map(json.loads, said.getvalue().splitlines()):
        each.get("bookmarks", {}).pop("ml_connector", None)  # what the target itself has noted in it
        states += [] if each in states else [each]
    return Ran(code, states, found, summaries[0] if summaries else None, error)
