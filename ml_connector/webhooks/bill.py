"""BILL's room: signatures, payloads, subscriptions (sheet bill 5)."""

from __future__ import annotations

import base64
import collections.abc
import datetime as dt
import hashlib
import hmac
import json
import typing as t
import uuid

import msgspec

from ml_connector.errors import UserError
from ml_connector.systems.bill.subscriptions import BillSubscriptions, SentEvent, Subscription
from ml_connector.webhooks.keys import KeyBook, SigningKey, SigningKeys
from ml_connector.webhooks.provider import Checked, Event, Forged, Malformed, Misdirected, Ring, Standing

__all__ = ["KEY", "BillDoorbell", "BillSubscriber", "key_book", "signature"]

SIGNATURE: t.Final = "x-bill-sha-signature"
BODY_LIMIT: t.Final = 128 * 1024
"""Bytes; a published bill event has one or two thousand."""

NAME: t.Final = "ml-connector"
OVERLAP: t.Final = dt.timedelta(minutes=2)
"""How far a history is read back beyond the last look: its rows may appear late."""

KEY: t.Final = "security_key"
"""What the key is called in the vault."""

_STREAMS: t.Final = {
    "bill": ("bill", "bills"),
    "vendor": ("vendor", "vendors"),
    "payment": ("payment", "payments"),
    "bank-account": ("bankAccount", "funding_bank_accounts"),
}
"""By the first word of a kind: the member of the payload, and the tap's stream."""

_LONGEST_ID = 100


class BillDoorbell:
    """The door of one organization.

    Args:
        organization_id: Whose events are let in.
        keys: What they are signed with.
        path: Where it is.
        others: Further organizations a partner's subscription brings.
    """

    system: t.ClassVar[str] = "bill"
    body_limit: t.ClassVar[int] = BODY_LIMIT
    answer_within: t.ClassVar[float] = 10.0

    def __init__(self, organization_id: str, keys: SigningKeys, *, path: str, others: t.Collection[str] = ()) -> None:
        self.instance = organization_id
        self.path = path
        self._keys = keys
        self._organizations = frozenset({organization_id, *others})

    def handshake(self, ring: Ring) -> bytes | None:
        """Return None: BILL asks nothing before it sends."""
        del ring
        return None

    def hear(self, ring: Ring) -> list[Event]:
        """Return the one event of a notification.

        Raises:
            Refused: It is forged, malformed, or for another organization or subscription.
        """
        key = self._signed_with(ring)
        event, subscription = read_event(ring.body, ring.received_at)
        if event.instance not in self._organizations or (key.subscription_id and subscription != key.subscription_id):
            raise Misdirected
        return [event]

    def _signed_with(self, ring: Ring) -> SigningKey:
        given = ring.headers.get(SIGNATURE, "").encode("latin-1", "replace")
        key = _fitting(self._keys.current(), ring.body, given)
        if key is None:
            keys = self._keys.latest()
            bodies = (ring.body, *(_other_spellings(ring.body) if self._names_us(ring.body, keys) else ()))
            key = next((found for body in bodies if (found := _fitting(keys, body, given))), None)
        if key is None:
            raise Forged
        return key

    def _names_us(self, body: bytes, keys: t.Iterable[SigningKey]) -> bool:
        """Whether a body is worth another look: strangers do not know the id of our subscription.

        So what they send costs one hash however often they send it, and the look need not be rationed. Nothing that
        could be let in is lost: a notification must name the subscription its key belongs to.
        """
        named = {key.subscription_id for key in keys}
        return any(each.encode() in body for each in named)


