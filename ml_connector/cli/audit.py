"""``ml-connector audit``: prove that the record of what was done is complete."""

from __future__ import annotations

import click

from ml_connector.cli.common import Cli, ExitCode, common_options
from ml_connector.cli.ledger_access import open_ledger
from ml_connector.cli.output import count
from ml_connector.ledger.audit import ChainBroken
from ml_connector.ledger.audit import verify as verify_chain

__all__ = ["audit"]


@click.group()
def audit() -> None:
    """Look after the record of everything that was done."""


@audit.command()
@common_options
def verify(cli: Cli) -> None:
    """Prove that no entry of the audit was changed, removed or put in.

    Exits with 3 when the chain is broken. Keep the last hash elsewhere to prove later that nothing was replaced.
    """
    with open_ledger(cli) as ledger, ledger.read() as connection:
        try:
            entries, last = verify_chain(connection)
        except ChainBroken as broken:
            cli.output.show({"intact": False, "entry": broken.seq, "why": broken.why}, f"broken: {broken}")
            raise click.exceptions.Exit(ExitCode.ATTENTION) from None
    text = f"chain of {count(entries)} entries intact, last hash {last}"
    cli.output.show({"intact": True, "entries": entries, "last_hash": last}, text)
