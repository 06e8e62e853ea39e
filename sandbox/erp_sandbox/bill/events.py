"""BILL's notifications: who subscribed to what, what was sent, and sending it (sheet bill 5).

Sent are changes that move ``updatedTime``, over real sockets and to this machine only. What happens while a
subscription is off is neither sent nor in its history; the sheet does not say, and this is the stricter reading.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import heapq
import hmac
import ipaddress
import itertools
import json
import random
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from erp_sandbox.bill.table import Row, Table, decode, encode
from erp_sandbox.bill.times import instant_text
from erp_sandbox.clock import Clock, to_milliseconds

__all__ = ["CATALOG", "EventRules", "Events", "Sent", "Subscription", "is_loopback", "sign"]

_LIFE = ("created", "updated", "archived", "restored")
CATALOG: dict[str, tuple[str, ...]] = dict.fromkeys(
    (
        *(f"{entity}.{what}" for entity in ("vendor", "bill", "invoice") for what in _LIFE),
        *("payment.updated", "payment.failed", "autopay.failed"),
        *(f"{entity}.{what}" for entity in ("bank-account", "card-account") for what in ("created", "updated")),
        "risk-verification.updated",
    ),
    ("1",),
)
"""Types of events and their versions (sheet bill 5.2)."""

KEPT = timedelta(days=180)
"""How long the history goes back."""

SIGNATURE = "x-bill-sha-signature"

_ENTITIES = {"bills": "bill", "vendors": "vendor", "payments": "payment"}
_BILL_FIELDS = (
    *("id", "vendorId", "amount", "createdTime", "updatedTime", "createdBy", "archived", "description", "dueDate"),
    *("paymentStatus", "payFromChartOfAccountId", "classifications", "purchaseOrderNumber"),
)
_VENDOR_FIELDS = ("id", "name", "archived", "createdTime", "updatedTime")
_PAYMENT_FIELDS = ("id", "transactionNumber", "createdBy", "createdTime", "updatedTime", "processDate")
_WORKERS = 4

Record = dict[str, Any]


@dataclass(slots=True)
class EventRules:
    """How notifications are sent; may be changed while serving.

    Attributes:
        retries: Seconds before each further try (sheet bill 5.5).
        timeout: Seconds within which a receiver has to answer.
        time_scale: Factor on both, for tests that cannot wait.
        duplicates: Share of the notifications that are sent twice.
        shuffle: Up to so many seconds a notification is delayed, so that they overtake each other.
        spelling: ``compact``: the body is what was signed; ``pretty``: it has spaces that were not signed;
            ``string``: it is a JSON string, and what it holds was signed (sheet bill 5.3, 5.4 leave it open).
    """

    retries: tuple[float, ...] = (2, 4, 8, 16)
    timeout: float = 10.0
    time_scale: float = 1.0
    duplicates: float = 0.0
    shuffle: float = 0.0
    spelling: Literal["compact", "pretty", "string"] = "compact"


@dataclass(slots=True)
class Subscription:
    """One subscription."""

    id: str
    name: str
    organization_id: str
    enabled: bool
    events: list[tuple[str, str]]
    url: str
    created: str
    updated: str
    security_key: str = field(repr=False)

    def as_json(self) -> Record:
        """Return what answers show of it; the key is shown once, by whoever made it."""
        return {
            "id": self.id,
            "name": self.name,
            "organizationId": self.organization_id,
            "status": {"enabled": self.enabled},
            "events": [{"type": kind, "version": version} for kind, version in self.events],
            "notificationUrl": self.url,
            "createdTime": self.created,
            "updatedTime": self.updated,
        }


@dataclass(slots=True)
class Sent:
    """A notification, sent or still being tried."""

    id: str
    type: str
    version: str
    subscription_id: str
    entity_id: str
    payload: bytes
    created: datetime
    status: int = 0
    tries: int = 0

    def as_json(self) -> Record:
        """Return what the history shows of it."""
        return {
            "id": self.id,
            "type": self.type,
            "version": self.version,
            "subscriptionId": self.subscription_id,
            "payload": self.payload.decode(),
            "createdTime": instant_text(to_milliseconds(self.created)),
            "statusCode": self.status,
        }


class Events:
    """Subscriptions of all organizations, the history, and the threads that send.

    Args:
        clock: The sandbox's time.
        rules: How to send.

    Attributes:
        received: Payloads a receiver has answered with 200, in order, duplicates included.
    """

    def __init__(self, clock: Clock, rules: EventRules) -> None:
        self.clock = clock
        self.rules = rules
        self.subscriptions: dict[str, Subscription] = {}
        self.history: dict[str, Sent] = {}
        self.received: list[bytes] = []
        self._random = random.Random(1)
        self._lock = threading.RLock()
        self._postmen = _Postmen()

    def watch(self, organization_id: str, tables: Mapping[str, Table]) -> None:
        """Ring for every later change in an organization's tables."""
        for resource, entity in _ENTITIES.items():
            tables[resource].watch = self._watcher(organization_id, entity)

    def subscribe(self, organization_id: str, name: str, events: list[tuple[str, str]], url: str) -> Subscription:
        """Make a subscription with a key of its own."""
        now = instant_text(to_milliseconds(self.clock.now()))
        made = Subscription(
            id=str(uuid.uuid4()),
            name=name,
            organization_id=organization_id,
            enabled=True,
            events=events,
            url=url,
            created=now,
            updated=now,
            security_key=secrets.token_urlsafe(32),
        )
        with self._lock:
            self.subscriptions[made.id] = made
        return made

    def of(self, organization_id: str) -> list[Subscription]:
        """Return an organization's subscriptions, oldest first."""
        with self._lock:
            return [each for each in self.subscriptions.values() if each.organization_id == organization_id]

    def sent(self, subscription_id: str) -> list[Sent]:
        """Return what was sent for a subscription, oldest first, as far as it is kept."""
        since = self.clock.now() - KEPT
        with self._lock:
            return [
                each
                for each in self.history.values()
                if each.subscription_id == subscription_id and each.created >= since
            ]

    def send_now(self, subscription: Subscription, kind: str, version: str, entity: Record) -> Sent:
        """Send a notification at once, whether or not it was subscribed to, and wait for the answer."""
        sent = self._make(subscription, kind, version, entity)
        sent.status = self._post(subscription, sent)
        return sent

    def resend(self, subscription: Subscription, sent: Sent) -> Sent:
        """Send one of the history again and wait for the answer."""
        sent.status = self._post(subscription, sent)
        return sent

    def pending(self) -> int:
        """Return how many notifications wait to be sent, or sent again."""
        return self._postmen.pending()

    def stop(self) -> None:
        """Send nothing more."""
        self._postmen.stop()

    def _watcher(self, organization_id: str, entity: str) -> Callable[[Row | None, Mapping[str, Any]], None]:
        def changed(old: Row | None, record: Mapping[str, Any]) -> None:
            kind = _kind(entity, old, record)
            if kind is not None:
                self._publish(organization_id, kind, entity, record)

        return changed

    def _publish(self, organization_id: str, kind: str, entity: str, record: Mapping[str, Any]) -> None:
        for subscription in self.of(organization_id):
            version = next((version for type_, version in subscription.events if type_ == kind), None)
            if not subscription.enabled or version is None:
                continue
            sent = self._make(subscription, kind, version, _SHAPES[entity](record))
            times = 2 if self._random.random() < self.rules.duplicates else 1
            for _ in range(times):
                delay = self._random.random() * self.rules.shuffle
                self._postmen.at(time.monotonic() + delay, functools.partial(self._try, sent, 0))

    def _make(self, subscription: Subscription, kind: str, version: str, entity: Record) -> Sent:
        member = kind.partition(".")[0]
        identifier = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        payload = {
            "metadata": {
                "eventId": identifier,
                "subscriptionId": subscription.id,
                "organizationId": subscription.organization_id,
                "eventType": kind,
                "version": version,
            },
            {"bank-account": "bankAccount", "card-account": "cardAccount"}.get(member, member): entity,
        }
        sent = Sent(
            id=identifier,
            type=kind,
            version=version,
            subscription_id=subscription.id,
            entity_id=str(entity.get("id", "")),
            payload=encode(payload),
            created=self.clock.now(),
        )
        with self._lock:
            self.history[sent.id] = sent
        return sent

    def _try(self, sent: Sent, tries: int) -> None:
        """Send; on failure again later, and when that is used up switch the subscription off."""
        subscription = self.subscriptions.get(sent.subscription_id)
        if subscription is None or not subscription.enabled:
            return
        sent.status = self._post(subscription, sent)
        sent.tries += 1
        if sent.status == 200:
            return
        if tries < len(self.rules.retries):
            delay = self.rules.retries[tries] * self.rules.time_scale
            self._postmen.at(time.monotonic() + delay, functools.partial(self._try, sent, tries + 1))
            return
        subscription.enabled = False

    def _post(self, subscription: Subscription, sent: Sent) -> int:
        """Return the status a receiver answers with, 0 without an answer in time."""
        body, signed = self._spelled(sent.payload)
        headers = {"Content-Type": "application/json", SIGNATURE: sign(subscription.security_key, signed)}
        if not is_loopback(subscription.url):
            return 0
        timeout = max(0.5, self.rules.timeout * self.rules.time_scale)
        try:
            with httpx.Client(trust_env=False, timeout=timeout) as http:
                answer = http.post(subscription.url, content=body, headers=headers)
        except httpx.HTTPError:
            return 0
        if answer.status_code == 200:
            with self._lock:
                self.received.append(sent.payload)
        return answer.status_code

    def _spelled(self, payload: bytes) -> tuple[bytes, bytes]:
        if self.rules.spelling == "pretty":
            return json.dumps(json.loads(payload), indent=2, ensure_ascii=False).encode(), payload
        if self.rules.spelling == "string":
            return json.dumps(payload.decode()).encode(), payload
        return payload, payload