class BillSubscriber:
    """The subscription of one organization.

    Args:
        api: BILL's events API.
        book: Where the key is kept.
        organization_id: Whose subscription.
        others: Further organizations whose events it brings.
        key_overlap: How long the key before the last one stays valid.
        close: Closes the connections.
    """

    def __init__(
        self,
        api: BillSubscriptions,
        book: KeyBook,
        organization_id: str,
        *,
        others: t.Collection[str] = (),
        key_overlap: dt.timedelta,
        close: t.Callable[[], None],
    ) -> None:
        self._api = api
        self._book = book
        self._organization_id = organization_id
        self._organizations = frozenset({organization_id, *others})
        self._overlap = key_overlap
        self._close = close

    @property
    def source(self) -> str:
        """``bill:`` and the organization."""
        return f"bill:{self._organization_id}"

    def offered(self) -> frozenset[str]:
        """Return what the catalog offers in the version we read."""
        return frozenset(kind for kind, versions in self._api.catalog().items() if not versions or "1" in versions)

    def subscribe(self, url: str, kinds: t.Collection[str]) -> list[Standing]:
        """Have ``kinds`` sent to ``url``.

        A subscription that sends there already is taken over. Its key is the first thing that is kept of an answer;
        the idempotent key was kept before it was asked for, so that a crash in between gets the same answer again.
        """
        held = self._book.read()
        present = next((each for each in self._api.all() if each.url == url), None)
        if present is None:
            return [self._create(url, kinds, held)]
        if held.get("subscription_id") != present.id or not held.get(KEY):
            self._new_key(present)
        if present.events != frozenset(kinds) or not present.enabled:
            self._api.replace(present.id, present.name or NAME, url, kinds)
        return [self._standing(self._api.get(present.id) or present)]

    def standing(self) -> list[Standing]:
        """Return all subscriptions of the organization."""
        return [self._standing(each) for each in self._api.all()]

    def check(self, since: dt.datetime) -> t.Iterator[Checked]:
        """Look at our subscription, switch it on when BILL has switched it off, read its history."""
        id_ = self._book.read().get("subscription_id")
        if not id_:
            return
        found = self._api.get(id_)
        if found is None:
            gone = f"BILL has no subscription {id_} any more: run `ml-connector webhooks subscribe`"
            yield Checked(None, gone)
            return
        alarm, was_off = None, not found.enabled
        if was_off:
            yield Checked(self._standing(found), f"BILL has switched the subscription {id_} off")
            self._api.enable(id_)
            found = self._api.get(id_) or found
            alarm = f"BILL had switched the subscription {id_} off, since it got no 200; it is on again"
            if not found.enabled:
                alarm = f"BILL has switched the subscription {id_} off and does not switch it on again"
        sent = list(self._api.history(id_, since - OVERLAP))
        if alarm is not None:
            alarm += _answered(sent)
        yield Checked(self._standing(found), alarm, was_off, tuple(self._missed(sent)))

    def rotate(self) -> list[Standing]:
        """Have a new key made; BILL signs with it from then on."""
        id_ = self._book.read().get("subscription_id")
        found = self._api.get(id_) if id_ else None
        if found is None:
            raise UserError("there is no subscription of ours.", "Run `ml-connector webhooks subscribe` first.")
        self._new_key(found)
        return [self._standing(found)]

    def test(self) -> str | None:
        """Let BILL send a test notification of the first kind we have subscribed to."""
        id_ = self._book.read().get("subscription_id")
        found = self._api.get(id_) if id_ else None
        if found is None or not found.events:
            return None
        return self._api.test(found.id, min(found.events)).id

    def unsubscribe(self) -> list[str]:
        """Delete our subscription and its key."""
        id_ = self._book.read().get("subscription_id")
        ended = [id_] if id_ and self._api.delete(id_) else []
        self._book.forget()
        return ended

    def close(self) -> None:
        """Close the connections."""
        self._close()

    def _create(self, url: str, kinds: t.Collection[str], held: t.Mapping[str, t.Any]) -> Standing:
        wish = [url, *sorted(kinds)]
        asked = held.get("asked_subscription")
        if not asked or asked.get("wish") != wish or _aged(asked):
            asked = {"key": str(uuid.uuid4()), "wish": wish, "at": dt.datetime.now(dt.UTC).isoformat()}
            self._book.put(asked_subscription=asked)
        issued = self._api.create(NAME, url, kinds, idempotent_key=asked["key"])
        self._book.replace_key(
            KEY,
            issued.security_key,
            overlap=self._overlap,
            subscription_id=issued.subscription.id,
            asked_subscription=None,
        )
        return self._standing(issued.subscription)

    def _new_key(self, subscription: Subscription) -> None:
        asked = self._book.read().get("asked_key")
        if not asked or asked.get("subscription") != subscription.id or _aged(asked):
            asked = {
                "key": str(uuid.uuid4()),
                "subscription": subscription.id,
                "at": dt.datetime.now(dt.UTC).isoformat(),
            }
            self._book.put(asked_key=asked)
        key = self._api.new_key(subscription.id, idempotent_key=asked["key"])
        self._book.replace_key(KEY, key, overlap=self._overlap, subscription_id=subscription.id, asked_key=None)

    def _standing(self, found: Subscription) -> Standing:
        held = self._book.read()
        ours = held.get("subscription_id") == found.id and bool(held.get(KEY))
        return Standing(found.id, found.url, found.enabled, found.events, ours, found.name)

    def _missed(self, sent: t.Iterable[SentEvent]) -> t.Iterator[Event]:
        now = dt.datetime.now(dt.UTC)
        events = (self._from_history(each, now) for each in sent)
        return (event for event in events if event.instance in self._organizations)

    def _from_history(self, sent: SentEvent, now: dt.datetime) -> Event:
        """Return what was sent; without its object when the payload is not understood."""
        try:
            return read_event(sent.payload.encode(), now)[0]
        except Malformed:
            return Event("bill", self._organization_id, sent.id, sent.kind, None, None, None, now)


