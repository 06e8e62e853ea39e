"""Pages, filters and orders of the BILL stand-in's lists (sheet bill 3)."""

from __future__ import annotations

import itertools
import operator

import pytest
from bill_client import BillClient, refusal
from hypothesis import given
from hypothesis import strategies as st

from erp_sandbox.bill.lists import read_page
from erp_sandbox.bill.resources import BILLS, BY_NAME, LISTED
from erp_sandbox.bill.rules import CURSOR_MODES, BillRules
from erp_sandbox.bill.table import Table, decode
from erp_sandbox.bill.times import instant_text, parse_instant
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World

LISTS = [resource.path for resource in LISTED]
SINCE = 'updatedTime:gte:"2026-07-01T00:00:00.000Z"'
IN_ORDER = {"sort": "updatedTime:asc", "filters": SINCE}


@pytest.fixture(scope="module")
def demo():
    """The demo world, served to all tests of this module that only read."""
    with Sandbox(World.demo()) as box:
        yield box


@pytest.fixture(scope="module")
def reader(demo):
    """A client of it."""
    one = BillClient(demo.bill_base_url)
    one.log_in()
    yield one
    one.http.close()


@pytest.fixture
def bills():
    """A world of 250 bills, all approved."""
    return World.plain(vendors=5, bills=250, lines=(1, 1))


def ids(rows):
    """The ids of records, in their order."""
    return [row["id"] for row in rows]


# Pages


@pytest.mark.parametrize("path", LISTS)
def test_every_list_answers_the_envelope(reader, path):
    """Rows stand in results, and the first page has an empty prevPage."""
    answer = reader.get(path, max=100)
    assert answer.status_code == 200
    assert answer.json()["prevPage"] == ""
    assert answer.json()["results"]


def test_the_last_page_has_no_next_page(reader):
    """Then the key is absent, not empty."""
    assert "nextPage" not in reader.get("/v3/users").json()


@pytest.mark.parametrize("path", LISTS)
def test_every_listed_object_can_be_read_by_its_id(reader, path):
    """GET by id answers the object itself, an unknown id or one in other letters 404 BDC_1205."""
    row = reader.get(path).json()["results"][0]
    assert reader.get(f"{path}/{row['id']}").json()["id"] == row["id"]
    assert refusal(reader.get(f"{path}/{row['id'].lower()}")) == (404, "BDC_1205")


def test_a_page_has_twenty_rows_unless_told(sandbox, client, bills):
    """The default page size is twenty."""
    assert len(client(sandbox(bills)).get("/v3/bills").json()["results"]) == 20


@pytest.mark.parametrize("size", ["0", "101", "-1", "ten", "1.0", "", "٣"])
def test_a_page_size_outside_one_to_a_hundred_is_refused(reader, size):
    """The server enforces the bounds."""
    assert refusal(reader.get("/v3/bills", max=size)) == (400, "BDC_1129")


@pytest.mark.parametrize("cursor", ["works", "offset"])
@pytest.mark.parametrize("query", [{}, IN_ORDER, {"sort": "dueDate:desc,createdTime:asc"}])
def test_following_next_page_reads_each_row_once(sandbox, client, bills, cursor, query):
    """With and without filters and orders the pages are disjoint and complete."""
    box = sandbox(bills, rules=BillRules(cursor=cursor))
    rows = client(box).walk("/v3/bills", max=37, **query)
    assert sorted(ids(rows)) == sorted(ids(box.bill.bills()))


def test_a_cursor_leads_back(sandbox, client, bills):
    """PrevPage of the third page answers the second one."""
    one = client(sandbox(bills))
    second = one.get("/v3/bills", max=50, page=one.get("/v3/bills", max=50, **IN_ORDER).json()["nextPage"])
    third = one.get("/v3/bills", max=50, page=second.json()["nextPage"])
    back = one.get("/v3/bills", max=50, page=third.json()["prevPage"])
    assert ids(back.json()["results"]) == ids(second.json()["results"])


