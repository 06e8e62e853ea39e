"""``ml-connector ignore``: a document was dealt with elsewhere."""

from __future__ import annotations

import click

from ml_connector.actor import actor
from ml_connector.cli.common import Cli, Named, common_options, target_option
from ml_connector.cli.ledger_access import choose, document, open_ledger
from ml_connector.ledger import queries

__all__ = ["ignore"]


@click.command()
@click.argument("terms", nargs=-1, metavar="[DOCUMENT]...", type=Named("DOCUMENT"))
@click.option(
    "--held-by",
    metavar="KIND:VALUE",
    type=Named("--held-by"),
    help="All documents held by this, such as supplier:S-00031.",
)
@target_option
@click.option("--reason", required=True, help="Why, for the audit: entered by hand, WD-88213.")
@common_options
def ignore(cli: Cli, terms: tuple[str, ...], held_by: str | None, target: str | None, reason: str) -> None:
    """Note that documents were dealt with elsewhere. Nothing more is done with them, and the audit says who said so."""
    if not reason.strip():
        raise click.BadParameter("say why, for whoever looks into the audit.", param_hint="--reason")
    with open_ledger(cli) as ledger:
        chosen = choose(ledger, terms, held_by=held_by, target=target)
        queries.ignore(ledger, chosen, reason=reason, actor=actor())
    names = ", ".join(entry.label for entry in chosen[:10]) + (" ..." if len(chosen) > 10 else "")
    cli.output.show([document(entry) for entry in chosen], f"{len(chosen)} ignored from now on: {names}")
