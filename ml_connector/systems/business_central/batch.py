"""Several requests in one: ``$batch`` (sheet business-central 4)."""

from __future__ import annotations

import dataclasses
import typing as t

from ml_connector.errors import OutcomeUnknown, SystemFault, Unavailable
from ml_connector.systems.business_central.companies import without_company
from ml_connector.systems.business_central.errors import SYSTEM, classified
from ml_connector.systems.business_central.values import decoded
from ml_connector.transport.http import decode_json

__all__ = ["MOST_REQUESTS", "BatchAnswer", "BatchRequest", "envelope", "read_answers"]

MOST_REQUESTS: t.Final = 100


@dataclasses.dataclass(frozen=True, slots=True)
class BatchRequest:
    """One request of a batch.

    Attributes:
        method: ``GET``, ``POST``, ``PATCH`` or ``DELETE``.
        path: Below the service root, with its query if it has one; no slash in front.
        body: Of a write.
        etag: Of the row that is changed or deleted.
    """

    method: str
    path: str
    body: t.Mapping[str, t.Any] | None = None
    etag: str | None = None

    @property
    def reads(self) -> bool:
        """Whether repeating it does no harm."""
        return self.method == "GET"


@dataclasses.dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What became of one request of a batch.

    Attributes:
        status: Its own status; None when there was no answer to it.
        body: What it answered, decoded; empty for nothing.
        fault: What went wrong, classified by itself; None when nothing did.
    """

    status: int | None
    body: t.Mapping[str, t.Any]
    fault: SystemFault | None = None


def envelope(requests: t.Sequence[BatchRequest]) -> dict[str, t.Any]:
    """Return the body of a batch; ids are the numbers of the requests."""
    return {"requests": [_part(number, request) for number, request in enumerate(requests)]}


def read_answers(requests: t.Sequence[BatchRequest], said: t.Any) -> list[BatchAnswer]:
    """Return one answer per request, in their order.

    Without ids the answers come in the order of the requests (sheet 4). A request without an answer may or may not
    have been carried out.

    Raises:
        ValueError: It is no answer to a batch.
    """
    parts = said.get("responses") if isinstance(said, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise ValueError("no list of responses")
    by_id = {str(number if part.get("id") is None else part["id"]): part for number, part in enumerate(parts)}
    return [_answer(request, by_id.get(str(number))) for number, request in enumerate(requests)]


def _part(number: int, request: BatchRequest) -> dict[str, t.Any]:
    headers = {"Accept-Language": "en-US"}
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    if request.etag is not None:
        headers["If-Match"] = request.etag
    part: dict[str, t.Any] = {
        "id": str(number),
        "method": request.method,
        "url": request.path,
        "headers": headers,
    }
    if request.body is not None:
        part["body"] = dict(request.body)
    return part


def _answer(request: BatchRequest, part: t.Mapping[str, t.Any] | None) -> BatchAnswer:
    operation = f"{request.method} {without_company(request.path.partition('?')[0])}"
    if part is None or not part.get("status"):
        kind = Unavailable if request.reads else OutcomeUnknown
        return BatchAnswer(None, {}, kind(SYSTEM, operation, "the batch holds no answer to it"))
    status, body = int(part["status"]), _content(part.get("body"))
    fault = classified(operation, status, body, reads=request.reads, conditional=request.etag is not None)
    if fault is None and request.reads and not isinstance(body, dict):
        fault = Unavailable(SYSTEM, operation, "an answer of another shape", status=status)
    return BatchAnswer(status, decoded(body) if isinstance(body, dict) else {}, fault)


def _content(body: t.Any) -> t.Any:
    """Return a body as a value; one that came as text may be JSON all the same."""
    try:
        return decode_json(body.encode()) if isinstance(body, str) else body
    except ValueError:
        return body
