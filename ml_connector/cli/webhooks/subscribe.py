"""``ml-connector webhooks subscribe``: have a system send its notifications to us."""

from __future__ import annotations

import contextlib

import click

from ml_connector.cli.common import Cli, common_options
from ml_connector.cli.webhooks.doors import door_option, subscribers
from ml_connector.ledger.store import DEFAULT_URL, Ledger
from ml_connector.webhooks.addresses import public_address
from ml_connector.webhooks.health import look_after
from ml_connector.webhooks.subscribing import subscribe, try_out

__all__ = ["subscribe_command"]


@click.command("subscribe")
@click.option("--public-url", required=True, metavar="URL", help="Where systems reach the receiver, https.")
@click.option("--event", "kinds", multiple=True, metavar="KIND", help="Only this kind, such as bill.updated.")
@click.option("--test", "tried", is_flag=True, help="Have a test notification sent afterwards.")
@door_option
@common_options
def subscribe_command(cli: Cli, public_url: str, kinds: tuple[str, ...], tried: bool, names: tuple[str, ...]) -> None:  # noqa: FBT001
    """Subscribe to the events that wake pipelines, as far as the system offers them.

    The key notifications are signed with is shown by the system this once; it goes into the vault and nowhere else.
    Doing it again changes nothing, and switches a subscription on that was switched off.
    """
    address = public_address(public_url)
    done, lines = [], []
    with subscribers(names) as (webhooks, opened), contextlib.closing(Ledger(cli.ledger_url or DEFAULT_URL)) as ledger:
        for door, subscriber in opened:
            look_after(ledger, subscriber, door.wanted)  # what was off is noticed before it is switched on
            made = subscribe(ledger, door, subscriber, webhooks, address=address, kinds=kinds)
            test = try_out(ledger, door, subscriber) if tried else None
            for standing in made:
                about = {name: getattr(standing, name) for name in ("id", "url", "enabled", "kinds", "expires")}
                done.append({"door": door.name, "source": subscriber.source, **about, "test_event": test})
                lines.append(f"{door.name}: {len(standing.kinds)} kinds of events go to {standing.url} ({standing.id})")
    cli.output.show(done, "\n".join(lines))
