"""What Business Central answers when it refuses (sheet 7). Codes are the documented ones."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["BusinessCentralRefusalError"]


class BusinessCentralRefusalError(Exception):
    """A call that is refused.

    Args:
        status: HTTP status.
        code: The ``error.code``.
        message: What ``error.message`` says before the correlation id.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message

    def body(self, correlation: str) -> dict[str, dict[str, str]]:
        """The answer's JSON; two spaces and a dot around the correlation id are the service's own (recorded)."""
        return {"error": {"code": self.code, "message": f"{self.message}  CorrelationId:  {correlation}."}}


@dataclass(frozen=True, slots=True)
class Correlation:
    """The ids of one call, in its headers and in what it is told."""

    value: str = field(default_factory=lambda: str(uuid.uuid4()))


def bad_request(message: str) -> BusinessCentralRefusalError:
    """The query or the body makes no sense to OData."""
    return BusinessCentralRefusalError(400, "BadRequest", message)


def dialog(message: str) -> BusinessCentralRefusalError:
    """A business rule refuses, in words meant for a user."""
    return BusinessCentralRefusalError(400, "Application_DialogException", message)


def field_validation(message: str) -> BusinessCentralRefusalError:
    """A field's own rule refuses its value."""
    return BusinessCentralRefusalError(400, "Application_FieldValidationException", message)


def not_in_related_table(field_name: str, table: str, value: str, related: str) -> BusinessCentralRefusalError:
    """A code that names nothing."""
    return BusinessCentralRefusalError(
        400,
        "Internal_InvalidTableRelation",
        f"The field {field_name} of table {table} contains a value ({value}) that cannot be found in the related "
        f"table ({related}).",
    )


def same_key(table: str, keys: str) -> BusinessCentralRefusalError:
    """Another record has that key."""
    return BusinessCentralRefusalError(
        400,
        "Internal_EntityWithSameKeyExists",
        f"The record in table {table} already exists. Identification fields and values: {keys}",
    )


def unknown_property(name: str, kind: str) -> BusinessCentralRefusalError:
    """A body holds a property its entity lacks."""
    return bad_request(
        f"The property '{name}' does not exist on type 'Microsoft.NAV.{kind}'. Make sure to only use property names "
        "that are defined by the type."
    )


def unknown_query_property(name: str, kind: str) -> BusinessCentralRefusalError:
    """A filter, selection or order names a property its entity lacks (recorded)."""
    return bad_request(f"Could not find a property named '{name}' on type 'Microsoft.NAV.{kind}'.")


def read_only(name: str) -> BusinessCentralRefusalError:
    """A body holds a property nobody may write; live answers say BadRequest (sheet 4)."""
    return bad_request(f"Control '{name}' is read-only.")


def wrong_type(value: object, kind: str) -> BusinessCentralRefusalError:
    """A value of the wrong JSON type or form."""
    return bad_request(f"Cannot convert the literal '{value}' to the expected type '{kind}'.")


def too_long(value: str, length: int) -> BusinessCentralRefusalError:
    """More characters than the field has."""
    return BusinessCentralRefusalError(
        400,
        "Application_StringExceededLength",
        f"The length of the string is {len(value)}, but it must be less than or equal to {length} characters. "
        f"Value: {value}",
    )


def no_segment(name: str) -> BusinessCentralRefusalError:
    """The path names something the API does not have (recorded)."""
    return BusinessCentralRefusalError(
        404, "BadRequest_ResourceNotFound", f"Resource not found for the segment '{name}'."
    )


def no_parent(identifier: str, how: Literal["404", "400", "translated"]) -> BusinessCentralRefusalError:
    """Dimensions cannot be read because a value is gone (sheet 8.8: text of the page's source; status not certain)."""
    message = f"Parent with ID {identifier} does not exist."
    if how == "translated":
        message = f"Eine \u00fcbergeordnete Zeile mit der ID {identifier} ist nicht vorhanden."
    if how == "400":
        return dialog(message)
    return BusinessCentralRefusalError(404, "BadRequest_NotFound", message)


def no_record(table: str, key: str) -> BusinessCentralRefusalError:
    """No record has that key."""
    return BusinessCentralRefusalError(
        404,
        "Internal_RecordNotFound",
        f"The {table} does not exist. Identification fields and values: SystemId='{{{key}}}'",
    )


def no_company(key: str) -> BusinessCentralRefusalError:
    """No company has that id."""
    return BusinessCentralRefusalError(404, "Internal_CompanyNotFound", f"Cannot find company '{key}'.")


def not_allowed(method: str) -> BusinessCentralRefusalError:
    """The entity is there, but not for this verb."""
    return BusinessCentralRefusalError(405, "BadRequest_MethodNotAllowed", f"Entity does not support {method.lower()}.")


def precondition_missing() -> BusinessCentralRefusalError:
    """A change without an If-Match, or with one that is no etag."""
    return BusinessCentralRefusalError(
        400,
        "BadRequest_InvalidToken",
        "Could not validate the client concurrency token required by the service.",
    )


def entity_changed(status: int) -> BusinessCentralRefusalError:
    """The etag is an old one."""
    return BusinessCentralRefusalError(status, "Request_EntityChanged", "Another user has already changed the record.")


def not_authenticated() -> BusinessCentralRefusalError:
    """The token is missing, unknown or has run out."""
    return BusinessCentralRefusalError(
        401,
        "Authentication_InvalidCredentials",
        "The server has rejected the client credentials.",
    )


def too_many(actual: int, most: int) -> BusinessCentralRefusalError:
    """The service's throttle."""
    return BusinessCentralRefusalError(
        429, "TooManyRequests", f"Too many requests reached. Actual ({actual}). Maximum ({most})."
    )
