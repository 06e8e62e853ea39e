"""What Business Central says when it refuses, and which of our errors it is (sheet business-central 7).

The code in the body decides where it is more telling than the status. Answers come as JSON from the service, as XML
or HTML from what stands before it.
"""

from __future__ import annotations

import html
import logging
import re
import typing as t

import httpx

from ml_connector.errors import (
    Conflict,
    ConnectorError,
    CredentialsRefused,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    SettingInvalid,
    SystemFault,
    Throttled,
    Unavailable,
)
from ml_connector.transport.http import decode_json, quoted, retry_after

__all__ = ["SYSTEM", "EntityChanged", "Refusal", "TooSlow", "fault_of", "is_missing_field", "lost_answer", "said_by"]

SYSTEM: t.Final = "business_central"

_CORRELATION = re.compile(r"\s*CorrelationId:\s*[0-9a-fA-F-]{36}\.?\s*$")
_COME_BACK = re.compile(
    r"\b(try|retry)\b.{0,40}\b(again|later)\b|locked by another|lock timeout|deadlock", re.IGNORECASE
)
_EXISTS = re.compile(r"\balready (exists|in use|been used)\b", re.IGNORECASE)
_SAME_KEY = frozenset({"Internal_EntityWithSameKeyExists"})
_NOT_FOUND = frozenset(
    {
        "BadRequest_NotFound",
        "BadRequest_ResourceNotFound",
        "Internal_RecordNotFound",
        "Internal_DataNotFoundFilter",
        "Internal_CompanyNotFound",
    }
)
_DOWN = frozenset({"Internal_ServerError", "Internal_TenantUnavailable"})
_TOO_LONG = frozenset({408, 504})
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_APP_CURE: t.Final = (
    'Open the page "Microsoft Entra applications" in Business Central: the app must be listed there, enabled, and '
    "have permission sets; and its permission API.ReadWrite.All needs an administrator's consent."
)
_log = logging.getLogger(__name__)


class EntityChanged(Conflict):
    """The row has changed since it was read: its etag is no longer the one that was sent. Read it again."""


class TooSlow(Unavailable):
    """The call took too long; for a page, a smaller one may not."""


class Refusal(t.NamedTuple):
    """What a body says.

    Attributes:
        code: The code, if there is one.
        message: The words, without the id of the call.
    """

    code: str | None
    message: str


def fault_of(
    answer: httpx.Response,
    operation: str,
    *,
    environment: str,
    reads: bool,
    conditional: bool = False,
    secrets: t.Iterable[str] = (),
) -> ConnectorError | None:
    """Return the fault an answer stands for, or None when it is good.

    Args:
        answer: The answer, its body read.
        operation: What was asked (``GET vendors``).
        environment: Name of the environment, for messages.
        reads: Whether repeating it does no harm.
        conditional: Whether it was to be done only to a row that is as it was read.
        secrets: What may not be quoted.
    """
    if answer.is_success:
        return None
    said = said_by(answer.content, answer.status_code, secrets)
    _log.info(
        "%s answered with status %d; request-id %s, ms-correlation-x %s.",
        operation,
        answer.status_code,
        answer.headers.get("request-id", "none"),
        answer.headers.get("ms-correlation-x", "none"),
    )
    if said.code == "NoEnvironment":
        return SettingInvalid(
            f'Business Central has no environment "{environment}" in this tenant.',
            'Correct "environment"; the admin center lists the names.',
        )
    case = _Case(operation, said, answer.status_code, reads, conditional, retry_after(answer.headers))
    return _refused_meanwhile(case) or _temporary(case) or _refused(case)


def classified(operation: str, status: int, body: t.Any, *, reads: bool, conditional: bool) -> SystemFault | None:
    """Return the fault of one part of a batch, None when it is good.

    Args:
        operation: What was asked.
        status: The part's own status.
        body: The part's body: a JSON value, or the text of what stands before the service.
        reads: Whether repeating it does no harm.
        conditional: as for :func:`fault_of`.
    """
    if 200 <= status < 300:
        return None
    said = said_by(body.encode(), status) if isinstance(body, str) else _of_json(body)
    said = said or Refusal(None, f"HTTP {status} without a message")
    case = _Case(operation, said, status, reads, conditional, None)
    return _refused_meanwhile(case) or _temporary(case) or _refused(case)


