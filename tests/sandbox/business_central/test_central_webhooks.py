"""Subscriptions and notifications (sheet 5)."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from central_client import line, moment, refused, told
from waiting import PATIENCE, wait_until


class Receiver:
    """A receiver of notifications: answers handshakes, keeps bodies, answers with the statuses it is told."""

    def __init__(self):
        self.bodies = []
        self.handshakes = 0
        self.shakes_hands = True
        self.statuses = []
        self.arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.take(self)

            def log_message(self, *_arguments):
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/bc/secret"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def take(self, handler):
        """Answer one call."""
        token = parse_qs(urlsplit(handler.path).query).get("validationToken")
        content = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        status, answer = 200, b""
        with self.arrived:
            if token:
                self.handshakes += 1
                answer = token[0].encode() if self.shakes_hands else b"no"
            else:
                status = self.statuses.pop(0) if self.statuses else 202
                self.bodies.append((status, json.loads(content)["value"]))
                self.arrived.notify_all()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)

    def wait(self, count=1):
        """All items of the calls so far, once there are so many calls."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.bodies) >= count, timeout=PATIENCE), self.bodies
            return [item for _, items in self.bodies for item in items]

    def close(self):
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver(box):
    """A receiver that is told at once."""
    box.business_central.behaviour.notification_delay = 0.0
    box.business_central.behaviour.notification_retry_seconds = (0.0, 0.0)
    one = Receiver()
    yield one
    one.close()


def subscribe(central, receiver, name="vendors", **fields):
    """Subscribe to a set of the company."""
    body = {
        "notificationUrl": receiver.url,
        "resource": f"/api/v2.0/companies({central.company})/{name}",
        "clientState": "state-of-ours",
        **fields,
    }
    return central.http.post(f"{central.root}/subscriptions", json={key: value for key, value in body.items() if value})


def at(central, subscription):
    """The address of a subscription."""
    return f"{central.root}/subscriptions('{subscription['subscriptionId']}')"


def test_a_subscription_is_made_after_a_handshake(box, central, receiver):
    """201, three days long, listed, found by its id."""
    answer = subscribe(central, receiver)
    made = told(answer, 201)
    assert receiver.handshakes == 1
    assert answer.headers["Location"] == at(central, made)
    ends = box.business_central.clock.now() + timedelta(days=3)
    assert made["expirationDateTime"][:16] == ends.isoformat()[:16]
    assert told(central.get_root("subscriptions"), 200)["value"][0]["subscriptionId"] == made["subscriptionId"]
    assert told(central.http.get(at(central, made)), 200)["clientState"] == "state-of-ours"


def test_without_the_handshake_there_is_no_subscription(central, receiver):
    """A receiver that answers something else, or none at all."""
    receiver.shakes_hands = False
    refused(subscribe(central, receiver), 400, "BadRequest")
    refused(subscribe(central, receiver, notificationUrl="http://127.0.0.1:9/nobody"), 400, "BadRequest")
    assert central.get_root("subscriptions").json()["value"] == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"resource": "/api/v2.0/companies(11111111-2222-4333-8444-555555555555)/vendors"}, "BadRequest"),
        ({"resource": "vendors"}, "BadRequest"),
        ({"resource": None}, "BadRequest"),
        ({"notificationUrl": "https://hooks.example.invalid/x"}, "BadRequest"),
        ({"clientState": "x" * 2049}, "Application_StringExceededLength"),
        ({"expirationDateTime": "2030-01-01T00:00:00Z"}, "BadRequest"),
    ],
)
def test_a_bad_subscription_is_refused(central, receiver, fields, code):
    """Unknown company, no resource, a foreign host, a property of the answer."""
    refused(subscribe(central, receiver, **fields), 400, code)


@pytest.mark.parametrize(
    "name", ["vendorPayments", "vendorPaymentJournals", "purchaseOrders", "purchaseCreditMemos", "dimensionValues"]
)
def test_not_every_set_can_be_subscribed_to(central, receiver, name):
    """The service lists the others."""
    refused(subscribe(central, receiver, name), 400, "BadRequest")
    root = central.root.replace("/api/v2.0", "/api/microsoft/runtime/beta")
    rows = told(central.http.get(f"{root}/companies({central.company})/webhookSupportedResources"), 200)["value"]
    assert {row["resource"].rpartition("/")[2] for row in rows} >= {"vendors", "purchaseInvoices", "journals"}
    assert not any(row["resource"].endswith(f"/{name}") for row in rows)


def test_a_second_subscription_to_the_same_is_refused(central, receiver):
    """By the same receiver."""
    told(subscribe(central, receiver), 201)
    refused(subscribe(central, receiver), 400, "Internal_EntityWithSameKeyExists")
    told(subscribe(central, receiver, "purchaseInvoices"), 201)


def test_an_environment_has_a_limit_of_subscriptions(box, central, receiver):
    """200 there, one here."""
    box.business_central.behaviour.subscriptions = 1
    told(subscribe(central, receiver), 201)
    refused(subscribe(central, receiver, "accounts"), 400, "Application_DialogException")


