"""``ml-connector webhooks``: let systems ring instead of asking them again and again."""

from __future__ import annotations

import click

from ml_connector.cli.webhooks.health import health
from ml_connector.cli.webhooks.listing import list_command
from ml_connector.cli.webhooks.rotate_key import rotate_key
from ml_connector.cli.webhooks.serve import serve_command
from ml_connector.cli.webhooks.subscribe import subscribe_command
from ml_connector.cli.webhooks.unsubscribe import unsubscribe

__all__ = ["webhooks"]


@click.group()
def webhooks() -> None:
    """Wake pipelines when a system says that something has changed.

    Which door leads to which system, and which event wakes which pipeline, stands in webhooks.yml; see
    docs/webhooks.md. Keys are kept in the vault (ml-connector vault init).
    """


for _command in (serve_command, subscribe_command, list_command, health, rotate_key, unsubscribe):
    webhooks.add_command(_command)
