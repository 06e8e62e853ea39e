"""How much the stand-in takes, and what goes wrong on demand (sheet 6, 7)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from central_client import refused, told

from erp_sandbox.business_central.behaviour import Behaviour
from erp_sandbox.business_central.errors import BusinessCentralRefusalError
from erp_sandbox.business_central.limits import Limits
from erp_sandbox.clock import Clock


def test_the_window_of_calls_slides(box, central):
    """6000 in five minutes there, four here, of which the list of companies was one; operations of a batch count."""
    box.business_central.behaviour.requests_per_window = 4
    for _ in range(3):
        told(central.get("accounts"), 200)
    refused(central.get("accounts"), 429, "TooManyRequests")
    box.clock.advance(timedelta(minutes=5, seconds=1))
    assert len(central.batch(*[("GET", "accounts", None)] * 3)) == 3
    told(central.get("accounts"), 200)
    refused(central.get("accounts"), 429, "TooManyRequests")


async def inside(limits, began, leave):
    """One call that takes its place, tells so, and keeps it until it may leave."""
    async with limits.place():
        began.append(1)
        await leave.wait()


@pytest.mark.parametrize(("concurrency", "queue"), [(1, 0), (1, 1), (5, 95)])
def test_a_few_calls_are_answered_at_once_others_wait_and_the_rest_is_refused(concurrency, queue):
    """A place that is free again goes to whoever waited longest."""

    async def play():
        limits = Limits(Behaviour(concurrency=concurrency, queue=queue), Clock())
        began, leave = [], asyncio.Event()
        calls = [asyncio.create_task(inside(limits, began, leave)) for _ in range(concurrency + queue)]
        await asyncio.sleep(0)
        assert len(began) == concurrency
        with pytest.raises(BusinessCentralRefusalError, match="429"):
            await inside(limits, began, leave)
        leave.set()
        await asyncio.gather(*calls)
        assert len(began) == limits.most_at_once == concurrency + queue
        await inside(limits, began, leave)

    asyncio.run(play())


def test_a_call_that_gives_up_waiting_leaves_no_gap():
    """The next one is let in."""

    async def play():
        limits = Limits(Behaviour(concurrency=1, queue=2), Clock())
        began, leave = [], asyncio.Event()
        first, second, third = (asyncio.create_task(inside(limits, began, leave)) for _ in range(3))
        await asyncio.sleep(0)
        second.cancel()
        leave.set()
        await asyncio.gather(first, third)
        assert len(began) == 2
        await inside(limits, began, leave)

    asyncio.run(play())


def test_throttling_looks_different_from_time_to_time(box, central):
    """429 says nothing about when, 503 does."""
    box.faults.next("business_central", "throttle", 3)
    answers = [central.get("accounts") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 503]
    assert [answer.headers.get("Retry-After") for answer in answers] == [None, None, "1"]


def test_each_kind_of_breakdown_comes_in_turn(box, central):
    """The service's own JSON, a gateway's HTML, nothing."""
    box.faults.next("business_central", "error_500", 4)
    answers = [central.get("accounts") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [500, 502, 503, 504]
    assert answers[0].json()["error"]["code"] == "Internal_ServerError"
    assert "html" in answers[1].headers["content-type"]


@pytest.mark.parametrize(("kind", "kept"), [("drop_before", 0), ("drop_after", 1)])
def test_a_cut_connection_leaves_the_caller_of_a_write_in_doubt(box, central, kind, kept):
    """Before anything happened, or when everything was done."""
    box.faults.next("business_central", kind, side="writes")
    with pytest.raises(httpx.TransportError):
        central.post("vendors", {"number": "DOUBT", "displayName": "x"})
    assert len(central.rows("vendors", filter="number eq 'DOUBT'")) == kept


def test_posting_is_done_even_if_nobody_hears_of_it(box, central):
    """The draft has its posted number afterwards."""
    draft = central.draft()
    box.faults.next("business_central", "drop_after", side="writes")
    with pytest.raises(httpx.TransportError):
        central.act(f"purchaseInvoices({draft['id']})")
    assert told(central.get(f"purchaseInvoices({draft['id']})"), 200)["status"] == "Open"


@pytest.mark.parametrize("status", [408, 504])
def test_a_page_that_is_too_big_runs_out_of_time(box, central, status):
    """Smaller ones do not (sheet 6)."""
    box.business_central.behaviour.slow_page_rows = 10
    box.business_central.behaviour.slow_page_status = status
    assert central.get("vendors").status_code == status
    assert len(central.rows("vendors", page=10)) == 23


def test_calls_are_counted_by_what_they_ask(box, central):
    """Without ids and companies; tokens as well."""
    central.draft()
    endpoints = box.stats.as_json()["business_central"]["endpoints"]
    assert endpoints["POST token"] == 1
    assert endpoints["POST purchaseInvoices"] == 1
    assert box.stats.calls("business_central", "GET purchaseInvoices") == 1
    assert box.stats.calls("business_central", "GET companies") == 1


@pytest.mark.parametrize(("method", "path"), [("PUT", "vendors"), ("PATCH", "vendors"), ("DELETE", "vendors")])
def test_a_verb_without_a_meaning_is_not_allowed(central, method, path):
    """405, not 404."""
    answer = central.http.request(method, central.url(path), json={})
    refused(answer, 405, "BadRequest_MethodNotAllowed")
