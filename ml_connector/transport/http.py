"""HTTP as all clients use it: checked addresses, answers within bounds, exact numbers, no secret in any text."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.utils
import functools
import ipaddress
import logging
import re
import ssl
import typing as t
from importlib import metadata

import httpx
import msgspec

from ml_connector.decimals import json_number
from ml_connector.errors import SettingInvalid
from ml_connector.mending import TooMuch, damages, mended_json
from ml_connector.redaction import HIDDEN, without_secrets
from ml_connector.transport.deadlines import bounded, calling

__all__ = [
    "DEEPEST_ANSWER",
    "LARGEST_ANSWER_MB",
    "LONGEST_CALL_SECONDS",
    "Bounds",
    "Reach",
    "check_base_url",
    "decode_as",
    "decode_json",
    "exchange",
    "open_client",
    "quoted",
    "redacted",
    "redacted_headers",
    "retry_after",
    "user_agent",
]

LARGEST_ANSWER_MB: t.Final = 512
"""More than any page of any system; what unpacks to more is no answer to what was asked."""
DEEPEST_ANSWER: t.Final = 100
"""More than any system nests; what copies, compares or writes values gives up far behind it."""
LONGEST_CALL_SECONDS: t.Final = 1800.0
"""More than any page or report takes; who sends so slowly sends nothing that is meant to be read."""

_SECRET_KEYS = frozenset(
    {
        "accesstoken",
        "accountnumber",
        "apikey",
        "assertion",
        "authorization",
        "clientassertion",
        "clientsecret",
        "cookie",
        "devkey",
        "iban",
        "password",
        "privatekey",
        "proxyauthorization",
        "refreshtoken",
        "remembermeid",
        "routingnumber",
        "secret",
        "securitykey",
        "sessionid",
        "setcookie",
        "token",
        "xbillshasignature",
    }
)
_OF_THE_WIRE: t.Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_decoder: msgspec.json.Decoder[t.Any] = msgspec.json.Decoder(float_hook=json_number)
_encoder = msgspec.json.Encoder(decimal_format="number")
_log = logging.getLogger(__name__)

_TEXTS: t.Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKETS: t.Final = bytes.maketrans(b"{}", b"[]")
_ALL_ELSE: t.Final = bytes(each for each in range(256) if each not in b"[]{}")

T = t.TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Bounds:
    """What an answer may be at most.

    Attributes:
        largest_answer_mb: Megabytes, unpacked.
        deepest_answer: Levels of lists and objects, or of elements, within each other.
        longest_call_seconds: Seconds from the call to the end of its answer.
    """

    largest_answer_mb: int = LARGEST_ANSWER_MB
    deepest_answer: int = DEEPEST_ANSWER
    longest_call_seconds: float = LONGEST_CALL_SECONDS

    @property
    def most(self) -> int:
        """Bytes of an answer, unpacked."""
        return self.largest_answer_mb * 1_000_000

    @property
    def too_large(self) -> str:
        """What is said of an answer that is larger."""
        return f"it is larger than the {self.largest_answer_mb} MB that are read (largest_answer_mb)"

    @property
    def too_deep(self) -> str:
        """What is said of an answer that is nested deeper."""
        return f"it is nested too deeply, more than the {self.deepest_answer} levels that are read (deepest_answer)"

    def check_depth(self, content: bytes) -> None:
        """See that JSON is not nested deeper.

        Raises:
            TooMuch: It is.
        """
        if content.count(b"[") + content.count(b"{") <= self.deepest_answer:
            return
        left = _TEXTS.sub(b"", content).translate(_BRACKETS, _ALL_ELSE)
        for _ in range(self.deepest_answer):
            inner = left.replace(b"[]", b"")  # one level of all of them
            if len(inner) == len(left):  # nothing left, or what is left is no JSON
                break
            left = inner
        if b"[]" in left or left.count(b"[") > self.deepest_answer:
            raise TooMuch(self.too_deep)


class Reach:
    """The addresses a client is configured with; no request leaves for another, whatever an answer says.

    Args:
        addresses: Those addresses; scheme, host and port count.
    """

    def __init__(self, *addresses: str) -> None:
        self._origins = frozenset(_origin(httpx.URL(each)) for each in addresses if each)

    def check(self, address: httpx.URL | str) -> None:
        """See that an address is one of them.

        Raises:
            SettingInvalid: It is not.
        """
        scheme, host, port = origin = _origin(httpx.URL(address))
        if origin not in self._origins:
            raise SettingInvalid(
                f"a call would have gone to {scheme}://{host}:{port}, which is not configured; nothing was sent.",
                "Look who answers at the addresses that are configured (base_url and its like).",
            )


def user_agent(product: str) -> str:
    """Return how we introduce ourselves: ``ml-connector/<version> (+tap-bill)``."""
    return f"ml-connector/{metadata.version('ml-connector')} (+{product})"


def check_base_url(url: str, *, setting: str = "base_url") -> str:
    """Return a base address without its last slash.

    Args:
        url: The address as the user wrote it.
        setting: Name of the setting, for the message.

    Raises:
        SettingInvalid: It is not ``https``, nor ``http`` on this machine, or it carries a login or a query.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise SettingInvalid(f'setting "{setting}" is not an address: {error}.', _ADDRESS_CURE) from error
    if not parsed.host or parsed.scheme not in ("http", "https"):
        raise SettingInvalid(f'setting "{setting}" is not a web address.', _ADDRESS_CURE)
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise SettingInvalid(
            f'setting "{setting}" carries a login, a query or a fragment.',
            "Leave only scheme, host and path; credentials have settings of their own.",
        )
    if parsed.scheme == "http" and not _is_loopback(parsed.host):
        raise SettingInvalid(f'setting "{setting}" would send secrets unencrypted to {parsed.host}.', _ADDRESS_CURE)
    return str(parsed).rstrip("/")