def lost_answer(operation: str, error: httpx.HTTPError, *, reads: bool) -> SystemFault:
    """Return what a call without an answer means: for a write ``Unavailable`` only when it never left."""
    words = f"no answer ({type(error).__name__}: {error})"
    if isinstance(error, _NOT_SENT):
        return Unavailable(SYSTEM, operation, words)
    if not reads:
        return OutcomeUnknown(SYSTEM, operation, words)
    return (TooSlow if isinstance(error, httpx.TimeoutException) else Unavailable)(SYSTEM, operation, words)


def is_missing_field(fault: ConnectorError, field: str) -> bool:
    """Whether a filter was refused because the entity has no such field (sheet 3)."""
    return isinstance(fault, Rejected) and f"'{field}'" in fault.message and "property" in fault.message


def said_by(body: bytes, status: int, secrets: t.Iterable[str] = ()) -> Refusal:
    """Return what the body of a refusal says: JSON, XML, HTML or nothing."""
    try:
        said = _of_json(decode_json(body)) if body else None
    except ValueError:
        said = _of_markup(body[:4000].decode("utf-8", "replace"))
    if said is None or not said.message:
        return Refusal(said.code if said else None, f"HTTP {status} without a message")
    return Refusal(said.code, quoted(said.message, secrets))


class _Case(t.NamedTuple):
    operation: str
    said: Refusal
    status: int
    reads: bool
    conditional: bool
    after: float | None

    def make(self, kind: type[SystemFault], **more: t.Any) -> SystemFault:
        return kind(SYSTEM, self.operation, self.said.message, code=self.said.code, status=self.status, **more)


def _refused_meanwhile(case: _Case) -> SystemFault | None:
    """A row that changed: a read is repeated, a write begins with reading (sheet 7, 8.5).

    What needed no row as it was read met somebody else's work beside it: it is looked up, and done again.
    """
    changed = case.said.code == "Request_EntityChanged"
    if not changed and case.status not in (409, 412):
        return None
    if case.said.code in _SAME_KEY:
        return case.make(Conflict)
    if case.reads:
        return case.make(Unavailable)
    if case.conditional:
        return case.make(EntityChanged)
    return case.make(OutcomeUnknown if changed else Conflict)


def _temporary(case: _Case) -> SystemFault | None:
    if case.status == 429:  # turned away before it was looked at
        return case.make(Throttled, retry_after=case.after)
    come_back = case.status == 400 and _COME_BACK.search(case.said.message)
    if case.status in _TOO_LONG:  # may have been committed all the same (sheet 7)
        return case.make(TooSlow if case.reads else OutcomeUnknown)
    if (case.status >= 500 and case.status != 501) or case.said.code in _DOWN or come_back:
        if not case.reads:
            return case.make(OutcomeUnknown)
        return case.make(Throttled, retry_after=case.after) if case.after else case.make(Unavailable)
    return None


def _refused(case: _Case) -> SystemFault:
    code, status = case.said.code or "", case.status
    if status == 401 or code.startswith("Authentication_"):
        return case.make(CredentialsRefused, cure=_APP_CURE)
    if status == 403 or code.startswith("Authorization_"):
        return case.make(PermissionDenied, cure="Add the permission set it needs to the app in Business Central.")
    if code == "Internal_CompanyNotFound":
        return case.make(NotFound, cure='Correct "company".')
    if status == 404 or code in _NOT_FOUND:
        return case.make(NotFound)
    if code in _SAME_KEY or (not case.reads and _EXISTS.search(case.said.message)):
        return case.make(Conflict)
    return case.make(Rejected)


def _of_json(value: t.Any) -> Refusal | None:
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict):
        return None
    message = error.get("message")
    if isinstance(message, dict):  # OData of old
        message = message.get("value")
    return Refusal(str(error.get("code") or "") or None, _CORRELATION.sub("", str(message or "")))


def _of_markup(text: str) -> Refusal:
    code = re.search(r"<(?:\w+:)?code>(.*?)</", text, re.DOTALL | re.IGNORECASE)
    message = re.search(r"<(?:\w+:)?(?:message|title)\b[^>]*>(.*?)</", text, re.DOTALL | re.IGNORECASE)
    if message is None:
        words = re.sub(r"<[^>]*>", " ", text).strip()
        return Refusal(None, f"an answer that is not JSON: {html.unescape(words)[:160]}" if words else "")
    return Refusal(html.unescape(code[1]).strip() if code else None, _CORRELATION.sub("", html.unescape(message[1])))
