"""Suppliers, and which of their fields one side can be master of."""

from __future__ import annotations

import typing as t

import pydantic

from ml_connector.documents.base import Currency, Document, Text

__all__ = ["OWNABLE_FIELDS", "Supplier"]


OWNABLE_FIELDS: t.Final = frozenset(
    {
        "name",
        "tax_id",
        "email",
        "phone",
        "address_line1",
        "address_line2",
        "city",
        "region",
        "postal_code",
        "country",
        "active",
    }
)
"""Fields of a supplier that one side can be master of. Bank details are none, and never will be."""


class Supplier(Document):
    """Somebody we owe money to. Bank details are deliberately no part of it.

    Attributes:
        name: Legal or trading name.
        target_id: The target's id, when the crosswalk, a learned link or a match rule knows it.
        tax_id: Tax number, used for matching.
        active: Whether the source still does business with it.
        known_as: Further ids under which the target may know it, such as an external id the source keeps.
        owned: Fields the source is master of; only these are ever changed in the target.
    """

    kind: t.ClassVar[str] = "suppliers"

    name: Text
    target_id: str | None = None
    currency: Currency | None = None
    tax_id: str | None = None
    email: str | None = None
    phone: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    active: bool = True
    known_as: tuple[str, ...] = ()
    owned: tuple[str, ...] = ()

    @pydantic.field_validator("owned")
    @classmethod
    def _fields_that_may_be_owned(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(value) - OWNABLE_FIELDS):
            raise ValueError(f"{', '.join(unknown)} cannot be owned, only {', '.join(sorted(OWNABLE_FIELDS))}")
        return value

    @property
    def owned_values(self) -> dict[str, t.Any]:
        """What the target's fields should say, of those the source is master of."""
        return {name: getattr(self, name) for name in self.owned}

    @property
    def imposed_values(self) -> dict[str, t.Any]:
        """Of these, what the source knows: what it does not know itself, it empties nowhere.

        Only the second line of an address goes with the first.
        """
        values = self.owned_values
        return {
            name: value
            for name, value in values.items()
            if value is not None or (name == "address_line2" and values.get("address_line1"))
        }

    @property
    def party(self) -> str | None:
        """The supplier's own name."""
        return self.name
