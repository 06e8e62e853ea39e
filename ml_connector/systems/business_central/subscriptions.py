"""Business Central's webhook subscriptions: three days long, one per list of a company (sheet business-central 5)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import typing as t

from ml_connector.errors import NotFound
from ml_connector.moments import parse_moment
from ml_connector.systems.business_central.client import BusinessCentralClient

__all__ = ["BusinessCentralSubscriptions", "Place", "Subscription"]

RUNTIME: t.Final = "/api/microsoft/runtime/beta"
"""The API that knows which lists can be subscribed to; beta, not everywhere."""

DOCUMENTED: t.Final = (
    *("accounts", "vendors", "purchaseInvoices", "journals", "generalLedgerEntries", "dimensions", "currencies"),
    *("paymentTerms", "paymentMethods", "items", "companyInformation"),
)
"""Lists that can be subscribed to, where the environment does not say."""

_RESOURCE = re.compile(
    r"/?(?:.*/)?api/v2\.0/companies\((?P<company>[0-9a-fA-F-]{36})\)/(?P<list>[A-Za-z]\w*)"
    r"(?:\((?P<id>[^()]*)\))?(?:\?.*)?"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """What a ``resource`` names; its spelling differs between versions, so it is parsed.

    Attributes:
        company: The company's id, in lower case.
        list: The list (``purchaseInvoices``).
        id: The record; None for the list as such.
    """

    company: str
    list: str
    id: str | None = None

    @classmethod
    def read(cls, resource: str) -> Place | None:
        """Return the place a resource names, None when it names none."""
        found = _RESOURCE.fullmatch(resource)
        return cls(found["company"].lower(), found["list"], found["id"]) if found else None

    @property
    def resource(self) -> str:
        """How a subscription names the list."""
        return f"/api/v2.0/companies({self.company})/{self.list}"


@dataclasses.dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as Business Central has it.

    Attributes:
        etag: Of this version of it.
    """

    id: str
    url: str
    place: Place | None
    expires: dt.datetime
    etag: str = dataclasses.field(repr=False)

    @classmethod
    def read(cls, row: t.Mapping[str, t.Any]) -> Subscription:
        """Return the subscription of a row."""
        return cls(
            id=str(row["subscriptionId"]),
            url=str(row.get("notificationUrl") or ""),
            place=Place.read(str(row.get("resource") or "")),
            expires=parse_moment(str(row["expirationDateTime"])),
            etag=str(row.get("@odata.etag") or "*"),
        )


class BusinessCentralSubscriptions:
    """The subscriptions of one environment.

    Args:
        client: Its client.
    """

    def __init__(self, client: BusinessCentralClient) -> None:
        self._client = client

    def offered(self, company: str) -> frozenset[str]:
        """Return the lists of a company that can be subscribed to."""
        path = f"{RUNTIME}/companies({company})/webhookSupportedResources"
        try:
            places = [Place.read(str(row.get("resource") or "")) for row in self._client.rows(path)]
        except NotFound:
            return frozenset(DOCUMENTED)
        return frozenset(place.list for place in places if place is not None)

    def all(self) -> list[Subscription]:
        """Return all subscriptions of the environment."""
        return [Subscription.read(row) for row in self._client.rows("subscriptions", fresh=True)]

    def create(self, url: str, place: Place, client_state: str) -> Subscription:
        """Make a subscription; ``url`` is asked at once whether it is there."""
        body = {"notificationUrl": url, "resource": place.resource, "clientState": client_state}
        return Subscription.read(self._client.post("subscriptions", body))

    def renew(self, subscription: Subscription, client_state: str) -> Subscription:
        """Let a subscription last three more days, with this client state; its address is asked again."""
        place = subscription.place
        body = {"notificationUrl": subscription.url, "clientState": client_state}
        body |= {"resource": place.resource} if place else {}
        return Subscription.read(self._client.patch(_path(subscription), body, subscription.etag))

    def delete(self, subscription: Subscription) -> None:
        """End a subscription; one that has ended already is no error."""
        try:
            self._client.delete(_path(subscription), subscription.etag)
        except NotFound:
            return


def _path(subscription: Subscription) -> str:
    return f"subscriptions('{subscription.id}')"
