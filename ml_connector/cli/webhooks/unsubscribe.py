"""``ml-connector webhooks unsubscribe``: end subscriptions."""

from __future__ import annotations

import contextlib
import functools

import click
import sqlalchemy as sa

from ml_connector.cli.common import Cli, common_options
from ml_connector.cli.webhooks.doors import door_option, subscribers
from ml_connector.ledger.schema import subscriptions
from ml_connector.ledger.store import DEFAULT_URL, Ledger

__all__ = ["unsubscribe"]


@click.command()
@door_option
@common_options
def unsubscribe(cli: Cli, names: tuple[str, ...]) -> None:
    """End our subscriptions and forget their keys. Those of other programs are left alone."""
    done = []
    with subscribers(names) as (_, opened), contextlib.closing(Ledger(cli.ledger_url or DEFAULT_URL)) as ledger:
        for door, subscriber in opened:
            ended = subscriber.unsubscribe()
            ledger.write(functools.partial(_forget, source=subscriber.source))
            done.append({"door": door.name, "source": subscriber.source, "ended": ended})
    lines = [
        f"{row['door']}: {', '.join(row['ended']) + ' ended' if row['ended'] else 'there was none'}" for row in done
    ]
    cli.output.show(done, "\n".join(lines))


def _forget(connection: sa.Connection, *, source: str) -> None:
    connection.execute(sa.delete(subscriptions).where(subscriptions.c.source == source))
