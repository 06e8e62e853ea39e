"""What BILL answers when it refuses: an array of errors (sheet bill 7)."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from starlette.responses import Response


class BillRefusalError(Exception):
    """A call BILL refuses, with the HTTP status and the code of its body.

    Args:
        status: HTTP status.
        code: ``BDC_nnnn``; None for field validation, which BILL answers with messages only.
        messages: One entry of the array each.
        category: REQUEST, APPLICATION, SERVER or DOWNSTREAM.
    """

    def __init__(self, status: int, code: str | None, *messages: str, category: str = "REQUEST") -> None:
        super().__init__(f"{status} {code}: {'; '.join(messages)}")
        self.status = status
        self.code = code
        self.messages = messages
        self.category = category


@dataclass(frozen=True, slots=True)
class _Entry:
    message: str
    severity: str


@dataclass(frozen=True, slots=True)
class _CodedEntry:
    timestamp: str
    code: str
    severity: str
    category: str
    message: str


def refusal_response(refusal: BillRefusalError, timestamp: str) -> Response:
    """The answer for a refusal, stamped with the sandbox's time."""
    entries: list[_Entry | _CodedEntry] = [
        _Entry(message, "ERROR")
        if refusal.code is None
        else _CodedEntry(timestamp, refusal.code, "ERROR", refusal.category, message)
        for message in refusal.messages
    ]
    return Response(msgspec.json.encode(entries), refusal.status, media_type="application/json")


def session_invalid() -> BillRefusalError:
    """The session is unknown or has idled out (sheet bill 2.3)."""
    return BillRefusalError(401, "BDC_1109", "Session is invalid.  Please log in.", category="DOWNSTREAM")


def session_expired_forbidden() -> BillRefusalError:
    """The other signal of an expired session: 403 that does not say untrusted (sheet bill 2.3)."""
    return BillRefusalError(403, "BDC_1361", "The session has expired.", category="DOWNSTREAM")


def untrusted() -> BillRefusalError:
    """The operation moves money and the session is not MFA-trusted (sheet bill 2.3, 2.4)."""
    return BillRefusalError(403, "BDC_1361", "The session is untrusted: this operation requires MFA.")


def developer_key_invalid() -> BillRefusalError:
    """The devKey header or field is missing or unknown (sheet bill 2.3)."""
    return BillRefusalError(401, "BDC_1102", "Developer key is invalid.")


def no_permission(operation: str) -> BillRefusalError:
    """The user may not do this (sheet bill 2.3)."""
    return BillRefusalError(403, "BDC_1145", f"User does not have permission for {operation}.")


def not_supported(method: str, path: str) -> BillRefusalError:
    """No such path, or not with this verb or spelling (sheet bill 7)."""
    return BillRefusalError(404, "BDC_1121", f"API not supported: {method} {path}")


def no_such_object(kind: str, identifier: str) -> BillRefusalError:
    """No object with that id (sheet bill 7)."""
    return BillRefusalError(404, "BDC_1205", f"No {kind} found with id {identifier}.", category="APPLICATION")


def invalid_parameter(message: str) -> BillRefusalError:
    """A query parameter with a value BILL does not take (sheet bill 7)."""
    return BillRefusalError(400, "BDC_1129", message)


def bad_filter_field(resource: str, field: str) -> BillRefusalError:
    """A filter or sort on a field that this list does not offer (sheet bill 3.2, 7)."""
    return BillRefusalError(400, "BDC_1130", f"Invalid filter field: {field} is not supported for {resource}.")


def bad_filter_operator(field: str, operator: str) -> BillRefusalError:
    """An operator that this field does not offer (sheet bill 3.2, 7)."""
    return BillRefusalError(400, "BDC_1131", f"Invalid operator: {operator} is not supported for {field}.")


def hourly_quota(status: int) -> BillRefusalError:
    """The developer key has used up the hour (sheet bill 6)."""
    return BillRefusalError(status, "BDC_1144", "The hourly limit of API requests has been reached.")


def too_many_at_once(status: int) -> BillRefusalError:
    """More calls in flight than the organization may have (sheet bill 6)."""
    return BillRefusalError(status, "BDC_1322", "The limit of concurrent API requests has been reached.")