@pytest.mark.parametrize("query", [{"filters": "archived:eq:false"}, {"sort": "updatedTime:desc"}])
def test_a_cursor_belongs_to_its_query(sandbox, client, bills, query):
    """Another filter or order with the same cursor is refused."""
    one = client(sandbox(bills))
    page = one.get("/v3/bills", **IN_ORDER).json()["nextPage"]
    assert refusal(one.get("/v3/bills", page=page, **{**IN_ORDER, **query})) == (400, "BDC_1129")


@pytest.mark.parametrize("page", ["nonsense", "eyJ", "", "eyJvIjoxMDB9", "ü"])
@pytest.mark.parametrize("cursor", CURSOR_MODES)
def test_an_invented_cursor_is_refused(sandbox, client, page, cursor):
    """A cursor is opaque: only the ones given out are taken."""
    one = client(sandbox(rules=BillRules(cursor=cursor)))
    assert refusal(one.get("/v3/bills", page=page)) == (400, "BDC_1129")


def test_a_stuck_cursor_repeats_the_first_page(sandbox, client, bills):
    """Every next page is the first one again, under another cursor each time."""
    one = client(sandbox(bills, rules=BillRules(cursor="stuck")))
    first = one.get("/v3/bills", max=100, **IN_ORDER).json()
    second = one.get("/v3/bills", max=100, page=first["nextPage"], **IN_ORDER).json()
    third = one.get("/v3/bills", max=100, page=second["nextPage"], **IN_ORDER).json()
    assert ids(first["results"]) == ids(second["results"]) == ids(third["results"])
    assert len({first["nextPage"], second["nextPage"], third["nextPage"]}) == 3


def test_a_stuck_cursor_does_not_show_when_all_rows_fit(sandbox, client):
    """One page is the end in every mode."""
    one = client(sandbox(rules=BillRules(cursor="stuck")))
    assert "nextPage" not in one.get("/v3/bills", max=100).json()


def test_filters_can_be_forgotten_after_the_first_page(sandbox, client, bills):
    """Later pages then hold rows the filter excludes, and none that it admits is lost."""
    box = sandbox(bills, rules=BillRules(cursor="no_filters"))
    middle = box.bill.bills()[100]["updatedTime"]
    rows = client(box).walk("/v3/bills", max=40, sort="updatedTime:asc", filters=f'updatedTime:gte:"{middle}"')
    admitted = {row["id"] for row in box.bill.bills() if row["updatedTime"] >= middle}
    assert admitted < set(ids(rows))


def test_filters_can_be_refused_beside_a_cursor(sandbox, client, bills):
    """Page together with filters is a 400; without them the walk goes on, unfiltered."""
    one = client(sandbox(bills, rules=BillRules(cursor="refuses_filters")))
    page = one.get("/v3/bills", max=100, **IN_ORDER).json()["nextPage"]
    assert refusal(one.get("/v3/bills", page=page, **IN_ORDER)) == (400, "BDC_1129")
    assert len(one.get("/v3/bills", max=100, page=page).json()["results"]) == 100


def test_an_edit_between_two_pages_shifts_rows_counted_by_offset(sandbox, client, bills):
    """In mode offset a row is skipped when an earlier one moves to the end; in mode works none is."""
    seen = {}
    for cursor in ("works", "offset"):
        box = sandbox(bills, rules=BillRules(cursor=cursor))
        one = client(box)
        first = one.get("/v3/bills", max=100, **IN_ORDER).json()
        box.bill.edit_bill(first["results"][0]["id"], description="edited")
        rest = one.walk("/v3/bills", max=100, page=first["nextPage"], **IN_ORDER)
        seen[cursor] = len(set(ids(first["results"] + rest)))
    assert seen == {"works": 250, "offset": 249}


@given(
    times=st.lists(st.integers(0, 20), min_size=1, max_size=60),
    size=st.integers(1, 100),
    edits=st.lists(st.tuples(st.integers(0, 59), st.integers(21, 30)), max_size=5),
)
def test_no_row_is_skipped_when_rows_share_an_instant_or_move(times, size, edits):
    """Ties are kept apart by id, and a row edited during the walk comes again later: none is missed."""
    table = Table()
    for number, instant in enumerate(times):
        table.put({"id": f"{number:03d}", "updatedTime": instant_text(instant)})
    query, seen = {"max": str(size), "sort": "updatedTime:asc"}, set()
    while True:
        page = read_page(table, BILLS, query, BillRules())
        seen |= {decode(row.body)["id"] for row in page.rows}
        if edits:
            number, instant = edits.pop()
            table.put({"id": f"{number % len(times):03d}", "updatedTime": instant_text(instant)})
        if not page.next_page:
            break
        query["page"] = page.next_page
    assert seen == {f"{number:03d}" for number in range(len(times))}


