"""What a write has done, for the audit; and writing to rows that others change at the same time."""

from __future__ import annotations

import contextlib
import typing as t

import msgspec

from ml_connector.errors import OutcomeUnknown, SystemFault
from ml_connector.sensitive import masked
from ml_connector.systems.business_central.errors import EntityChanged
from ml_connector.transport.http import redacted

__all__ = ["Written", "audit_text", "on_fresh_data", "written_already"]

_READS_AGAIN: t.Final = 3
_LONGEST_AUDIT_TEXT: t.Final = 20_000
_UNTOLD: t.Final = frozenset({"taxRegistrationNumber", "@odata.context"})
_encoder = msgspec.json.Encoder(decimal_format="number")

T = t.TypeVar("T")


class Written(t.NamedTuple):
    """A write that was done.

    Attributes:
        value: What Business Central answered, decoded; empty where it answers nothing.
        request: What was sent, for the audit, without secrets and tax numbers.
        response: What came back, likewise.
    """

    value: t.Mapping[str, t.Any]
    request: str
    response: str

    @classmethod
    def of(cls, body: t.Any, value: t.Mapping[str, t.Any]) -> Written:
        """Return the write of a body and its answer."""
        return cls(value, audit_text(body), audit_text(dict(value)))


def audit_text(value: t.Any) -> str:
    """Return a request or an answer as the audit keeps it, numbers of banks and taxpayers masked."""
    return _encoder.encode(redacted(masked(_told(value), tax=True))).decode()[:_LONGEST_AUDIT_TEXT]


def on_fresh_data(step: t.Callable[[], T]) -> T:
    """Return what a step comes to that reads, decides and writes with the etag it read; never ``If-Match: *``.

    Where somebody else was faster, it reads and decides again (sheet business-central 7).

    Raises:
        EntityChanged: Somebody is faster every time.
    """
    for _ in range(_READS_AGAIN):
        try:
            return step()
        except EntityChanged:
            continue
    return step()


@contextlib.contextmanager
def written_already() -> t.Iterator[None]:
    """Let no fault of what follows a write read as if the write had not been done: it has to be looked up.

    Raises:
        OutcomeUnknown: Something failed.
    """
    try:
        yield
    except SystemFault as fault:
        words = f"it was written, and then: {fault.message}"
        raise OutcomeUnknown(fault.system, fault.operation, words, code=fault.code, status=fault.status) from fault


def _told(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {name: _told(item) for name, item in value.items() if name not in _UNTOLD}
    return [_told(item) for item in value] if isinstance(value, list) else value
