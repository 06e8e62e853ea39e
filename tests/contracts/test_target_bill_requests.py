"""Every request target-bill sends is one that BILL's own Postman collection knows, and so is every answer."""

from __future__ import annotations

import json
import re

import pytest
from bill_documents import VENDOR, account, attachment, coded, deliver, dimension, invoice, payment, supplier

from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from ml_connector.systems.bill.bills import BillBook
from ml_connector.systems.bill.client import BillClient

pytestmark = pytest.mark.contract

OF_THE_PROTOCOL = {"host", "accept-encoding", "connection", "user-agent", "content-length"}
BEYOND_THE_COLLECTION = {
    # Newer or missing in the snapshot of autumn 2025, each with its source in the sheet.
    "query": {"billApprovals"},  # sheet bill 4.1
    "body": {
        "allowDuplicateInvoiceNumber",  # sheet bill 4.1
        "purchaseOrderNumber",  # sheet bill 4.1
        "allowExport",  # sheet bill 4.5
        "syncReference",  # sheet bill 4.5
        "shortName",  # sheet bill 3.7, 4.3
        "parentId",  # sheet bill 4.4
        "description",  # sheet bill 4.1, 4.5
        "classifications",  # sheet bill 4.1, 4.7
        "quantity",  # sheet bill 4.1
        "price",  # sheet bill 4.1
    },
    "answer": {"recordStatus", "createdBy"},  # sheet bill 3.6
}


@pytest.fixture(scope="module")
def collection(contracts_dir):
    """The calls of the collection: (verb, pattern of the path) -> its request and its good answers."""
    tree = json.loads((contracts_dir / "bill" / "bill_v3.postman_collection.json").read_text("utf-8"))
    return dict(_calls(tree["item"]))


def _calls(items):
    for item in items:
        if "item" in item:
            yield from _calls(item["item"])
            continue
        request = item["request"]
        path = "/".join(re.sub(r"^:.*", "[^/]+", part) for part in request["url"]["path"])
        answers = [_json(answer.get("body")) for answer in item["response"] if answer["code"] < 400]
        known = {
            "headers": {header["key"].lower() for header in request.get("header", ())},
            "query": {query["key"] for query in request["url"].get("query", ())},
            "body": _json(re.sub(r",\s*}", "}", (request.get("body") or {}).get("raw") or "").replace('""d', '"d')),
            "answers": [answer for answer in answers if answer is not None],
            "codes": {answer["code"] for answer in item["response"] if answer["code"] < 400},
        }
        yield (request["method"], f"/{path}"), known


def _json(text):
    try:
        return json.loads(text or "null")
    except ValueError:
        return None


def known(collection, verb, path):
    """Return what the collection says about a call; a path without a variable wins."""
    fitting = [key for key in collection if key[0] == verb and re.fullmatch(key[1], path)]
    return collection[min(fitting, key=lambda key: key[1].count("[^/]+"))] if fitting else None


def kind_of(value):
    """The JSON type, numbers not told apart."""
    kinds = ((bool, "boolean"), (int | float, "number"), (str, "text"), (list, "array"), (dict, "object"))
    return next((name for types, name in kinds if isinstance(value, types)), "null")


