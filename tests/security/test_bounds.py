"""What a system answers is bounded in size, depth and time, and leads to no other host."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import re
import sys
import types
from pathlib import Path

import bill_documents
import business_central_documents
import httpx
import pytest
import sqlalchemy as sa
import stamina
from delivering import run_over
from hostile import DEEP_XML, DRIPS, TOO_MUCH, Front, plain
from streaming import TARGETS

from erp_sandbox import credentials
from erp_sandbox.world import World
from ml_connector.errors import ConnectorError, Rejected, SettingInvalid, SystemFault
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger
from ml_connector.mending import TooMuch
from ml_connector.transport.http import Bounds, Reach, exchange, open_client
from ml_connector.transport.soap import AnswerLate, SoapTransport

sys.path.insert(0, str(Path(__file__).parent.parent / "taps"))

import tap_bill_runs
import tap_business_central_runs
import tap_workday_runs

TAPS = {
    "tap-bill": (tap_bill_runs, "vendors", "/v3/vendors", "/v3/login"),
    "tap-business-central": (tap_business_central_runs, "vendors", "/vendors?", "/oauth2/v2.0/token"),
    "tap-workday": (tap_workday_runs, "suppliers", "Get_Suppliers", "wsdl"),
}
"""How each is run, a stream of it, and what requests for its records and for its login or description have in them."""


@pytest.fixture(autouse=True)
def _no_second_attempt(tmp_path, monkeypatch):
    """An attacker answers the same each time; a project of the test's own."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    monkeypatch.setattr("ml_connector.systems.workday.client._LONGEST_PAUSE", 0.0)
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
def box(sandbox, monkeypatch):
    """A small sandbox."""
    business_central_documents.without_documents(monkeypatch)
    return sandbox(World.plain(vendors=5, bills=2, lines=(1, 1)))


def has(word):
    """Strike requests that have a word in their path or body."""
    return lambda _, path, body: word in path or word.encode() in body


# Time


def ask_by_rest(address, **bounds):
    """Read an answer as the clients of REST systems do."""
    with open_client(address, product="test", timeout=30) as client:
        return exchange(client, "GET", "/", bounds=Bounds(**bounds))


def ask_by_soap(address, **bounds):
    """Read an answer as the client of Workday does."""
    transport = SoapTransport(user_agent="test", read_timeout=30, bounds=Bounds(**bounds))
    try:
        return transport.post(address, b"<a/>", {})
    finally:
        transport.close()


@pytest.mark.parametrize("ask", [ask_by_rest, ask_by_soap])
@pytest.mark.parametrize("attack", DRIPS.values(), ids=DRIPS)
def test_an_answer_that_comes_byte_by_byte_is_given_up(ask, attack):
    """A byte now and then is no timeout to any library; the call has a time as a whole, and what is there is no answer."""
    with Front() as front:
        front.attack = attack
        with pytest.raises((httpx.ReadTimeout, AnswerLate), match=r"0\.2 seconds a call may take \(longest_call_sec"):
            ask(front.url, longest_call_seconds=0.2)


@pytest.mark.parametrize("ask", [ask_by_rest, ask_by_soap])
def test_calls_after_one_that_was_given_up_are_answered(ask):
    """Over connections that are kept, too: the time of a call is its own."""
    with Front() as front:
        for _ in range(3):
            assert ask(front.url, longest_call_seconds=30.0).content == b"{}"
        transport = SoapTransport(user_agent="test", bounds=Bounds(longest_call_seconds=0.2))
        with open_client(front.url, product="test", timeout=30) as client:
            for attack in (None, next(iter(DRIPS.values())), None):
                front.attack = attack
                for call in (
                    lambda: exchange(client, "GET", "/", bounds=Bounds(longest_call_seconds=0.2)),
                    lambda: transport.get(front.url),
                ):
                    if attack is None:
                        assert call().content == b"{}"
                    else:
                        with pytest.raises((httpx.ReadTimeout, AnswerLate)):
                            call()
        transport.close()


