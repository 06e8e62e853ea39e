"""How much the BILL stand-in takes at once and per hour (sheet bill 6)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from bill_client import refusal

from erp_sandbox import credentials
from erp_sandbox.bill.rules import BillRules
from erp_sandbox.clock import Clock
from erp_sandbox.world import World


def call_together(calls):
    """The answers of calls made at the same time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


@pytest.mark.parametrize("status", [422, 429])
def test_a_fourth_call_at_once_is_refused(sandbox, client, status):
    """Three are answered, the others get BDC_1322 with the status the rules name."""
    box = sandbox(latency=0.3, rules=BillRules(rate_limit_status=status))
    one = client(box)
    answers = call_together([lambda: one.get("/v3/bills")] * 5)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, status, status]
    assert {refusal(answer)[1] for answer in answers if answer.status_code != 200} == {"BDC_1322"}
    assert box.bill.limits.most_in_flight == 3


def test_two_sessions_of_an_organization_share_its_places(sandbox, client):
    """Logging in again does not buy more calls at once."""
    box = sandbox(latency=0.3)
    users = [client(box), client(box)]
    answers = call_together([lambda one=one: one.get("/v3/bills") for one in users * 2])
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429]


def test_another_organization_has_places_of_its_own(sandbox, client):
    """The limit counts per developer key and organization."""
    other = World.plain(2, vendors=1, bills=1, organization_id=credentials.BILL_OTHER_ORGANIZATION_ID)
    box = sandbox(latency=0.3, other_organizations=[other])
    users = [client(box), client(box, organizationId=other.organization_id)]
    answers = call_together([lambda one=one: one.get("/v3/bills") for one in users * 3])
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


def test_latency_of_calls_in_flight_overlaps(sandbox, client):
    """Three calls are in flight together, as the counts show."""
    box = sandbox(latency=0.2)
    one = client(box)
    call_together([lambda: one.get("/v3/bills")] * 3)
    assert box.stats.max_concurrency("bill") == 3
    assert box.stats.calls("bill", "GET /v3/bills") == 3