# Parameters and paths


@pytest.mark.parametrize("query", [{"limit": 5}, {"billApprovals": "yes"}, {"max": [1, 2]}])
def test_a_parameter_nobody_knows_is_refused(reader, query):
    """Unknown, malformed and repeated query parameters are all a 400."""
    assert refusal(reader.get("/v3/bills", **query)) == (400, "BDC_1129")


@pytest.mark.parametrize("path", ["/v3/bill", "/v3/Bills", "/v3/bills/", "/v2/bills", "/bills", "/v3/login"])
def test_a_path_nobody_knows_is_refused(reader, path):
    """A wrong path, case or verb is 404 BDC_1121."""
    assert refusal(reader.get(path)) == (404, "BDC_1121")


@pytest.mark.parametrize("path", ["/v3/bills", "/v3/bills/{id}"])
def test_approvers_are_shown_on_request_only(reader, path):
    """BillApprovals=true is needed, on the list and on the single bill."""
    address = path.format(id=reader.get("/v3/bills").json()["results"][0]["id"])

    def first(answer):
        return answer.json()["results"][0] if "results" in answer.json() else answer.json()

    assert "approvers" not in first(reader.get(address))
    assert "approvers" not in first(reader.get(address, billApprovals="false"))
    assert first(reader.get(address, billApprovals="true"))["approvers"]


def test_applications_of_a_credit_are_shown_by_id_only(reader):
    """The list of vendor credits has no usage."""
    row = reader.get("/v3/vendor-credits").json()["results"][0]
    assert "usage" not in row
    assert "usage" in reader.get(f"/v3/vendor-credits/{row['id']}").json()


def test_policies_are_a_bare_array(reader):
    """The list of approval policies has no envelope."""
    assert isinstance(reader.get("/v3/bill-approvals/policies").json(), list)


def test_documents_are_listed_by_bill(demo, reader):
    """A bill's documents come in the envelope; an unknown bill has none to ask for."""
    box = demo
    rows = reader.get(f"/v3/documents/bills/{box.bill.bills()[0]['id']}").json()["results"]
    assert set(rows[0]) == {"id", "name", "createdTime", "downloadLink"}
    assert refusal(reader.get("/v3/documents/bills/00n01NOSUCHBILL00001")) == (404, "BDC_1205")


def test_payment_terms_belong_to_the_organization(demo, reader):
    """They are listed below the session's own organization and nobody else's."""
    box = demo
    path = f"/v3/organizations/{box.bill.main.id}/payment-terms"
    rows = reader.get(path, max=100, sort="name:asc").json()["results"]
    assert [row["daysDue"] for row in rows] == [0, 15, 30, 45, 60]
    assert reader.get(f"{path}/{rows[1]['id']}").json()["daysDue"] == 15
    assert refusal(reader.get("/v3/organizations/00801ANOTHERORG00001/payment-terms")) == (404, "BDC_1205")


@pytest.mark.parametrize(("operation", "path"), [("bills.get", "/v3/bills/{id}"), ("users.list", "/v3/users")])
def test_a_permission_can_be_missing_for_one_operation(sandbox, client, operation, path):
    """A user may read a list and yet not the single object."""
    box = sandbox(rules=BillRules(denied={operation}))
    one = client(box)
    assert refusal(one.get(path.format(id=box.bill.bills()[0]["id"]))) == (403, "BDC_1145")
    assert one.get("/v3/bills").status_code == 200


# Filters and orders


