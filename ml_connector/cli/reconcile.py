"""``ml-connector reconcile``: does the target hold what the source says is owed?"""

from __future__ import annotations

import datetime as dt
import json
import typing as t
from pathlib import Path

import click

from ml_connector.cli.common import Cli, ExitCode, common_options
from ml_connector.cli.connections import SYSTEMS, config_of, opened
from ml_connector.cli.ledger_access import open_known_ledger
from ml_connector.cli.output import Column, count
from ml_connector.crosswalk.tables import Crosswalk, Match, MemoryReferences, NoLinks
from ml_connector.errors import SettingInvalid
from ml_connector.files import replace_file, spreadsheet_cell, table_bytes
from ml_connector.ledger.outcomes import Outcome, linked, outcomes
from ml_connector.mapping.engine import MapEngine
from ml_connector.money import money
from ml_connector.names import display_name
from ml_connector.project import project_root
from ml_connector.reconciliation import Compared, Expected, Kind, Names, Reconciliation, reconcile
from ml_connector.system.access import InvoiceView

__all__ = ["reconcile_command"]

AHEAD: t.Final = dt.timedelta(days=366)
"""How far after today invoices may be dated (docs/systems/workday.md#w0-2)."""

MARGIN: t.Final = dt.timedelta(days=31)
"""Both sides are read so much wider: a date corrected on one side must not make a document look missing."""

COLUMNS: t.Final = (
    "class",
    "number",
    "supplier",
    "source_id",
    "source_date",
    "source_currency",
    "source_amount",
    "source_status",
    "target_id",
    "target_number",
    "target_date",
    "target_currency",
    "target_amount",
    "target_status",
    "ledger",
    "why",
)


@click.command("reconcile")
@click.argument("source", type=click.Choice(list(SYSTEMS)))
@click.argument("target", type=click.Choice(list(SYSTEMS)))
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="First invoice date; the first of last month if not given."
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last invoice date; a year from now if not given.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write every document compared, the equal ones too, to this file.",
)
@click.option(
    "--map", "transform", metavar="NAME", help="Map whose filter says what is expected; the tap's if not given."
)
@common_options
def reconcile_command(
    cli: Cli,
    *,
    source: str,
    target: str,
    since: dt.datetime | None,
    until: dt.datetime | None,
    csv_file: Path | None,
    transform: str | None,
) -> None:
    """Compare what SOURCE says is owed with what TARGET holds, document by document and per currency.

    Both systems are read afresh; the ledger is asked only for reasons. Expected is what the map's filter wants, and
    what was posted before. Exits with 3 when anything differs.
    """
    if source == target:
        raise click.UsageError("SOURCE and TARGET are the same system.")
    today = dt.datetime.now(dt.UTC).date()
    first = since.date() if since else (today.replace(day=1) - dt.timedelta(days=1)).replace(day=1)
    last = until.date() if until else today + AHEAD
    if last < first:
        raise click.UsageError("--until lies before --since.")
    with opened(source, "tap") as there, opened(target, "target") as here:
        window = first - MARGIN, last + MARGIN
        owed = list(there.invoices(*window))
        held = list(here.invoices(*window))
        known, links = _ledger(cli, target=here.instance, source=there.instance)
    expectation = _Expectation(source, target, transform, links, known)
    names = Names(display_name(source), display_name(target))
    expected = [expectation.of(view) for view in owed]
    answer = reconcile(expected, held, known, names=names, since=first, until=last)
    if csv_file is not None:
        replace_file(csv_file, table_bytes(COLUMNS, map(_csv_row, answer.documents)))
    _show(cli, answer, names, first, last)
    if answer.differences:
        raise click.exceptions.Exit(ExitCode.ATTENTION)


class _Expectation:
    """What is expected of a document of the source: by its map where it has one."""

    def __init__(
        self,
        source: str,
        target: str,
        transform: str | None,
        links: t.Mapping[str, str],
        known: t.Mapping[str, Outcome],
    ) -> None:
        self._config = config_of(SYSTEMS[target].plugins[1])
        self._directory = project_root() / (self._config.get("crosswalk_dir") or "transforms/crosswalk")
        self._transform = transform or SYSTEMS[source].plugins[0]
        self._target = target
        self._crosswalk = Crosswalk.load(self._directory, source, target)
        self._links = links
        self._known = known
        self._engine: MapEngine | None = None

    def of(self, view: InvoiceView) -> Expected:
        outcome = self._known.get(view.id)
        external_id = outcome.external_id if outcome is not None else None
        if view.record is None:
            return Expected(view, None if view.stands else view.status, external_id, self._supplier(view))
        engine = self._map()
        if engine.kind_of(view.stream) is None:
            not_sent = f"the map sends no {view.stream.replace('_', ' ')}"
            return Expected(view, not_sent, external_id, self._supplier(view))
        unwanted = engine.unwanted(view.stream, view.record)
        external_id = external_id or engine.map(view.stream, view.record).external_id
        return Expected(view, unwanted, external_id, self._supplier(view))

    def _map(self) -> MapEngine:
        if self._engine is None:
            self._engine = MapEngine.load(
                self._transform,
                target=self._target,
                maps_dir=self._config.get("maps_dir"),
                crosswalk_dir=self._directory,
                settings=_settings(self._config),
                references=MemoryReferences(),
                links=NoLinks(),
            )
        return self._engine

    def _supplier(self, view: InvoiceView) -> str | None:
        for supplier_id in sorted(view.supplier_ids):
            found = self._crosswalk.lookup("suppliers", [supplier_id, *filter(None, (view.supplier_name,))])
            if isinstance(found, Match):
                return found.target
            if supplier_id in self._links:
                return self._links[supplier_id]
        return None


