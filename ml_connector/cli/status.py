"""``ml-connector status``: the last runs, what the targets hold of ours, what waits."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import typing as t

import click

from ml_connector.cli.common import Cli, ExitCode, common_options
from ml_connector.cli.ledger_access import is_missing, open_ledger
from ml_connector.cli.output import Column, age, ago, count, plain
from ml_connector.ledger import owners, queries
from ml_connector.ledger.entries import claims_of_others
from ml_connector.ledger.owners import Holding
from ml_connector.money import money
from ml_connector.singer import failures
from ml_connector.singer.failures import Failure
from ml_connector.singer.summary import counted, until

__all__ = ["status"]

_CONDITIONS_SHOWN = 10


@click.command()
@click.option("--runs", "limit", default=5, show_default=True, type=click.IntRange(1, 1000), help="How many runs.")
@click.option("--fail-on-held", is_flag=True, help="Exit with 3 when documents are held or wait.")
@common_options
def status(cli: Cli, limit: int, fail_on_held: bool) -> None:  # noqa: FBT001
    """Show the last runs, what is posted, and what is held or waits; taps that failed come first."""
    failed = failures.known()
    if failed and is_missing(cli):
        # The first run's tap has failed, before there was anything to make a ledger for.
        cli.output.show({"taps": failed}, "no ledger yet")
        _tell_failed(cli, failed)
        return
    with open_ledger(cli) as ledger, ledger.read() as connection:
        states = queries.states(connection)
        totals = queries.posted_totals(connection)
        holdings = owners.holdings(connection)
        left_out = queries.left_out(connection)
        runs = queries.newest_runs(connection, limit=limit)
        claimed = claims_of_others(connection)
    data = {
        "documents": [dict(row._mapping) for row in states],  # noqa: SLF001 - SQLAlchemy's public name
        "posted": [_total(row) for row in totals if not row.gone],
        "gone": [_total(row) for row in totals if row.gone],
        "claimed": [dataclasses.asdict(claims) for claims in claimed],
        "pipelines": [dataclasses.asdict(each) for each in holdings],
        "left_out": [dict(row._mapping) for row in left_out],  # noqa: SLF001 - SQLAlchemy's public name
        "runs": [_run(row) for row in runs],
        "taps": failed,
    }
    if cli.output.as_json:
        cli.output.show(data, "")
    else:
        _tell_failed(cli, failed)
        _tell(cli, data, holdings)
        for claims in claimed:
            what = claims.kind.replace("_", " ")
            cli.output.say(f"{count(claims.documents)} {what} are claimed by run {claims.run}, {until(claims)}")
    if fail_on_held and any(row.state in ("held", "retry") for row in states):
        raise click.exceptions.Exit(ExitCode.ATTENTION)


def _total(row: queries.Posted) -> dict[str, t.Any]:
    return {
        "target": row.target,
        "kind": row.kind,
        "draft": row.draft,
        "currency": row.currency,
        "documents": row.documents,
        "amount": plain(row.amount, row.currency),
    }


def _run(row: t.Any) -> dict[str, t.Any]:
    return {
        "run": row.id,
        "target": row.target,
        "transform": row.transform,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "summary": json.loads(row.summary) if row.summary else None,
    }


def _tell(cli: Cli, data: dict[str, t.Any], holdings: list[Holding]) -> None:
    now = dt.datetime.now(dt.UTC)
    cli.output.table(
        data["documents"],
        [
            Column("target"),
            Column("kind", lambda row: row["kind"].replace("_", " ")),
            Column("state"),
            Column("documents", lambda row: count(row["documents"]), right=True),
        ],
        empty="no documents yet",
    )
    if data["posted"]:
        cli.output.say("")
        cli.output.table(
            data["posted"],
            [
                Column("posted to", lambda row: row["target"]),
                Column("kind", lambda row: row["kind"].replace("_", " ") + (", drafts" if row["draft"] else "")),
                Column("documents", lambda row: count(row["documents"]), right=True),
                Column("total", lambda row: money(row["amount"], row["currency"]), right=True),
            ],
        )
    for row in data["gone"]:
        cli.output.say(
            f"not counted: {count(row['documents'])} {row['kind'].replace('_', ' ')} of "
            f"{money(row['amount'], row['currency'])} were cancelled or deleted in {row['target']} since",
            style="yellow",
        )
    if holdings:
        cli.output.say("")
        cli.output.table(
            [{"holding": each} for each in holdings],
            [
                Column("documents of", lambda row: row["holding"].source),
                Column("to", lambda row: row["holding"].target),
                Column("belong to", lambda row: row["holding"].words),
                Column(
                    "last run", lambda row: age(row["holding"].ran_at, now) if row["holding"].ran_at else "", right=True
                ),
                Column("open", lambda row: count(row["holding"].documents), right=True),
            ],
        )
    for each in holdings:
        if not each.owned:
            cli.output.say(
                f"{count(each.documents)} open documents of {each.source} belong to no pipeline, and no run takes them "
                f"before one reads something of their source: `ml-connector hand-over {each.source}`",
                style="yellow",
            )
    if data["left_out"]:
        cli.output.say("")
        cli.output.table(
            data["left_out"][:_CONDITIONS_SHOWN],
            [
                Column("left out of", lambda row: row["target"]),
                Column("kind", lambda row: row["kind"].replace("_", " ")),
                Column("records", lambda row: count(row["records"]), right=True),
                Column("because", lambda row: row["why"] or "not known"),
            ],
        )
        if rest := data["left_out"][_CONDITIONS_SHOWN:]:
            cli.output.say(f"and {count(sum(row['records'] for row in rest))} for {len(rest)} more conditions: --json")
    cli.output.say("")
    cli.output.table(
        data["runs"],
        [
            Column("run"),
            Column("ago", lambda row: age(row["started_at"], now), right=True),
            Column("pipeline", lambda row: f"{row['transform'] or 'documents'} -> {row['target']}"),
            Column("outcome", _outcome),
        ],
        empty="no runs yet",
    )


def _tell_failed(cli: Cli, failed: list[Failure]) -> None:
    now = dt.datetime.now(dt.UTC)
    for each in failed:
        where = f" in environment {each.environment}" if each.environment else ""
        often = f", {each.times} times since {each.since:%Y-%m-%d %H:%M} UTC" if each.times > 1 else ""
        cli.output.say(f"{each.plugin} failed {ago(each.at, now)}{where}{often}: {each.what}", style="red")
        if each.cure:
            cli.output.say(f"  {each.cure}")
    if failed:
        cli.output.say("")


def _outcome(row: t.Mapping[str, t.Any]) -> str:
    if row["finished_at"] is None:
        return "running, or killed"
    summary = row["summary"] or {}
    counts = {kind: counted(counter) for kind, counter in summary.get("counts", {}).items()}
    parts = [f"{kind.replace('_', ' ')}: {words}" for kind, words in counts.items() if words]
    parts += [f"{ending}: {summary[ending]}" for ending in ("failed", "stopped") if summary.get(ending)]
    if numbers := summary.get("defects"):
        parts.append(f"defects of ml-connector: {', '.join(numbers)}")
    return "; ".join(parts) or "nothing to do"