@pytest.mark.parametrize("name", TAPS)
def test_a_tap_gives_up_an_answer_that_does_not_end(box, name):
    """With the system, the call and the setting, in one line; what is less may come in time, so less is asked for."""
    runs, stream, data, _ = TAPS[name]
    with Front(box) as front:
        front.attack, front.strikes = DRIPS["dripping_long_body"], has(data)
        with pytest.raises(SystemFault) as told:
            run(front, box, runs, stream, longest_call_seconds=1, page_size=1 if name == "tap-workday" else 20)
    assert "longest_call_seconds" in str(told.value)
    assert "\n" not in str(told.value).strip()


# Size and depth


def run(front, box, runs, stream, **changes):
    """Run a tap whose system is the attacker's."""
    config = front.instead_of(box, runs.config_for(box))
    urls = {name: value for name, value in config.items() if name.endswith("_url")}
    if runs is tap_workday_runs:
        return runs.run(box, stream, **urls, **changes)
    return runs.run(box, streams=[stream], **urls, **changes)


@pytest.mark.parametrize("attack", TOO_MUCH.values(), ids=TOO_MUCH)
@pytest.mark.parametrize("where", ["login", "data"])
@pytest.mark.parametrize("name", TAPS)
def test_a_tap_reads_no_answer_that_is_too_much(box, name, where, attack):
    """One line that names the setting, or what is wrong; it is not asked for again, since it would be the same."""
    runs, stream, data, login = TAPS[name]
    word = data if where == "data" else login
    with Front(box) as front:
        front.attack, front.strikes = attack, has(word)
        with pytest.raises(ConnectorError) as told:
            run(front, box, runs, stream, largest_answer_mb=1)
        said = str(told.value)
        struck = sum(front.strikes(*request) for request in front.asked)
    if (name, where, attack) != ("tap-workday", "login", TOO_MUCH["deep"]):  # a description that is none, by then
        assert re.search(r"largest_answer_mb|deepest_answer|packed more than once", said)
        assert "\n" not in said.strip()
    assert struck <= 2


@pytest.mark.parametrize("name", TAPS)
def test_how_deep_is_read_is_a_setting(box, name):
    """What is refused with one value is read with another, whatever is then thought of it."""
    runs, stream, data, _ = TAPS[name]
    levels = {"list": b"[" * 30 + b"]" * 30, "xml": b"<a>" * 30 + b"</a>" * 30}
    rest = b'{"results":[],"value":[],"more":' + levels["list"] + b"}"
    soap = DEEP_XML.replace(b"<a>" * 5000 + b"</a>" * 5000, levels["xml"])
    with Front(box) as front:
        front.attack, front.strikes = plain(soap if name == "tap-workday" else rest), has(data)
        with pytest.raises(SystemFault, match=r"more than the 10 levels that are read \(deepest_answer"):
            run(front, box, runs, stream, deepest_answer=10)
        with contextlib.suppress(SystemFault):
            run(front, box, runs, stream, deepest_answer=100)
        assert len(front.asked) > 1


@pytest.mark.parametrize("plugin", [*TAPS, *TARGETS])
def test_every_plugin_has_the_bounds_as_settings(plugin):
    """The same names with the same generous values everywhere."""
    about = (TARGETS[plugin] if plugin in TARGETS else tap_of(plugin)).config_jsonschema["properties"]
    assert [about[name]["default"] for name in ("largest_answer_mb", "deepest_answer", "longest_call_seconds")] == [
        512,
        100,
        1800.0,
    ]


def tap_of(name):
    """Return the class of a tap."""
    module = sys.modules[TAPS[name][0].__name__]
    return next(each for key, each in vars(module).items() if key.startswith("Tap"))


