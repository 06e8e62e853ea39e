"""``ml-connector replay``: try documents again with the next run."""

from __future__ import annotations

import click

from ml_connector.actor import actor
from ml_connector.cli.common import Cli, Named, common_options, target_option
from ml_connector.cli.ledger_access import choose, document, open_ledger
from ml_connector.errors import UserError
from ml_connector.ledger import owners, queries

__all__ = ["replay"]


@click.command()
@click.argument("terms", nargs=-1, metavar="[DOCUMENT]...", type=Named("DOCUMENT"))
@click.option(
    "--held-by",
    metavar="KIND:VALUE",
    type=Named("--held-by"),
    help="All documents held by this, such as supplier:S-00031.",
)
@target_option
@common_options
def replay(cli: Cli, terms: tuple[str, ...], held_by: str | None, target: str | None) -> None:
    """Let the next run try documents again, whatever stood against them.

    Held documents are tried by every run anyway; this is for those that were given up or ignored. What may have been
    posted already is looked up before anything is sent.
    """
    with open_ledger(cli) as ledger:
        chosen = choose(ledger, terms, held_by=held_by, target=target)
        posted = [entry.label for entry in chosen if entry.state == "posted"]
        if posted:
            raise UserError(f"{', '.join(posted)} is posted already.", "There is nothing to try again.")
        queries.replay(ledger, chosen, actor=actor())
        with ledger.read() as connection:
            orphans = [
                each.source
                for each in (
                    owners.holding_of(connection, *key) for key in {(one.target, one.source) for one in chosen}
                )
                if not each.owned
            ]
    names = ", ".join(entry.label for entry in chosen[:10]) + (" ..." if len(chosen) > 10 else "")
    lines = [f"{len(chosen)} to be tried by the next run of their pipeline: {names}"]
    lines += [f"{source} belongs to no pipeline: `ml-connector hand-over {source}`" for source in sorted(orphans)]
    cli.output.show([document(entry) for entry in chosen], "\n".join(lines))
