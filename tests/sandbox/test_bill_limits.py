"""How much the BILL stand-in takes at once and per hour (sheet bill 6)."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from bill_client import refusal
from waiting import wait_until

from erp_sandbox import credentials
from erp_sandbox.bill.rules import BillRules
from erp_sandbox.clock import Clock
from erp_sandbox.faults import Latency
from erp_sandbox.world import World


def call_together(box, calls, *, inside):
    """The answers of calls made at the same time: all that are let in stay until ``inside`` are, and others refused."""
    entered, leave = [], threading.Event()

    async def stay(_latency):
        entered.append(1)
        await asyncio.to_thread(leave.wait)

    with mock.patch.object(Latency, "pause", stay), ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(call) for call in calls]
        try:
            wait_until(lambda: len(entered) == inside and len(calls) - inside == sum(each.done() for each in futures))
        finally:
            leave.set()
        return [future.result() for future in futures]


@pytest.mark.parametrize("status", [422, 429])
def test_a_fourth_call_at_once_is_refused(sandbox, client, status):
    """Three are answered, the others get BDC_1322 with the status the rules name."""
    box = sandbox(rules=BillRules(rate_limit_status=status))
    one = client(box)
    answers = call_together(box, [lambda: one.get("/v3/bills")] * 5, inside=3)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, status, status]
    assert {refusal(answer)[1] for answer in answers if answer.status_code != 200} == {"BDC_1322"}
    assert box.bill.limits.most_in_flight == 3


def test_two_sessions_of_an_organization_share_its_places(sandbox, client):
    """Logging in again does not buy more calls at once."""
    box = sandbox()
    users = [client(box), client(box)]
    answers = call_together(box, [lambda one=one: one.get("/v3/bills") for one in users * 2], inside=3)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429]


def test_another_organization_has_places_of_its_own(sandbox, client):
    """The limit counts per developer key and organization."""
    other = World.plain(2, vendors=1, bills=1, organization_id=credentials.BILL_OTHER_ORGANIZATION_ID)
    box = sandbox(other_organizations=[other])
    users = [client(box), client(box, organizationId=other.organization_id)]
    answers = call_together(box, [lambda one=one: one.get("/v3/bills") for one in users * 3], inside=6)
    assert {answer.status_code for answer in answers} == {200}


def test_the_hourly_quota_ends_with_the_clock_hour(sandbox, client):
    """BDC_1144 until the hour turns, for all organizations of the key together."""
    clock = Clock(datetime(2026, 11, 20, 10, 59, tzinfo=UTC))
    one = client(sandbox(clock=clock, rules=BillRules(calls_per_hour=2)))
    answers = [one.get("/v3/bills") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert refusal(answers[2]) == (429, "BDC_1144")
    assert "retry-after" not in answers[2].headers
    clock.advance(timedelta(minutes=1))
    assert one.get("/v3/bills").status_code == 200


def test_calls_in_flight_overlap(sandbox, client):
    """Three calls are in flight together, as the counts show."""
    box = sandbox()
    one = client(box)
    call_together(box, [lambda: one.get("/v3/bills")] * 3, inside=3)
    assert box.stats.max_concurrency("bill") == 3
    assert box.stats.calls("bill", "GET /v3/bills") == 3
