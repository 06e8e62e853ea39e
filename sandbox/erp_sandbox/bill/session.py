"""Logging in to BILL and staying logged in (sheet bill 2)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from erp_sandbox import credentials
from erp_sandbox.bill import errors
from erp_sandbox.bill.errors import BillRefusalError
from erp_sandbox.bill.limits import Limits
from erp_sandbox.bill.rules import BillRules
from erp_sandbox.clock import Clock

DEV_KEYS = frozenset({credentials.BILL_DEV_KEY, credentials.BILL_OTHER_DEV_KEY})

_REQUIRED = ("username", "password", "organizationId", "devKey")
_OPTIONAL = ("rememberMeId", "device")


@dataclass(slots=True)
class Session:
    """A login: it belongs to one organization and one developer key (sheet bill 2.2)."""

    session_id: str
    dev_key: str
    organization_id: str
    user_id: str
    trusted: bool
    idle: timedelta
    last_used: datetime


class Sessions:
    """All logins of the stand-in.

    Args:
        has_organization: Tells whether an organization id exists.
    """

    def __init__(self, rules: BillRules, clock: Clock, limits: Limits, has_organization: Callable[[str], bool]) -> None:
        self._rules = rules
        self._clock = clock
        self._limits = limits
        self._has_organization = has_organization
        self._sessions: dict[str, Session] = {}
        self._failures: dict[str, int] = {}
        self._locked_until: dict[str, datetime] = {}
        self.logins = 0

    def log_in(self, body: Any) -> Session:
        """Open a session for a login request's body.

        Raises:
            BillRefusalError: the body is malformed, a credential is wrong, or there were too many logins.
        """
        fields = _login_fields(body)
        if fields["devKey"] not in DEV_KEYS:
            raise errors.developer_key_invalid()
        self._limits.count_login(fields["devKey"])
        self._refuse_locked(fields["username"])
        user_id = _user_id(fields["username"], fields["password"])
        if user_id is None or not self._has_organization(fields["organizationId"]):
            self._note_failure(fields["username"])
            raise BillRefusalError(401, "BDC_1101", "Invalid username or password.")
        self._failures.pop(fields["username"], None)
        is_token = user_id == credentials.BILL_SYNC_USER_ID
        session = Session(
            session_id=str(uuid.uuid4()),
            dev_key=fields["devKey"],
            organization_id=fields["organizationId"],
            user_id=user_id,
            trusted=not is_token and _is_remembered(fields),
            idle=self._rules.token_idle if is_token else self._rules.user_idle,
            last_used=self._clock.now(),
        )
        self._sessions[session.session_id] = session
        self.logins += 1
        return session

    def require(self, session_id: str | None, dev_key: str | None) -> Session:
        """The live session of a call, its idle time starting anew.

        Raises:
            BillRefusalError: BDC_1102 for the key, BDC_1109 (or as the rules say) for the session.
        """
        if dev_key not in DEV_KEYS:
            raise errors.developer_key_invalid()
        session = self._sessions.get(session_id or "")
        if session is None or session.dev_key != dev_key:
            raise self._dead()
        now = self._clock.now()
        if now - session.last_used > session.idle:
            del self._sessions[session.session_id]
            raise self._dead()
        session.last_used = now
        return session

    def organization_of(self, session_id: str) -> str | None:
        """The organization of a session, also of one that has idled out; None for an unknown session."""
        session = self._sessions.get(session_id)
        return session.organization_id if session is not None else None

    def log_out(self, session: Session) -> None:
        """End a session."""
        self._sessions.pop(session.session_id, None)

    def expire(self, session_id: str) -> None:
        """Let one session be over, as if it had idled out."""
        self._sessions.pop(session_id, None)

    def expire_all(self) -> None:
        """Let every session be over."""
        self._sessions.clear()

    def _dead(self) -> BillRefusalError:
        return errors.session_invalid() if self._rules.expiry_status == 401 else errors.session_expired_forbidden()

    def _refuse_locked(self, username: str) -> None:
        until = self._locked_until.get(username)
        if until is None:
            return
        if self._clock.now() < until:
            raise BillRefusalError(423, "BDC_1107", "The login is locked. Try again later.")
        del self._locked_until[username]

    def _note_failure(self, username: str) -> None:
        self._failures[username] = self._failures.get(username, 0) + 1
        if self._failures[username] >= self._rules.failed_logins:
            self._locked_until[username] = self._clock.now() + self._rules.lock
            self._failures[username] = 0


def _login_fields(body: Any) -> dict[str, str]:
    if not isinstance(body, dict):
        raise BillRefusalError(400, "BDC_1119", "The request body must be a JSON object.")
    missing = [f"{name}: must not be null" for name in _REQUIRED if body.get(name) in (None, "")]
    if missing:
        raise BillRefusalError(400, None, *missing)
    unknown = sorted(set(body) - set(_REQUIRED) - set(_OPTIONAL))
    if unknown:
        raise BillRefusalError(400, "BDC_1002", *(f"Unrecognized field: {name}" for name in unknown))
    if any(not isinstance(value, str) for value in body.values()):
        raise BillRefusalError(400, "BDC_1119", "All fields of a login must be strings.")
    if ("rememberMeId" in body) != ("device" in body):
        raise BillRefusalError(400, None, "rememberMeId and device: must be given together")
    return body


def _user_id(username: str, password: str) -> str | None:
    known = {
        (credentials.BILL_USERNAME, credentials.BILL_PASSWORD): credentials.BILL_USER_ID,
        (credentials.BILL_SYNC_TOKEN_NAME, credentials.BILL_SYNC_TOKEN_VALUE): credentials.BILL_SYNC_USER_ID,
    }
    return known.get((username, password))


def _is_remembered(fields: dict[str, str]) -> bool:
    remembered = (credentials.BILL_REMEMBER_ME_ID, credentials.BILL_DEVICE)
    return (fields.get("rememberMeId"), fields.get("device")) == remembered
