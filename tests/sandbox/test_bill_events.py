"""The BILL stand-in's events API: strict, signed, and as forgetful as the real one (sheet bill 5)."""

from __future__ import annotations

import collections
import json
import uuid
from datetime import timedelta

import pytest
from bill_client import refusal
from bill_events import compact, signed
from listening import Listener
from waiting import wait_until

from erp_sandbox import credentials
from erp_sandbox.bill.events import EventRules
from erp_sandbox.bill.rules import BillRules
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World

URL = "https://hooks.host.invalid/bill"
EVENTS = [{"type": "bill.created", "version": "1"}, {"type": "bill.updated", "version": "1"}]


class Api:
    """Calls of the events API with a session."""

    def __init__(self, box, client):
        self.base = box.bill_base_url.replace("/connect", "/connect-events")
        self.http = client.http
        self.session = client.headers

    def call(self, method, path, body=None, **headers):
        """One call."""
        given = {**self.session, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body is not None:
            return self.http.request(method, f"{self.base}{path}", json=body, headers=given)
        return self.http.request(method, f"{self.base}{path}", headers=given)

    def subscribe(self, url=URL, events=None, key=None, **fields):
        """Create a subscription."""
        body = {"name": "n", "status": {"enabled": True}, "events": events or EVENTS, "notificationUrl": url, **fields}
        return self.call("POST", "/v3/subscriptions", body, X_Idempotent_Key=key or str(uuid.uuid4()))


@pytest.fixture(scope="module")
def box():
    """A sandbox that tries again after hundredths of a second."""
    rules = BillRules(events=EventRules(time_scale=0.01))
    with Sandbox(World.plain(vendors=2, bills=4, lines=(1, 1)), rules=rules) as running:
        yield running


@pytest.fixture
def api(box, client):
    """The events API of an organization without subscriptions."""
    box.bill.events.subscriptions.clear()
    box.bill.events.history.clear()
    box.bill.rules.events.duplicates = box.bill.rules.events.shuffle = 0.0
    box.bill.rules.events.spelling = "compact"
    return Api(box, client(box))


def bill_of(box):
    """The id of a bill that can be edited."""
    return box.bill.bills()[0]["id"]


def test_the_catalog_names_what_there_is(api):
    """No payment.created, no bill.approved."""
    kinds = {each["type"] for each in api.call("GET", "/v3/events/catalog").json()}
    assert {"bill.created", "vendor.archived", "payment.updated"} <= kinds
    assert not {"payment.created", "bill.approved"} & kinds


def test_a_subscription_shows_its_key_once(api):
    """In the answer that makes it, with status 200, and never again."""
    answer = api.subscribe()
    assert answer.status_code == 200
    made = answer.json()
    assert made["securityKey"]
    assert "securityKey" not in api.call("GET", f"/v3/subscriptions/{made['id']}").json()
    assert "securityKey" not in api.call("GET", "/v3/subscriptions").json()["results"][0]


@pytest.mark.parametrize(
    "change",
    [
        {"notificationUrl": "http://hooks.host.invalid/bill"},
        {"events": []},
        {"events": [{"type": "bill.approved", "version": "1"}]},
        {"events": [{"type": "bill.created", "version": "2"}]},
        {"status": {"enabled": "yes"}},
        {"name": ""},
        {"surprise": 1},
    ],
    ids=["http", "no events", "unknown event", "unknown version", "status", "no name", "unknown field"],
)
def test_a_subscription_that_is_not_right_is_refused(api, change):
    """https, known events in known versions, nothing missing and nothing unknown."""
    body = {"name": "n", "status": {"enabled": True}, "events": EVENTS, "notificationUrl": URL, **change}
    assert api.call("POST", "/v3/subscriptions", body, X_Idempotent_Key=str(uuid.uuid4())).status_code == 400


@pytest.mark.parametrize("key", ["none", "1", "7d444840-9dc0-11d1-b245-5ffdce74fad2"])
def test_an_idempotent_key_is_demanded(api, key):
    """A UUID of version 4, for subscriptions and for keys."""
    made = api.subscribe().json()
    assert refusal(api.subscribe(url=f"{URL}/2", key=key)) == (400, "BDC_1119")
    path = f"/v3/subscriptions/{made['id']}/security_key"
    assert refusal(api.call("POST", path, X_Idempotent_Key=key)) == (400, "BDC_1119")


def test_the_answer_to_an_idempotent_key_is_repeated_for_a_day(api, box):
    """The same key again makes nothing new; after 24 hours it is forgotten."""
    key = str(uuid.uuid4())
    first = api.subscribe(key=key).json()
    assert api.subscribe(key=key).json() == first
    path = f"/v3/subscriptions/{first['id']}/security_key"
    key = str(uuid.uuid4())
    new = api.call("POST", path, X_Idempotent_Key=key).json()
    assert new["securityKey"] != first["securityKey"]
    assert api.call("POST", path, X_Idempotent_Key=key).json() == new
    box.clock.advance(timedelta(hours=25))
    assert api.call("POST", path, X_Idempotent_Key=key).json() != new


def test_there_are_no_duplicates_and_ten_at_most(api):
    """The same events to the same address twice are refused, and so is the eleventh."""
    assert api.subscribe().status_code == 200
    assert api.subscribe().status_code == 400
    for number in range(9):
        assert api.subscribe(url=f"{URL}/{number}").status_code == 200
    assert api.subscribe(url=f"{URL}/more").status_code == 400


def test_other_organizations_are_not_seen(api, box):
    """A subscription belongs to the organization of the session."""
    stranger = box.bill.events.subscribe("00801OTHER0000000001", "n", [("bill.created", "1")], URL)
    assert api.call("GET", f"/v3/subscriptions/{stranger.id}").status_code == 404
    assert api.call("DELETE", f"/v3/subscriptions/{stranger.id}").status_code == 404
    assert api.call("GET", "/v3/subscriptions").json()["results"] == []


def test_the_documented_spelling_of_other_pages_is_not_offered(api):
    """security-key is a 404, as is anything else that does not exist; no session is a 401."""
    made = api.subscribe().json()
    path = f"/v3/subscriptions/{made['id']}/security-key"
    assert refusal(api.call("POST", path, X_Idempotent_Key=str(uuid.uuid4()))) == (404, "BDC_1121")
    api.session = {**api.session, "sessionId": "none"}
    assert refusal(api.call("GET", "/v3/subscriptions")) == (401, "BDC_1109")


def test_a_change_is_sent_with_its_signature(api, box):
    """Over the raw body, with the subscription's key; the object, and no lines of it."""
    with Listener() as listener:
        made = api.subscribe(url=listener.url).json()
        edited = box.bill.edit_bill(bill_of(box), description="Größe")
        wait_until(lambda: listener.requests)
    _, given, body = listener.requests[0]
    assert given["x-bill-sha-signature"] == signed(made["securityKey"], body)
    said = json.loads(body)
    assert said["metadata"] | {"eventId": ""} == {
        "eventId": "",
        "subscriptionId": made["id"],
        "organizationId": credentials.BILL_ORGANIZATION_ID,
        "eventType": "bill.updated",
        "version": "1",
    }
    assert said["bill"]["updatedTime"] == edited["updatedTime"]
    assert "billLineItems" not in said["bill"]
    assert body == compact(said)


@pytest.mark.parametrize("spelling", ["pretty", "string"])
def test_other_spellings_are_signed_minified(api, box, spelling):
    """The switch for what the documents leave open: the signature is over the minified payload."""
    box.bill.rules.events.spelling = spelling
    with Listener() as listener:
        made = api.subscribe(url=listener.url).json()
        box.bill.edit_bill(bill_of(box), description="x")
        wait_until(lambda: listener.requests)
    _, given, body = listener.requests[0]
    inner = json.loads(body) if spelling == "string" else json.dumps(json.loads(body), separators=(",", ":"))
    assert given["x-bill-sha-signature"] == signed(made["securityKey"], inner.encode())


def test_what_is_sent_and_what_is_not(api, box):
    """Created, archived, restored, vendors if asked for; nothing when updatedTime stays, nothing for other kinds."""
    events = [{"type": f"bill.{what}", "version": "1"} for what in ("created", "updated", "archived", "restored")]
    with Listener() as listener:
        api.subscribe(url=listener.url, events=events)
        identifier = bill_of(box)
        known = box.bill.bill(identifier)
        box.bill.add_bill(
            known["vendorId"], [(5, known["billLineItems"][0]["classifications"]["chartOfAccountId"], None)]
        )
        box.bill.approve_bill(identifier, touch=False)
        box.bill.archive_bill(identifier)
        box.bill.restore_bill(identifier)
        box.bill.edit_vendor(known["vendorId"], phone="1")
        wait_until(lambda: len(listener.requests) == 3)
        wait_until(lambda: not box.bill.events.pending())
    kinds = collections.Counter(json.loads(body)["metadata"]["eventType"] for _, _, body in listener.requests)
    assert kinds == {"bill.created": 1, "bill.archived": 1, "bill.restored": 1}


def test_a_receiver_that_fails_is_tried_four_times_more_and_then_switched_off(api, box):
    """202 is a failure too; while it is off nothing is sent, and nothing is noted."""
    with Listener() as listener:
        listener.answers = [202, 500, 404, 301, 503, 200]
        made = api.subscribe(url=listener.url).json()
        box.bill.edit_bill(bill_of(box), description="a")
        wait_until(lambda: not box.bill.events.subscriptions[made["id"]].enabled)
        assert len(listener.requests) == 5
        assert len({body for _, _, body in listener.requests}) == 1
        box.bill.edit_bill(bill_of(box), description="b")
        history = api.call("GET", f"/v3/events/subscription/{made['id']}").json()["results"]
        assert [row["statusCode"] for row in history] == [503]
        api.call("PATCH", f"/v3/subscriptions/{made['id']}", {"status": {"enabled": True}})
        box.bill.edit_bill(bill_of(box), description="c")
        wait_until(lambda: len(listener.requests) == 6)


def test_a_failed_try_is_made_good_by_the_next(api, box):
    """One failure switches nothing off."""
    with Listener() as listener:
        listener.answers = [500]
        made = api.subscribe(url=listener.url).json()
        box.bill.edit_bill(bill_of(box), description="a")
        wait_until(lambda: len(listener.requests) == 2)
        wait_until(lambda: not box.bill.events.pending())
        history = api.call("GET", f"/v3/events/subscription/{made['id']}").json()["results"]
    assert [row["statusCode"] for row in history] == [200]
    assert box.bill.events.subscriptions[made["id"]].enabled


def test_the_history_is_paged_filtered_and_sent_again(api, box):
    """By time and by object; forward only; a resend is the same event."""
    with Listener() as listener:
        made = api.subscribe(url=listener.url).json()
        one, two = [each["id"] for each in box.bill.bills()[:2]]
        for identifier in (one, two, one):
            box.bill.edit_bill(identifier, description=str(uuid.uuid4()))
        wait_until(lambda: len(listener.requests) == 3)
        path = f"/v3/events/subscription/{made['id']}"
        first = api.call("GET", f"{path}?max=2").json()
        second = api.call("GET", f"{path}?max=2&page={first['nextPage']}").json()
        assert [len(page["results"]) for page in (first, second)] == [2, 1]
        assert "nextPage" not in second
        assert len(api.call("GET", f"{path}?entityId={one}").json()["results"]) == 2
        assert api.call("GET", f"{path}?createdTimeFrom=2999-01-01").json()["results"] == []
        assert refusal(api.call("GET", f"{path}?max=101"))[0] == 400
        assert refusal(api.call("GET", f"{path}?prev=1"))[0] == 400
        again = api.call("POST", f"{path}/event/{first['results'][0]['id']}").json()
        assert again["statusCode"] == 200
        assert listener.requests[-1][2].decode() == again["payload"] == first["results"][0]["payload"]


def test_a_test_notification_has_dummy_values(api):
    """Sent at once, with what was asked for in it."""
    with Listener() as listener:
        made = api.subscribe(url=listener.url).json()
        body = {"eventType": "bill.created", "version": "1", "bill": {"id": "test-bill-id", "amount": 100}}
        said = api.call("POST", f"/v3/subscriptions/{made['id']}/test", body).json()
        assert said["statusCode"] == 200
        assert json.loads(listener.requests[0][2])["bill"]["id"] == "test-bill-id"
        assert api.call("POST", f"/v3/subscriptions/{made['id']}/test").status_code == 200


def test_duplicates_and_detours_can_be_had(api, box):
    """Everything twice and in any order, on request."""
    box.bill.rules.events.duplicates, box.bill.rules.events.shuffle = 1.0, 0.05
    with Listener() as listener:
        api.subscribe(url=listener.url)
        for number in range(5):
            box.bill.edit_bill(bill_of(box), description=str(number))
        wait_until(lambda: len(listener.requests) == 10)
    ids = collections.Counter(json.loads(body)["metadata"]["eventId"] for _, _, body in listener.requests)
    assert list(ids.values()) == [2] * 5


def test_nothing_ever_leaves_this_machine(api, box):
    """A subscription to another host is taken, and its notifications fail without a connection."""
    made = api.subscribe().json()
    said = api.call("POST", f"/v3/subscriptions/{made['id']}/test").json()
    assert said["statusCode"] == 0