def test_a_subscription_is_renewed_with_its_etag_and_another_handshake(box, central, receiver):
    """Else it ends after three days."""
    made = told(subscribe(central, receiver), 201)
    body = {name: made[name] for name in ("notificationUrl", "resource", "clientState")}
    refused(central.http.patch(at(central, made), json=body), 400, "BadRequest_InvalidToken")
    box.clock.advance(timedelta(days=2))
    central.renew()
    renewed = told(central.http.patch(at(central, made), json=body, headers={"If-Match": made["@odata.etag"]}), 200)
    assert moment(renewed, "expirationDateTime") > moment(made, "expirationDateTime")
    assert receiver.handshakes == 2
    stale = central.http.patch(at(central, made), json=body, headers={"If-Match": made["@odata.etag"]})
    refused(stale, 409, "Request_EntityChanged")
    box.clock.advance(timedelta(days=4))
    central.renew()
    refused(central.http.get(at(central, made)), 404, "Internal_RecordNotFound")


def test_a_subscription_is_deleted(central, receiver):
    """With an etag; nothing is told afterwards."""
    made = told(subscribe(central, receiver), 201)
    refused(central.http.delete(at(central, made)), 400, "BadRequest_InvalidToken")
    told(central.http.delete(at(central, made), headers={"If-Match": "*"}), 204)
    assert central.get_root("subscriptions").json()["value"] == []


def test_a_change_is_told_without_its_content(central, receiver):
    """Who, what and when; the resource names the record, without a slash in front here."""
    made = told(subscribe(central, receiver), 201)
    vendor = told(central.post("vendors", {"displayName": "Told"}), 201)
    (item,) = receiver.wait()
    assert set(item) == {
        "subscriptionId",
        "clientState",
        "expirationDateTime",
        "resource",
        "changeType",
        "lastModifiedDateTime",
    }
    assert (item["subscriptionId"], item["clientState"], item["changeType"]) == (
        made["subscriptionId"],
        "state-of-ours",
        "created",
    )
    assert item["resource"] == f"api/v2.0/companies({central.company})/vendors({vendor['id']})"


def test_a_changed_line_is_told_of_its_header(central, receiver):
    """One item, however many rows moved."""
    draft = central.draft()
    told(subscribe(central, receiver, "purchaseInvoices"), 201)
    told(central.post(f"purchaseInvoices({draft['id']})/purchaseInvoiceLines", line(5)), 201)
    assert {(item["resource"].rpartition("(")[2], item["changeType"]) for item in receiver.wait()} == {
        (f"{draft['id']})", "updated")
    }


def test_what_was_undone_is_not_told(central, receiver):
    """A refused write, and one of a batch that was rolled back."""
    told(subscribe(central, receiver), 201)
    refused(central.post("vendors", {"displayName": "x" * 101}), 400, "Application_StringExceededLength")
    central.batch(("POST", "vendors", {"number": "UNDONE"}), ("POST", "vendors", {"colour": "x"}), Isolation="snapshot")
    vendor = told(central.post("vendors", {"displayName": "Kept"}), 201)
    assert [item["resource"][-37:-1] for item in receiver.wait()] == [vendor["id"]]


def test_changes_are_gathered_into_one_call(box, central, receiver):
    """Of all subscriptions of a receiver; what came and went is not told at all."""
    box.business_central.behaviour.notification_delay = 0.4
    for name in ("vendors", "accounts"):
        told(subscribe(central, receiver, name), 201)
    box.business_central.edit("accounts", central.account(), displayName="Renamed")
    kept = told(central.post("vendors", {"displayName": "Kept"}), 201)
    told(central.patch(f"vendors({kept['id']})", {"city": "Here"}), 200)
    gone = told(central.post("vendors", {"displayName": "Gone"}), 201)
    told(central.delete(f"vendors({gone['id']})"), 204)
    items = receiver.wait()
    assert len(receiver.bodies) == 1
    assert sorted((item["resource"].rpartition("/")[2].partition("(")[0], item["changeType"]) for item in items) == [
        ("accounts", "updated"),
        ("vendors", "created"),
    ]


def test_many_changes_become_one_of_the_collection(box, central, receiver):
    """With a filter in its resource."""
    box.business_central.behaviour.collection_from = 5
    told(subscribe(central, receiver), 201)
    box.business_central.add_vendors(6)
    (item,) = receiver.wait()
    assert item["changeType"] == "collection"
    assert "/vendors?$filter=lastModifiedDateTime%20gt%20" in item["resource"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_receiver_in_trouble_is_told_again(central, receiver, status):
    """The same, a while later."""
    told(subscribe(central, receiver), 201)
    receiver.statuses = [status]
    told(central.post("vendors", {"displayName": "Told twice"}), 201)
    first, second = receiver.wait(2)
    assert first["resource"] == second["resource"]
    assert len(central.get_root("subscriptions").json()["value"]) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410])
def test_any_other_answer_ends_the_subscription_at_once(central, receiver, status):
    """Nobody is told (sheet 5)."""
    told(subscribe(central, receiver), 201)
    receiver.statuses = [status]
    told(central.post("vendors", {"displayName": "The last"}), 201)
    receiver.wait()
    wait_until(lambda: not central.get_root("subscriptions").json()["value"])


def test_a_receiver_that_stays_in_trouble_is_given_up(box, central, receiver):
    """After the last attempt; the subscription lives on, the next change is told."""
    told(subscribe(central, receiver), 201)
    receiver.statuses = [500, 500, 500]
    told(central.post("vendors", {"displayName": "Lost"}), 201)
    receiver.wait(3)
    told(central.post("vendors", {"displayName": "Told"}), 201)
    receiver.wait(4)
    assert len(receiver.bodies) == 4