@pytest.mark.parametrize("depth", [1, 99, 100, 101, 150, 950, 100_000])
@pytest.mark.parametrize("text", ["{}", "[[],{},[[]]]", '"[[[["', '"a\\"[["', '"\\\\"', "1"])
@pytest.mark.parametrize("kind", ["list", "object", "mixed"])
def test_depth_is_counted_as_json_nests_it(depth, text, kind):
    """Brackets in texts do not count, escaped quotes do not end one, and many beside each other are not deep."""
    opened = {
        "list": itertools.repeat(b"["),
        "object": itertools.repeat(b'{"a":'),
        "mixed": itertools.cycle([b"[", b'{"a":']),
    }
    opening = list(itertools.islice(opened[kind], depth))
    closing = [b"]" if each == b"[" else b"}" for each in reversed(opening)]
    inside = {"{}": 1, "[[],{},[[]]]": 3}.get(text, 0)
    content = b'[["x[","y"]' + b',[["{{{"]]' * 200 + b"," + b"".join(opening) + text.encode() + b"".join(closing) + b"]"
    if 1 + depth + inside > 100:
        with pytest.raises(TooMuch, match="deepest_answer"):
            Bounds().check_depth(content)
    else:
        Bounds().check_depth(content)


@pytest.mark.parametrize("content", [b"]" * 500, b"[" * 50 + b"{" * 49, b'"' + b"[" * 500, b"<script>" + b"{}" * 300])
def test_what_is_no_json_is_not_called_deep(content):
    """Whoever decodes it says what it is."""
    if content.count(b'"'):
        with pytest.raises(TooMuch):  # a text that does not end
            Bounds().check_depth(content)
    else:
        Bounds().check_depth(content)


# Where requests go


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", TAPS)
def test_no_redirect_is_followed(box, name, status):
    """Its host gets nothing, least of all credentials."""
    runs, stream, data, login = TAPS[name]
    for word in (login, data):
        with Front(box) as front, Front() as canary:
            front.attack = plain(b"", status, Location=f"{canary.url}/v3/anything")
            front.strikes = has(word)
            with pytest.raises(ConnectorError):
                run(front, box, runs, stream)
            assert canary.asked == []


def test_no_link_to_another_host_is_followed(box):
    """A list of Business Central goes on where its server says, as long as that is the server."""
    runs, stream, data, _ = TAPS["tap-business-central"]
    with Front(box) as front, Front() as canary:
        front.attack = plain(f'{{"value":[],"@odata.nextLink":"{canary.url}/v2.0/vendors"}}'.encode())
        front.strikes = has(data)
        with pytest.raises(Rejected, match="its link leads to another host"):
            run(front, box, runs, stream)
        assert canary.asked == []


def test_no_request_leaves_for_an_address_that_is_not_configured():
    """Whatever part of the program was led to ask for it: scheme, host and port are those of a setting."""
    with Front() as front, Front() as also, Front() as canary:
        with open_client(front.url, product="test", timeout=30, also=[also.url]) as client:
            for address in ("/here", f"{front.url}/here", f"{also.url}/there"):
                assert exchange(client, "GET", address, bounds=Bounds()).is_success
            with pytest.raises(SettingInvalid, match="is not configured; nothing was sent"):
                exchange(client, "GET", f"{canary.url}/x", bounds=Bounds())
        transport = SoapTransport(user_agent="test", reach=Reach(front.url, also.url))
        assert transport.get(f"{also.url}/there").status == 200
        with pytest.raises(SettingInvalid, match="is not configured; nothing was sent"):
            transport.post(f"{canary.url}/x", b"", {})
        transport.close()
        assert canary.asked == []


@pytest.mark.parametrize(
    ("configured", "address", "allowed"),
    [
        ("https://a.invalid/connect", "https://a.invalid/v3", True),
        ("https://a.invalid", "https://a.invalid:443/", True),
        ("https://a.invalid", "http://a.invalid/", False),
        ("https://a.invalid", "https://a.invalid:444/", False),
        ("https://a.invalid", "https://a.invalid.evil.invalid/", False),
        ("https://a.invalid", "https://a.invalid@evil.invalid/", False),
        ("https://a.invalid", "https://A.INVALID/", True),
        ("https://a.invalid", "https://b.invalid/", False),
    ],
)
def test_an_address_is_known_by_scheme_host_and_port(configured, address, allowed):
    """Spelling does not matter, and what only looks like it is another."""
    reach = Reach(configured)
    if allowed:
        reach.check(address)
    else:
        with pytest.raises(SettingInvalid):
            reach.check(address)