def key_book(organization_id: str) -> KeyBook:
    """Return where the key of an organization's subscription is kept."""
    return KeyBook(f"webhooks-bill-{organization_id}", "bill")


def signature(key: str, body: bytes) -> str:
    """Return how BILL signs a body: HMAC-SHA256 with the key's own characters, in base64 (sheet bill 5.4)."""
    return base64.b64encode(hmac.digest(key.encode(), body, hashlib.sha256)).decode()


def read_event(body: bytes, received_at: dt.datetime) -> tuple[Event, str]:
    """Return what a payload tells, and the id of the subscription it was sent for.

    Raises:
        Malformed: It is no event of BILL.
    """
    payload = _object(body)
    metadata = _mapping(payload.get("metadata"))
    kind = _text(metadata.get("eventType"))
    member, stream = _STREAMS.get(kind.partition(".")[0], ("", None))
    entity = payload.get(member)
    entity = entity if isinstance(entity, collections.abc.Mapping) else {}
    source_id = _text(entity["id"]) if entity.get("id") is not None else None
    event = Event(
        system="bill",
        instance=_text(metadata.get("organizationId")),
        event_id=_text(metadata.get("eventId")),
        kind=kind,
        stream=stream if source_id else None,
        source_id=source_id,
        version=_version(kind, entity),
        received_at=received_at,
    )
    return event, _text(metadata.get("subscriptionId"))


def _answered(sent: t.Iterable[SentEvent]) -> str:
    """Say what was answered to what BILL takes for lost; a key that was replaced elsewhere shows in nothing else."""
    statuses = sorted({each.status for each in sent if each.status and each.status != 200})
    if not statuses:
        return ""
    cure = ": if its key was replaced elsewhere, run `ml-connector webhooks rotate-key`" if 401 in statuses else ""
    return f" (it was answered {', '.join(map(str, statuses))}{cure})"


def _fitting(keys: t.Iterable[SigningKey], body: bytes, given: bytes) -> SigningKey | None:
    """Return the key that signed a body; takes as long whichever it is, and when it is none."""
    found = None
    for key in keys:
        if hmac.compare_digest(signature(key.value, body).encode(), given):
            found = key
    return found


def _other_spellings(body: bytes) -> t.Iterator[bytes]:
    """Yield what else BILL may have signed: the minified payload, or the text a string holds (sheet bill 5.3, 5.4)."""
    try:
        yield msgspec.json.format(body, indent=-1)
        value = json.loads(body)
        if isinstance(value, str):
            yield value.encode()
            value = json.loads(value)
        yield json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return


def _object(body: bytes) -> t.Mapping[str, t.Any]:
    try:
        value = msgspec.json.decode(body)
        if isinstance(value, str):
            value = msgspec.json.decode(value)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        raise Malformed from None
    return _mapping(value)


def _mapping(value: t.Any) -> t.Mapping[str, t.Any]:
    if not isinstance(value, collections.abc.Mapping):
        raise Malformed
    return value


def _text(value: t.Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID or not value.isprintable():
        raise Malformed
    return value


def _moment(value: t.Any) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _version(kind: str, entity: t.Mapping[str, t.Any]) -> dt.datetime | None:
    """Return when the object changed. When it was made says that of a new one only: of others it is long known."""
    changed = _moment(entity.get("updatedTime"))
    return _moment(entity.get("createdTime")) if changed is None and kind.endswith(".created") else changed


def _aged(asked: t.Mapping[str, t.Any]) -> bool:
    """Whether BILL may have forgotten its answer to an idempotent key: it keeps it for a day."""
    moment = _moment(asked.get("at"))
    return moment is None or dt.datetime.now(dt.UTC) - moment > dt.timedelta(hours=23)