def sign(key: str, body: bytes) -> str:
    """Return the signature of a body: HMAC-SHA256 with the key's characters, in base64 (sheet bill 5.4)."""
    return base64.b64encode(hmac.digest(key.encode(), body, hashlib.sha256)).decode()


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine; nothing is ever sent anywhere else."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def sample(kind: str, given: Mapping[str, Any]) -> Record:
    """Return the dummy values of a test notification."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"id": "test-id", "archived": False, "createdTime": now, "updatedTime": now, **given} | (
        {"name": "Test"} if kind.startswith("vendor.") else {}
    )


class _Postmen:
    """A few threads that carry out what is due; started by the first of it."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._bell = threading.Condition()
        self._busy = 0
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def at(self, when: float, what: Callable[[], None]) -> None:
        with self._bell:
            heapq.heappush(self._due, (when, next(self._numbers), what))
            if not self._threads:
                self._threads = [
                    threading.Thread(target=self._work, name=f"bill-events-{number}", daemon=True)
                    for number in range(_WORKERS)
                ]
                for thread in self._threads:
                    thread.start()
            self._bell.notify()

    def pending(self) -> int:
        with self._bell:
            return len(self._due) + self._busy

    def stop(self) -> None:
        with self._bell:
            self._stopped = True
            self._due.clear()
            self._bell.notify_all()
        for thread in self._threads:
            thread.join(15)

    def _work(self) -> None:
        while True:
            with self._bell:
                while not self._stopped and (not self._due or self._due[0][0] > time.monotonic()):
                    self._bell.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if self._stopped:
                    return
                _, _, what = heapq.heappop(self._due)
                self._busy += 1
                self._bell.notify()
            try:
                what()
            finally:
                with self._bell:
                    self._busy -= 1


