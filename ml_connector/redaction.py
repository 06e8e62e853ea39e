"""Secrets in somebody else's words: known here once, hidden wherever words are kept, logged or shown.

Systems echo what they were sent: in a fault, a page of a proxy, an address. So whatever is read or obtained as a secret
is remembered here for as long as the process lives, and every error, reason, audit entry and line of the log goes
through :func:`without_secrets`. A secret is found as it is, and as addresses, XML, JSON and Base64 write it, also in
the middle of a longer text that was written so, such as ``Basic`` of user and password.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import sys
import threading
import traceback
import types
import typing as t
import urllib.parse
from xml.sax.saxutils import escape

from ml_connector.text import legible, on_record

__all__ = ["HIDDEN", "SHORTEST", "protect_log", "remember", "without_secrets"]

HIDDEN: t.Final = "***"
SHORTEST: t.Final = 6
"""Letters a secret has at least: what is shorter stands in ordinary words, which would be hidden with it."""
_SHORTEST_IN_BASE64: t.Final = 8
_QUOTES: t.Final[tuple[t.Mapping[str, str], ...]] = (
    {},
    {'"': "&quot;", "'": "&apos;"},
    {'"': "&quot;", "'": "&#39;"},
    {'"': "&#34;", "'": "&#39;"},
)
"""How XML may write quotes."""

_ESCAPED: t.Final = re.compile("%[0-9A-F]{2}")

_lock = threading.Lock()
_secrets: set[str] = set()
_forms: tuple[str, ...] = ()
"""How the secrets may be written, the longest first: of one that begins as another does nothing is left over."""


def remember(*secrets: str | None) -> None:
    """Hide these from now on.

    Args:
        secrets: As they are read or obtained; those that are not set are passed over.
    """
    global _forms  # noqa: PLW0603 - one process has one set of secrets
    new = {each for each in secrets if isinstance(each, str) and len(each) >= SHORTEST} - _secrets
    if not new:
        return
    with _lock:
        _secrets.update(new)
        written = {form for secret in _secrets for form in _written(secret)}
        _forms = tuple(sorted(written, key=lambda form: (-len(form), form)))


def without_secrets(text: str) -> str:
    """Return a text in which nothing that is remembered can be read."""
    for form in _forms:
        if form in text:
            text = text.replace(form, HIDDEN)
    return text


def protect_log() -> None:
    """Let no log record and no traceback of this process show a secret or command a terminal, whoever writes it."""
    made = logging.getLogRecordFactory()
    if getattr(made, "protects", False):
        return

    def record(*args: t.Any, **kwargs: t.Any) -> logging.LogRecord:
        return _protected(made(*args, **kwargs))

    record.protects = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(record)
    sys.excepthook = _traceback_shown


def _traceback_shown(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
    sys.stderr.write(legible(without_secrets("".join(traceback.format_exception(kind, error, trace)))))


def _protected(record: logging.LogRecord) -> logging.LogRecord:
    try:
        text = record.getMessage()
    except (TypeError, ValueError):  # whoever formats it is told of that by the log itself
        text = str(record.msg)
    safe = on_record(without_secrets(text))
    if safe != text:
        record.msg, record.args = safe, None
    if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
        told = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        record.exc_text = on_record(without_secrets(told))
    return record


def _written(secret: str) -> t.Iterator[str]:
    """Yield how a secret may be written."""
    for text in (secret, " ".join(secret.split())):
        yield text
        for written in (urllib.parse.quote(text, safe=""), urllib.parse.quote(text), urllib.parse.quote_plus(text)):
            yield written
            yield _ESCAPED.sub(lambda found: found[0].lower(), written)
        yield from (escape(text, dict(entities)) for entities in _QUOTES)
        yield html.escape(text)
        for ascii_only in (True, False):
            written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
            yield written
            yield written.replace("/", "\\/")
        yield repr(text)[1:-1]
    yield from _in_base64(secret.encode("utf-8", "surrogatepass"))


def _in_base64(secret: bytes) -> t.Iterator[str]:
    """Yield what is in any Base64 of a text with the secret in it, whatever stands before and behind it there."""
    for before in range(3):
        # A letter of Base64 is six bits: those that the bytes before and behind take part in are left out.
        first, last = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            middle = encode(b"\0" * before + secret).decode()[first:last]
            if len(middle) >= _SHORTEST_IN_BASE64:
                yield middle
