"""A BILL organization, as the command line sees it."""

from __future__ import annotations

import contextlib
import datetime as dt
import typing as t
from decimal import Decimal

from ml_connector.errors import NotFound, PermissionDenied, Rejected
from ml_connector.system.access import Health, InvoiceView, Party, Probe, typed
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.errors import SYSTEM
from ml_connector.systems.bill.marks import mark_of
from ml_connector.systems.bill.paging import ListReader
from ml_connector.systems.bill.settings import MOST_CALLS_AT_ONCE, BillSettings
from ml_connector.systems.bill.vendors import Vendor
from ml_connector.systems.bill.windows import read_since

__all__ = ["BillAccess"]

ENTERED_BEFORE: t.Final = dt.timedelta(days=366)
"""How long before its own date a bill may have been edited last. BILL cannot filter by invoice date, only by change."""

_TOKEN_USER = "syu0"  # noqa: S105 - the prefix of the system user behind a sync token (sheet bill 1)


class _List(t.NamedTuple):
    path: str
    without: str
    essential: bool = False


_LISTS: t.Final = (
    _List("/v3/vendors", "no vendor can be named and no bill has a currency", essential=True),
    _List("/v3/bills", "there is nothing to deliver", essential=True),
    _List("/v3/payments", "payments cannot be read"),
    _List("/v3/classifications/chart-of-accounts", "accounts cannot be mapped by number or name", essential=True),
    _List("/v3/classifications/departments", "departments cannot be mapped by name"),
    _List("/v3/classifications/locations", "locations cannot be mapped by name"),
    _List("/v3/classifications/jobs", "jobs cannot be mapped by name"),
    _List("/v3/classifications/accounting-classes", "classes cannot be mapped by name"),
    _List("/v3/classifications/items", "items cannot be named"),
    _List("/v3/classifications/employees", "employees cannot be named"),
)


