"""The doors and subscribers of ``webhooks.yml``, reached by the settings of their plugins."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import typing as t

from ml_connector.errors import SettingInvalid
from ml_connector.system.access import typed
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.settings import BillSettings
from ml_connector.systems.bill.subscriptions import BillSubscriptions
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.settings import BusinessCentralSettings
from ml_connector.systems.business_central.subscriptions import BusinessCentralSubscriptions
from ml_connector.vault.credentials import CREDENTIALS, fill
from ml_connector.webhooks import bill, business_central
from ml_connector.webhooks.keys import SigningKeys
from ml_connector.webhooks.provider import Doorbell, Event, Subscriber
from ml_connector.webhooks.settings import DoorSettings, WebhookSettings
from ml_connector.webhooks.store import Wanted

__all__ = ["ROOMS", "Door", "doors"]

ConfigOf = t.Callable[[str], t.Mapping[str, t.Any]]


class Room(t.NamedTuple):
    """What there is to do for a system.

    Attributes:
        known_by: Settings one of which is there when somebody means to use it.
        bell: Makes its doorbell.
        subscriber: Makes its subscriber.
    """

    known_by: tuple[str, ...]
    bell: t.Callable[[str, DoorSettings, t.Mapping[str, t.Any]], Doorbell]
    subscriber: t.Callable[[DoorSettings, t.Mapping[str, t.Any], WebhookSettings], Subscriber]


@dataclasses.dataclass(frozen=True, slots=True)
class Door:
    """One door that is open.

    Attributes:
        name: Its name in ``webhooks.yml``.
        settings: What is said there.
        config: The settings of its plugin.
        wanted: Which pipelines an event at it wakes.
        pipelines: All pipelines it wakes.
    """

    name: str
    settings: DoorSettings
    config: t.Mapping[str, t.Any] = dataclasses.field(repr=False)
    wanted: Wanted
    pipelines: tuple[str, ...]

    def bell(self) -> Doorbell:
        """Return what answers at it."""
        return ROOMS[self.settings.system].bell(self.name, self.settings, self.config)

    def subscriber(self, webhooks: WebhookSettings) -> Subscriber:
        """Return what looks after its subscription; asks nothing yet."""
        return ROOMS[self.settings.system].subscriber(self.settings, self.config, webhooks)


def doors(webhooks: WebhookSettings, config_of: ConfigOf, names: t.Collection[str] = ()) -> list[Door]:
    """Return the doors whose plugins have settings.

    Args:
        webhooks: All doors there are.
        config_of: Returns the settings of a plugin.
        names: Only these; each of them must have settings.

    Raises:
        SettingInvalid: There is no such door, its system has no room here, or it has no settings.
    """
    if unknown := sorted(set(names) - set(webhooks.doors)):
        raise SettingInvalid(f"there is no door {', '.join(unknown)}.", f"There is {', '.join(webhooks.doors)}.")
    found = []
    for name, each in webhooks.doors.items():
        if names and name not in names:
            continue
        room = ROOMS.get(each.system)
        if room is None:
            raise SettingInvalid(
                f"door {name}: nothing is known of webhooks of {each.system}.", f"Known are {', '.join(ROOMS)}."
            )
        config = config_of(each.plugin)
        if any(config.get(one) for one in (CREDENTIALS, *room.known_by)):
            config = fill(config, system=each.system).config
            wanted = functools.partial(_wanted, webhooks, name)
            woken = tuple(pipeline for pipeline, one in webhooks.pipelines.items() if name in one.events)
            found.append(Door(name, each, config, wanted, woken))
        elif name in names:
            raise SettingInvalid(f"door {name}: {each.plugin} has no settings.", "See docs/connect-your-systems.md.")
    if not found:
        raise SettingInvalid(
            "no door is open: none of their plugins has settings.", "See docs/connect-your-systems.md."
        )
    return found


def _wanted(webhooks: WebhookSettings, door: str, event: Event) -> t.Collection[str]:
    return webhooks.woken_by(event, door)


def _bill_settings(door: DoorSettings, config: t.Mapping[str, t.Any]) -> BillSettings:
    return BillSettings.from_config(typed(BillSettings, config, plugin=door.plugin), plugin=door.plugin)


def _bill_bell(name: str, door: DoorSettings, config: t.Mapping[str, t.Any]) -> Doorbell:
    organization = _bill_settings(door, config).organization_id
    book = bill.key_book(organization)
    book.read()  # a vault that is not there is told at the start, not to BILL
    keys = SigningKeys(book, bill.KEY)
    return bill.BillDoorbell(organization, keys, path=name, others=door.organizations)


def _bill_subscriber(door: DoorSettings, config: t.Mapping[str, t.Any], webhooks: WebhookSettings) -> Subscriber:
    settings = _bill_settings(door, config)
    client = BillClient(settings)
    return bill.BillSubscriber(
        BillSubscriptions(client),
        bill.key_book(settings.organization_id),
        settings.organization_id,
        others=door.organizations,
        key_overlap=dt.timedelta(hours=webhooks.key_overlap_hours),
        close=client.close,
    )


def _central_settings(door: DoorSettings, config: t.Mapping[str, t.Any]) -> BusinessCentralSettings:
    values = typed(BusinessCentralSettings, config, plugin=door.plugin)
    return BusinessCentralSettings.from_config(values, plugin=door.plugin)


def _environment(settings: BusinessCentralSettings) -> str:
    return f"{settings.tenant_id}/{settings.environment}".lower()


def _central_bell(name: str, door: DoorSettings, config: t.Mapping[str, t.Any]) -> Doorbell:
    instance = _environment(_central_settings(door, config))
    book = business_central.key_book(instance)
    return business_central.BusinessCentralDoorbell(
        instance,
        SigningKeys(book, business_central.STATE),
        path=business_central.secret_path(book, name),
        settles=dt.timedelta(seconds=float(config.get("settle_seconds") or _SETTLE_SECONDS)),
    )


def _central_subscriber(door: DoorSettings, config: t.Mapping[str, t.Any], webhooks: WebhookSettings) -> Subscriber:
    settings = _central_settings(door, config)
    client = BusinessCentralClient(settings)

    def companies() -> list[str]:
        if settings.company:
            return [client.company(settings.company).id]
        return [company.id for company in client.companies()]

    return business_central.BusinessCentralSubscriber(
        BusinessCentralSubscriptions(client),
        business_central.key_book(_environment(settings)),
        _environment(settings),
        companies=companies,
        key_overlap=dt.timedelta(hours=webhooks.key_overlap_hours),
        close=client.close,
    )


_SETTLE_SECONDS: t.Final = 30
"""The default of tap-business-central's setting."""

ROOMS: t.Final[t.Mapping[str, Room]] = {
    "bill": Room(("dev_key", "username", "password", "organization_id"), _bill_bell, _bill_subscriber),
    "business_central": Room(
        ("tenant_id", "environment", "client_id", "client_secret"), _central_bell, _central_subscriber
    ),
}
"""By system."""
