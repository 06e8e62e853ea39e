"""What a notification is, and what each system's room has to know: verification, parsing, subscriptions.

A notification is a doorbell, not a source. Nothing of what it says about an object is used or kept but which object
it is and how new; the run it wakes reads the object through the API.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ulid import ULID

__all__ = [
    "CATCH_UP",
    "Checked",
    "Doorbell",
    "Event",
    "Forged",
    "Malformed",
    "Misdirected",
    "Refused",
    "Ring",
    "Standing",
    "Subscriber",
    "catch_up",
]

CATCH_UP: t.Final = "ml-connector.catch-up"
"""Kind of the event we ring ourselves after an outage: whatever changed meanwhile is to be read."""


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """Something happened to an object.

    Attributes:
        system: The system that rang (``bill``).
        instance: Its organization, tenant or company.
        event_id: Unique within the instance, so that a repeated notification is known.
        kind: What happened, in the system's words (``bill.updated``).
        stream: The tap's stream in which the object is read; None when none of them has it.
        source_id: The object's id; None when the notification names none.
        version: When the object changed; None when the notification does not say.
        received_at: When we learned of it; where the system's tap leaves alone what has just changed, when the object
            can be seen at the earliest.
    """

    system: str
    instance: str
    event_id: str
    kind: str
    stream: str | None
    source_id: str | None
    version: dt.datetime | None
    received_at: dt.datetime

    @property
    def source(self) -> str:
        """System and instance as the ledger names them."""
        return f"{self.system}:{self.instance}"


def catch_up(source: str, now: dt.datetime) -> Event:
    """Return the event that wakes every pipeline of an instance."""
    system, _, instance = source.partition(":")
    return Event(system, instance, f"catch-up-{ULID()}", CATCH_UP, None, None, None, now)


class Ring(t.NamedTuple):
    """A request at a door, its body whole and within the door's limit.

    Attributes:
        headers: Names in lower case.
        query: Parameters of the address.
        body: As it came, byte for byte.
        received_at: When it came.
    """

    headers: t.Mapping[str, str]
    query: t.Mapping[str, str]
    body: bytes
    received_at: dt.datetime


class Refused(Exception):
    """A ring that is not let in. The caller learns the status and nothing else."""

    status: t.ClassVar[int] = 400


class Forged(Refused):
    """Nobody who knows the key sent it."""

    status = 401


class Malformed(Refused):
    """It is not what the system sends."""

    status = 400


class Misdirected(Refused):
    """It is genuine, and meant for another organization or subscription."""

    status = 403


class Doorbell(t.Protocol):
    """One system's door: what is let in, and what it means.

    Attributes:
        system: The system's name.
        instance: Whose door it is.
        path: Where it is, below ``/webhooks/``.
        body_limit: Bytes a request may have.
        answer_within: Seconds after which the system takes an answer for a failure.
    """

    system: t.ClassVar[str]
    body_limit: t.ClassVar[int]
    answer_within: t.ClassVar[float]
    instance: str
    path: str

    def handshake(self, ring: Ring) -> bytes | None:
        """Return what a system wants to hear that asks whether we are who was subscribed; None for other rings."""

    def hear(self, ring: Ring) -> list[Event]:
        """Return what a ring tells.

        Raises:
            Refused: It is forged, malformed or for somebody else.
        """


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """A subscription as its system has it now.

    Attributes:
        id: Its id there.
        url: Where it sends to.
        enabled: Whether it sends.
        kinds: What it sends.
        ours: Whether we hold its key.
        name: What it is called there.
        expires: When it ends by itself, if it does.
    """

    id: str
    url: str
    enabled: bool
    kinds: frozenset[str]
    ours: bool
    name: str = ""
    expires: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """What a look at a subscription found.

    Attributes:
        standing: As it is now; None when it is gone.
        alarm: What a person should know, in one line; None when all was well.
        outage: Whether notifications may be missing that no history tells of.
        missed: What the system's history has of the time since the last look.
    """

    standing: Standing | None
    alarm: str | None = None
    outage: bool = False
    missed: tuple[Event, ...] = ()


class Subscriber(t.Protocol):
    """One system's subscriptions, and the keys of their notifications."""

    @property
    def source(self) -> str:
        """System and instance as the ledger names them."""

    def offered(self) -> frozenset[str]:
        """Return the kinds of events there are to subscribe to."""

    def subscribe(self, url: str, kinds: t.Collection[str]) -> list[Standing]:
        """Have ``kinds`` sent to ``url``, and hold the key; doing it again changes nothing."""

    def standing(self) -> list[Standing]:
        """Return all subscriptions of the instance."""

    def check(self, since: dt.datetime) -> t.Iterable[Checked]:
        """Look at our subscriptions and mend them.

        What is given out is noted before the next one is asked for: so a subscription that is off is given out before
        and after it is switched on.

        Args:
            since: Until when nothing is missing.
        """

    def rotate(self) -> list[Standing]:
        """Have a new key made; the one before stays valid for a while."""

    def test(self) -> str | None:
        """Have a test notification sent; returns its event id, None where the system has none."""

    def unsubscribe(self) -> list[str]:
        """End our subscriptions and forget their keys; returns their ids."""

    def close(self) -> None:
        """Close the connections."""
