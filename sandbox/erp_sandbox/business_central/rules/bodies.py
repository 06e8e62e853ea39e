"""Reading a body: properties in the order they stand, nested collections for afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.entities import EntitySet
from erp_sandbox.business_central.fields import Field
from erp_sandbox.business_central.values import Record, accepted

__all__ = ["Body", "Draft", "Setter", "read_body"]


@dataclass(slots=True)
class Body:
    """A body that was understood: its values in order, and the nested collections in order."""

    values: dict[str, Any] = field(default_factory=dict)
    nested: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)


@dataclass(slots=True)
class Draft:
    """A record being filled in, property after property.

    Attributes:
        company: Where.
        entity: What it is.
        record: As far as it has come; a copy nobody else sees.
        given: All values of the body, also those that come later.
        creating: Whether it is new.
    """

    company: Company
    entity: EntitySet
    record: Record
    given: Mapping[str, Any]
    creating: bool

    def assign(self, setters: Mapping[str, Setter]) -> None:
        """Validate each property in the order of the body (sheet 4: the order matters)."""
        for name, value in self.given.items():
            setter = setters.get(name)
            if setter is None:
                self.record[name] = value
            else:
                setter(self, value)


Setter = Callable[[Draft, Any], None]


def read_body(entity: EntitySet, body: object, *, creating: bool) -> Body:
    """Check a body against the entity's properties.

    Raises:
        BusinessCentralRefusalError: no object; a property that is unknown, read-only or of the wrong type; a nested
            collection in a change (sheet 4: there is no deep PATCH).
    """
    if not isinstance(body, dict):
        raise errors.bad_request("The request body must be a JSON object.")
    read = Body()
    for name, value in body.items():
        if name.startswith("@odata."):
            continue
        if name in entity.navs:
            read.nested[name] = _nested(name, value, creating=creating)
            continue
        read.values[name] = accepted(_writable(entity, name), value)
    return read


def _writable(entity: EntitySet, name: str) -> Field:
    known = entity.by_name.get(name)
    if known is None:
        raise errors.unknown_property(name, entity.kind)
    if not known.write:
        raise errors.read_only(name)
    return known


def _nested(name: str, value: object, *, creating: bool) -> list[Mapping[str, Any]]:
    if not creating:
        raise errors.bad_request(f"The navigation property '{name}' cannot be updated together with its parent.")
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise errors.bad_request(f"The navigation property '{name}' must be an array of objects.")
    return value
