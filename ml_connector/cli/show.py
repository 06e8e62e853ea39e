"""``ml-connector show``: the whole life of a document."""

from __future__ import annotations

import json
import typing as t

import click

from ml_connector import exact_json
from ml_connector.cli.common import Cli, Named, common_options, target_option
from ml_connector.cli.ledger_access import document, look_up, open_ledger
from ml_connector.cli.output import plain
from ml_connector.ledger import owners, queries
from ml_connector.ledger.entries import Entry
from ml_connector.ledger.leftout import LeftOut
from ml_connector.money import money

__all__ = ["show"]


@click.command()
@click.argument("term", type=Named("TERM"))
@target_option
@click.option("--audit", "with_audit", is_flag=True, help="Also who did each step, and what was sent and answered.")
@common_options
def show(cli: Cli, term: str, target: str | None, with_audit: bool) -> None:  # noqa: FBT001
    """Show the life of a document: read, mapped, each attempt, what came back.

    TERM is its human number, its id on either side, a vendor's name or an amount. A record that the map's filter left
    out is found the same way, with the condition.
    """
    with open_ledger(cli) as ledger:
        entry = look_up(ledger, term, target=target)
        if isinstance(entry, LeftOut):
            _show_left_out(cli, entry)
            return
        with ledger.read() as connection:
            pipeline = owners.holding_of(connection, entry.target, entry.source).words
            steps = [_step(row, with_audit=with_audit) for row in queries.history(connection, entry)]
    data = document(entry) | {
        "first_seen_at": entry.first_seen_at,
        "changed_at": entry.changed_at,
        "verified_at": entry.verified_at,
        "pipeline": pipeline,
        "record": exact_json.loads(entry.record),
        "sent": json.loads(entry.sent) if entry.sent else None,
        "history": steps,
    }
    cli.output.show(data, "\n".join(_lines(entry, pipeline, steps)))


def _show_left_out(cli: Cli, record: LeftOut) -> None:
    data = {
        "kind": record.kind,
        "number": record.number,
        "source": record.source,
        "stream": record.stream,
        "source_id": record.source_id,
        "version": record.version,
        "vendor": record.party,
        "currency": record.currency,
        "amount": plain(record.amount, record.currency),
        "state": "left_out",
        "target": record.target,
        "why": record.why,
        "changed_at": record.changed_at,
    }
    cli.output.show(data, "\n".join(_left_out_lines(record)))


def _left_out_lines(record: LeftOut) -> t.Iterator[str]:
    amount = money(record.amount, record.currency) if record.amount is not None and record.currency else ""
    yield f"{record.kind.replace('_', ' ')} {record.label}  {record.party or ''}  {amount}".rstrip()
    yield f"  state      left out of {record.target} by the map's filter"
    yield f"  source     {record.source} {record.stream} {record.source_id}, version {record.version or 'unknown'}"
    yield f"  because    {record.why or 'not known: it was left out by an earlier version of ml-connector'}"
    yield "  cure       nothing to do; it comes in by itself when its source or the map's settings say otherwise"
    if record.changed_at is not None:
        yield f"  {record.changed_at:%Y-%m-%d %H:%M:%S}Z  read      left out"


def _step(row: t.Any, *, with_audit: bool) -> dict[str, t.Any]:
    step = {"at": row.at, "action": row.action, "outcome": row.outcome}
    if with_audit:
        step |= {
            "seq": row.seq,
            "run": row.run,
            "actor": row.actor,
            "detail": json.loads(row.detail),
            "hash": row.hash,
        }
    return step


def _standing(entry: Entry) -> str:
    """Return what stands over there, which need not be what the source says now."""
    if entry.target_gone:
        return ", cancelled or deleted there"
    if entry.target_amount is None or not entry.target_currency:
        return ""
    return f", {money(entry.target_amount, entry.target_currency)}{' as a draft' if entry.target_draft else ''}"


def _lines(entry: Entry, pipeline: str, steps: list[dict[str, t.Any]]) -> t.Iterator[str]:
    amount = money(entry.amount, entry.currency) if entry.amount is not None and entry.currency else ""
    yield f"{entry.kind.replace('_', ' ')} {entry.label}  {entry.party or ''}  {amount}".rstrip()
    yield f"  state      {entry.state}"
    yield f"  source     {entry.source} {entry.stream} {entry.source_id}, version {entry.version or 'unknown'}"
    yield f"  belongs to {pipeline}"
    if entry.target_id:
        yield f"  target     {entry.target} {entry.target_number or ''} ({entry.target_id}){_standing(entry)}"
    for reason in entry.reasons:
        yield f"  because    {reason.what}"
        yield f"  cure       {reason.cure}"
    yield f"  {entry.first_seen_at:%Y-%m-%d %H:%M:%S}Z  read      first seen"
    for step in steps:
        yield f"  {step['at']:%Y-%m-%d %H:%M:%S}Z  {step['action']:<9} {step['outcome']}"
        if "actor" in step:
            yield f"      by {step['actor']}, run {step['run'] or '-'}, audit entry {step['seq']} {step['hash'][:12]}"
            for name, value in step["detail"].items():
                if value:
                    yield f"      {name}: {value}"