# Documents


def workday_invoice(id_, seed):
    """Return an invoice the tenant takes."""
    spend = seed.spend_categories[0]
    coding = {"spend_category": spend.spend_category_id, "gl_account": spend.ledger_account_id}
    return bill_documents.invoice(
        id_, line=coding, supplier=seed.suppliers[0].supplier_id, company=seed.companies[0].company_id
    )


def room(name, box):
    """Return how a target is configured, its invoices, and how a request that makes one is told."""
    if name == "target-bill":
        return types.SimpleNamespace(
            config={**bill_documents.config_for(box), "max_concurrency": 1},
            invoice=bill_documents.invoice,
            makes=lambda method, path, _: method == "POST" and "/v3/bills" in path,
        )
    if name == "target-business-central":
        return types.SimpleNamespace(
            config=business_central_documents.config_for(box),
            invoice=business_central_documents.invoice,
            makes=lambda method, path, _: method == "POST" and path.endswith("/purchaseInvoices"),
        )
    seed = box._worlds[0].workday_seed()
    return types.SimpleNamespace(
        config={
            "base_url": box.workday_base_url,
            "tenant": credentials.WORKDAY_TENANT,
            "isu_username": credentials.WORKDAY_ISU_USERNAME,
            "isu_password": credentials.WORKDAY_ISU_PASSWORD,
        },
        invoice=lambda id_: workday_invoice(id_, seed),
        makes=lambda method, _, body: method == "POST" and b"Submit_Supplier_Invoice_Request" in body,
    )


@pytest.mark.parametrize(
    ("attack", "processed"),
    [("bomb", True), ("bomb", False), ("deep", True), ("deep", False), ("dripping_body", True)],
)
@pytest.mark.parametrize("name", TARGETS)
def test_an_answer_nobody_reads_costs_its_document_and_no_other(box, tmp_path, name, processed, attack):
    """The others go out in the same run; it is looked up, and there once in the end, whether it was processed or not."""
    place = room(name, box)
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    with Front(box) as front:
        config = {
            **front.instead_of(box, place.config),
            "ledger_url": ledger,
            "largest_answer_mb": 1,
            "longest_call_seconds": 3 if attack in DRIPS else 1800,
        }
        front.attack, front.afterwards = {**TOO_MUCH, **DRIPS}[attack], processed
        front.strikes = lambda method, path, body: place.makes(method, path, body) and b"R-2" in body
        documents = [place.invoice(id_) for id_ in "123"]
        run_to_its_end(name, config, documents)
        assert {id_ for id_, state in states(ledger).items() if state == "posted"} >= {"1", "3"}
        front.attack = None
        make_due(ledger)
        run_to_its_end(name, config, documents)
        made = [body for method, path, body in front.passed if place.makes(method, path, body)]
    assert states(ledger) == dict.fromkeys("123", "posted")
    for number in ("R-1", "R-2", "R-3"):
        assert sum(number.encode() in body for body in made) == 1


def states(url):
    """Return the states of the invoices by the source's ids."""
    query = "SELECT source_id, state FROM entries WHERE kind = 'supplier_invoices'"
    with Ledger(url) as ledger, ledger.read() as connection:
        return {row.source_id: row.state for row in connection.exec_driver_sql(query)}


def make_due(url):
    """Let what waits for another attempt be due now."""
    past = (
        sa.update(entries)
        .where(entries.c.state == "retry")
        .values(next_attempt_at=dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
    )
    with Ledger(url) as ledger:
        ledger.write(lambda connection: connection.execute(past))


def run_to_its_end(name, config, documents):
    """Run a target, whatever its exit code."""
    with contextlib.suppress(SystemExit):
        run_over(TARGETS[name](config=config), documents)
