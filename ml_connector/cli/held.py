"""``ml-connector held``: which documents are held, and what to do about each."""

from __future__ import annotations

import collections
import datetime as dt
import typing as t

import click

from ml_connector.cli.common import Cli, ExitCode, Named, common_options
from ml_connector.cli.ledger_access import document, open_ledger
from ml_connector.cli.output import Column, age, money
from ml_connector.ledger import questions
from ml_connector.ledger.entries import Entry

__all__ = ["held"]


@click.command()
@click.option(
    "--held-by",
    metavar="KIND:VALUE",
    type=Named("--held-by"),
    help="Only documents held by this, such as supplier:S-00031.",
)
@click.option("--by-reason", is_flag=True, help="One line per reason instead of one per document.")
@click.option("--fail", is_flag=True, help="Exit with 3 when any document is held.")
@common_options
def held(cli: Cli, held_by: str | None, by_reason: bool, fail: bool) -> None:  # noqa: FBT001
    """List held documents with the reason and the cure, longest held first.

    Nothing held is lost: each goes out by itself with the next run after its cause is mended.
    """
    with open_ledger(cli) as ledger, ledger.read() as connection:
        found = questions.held(connection, held_by=held_by)
    if by_reason:
        _by_reason(cli, found)
    else:
        _by_document(cli, found)
    if fail and found:
        raise click.exceptions.Exit(ExitCode.ATTENTION)


def _by_document(cli: Cli, found: list[Entry]) -> None:
    now = dt.datetime.now(dt.UTC)
    cli.output.table(
        [document(entry) for entry in found],
        [
            Column("kind", lambda row: row["kind"].replace("_", " ")),
            Column("document", lambda row: row["number"] or row["source_id"], style="bold"),
            Column("vendor"),
            Column("amount", _amount, right=True),
            Column("held", lambda row: age(row["held_since"], now) if row["held_since"] else "", right=True),
            Column("why", lambda row: "; ".join(reason["what"] for reason in row["reasons"])),
            Column("cure", lambda row: "; ".join(dict.fromkeys(reason["cure"] for reason in row["reasons"]))),
        ],
        empty="nothing is held",
    )


def _by_reason(cli: Cli, found: list[Entry]) -> None:
    groups: dict[tuple[str, str, str], list[Entry]] = collections.defaultdict(list)
    for entry in found:
        for reason in entry.reasons:
            groups[(reason.key, reason.what, reason.cure)].append(entry)
    rows: list[dict[str, t.Any]] = [
        {"documents": len(entries), "held_by": key, "why": what, "cure": cure, "first": entries[0].label}
        for (key, what, cure), entries in sorted(groups.items(), key=lambda group: -len(group[1]))
    ]
    cli.output.table(
        rows,
        [
            Column("documents", right=True),
            Column("held by"),
            Column("why", style="bold"),
            Column("cure"),
        ],
        empty="nothing is held",
    )


def _amount(row: t.Mapping[str, t.Any]) -> str:
    if row["amount"] is None or row["currency"] is None:
        return ""
    return money(row["amount"], row["currency"])
