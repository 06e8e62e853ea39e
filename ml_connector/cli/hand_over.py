"""``ml-connector hand-over``: give the documents of a source instance to another pipeline."""

from __future__ import annotations

import json
import typing as t

import click

from ml_connector.actor import actor
from ml_connector.cli.common import Cli, Named, common_options, target_option
from ml_connector.cli.ledger_access import open_ledger
from ml_connector.errors import UserError
from ml_connector.ledger import owners
from ml_connector.ledger.owners import Holding
from ml_connector.mapping.engine import pipeline_of
from ml_connector.pipelines import WITHOUT_MAP, Pipeline

__all__ = ["hand_over"]

_DOCUMENTS = "documents"


@click.command("hand-over")
@click.argument("source", type=Named("SOURCE"))
@target_option
@click.option(
    "--to",
    "plugin",
    required=True,
    metavar="TAP",
    type=Named("--to"),
    help="The tap whose map it is from now on, such as tap-bill--acme; documents for a pipeline without a map.",
)
@click.option("--crosswalk-dir", metavar="FOLDER", help="Its mapping tables; transforms/crosswalk when not given.")
@click.option("--maps-dir", metavar="FOLDER", help="Where its own map is; transforms/maps when not given.")
@click.option(
    "--map-settings",
    metavar="JSON",
    help="Its map_settings, as the target has them; a run that reads of SOURCE fills in the rest.",
)
@common_options
def hand_over(
    cli: Cli, /, source: str, *, target: str | None, plugin: str, map_settings: str | None, **folders: str | None
) -> None:
    """Give everything of a source instance to another pipeline: another map, or other mapping tables.

    SOURCE is a system and its organization, tenant or company, such as bill:00801ABCDEFGHIJKLMNO, as status shows it.
    Its open documents go out with the next run of that pipeline, and runs of the earlier one are refused. The audit
    says who handed them over.
    """
    pipeline = _pipeline(source, plugin, _settings(map_settings), folders)
    with open_ledger(cli) as ledger:
        with ledger.read() as connection:
            holding = _meant(owners.holdings(connection), source, target)
        words = owners.hand_over(ledger, target=holding.target, source=source, pipeline=pipeline, actor=actor())
        with ledger.read() as connection:
            now = owners.holding_of(connection, holding.target, source)
    cli.output.show(now, f"{words}; {now.documents} open documents go out with its next run")


def _settings(text: str | None) -> dict[str, t.Any]:
    try:
        settings = json.loads(text or "{}")
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise UserError("--map-settings is not a JSON object.", 'Give it as {"cost_center_from": "class"}.')
    return settings


def _pipeline(source: str, plugin: str, settings: dict[str, t.Any], folders: dict[str, str | None]) -> Pipeline:
    if plugin == _DOCUMENTS:
        if settings or any(folders.values()):
            raise UserError(
                "a pipeline without a map has no tables and no settings.", "Leave out the options, or name a tap."
            )
        return WITHOUT_MAP
    system, pipeline = pipeline_of(plugin, settings=settings, **folders)
    if source.partition(":")[0] != system:
        raise UserError(
            f"the map of {plugin} is for records of {system}, and {source} is not one of it.",
            "Name a tap whose map is made for this source.",
        )
    return pipeline


def _meant(known: list[Holding], source: str, target: str | None) -> Holding:
    found = [each for each in known if each.source == source and target in (None, each.target)]
    if not found:
        there = ", ".join(dict.fromkeys(f"{each.source} (to {each.target})" for each in known)) or "nothing"
        raise UserError(
            f"the ledger knows nothing open or owned of {source}{f' for {target}' if target else ''}.",
            f"It knows {there}.",
        )
    if len(found) > 1:
        targets = ", ".join(each.target for each in found)
        raise UserError(f"{source} is delivered to several targets: {targets}.", "Name one: --target")
    return found[0]
