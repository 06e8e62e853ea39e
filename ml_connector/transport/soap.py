"""SOAP transport: envelopes over HTTP, with a clear answer to "did it leave, may it have been processed?".

Three outcomes besides an answer matter to whoever writes into a ledger, so each has a name of its own:

* :class:`NotSent`: the request certainly never reached the system; it may be sent again.
* :class:`AnswerLost`: it may have been processed; nobody may repeat a write before asking.
* :class:`Reply` with any HTTP status: an answer, to be classified by the system's client.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import logging
import pathlib
import re
import ssl
import threading
import time
import typing as t
import urllib.parse

import requests
import urllib3.exceptions
import zeep
import zeep.transports
from lxml import etree

from ml_connector.errors import ConnectorError
from ml_connector.files import replace_private_file
from ml_connector.mending import REPLACEMENT, TooMuch, mended_xml
from ml_connector.private import make_folder
from ml_connector.transport import http
from ml_connector.transport.deadlines import BoundedAdapter, watched

__all__ = [
    "SOAP_ENV",
    "AnswerLate",
    "AnswerLost",
    "AnswerTooLarge",
    "NotSent",
    "Reply",
    "SoapTransport",
    "WsdlStore",
    "describe",
    "envelope",
    "parse_xml",
]

SOAP_ENV: t.Final = "http://schemas.xmlsoap.org/soap/envelope/"

_LOG = logging.getLogger(__name__)
_DAY = 24 * 3600.0
_PART = 1 << 16
_BOUNDS: t.Final = http.Bounds()
_MOST_DOCUMENTS = 200
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_BEFORE_SENDING = (
    requests.exceptions.ConnectTimeout,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    ssl.SSLCertVerificationError,
)
_TOO_LATE = (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError)


class NotSent(ConnectorError):
    """The request did not reach the system (no connection, name unknown, certificate refused)."""


class AnswerLost(ConnectorError):
    """The request was sent, or may have been, and no complete answer came back (timeout, reset)."""


class AnswerLate(AnswerLost):
    """The answer did not come within the time allowed; less to answer may be answered in time."""


class AnswerTooLarge(AnswerLost):
    """The answer is larger than is read; asked for again it would be the same."""


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, read completely.

    Attributes:
        status: HTTP status.
        content: Body.
        headers: Header fields, names in lower case.
    """

    status: int
    content: bytes
    headers: t.Mapping[str, str]

    @property
    def retry_after(self) -> float | None:
        """Seconds the system asks to wait, if it does."""
        return http.retry_after(self.headers)


