"""The SOAP transport: what certainly never left is told apart from what may have been processed."""

from __future__ import annotations

import contextlib
import os
import socket
import threading

import pytest
import requests_mock as requests_mock_module
from lxml import etree
from waiting import PATIENCE

from ml_connector.errors import ConnectorError, SettingInvalid, Unavailable
from ml_connector.transport.soap import AnswerLost, NotSent, SoapTransport, WsdlStore, envelope, parse_xml


@pytest.fixture
def transport():
    """A transport."""
    made = SoapTransport(user_agent="test", connect_timeout=PATIENCE, read_timeout=PATIENCE)
    yield made
    made.close()


@contextlib.contextmanager
def server(behave):
    """A server on loopback that takes one connection and does with it what ``behave`` says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = []

        def serve():
            connection, _ = listener.accept()
            taken.append(connection)
            connection.recv(65536)
            behave(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/service"
        thread.join(2)
        for connection in taken:
            connection.close()


@pytest.fixture
def deaf():
    """An address nobody listens at: the port is taken, so that nobody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/service"


def test_a_refused_connection_was_certainly_not_sent(transport, deaf):
    """Nobody listens: the request never left, so it may be sent again."""
    with pytest.raises(NotSent, match="no connection to 127"):
        transport.post(deaf, b"<a/>", {})


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(lambda connection: connection.close(), id="closed without an answer"),
        pytest.param(
            lambda connection: (
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf") and connection.close()
            ),
            id="cut in the answer",
        ),
        pytest.param(lambda connection: connection.send(b"garbage\r\n\r\n") and connection.close(), id="not HTTP"),
    ],
)
def test_whatever_goes_wrong_after_sending_may_have_been_processed(transport, behave):
    """Once bytes have left, only an answer proves anything."""
    with server(behave) as url, pytest.raises(AnswerLost):
        transport.post(url, b"<a/>", {})


def test_a_server_that_stays_silent_may_have_processed_it():
    """Once our patience ends nobody knows."""
    impatient = SoapTransport(user_agent="test", connect_timeout=PATIENCE, read_timeout=0.1)
    given_up = threading.Event()
    with server(lambda _connection: given_up.wait(PATIENCE)) as url:
        with pytest.raises(AnswerLost):
            impatient.post(url, b"<a/>", {})
        given_up.set()
    impatient.close()


def test_an_older_failure_does_not_make_a_request_unsent(transport, deaf):
    """A request made while an unsent one is being handled is judged by itself."""
    with server(lambda connection: connection.close()) as url:
        try:
            transport.post(deaf, b"<a/>", {})
        except NotSent:
            with pytest.raises(AnswerLost):
                transport.post(url, b"<a/>", {})


def test_a_redirect_is_an_answer_and_not_followed(transport):
    """Credentials must not travel to a host nobody configured."""
    with requests_mock_module.Mocker() as mock:
        mock.post("https://host.invalid/service", status_code=302, headers={"Location": "https://evil.invalid/"})
        reply = transport.post("https://host.invalid/service", b"<a/>", {})
    assert reply.status == 302
    assert mock.call_count == 1


@pytest.mark.parametrize("url", ["http://host.invalid/service", "ftp://host.invalid/x", "host.invalid"])
def test_nothing_is_sent_in_the_clear_to_another_machine(transport, url):
    """Plain HTTP is for this machine only."""
    with pytest.raises(SettingInvalid):
        transport.post(url, b"<a/>", {})


def test_a_netrc_file_adds_no_credentials(transport, tmp_path, monkeypatch):
    """Only configured credentials are ever sent."""
    (tmp_path / "netrc").write_text("machine host.invalid login someone password else")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with requests_mock_module.Mocker() as mock:
        mock.get("https://host.invalid/x", text="")
        transport.get("https://host.invalid/x")
    assert "Authorization" not in mock.last_request.headers


def test_each_thread_has_its_own_connections(transport):
    """Sessions are not shared between threads."""
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(transport._session("h"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(session) for session in seen}) == 3


def test_an_envelope_carries_header_and_body():
    """SOAP 1.1, header before body."""
    message = envelope([etree.Element("{urn:x}H")], etree.Element("{urn:x}B"), {"wd": "urn:x"})
    text = etree.tostring(message).decode()
    assert text.index("<wd:H/>") < text.index("<wd:B/>")


def test_an_answer_cannot_pull_in_files(tmp_path):
    """Entities of an answer are not resolved: one that brings its own is refused."""
    secret = tmp_path / "secret"
    secret.write_text("secret words")
    with pytest.raises(ValueError, match="document type") as refusal:
        parse_xml(f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]><a>&x;</a>'.encode())
    assert "secret words" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"plain words", b"<html><p>no end"])
def test_what_is_no_xml_is_told(content):
    """An answer that is not XML is a ValueError, whatever the parser says."""
    with pytest.raises(ValueError, match=r"\S"):
        parse_xml(content)


class TestWsdlStore:
    """Descriptions are fetched once a day, and a copy is better than none."""

    URL = "https://host.invalid/ccx/service/acme/Resource_Management/v42.2?wsdl"

    def store(self, folder, *contents, max_age=100.0):
        """A store whose fetches give the contents one after the other."""
        left = list(contents)
        self.fetched = []

        def fetch(url):
            self.fetched.append(url)
            content = left.pop(0)
            if isinstance(content, ConnectorError):
                raise content
            return content

        return WsdlStore(folder, fetch, max_age=max_age)

    def test_a_fresh_copy_needs_no_fetch(self, tmp_path):
        """A second process finds the first one's copy."""
        assert self.store(tmp_path, b"<a/>").load(self.URL) == b"<a/>"
        assert self.store(tmp_path).load(self.URL) == b"<a/>"
        assert self.fetched == []

    def test_an_old_copy_is_replaced(self, tmp_path):
        """The tenant may have been upgraded."""
        self.store(tmp_path, b"<a/>").load(self.URL)
        (kept,) = tmp_path.iterdir()
        os.utime(kept, (1, 1))
        assert self.store(tmp_path, b"<b/>").load(self.URL) == b"<b/>"
        assert kept.read_bytes() == b"<b/>"

    def test_an_old_copy_serves_when_the_fetch_fails(self, tmp_path, caplog):
        """An outage of the description alone stops nothing."""
        self.store(tmp_path, b"<a/>").load(self.URL)
        gone = Unavailable("workday", "description", "no connection")
        assert self.store(tmp_path, gone, max_age=0.0).load(self.URL) == b"<a/>"
        assert "the copy of" in caplog.text

    def test_without_a_copy_the_failure_shows(self, tmp_path):
        """There is nothing to fall back to."""
        with pytest.raises(Unavailable):
            self.store(tmp_path, Unavailable("workday", "description", "no connection")).load(self.URL)

    def test_versions_do_not_share_a_copy(self, tmp_path):
        """Another version or tenant is another description."""
        store = self.store(tmp_path, b"<a/>", b"<b/>")
        store.load(self.URL)
        assert store.load(self.URL.replace("v42.2", "v30.0")) == b"<b/>"
