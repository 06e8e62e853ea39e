"""``ml-connector restored``: the ledger was put back from a backup."""

from __future__ import annotations

import click

from ml_connector.actor import actor
from ml_connector.cli.common import Cli, common_options
from ml_connector.cli.ledger_access import open_ledger
from ml_connector.ledger.checkpoints import forget_surveys

__all__ = ["restored"]


@click.command()
@common_options
def restored(cli: Cli) -> None:
    """Say that the ledger was put back from a backup. Call it before the first run that follows.

    What was posted since the backup is not in the ledger. After this the targets are asked for what they have before
    anything is posted. Then run each pipeline once with --full-refresh: its bookmarks are ahead of the ledger.
    """
    with open_ledger(cli) as ledger:
        forget_surveys(ledger, actor=actor(), why="it was put back from a backup")
        cli.output.show(
            {"ledger": ledger.name, "since": ledger.began_at},
            f"{ledger.name}: targets are asked for what they have before anything is posted.\n"
            "Now run each pipeline once with `meltano run --full-refresh ...`.",
        )
