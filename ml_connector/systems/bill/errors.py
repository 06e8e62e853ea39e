"""What BILL says when it refuses, and which of our errors it is.

The code in the body decides, then the status: the status of a throttled call is not documented and differs
between observers (sheet bill 0.4, 2.3, 7).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

import httpx

from ml_connector.errors import (
    Conflict,
    CredentialsRefused,
    NotFound,
    PermissionDenied,
    Rejected,
    SystemFault,
    Throttled,
    Unavailable,
)
from ml_connector.mending import TooMuch
from ml_connector.transport.http import decode_json, quoted, retry_after

__all__ = [
    "HOURLY_QUOTA",
    "TOO_MANY_AT_ONCE",
    "is_bad_query",
    "is_stale_session",
    "read_fault",
    "seconds_to_next_hour",
]

SYSTEM: t.Final = "bill"
HOURLY_QUOTA: t.Final = "BDC_1144"
TOO_MANY_AT_ONCE: t.Final = "BDC_1322"

_BAD_CREDENTIALS = frozenset({"BDC_1101", "BDC_1102", "BDC_1103", "BDC_1104"})
_LOCKED = frozenset({"BDC_1107", "BDC_1110"})
_SESSION_INVALID = "BDC_1109"
_SESSION_UNTRUSTED_OR_EXPIRED = "BDC_1361"
_NO_PERMISSION = frozenset({"BDC_1145", "BDC_1150", "BDC_1151", "BDC_1302"})
_NOT_FOUND = frozenset({"BDC_1120", "BDC_1121", "BDC_1205"})
_UNKNOWN = frozenset({"BDC_1001", "BDC_1002"})
_BAD_QUERY = frozenset({"BDC_1119", "BDC_1129", "BDC_1130", "BDC_1131"})
_DUPLICATE = "BDC_1171"
_TEMPORARY_STATUSES = frozenset({408, 500, 502, 503, 504})
_PERMISSION_CURE = "Give the user that logs in a role in BILL that may, or leave out the stream or list it is about."
_SESSION_CURE = (
    "A new session was refused as well: run again later, and see whether another program logs this user out."
)
_TRUST_CURE = 'It needs a session BILL trusts: set "remember_me_id" and "device" of a sign-in with a second factor.'


@dataclasses.dataclass(frozen=True, slots=True)
class _Said:
    """What a body says: its first code and all of its messages."""

    code: str | None
    message: str


def read_fault(
    answer: httpx.Response,
    operation: str,
    *,
    base_url: str,
    secrets: t.Iterable[str] = (),
    login: bool = False,
) -> SystemFault | None:
    """Return the fault an answer to a read or a login stands for, or None when it is good.

    Args:
        answer: The answer, its body read.
        operation: What was asked, in BILL's words (``GET /v3/bills``).
        base_url: Where, for hints about mixed-up environments.
        secrets: What may not be quoted.
        login: Whether it is the answer to a login.
    """
    said = _read_body(answer.content, secrets, refused=not answer.is_success)
    if answer.is_success:
        if said is None:
            return None
        if said.code is None:
            return Unavailable(SYSTEM, operation, said.message, status=answer.status_code)
    said = said or _Said(None, f"HTTP {answer.status_code} without a message")
    return _classify(_Case(answer, operation, said, base_url, login))


def is_stale_session(fault: SystemFault | None) -> bool:
    """Whether a new login can help (sheet bill 2.3); never when it is untrusted, it would stay so."""
    return isinstance(fault, CredentialsRefused) and (
        fault.code in (_SESSION_INVALID, _SESSION_UNTRUSTED_OR_EXPIRED)
        or (fault.status == 401 and fault.code not in _BAD_CREDENTIALS | _LOCKED)
    )


def is_bad_query(fault: SystemFault) -> bool:
    """Whether BILL refuses a filter, a sort or a parameter, rather than the call as such (sheet bill 7)."""
    return isinstance(fault, Rejected) and (fault.status == 400 or fault.code in _BAD_QUERY)


def seconds_to_next_hour(now: dt.datetime | None = None) -> float:
    """Return when a used-up hourly quota starts anew (sheet bill 6), in seconds."""
    now = now or dt.datetime.now(dt.UTC)
    return 3600.0 - (now.minute * 60 + now.second + now.microsecond / 1e6)


@dataclasses.dataclass(frozen=True, slots=True)
class _Case:
    answer: httpx.Response
    operation: str
    said: _Said
    base_url: str
    login: bool

    def make(self, kind: type[SystemFault], **more: t.Any) -> SystemFault:
        return kind(
            SYSTEM,
            self.operation,
            self.said.message,
            code=self.said.code,
            status=self.answer.status_code,
            **more,
        )


def _classify(case: _Case) -> SystemFault:
    by_code = _by_code(case)
    fault = by_code if by_code is not None else _by_status(case)
    if case.login and isinstance(fault, (Rejected, NotFound, PermissionDenied)):
        # Whatever BILL has against a login, a second one would not be taken either, and may lock the account.
        return case.make(CredentialsRefused, cure=_environment_cure(case.base_url))
    return fault


def _by_code(case: _Case) -> SystemFault | None:  # noqa: C901, PLR0911 - a table of codes
    code = case.said.code
    if code in _BAD_CREDENTIALS:
        return case.make(CredentialsRefused, cure=_environment_cure(case.base_url))
    if code in _LOCKED:
        return case.make(CredentialsRefused, cure="Wait 15 minutes before the next login; more attempts prolong it.")
    if code == _SESSION_INVALID:
        return case.make(CredentialsRefused, cure=_SESSION_CURE)
    if code == _SESSION_UNTRUSTED_OR_EXPIRED:
        if "untrusted" in case.said.message.lower():
            return case.make(PermissionDenied, cure=_TRUST_CURE)
        return case.make(CredentialsRefused, cure=_SESSION_CURE)
    if code == HOURLY_QUOTA:
        cure = f"Run again in the next full hour{'' if case.login else ', or set wait_for_quota'}."
        return case.make(Throttled, retry_after=seconds_to_next_hour(), cure=cure)
    if code == TOO_MANY_AT_ONCE:
        return case.make(Throttled, retry_after=retry_after(case.answer.headers))
    if code in _NO_PERMISSION:
        return case.make(PermissionDenied, cure=_PERMISSION_CURE)
    if code in _NOT_FOUND:
        return case.make(NotFound)
    if code == _DUPLICATE:
        return case.make(Conflict)
    if code in _UNKNOWN and not 400 <= case.answer.status_code < 500:
        return case.make(Unavailable)
    return None


def _by_status(case: _Case) -> SystemFault:
    status = case.answer.status_code
    if status == 401:
        cure = _environment_cure(case.base_url) if case.login else _SESSION_CURE
        return case.make(CredentialsRefused, cure=cure)
    if status == 403:
        return case.make(PermissionDenied, cure=_PERMISSION_CURE)
    kinds: dict[int, type[SystemFault]] = {404: NotFound, 409: Conflict}
    if status == 429:
        return case.make(Throttled, retry_after=retry_after(case.answer.headers))
    if status in _TEMPORARY_STATUSES or status >= 500:
        return case.make(Unavailable)
    return case.make(kinds.get(status, Rejected))


def _environment_cure(base_url: str) -> str:
    if "stage" in base_url:
        return "The base_url is the sandbox gateway; production keys and users do not work there."
    if "prod" in base_url:
        return "The base_url is the production gateway; sandbox keys and users do not work there."
    return "Check that dev_key, username, password and organization_id belong to the environment of base_url."


def _read_body(body: bytes, secrets: t.Iterable[str], *, refused: bool) -> _Said | None:
    """Return what an error body says; None for a body that is no error, such as an object with results.

    Args:
        body: The body.
        secrets: What may not be quoted.
        refused: Whether the status says that it is an error, whatever else stands beside its message.
    """
    try:
        value = decode_json(body)
    except TooMuch:
        return None  # whoever reads it says so
    except ValueError:
        text = body[:2000].decode("utf-8", "replace")
        return _Said(None, "an answer that is not JSON: " + quoted(text, secrets, limit=160)) if text.strip() else None
    entries = [value] if isinstance(value, dict) else value
    if not isinstance(entries, list) or not entries or not all(_is_error(entry, refused=refused) for entry in entries):
        return None
    code = next((str(entry["code"]) for entry in entries if entry.get("code")), None)
    messages = [quoted(str(entry.get("message") or entry.get("detail") or ""), secrets) for entry in entries]
    return _Said(code, "; ".join(dict.fromkeys(filter(None, messages))) or "no message")


def _is_error(entry: t.Any, *, refused: bool) -> bool:
    if not isinstance(entry, dict):
        return False
    if refused:
        return any(entry.get(name) for name in ("message", "detail", "code"))
    if "id" in entry:
        return False
    return "severity" in entry or str(entry.get("code", "")).startswith("BDC_") or set(entry) == {"message"}
