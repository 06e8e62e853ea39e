"""``ml-connector webhooks serve``: answer systems that ring, and run what they wake."""

from __future__ import annotations

import contextlib
import logging
import sys

import click

from ml_connector.cli.common import Cli, common_options
from ml_connector.cli.connections import config_of
from ml_connector.cli.webhooks.doors import door_option
from ml_connector.errors import SettingInvalid
from ml_connector.ledger.store import DEFAULT_URL, Ledger
from ml_connector.webhooks import settings
from ml_connector.webhooks.addresses import public_address
from ml_connector.webhooks.callers import networks
from ml_connector.webhooks.endpoints import Door, doors
from ml_connector.webhooks.meltano_run import MeltanoRuns, meltano

__all__ = ["serve_command"]


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8088, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--public-url",
    metavar="URL",
    help="Where systems reach this receiver (https); with it, subscriptions are made at the start.",
)
@click.option(
    "--pipeline", "pipelines", multiple=True, metavar="NAME", help="Wake only this pipeline; may be repeated."
)
@click.option(
    "--trusted-proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="Proxy (or network of proxies) whose X-Forwarded-For is believed, so that strangers are told apart; may be "
    "repeated.",
)
@click.option(
    "--stop-within",
    "patience",
    default=20.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds a run under way may go on when the receiver is told to stop.",
)
@door_option
@common_options
def serve_command(
    cli: Cli,
    *,
    host: str,
    port: int,
    public_url: str | None,
    pipelines: tuple[str, ...],
    proxies: tuple[str, ...],
    patience: float,
    names: tuple[str, ...],
) -> None:
    """Receive notifications and run the pipelines they wake, until SIGTERM or Ctrl-C.

    Systems ring at URL/webhooks/DOOR; URL/health answers 200 while all is well. An event is answered when it is kept
    in the ledger, wakes its pipeline, and is closed when the ledger has seen its object. TLS is a proxy's business:
    docs/webhooks.md shows one.
    """
    _log_to_stderr()
    trusted = networks(proxies)
    webhooks = settings.load().only(pipelines)
    opened = doors(webhooks, config_of, names)
    runs = MeltanoRuns(meltano())
    address = public_address(public_url) if public_url else None
    try:
        from ml_connector.webhooks.serving import Serving, serve  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise SettingInvalid(f"{error.name} is not installed.", "pip install 'ml-connector[webhooks]'") from None
    how = Serving(host, port, trusted, patience, address)

    def reopen(door: Door) -> Door:
        return doors(webhooks, config_of, [door.name])[0]

    def up(url: str) -> None:
        _tell(cli, url, [door.name for door in opened])

    with contextlib.closing(Ledger(cli.ledger_url or DEFAULT_URL)) as ledger:
        serve(ledger, opened, webhooks, runs, how, reopen=reopen, up=up)


def _tell(cli: Cli, url: str, names: list[str]) -> None:
    ways = [f"{url}/webhooks/{name}" for name in names]
    cli.output.show({"url": url, "doors": ways}, f"receiving at {', '.join(ways)}; {url}/health; Ctrl-C stops")
    sys.stdout.flush()


def _log_to_stderr() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
