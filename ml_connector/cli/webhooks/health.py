"""``ml-connector webhooks health``: do systems ring, and is what they rang about seen?"""

from __future__ import annotations

import contextlib
import datetime as dt
import typing as t

import click

from ml_connector.cli.common import Cli, ExitCode, common_options
from ml_connector.cli.ledger_access import open_ledger
from ml_connector.cli.output import age, count
from ml_connector.cli.webhooks.doors import door_option, subscribers
from ml_connector.errors import SystemFault
from ml_connector.ledger.store import DEFAULT_URL, Ledger
from ml_connector.webhooks import queries, settings
from ml_connector.webhooks.health import look_after

__all__ = ["health"]


@click.command()
@click.option("--offline", is_flag=True, help="Ask no system; tell what is known.")
@click.option(
    "--accept",
    is_flag=True,
    help="Take alarms as read; give up what was never seen, and what waits for a pipeline that is no more.",
)
@door_option
@common_options
def health(cli: Cli, offline: bool, accept: bool, names: tuple[str, ...]) -> None:  # noqa: FBT001
    """Check subscriptions, switch on what was switched off, fetch what was missed, and tell what is still open.

    Exits with 3 when a subscription is off or gone, an alarm has not been accepted, events were never seen, or a
    pipeline fails. A running receiver does the same every few minutes.
    """
    pipelines = settings.load().pipelines
    # A ledger that was named and is not there would be healthy: nothing is open in it.
    with open_ledger(cli) if cli.ledger_url else contextlib.closing(Ledger(DEFAULT_URL)) as ledger:
        troubles: list[str] = []
        fetched = 0
        if not offline:
            with subscribers(names) as (_, opened):
                for door, subscriber in opened:
                    try:
                        fetched += look_after(ledger, subscriber, door.wanted)
                    except SystemFault as fault:
                        troubles.append(str(fault))
        if accept:
            ledger.write(lambda connection: queries.accept(connection, pipelines))
        with ledger.read() as connection:
            state = queries.health(connection)
    troubles += state.troubles(dt.datetime.now(dt.UTC), pipelines)
    data = {"fetched": fetched, "troubles": troubles, **state.to_dict()}
    cli.output.show(data, "\n".join(_lines(state, troubles, fetched)))
    if troubles:
        raise click.exceptions.Exit(ExitCode.ATTENTION)


def _lines(state: queries.Health, troubles: t.Sequence[str], fetched: int) -> t.Iterator[str]:
    now = dt.datetime.now(dt.UTC)
    for each in state.subscriptions:
        state_word = "on" if each["enabled"] else "OFF"
        yield f"{each['source']}  {state_word}, looked at {_ago(each['checked_at'], now)}  {each['url']}"
    if not state.subscriptions:
        yield "no subscription is known: ml-connector webhooks subscribe"
    for pipeline in state.pipelines:
        last = f"ran {_ago(pipeline['ended_at'], now)}" if pipeline["ended_at"] else "never ran"
        yield (
            f"{pipeline['pipeline']}  {count(pipeline['open'])} open, {count(pipeline['unseen'])} unseen, "
            f"{count(pipeline['closed'])} seen; {last}"
        )
    if fetched:
        yield f"{count(fetched)} events were missed and have been fetched"
    yield from (f"ATTENTION  {each}" for each in troubles)


def _ago(moment: dt.datetime, now: dt.datetime) -> str:
    passed = age(moment, now)
    return "just now" if passed == "now" else f"{passed} ago"
