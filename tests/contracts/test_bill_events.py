"""What is sent to BILL's events API and what the stand-in answers and sends, against the real contracts."""

from __future__ import annotations

import json
import time
import uuid

import httpx
import jsonschema
import pytest
import yaml
from listening import Listener

from erp_sandbox import credentials
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.settings import BillSettings
from ml_connector.systems.bill.subscriptions import BillSubscriptions

pytestmark = pytest.mark.contract

KEY = "6f1a4c0e-8f5b-4d59-9a3e-0b7b6f6f6f01"


@pytest.fixture(scope="module")
def contract(contracts_dir):
    """Requests of the collection's webhooks folder, by "VERB /path"."""
    text = (contracts_dir / "bill" / "bill_v3.postman_collection.json").read_text("utf-8")
    found = {}

    def walk(items):
        for item in items:
            if "item" in item:
                walk(item["item"])
            elif "{{webhookBaseUrl}}" in item["request"]["url"]["raw"]:
                path = item["request"]["url"]["raw"].removeprefix("{{webhookBaseUrl}}").partition("?")[0]
                found[f"{item['request']['method']} {path}"] = item

    walk(json.loads(text)["item"])
    return found


@pytest.fixture(scope="module")
def asyncapi(contracts_dir):
    """The description of payloads."""
    path = contracts_dir / "bill" / "bill_webhooks.asyncapi.reconstructed.yml"
    return yaml.safe_load(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Everything our client said to the stand-in in one round of all calls, and what came back; with notifications."""
    exchanges = []

    def note(request):
        exchanges.append(request)

    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        Sandbox(World.build(vendors=8, bills=20, payments=6, lines=(1, 2))) as box,
        Listener() as listener,
    ):
        monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        settings = BillSettings.from_config(
            {
                "base_url": box.bill_base_url,
                "dev_key": credentials.BILL_DEV_KEY,
                "username": credentials.BILL_USERNAME,
                "password": credentials.BILL_PASSWORD,
                "organization_id": credentials.BILL_ORGANIZATION_ID,
            },
            plugin="tap-bill",
        )
        client = BillClient(settings, on_request=note)
        api = BillSubscriptions(client)
        kinds = [kind for kind in api.catalog() if kind.partition(".")[0] in ("bill", "vendor", "payment")]
        made = api.create("Bill management", listener.url, kinds, idempotent_key=KEY).subscription
        api.all()
        api.get(made.id)
        api.replace(made.id, "Bill management", listener.url, kinds)
        api.enable(made.id)
        api.new_key(made.id, idempotent_key=KEY.replace("01", "02"))
        api.test(made.id, "bill.created")
        bill = next(each for each in box.bill.bills() if not each["archived"])
        box.bill.edit_bill(bill["id"], description="x")
        box.bill.archive_bill(bill["id"])
        box.bill.edit_vendor(bill["vendorId"], phone="1")
        box.bill.edit_payment(next(iter(box.bill.table("payments").records()))["id"], singleStatus="CLEARED")
        while box.bill.events.pending():
            time.sleep(0.01)
        list(api.history(made.id, next(iter(box.bill.events.history.values())).created))
        api.delete(made.id)
        client.close()
        yield exchanges, box, listener.requests


def contract_path(request):
    """Return the collection's name of a request's path."""
    path = request.url.path.removeprefix("/bill/connect-events")
    parts = path.split("/")
    if parts[:3] == ["", "v3", "subscriptions"] and len(parts) > 3:
        parts[3] = ":subscriptionId"
    if parts[:4] == ["", "v3", "events", "subscription"]:
        parts[4] = ":subscriptionId"
    return f"{request.method} {'/'.join(parts)}"


def shape(value):
    """Return the form of a JSON value: names, and kinds of values."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def test_every_call_is_one_of_the_contract(spoken, contract):
    """Path and verb, the headers it asks for, and a body of its form."""
    exchanges, _, _ = spoken
    ours = [request for request in exchanges if "connect-events" in request.url.path]
    assert {contract_path(request) for request in ours} == set(contract) - {
        "POST /v3/events/subscription/:subscriptionId/event/:eventId"  # a resend goes over the public address again
    }
    for request in ours:
        sample = contract[contract_path(request)]["request"]
        wanted = {header["key"].lower() for header in sample.get("header", ())} - {"content-type"}
        assert wanted <= set(request.headers), contract_path(request)
        if (
            request.content
            and "body" in sample
            and request.method in ("POST", "PUT")
            and "test" not in request.url.path
        ):
            assert shape(json.loads(request.content)) == shape(json.loads(sample["body"]["raw"]))


@pytest.mark.parametrize(
    ("call", "path"),
    [
        ("POST /v3/subscriptions", None),
        ("POST /v3/subscriptions/:subscriptionId/security_key", "security_key"),
        ("POST /v3/subscriptions/:subscriptionId/test", "test"),
    ],
)
def test_answers_have_the_contracts_fields(contract, spoken, call, path):
    """Those of the collection's samples; what the collection could not resolve is left out of the comparison."""
    _, box, _ = spoken
    sample = json.loads(contract[call]["response"][0]["body"])
    base = box.bill_base_url.replace("/connect", "/connect-events")
    with httpx.Client(trust_env=False) as http:
        login = {
            "username": credentials.BILL_USERNAME,
            "password": credentials.BILL_PASSWORD,
            "organizationId": credentials.BILL_ORGANIZATION_ID,
            "devKey": credentials.BILL_DEV_KEY,
        }
        session = http.post(f"{box.bill_base_url}/v3/login", json=login).json()["sessionId"]
        given = {"sessionId": session, "devKey": credentials.BILL_DEV_KEY}
        body = {
            "name": "n",
            "status": {"enabled": True},
            "events": [{"type": "bill.created", "version": "1"}],
            "notificationUrl": f"https://hooks.host.invalid/{path}",
        }
        made = http.post(
            f"{base}/v3/subscriptions", json=body, headers={**given, "X-Idempotent-Key": str(uuid.uuid4())}
        ).json()
        answer = made
        if path is not None:
            url = f"{base}/v3/subscriptions/{made['id']}/{path}"
            answer = http.post(url, headers={**given, "X-Idempotent-Key": str(uuid.uuid4())}).json()
    unresolved = {"status", "events"}
    assert {name: shape(value) for name, value in answer.items() if name not in unresolved} == {
        name: shape(value) for name, value in sample.items() if name not in unresolved
    }
    assert set(answer) == set(sample)


def test_every_notification_is_of_the_described_shape(spoken, asyncapi):
    """Metadata and the fields of bills, vendors and payments; signed in the header that is named."""
    _, _, requests = spoken
    messages = {
        "bill": "BillEvent",
        "vendor": "VendorEvent",
        "payment": "PaymentUpdatedEvent",
    }
    seen = set()
    for _, headers, body in requests:
        assert headers["x-bill-sha-signature"]
        payload = json.loads(body)
        entity = payload["metadata"]["eventType"].partition(".")[0]
        seen.add(entity)
        schema = {
            "components": asyncapi["components"],
            **asyncapi["components"]["messages"][messages[entity]]["payload"],
        }
        jsonschema.validate(payload, schema)
        described = asyncapi["components"]["schemas"][entity.capitalize()]
        if not described.get("additionalProperties"):
            assert set(payload[entity]) <= set(described["properties"])
    assert seen == set(messages)