def foreign(value, samples, more, place="$"):
    """Where a value has a field that neither the samples nor ``more`` has, or another JSON type than they."""
    samples = [sample for sample in samples if kind_of(sample) == kind_of(value)]
    if not samples:
        return [f"{place}: {kind_of(value)}"]
    if isinstance(value, list):
        inner = [item for sample in samples for item in sample]
        return [each for item in value for each in foreign(item, inner, more, f"{place}[]")]
    if not isinstance(value, dict):
        return []
    found = []
    for name, item in value.items():
        of_it = [sample[name] for sample in samples if name in sample]
        if of_it:
            found += foreign(item, of_it, more, f"{place}.{name}")
        elif name not in more:
            found.append(f"{place}.{name}: unknown")
    return found


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Everything a target sends while it creates, changes, looks up and reads back, with the answers."""
    sent = []
    with pytest.MonkeyPatch.context() as patch, Sandbox(World.plain(vendors=5, bills=4, lines=(1, 2))) as box:
        patch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        patch.chdir(tmp_path_factory.mktemp("project"))
        opened = BillClient.__init__

        def recording(self, *args, **kwargs):
            opened(self, *args, **kwargs)
            self._http.event_hooks["response"].append(
                lambda answer: sent.append((answer.request, answer.read(), answer))
            )

        patch.setattr(BillClient, "__init__", recording)
        settings = {
            "missing_suppliers": "create",
            "create_missing": ["chart_of_accounts", "departments", "locations", "jobs", "accounting_classes"],
            "tax_account": "6100",
        }
        kinds = ("department", "location", "job", "class")
        first = [
            account(),
            *(dimension(kind=kind, code=f"F-{kind}") for kind in kinds),
            dimension("Part", parent="Finance"),
            supplier(phone="5550100"),
            invoice(line=coded("department", "Finance"), purchase_order_number="4500001234", tax_amount="8.00"),
            invoice("2", ("-5.00",)),
            invoice("3", ("9.00",), line={"quantity": 3, "unit_price": "3.00"}),
            attachment(),
        ]
        deliver(box, *first, **settings)
        again = [
            account(name="Renamed"),
            *(
                dimension(
                    f"New {kind}",
                    kind,
                    code=f"F-{kind}",
                    external_id=f"SAP-{kind}-Foundry",
                    source=dimension(kind=kind).source,
                )
                for kind in kinds
            ),
            supplier("m", target_id=VENDOR, owned=("name", "email", "city", "active"), active=False),
            invoice(amounts=("61.25", "40.25"), tax_amount="8.00"),
            invoice("2", ("-6.00",)),
            invoice("3", ("9.00", "1.00")),
        ]
        deliver(box, *again, **settings)
        deliver(box, supplier("m", target_id=VENDOR, owned=("active",), active=True), **settings)
        box.bill.approve_bill(next(bill["id"] for bill in box.bill.bills() if "SAP-1]" in bill.get("description", "")))
        deliver(box, payment(bill="R-1", amount="10.00"), **settings)
        _bulk(box)
    return sent


def _bulk(box):
    from bill_documents import config_for

    from ml_connector.systems.bill.settings import BillSettings

    client = BillClient(BillSettings.from_config(config_for(box), plugin="target-bill"))
    line = {"amount": 5}
    BillBook(client).create_many(
        [
            {
                "vendorId": VENDOR,
                "dueDate": "2026-12-01",
                "invoice": {"invoiceNumber": number, "invoiceDate": "2026-11-01"},
                "billLineItems": [line],
            }
            for number in ("B-1", "B-2")
        ]
    )
    client.close()


def test_the_run_has_written_everything_there_is_to_write(calls):
    """What follows would prove little without."""
    sent = {
        f"{request.method} {re.sub('/[0-9a-z]{3}01[A-Z0-9]+', '/:id', path_of(request))}" for request, _, _ in calls
    }
    assert {
        "POST /v3/vendors",
        "PATCH /v3/vendors/:id",
        "POST /v3/vendors/:id/archive",
        "POST /v3/vendors/:id/restore",
        "POST /v3/bills",
        "POST /v3/bills/bulk",
        "PATCH /v3/bills/:id",
        "PUT /v3/bills/:id",
        "POST /v3/bills/record-payment",
        "POST /v3/documents/bills/:id",
        "GET /v3/documents/bills/:id",
        "GET /v3/documents/upload-status",
        "GET /v3/documents/:id",
        "POST /v3/vendor-credits",
        "PATCH /v3/vendor-credits/:id",
        *(
            f"{verb} /v3/classifications/{name}"
            for name in ("chart-of-accounts", "departments", "locations", "jobs", "accounting-classes")
            for verb in ("POST",)
        ),
        "PATCH /v3/classifications/chart-of-accounts/:id",
        "PATCH /v3/classifications/departments/:id",
    } <= sent


def test_no_payment_order_is_ever_sent(calls):
    """Nothing that moves money, by whatever path."""
    assert not [request for request, _, _ in calls if request.method != "GET" and "/v3/payments" in path_of(request)]


def test_every_request_is_in_the_collection(collection, calls):
    """Verb, path, headers, query names and every field of every body."""
    for request, _, _ in calls:
        entry = known(collection, request.method, path_of(request))
        assert entry is not None, f"{request.method} {path_of(request)}"
        assert {name.lower() for name in request.headers} - OF_THE_PROTOCOL <= entry["headers"]
        assert set(request.url.params) - BEYOND_THE_COLLECTION["query"] <= entry["query"]
        if request.method != "GET" and request.content and "login" not in path_of(request) and not is_file(request):
            samples = [entry["body"], *_requests_of_the_same(collection, request)]
            samples = [sample for sample in samples if sample is not None]
            what = f"{request.method} {path_of(request)}"
            assert foreign(json.loads(request.content), samples, BEYOND_THE_COLLECTION["body"]) == [], what


def test_every_answer_of_the_sandbox_is_of_the_contracts_shape(collection, calls):
    """Status and fields of what it says to writes, and of uploads."""
    for request, body, answer in calls:
        if (
            (request.method == "GET" and "/v3/documents" not in path_of(request))
            or answer.status_code >= 400
            or not body
        ):
            continue
        entry = known(collection, request.method, path_of(request))
        assert answer.status_code in entry["codes"], path_of(request)
        assert foreign(json.loads(body), entry["answers"], BEYOND_THE_COLLECTION["answer"]) == [], path_of(request)


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ({"a": 1, "new": "x"}, []),
        ({"a": "1"}, ["$.a: text"]),
        ({"z": 1}, ["$.z: unknown"]),
        ({"b": [{"d": 1}]}, ["$.b[].d: unknown"]),
    ],
)
def test_a_foreign_field_or_type_is_seen(value, places):
    """The comparison itself finds what it is for."""
    assert foreign(value, ["noise", {"a": 2.5, "b": [{"c": "y"}]}], {"new"}) == places


def path_of(request):
    """Return the path below the base address."""
    return request.url.path.removeprefix("/bill/connect")


def is_file(request):
    """Whether a request carries a file, as it is and not as JSON."""
    file = path_of(request).startswith("/v3/documents/")
    assert request.headers.get("content-type") == ("application/octet-stream" if file else "application/json")
    return file


def _requests_of_the_same(collection, request):
    """Return the bodies of the other verbs of the same resource: samples of a PATCH show only some fields."""
    resource = "/".join(path_of(request).split("/")[:3])
    if resource == "/v3/classifications":
        resource = "/".join(path_of(request).split("/")[:4])
    return [
        call["body"]
        for (verb, pattern), call in collection.items()
        if verb in ("POST", "PUT", "PATCH") and pattern in (resource, f"{resource}/[^/]+")
    ]