@pytest.mark.parametrize(
    ("filters", "admits"),
    [
        ('updatedTime:gte:"{t}"', lambda bill, t: bill["updatedTime"] >= t),
        ('updatedTime:gt:"{t}"', lambda bill, t: bill["updatedTime"] > t),
        ('updatedTime:lt:"{t}"', lambda bill, t: bill["updatedTime"] < t),
        ('updatedTime:lte:"{t}"', lambda bill, t: bill["updatedTime"] <= t),
        ('createdTime:gte:"{t}"', lambda bill, t: bill["createdTime"] >= t),
        ("approvalStatus:eq:APPROVED", lambda bill, _: bill["approvalStatus"] == "APPROVED"),
        ('paymentStatus:in:"UNPAID,PAID"', lambda bill, _: bill["paymentStatus"] in ("UNPAID", "PAID")),
        ("paymentStatus:ne:PAID", lambda bill, _: bill["paymentStatus"] != "PAID"),
        ("archived:eq:false", lambda bill, _: bill["archived"] is False),
        ("archived:ne:false", lambda bill, _: bill["archived"] is True),
        ("dueDate:gte:2026-09-01", lambda bill, _: bill["dueDate"] >= "2026-09-01"),
        ('dueDate:lt:"2026-09-01"', lambda bill, _: bill["dueDate"] < "2026-09-01"),
        (
            "invoice.invoiceNumber:eq:INV-20003",
            lambda bill, _: bill["invoice"]["invoiceNumber"] == "INV-20003",
        ),
        (
            'updatedTime:lt:"{t}",archived:eq:false,paymentStatus:eq:UNPAID',
            lambda bill, t: bill["updatedTime"] < t and not bill["archived"] and bill["paymentStatus"] == "UNPAID",
        ),
    ],
)
@pytest.mark.parametrize("sort", ["updatedTime:asc", "createdTime:desc", None])
def test_a_filter_admits_exactly_the_rows_that_meet_it(demo, reader, filters, admits, sort):
    """Conditions joined with commas must all hold, in every order."""
    box = demo
    middle = box.bill.bills()[106]["updatedTime"]
    query = {"filters": filters.format(t=middle)} | ({"sort": sort} if sort else {})
    expected = {bill["id"] for bill in box.bill.bills() if admits(bill, middle)}
    assert 0 < len(expected) < 212
    assert set(ids(reader.walk("/v3/bills", max=100, **query))) == expected


@pytest.mark.parametrize(
    ("path", "filters", "code"),
    [
        ("/v3/bills", "recordStatus:eq:ACTIVE", "BDC_1130"),
        ("/v3/bills", "vendorName:eq:x", "BDC_1130"),
        ("/v3/payments", "billId:eq:x", "BDC_1130"),
        ("/v3/payments", "singleStatus:eq:CLEARED", "BDC_1130"),
        ("/v3/recurringbills", SINCE, "BDC_1130"),
        ("/v3/vendor-credits", SINCE, "BDC_1130"),
        ("/v3/classifications/departments", SINCE, "BDC_1130"),
        ("/v3/classifications/chart-of-accounts", "name:eq:Travel", "BDC_1130"),
        ("/v3/bills", "archived:sw:true", "BDC_1131"),
        ("/v3/bills", 'updatedTime:eq:"2026-01-01"', "BDC_1131"),
        ("/v3/bills", "updatedTime:after:x", "BDC_1131"),
        ("/v3/bills", "approvalStatus:ne:APPROVED", "BDC_1131"),
        ("/v3/bills", 'vendorId:nin:"a,b"', "BDC_1131"),
        ("/v3/bills", "paymentStatus:eq:PARTIAL", "BDC_1129"),
        ("/v3/bills", 'paymentStatus:in:"PAID,PARTIAL"', "BDC_1129"),
        ("/v3/bills", "archived:eq:yes", "BDC_1129"),
        ("/v3/bills", 'archived:eq:"true"', "BDC_1129"),
        ("/v3/bills", "updatedTime:gte:2026-01-01T00:00:00.000Z", "BDC_1129"),
        ("/v3/bills", 'updatedTime:gte:"yesterday"', "BDC_1129"),
        ("/v3/bills", 'updatedTime:gte:"2026-02-30"', "BDC_1129"),
        ("/v3/bills", "updatedTime", "BDC_1129"),
        ("/v3/bills", "id:eq:", "BDC_1129"),
        ("/v3/bills", "id:eq:x,", "BDC_1129"),
        ("/v3/bills", "id:eq:x archived:eq:true", "BDC_1129"),
        ("/v3/bills", 'id:in:"a,b', "BDC_1129"),
        ("/v3/vendors", "name:sw:Al", "BDC_1129"),
        ("/v3/payments", "amount:gt:ten", "BDC_1129"),
    ],
)
def test_a_filter_the_list_does_not_offer_is_refused(reader, path, filters, code):
    """Fields, operators, values and the grammar are each refused with their own code."""
    assert refusal(reader.get(path, filters=filters)) == (400, code)


