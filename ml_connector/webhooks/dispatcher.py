"""Waking pipelines: one run of a pipeline at a time, wherever receivers are, and again until everything was seen.

Who runs a pipeline holds its row in the ledger by a lease. A receiver that dies leaves one that ends by itself.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import logging
import os
import platform
import threading
import typing as t

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from ulid import ULID

from ml_connector.ledger.schema import wakes
from ml_connector.ledger.store import Ledger
from ml_connector.webhooks.acknowledgement import Ended, Outcome, close
from ml_connector.webhooks.meltano_run import Runs
from ml_connector.webhooks.settings import PipelineSettings, WebhookSettings
from ml_connector.webhooks.store import Waiting, forget, waiting

__all__ = ["Waker", "due_at"]

_LEASE: t.Final = dt.timedelta(seconds=45)
_BEAT = 10.0
_TICK = 1.0
_OURS: t.Final[set[str]] = set()
_FORGET_EVERY: t.Final = dt.timedelta(hours=6)
_LOG = logging.getLogger(__name__)


class Waker:
    """Looks at what is open and runs what is due, until it is stopped.

    Args:
        ledger: Where events and leases are.
        settings: Which pipelines there are.
        runs: What runs them.
    """

    def __init__(self, ledger: Ledger, settings: WebhookSettings, runs: Runs) -> None:
        self._ledger = ledger
        self._settings = settings
        self._runs = runs
        self._owner = f"{platform.node()}:{os.getpid()}:{ULID()}"
        _OURS.add(self._owner)
        self._running: dict[str, threading.Thread] = {}
        self._rung = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="waker", daemon=True)
        self._forgot_at = dt.datetime.min.replace(tzinfo=dt.UTC)
        self.alive_at = dt.datetime.now(dt.UTC)

    def start(self) -> None:
        """Begin to watch; takes over what dead receivers of this machine held."""
        self._ledger.write(self._release_the_dead)
        self._thread.start()

    def ring(self) -> None:
        """Say that something has come; may be called from any thread."""
        self._rung.set()

    def stop(self, patience: float) -> None:
        """Start nothing more; runs under way may go on for ``patience`` seconds and are told to end then."""
        self._stopping.set()
        self._rung.set()
        if self._thread.is_alive():
            self._thread.join()
        until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=patience)
        for thread in list(self._running.values()):
            thread.join(max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds()))
        self._runs.stop()
        for thread in list(self._running.values()):
            thread.join()

    @property
    def healthy(self) -> bool:
        """Whether it still looks, and can."""
        return self._thread.is_alive() and dt.datetime.now(dt.UTC) - self.alive_at < dt.timedelta(seconds=60)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self._rung.clear()
            try:
                self._look()
                self.alive_at = dt.datetime.now(dt.UTC)
            except sa.exc.SQLAlchemyError as error:
                _LOG.error("the ledger could not be looked into, trying again: %s", str(error).splitlines()[0])
            except Exception:  # noqa: BLE001 - whatever it is, who watches goes on
                _LOG.exception("what is open could not be looked into, trying again")
            self._rung.wait(_TICK)

    def _look(self) -> None:
        now = dt.datetime.now(dt.UTC)
        with self._ledger.read() as connection:
            open_ = waiting(connection)
            rows = {row.pipeline: row for row in connection.execute(sa.select(wakes))}
        for each in open_:
            pipeline = self._settings.pipelines.get(each.pipeline)
            busy = each.pipeline in self._running
            if pipeline is not None and not busy and due_at(each, rows.get(each.pipeline), self._settings) <= now:
                self._begin(each.pipeline, pipeline)
        if now - self._forgot_at > _FORGET_EVERY:
            self._ledger.write(lambda connection: forget(connection, now))
            self._forgot_at = now

    def _begin(self, name: str, pipeline: PipelineSettings) -> None:
        """Run a pipeline in a thread of its own, unless nothing is left to see or another receiver is at it."""
        now = dt.datetime.now(dt.UTC)
        if not self._ledger.write(lambda connection: self._claim(connection, name, now)):
            return
        outcome = self._close(name, pipeline, None)
        if not outcome.open:
            self._ledger.write(lambda connection: self._release(connection, name, {"failures": 0}))
            return
        _LOG.info("waking %s: %d events are open", name, outcome.open)
        thread = threading.Thread(target=self._run, args=(name, pipeline, outcome.due), name=f"run-{name}", daemon=True)
        self._running[name] = thread
        thread.start()

    def _run(self, name: str, pipeline: PipelineSettings, made_for: t.Container[tuple[str, str]]) -> None:
        done = threading.Event()
        beat = threading.Thread(target=self._keep_lease, args=(name, done), name=f"lease-{name}", daemon=True)
        beat.start()
        started_at = dt.datetime.now(dt.UTC)
        code = -1
        try:
            code = self._runs.run(pipeline.run or (name,))
        except OSError as error:
            _LOG.error("%s could not be run: %s", name, error)
        except Exception:  # noqa: BLE001 - a lease that is kept for ever would be worse
            _LOG.exception("%s could not be run", name)
        done.set()
        beat.join()
        try:
            self._finish(name, pipeline, Ended(made_for, well=code == 0), code, started_at)
        except Exception:  # noqa: BLE001 - the lease ends by itself, and the next look makes up for it
            _LOG.exception("what became of %s could not be noted", name)
        finally:
            self._running.pop(name, None)
            self.ring()

    def _finish(self, name: str, pipeline: PipelineSettings, ended: Ended, code: int, started_at: dt.datetime) -> None:
        outcome = self._close(name, pipeline, ended)
        now = dt.datetime.now(dt.UTC)
        told_to_end = self._stopping.is_set() and not ended.well  # no failure of its own
        values = {
            "started_at": started_at,
            "ended_at": now,
            "exit_code": code,
            "failures": 0 if ended.well else wakes.c.failures + int(not told_to_end),
            "runs": wakes.c.runs + 1,
        }
        self._ledger.write(lambda connection: self._release(connection, name, values))
        seconds = (now - started_at).total_seconds()
        if not ended.well:
            _LOG.error("%s ended with %d after %.1f s; %d events stay open", name, code, seconds, outcome.open)
        else:
            _LOG.info("%s: %d events seen in %.1f s, %d open", name, outcome.closed, seconds, outcome.open)
        if outcome.unseen:
            _LOG.error(
                "ALARM %s: %d events were never seen, though it ran %d times for them: %s. "
                "See `ml-connector webhooks health`.",
                name,
                outcome.unseen,
                self._settings.most_wakes,
                ", ".join(outcome.examples[:5]),
            )

    def _close(self, name: str, pipeline: PipelineSettings, ended: Ended | None) -> Outcome:
        return self._ledger.write(
            lambda connection: close(
                connection,
                name,
                pipeline.targets,
                ended=ended,
                most_wakes=self._settings.most_wakes,
                now=dt.datetime.now(dt.UTC),
            )
        )

    def _keep_lease(self, name: str, done: threading.Event) -> None:
        while not done.wait(_BEAT):
            until = dt.datetime.now(dt.UTC) + _LEASE
            with contextlib.suppress(sa.exc.SQLAlchemyError):  # the next beat may be luckier, the lease lasts a few
                self._ledger.write(functools.partial(self._lease, name=name, until=until))

    def _lease(self, connection: sa.Connection, *, name: str, until: dt.datetime) -> None:
        mine = sa.and_(wakes.c.pipeline == name, wakes.c.owner == self._owner)
        connection.execute(sa.update(wakes).where(mine).values(leased_until=until))

    def _claim(self, connection: sa.Connection, name: str, now: dt.datetime) -> bool:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(wakes).values(pipeline=name).on_conflict_do_nothing())
        free = sa.or_(wakes.c.owner.is_(None), wakes.c.leased_until < now)
        claimed = connection.execute(
            sa.update(wakes).where(wakes.c.pipeline == name, free).values(owner=self._owner, leased_until=now + _LEASE)
        )
        return claimed.rowcount == 1

    def _release(self, connection: sa.Connection, name: str, values: t.Mapping[str, t.Any]) -> None:
        connection.execute(
            sa.update(wakes)
            .where(wakes.c.pipeline == name, wakes.c.owner == self._owner)
            .values(owner=None, leased_until=None, **values)
        )

    def _release_the_dead(self, connection: sa.Connection) -> None:
        for name, owner in connection.execute(sa.select(wakes.c.pipeline, wakes.c.owner)).all():
            if owner is not None and _is_dead(owner):
                free = {"owner": None, "leased_until": None}
                held = sa.and_(wakes.c.pipeline == name, wakes.c.owner == owner)
                connection.execute(sa.update(wakes).where(held).values(**free))


def due_at(open_: Waiting, last: sa.Row[t.Any] | None, settings: WebhookSettings) -> dt.datetime:
    """Return when a pipeline is to be woken next.

    What has just come waits until nothing more follows for a moment. After a failure, and for what a run did not see,
    the pause doubles each time.

    Args:
        open_: Its open events.
        last: Its row, if it was ever woken.
        settings: How long to wait.
    """
    due = []
    if open_.first_fresh is not None and open_.last_fresh is not None:
        quiet = open_.last_fresh + dt.timedelta(seconds=settings.debounce_seconds)
        due.append(min(quiet, open_.first_fresh + dt.timedelta(seconds=settings.longest_wait_seconds)))
    ended: dt.datetime | None = last.ended_at if last is not None else None
    if open_.wakes:
        due.append((ended or _EVER) + _pause(open_.wakes, settings))
    first = min(due, default=_EVER)
    if last is not None and ended is not None and last.failures:
        return max(first, ended + _pause(last.failures, settings))
    return first


_EVER: t.Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def _pause(times: int, settings: WebhookSettings) -> dt.timedelta:
    seconds = settings.pause_seconds * 2.0 ** min(times - 1, 16)
    return dt.timedelta(seconds=min(seconds, settings.longest_pause_seconds))


def _is_dead(owner: str) -> bool:
    """Whether a receiver of this machine is no more; of other machines nobody knows."""
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if host != platform.node() or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return owner not in _OURS  # a container that was started again has the number of the one before
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
