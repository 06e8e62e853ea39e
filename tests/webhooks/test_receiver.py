"""Answering: in time, durable first, and with nothing but a status."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from bill_events import ORGANIZATION, compact, headers, payload
from rooms import bell, event, states

from ml_connector.errors import VaultMissing
from ml_connector.webhooks.receiver import Limits, receiver
from ml_connector.webhooks.store import EventStore

KEY = "key"
GOOD = compact(payload())


def calling(app, *requests):
    """Send (body, headers) each, one after the other; return the answers."""

    async def send():
        transport = httpx.ASGITransport(app=app, client=("10.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver.invalid") as http:
            return [await http.post("/webhooks/bill", content=body, headers=given) for body, given in requests]

    return asyncio.run(send())


def application(keep=None, *, door=None, **limits):
    """Return the application with one door; what it keeps goes into a list by default."""

    async def keep_nothing(events):
        del events

    chosen = door or bell(KEY, organization=ORGANIZATION)
    return receiver([(chosen, keep or keep_nothing)], healthy=lambda: True, limits=Limits(**limits))


def test_an_event_is_answered_when_it_is_durable(ledger):
    """Not before: what is kept is on disk when the answer leaves."""
    store = EventStore(ledger, lambda _: ("pipe",))
    body = compact(payload(event_id="e-1"))
    (answer,) = calling(application(store.keep), (body, headers(KEY, body)))
    assert (answer.status_code, answer.content) == (200, b"")
    assert states(ledger) == {"e-1": "open"}


def test_what_cannot_be_kept_is_not_acknowledged():
    """The system sends it again."""

    async def full(events):
        raise RuntimeError("the disk is full")

    (answer,) = calling(application(full), (GOOD, headers(KEY, GOOD)))
    assert (answer.status_code, answer.content) == (503, b"")


def test_what_cannot_be_kept_in_time_is_not_acknowledged(monkeypatch):
    """The answer leaves before the system's patience ends, whatever the ledger does."""

    async def slow(events):
        await asyncio.sleep(30)

    door = bell(KEY, organization=ORGANIZATION)
    monkeypatch.setattr(type(door), "answer_within", 2.05)
    (answer,) = calling(application(slow, door=door), (GOOD, headers(KEY, GOOD)))
    assert answer.status_code == 503


def test_a_vault_that_cannot_be_opened_is_our_fault(monkeypatch):
    """503, so that the system tries again; never 401, and no detail."""
    door = bell(KEY, organization=ORGANIZATION)

    def broken():
        raise VaultMissing("there is no vault at a secret place.", "Make one.")

    monkeypatch.setattr(door._keys, "current", broken)
    (answer,) = calling(application(door=door), (GOOD, headers(KEY, GOOD)))
    assert (answer.status_code, answer.content) == (503, b"")


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_beyond_the_limit_is_refused(announced):
    """Whether its length is announced or it just does not end."""

    async def endless():
        for _ in range(1000):
            yield b"x" * 1000

    body = b"x" * 1_000_000 if announced else endless()
    (answer,) = calling(application(), (body, {}))
    assert answer.status_code == 413


def test_a_body_that_takes_too_long_is_refused():
    """Nobody holds a place by sending a byte now and then."""

    async def slow():
        yield b"{"
        await asyncio.sleep(30)

    (answer,) = calling(application(body_seconds=0.05), (slow(), {}))
    assert answer.status_code == 408


def test_an_address_that_is_refused_too_often_gets_429():
    """And whoever signs correctly is let in even from there."""
    answers = calling(
        application(refusals_per_minute=3), *[(GOOD, headers("wrong", GOOD))] * 5, (GOOD, headers(KEY, GOOD))
    )
    assert [each.status_code for each in answers] == [401, 401, 401, 429, 429, 200]


@pytest.mark.parametrize("spelling", ["raw", "pretty", "string"])
def test_who_signs_is_let_in_however_many_were_refused_at_the_address(spelling):
    """The limit comes after verification by all documented ways, also of the minified payload and of a string."""
    body = {
        "raw": GOOD,
        "pretty": json.dumps(json.loads(GOOD), indent=2).encode(),
        "string": json.dumps(GOOD.decode()).encode(),
    }[spelling]
    forged = [(body, headers("wrong", GOOD))] * 8
    answers = calling(application(refusals_per_minute=3), *forged, (body, headers(KEY, GOOD)), *forged)
    assert [each.status_code for each in answers] == [401] * 3 + [429] * 5 + [200] + [429] * 8


def test_health_tells_whether_things_go_on():
    """200 or 503 for a load balancer, and no detail."""
    well = [True, False]
    app = receiver([], healthy=lambda: well.pop(0))

    async def ask():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver.invalid") as http:
            return [await http.get("/health") for _ in range(2)]

    answers = asyncio.run(ask())
    assert [(each.status_code, each.json()) for each in answers] == [
        (200, {"status": "ok"}),
        (503, {"status": "failing"}),
    ]


def test_events_that_arrive_together_share_a_transaction(ledger, monkeypatch):
    """A thousand at once are a few transactions, and each waits for its own to be durable."""
    submitted = []
    submit = ledger.submit
    monkeypatch.setattr(ledger, "submit", lambda work: submitted.append(work) or submit(work))

    async def many():
        store = EventStore(ledger, lambda _: ("pipe",))
        await asyncio.gather(*(store.keep([event(number)]) for number in range(1000)))

    asyncio.run(many())
    assert len(states(ledger)) == 1000
    assert len(submitted) <= 5
