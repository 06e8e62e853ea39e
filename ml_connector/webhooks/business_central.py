"""Business Central's room: handshakes, client states, subscriptions that last three days (sheet business-central 5).

Notifications are not signed. What proves them is the client state we gave with the subscription, in an address that
nobody can guess. They carry no record, several of them come in one request, and an answer that is neither 2xx nor
worth another try makes Business Central delete the subscription.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import logging
import re
import secrets
import typing as t

import msgspec

from ml_connector.errors import SystemFault, UserError
from ml_connector.systems.business_central.subscriptions import BusinessCentralSubscriptions, Place, Subscription
from ml_connector.webhooks.keys import KeyBook, SigningKeys
from ml_connector.webhooks.provider import Checked, Event, Forged, Malformed, Misdirected, Ring, Standing

__all__ = ["STATE", "BusinessCentralDoorbell", "BusinessCentralSubscriber", "key_book", "secret_path"]

STATE: t.Final = "client_state"
"""What the proof is called in the vault."""

BODY_LIMIT: t.Final = 1024 * 1024
"""Bytes; a request may tell of a thousand changes."""

CHANGES: t.Final = ("created", "updated", "deleted", "collection")
RENEWED_BEFORE: t.Final = dt.timedelta(hours=36)
"""A subscription lasts three days; it is renewed when half of that is over."""

CLOCKS: t.Final = dt.timedelta(seconds=5)
"""How far our clock and theirs may differ."""

_LOG = logging.getLogger(__name__)

_PATH = "path"
_TOKEN = re.compile(r"[\x21-\x7e]{1,512}")
_MOST = 5_000


class BusinessCentralDoorbell:
    """The door of one environment, or of one company of it.

    Args:
        instance: Tenant and environment, as events name them before the company.
        keys: The client states that are valid, and the companies that were subscribed to.
        path: Where it is; part of it is secret.
        settles: How long the tap leaves alone what has just changed: an event is to be seen after that.
    """

    system: t.ClassVar[str] = "business_central"
    body_limit: t.ClassVar[int] = BODY_LIMIT
    answer_within: t.ClassVar[float] = 30.0

    def __init__(self, instance: str, keys: SigningKeys, *, path: str, settles: dt.timedelta) -> None:
        self.instance = instance
        self.path = path
        self._keys = keys
        self._settles = settles

    def handshake(self, ring: Ring) -> bytes | None:
        """Return the token of a new or renewed subscription, which it wants back (sheet 5)."""
        token = ring.query.get("validationToken")
        if token is None:
            return None
        if not _TOKEN.fullmatch(token):
            raise Malformed
        return token.encode()

    def hear(self, ring: Ring) -> list[Event]:
        """Return what the notifications of a request tell; those of others among them are left out.

        One that is genuine and not understood is told and left out as well, even where it is the only one: to refuse it
        would end the subscription, and with it what comes next.

        Raises:
            Refused: None of them is ours.
        """
        items = _items(ring.body)
        proven = self._proven(items)
        companies = {str(each).lower() for each in self._keys.held("companies") or ()}
        understood = [(item, place) for item in proven if (place := _place(item)) is not None]
        for odd in [item for item in proven if _place(item) is None]:
            _LOG.warning("a notification is not understood and left out: %r of %r", odd.changeType, odd.resource)
        heard = [self._event(item, place, ring.received_at) for item, place in understood if place.company in companies]
        if understood and not heard:
            raise Misdirected
        return heard

    def _proven(self, items: list[_Item]) -> list[_Item]:
        """Return the notifications that carry a valid client state."""
        for look_up in (self._keys.current, self._keys.latest):
            states = [key.value.encode() for key in look_up()]
            proven = [item for item in items if _is_one_of(item.clientState.encode(), states)]
            if proven:
                break
        if not proven:
            raise Forged
        return proven

    def _event(self, item: _Item, place: Place, received_at: dt.datetime) -> Event:
        told = f"{item.subscriptionId}\n{item.resource}\n{item.changeType}\n{item.lastModifiedDateTime}"
        return Event(
            system=self.system,
            instance=f"{self.instance}/{place.company}",
            event_id=hashlib.sha256(told.encode()).hexdigest()[:40],
            kind=f"{place.list}.{item.changeType}",
            stream=_snake(place.list) if place.id else None,
            source_id=place.id,
            # The time they name is not certainly that of the record: a run that began late enough is what counts.
            version=None,
            received_at=received_at + self._settles + CLOCKS,
        )


class BusinessCentralSubscriber:
    """The subscriptions of one environment, one per company and list.

    Args:
        api: The subscriptions of the environment.
        book: Where the client state is kept.
        instance: Tenant and environment.
        companies: Gives the ids of the companies to subscribe to.
        key_overlap: How long the client state before the last one stays valid.
        close: Closes the connections.
    """

    def __init__(
        self,
        api: BusinessCentralSubscriptions,
        book: KeyBook,
        instance: str,
        *,
        companies: t.Callable[[], t.Sequence[str]],
        key_overlap: dt.timedelta,
        close: t.Callable[[], None],
    ) -> None:
        self._api = api
        self._book = book
        self._instance = instance
        self._companies = companies
        self._overlap = key_overlap
        self._close = close

    @property
    def source(self) -> str:
        """``business_central:``, tenant and environment."""
        return f"business_central:{self._instance}"

    def offered(self) -> frozenset[str]:
        """Return each kind of change of each list that can be subscribed to in every company."""
        lists = [self._api.offered(company) for company in self._companies()]
        common = frozenset.intersection(*lists) if lists else frozenset()
        return frozenset(f"{each}.{change}" for each in common for change in CHANGES)

    def subscribe(self, url: str, kinds: t.Collection[str]) -> list[Standing]:
        """Have the lists of ``kinds`` notified to ``url``; the client state is kept before it is given."""
        companies = [company.lower() for company in self._companies()]
        lists = sorted({kind.partition(".")[0] for kind in kinds})
        state = self._book.read().get(STATE) or self._book.once(STATE, secrets.token_urlsafe(48))
        self._book.put(url=url, lists=lists, companies=companies)
        return [self._standing(each) for each in self._made(url, state)]

    def standing(self) -> list[Standing]:
        """Return all subscriptions of the environment."""
        return [self._standing(each) for each in self._api.all()]

    def check(self, since: dt.datetime) -> list[Checked]:
        """Renew ours long before they end, and make again what Business Central has deleted."""
        del since  # there is no history
        held = self._book.read()
        if not held.get(STATE) or not held.get("url"):
            return []
        present = {each.place: each for each in self._api.all() if each.url == held["url"]}
        found = []
        for place in _places(held):
            known = present.get(place)
            try:
                found.append(self._mended(place, known, held))
            except SystemFault as fault:
                name = f"{place.list} of company {place.company}"
                if known is None:
                    found.append(Checked(None, f"there is no subscription to {name}, and none can be made: {fault}"))
                else:
                    alarm = (
                        f"the subscription to {name} ends at {known.expires:%Y-%m-%d %H:%M} UTC and cannot be renewed"
                    )
                    found.append(Checked(self._standing(known), f"{alarm}: {fault}"))
        return found

    def rotate(self) -> list[Standing]:
        """Give every subscription another client state; both are valid for a while."""
        held = self._book.read()
        if not held.get(STATE) or not held.get("url"):
            raise UserError("there is no subscription of ours.", "Run `ml-connector webhooks subscribe` first.")
        state = secrets.token_urlsafe(48)
        self._book.replace_key(STATE, state, overlap=self._overlap)
        return [self._standing(each) for each in self._made(held["url"], state)]

    def test(self) -> str | None:
        """Return None: a subscription is tried when it is made, by the handshake."""
        return None

    def unsubscribe(self) -> list[str]:
        """Delete our subscriptions and forget the client state."""
        url = self._book.read().get("url")
        ours = [each for each in self._api.all() if url and each.url == url]
        for each in ours:
            self._api.delete(each)
        self._book.forget()
        return [each.id for each in ours]

    def close(self) -> None:
        """Close the connections."""
        self._close()

    def _made(self, url: str, state: str) -> list[Subscription]:
        """Make or renew every subscription with this client state."""
        present = {each.place: each for each in self._api.all() if each.url == url}
        made = []
        for place in _places(self._book.read()):
            known = present.get(place)
            made.append(self._api.renew(known, state) if known else self._api.create(url, place, state))
        return made

    def _mended(self, place: Place, known: Subscription | None, held: t.Mapping[str, t.Any]) -> Checked:
        if known is None:
            made = self._api.create(held["url"], place, held[STATE])
            alarm = f"Business Central had no subscription to {place.list} any more; it is made again"
            return Checked(self._standing(made), alarm, outage=True)
        if known.expires - dt.datetime.now(dt.UTC) < RENEWED_BEFORE:
            known = self._api.renew(known, held[STATE])
        return Checked(self._standing(known))

    def _standing(self, found: Subscription) -> Standing:
        held = self._book.read()
        place, ours = found.place, bool(held.get(STATE)) and found.url == held.get("url")
        return Standing(
            id=found.id,
            url=f"{found.url.rpartition('/')[0]}/***" if ours else found.url,  # its end is a secret
            enabled=True,
            kinds=frozenset(f"{place.list}.{change}" for change in CHANGES) if place else frozenset(),
            ours=ours,
            name=place.list if place else "",
            expires=found.expires,
        )


class _Item(msgspec.Struct):
    """One notification; every field may be of another kind than it should be, see :func:`_item`."""

    clientState: str  # noqa: N815 - as it is sent
    subscriptionId: str = ""  # noqa: N815
    resource: str = ""
    changeType: str = ""  # noqa: N815
    lastModifiedDateTime: str = ""  # noqa: N815


class _Body(msgspec.Struct):
    value: t.Annotated[list[t.Any], msgspec.Meta(max_length=_MOST)]


def key_book(instance: str) -> KeyBook:
    """Return where the client state of an environment is kept."""
    digest = hashlib.sha256(instance.encode()).hexdigest()[:12]
    return KeyBook(f"webhooks-business-central-{digest}", "business_central")


def secret_path(book: KeyBook, name: str) -> str:
    """Return where the door is: its name, and something nobody can guess, which is made once."""
    return f"{name}/{book.read().get(_PATH) or book.once(_PATH, secrets.token_urlsafe(24))}"


def _items(body: bytes) -> list[_Item]:
    try:
        found = msgspec.json.decode(body, type=_Body).value
    except (ValueError, RecursionError, msgspec.MsgspecError):
        raise Forged from None
    return [_item(each) for each in found if isinstance(each, dict)]


def _item(fields: dict[str, t.Any]) -> _Item:
    """Return a notification; a field that is no text counts as none."""
    known = {name: fields.get(name) for name in _Item.__struct_fields__}
    return _Item(**{name: value if isinstance(value, str) else "" for name, value in known.items()})


def _place(item: _Item) -> Place | None:
    """Return what a notification is about; None where it is not understood."""
    return Place.read(item.resource) if item.changeType in CHANGES else None


def _is_one_of(given: bytes, states: t.Iterable[bytes]) -> bool:
    found = False
    for state in states:
        found |= hmac.compare_digest(given, state)
    return found


def _places(held: t.Mapping[str, t.Any]) -> list[Place]:
    return [Place(company, each) for company in held.get("companies") or () for each in held.get("lists") or ()]


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
