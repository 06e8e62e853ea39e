"""``ml-connector webhooks list``: the subscriptions a system has."""

from __future__ import annotations

import click

from ml_connector.cli.common import Cli, common_options
from ml_connector.cli.output import Column
from ml_connector.cli.webhooks.doors import door_option, subscribers

__all__ = ["list_command"]


@click.command("list")
@click.option("--offered", is_flag=True, help="List the kinds of events the system offers instead.")
@door_option
@common_options
def list_command(cli: Cli, offered: bool, names: tuple[str, ...]) -> None:  # noqa: FBT001
    """List all subscriptions of the instance, those of others too, or what there is to subscribe to."""
    with subscribers(names) as (webhooks, opened):
        if offered:
            kinds = [
                {"door": door.name, "kind": kind, "wanted": bool(webhooks.wanted_of(door.name, [kind]))}
                for door, subscriber in opened
                for kind in sorted(subscriber.offered())
            ]
            cli.output.table(kinds, [Column("door"), Column("kind"), Column("wanted", lambda row: _yes(row["wanted"]))])
            return
        rows = [
            {
                "door": door.name,
                "source": subscriber.source,
                "id": each.id,
                "name": each.name,
                "url": each.url,
                "enabled": each.enabled,
                "kinds": each.kinds,
                "ours": each.ours,
                "expires": each.expires,
            }
            for door, subscriber in opened
            for each in subscriber.standing()
        ]
    cli.output.table(
        rows,
        [
            Column("door"),
            Column("id"),
            Column("enabled", lambda row: _yes(row["enabled"])),
            Column("ours", lambda row: _yes(row["ours"])),
            Column("events", lambda row: str(len(row["kinds"])), right=True),
            Column("url"),
        ],
        empty="no subscriptions",
    )


def _yes(value: bool) -> str:  # noqa: FBT001
    return "yes" if value else "no"