class BillAccess:
    """Reads one organization.

    Args:
        client: Its client.
    """

    plugins: t.ClassVar[tuple[str, str]] = ("tap-bill", "target-bill")
    known_by: t.ClassVar[tuple[str, ...]] = ("dev_key", "username", "password", "organization_id")

    def __init__(self, client: BillClient) -> None:
        self._client = client

    @classmethod
    def connect(cls, config: t.Mapping[str, t.Any], *, plugin: str) -> t.Self:
        """Return access to the organization of the settings."""
        return cls(BillClient(BillSettings.from_config(typed(BillSettings, config, plugin=plugin), plugin=plugin)))

    @property
    def instance(self) -> str:
        """``bill:`` and the organization's id."""
        return f"{SYSTEM}:{self._client.settings.organization_id}"

    def ping(self) -> Health:
        """Log in, ask who we are, and read one row of each list the taps use."""
        session = self._client.get("/v3/login/session")
        organization_id = self._client.organization_id
        user, name = str(session.get("userId") or ""), self._organization_name(organization_id)
        calls, is_token = self._client.settings.max_concurrency, user.startswith(_TOKEN_USER)
        mfa = str(session.get("mfaStatus") or "unknown")
        return Health(
            instance=self.instance,
            facts={
                "organization": name,
                "organization_id": organization_id,
                "user": user,
                "token_user": is_token,
                "mfa_status": mfa,
                "calls_at_once": calls,
                "calls_at_once_allowed": MOST_CALLS_AT_ONCE,
            },
            words=(
                f'organization "{name}"',
                "token user" if is_token else f"user {user}",
                f"MFA {mfa.lower()}",
                f"{calls} of {MOST_CALLS_AT_ONCE} calls at once",
            ),
            probes=tuple(self._probe(each) for each in _LISTS),
            counted="lists",
        )

    def suppliers(self) -> t.Iterator[Party]:
        """Yield all vendors, archived ones as inactive."""
        vendors = {vendor["id"]: vendor for vendor in self._read("/v3/vendors", None)}
        for vendor in vendors.values():
            yield Vendor.of(vendor).party

    def invoices(self, since: dt.date, until: dt.date) -> t.Iterator[InvoiceView]:
        """Yield all bills of these dates; a bill's currency is its vendor's (sheet bill 8)."""
        vendors = {vendor["id"]: vendor for vendor in self._read("/v3/vendors", None)}
        edited_since = dt.datetime.combine(since - ENTERED_BEFORE, dt.time(), dt.UTC)
        organization_id = self._client.organization_id
        bills: dict[str, dict[str, t.Any]] = {}
        for bill in self._read("/v3/bills", edited_since, {"billApprovals": "true"}):
            bills[bill["id"]] = bill  # one edited meanwhile comes twice, the newest version last
        for bill in bills.values():
            day = _date((bill.get("invoice") or {}).get("invoiceDate"))
            if day is None or since <= day <= until:
                bill["organizationId"] = organization_id
                yield _view(bill, vendors.get(bill.get("vendorId") or "", {}), day)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _organization_name(self, organization_id: str) -> str:
        try:
            organization = self._client.get(f"/v3/organizations/{organization_id}")
        except (PermissionDenied, NotFound):  # its name is a courtesy, nothing needs it
            return organization_id
        return str(organization.get("name") or organization_id)

    def _probe(self, each: _List) -> Probe:
        operation = f"GET {each.path}"
        try:
            page = self._client.get_page(each.path, {"max": "1"})
        except PermissionDenied as fault:
            permission = "the list in the role of the user"
            return Probe(operation, "denied", None, fault.message, each.without, permission, each.essential)
        except NotFound as fault:
            return Probe(operation, "absent", None, fault.message, each.without, "", each.essential)
        except Rejected as fault:
            return Probe(operation, "failed", None, fault.message, each.without, "", each.essential)
        return Probe(operation, "ok", len(page.rows), without=each.without, essential=each.essential)

    def _read(
        self, path: str, since: dt.datetime | None, params: t.Mapping[str, str] | None = None
    ) -> t.Iterator[dict[str, t.Any]]:
        settings = self._client.settings
        reader = ListReader(
            lambda query: self._client.get_page(path, query),
            f"GET {path}",
            page_size=settings.page_size,
            mode=settings.pagination_mode,
            params=params,
        )
        with contextlib.closing(read_since(reader, since, concurrency=settings.max_concurrency)) as batches:
            for batch in batches:
                for row in batch.rows:
                    yield row.record()


def _view(bill: dict[str, t.Any], vendor: t.Mapping[str, t.Any], day: dt.date | None) -> InvoiceView:
    number = (bill.get("invoice") or {}).get("invoiceNumber") or None
    return InvoiceView(
        id=bill["id"],
        number=number,
        supplier_number=number,
        supplier_ids=frozenset(filter(None, (bill.get("vendorId"),))),
        supplier_name=bill.get("vendorName") or vendor.get("name"),
        external_id=mark_of(bill.get("description")),
        date=day,
        total=Decimal(bill.get("amount") or 0),
        currency=vendor.get("billCurrency") or None,
        status=_status(bill),
        stands=_is_active(bill) and bill.get("approvalStatus") != "DENIED",
        stream="bills",
        record=bill,
    )


def _is_active(bill: t.Mapping[str, t.Any]) -> bool:
    """Whether it is neither archived nor a draft, which reads archived too (sheet bill 0, fact 11)."""
    status = bill.get("recordStatus")
    return status == "ACTIVE" if status else not bill.get("archived")


def _status(bill: t.Mapping[str, t.Any]) -> str:
    if not _is_active(bill):
        status = bill.get("recordStatus")
        return "archived" if status in (None, "INACTIVE") else str(status).lower().replace("_", " ")
    words = (bill.get("approvalStatus"), bill.get("paymentStatus"))
    return ", ".join(str(word).lower().replace("_", " ") for word in words if word)


def _date(text: t.Any) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
