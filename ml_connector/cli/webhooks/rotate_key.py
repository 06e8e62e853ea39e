"""``ml-connector webhooks rotate-key``: sign notifications with a new key."""

from __future__ import annotations

import click

from ml_connector.cli.common import Cli, common_options
from ml_connector.cli.webhooks.doors import door_option, subscribers

__all__ = ["rotate_key"]


@click.command("rotate-key")
@door_option
@common_options
def rotate_key(cli: Cli, names: tuple[str, ...]) -> None:
    """Have the system make a new key; the one before stays valid for a day.

    A running receiver takes it up by itself, and nothing that is under way is refused meanwhile.
    """
    done = []
    with subscribers(names) as (webhooks, opened):
        for door, subscriber in opened:
            rotated = [standing.id for standing in subscriber.rotate()]
            done += [{"door": door.name, "source": subscriber.source, "id": each} for each in rotated]
        hours = webhooks.key_overlap_hours
    lines = [f"{row['door']}: new key for {row['id']}; the one before is valid for {hours:g} h" for row in done]
    cli.output.show(done, "\n".join(lines))