def _kind(entity: str, old: Row | None, record: Mapping[str, Any]) -> str | None:
    """Return which event a change is, if it is one: no payment.created, and nothing without a new ``updatedTime``."""
    if old is None:
        return None if entity == "payment" else f"{entity}.created"
    before = decode(old.body)
    if before.get("updatedTime") == record.get("updatedTime"):
        return None
    if entity != "payment" and bool(before.get("archived")) != bool(record.get("archived")):
        return f"{entity}.{'archived' if record.get('archived') else 'restored'}"
    return f"{entity}.updated"


def _bill(record: Mapping[str, Any]) -> Record:
    shown = {name: record[name] for name in _BILL_FIELDS if name in record}
    invoice = record.get("invoice", {})
    return shown | {"invoice": {**invoice, "invoiceDate": f"{invoice.get('invoiceDate', '')[:10]}T00:00:00.000Z"}}


def _vendor(record: Mapping[str, Any]) -> Record:
    return {name: record[name] for name in _VENDOR_FIELDS if name in record}


def _payment(record: Mapping[str, Any]) -> Record:
    amount = {"amount": record.get("amount", 0), "currency": "USD"}
    return {name: record[name] for name in _PAYMENT_FIELDS if name in record} | {
        "billIds": [part["billId"] for part in record.get("billPayments", ())],
        "status": record.get("singleStatus", "UNDEFINED"),
        "funding": {**amount, "fundingAccount": dict(record.get("fundingAccount", {}))},
        "disbursement": {**amount, "disbursementAccount": {"type": record.get("disbursementType", "ACH")}},
        "vendor": {"id": record.get("vendorId", ""), "name": record.get("vendorName", "")},
        "billingType": "BDC",
    }


_SHAPES: dict[str, Callable[[Mapping[str, Any]], Record]] = {"bill": _bill, "vendor": _vendor, "payment": _payment}
