"""``ml-connector held``: which documents are held, and what to do about each."""

from __future__ import annotations

import collections
import datetime as dt
import typing as t
from decimal import Decimal

import click

from ml_connector.cli.common import Cli, ExitCode, Named, common_options
from ml_connector.cli.ledger_access import document, open_ledger
from ml_connector.cli.output import Column, age, ago, count
from ml_connector.errors import UserError
from ml_connector.ledger import dry_runs, queries
from ml_connector.money import money

__all__ = ["held"]

Row = t.Mapping[str, t.Any]


@click.command()
@click.option(
    "--held-by",
    metavar="KIND:VALUE",
    type=Named("--held-by"),
    help="Only documents held by this, such as supplier:S-00031.",
)
@click.option("--by-reason", is_flag=True, help="One line per reason instead of one per document.")
@click.option("--dry-run", is_flag=True, help="What the newest dry run to each target would hold, of this project.")
@click.option("--fail", is_flag=True, help="Exit with 3 when any document is held.")
@common_options
def held(cli: Cli, *, held_by: str | None, by_reason: bool, dry_run: bool, fail: bool) -> None:
    """List held documents with the reason and the cure, longest held first.

    Nothing held is lost: each goes out by itself with the next run after its cause is mended.
    """
    found = _of_dry_runs(cli, held_by) if dry_run else _of_ledger(cli, held_by)
    if by_reason:
        _by_reason(cli, found)
    else:
        _by_document(cli, found)
    if fail and found:
        raise click.exceptions.Exit(ExitCode.ATTENTION)


def _of_ledger(cli: Cli, held_by: str | None) -> list[Row]:
    with open_ledger(cli) as ledger, ledger.read() as connection:
        return [document(entry) for entry in queries.held(connection, held_by=held_by)]


def _of_dry_runs(cli: Cli, held_by: str | None) -> list[Row]:
    """Return what the newest dry runs would hold, and say which they are."""
    known = dry_runs.kept()
    if not known:
        raise UserError(
            "no dry run is on record in this project.", "Run one: TARGET_WORKDAY_DRY_RUN=true meltano run ..."
        )
    now = dt.datetime.now(dt.UTC)
    for each in known:
        pipeline = f"{each.transform or 'documents'} -> {each.target}"
        early = f"; it ended early: {each.ended_early}" if each.ended_early else ""
        cli.output.say(f"dry run {each.run}, {pipeline}, {ago(each.at, now)}: {count(len(each.held))} held{early}")
    return [
        {**row, "dry_run": each.run}
        for each in known
        for row in each.held
        if held_by is None or any(held_by in (reason["held_by"], reason["code"]) for reason in row["reasons"])
    ]


def _by_document(cli: Cli, found: list[Row]) -> None:
    now = dt.datetime.now(dt.UTC)
    cli.output.table(
        found,
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


def _by_reason(cli: Cli, found: list[Row]) -> None:
    groups: dict[tuple[str, str, str], list[Row]] = collections.defaultdict(list)
    for row in found:
        for reason in row["reasons"]:
            groups[(reason["held_by"], reason["what"], reason["cure"])].append(row)
    rows: list[dict[str, t.Any]] = [
        {
            "documents": len(some),
            "held_by": key,
            "why": what,
            "cure": cure,
            "first": some[0]["number"] or some[0]["source_id"],
        }
        for (key, what, cure), some in sorted(groups.items(), key=lambda group: -len(group[1]))
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


def _amount(row: Row) -> str:
    if row["amount"] is None or row["currency"] is None:
        return ""
    return money(Decimal(row["amount"]), row["currency"])
