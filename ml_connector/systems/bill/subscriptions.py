"""BILL's events API: what it offers, subscriptions, keys, and the history of what was sent (sheet bill 5).

A subscription or a key is asked for under an idempotent key, whose answer BILL repeats for 24 hours. So these two
writes may be sent again when an answer was lost, as long as the key is the same one.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import typing as t

from ml_connector.errors import NotFound, OutcomeUnknown, SystemFault, Throttled, Unavailable
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.errors import HOURLY_QUOTA, SYSTEM
from ml_connector.systems.bill.writes import Written
from ml_connector.transport.retries import attempts, full_jitter

__all__ = ["BillSubscriptions", "Issued", "SentEvent", "Subscription"]

PAGE: t.Final = "100"
VERSION: t.Final = "1"

_SUBSCRIPTIONS: t.Final = "/v3/subscriptions"
_TRIES = 5
_MOST_PAGES = 2_000


@dataclasses.dataclass(frozen=True, slots=True)
class Subscription:
    """What BILL says of a subscription."""

    id: str
    name: str
    organization_id: str
    enabled: bool
    events: frozenset[str]
    url: str

    @classmethod
    def read(cls, value: t.Mapping[str, t.Any]) -> Subscription:
        """Return the subscription an answer describes."""
        status = value.get("status")
        events = value.get("events") or ()
        return cls(
            id=str(value.get("id") or ""),
            name=str(value.get("name") or ""),
            organization_id=str(value.get("organizationId") or ""),
            enabled=bool(status.get("enabled")) if isinstance(status, collections.abc.Mapping) else False,
            events=frozenset(str(each.get("type")) for each in events),
            url=str(value.get("notificationUrl") or ""),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Issued:
    """A new subscription and the key its notifications are signed with, which is shown this once."""

    subscription: Subscription
    security_key: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class SentEvent:
    """A notification BILL has sent, or tried to.

    Attributes:
        kind: Its type.
        payload: The body as BILL sent it.
        status: HTTP status it was answered with; None or 0: none.
    """

    id: str
    kind: str
    payload: str
    created: dt.datetime | None
    status: int | None


class BillSubscriptions:
    """The events API of one organization.

    Args:
        client: Its client.
    """

    def __init__(self, client: BillClient) -> None:
        self._client = client

    def catalog(self) -> dict[str, frozenset[str]]:
        """Return the types of events BILL offers, each with its versions."""
        said = self._client.get_event("/v3/events/catalog")
        return {str(each["type"]): frozenset(map(str, each.get("versions") or ())) for each in said}

    def all(self) -> list[Subscription]:
        """Return every subscription of the organization."""
        return [Subscription.read(row) for row in self._rows(_SUBSCRIPTIONS, {})]

    def get(self, id_: str) -> Subscription | None:
        """Return a subscription, None when there is none of that id."""
        try:
            return Subscription.read(self._client.get_event(f"{_SUBSCRIPTIONS}/{id_}"))
        except NotFound:
            return None

    def create(self, name: str, url: str, events: t.Iterable[str], *, idempotent_key: str) -> Issued:
        """Make a subscription; the same idempotent key within a day gives the same one again."""
        body = {"name": name, "status": {"enabled": True}, "events": _events(events), "notificationUrl": url}
        said = self._repeated(_SUBSCRIPTIONS, body, idempotent_key)
        return Issued(Subscription.read(said), _security_key(said, f"POST {_SUBSCRIPTIONS}"))

    def new_key(self, id_: str, *, idempotent_key: str) -> str:
        """Return a new security key; the same idempotent key within a day gives the same one again."""
        path = f"{_SUBSCRIPTIONS}/{id_}/security_key"
        try:
            said = self._repeated(path, None, idempotent_key)
        except NotFound:  # the page of general rules spells it with a hyphen (sheet bill 5.1)
            path = f"{_SUBSCRIPTIONS}/{id_}/security-key"
            said = self._repeated(path, None, idempotent_key)
        return _security_key(said, f"POST {path}")

    def enable(self, id_: str) -> None:
        """Switch a subscription on again."""
        self._client.write_event("PATCH", f"{_SUBSCRIPTIONS}/{id_}", {"status": {"enabled": True}})

    def replace(self, id_: str, name: str, url: str, events: t.Iterable[str]) -> None:
        """Let a subscription have these events and this address, switched on."""
        body = {"name": name, "status": {"enabled": True}, "events": _events(events), "notificationUrl": url}
        self._client.write_event("PUT", f"{_SUBSCRIPTIONS}/{id_}", body)

    def delete(self, id_: str) -> bool:
        """Remove a subscription; returns whether there was one."""
        try:
            self._client.write_event("DELETE", f"{_SUBSCRIPTIONS}/{id_}")
        except NotFound:
            return False
        return True

    def test(self, id_: str, event: str) -> SentEvent:
        """Let BILL send a test notification, whose values are dummies."""
        body = {"eventType": event, "version": VERSION}
        return _sent(self._client.write_event("POST", f"{_SUBSCRIPTIONS}/{id_}/test", body).value)

    def history(self, id_: str, since: dt.datetime) -> t.Iterator[SentEvent]:
        """Yield what was sent since a moment, whatever it was answered; BILL keeps 180 days."""
        moment = since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        for row in self._rows(f"/v3/events/subscription/{id_}", {"createdTimeFrom": moment}):
            yield _sent(row)

    def _rows(self, path: str, query: t.Mapping[str, str]) -> t.Iterator[dict[str, t.Any]]:
        """Yield the rows of a list, which is paged forward only."""
        params = {**query, "max": PAGE}
        seen = set()
        for _ in range(_MOST_PAGES):
            said = self._client.get_event(path, params)
            rows = said if isinstance(said, list) else said.get("results") or ()
            yield from rows
            page = None if isinstance(said, list) else said.get("nextPage")
            if not page:
                return
            if page in seen:
                break
            seen.add(page)
            params = {**params, "page": page}
        raise Unavailable(SYSTEM, f"GET {path}", "the list of pages does not end")

    def _repeated(self, path: str, body: t.Any, idempotent_key: str) -> t.Mapping[str, t.Any]:
        headers = {"X-Idempotent-Key": idempotent_key}
        for attempt in attempts(_pause, tries=_TRIES):
            with attempt:
                return _object(self._client.write_event("POST", path, body, headers=headers), path)
        raise AssertionError  # attempts() ends by success or by raising


def _pause(fault: SystemFault, attempt: int) -> float | None:
    """Wait before the same idempotent key is sent again, which is safe whatever became of the first one."""
    if isinstance(fault, Throttled):
        return None if fault.code == HOURLY_QUOTA else full_jitter(attempt, fault.retry_after)
    return full_jitter(attempt) if isinstance(fault, Unavailable | OutcomeUnknown) else None


def _object(written: Written, path: str) -> t.Mapping[str, t.Any]:
    if not isinstance(written.value, collections.abc.Mapping):
        raise OutcomeUnknown(SYSTEM, f"POST {path}", "an answer that is no object")
    return written.value


def _security_key(said: t.Mapping[str, t.Any], operation: str) -> str:
    key = said.get("securityKey")
    if not isinstance(key, str) or not key:
        raise Unavailable(SYSTEM, operation, "the answer holds no securityKey")
    return key


def _events(types: t.Iterable[str]) -> list[dict[str, str]]:
    return [{"type": each, "version": VERSION} for each in sorted(types)]


def _sent(row: t.Mapping[str, t.Any]) -> SentEvent:
    status = row.get("statusCode")
    return SentEvent(
        id=str(row.get("id") or ""),
        kind=str(row.get("type") or "unknown"),
        payload=str(row.get("payload") or ""),
        created=_moment(row.get("createdTime")),
        status=int(status) if status is not None else None,
    )


def _moment(text: t.Any) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
