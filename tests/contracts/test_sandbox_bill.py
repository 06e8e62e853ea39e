"""The BILL stand-in answers nothing BILL's own Postman collection does not know (contract)."""

from __future__ import annotations

import json

import httpx
import pytest

from erp_sandbox import credentials
from erp_sandbox.bill.resources import LISTED
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World

pytestmark = pytest.mark.contract

DOCUMENTED_SINCE = {
    # Fields newer than the collection's snapshot of autumn 2025, each with its source in the sheet.
    "GET /v3/bills": {"recordStatus": "text", "createdBy": "text"},  # sheet bill 3.6
    "GET /v3/bills/:billId": {"recordStatus": "text", "createdBy": "text"},  # sheet bill 3.6
}
CONTRACT_IDS = {
    "/v3/vendors": ":vendorId",
    "/v3/bills": ":billId",
    "/v3/payments": ":paymentId",
    "/v3/vendor-credits": ":vendorCreditId",
    "/v3/recurringbills": ":recurringBillId",
    "/v3/funding-accounts/banks": ":bankAccountId",
    "/v3/users": ":userId",
}


def kind_of(value):
    """The JSON type, numbers not told apart."""
    kinds = ((bool, "boolean"), (int | float, "number"), (str, "text"), (list, "array"), (dict, "object"))
    return next((name for types, name in kinds if isinstance(value, types)), "null")


def foreign(value, samples, place="$"):
    """Where a value has a field or a JSON type that none of the samples has."""
    kinds = {kind_of(sample) for sample in samples}
    if kind_of(value) not in kinds:
        return [f"{place}: {kind_of(value)} instead of {sorted(kinds)}"]
    if isinstance(value, list):
        inner = [item for sample in samples for item in sample]
        return [found for item in value for found in foreign(item, inner, f"{place}[]")]
    if isinstance(value, dict):
        found = []
        for name, item in value.items():
            known = [sample[name] for sample in samples if name in sample]
            found += foreign(item, known, f"{place}.{name}") if known else [f"{place}.{name}: unknown"]
        return found
    return []


@pytest.fixture(scope="module")
def contract(contracts_dir):
    """All good sample answers of the collection by "VERB /path"."""
    text = (contracts_dir / "bill" / "bill_v3.postman_collection.json").read_text("utf-8")
    samples = {}

    def walk(items):
        for item in items:
            if "item" in item:
                walk(item["item"])
                continue
            path = item["request"]["url"]["raw"].removeprefix("{{baseUrl}}").partition("?")[0]
            for answer in item["response"]:
                if answer.get("body"):
                    key = f"{item['request']['method']} {path}"
                    try:
                        body = json.loads(answer["body"])
                    except json.JSONDecodeError:  # three samples are damaged in the original
                        continue
                    good = answer["code"] < 400
                    samples.setdefault(key if good else f"{key} refused", []).append(body)

    walk(json.loads(text)["item"])
    return samples


@pytest.fixture(scope="module")
def box():
    """A mixed world: every approval, settlement and currency occurs."""
    with Sandbox(World.build(vendors=40, bills=200, payments=150, lines=(1, 9))) as running:
        yield running


@pytest.fixture(scope="module")
def login(box):
    """What a login answers."""
    body = {
        "username": credentials.BILL_USERNAME,
        "password": credentials.BILL_PASSWORD,
        "organizationId": credentials.BILL_ORGANIZATION_ID,
        "devKey": credentials.BILL_DEV_KEY,
    }
    return httpx.post(f"{box.bill_base_url}/v3/login", json=body).json()


@pytest.fixture(scope="module")
def session(box, login):
    """A logged-in HTTP client."""
    headers = {"devKey": credentials.BILL_DEV_KEY, "sessionId": login["sessionId"]}
    with httpx.Client(base_url=box.bill_base_url, headers=headers) as http:
        yield http


def sampled(contract, key):
    """The samples of a call, extended by what the sheet documents as newer."""
    samples = contract[key]
    newer = dict.fromkeys(DOCUMENTED_SINCE.get(key, {}), "")
    return [
        {**sample, "results": [{**row, **newer} for row in sample["results"]]}
        if "results" in sample
        else {**sample, **newer}
        for sample in samples
    ]


@pytest.mark.parametrize("path", [resource.path for resource in LISTED])
def test_every_row_of_every_list_is_of_the_contracts_shape(session, contract, path):
    """Fields, nesting and JSON types of all rows, and the envelope around them."""
    query = {"max": 100} | ({"billApprovals": "true"} if path == "/v3/bills" else {})
    samples = sampled(contract, f"GET {path}")
    rows = 0
    while True:
        answer = session.get(path, params=query).json()
        assert foreign(answer, samples) == []
        rows += len(answer["results"])
        if "nextPage" not in answer:
            break
        query["page"] = answer["nextPage"]
    assert rows > 0


@pytest.mark.parametrize("path", [resource.path for resource in LISTED])
def test_every_single_object_is_of_the_contracts_shape(session, contract, path):
    """GET by id, for the first page of each list."""
    suffix = CONTRACT_IDS.get(path, ":id")
    samples = sampled(contract, f"GET {path}/{suffix}")
    query = {"billApprovals": "true"} if path == "/v3/bills" else {}
    for row in session.get(path).json()["results"]:
        assert foreign(session.get(f"{path}/{row['id']}", params=query).json(), samples) == []


def test_the_calls_that_list_no_objects_are_of_the_contracts_shape(login, session, contract, box):
    """Login, session, organization, policies and a bill's documents."""
    documented = next(iter(box.bill.main.documents))
    answers = {
        "POST /v3/login": login,
        "GET /v3/login/session": session.get("/v3/login/session").json(),
        "GET /v3/organizations/:organizationId": session.get(
            f"/v3/organizations/{credentials.BILL_ORGANIZATION_ID}"
        ).json(),
        "GET /v3/bill-approvals/policies": session.get("/v3/bill-approvals/policies").json(),
        "GET /v3/documents/bills/:billId": session.get(f"/v3/documents/bills/{documented}").json(),
    }
    for key, answer in answers.items():
        assert answer
        assert foreign(answer, contract[key]) == [], key


@pytest.mark.parametrize("path", ["/v3/bills?max=101", "/v3/bills/nothing", "/v3/nothing", "/v3/bills?filters=x:eq:y"])
def test_refusals_are_of_the_contracts_shape(session, contract, path):
    """An array of errors, as in the samples of status 400 and 500."""
    answer = session.get(path)
    assert answer.status_code >= 400
    assert foreign(answer.json(), contract["GET /v3/bills refused"]) == []


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ({"a": 1, "b": [{"c": "x"}]}, []),
        ({"a": "1"}, ["$.a: text instead of ['number']"]),
        ({"z": 1}, ["$.z: unknown"]),
        ({"b": [{"d": 1}]}, ["$.b[].d: unknown"]),
    ],
)
def test_a_foreign_field_or_type_is_seen(value, places):
    """The comparison itself finds what it is for."""
    assert foreign(value, [{"a": 2.5, "b": [{"c": "y"}]}]) == places