@pytest.mark.parametrize(
    "spelling", ["2026-09-01T00:00:00.000Z", "2026-09-01T00:00:00", "2026-09-01T00:00", "2026-09-01"]
)
def test_every_accepted_spelling_of_an_instant_means_the_same(demo, reader, spelling):
    """With and without zone, millis, seconds or time of day; without a zone it is UTC."""
    box = demo
    rows = reader.walk("/v3/bills", max=100, filters=f'updatedTime:gte:"{spelling}"')
    start = parse_instant("2026-09-01")
    assert len(rows) == sum(parse_instant(bill["updatedTime"]) >= start for bill in box.bill.bills()) > 0


def test_a_plus_in_a_zone_must_be_url_encoded(reader):
    """An unencoded plus arrives as a space and is no instant any more."""
    query = 'filters=updatedTime:gte:"2026-09-01T00:00:00.000{plus}00:00"'
    assert reader.get("/v3/bills?" + query.format(plus="%2B")).status_code == 200
    raw = reader.http.build_request("GET", "/v3/bills", headers=reader.headers)
    raw.url = raw.url.copy_with(query=query.format(plus="+").replace('"', "%22").encode())
    assert refusal(reader.http.send(raw)) == (400, "BDC_1129")


@pytest.mark.parametrize("name", ["departments", "vendor_credits", "funding_bank_accounts"])
def test_doubtful_time_filters_can_be_switched_on(sandbox, client, name):
    """What the sheet calls likely works when the rules say so."""
    box = sandbox(rules=BillRules(classifications_by_time=True))
    rows = client(box).walk(BY_NAME[name].path, filters='updatedTime:gte:"2025-01-01"')
    assert len(rows) == len(box.bill.table(name))


@pytest.mark.parametrize("sort", ["vendorName:asc", "updatedTime:up", "amount:asc", ":asc", "updatedTime:asc,"])
def test_an_order_the_list_does_not_offer_is_refused(reader, sort):
    """Only sortable fields, ascending or descending."""
    status, code = refusal(reader.get("/v3/bills", sort=sort))
    assert (status, code in ("BDC_1129", "BDC_1130")) == (400, True)


@pytest.mark.parametrize(
    ("sort", "ordered"),
    [("dueDate:asc", operator.le), ("dueDate:desc", operator.ge), ("archived", operator.le)],
)
def test_rows_come_in_the_order_asked_for(reader, sort, ordered):
    """Also when no direction is given: ascending, as in the contract's sample."""
    rows = reader.walk("/v3/bills", max=100, sort=sort)
    values = [row[sort.partition(":")[0]] for row in rows]
    assert all(ordered(a, b) for a, b in itertools.pairwise(values))
    assert len(set(values)) > 1


def test_every_sort_and_filter_field_of_every_list_is_usable(sandbox, client, demo):
    """No field is offered that breaks the list."""
    one = client(sandbox(World.demo(), rules=BillRules(classifications_by_time=True)))
    values = {"text": "x", "boolean": "true", "number": "1", "day": "2026-01-01", "instant": '"2026-01-01"'}
    for resource in LISTED:
        for name in resource.sorts:
            assert one.get(resource.path, sort=f"{name}:desc").status_code == 200, (resource.name, name)
        for name, known in resource.filters.items():
            value = next(iter(known.values), values[known.type])
            for op in known.operators:
                text = f'{name}:{op}:"{value}"' if op == "sw" else f"{name}:{op}:{value}"
                assert one.get(resource.path, filters=text).status_code == 200, (resource.name, text)
