"""Things that go wrong on demand, seen from the caller's end of the socket."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from bill_client import USER, refusal

from erp_sandbox.bill.rules import BillRules
from erp_sandbox.faults import KINDS, ConnectionCutError, Faults, Rate, parse_rates


def meet(faults, system="bill", *, write=False):
    """What one call meets: a signal, "cut", or None."""

    async def call():
        try:
            signal = await faults.before({}, system, write=write)
            await faults.after({}, system, write=write)
        except ConnectionCutError:
            return "cut"
        return signal

    return asyncio.run(call())


# Over the socket


def test_a_call_dropped_before_is_not_processed(sandbox, client):
    """The connection ends without an answer and no session was opened."""
    box = sandbox()
    one = client(box, login=False)
    box.faults.next("bill", "drop_before")
    with pytest.raises(httpx.RemoteProtocolError):
        one.http.post("/v3/login", json=USER)
    assert box.bill.sessions.logins == 0
    one.log_in()
    assert box.stats.as_json()["bill"]["statuses"] == {"0": 1, "200": 1}


def test_a_call_dropped_after_is_processed(sandbox, client):
    """The connection ends without an answer although the session was opened."""
    box = sandbox()
    box.faults.next("bill", "drop_after")
    with pytest.raises(httpx.RemoteProtocolError):
        client(box, login=False).http.post("/v3/login", json=USER)
    assert box.bill.sessions.logins == 1


@pytest.mark.parametrize("status", [422, 429])
def test_throttling_speaks_bills_own_words(sandbox, client, status):
    """BDC_1322 with the status the rules name."""
    box = sandbox(rules=BillRules(rate_limit_status=status))
    one = client(box)
    box.faults.next("bill", "throttle")
    assert refusal(one.get("/v3/bills")) == (status, "BDC_1322")
    assert one.get("/v3/bills").status_code == 200


def test_a_server_error_comes_in_three_forms(sandbox, client):
    """BILL's error array, a gateway's HTML, and nothing at all, in turn (sheet bill 7)."""
    box = sandbox()
    one = client(box)
    box.faults.next("bill", "error_500", count=4)
    answers = [one.get("/v3/bills") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [500, 502, 503, 500, 200]
    assert refusal(answers[0]) == (500, "BDC_1001")
    assert answers[1].headers["content-type"].startswith("text/html")
    assert answers[2].content == b""


def test_an_expired_session_stays_expired(sandbox, client):
    """The call answers BDC_1109 and only a new login helps."""
    box = sandbox()
    one = client(box)
    box.faults.next("bill", "expire_session")
    assert [refusal(one.get("/v3/bills")) for _ in range(2)] == [(401, "BDC_1109")] * 2
    one.log_in()
    assert one.get("/v3/bills").status_code == 200


def test_a_slow_call_is_answered_late_but_right(sandbox, client):
    """A caller with less patience times out, another one does not."""
    box = sandbox(faults=Faults(slow_seconds=0.5))
    one = client(box)
    box.faults.next("bill", "slow", count=2)
    with pytest.raises(httpx.ReadTimeout):
        one.http.get("/v3/bills", headers=one.headers, timeout=0.1)
    assert one.get("/v3/bills").status_code == 200
    assert box.faults.happened() == {"bill.slow": 2}


def test_faults_can_be_changed_over_http(sandbox, client):
    """The control address sets rates, scripts single faults and clears both; nonsense is a 400."""
    box = sandbox()
    one = client(box)
    wishes = [{"kind": "throttle", "rate": 1, "system": "bill"}]
    assert httpx.post(f"{box.url}/_sandbox/faults", json=wishes).json() == [
        {"kind": "throttle", "rate": 1.0, "system": "bill", "side": "both"}
    ]
    assert one.get("/v3/bills").status_code == 429
    assert httpx.post(f"{box.url}/_sandbox/faults", json={"clear": True}).json() == []
    httpx.post(f"{box.url}/_sandbox/faults", json={"kind": "error_500", "system": "bill", "next": 1})
    assert [one.get("/v3/bills").status_code for _ in range(2)] == [500, 200]
    for nonsense in (
        {},
        {"kind": "earthquake", "rate": 1},
        {"kind": "slow", "rate": 2},
        {"kind": "slow", "next": 1},
    ):
        answer = httpx.post(f"{box.url}/_sandbox/faults", json=nonsense)
        assert (answer.status_code, "error" in answer.json()) == (400, True)


# The choice of calls


@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_of_one_meets_every_call_and_of_zero_none(kind):
    """Rates bound what happens."""
    faults = Faults(slow_seconds=0, **{kind: 1.0})
    for _ in range(10):
        meet(faults)
    faults.set(kind, 0)
    meet(faults)
    assert faults.happened() == {f"bill.{kind}": 10}


def test_a_rate_between_is_kept_in_the_long_run_and_repeatable():
    """About a third of the calls, and the same ones for the same seed."""
    met = [[meet(faults) for _ in range(600)] for faults in (Faults(throttle=0.33), Faults(throttle=0.33))]
    assert met[0] == met[1]
    assert 150 < met[0].count("throttle") < 250


@pytest.mark.parametrize(
    ("system", "side", "meets"),
    [
        (None, "both", {("bill", False), ("bill", True), ("workday", False), ("workday", True)}),
        ("bill", "both", {("bill", False), ("bill", True)}),
        (None, "writes", {("bill", True), ("workday", True)}),
        ("workday", "reads", {("workday", False)}),
    ],
)
def test_a_fault_keeps_to_its_system_and_side(system, side, meets):
    """Reads and writes of either system can be spared."""
    faults = Faults()
    faults.set("throttle", 1, system=system, side=side)
    calls = {(name, write) for name in ("bill", "workday") for write in (False, True)}
    assert {call for call in calls if meet(faults, call[0], write=call[1])} == meets


def test_a_scripted_fault_happens_as_often_as_told():
    """The next two writes to Workday, and nothing before, between or after."""
    faults = Faults()
    faults.next("workday", "drop_after", 2, side="writes")
    calls = [("bill", True), ("workday", False), ("workday", True), ("workday", False), ("workday", True)]
    met = [meet(faults, system, write=write) for system, write in [*calls, ("workday", True)]]
    assert met == [None, None, "cut", None, "cut", None]


@pytest.mark.parametrize(
    ("word", "rate"),
    [
        ("throttle=0.1", Rate("throttle", 0.1)),
        ("bill.slow=1", Rate("slow", 1.0, "bill")),
        ("workday.drop_after.writes=0.05", Rate("drop_after", 0.05, "workday", "writes")),
    ],
)
def test_rates_are_read_as_people_write_them(word, rate):
    """System and side may be named before and after the kind."""
    assert parse_rates([word]) == [rate]


@pytest.mark.parametrize("word", ["throttle", "earthquake=1", "coupa.slow=1", "slow=often", "slow.throttle=1"])
def test_a_rate_that_makes_no_sense_is_named(word):
    """The message quotes what was written."""
    with pytest.raises(ValueError, match=f'"{word}"'):
        parse_rates([word])


@pytest.mark.parametrize(("kind", "rate", "side"), [("slow", 1.1, "both"), ("slow", -1, "both"), ("slow", 1, "left")])
def test_an_impossible_rate_is_refused(kind, rate, side):
    """A rate lies between 0 and 1, and there are two sides."""
    with pytest.raises(ValueError, match=r"rate|side"):
        Faults().set(kind, rate, side=side)
