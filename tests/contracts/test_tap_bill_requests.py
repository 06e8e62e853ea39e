"""Every request tap-bill sends is one that BILL's own Postman collection knows."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from erp_sandbox.bill.rules import CURSOR_MODES, BillRules
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World

sys.path.insert(0, str(Path(__file__).parents[1] / "taps"))
from tap_bill_runs import catalog_of, config_for, written

from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.settings import PAGINATION_MODES
from tap_bill.streams import STREAM_CLASSES
from tap_bill.tap import TapBill

pytestmark = pytest.mark.contract

NAMES = [stream.name for stream in STREAM_CLASSES]
OF_THE_PROTOCOL = {"host", "accept-encoding", "connection", "user-agent", "content-length"}
BEYOND_THE_COLLECTION = {("/v3/bills", "billApprovals")}
"""Query parameters that work in production but are missing in the snapshot (sheet bill 3.5)."""
OF_A_REMEMBERED_LOGIN = {"rememberMeId", "device"}
"""Optional keys of the login that the snapshot leaves out (sheet bill 2.1)."""


@pytest.fixture(scope="module")
def collection(contracts_dir):
    """The requests of the collection: (verb, pattern of the path) -> header names, query names, body keys."""
    tree = json.loads((contracts_dir / "bill" / "bill_v3.postman_collection.json").read_text("utf-8"))
    return dict(_requests(tree["item"]))


def _requests(items):
    for item in items:
        if "item" in item:
            yield from _requests(item["item"])
            continue
        request = item["request"]
        path = "/".join(re.sub(r"^:.*", "[^/]+", part) for part in request["url"]["path"])
        body = request.get("body", {}).get("raw") or "{}"
        try:
            keys = set(json.loads(body))
        except (ValueError, TypeError):
            keys = set()
        yield (
            (request["method"], f"/{path}"),
            (
                {header["key"].lower() for header in request.get("header", ())},
                {query["key"] for query in request["url"].get("query", ())},
                keys,
            ),
        )


def known(collection, verb, path):
    """Return what the collection says about a request; a path without a variable wins."""
    fitting = [key for key in collection if key[0] == verb and re.fullmatch(key[1], path)]
    return collection[min(fitting, key=lambda key: key[1].count("[^/]+"))] if fitting else None


def requests_of_a_full_run(monkeypatch, tmp_path, rules=None, **settings):
    """Read every stream of a sandbox; return the requests that were sent."""
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path))
    sent = []
    opened = BillClient.__init__

    def recording(self, *args, **kwargs):
        opened(self, *args, **kwargs, on_request=sent.append)

    monkeypatch.setattr(BillClient, "__init__", recording)
    with Sandbox(World.build(vendors=6, bills=40, payments=8, lines=(1, 2)), rules=rules) as box:
        config = config_for(box, **settings)
        written(TapBill(config=config, catalog=catalog_of(config, NAMES)))
    return sent


@pytest.mark.parametrize("mode", PAGINATION_MODES)
@pytest.mark.parametrize("user", ["token", "remembered user"])
def test_every_request_is_in_the_collection(collection, monkeypatch, tmp_path, mode, user):
    """Verb, path, query names, headers and the keys of bodies are those of BILL."""
    remembered = {
        "username": "ap@acme.invalid",
        "password": "sandbox-password",
        "remember_me_id": "sandbox-remember-me",
        "device": "sandbox-device",
    }
    settings = remembered if user == "remembered user" else {}
    sent = requests_of_a_full_run(monkeypatch, tmp_path, pagination_mode=mode, page_size=10, **settings)
    paths = {request.url.path.removeprefix("/bill/connect") for request in sent}
    assert {stream.path for stream in STREAM_CLASSES if stream.name not in ("organization", "bill_documents")} <= paths
    for request in sent:
        path = request.url.path.removeprefix("/bill/connect")
        entry = known(collection, request.method, path)
        assert entry is not None, f"{request.method} {path}"
        headers, query, body = entry
        assert {name.lower() for name in request.headers} - OF_THE_PROTOCOL <= headers
        assert {name for name in request.url.params if (path, name) not in BEYOND_THE_COLLECTION} <= query
        assert set(json.loads(request.content or b"{}")) - OF_A_REMEMBERED_LOGIN <= body


@pytest.mark.parametrize("cursor", CURSOR_MODES)
def test_no_filter_and_no_sort_is_sent_that_bill_does_not_document(monkeypatch, tmp_path, cursor):
    """All lists are filtered by updatedTime alone, and sorted by it or, read whole, by createdTime."""
    rules = BillRules(cursor=cursor, classifications_by_time=True)
    sent = requests_of_a_full_run(monkeypatch, tmp_path, rules=rules, page_size=10)
    for request in sent:
        for term in request.url.params.get("filters", "updatedTime:gte:").split(","):
            assert re.match(r"updatedTime:(gte|lt):", term)
        assert request.url.params.get("sort") in (
            None,
            "updatedTime:asc",
            "updatedTime:desc",
            "createdTime:asc",
        )


def test_a_request_bill_does_not_know_is_seen(collection):
    """A misspelt path is in no entry, and a path with an id is."""
    assert known(collection, "GET", "/v3/bill") is None
    assert known(collection, "GET", "/v3/vendors/00901VNDR") is not None
    assert known(collection, "GET", "/v3/bills")[1] == {"max", "sort", "filters", "page"}
