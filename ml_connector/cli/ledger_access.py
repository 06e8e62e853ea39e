"""Opening the ledger a command asks about, and finding the documents it names."""

from __future__ import annotations

import contextlib
import os
import typing as t
from pathlib import Path

import click
import sqlalchemy as sa

from ml_connector.actor import actor
from ml_connector.cli.common import Cli
from ml_connector.cli.output import Output, plain
from ml_connector.errors import UserError
from ml_connector.ledger import leftout, queries
from ml_connector.ledger.audit import Step, append
from ml_connector.ledger.entries import Entry
from ml_connector.ledger.leftout import LeftOut
from ml_connector.ledger.store import DEFAULT_URL, Ledger, located
from ml_connector.text import legible

__all__ = ["choose", "document", "is_missing", "look_up", "open_known_ledger", "open_ledger", "record"]


@contextlib.contextmanager
def open_ledger(cli: Cli) -> t.Iterator[Ledger]:
    """Yield the ledger asked for; a question never makes a new one."""
    path = _missing(cli)
    if path is not None:
        raise UserError(
            f"there is no ledger at {path}.",
            "Run a pipeline first, or name the ledger with --ledger-url or ML_CONNECTOR_LEDGER_URL.",
        )
    with Ledger(_url(cli)) as ledger:
        yield ledger


@contextlib.contextmanager
def open_known_ledger(cli: Cli) -> t.Iterator[Ledger | None]:
    """Yield the ledger asked for, None when there is none yet and nobody named one."""
    if is_missing(cli):
        yield None
        return
    with open_ledger(cli) as ledger:
        yield ledger


def is_missing(cli: Cli) -> bool:
    """Whether there is no ledger yet, and nobody has named one."""
    return cli.ledger_url is None and _missing(cli) is not None


def record(step: Step, ledger_url: str | None = None) -> None:
    """Put what a command has changed on record in the audit; where there is no ledger yet there is no record.

    It has been done by then: that it cannot be noted is told and undoes nothing.
    """
    cli = Cli(ledger_url=ledger_url or os.environ.get("ML_CONNECTOR_LEDGER_URL") or None, output=Output(as_json=False))
    try:
        with open_known_ledger(cli) as ledger:
            if ledger is not None:
                ledger.write(lambda connection: append(connection, [step], run=None, actor=actor()))
    except UserError as error:
        click.echo(f"ml-connector: this is not on record in the audit: {legible(str(error))}", err=True)


def choose(
    ledger: Ledger, terms: t.Sequence[str], *, held_by: str | None = None, target: str | None = None
) -> list[Entry]:
    """Return the documents meant by numbers, ids, names or amounts, or by what holds them.

    Args:
        ledger: The ledger.
        terms: What a person typed.
        held_by: What holds more of them.
        target: Only documents for this target.

    Raises:
        UserError: A term means none, or several.
    """
    chosen: dict[int, Entry] = {}
    with ledger.read() as connection:
        for term in terms:
            entry = _meant(connection, term, target)
            if isinstance(entry, LeftOut):
                raise UserError(
                    f'"{term}" was left out by the map\'s filter: {entry.why}.',
                    "It comes in by itself when its source or the map's settings say otherwise; nothing waits for it.",
                )
            chosen[entry.id] = entry
        if held_by is not None:
            chosen.update({entry.id: entry for entry in queries.held(connection, held_by=held_by, target=target)})
    if not chosen:
        raise UserError("no document is meant.", "Name a document, or what holds it: --held-by supplier:S-00031")
    return list(chosen.values())


def look_up(ledger: Ledger, term: str, *, target: str | None = None) -> Entry | LeftOut:
    """Return the one document, or record the map's filter left out, that a number, id, name or amount means.

    Raises:
        UserError: It means none, or several.
    """
    with ledger.read() as connection:
        return _meant(connection, term, target)


def document(entry: Entry) -> dict[str, t.Any]:
    """Return what programs get of a document; records and requests stay in ``show``."""
    return {
        "kind": entry.kind,
        "number": entry.number,
        "source": entry.source,
        "source_id": entry.source_id,
        "version": entry.version,
        "vendor": entry.party,
        "currency": entry.currency,
        "amount": plain(entry.amount, entry.currency),
        "date": entry.booking_date,
        "state": entry.state,
        "target": entry.target,
        "target_id": entry.target_id,
        "target_number": entry.target_number,
        "target_currency": entry.target_currency,
        "target_amount": plain(entry.target_amount, entry.target_currency),
        "target_gone": entry.target_gone,
        "external_id": entry.external_id,
        "attempts": entry.attempts,
        "held_since": entry.held_since,
        "posted_at": entry.posted_at,
        "next_attempt_at": entry.next_attempt_at,
        "reasons": [reason.to_dict() | {"held_by": reason.key} for reason in entry.reasons],
    }


def _url(cli: Cli) -> str:
    return located(cli.ledger_url or DEFAULT_URL)


def _missing(cli: Cli) -> str | None:
    """Return the file of the ledger if it is a file and is not there, or is empty."""
    url = _url(cli)
    path = sa.make_url(url).database if url.startswith("sqlite") else None
    if path is None:
        return None
    there = Path(path)
    return None if there.exists() and (not there.is_file() or there.stat().st_size) else path


def _meant(connection: sa.Connection, term: str, target: str | None) -> Entry | LeftOut:
    """Return what a term means: by number or id where anything has it, else by amount or name, documents first."""
    found: list[Entry | LeftOut] = [
        *queries.named(connection, term, target=target),
        *leftout.named(connection, term, target=target),
    ]
    found = (
        found
        or [*queries.find(connection, term, target=target)]
        or [*queries.left_out_as(connection, term, target=target)]
    )
    if not found:
        what = f'no document is called "{term}"' + (f" for {target}." if target else ".")
        others = sorted(_targets(connection) - {target}) if target else []
        also = f"; other targets are {', '.join(others)}" if others else ""
        raise UserError(what, f"Look for it by number, id on either side, vendor name or amount{also}.")
    if len(found) > 1:
        targets = list(dict.fromkeys(entry.target for entry in found))
        places = [f", for {entry.target}" if len(targets) > 1 else "" for entry in found]
        names = ", ".join(
            f"{entry.label} ({entry.party or entry.kind}, {entry.source_id}{place})"
            for entry, place in zip(found[:5], places, strict=False)
        )
        ways = ["name one by its id"] if len({entry.source_id for entry in found}) > 1 else []
        ways += [f"add --target, such as --target {targets[0]}"] if len(targets) > 1 else []
        cure = " or ".join(ways) or "name one by the id it has in the target"
        raise UserError(f'"{term}" means {len(found)} documents: {names}.', f"{cure[0].upper()}{cure[1:]}.")
    return found[0]


def _targets(connection: sa.Connection) -> set[str]:
    return {row.target for row in queries.states(connection)}
