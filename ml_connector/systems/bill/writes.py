"""What becomes of a write: done, certainly not done, or nobody knows.

BILL has no idempotency key for its data, so a write may only be sent again when it certainly was not processed: the
session was refused, a limit was answered by its own code, or there was no connection to begin with (sheet bill 7).
"""

from __future__ import annotations

import re
import typing as t

import httpx
import msgspec

from ml_connector.errors import Conflict, OutcomeUnknown, Rejected, SystemFault, Throttled, Unavailable
from ml_connector.sensitive import masked
from ml_connector.systems.bill.errors import HOURLY_QUOTA, SYSTEM, TOO_MANY_AT_ONCE
from ml_connector.transport.http import redacted

__all__ = ["Written", "audit_text", "encode_body", "lost_answer", "write_fault"]

ROLLED_BACK: t.Final = "BDC_1246"
"""Nothing of a bulk request was done, because of another part of it."""

_SYSTEM_ERRORS = frozenset({"BDC_1001", "BDC_1002"})
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_DUPLICATE = re.compile(r"\bduplicate|already (exists|in use|been used)", re.IGNORECASE)
_LONGEST_AUDIT_TEXT = 20_000
_encoder = msgspec.json.Encoder(decimal_format="number")


class Written(t.NamedTuple):
    """A write that was done.

    Attributes:
        value: What BILL answered, numbers exact.
        request: What was sent, for the audit, without secrets and bank details.
        response: What came back, likewise.
    """

    value: t.Any
    request: str
    response: str


def encode_body(body: t.Any) -> bytes:
    """Return JSON whose amounts are numbers with the decimals they have (sheet bill 8)."""
    return _encoder.encode(body)


def audit_text(value: t.Any) -> str:
    """Return a request or an answer as the audit keeps it, numbers of banks and taxpayers masked."""
    return _encoder.encode(redacted(masked(value, tax=True))).decode()[:_LONGEST_AUDIT_TEXT]


def lost_answer(operation: str, error: httpx.HTTPError) -> SystemFault:
    """Return what a write without an answer means: ``Unavailable`` only when it never left."""
    kind = Unavailable if isinstance(error, _NOT_SENT) else OutcomeUnknown
    return kind(SYSTEM, operation, f"no answer ({type(error).__name__}: {error})")


def write_fault(fault: SystemFault | None) -> SystemFault | None:
    """Return what a fault of an answer means when the request was a write.

    Args:
        fault: As ``read_fault`` classifies the answer.
    """
    if fault is None or (isinstance(fault, Throttled) and fault.code in (HOURLY_QUOTA, TOO_MANY_AT_ONCE)):
        return fault
    if fault.code == ROLLED_BACK:
        return _as(Rejected, fault)
    if isinstance(fault, (Throttled, Unavailable)) or (fault.code in _SYSTEM_ERRORS and not _refused(fault)):
        return _as(OutcomeUnknown, fault)
    if isinstance(fault, Rejected) and _DUPLICATE.search(fault.message):
        return _as(Conflict, fault)
    return fault


def _refused(fault: SystemFault) -> bool:
    return 400 <= (fault.status or 0) < 500


def _as(kind: type[SystemFault], fault: SystemFault) -> SystemFault:
    return kind(fault.system, fault.operation, fault.message, code=fault.code, status=fault.status, field=fault.field)
