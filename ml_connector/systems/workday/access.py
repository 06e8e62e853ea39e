"""A Workday tenant, as the command line sees it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import typing as t

from ml_connector.errors import PermissionDenied, Rejected, SettingInvalid
from ml_connector.systems.access import Health, InvoiceView, Party, Probe, typed
from ml_connector.systems.workday.client import FINANCE, RESOURCES, WorkdayClient
from ml_connector.systems.workday.errors import SYSTEM, ProcessingFailed
from ml_connector.systems.workday.invoices import ADJUSTMENT, FORMS, InvoiceReader, InvoiceRecord
from ml_connector.systems.workday.references import SupplierThing, read_supplier
from ml_connector.systems.workday.settings import WorkdaySettings
from ml_connector.systems.workday.xml import Node

__all__ = ["WorkdayAccess"]

_LOG = logging.getLogger(__name__)
_GET_SUPPLIERS: t.Final = "Get_Suppliers"


class _Read(t.NamedTuple):
    """The minimal read that stands for an operation; for one that writes, the Get paired with it (sheet 2.4)."""

    operations: tuple[tuple[str, str], ...]
    domain: str
    without: str
    essential: bool = True
    never_empty: bool = False


_READS: t.Final = (
    _Read(
        ((FINANCE, "Get_Workday_Companies"),),
        "Set Up: Company General",
        "no company can be checked",
        never_empty=True,
    ),
    _Read(((RESOURCES, _GET_SUPPLIERS),), "View: Supplier", "no supplier can be found"),
    _Read(
        ((FINANCE, "Get_Resource_Categories"), (RESOURCES, "Get_Resource_Categories")),
        "Set Up: Spend Category",
        "no spend category can be checked",
        never_empty=True,
    ),
    _Read(((FINANCE, "Get_Cost_Centers"),), "Manage: Organization", "no cost center can be checked"),
    _Read(
        ((RESOURCES, "Get_Supplier_Invoices"),),
        "Process: Supplier Invoice",
        "no invoice can be posted, looked up or read back",
    ),
    _Read(
        ((RESOURCES, "Get_Supplier_Invoice_Adjustments"),),
        "Process: Supplier Invoice Adjustment",
        "no credit can be posted, looked up or read back",
        essential=False,
    ),
    _Read(
        ((FINANCE, "Get_Account_Sets"),),
        "Set Up: Chart of Accounts",
        "expected GL accounts cannot be checked",
        essential=False,
    ),
    _Read(
        ((FINANCE, "Get_Payment_Terms"),),
        "Set Up: Payment Terms",
        "payment terms cannot be checked",
        essential=False,
    ),
)


class WorkdayAccess:
    """Reads one tenant.

    Args:
        client: Its client.
    """

    plugins: t.ClassVar[tuple[str, str]] = ("tap-workday", "target-workday")
    known_by: t.ClassVar[tuple[str, ...]] = (
        "base_url",
        "tenant",
        "isu_username",
        "isu_password",
        "client_id",
        "client_secret",
        "refresh_token",
    )

    def __init__(self, client: WorkdayClient) -> None:
        self._client = client

    @classmethod
    def connect(cls, config: t.Mapping[str, t.Any], *, plugin: str) -> t.Self:
        """Return access to the tenant of the settings."""
        return cls(WorkdayClient(WorkdaySettings.from_config(typed(WorkdaySettings, config, plugin=plugin), plugin)))

    @property
    def instance(self) -> str:
        """``workday:`` and the tenant."""
        return f"{SYSTEM}:{self._client.settings.tenant}"

    def ping(self) -> Health:
        """Run each operation the pipelines need with ``Count`` 1 (sheet workday 2.4).

        Of operations that write the paired Get is run: reading may be allowed where submitting is not, and nothing
        but a submit can show that.
        """
        settings = self._client.settings
        for service in (RESOURCES, FINANCE):
            self._client.service(service)  # a wrong host, tenant or version is told as such
        user = f"API client {settings.client_id}" if settings.uses_oauth else f"ISU {settings.login}"
        return Health(
            instance=self.instance,
            facts={
                "tenant": settings.tenant,
                "user": user,
                "api_version": settings.api_version,
                "calls_at_once": settings.max_concurrency,
            },
            words=(f"tenant {settings.tenant}", user, f"WSDL {settings.api_version}"),
            probes=tuple(self._probe(each) for each in _READS),
            counted="operations",
        )

    def suppliers(self) -> t.Iterator[Party]:
        """Yield all suppliers but those that are worktags only and can never be owed money (sheet workday 4.2)."""
        body = self._body(RESOURCES, _GET_SUPPLIERS)
        for page in self._client.pages(RESOURCES, _GET_SUPPLIERS, body):
            for node in page.nodes("Supplier"):
                supplier = read_supplier(node)
                if supplier is not None and not supplier.worktag_only:
                    yield _party(supplier, node)

    def invoices(self, since: dt.date, until: dt.date) -> t.Iterator[InvoiceView]:
        """Yield supplier invoices, and adjustments as far as the ISU may see them."""
        reader = InvoiceReader(self._client)
        for form in FORMS:
            try:
                yield from map(_view, reader.window(form, since, until))
            except PermissionDenied as denied:
                if form is not ADJUSTMENT:
                    raise
                _LOG.warning("%s; credits are left out.", denied)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _probe(self, each: _Read) -> Probe:
        permission = f'domain "{each.domain}"'
        about = Probe(each.operations[0][1], "ok", None, "", each.without, permission, each.essential, each.never_empty)
        try:
            service, operation = self._client.offering(*each.operations)
        except SettingInvalid as lacking:
            return dataclasses.replace(about, outcome="absent", detail=lacking.what)
        try:
            answer = self._client.call(service, operation, self._body(service, operation, count=1))
        except PermissionDenied as fault:
            return dataclasses.replace(about, outcome="denied", detail=fault.message)
        except (Rejected, ProcessingFailed) as fault:
            return dataclasses.replace(about, outcome="failed", detail=fault.message)
        results = answer.node.node("Response_Results")
        return dataclasses.replace(about, rows=results.number("Total_Results") if results is not None else 0)

    def _body(self, service: str, operation: str, *, count: int | None = None) -> dict[str, t.Any]:
        shape = self._client.service(service).shape(operation)
        body: dict[str, t.Any] = {}
        if count is not None and shape.has("Response_Filter"):
            body["Response_Filter"] = {"Count": count}
        if shape.has("Response_Group"):
            group = shape.part("Response_Group")
            wanted = {"Include_Reference": True, "Include_Attachment_Data": False}
            asked = {name: value for name, value in wanted.items() if group.has(name)}
            if asked:
                body["Response_Group"] = asked
        return body


def _party(supplier: SupplierThing, node: Node) -> Party:
    countries = (
        ref.pick("ISO_3166-1_Alpha-2_Code")
        for address in node.below("Address_Data")
        for ref in address.refs("Country_Reference")
    )
    return Party(
        id=supplier.id,
        name=supplier.name,
        aliases=frozenset(supplier.ids.values()) - {supplier.id},
        tax_ids=supplier.tax_ids,
        country=next(filter(None, countries), None),
        active=supplier.active,
        external_id=supplier.external_id,
    )


def _view(record: InvoiceRecord) -> InvoiceView:
    status = record.status or ("canceled" if record.cancelled else "draft" if record.draft else "unknown")
    return InvoiceView(
        id=record.wid,
        number=record.number,
        supplier_number=record.supplier_number,
        supplier_ids=frozenset(record.supplier.ids.values()) if record.supplier else frozenset(),
        supplier_name=record.supplier.descriptor if record.supplier else None,
        external_id=record.external_id,
        date=record.date,
        total=record.total,
        currency=record.currency,
        status=status.lower(),
        stands=not record.cancelled and "denied" not in status.lower(),
    )