def _settings(config: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    given = config.get("map_settings") or {}
    try:
        values = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise SettingInvalid('setting "map_settings" is not a JSON object.', 'Write it as {"name": value}.')
    return values


def _ledger(cli: Cli, *, target: str, source: str) -> tuple[dict[str, Outcome], dict[str, str]]:
    """Return what the ledger says about the invoices, and which suppliers it has linked."""
    with open_known_ledger(cli) as ledger:
        if ledger is None:
            return {}, {}
        with ledger.read() as connection:
            known = outcomes(connection, target=target, source=source, kind="supplier_invoices")
            return known, linked(connection, target=target, source=source, kind="suppliers")


def _show(cli: Cli, answer: Reconciliation, names: Names, first: dt.date, last: dt.date) -> None:
    counts = answer.counts
    unexpected = counts.pop("not_expected")
    documents = sum(counts.values())
    if cli.output.as_json:
        data = {
            "since": first,
            "until": last,
            "documents": documents,
            "counts": counts,
            "not_expected": unexpected,
            "not_from_source": answer.foreign,
            "totals": [
                {"currency": each.currency, "source": each.source, "target": each.target, "difference": each.difference}
                for each in answer.totals
            ],
            "differences": [_difference(each) for each in answer.differences],
        }
        cli.output.show(data, "")
        return
    words = _words(names)
    parts = [f"{words[kind]} {count(number)}" for kind, number in counts.items()]
    cli.output.say(f"{first} to {last}: {count(documents)} documents · {' · '.join(parts)}")
    cli.output.say(
        f"{count(unexpected)} in {names.source} are not expected in {names.target} (not approved, archived ...); "
        f"{count(answer.foreign)} in {names.target} are not from {names.source}."
    )
    cli.output.table(
        [{"total": each} for each in answer.totals],
        [
            Column("currency", lambda row: row["total"].currency),
            Column(names.source, lambda row: money(row["total"].source, row["total"].currency), right=True),
            Column(names.target, lambda row: money(row["total"].target, row["total"].currency), right=True),
            Column("difference", lambda row: money(row["total"].difference, row["total"].currency), right=True),
        ],
        empty="nothing on either side",
    )
    if answer.differences:
        cli.output.say("")
        cli.output.table(
            [{"document": each} for each in answer.differences],
            [
                Column("difference", lambda row: words[row["document"].kind]),
                Column("document", lambda row: row["document"].label, style="bold"),
                Column("vendor", lambda row: row["document"].supplier_name),
                Column(names.source, lambda row: _owed(row["document"]), right=True),
                Column(names.target, lambda row: _held(row["document"]), right=True),
                Column("why", lambda row: row["document"].why),
            ],
        )


def _words(names: Names) -> dict[Kind, str]:
    return {
        "equal": "equal",
        "only_source": f"only in {names.source}",
        "only_target": f"only in {names.target}",
        "draft": f"draft in {names.target}",
        "amount": "amount differs",
        "status": "status differs",
        "twice": "posted twice",
    }


def _owed(document: Compared) -> str:
    currency, amount = document.owed
    return money(amount, currency) if document.source is not None and document.source.stands else ""


def _held(document: Compared) -> str:
    return ", ".join(money(amount, currency) for currency, amount in document.held.items())


def _difference(document: Compared) -> dict[str, t.Any]:
    return {
        "class": document.kind,
        "number": document.label,
        "supplier": document.supplier_name,
        "source": _side(document.source) if document.source is not None else None,
        "target": [_side(each) for each in document.targets],
        "ledger": document.outcome.state if document.outcome is not None else None,
        "held_by": [reason.key for reason in document.outcome.reasons] if document.outcome is not None else [],
        "why": document.why,
    }


def _side(view: InvoiceView) -> dict[str, t.Any]:
    return {
        "id": view.id,
        "number": view.number,
        "external_id": view.external_id,
        "date": view.date,
        "currency": view.currency,
        "total": view.total,
        "status": view.status,
        "stands": view.stands,
        "draft": view.draft,
    }


def _csv_row(document: Compared) -> dict[str, t.Any]:
    def joined(values: t.Iterable[t.Any]) -> str:
        return "; ".join("" if value is None else str(value) for value in values)

    source, targets = document.source, document.targets
    return {
        "class": document.kind,
        "number": spreadsheet_cell(document.label),
        "supplier": spreadsheet_cell(document.supplier_name),
        "source_id": source.id if source else "",
        "source_date": source.date if source else "",
        "source_currency": (source.currency or "") if source else "",
        "source_amount": format(source.total, "f") if source else "",
        "source_status": source.status if source else "",
        "target_id": joined(each.id for each in targets),
        "target_number": spreadsheet_cell(joined(each.number for each in targets)),
        "target_date": joined(each.date for each in targets),
        "target_currency": joined(each.currency for each in targets),
        "target_amount": joined(format(each.total, "f") for each in targets),
        "target_status": joined(each.status for each in targets),
        "ledger": document.outcome.state if document.outcome is not None else "",
        "why": spreadsheet_cell(document.why),
    }
