"""The doors a command is about."""

from __future__ import annotations

import contextlib
import typing as t

import click

from ml_connector.cli.connections import config_of
from ml_connector.webhooks import settings
from ml_connector.webhooks.endpoints import Door, doors
from ml_connector.webhooks.provider import Subscriber
from ml_connector.webhooks.settings import WebhookSettings

__all__ = ["door_option", "subscribers"]

C = t.TypeVar("C", bound=t.Callable[..., t.Any])


def door_option(command: C) -> C:
    """Give a command ``--door``."""
    return click.option(
        "--door", "names", multiple=True, metavar="NAME", help="Only this door of webhooks.yml; may be repeated."
    )(command)


@contextlib.contextmanager
def subscribers(
    names: t.Collection[str],
) -> t.Iterator[tuple[WebhookSettings, list[tuple[Door, Subscriber]]]]:
    """Yield ``webhooks.yml`` and the subscriber of each door that is meant."""
    webhooks = settings.load()
    with contextlib.ExitStack() as stack:
        opened = []
        for door in doors(webhooks, config_of, names):
            subscriber = door.subscriber(webhooks)
            stack.callback(subscriber.close)
            opened.append((door, subscriber))
        yield webhooks, opened