class SoapTransport:
    """Sends requests over kept-alive connections; usable from many threads, each has its own session.

    Args:
        user_agent: What to call ourselves.
        connect_timeout: Seconds for the connection to stand.
        read_timeout: Seconds without a byte before an answer counts as lost.
        bounds: What an answer may be at most.
        reach: Where requests may go; None: anywhere.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        connect_timeout: float = 10.0,
        read_timeout: float = 300.0,
        bounds: http.Bounds = _BOUNDS,
        reach: http.Reach | None = None,
    ) -> None:
        self._user_agent = user_agent
        self._bounds = bounds
        self._reach = reach
        self._timeout = (connect_timeout, read_timeout)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._sessions: list[requests.Session] = []

    def get(self, url: str, headers: t.Mapping[str, str] | None = None) -> Reply:
        """Fetch a URL; redirects are not followed."""
        return self._send("GET", url, None, headers or {})

    def post(self, url: str, body: bytes, headers: t.Mapping[str, str]) -> Reply:
        """Send a body once; redirects are not followed, nothing is repeated.

        Raises:
            NotSent: It certainly did not arrive.
            AnswerLost: It may have arrived.
        """
        return self._send("POST", url, body, headers)

    def post_form(self, url: str, form: t.Mapping[str, str], headers: t.Mapping[str, str]) -> Reply:
        """Send a form, as token endpoints want it."""
        body = urllib.parse.urlencode(form).encode()
        return self._send("POST", url, body, {"Content-Type": "application/x-www-form-urlencoded", **headers})

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for session in self._sessions:
                session.close()
            self._sessions.clear()
            self._local = threading.local()

    def _send(self, method: str, url: str, body: bytes | None, headers: t.Mapping[str, str]) -> Reply:
        http.check_base_url(urllib.parse.urlsplit(url)._replace(query="").geturl())
        if self._reach is not None:
            self._reach.check(url)
        where = urllib.parse.urlsplit(url).netloc
        try:
            with (
                watched(self._bounds.longest_call_seconds) as deadline,
                self._session(urllib.parse.urlsplit(url).hostname or "").request(
                    method,
                    url,
                    data=body,
                    headers=dict(headers),
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                ) as answer,
            ):
                content = self._content(answer)
                if deadline.passed:  # what looks like its end may be where it was cut off
                    raise AnswerLate(f"{deadline}, from {where}")
        except requests.RequestException as error:
            if deadline.passed:
                raise AnswerLate(f"{deadline}, from {where}") from error
            if _certainly_unsent(error):
                raise NotSent(f"no connection to {where} ({_innermost(error)})") from error
            lost = AnswerLate if _is_late(error) else AnswerLost
            raise lost(f"no complete answer from {where} ({_innermost(error)})") from error
        lower = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status_code, content, lower)

    def _content(self, answer: requests.Response) -> bytes:
        if "," in answer.headers.get("Content-Encoding", ""):
            raise AnswerTooLarge("its answer is not read: it is packed more than once")
        parts, size = [], 0
        for part in answer.iter_content(_PART):
            size += len(part)
            if size > self._bounds.most:
                raise AnswerTooLarge(f"its answer is not read: {self._bounds.too_large}")
            parts.append(part)
        return b"".join(parts)

    def _session(self, host: str) -> requests.Session:
        sessions: dict[str, requests.Session] | None = getattr(self._local, "sessions", None)
        if sessions is None:
            sessions = self._local.sessions = {}
        session = sessions.get(host)
        if session is None:
            session = sessions[host] = requests.Session()
            session.headers["User-Agent"] = self._user_agent
            for scheme in ("https://", "http://"):
                session.mount(scheme, BoundedAdapter())
            session.auth = _leave_as_is  # a .netrc entry must not add credentials nobody configured
            session.trust_env = host not in _THIS_MACHINE  # no proxy stands between us and ourselves
            with self._lock:
                self._sessions.append(session)
        return session


class WsdlStore:
    """Service descriptions fetched from the system itself, kept on disk.

    A description is fetched again after ``max_age``; when that fails the kept copy serves on.

    Args:
        folder: Where copies are kept; created when needed.
        fetch: Fetches a URL and returns the document, raising a ``ConnectorError`` when it cannot.
        max_age: Seconds a copy is taken without asking.
    """

    def __init__(self, folder: pathlib.Path, fetch: t.Callable[[str], bytes], max_age: float = _DAY) -> None:
        self._folder = folder
        self._fetch = fetch
        self._max_age = max_age

    def load(self, url: str) -> bytes:
        """Return the document at ``url``, from disk when it is fresh enough or the system cannot be reached.

        Raises:
            ConnectorError: It could not be fetched and there is no copy.
        """
        kept = self._folder / _file_name(url)
        if _age(kept) < self._max_age:
            return kept.read_bytes()
        try:
            content = self._fetch(url)
        except ConnectorError as error:
            if not kept.is_file():
                raise
            _LOG.warning("%s; the copy of %s is used", error, time.strftime("%F", time.gmtime(kept.stat().st_mtime)))
            return kept.read_bytes()
        _write(kept, content)
        return content


def describe(store: WsdlStore, url: str) -> zeep.Client:
    """Return zeep's reading of the WSDL at ``url`` and of whatever it imports from the same host."""
    settings = zeep.Settings(strict=False, xml_huge_tree=True)
    return zeep.Client(url, transport=_Stored(store, url), settings=settings)  # type: ignore[no-untyped-call]


