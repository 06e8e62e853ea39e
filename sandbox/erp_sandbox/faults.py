"""Things that go wrong, on demand.

Each system of the sandbox runs every API call through one :class:`Faults`::

    fault = await faults.before(request.scope, "bill", write=False)   # may sleep, may cut the connection
    if fault is None: response = ...the real work, committed...
    else: response = the system's own signal for fault ("throttle", "error_500" or "expire_session")
    await faults.after(request.scope, "bill", write=False)             # may cut the connection

A cut is a real one: the socket is closed without an answer (see ``server``). ``drop_before`` cuts before
anything was processed, ``drop_after`` when everything was committed, so the caller of a write cannot know.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

Kind = Literal["throttle", "error_500", "drop_before", "drop_after", "slow", "expire_session"]
Side = Literal["reads", "writes", "both"]
Signal = Literal["throttle", "error_500", "expire_session"]
KINDS: tuple[str, ...] = get_args(Kind)
SIDES: tuple[str, ...] = get_args(Side)
SYSTEMS = ("bill", "workday", "business_central")
ABORT = "erp_sandbox.abort"

_SIGNALS: tuple[Signal, ...] = ("expire_session", "throttle", "error_500")


class ConnectionCutError(Exception):
    """The connection of this call was cut; only the server's outermost layer catches it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often one fault happens: ``rate`` 0..1 of the calls to ``system`` (None: all) on one ``side``."""

    kind: str
    rate: float
    system: str | None = None
    side: str = "both"

    def covers(self, kind: str, system: str, *, write: bool) -> bool:
        """Whether this rate speaks of such a call."""
        return (
            self.kind == kind
            and self.system in (None, system)
            and (self.side == "both" or (self.side == "writes") == write)
        )


@dataclass(slots=True)
class _Scripted:
    kind: str
    system: str
    side: str
    left: int


class Faults:
    """Random faults by rate and scripted ones by count; safe to change from any thread while serving.

    Args:
        seed: Makes the random choices repeatable.
        slow_seconds: How much longer a ``slow`` call takes.
        rates: A rate 0..1 per kind, for all systems and sides: ``Faults(throttle=0.1)``.
    """

    def __init__(self, *, seed: int = 1, slow_seconds: float = 1.0, **rates: float) -> None:
        self.slow_seconds = slow_seconds
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._rates: list[Rate] = []
        self._scripted: list[_Scripted] = []
        self._happened: dict[str, int] = {}
        for kind, rate in rates.items():
            self.set(kind, rate)

    def set(self, kind: str, rate: float, *, system: str | None = None, side: str = "both") -> None:
        """Let ``kind`` happen to this share of the calls; 0 ends it. Replaces the rate for the same calls."""
        _check(kind, side)
        if not 0 <= rate <= 1:
            raise ValueError(f"the rate of {kind} is {rate}; it must lie between 0 and 1")
        with self._lock:
            self._rates = [
                known for known in self._rates if (known.kind, known.system, known.side) != (kind, system, side)
            ]
            if rate:
                self._rates.append(Rate(kind, rate, system, side))

    def next(self, system: str, kind: str, count: int = 1, *, side: str = "both") -> None:
        """Let the next ``count`` calls to ``system`` (on that side) meet ``kind``, whatever the rates say."""
        _check(kind, side)
        with self._lock:
            self._scripted.append(_Scripted(kind, system, side, count))

    def clear(self) -> None:
        """No more faults."""
        with self._lock:
            self._rates.clear()
            self._scripted.clear()

    def happened(self) -> dict[str, int]:
        """How often each ``system.kind`` has happened so far."""
        with self._lock:
            return dict(self._happened)

    def describe(self) -> list[dict[str, object]]:
        """The rates in force, as JSON."""
        with self._lock:
            return [
                {"kind": rate.kind, "rate": rate.rate, "system": rate.system, "side": rate.side} for rate in self._rates
            ]

    async def before(self, scope: MutableMapping[str, Any], system: str, *, write: bool) -> Signal | None:
        """Decide what meets this call before it is processed.

        Returns:
            The fault the system must answer in its own words, or None: go on.

        Raises:
            ConnectionCutError: the connection has just been cut; let it pass through.
        """
        if self._draw("slow", system, write=write):
            await asyncio.sleep(self.slow_seconds)
        if self._draw("drop_before", system, write=write):
            cut(scope)
        for signal in _SIGNALS:
            if self._draw(signal, system, write=write):
                return signal
        return None

    async def after(self, scope: MutableMapping[str, Any], system: str, *, write: bool) -> None:
        """Cut the connection of a call that has been processed, when its time has come.

        Raises:
            ConnectionCutError: the connection has just been cut; let it pass through.
        """
        if self._draw("drop_after", system, write=write):
            cut(scope)

    def _draw(self, kind: str, system: str, *, write: bool) -> bool:
        with self._lock:
            hit = self._take_scripted(kind, system, write=write) or any(
                self._random.random() < rate.rate for rate in self._rates if rate.covers(kind, system, write=write)
            )
            if hit:
                key = f"{system}.{kind}"
                self._happened[key] = self._happened.get(key, 0) + 1
            return hit

    def _take_scripted(self, kind: str, system: str, *, write: bool) -> bool:
        for script in self._scripted:
            if Rate(script.kind, 1, script.system, script.side).covers(kind, system, write=write):
                script.left -= 1
                if script.left <= 0:
                    self._scripted.remove(script)
                return True
        return False


def cut(scope: MutableMapping[str, Any]) -> None:
    """Close the connection of this call without an answer.

    Raises:
        ConnectionCutError: always; only the server's outermost layer catches it.
    """
    abort = cast("Callable[[], None] | None", scope.get("extensions", {}).get(ABORT))
    if abort is not None:
        abort()
    raise ConnectionCutError


def parse_rates(words: Iterable[str]) -> list[Rate]:
    """Read rates as people write them: ``throttle=0.1``, ``workday.drop_after.writes=0.05``.

    Raises:
        ValueError: a word is not of that form; the message says which and what is possible.
    """
    return [_parse_rate(word) for word in words]


@dataclass(slots=True)
class Latency:
    """Seconds every API call takes, plus up to ``jitter`` more; calls in flight together overlap."""

    seconds: float = 0.0
    jitter: float = 0.0

    async def pause(self) -> None:
        """Take that time."""
        if self.seconds or self.jitter:
            await asyncio.sleep(self.seconds + random.random() * self.jitter)


def _parse_rate(word: str) -> Rate:
    name, equals, number = word.partition("=")
    parts = name.split(".")
    kinds = [part for part in parts if part in KINDS]
    sides = [part for part in parts if part in SIDES]
    systems = [part for part in parts if part in SYSTEMS]
    if not equals or len(kinds) != 1 or len(kinds + sides + systems) != len(parts) or len(systems) > 1:
        raise ValueError(
            f'cannot read "{word}"; write [bill.|workday.|business_central.]KIND[.reads|.writes]=RATE with KIND one of '
            + ", ".join(KINDS)
        )
    try:
        rate = float(number)
    except ValueError:
        raise ValueError(f'cannot read "{word}"; the rate must be a number between 0 and 1') from None
    return Rate(kinds[0], rate, systems[0] if systems else None, sides[0] if sides else "both")


def _check(kind: str, side: str) -> None:
    if kind not in KINDS:
        raise ValueError(f'unknown fault "{kind}"; known are {", ".join(KINDS)}')
    if side not in SIDES:
        raise ValueError(f'unknown side "{side}"; known are {", ".join(SIDES)}')
