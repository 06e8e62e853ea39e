"""A Workday tenant, as the command line sees it."""

from __future__ import annotations

import datetime as dt
import logging
import typing as t

from ml_connector.errors import PermissionDenied
from ml_connector.system.access import Health, InvoiceView, Party, typed
from ml_connector.systems.workday import schemas
from ml_connector.systems.workday.client import FINANCE, RESOURCES, WorkdayClient
from ml_connector.systems.workday.errors import SYSTEM
from ml_connector.systems.workday.flatten import Flattener
from ml_connector.systems.workday.invoices import ADJUSTMENT, FORMS, INVOICE, Form, InvoiceReader, InvoiceRecord
from ml_connector.systems.workday.probing import Uses, needs, probe, probe_queries, small_request
from ml_connector.systems.workday.references import read_supplier
from ml_connector.systems.workday.security_groups import probe_domains
from ml_connector.systems.workday.settings import WorkdaySettings
from ml_connector.systems.workday.xml import Node

__all__ = ["WorkdayAccess"]

_LOG = logging.getLogger(__name__)
_GET_SUPPLIERS: t.Final = "Get_Suppliers"


class WorkdayAccess:
    """Reads one tenant.

    Args:
        client: Its client.
        uses: What the configured pipelines do with it.
        group_report: Report or query that says what the security groups of our user may do, for :meth:`ping`.
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

    def __init__(self, client: WorkdayClient, uses: Uses | None = None, group_report: str | None = None) -> None:
        self._client = client
        self._uses = uses or Uses()
        self._group_report = group_report
        self._flattener = Flattener()

    @classmethod
    def connect(cls, config: t.Mapping[str, t.Any], *, plugin: str) -> t.Self:
        """Return access to the tenant of the settings."""
        settings = WorkdaySettings.from_config(typed(WorkdaySettings, config, plugin=plugin), plugin)
        return cls(WorkdayClient(settings), Uses.of(config, plugin), config.get("group_report"))

    @property
    def instance(self) -> str:
        """``workday:`` and the tenant."""
        return f"{SYSTEM}:{self._client.settings.tenant}"

    def ping(self) -> Health:
        """Run each operation the configured pipelines need with ``Count`` 1 (docs/systems/workday.md#w2-4).

        Of operations that write the paired Get is run: reading may be allowed where submitting is not, and nothing
        but a submit can show that.
        """
        settings = self._client.settings
        for service in (RESOURCES, FINANCE):
            self._client.service(service)  # a wrong host, tenant or version is told as such
        needed = needs(self._uses)
        probes = [*(probe(self._client, each) for each in needed), *probe_queries(self._client, self._uses)]
        if self._group_report:
            probes += probe_domains(self._client, self._group_report, needed, uses_wql=self._uses.asks_wql)
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
            probes=tuple(probes),
            counted="operations and domains" if self._group_report else "operations",
        )

    def suppliers(self) -> t.Iterator[Party]:
        """Yield all suppliers but worktags, which can never be owed money (docs/systems/workday.md#w4-2)."""
        body = small_request(self._client, RESOURCES, _GET_SUPPLIERS)
        for page in self._client.pages(RESOURCES, _GET_SUPPLIERS, body):
            for node in page.nodes("Supplier"):
                supplier = read_supplier(node)
                if supplier is not None and not supplier.worktag_only:
                    yield supplier.party

    def invoices(self, since: dt.date, until: dt.date) -> t.Iterator[InvoiceView]:
        """Yield supplier invoices, and adjustments as far as the ISU may see them."""
        reader = InvoiceReader(self._client)
        for form in FORMS:
            try:
                for record, row in reader.rows(form, since, until):
                    yield _view(record, self._as_read(form, row))
            except PermissionDenied as denied:
                if form is not ADJUSTMENT:
                    raise
                _LOG.warning("%s; credits are left out.", denied)

    def _as_read(self, form: Form, row: Node) -> dict[str, t.Any]:
        """Return the record the tap would give."""
        shape = schemas.INVOICE if form is INVOICE else schemas.ADJUSTMENT
        record = self._flattener.row(row, reference=form.reference, data=form.data, shape=shape)
        return {**record, "tenant": self._client.settings.tenant}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _view(record: InvoiceRecord, as_read: t.Mapping[str, t.Any]) -> InvoiceView:
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
        draft=record.draft,
        stream="supplier_invoices" if record.form is INVOICE else "supplier_invoice_adjustments",
        record=as_read,
    )
