"""Vendors as Business Central keeps them (sheet business-central 3, 4)."""

from __future__ import annotations

import dataclasses
import typing as t

from ml_connector.sameness import plain_tax_id
from ml_connector.system.access import Party
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.lists import etag_of, read_ids, read_one
from ml_connector.systems.business_central.writes import Written

__all__ = ["Vendor", "VendorBook"]


@dataclasses.dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor.

    Attributes:
        id: Its GUID.
        number: Its number, unique in the company, in upper case.
        name: Its name.
        tax_id: Letters and digits of its tax number, None for none.
        currency: Code of the currency of its card; None where that is the company's own.
        blocked: ``Payment``: it takes no payment lines; ``All``: it takes nothing; None: it is free (sheet 8.9).
        etag: Of this reading of it.
        fields: The object as Business Central answers it, decoded.
    """

    id: str
    number: str
    name: str
    tax_id: str | None
    currency: str | None
    blocked: str | None
    etag: str
    fields: t.Mapping[str, t.Any] = dataclasses.field(repr=False)

    @classmethod
    def of(cls, fields: t.Mapping[str, t.Any]) -> Vendor:
        """Return the vendor of an object."""
        return cls(
            id=str(fields["id"]).lower(),
            number=str(fields.get("number") or ""),
            name=str(fields.get("displayName") or ""),
            tax_id=plain_tax_id(fields.get("taxRegistrationNumber")),
            currency=fields.get("currencyCode"),
            blocked=fields.get("blocked"),
            etag=etag_of(fields),
            fields=fields,
        )

    @property
    def label(self) -> str:
        """Name and number, as messages quote it."""
        return f'"{self.name}" ({self.number})'

    @property
    def party(self) -> Party:
        """What it can be matched by."""
        return Party(
            id=self.id,
            name=self.name or self.number or self.id,
            number=self.number or None,
            tax_ids=frozenset(filter(None, (self.fields.get("taxRegistrationNumber"),))),
            country=self.fields.get("country"),
            active=self.blocked != "All",
        )


class VendorBook:
    """The vendors of a company.

    Args:
        client: The environment's client.
        company: Path of the company (``companies(...)``).
    """

    def __init__(self, client: BusinessCentralClient, company: str) -> None:
        self._client = client
        self._path = f"{company}/vendors"

    def all(self) -> t.Iterator[Vendor]:
        """Yield every vendor, blocked ones too."""
        return map(Vendor.of, self._client.rows(self._path, fresh=True))

    def get(self, identifier: str) -> Vendor | None:
        """Return a vendor as it is now."""
        fields = read_one(self._client, self._path, identifier)
        return None if fields is None else Vendor.of(fields)

    def by_ids(self, ids: t.Sequence[str]) -> dict[str, Vendor]:
        """Return vendors by id."""
        return {key: Vendor.of(fields) for key, fields in read_ids(self._client, self._path, ids).items()}

    def create(self, body: t.Mapping[str, t.Any]) -> Written:
        """Create a vendor; what is left out comes from Business Central's template for new ones (sheet 8.3).

        Raises:
            Conflict: The number is in use.
            OutcomeUnknown: It may have been created.
        """
        return Written.of(body, self._client.post(self._path, body))

    def change(self, vendor: Vendor, body: t.Mapping[str, t.Any]) -> Written:
        """Change the fields given, unless the vendor has changed since it was read.

        Raises:
            EntityChanged: It has.
        """
        return Written.of(body, self._client.patch(f"{self._path}({vendor.id})", body, vendor.etag))