def open_client(
    base_url: str,
    *,
    product: str,
    timeout: float,
    agent: str | None = None,
    also: t.Iterable[str] = (),
    connections: int = 4,
    transport: httpx.BaseTransport | None = None,
) -> httpx.Client:
    """Return a client for one system.

    Args:
        base_url: Address of the system, checked here.
        product: Name of the plugin, part of the user agent.
        timeout: Seconds to wait for a connection, and for each part of an answer.
        agent: Another user agent.
        also: Further addresses it may send to; to any other nothing is sent.
        connections: How many connections are kept open at most.
        transport: Another transport, for tests.

    Raises:
        SettingInvalid: The address cannot be used.
    """
    base_url = check_base_url(base_url)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it writes a line per call, with the whole query
    trust_env = not _is_loopback(httpx.URL(base_url).host)
    reach = Reach(base_url, *also)
    client = httpx.Client(
        base_url=base_url,
        verify=_trusted(trust_env),
        timeout=httpx.Timeout(timeout, connect=min(timeout, 30.0)),
        headers={"User-Agent": agent or user_agent(product), "Accept": "application/json"},
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        transport=transport,
        trust_env=trust_env,
        event_hooks={"request": [lambda request: reach.check(request.url)]},
    )
    return bounded(client)


def exchange(client: httpx.Client, method: str, address: str, *, bounds: Bounds, **request: t.Any) -> httpx.Response:
    """Send a request and return its answer, read completely.

    Args:
        client: Of the system.
        method: HTTP method.
        address: As the client takes it.
        bounds: What the answer may be at most.
        request: What else ``httpx`` takes (``headers``, ``content``, ``params``).

    Raises:
        httpx.HTTPError: There was no complete answer.
        httpx.ReadTimeout: Among them: it was not complete within the time a call may take.
        SettingInvalid: It would have gone where the client is not to send anything.
        TooMuch: The answer is larger, or nested deeper.
    """
    with calling(bounds.longest_call_seconds) as deadline:
        try:
            with client.stream(method, address, **request) as answer:
                if "," in answer.headers.get("content-encoding", ""):
                    raise TooMuch("it is packed more than once")
                parts, size = [], 0
                for part in answer.iter_bytes():
                    size += len(part)
                    if size > bounds.most:
                        raise TooMuch(bounds.too_large)
                    parts.append(part)
        except httpx.TimeoutException as error:
            if deadline.passed:
                raise httpx.ReadTimeout(str(deadline), request=error.request) from error
            raise
    content = b"".join(parts)
    bounds.check_depth(content)
    told = [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in _OF_THE_WIRE]
    return httpx.Response(answer.status_code, headers=told, content=content, request=answer.request)


def decode_json(data: bytes | msgspec.Raw) -> t.Any:
    """Return the value of JSON text; numbers with a point are exact ``Decimal``, others ``int``.

    What is damaged in single places is read on with a replacement, and told with record and field.

    Raises:
        TooMuch: It is nested too deeply.
        ValueError: It is not JSON.
    """
    return decode_as(_decoder, data)


def decode_as(decoder: msgspec.json.Decoder[T], data: bytes | msgspec.Raw) -> T:
    """Return the value of JSON text as a decoder gives it; else as :func:`decode_json`."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        if decoder is not _decoder:  # as JSON it is in order, it is another thing than was expected
            raise
    except ValueError:
        pass
    except RecursionError as error:
        raise TooMuch("it is nested too deeply") from error
    value = mended_json(bytes(data))
    for damage in damages(value):
        _log.warning("Of an answer %s is damaged; what cannot be read of it is replaced by U+FFFD.", damage)
    if decoder is _decoder:
        return t.cast("T", value)
    return decoder.decode(_encoder.encode(value))


def redacted(value: t.Any) -> t.Any:
    """Return a copy of a JSON value in which the values of secret and bank keys are hidden."""
    if isinstance(value, t.Mapping):
        return {key: HIDDEN if _is_secret(key) else redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return value


def redacted_headers(headers: t.Mapping[str, str]) -> dict[str, str]:
    """Return headers whose secret values are hidden."""
    return {name: HIDDEN if _is_secret(name) else value for name, value in headers.items()}


def quoted(text: str, secrets: t.Iterable[str] = (), *, limit: int = 500) -> str:
    """Return somebody else's words as one line, shortened, without any of the secrets we know."""
    line = " ".join(text.split())
    for secret in secrets:
        if secret:
            line = line.replace(secret, HIDDEN)
    line = without_secrets(line)
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def retry_after(headers: t.Mapping[str, str], *, now: dt.datetime | None = None) -> float | None:
    """Return the seconds a ``Retry-After`` header asks for, given as seconds or as a date."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - (now or dt.datetime.now(dt.UTC))).total_seconds())


_ADDRESS_CURE: t.Final = "Write https://host/path; http:// is accepted for this machine only (127.0.0.1, localhost)."


@functools.cache
def _trusted(trust_env: bool) -> ssl.SSLContext:  # noqa: FBT001 - a key of the cache
    """Return the certificates to trust; reading them takes longer than many a call."""
    return httpx.create_ssl_context(trust_env=trust_env)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_secret(name: t.Any) -> bool:
    return isinstance(name, str) and name.replace("-", "").replace("_", "").lower() in _SECRET_KEYS
