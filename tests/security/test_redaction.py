"""No secret is kept, logged or shown, however a system writes the words in which it gives it back."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import sqlite3
import sys
import urllib.parse
import xml.sax.saxutils

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_bench import Bench
from ledger_doubles import bill

from ml_connector.errors import (
    Conflict,
    CredentialsRefused,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Reason,
    Rejected,
    SettingInvalid,
    SystemFault,
    Throttled,
    Unavailable,
)
from ml_connector.ledger import proof
from ml_connector.ledger.store import Ledger
from ml_connector.redaction import HIDDEN, SHORTEST, protect_log, remember, without_secrets
from ml_connector.systems.bill.settings import BillSettings
from ml_connector.systems.business_central.settings import BusinessCentralSettings
from ml_connector.systems.workday.settings import WorkdaySettings
from ml_connector.transport.token_cache import Token
from ml_connector.webhooks.keys import SigningKey

SECRET = "p<l&a'n\"t/e d+\u00e4=%s"
"""One with everything in it that some way of writing writes otherwise."""

WRITTEN = {
    "as it is": lambda text: text,
    "in an address": lambda text: urllib.parse.quote(text, safe=""),
    "in the path of an address": urllib.parse.quote,
    "in a form": urllib.parse.quote_plus,
    "in an address, in small letters": lambda text: re.sub(
        "%[0-9A-F]{2}", lambda found: found[0].lower(), urllib.parse.quote(text, safe="")
    ),
    "in XML": xml.sax.saxutils.escape,
    "in an attribute": lambda text: xml.sax.saxutils.escape(text, {'"': "&quot;", "'": "&apos;"}),
    "in HTML": html.escape,
    "in JSON": lambda text: json.dumps(text)[1:-1],
    "in JSON of UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "in JSON as PHP writes it": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "in Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in Base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "as Python shows it": lambda text: repr(text)[1:-1],
}


def core(written):
    """What must not be left of a secret that was written so: all of it but a few letters at its ends."""
    return written[3:-3]


@pytest.mark.parametrize("way", WRITTEN)
def test_a_secret_is_hidden_however_it_is_written(way):
    """In the middle of a sentence, and next to other letters."""
    remember(SECRET)
    written = WRITTEN[way](SECRET)
    for text in (f"refused: {written}.", f"x{written}y", written * 3):
        safe = without_secrets(text)
        assert HIDDEN in safe
        assert core(written) not in safe


@given(
    secret=st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=12, max_size=40),
    before=st.text(max_size=7),
    behind=st.text(max_size=7),
)
def test_a_secret_is_hidden_in_whatever_is_written_as_base64(secret, before, behind):
    """User and password of a Basic header, say: nothing of the secret can be read out of what is left."""
    secret = secret.strip().ljust(12, "x")
    remember(secret)
    safe = without_secrets(base64.b64encode(f"{before}:{secret}{behind}".encode()).decode())
    assert HIDDEN in safe
    left = "".join(safe.split(HIDDEN))
    assert base64.b64encode(secret.encode()).decode()[4:12] not in left


@given(st.lists(st.text(max_size=60), max_size=5), st.text(max_size=200))
def test_whatever_is_remembered_nothing_of_it_is_left(secrets, text):
    """Also where one secret is a part of another."""
    remember(*secrets)
    assert not [each for each in secrets if len(each) >= SHORTEST and each in without_secrets(text + "".join(secrets))]


@pytest.mark.parametrize("nothing", [None, "", "abc", "12345"])
def test_what_is_too_short_to_be_told_from_words_hides_nothing(nothing):
    """A setting that is not set would hide everything."""
    remember(nothing)
    assert without_secrets("abc 12345 and all the rest") == "abc 12345 and all the rest"


FAULTS = [Conflict, CredentialsRefused, NotFound, OutcomeUnknown, PermissionDenied, Rejected, Throttled, Unavailable]


@pytest.mark.parametrize("way", WRITTEN)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.__name__)
def test_no_fault_carries_a_secret(fault, way):
    """Neither its words nor the field, the code or the cure that was made of them."""
    remember(SECRET)
    written = WRITTEN[way](SECRET)
    error = fault("bill", "GET", f"no {written}", code=f"c {written}", field=f"f {written}", cure=f"do {written}")
    said = [str(error), repr(error), error.message, error.code, error.field, error.cure]
    assert not [text for text in said if core(written) in text]


def test_neither_a_reason_nor_a_mistake_told_to_a_person_carries_a_secret():
    """Whatever they were made of."""
    remember(SECRET)
    reason = Reason("rejected", f"no {SECRET}", f"mend {SECRET}", kind="field", value=SECRET)
    error = SettingInvalid(f"wrong {SECRET}", f"set {SECRET}")
    assert SECRET not in json.dumps(reason.to_dict(), ensure_ascii=False).replace('\\"', '"')
    assert SECRET not in str(error) + error.what + error.cure


class Echoes:
    """A system that gives back what it was sent, in each way, in the words of its faults."""

    def __init__(self, secret):
        self.secret = secret
        self.faults = [
            fault("test", "create", f"{WRITTEN[way](secret)} is not accepted")
            for way in WRITTEN
            for fault in (Rejected, Conflict)
        ]


def test_nothing_that_a_target_echoes_gets_into_the_ledger_the_log_or_the_account(tmp_path, caplog, monkeypatch):
    """Every artefact of a run is searched, the database byte by byte."""
    protect_log()
    caplog.set_level(logging.DEBUG)
    remember(SECRET)
    faults = Echoes(SECRET).faults
    bench = Bench(f"sqlite:///{tmp_path}/ledger.db")
    bench.take(*(bill(str(number)) for number in range(len(faults))))
    bench.target.fail_before(*faults)
    bench.deliver()
    summary = json.dumps(bench.last.summary.to_dict(), default=str, ensure_ascii=False)
    assert {bench.entry(str(number)).state for number in range(len(faults))} == {"held"}
    bench.ledger.close()
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = (tmp_path / "ledger.db").read_bytes().decode("utf-8", "replace")
    assert kept.count(HIDDEN) >= len(faults)
    for way, write in WRITTEN.items():
        for place, text in {"ledger": kept, "account": summary, "log": caplog.text}.items():
            assert core(write(SECRET)) not in text, (way, place)


def test_a_secret_that_is_a_word_breaks_no_proof(tmp_path):
    """What the audit says of a document stays comparable with it, though a password is the name of its target."""
    remember("test:one", "supplier_invoices", "100.00")
    bench = Bench(f"sqlite:///{tmp_path}/ledger.db")
    bench.take(bill("1"))
    bench.deliver()
    with bench.ledger.read() as connection:
        assert not proof.verify(connection).differing
    bench.ledger.close()


def test_the_log_shows_no_secret_whoever_writes_it(caplog):
    """Neither in the words, nor in what is filled in, nor in a traceback."""
    protect_log()
    remember(SECRET)
    other = logging.getLogger("of.some.library")
    other.warning("connecting as %s", SECRET)
    other.warning(f"connecting as {SECRET}")
    try:
        raise ValueError(SECRET)  # noqa: TRY301 - it is about what is shown of it
    except ValueError:
        other.exception("failed")
    assert SECRET not in caplog.text
    assert caplog.text.count(HIDDEN) >= 3


def test_a_traceback_shows_no_secret(capsys):
    """Not even that of a fault nobody foresaw."""
    protect_log()
    remember(SECRET)
    try:
        raise RuntimeError(SECRET)  # noqa: TRY301 - it is about what is shown of it
    except RuntimeError:
        sys.excepthook(*sys.exc_info())
    shown = capsys.readouterr().err
    assert "RuntimeError" in shown
    assert SECRET not in shown


WORKDAY = {"base_url": "https://wd2-impl-services1.workday.com", "tenant": "acme_dpt1"}
BILL = {"dev_key": "k", "username": "u", "password": "p", "organization_id": "00801"}
CENTRAL = {"tenant_id": "t", "environment": "Production", "client_id": "c", "client_secret": "s"}
PLACES = {
    "BILL's password": lambda secret: BillSettings.from_config({**BILL, "password": secret}, plugin="tap-bill"),
    "BILL's developer key": lambda secret: BillSettings.from_config({**BILL, "dev_key": secret}, plugin="tap-bill"),
    "Business Central's client secret": lambda secret: BusinessCentralSettings.from_config(
        {**CENTRAL, "client_secret": secret}, plugin="tap-business-central"
    ),
    "Workday's password": lambda secret: WorkdaySettings.from_config({**WORKDAY, "isu_username": "u", "isu_password": secret}),
    "a token": Token,
    "a rotated refresh token": lambda secret: Token("another-token", None, {"refresh_token": secret}),
    "a key of webhooks": lambda secret: SigningKey(secret, "s-1"),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_whatever_is_a_secret_is_remembered_where_it_is_read(place):
    """Settings, tokens and keys, without anybody having to think of it."""
    PLACES[place]("a-planted-secret")
    assert without_secrets("it was a-planted-secret") == f"it was {HIDDEN}"


def test_the_password_of_the_ledger_is_remembered():
    """A database echoes the address it was called by."""
    with pytest.raises((SettingInvalid, SystemFault)):
        Ledger("postgresql://u:planted-password@127.0.0.1:1/db")
    assert "planted-password" not in without_secrets(
        "connection to postgresql://u:planted-password@127.0.0.1:1/db failed"
    )


def test_a_page_that_echoes_a_header_shows_nothing_of_it():
    """A proxy's error page with the request in it, as a client quotes it."""
    from ml_connector.transport.http import quoted

    remember(SECRET)
    header = base64.b64encode(f"ISU:{SECRET}".encode()).decode()
    answer = httpx.Response(502, text=f"<html>Authorization: Basic {header}</html>")
    assert core(WRITTEN["in Base64"](SECRET)) not in quoted(answer.text)
    assert HIDDEN in quoted(answer.text)
