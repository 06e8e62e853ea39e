"""Vendors as BILL keeps them (sheet bill 3.7, 4.3)."""

from __future__ import annotations

import dataclasses
import typing as t

from ml_connector.sameness import plain_tax_id
from ml_connector.system.access import Party
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.lists import read_by_time, read_ids, read_one
from ml_connector.systems.bill.writes import Written

__all__ = ["Vendor", "VendorBook"]

HOME_CURRENCY: t.Final = "USD"

_PATH = "/v3/vendors"


@dataclasses.dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor.

    Attributes:
        id: BILL's id.
        name: Its name.
        short_name: The short name, where our own id is kept: BILL has no field for one.
        tax_id: Letters and digits of its tax number, None when BILL shows none.
        currency: Currency of its bills; US dollars where BILL says nothing.
        archived: Whether it may no longer be used.
        fields: The object as BILL answers it.
    """

    id: str
    name: str
    short_name: str | None
    tax_id: str | None
    currency: str
    archived: bool
    fields: t.Mapping[str, t.Any] = dataclasses.field(repr=False)

    @classmethod
    def of(cls, fields: t.Mapping[str, t.Any]) -> Vendor:
        """Return the vendor of BILL's object."""
        return cls(
            id=str(fields["id"]),
            name=str(fields.get("name") or ""),
            short_name=fields.get("shortName") or None,
            tax_id=plain_tax_id((fields.get("additionalInfo") or {}).get("taxId")),
            currency=str(fields.get("billCurrency") or HOME_CURRENCY),
            archived=bool(fields.get("archived")),
            fields=fields,
        )

    @property
    def label(self) -> str:
        """Name and id, as messages quote it."""
        return f'"{self.name}" ({self.id})'

    @property
    def party(self) -> Party:
        """What it can be matched by; its number is the short name, since accountNumber is ours at the vendor."""
        return Party(
            id=self.id,
            name=self.name or self.id,
            number=self.short_name,
            tax_ids=frozenset(filter(None, ((self.fields.get("additionalInfo") or {}).get("taxId"),))),
            country=(self.fields.get("address") or {}).get("country") or None,
            active=not self.archived,
        )


class VendorBook:
    """The vendors of an organization.

    Args:
        client: The organization's client.
    """

    def __init__(self, client: BillClient) -> None:
        self._client = client

    def all(self) -> t.Iterator[Vendor]:
        """Yield every vendor, archived ones too."""
        return map(Vendor.of, read_by_time(self._client, _PATH))

    def get(self, identifier: str) -> Vendor | None:
        """Return a vendor as it is now."""
        fields = read_one(self._client, _PATH, identifier)
        return None if fields is None else Vendor.of(fields)

    def by_ids(self, ids: t.Sequence[str]) -> dict[str, Vendor]:
        """Return vendors by id."""
        return {key: Vendor.of(fields) for key, fields in read_ids(self._client, _PATH, ids).items()}

    def create(self, body: t.Mapping[str, t.Any]) -> Written:
        """Create a vendor; ``name`` and a whole ``address`` are required."""
        return self._client.post(_PATH, body)

    def change(self, identifier: str, body: t.Mapping[str, t.Any]) -> Written:
        """Change the fields given."""
        return self._client.patch(f"{_PATH}/{identifier}", body)

    def archive(self, identifier: str, *, archived: bool) -> Written:
        """Archive or restore a vendor; both may be repeated."""
        return self._client.post(f"{_PATH}/{identifier}/{'archive' if archived else 'restore'}")