def envelope(
    header: t.Sequence[etree._Element], body: etree._Element, namespaces: t.Mapping[str, str]
) -> etree._Element:
    """Return a SOAP 1.1 message around a request."""
    root = etree.Element(f"{{{SOAP_ENV}}}Envelope", nsmap={"env": SOAP_ENV, **namespaces})
    etree.SubElement(root, f"{{{SOAP_ENV}}}Header").extend(header)
    etree.SubElement(root, f"{{{SOAP_ENV}}}Body").append(body)
    return root


def parse_xml(content: bytes, bounds: http.Bounds = _BOUNDS) -> etree._Element:
    """Parse an answer without resolving entities or touching the network.

    What is damaged in single places is read on with a replacement, and told with record and element.

    Args:
        content: The answer.
        bounds: What it may be at most.

    Raises:
        TooMuch: It is nested too deeply.
        ValueError: It is not XML, or brings definitions of its own, which SOAP forbids.
    """
    try:
        root = _parsed(content.lstrip())
    except etree.XMLSyntaxError:
        try:
            root = _parsed(mended_xml(content))
        except etree.XMLSyntaxError as error:
            if "depth" in str(error):
                raise TooMuch(bounds.too_deep) from error
            raise ValueError(str(error)) from error
        for element in root.iter(etree.Element):
            if REPLACEMENT in "".join((element.text or "", *element.attrib.values())):
                _LOG.warning("Of an answer %s is damaged; what cannot be read is replaced by U+FFFD.", _place(element))
    if _deeper_than(bounds.deepest_answer)(root):
        raise TooMuch(bounds.too_deep)
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValueError("it has a document type of its own")
    return root


@functools.cache
def _deeper_than(levels: int) -> etree.XPath:
    return etree.XPath(f"boolean({'/*' * (levels + 1)})")


def _parsed(content: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True)
    root = etree.fromstring(content, parser)
    if root is None:
        raise ValueError("empty document")
    return root


def _place(element: etree._Element) -> str:
    """Return the path of an element below what it is part of, and what that is called: its first id."""
    path = [etree.QName(element).localname]
    for above in element.iterancestors():
        reference = next((each for each in above if str(each.tag).endswith("_Reference") and len(each)), None)
        if reference is not None and reference is not element.getparent():
            return f"{'/'.join(path)} of {etree.QName(above).localname} {(reference[-1].text or '').strip()}"
        path.insert(0, etree.QName(above).localname)
    return "/".join(path)


class _Stored(zeep.transports.Transport):
    """Gives zeep documents from the store only, and only from the host of the WSDL."""

    def __init__(self, store: WsdlStore, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._store = store
        self._host = urllib.parse.urlsplit(url).netloc
        self._loaded: set[str] = set()

    def load(self, url: str) -> bytes:
        self._loaded.add(url)
        if len(self._loaded) > _MOST_DOCUMENTS:
            raise ConnectorError(f"the service description imports more than {_MOST_DOCUMENTS} documents")
        if urllib.parse.urlsplit(url).netloc != self._host:
            raise ConnectorError(f"the service description imports {url} from another host; it is not fetched")
        return self._store.load(url)


def _leave_as_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _causes(error: BaseException) -> t.Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[t.Any] = [error]
    while waiting:
        current = waiting.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        # Not __context__: it may hold an older failure that was being handled when this request was made.
        waiting += [current.__cause__, getattr(current, "reason", None), *current.args]


def _certainly_unsent(error: BaseException) -> bool:
    return any(isinstance(cause, _BEFORE_SENDING) for cause in _causes(error))


def _is_late(error: BaseException) -> bool:
    return any(isinstance(cause, _TOO_LATE) for cause in _causes(error))


def _innermost(error: BaseException) -> str:
    *_, last = _causes(error)
    return re.sub(r"<[^>]*object at 0x[0-9a-f]+>:? ?", "", str(last)) or type(last).__name__


def _file_name(url: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", urllib.parse.urlsplit(url).path).strip("-")[-80:]
    return f"{readable}-{hashlib.sha256(url.encode()).hexdigest()[:16]}.wsdl"


def _age(path: pathlib.Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return float("inf")


def _write(path: pathlib.Path, content: bytes) -> None:
    make_folder(path.parent)
    replace_private_file(path, content)
