"""Telling subscribers what changed: gathered, without any record, over real sockets to this machine (sheet 5)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import httpx

from erp_sandbox.business_central.behaviour import Behaviour
from erp_sandbox.business_central.entities import GENERAL
from erp_sandbox.business_central.environment import Change, Environment
from erp_sandbox.business_central.subscriptions import Subscriptions, split_resource, trust
from erp_sandbox.business_central.values import Record, instant_text
from erp_sandbox.clock import Clock, to_milliseconds

__all__ = ["Notifier"]

_LINES = {
    "purchaseInvoiceLines": ("purchaseInvoices", "documentId"),
    "lines": ("journals", "journalId"),
}
_SECONDS = 10.0


@dataclass(slots=True)
class _Mail:
    """What one URL is to be told: changes by subscription and record, and when."""

    environment: Environment
    due: float
    attempts: int = 0
    changes: dict[str, dict[str, str]] = field(default_factory=dict)
    since: int = 0


class Notifier:
    """Gathers committed changes and delivers them from a thread of its own."""

    def __init__(self, clock: Clock, behaviour: Behaviour, subscriptions: Subscriptions) -> None:
        self._clock = clock
        self._behaviour = behaviour
        self._subscriptions = subscriptions
        self._mail: dict[tuple[str, str], _Mail] = {}
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def publish(self, environment: Environment, changes: Iterable[Change]) -> None:
        """Note what the subscribers of an environment are to be told."""
        self._subscriptions.drop_expired(environment)
        if not environment.subscriptions:
            return
        with self._wake:
            for change in changes:
                for record in _places(environment, change):
                    self._note(environment, change.company, *record)
            self._start()
            self._wake.notify()

    def stop(self) -> None:
        """End the thread; what was not delivered yet is lost."""
        with self._wake:
            self._stopped = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(_SECONDS)
            self._thread = None
        self._stopped = False

    def _note(self, environment: Environment, company: str, name: str, identifier: str, kind: str) -> None:
        for subscription in list(environment.subscriptions.values()):
            if split_resource(subscription["resource"]) != (company, name):
                continue
            key = (environment.name, subscription["notificationUrl"])
            mail = self._mail.get(key)
            if mail is None:
                due = time.monotonic() + self._behaviour.notification_delay
                mail = self._mail[key] = _Mail(environment, due, since=to_milliseconds(self._clock.now()) - 50)
            own = mail.changes.setdefault(subscription["subscriptionId"], {})
            own[identifier] = _coalesced(own.get(identifier), kind)

    def _start(self) -> None:
        if self._thread is None and self._mail:
            self._thread = threading.Thread(target=self._run, name="bc-notifications", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        with httpx.Client(timeout=_SECONDS, verify=trust()) as http:
            while True:
                with self._wake:
                    if self._stopped:
                        return
                    now = time.monotonic()
                    due = [key for key, mail in self._mail.items() if mail.due <= now]
                    if not due:
                        soonest = min((mail.due for mail in self._mail.values()), default=None)
                        self._wake.wait(None if soonest is None else soonest - now)
                        continue
                    key = due[0]
                    mail = self._mail.pop(key)
                    body = self._body(mail)
                if body["value"]:
                    self._settle(key, mail, self._deliver(http, key[1], body))

    def _body(self, mail: _Mail) -> dict[str, list[dict[str, str]]]:
        items = []
        for identifier, changes in mail.changes.items():
            subscription = mail.environment.subscriptions.get(identifier)
            if subscription is None:
                continue
            items += self._items(mail, subscription, changes)
        return {"value": items}

    def _items(self, mail: _Mail, subscription: Record, changes: dict[str, str]) -> list[dict[str, str]]:
        base = str(subscription["resource"]).lstrip("/")
        told = {identifier: kind for identifier, kind in changes.items() if kind != "nothing"}
        common = {
            "subscriptionId": subscription["subscriptionId"],
            "clientState": subscription["clientState"],
            "expirationDateTime": instant_text(subscription["expirationDateTime"]),
        }
        now = instant_text(to_milliseconds(self._clock.now()))
        if len(told) > self._behaviour.collection_from:
            where = f"{base}?$filter=lastModifiedDateTime%20gt%20{instant_text(mail.since)}"
            return [{**common, "resource": where, "changeType": "collection", "lastModifiedDateTime": now}]
        return [
            {**common, "resource": f"{base}({identifier})", "changeType": kind, "lastModifiedDateTime": now}
            for identifier, kind in told.items()
        ]

    def _deliver(self, http: httpx.Client, url: str, body: dict[str, list[dict[str, str]]]) -> int:
        try:
            return http.post(url, json=body).status_code
        except httpx.HTTPError:
            return 503

    def _settle(self, key: tuple[str, str], mail: _Mail, status: int) -> None:
        with self._wake:
            if status in (408, 429) or status >= 500:
                self._try_again(key, mail)
            elif not 200 <= status < 300:
                for identifier in mail.changes:
                    mail.environment.subscriptions.pop(identifier, None)

    def _try_again(self, key: tuple[str, str], mail: _Mail) -> None:
        delays = self._behaviour.notification_retry_seconds
        if mail.attempts >= len(delays):
            return
        again = self._mail.get(key) or _Mail(mail.environment, 0.0, since=mail.since)
        for subscription, changes in mail.changes.items():
            own = again.changes.setdefault(subscription, {})
            again.changes[subscription] = {**changes, **own}
        again.due = time.monotonic() + delays[mail.attempts]
        again.attempts = mail.attempts + 1
        self._mail[key] = again


def _places(environment: Environment, change: Change) -> list[tuple[str, str, str]]:
    """Entity set, id and kind of a change as subscribers see it; a line changes its header."""
    if change.table in _LINES:
        name, link = _LINES[change.table]
        record = change.after or change.before or {}
        table = "batches" if name == "journals" else name
        header = environment.companies[change.company].table(table).get(record[link])
        if header is None or (name == "journals" and header["templateDisplayName"] != GENERAL):
            return []
        return [(name, record[link], "updated")]
    record = change.after or change.before or {}
    name = change.table
    if name == "batches":
        if record["templateDisplayName"] != GENERAL:
            return []
        name = "journals"
    kind = "deleted" if change.after is None else "created" if change.before is None else "updated"
    return [(name, change.identifier, kind)]


def _coalesced(before: str | None, kind: str) -> str:
    if before == "created":
        return "nothing" if kind == "deleted" else "created"
    if before == "deleted" and kind == "created":
        return "updated"
    return kind
