"""A company of Business Central, as the command line sees it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import typing as t

from ml_connector.errors import NotFound, PermissionDenied, Rejected
from ml_connector.system.access import Health, InvoiceView, Party, Probe, typed
from ml_connector.systems.business_central.client import REPORTS_FINANCE, BusinessCentralClient
from ml_connector.systems.business_central.companies import Company, instance_of
from ml_connector.systems.business_central.documents import document_rows, with_lines
from ml_connector.systems.business_central.errors import SYSTEM
from ml_connector.systems.business_central.payables import ANALYTICS, service_path
from ml_connector.systems.business_central.purchase_invoices import PurchaseInvoice
from ml_connector.systems.business_central.settings import MOST_CALLS_AT_ONCE, BusinessCentralSettings
from ml_connector.systems.business_central.values import LONG_AGO
from ml_connector.systems.business_central.vendors import Vendor

__all__ = ["BusinessCentralAccess"]


class _List(t.NamedTuple):
    path: str
    without: str
    essential: bool = False
    never_empty: bool = False
    service: str = ""


_PAYABLES: t.Final = _List(
    "analytics vendorLedgerEntries",
    "invoices paid in part cannot be told from others and go out with their full total (setting unknown_payments)",
)
_LISTS: t.Final = (
    _List("vendors", "no vendor can be named", essential=True),
    _List("purchaseInvoices", "no invoice can be read, looked up or read back", essential=True),
    _List("accounts", "accounts cannot be mapped by number or checked", essential=True, never_empty=True),
    _List("dimensions", "departments and other dimensions cannot be mapped by code"),
    _List("companyInformation", "the local currency is not known", never_empty=True),
    _List("purchaseCreditMemos", "credit memos cannot be read"),
    _List("vendorPaymentJournals", "payments cannot be entered"),
    _List("generalLedgerEntries", "posted entries cannot be read"),
    _List(
        "vendorLedgerEntries", "posted payments are found by their document number only", service=f"{REPORTS_FINANCE}/"
    ),
    _List("approvalEntries", "approvals of drafts cannot be read"),
)


class BusinessCentralAccess:
    """Reads one company.

    Args:
        client: The client of its environment.
        ledger_entries_service: Name of the web service of vendor ledger entries, if one is published.
    """

    plugins: t.ClassVar[tuple[str, str]] = ("tap-business-central", "target-business-central")
    known_by: t.ClassVar[tuple[str, ...]] = ("tenant_id", "environment", "client_id", "client_secret")

    def __init__(self, client: BusinessCentralClient, ledger_entries_service: str | None = None) -> None:
        self._client = client
        self._service = ledger_entries_service

    @classmethod
    def connect(cls, config: t.Mapping[str, t.Any], *, plugin: str) -> t.Self:
        """Return access to the company of the settings."""
        values = typed(BusinessCentralSettings, config, plugin=plugin)
        client = BusinessCentralClient(BusinessCentralSettings.from_config(values, plugin=plugin))
        return cls(client, config.get("ledger_entries_service"))

    @property
    def instance(self) -> str:
        """``business_central:``, tenant, environment and the company's id."""
        return f"{SYSTEM}:{instance_of(self._client.settings, self._company.id)}"

    def ping(self) -> Health:
        """Get a token, find the company, and read one row of each list the pipelines use."""
        settings, company = self._client.settings, self._company
        others = len(self._client.companies()) - 1
        return Health(
            instance=self.instance,
            facts={
                "tenant": settings.tenant_id,
                "environment": settings.environment,
                "company": company.display_name,
                "company_id": company.id,
                "other_companies": others,
                "version": company.fields.get("systemVersion"),
                "client_id": settings.client_id,
                "calls_at_once": settings.max_concurrency,
                "calls_at_once_allowed": MOST_CALLS_AT_ONCE,
            },
            words=(
                f'company "{company.display_name}"',
                f"environment {settings.environment}",
                f"version {company.fields.get('systemVersion') or 'unknown'}",
                f"{settings.max_concurrency} of {MOST_CALLS_AT_ONCE} calls at once",
            ),
            probes=(*map(self._probe, _LISTS), self._probe_payables()),
            counted="lists",
        )

    def suppliers(self) -> t.Iterator[Party]:
        """Yield all vendors, blocked ones as inactive."""
        for vendor in self._client.rows(f"{self._company.path}/vendors"):
            yield Vendor.of(vendor).party

    def invoices(self, since: dt.date, until: dt.date) -> t.Iterator[InvoiceView]:
        """Yield all purchase invoices of these dates, drafts included."""
        for term in (f"invoiceDate ge {since} and invoiceDate le {until}", f"invoiceDate eq {LONG_AGO}"):
            path = f"{self._company.path}/purchaseInvoices"
            yield from map(self._view, document_rows(self._client, path, with_lines("purchaseInvoiceLines"), term))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @functools.cached_property
    def _company(self) -> Company:
        return self._client.company(self._client.settings.company)

    def _probe_payables(self) -> Probe:
        """Say whether any of the places can be read that tell what invoices still owe."""
        paths = [f"{service}/{self._company.path}/vendorLedgerEntries" for service in ANALYTICS]
        if self._service:
            paths.insert(0, service_path(self._company, self._service))
        tried = [self._probe(_PAYABLES, path) for path in paths]
        return next((each for each in tried if each.outcome == "ok"), tried[0])

    def _probe(self, each: _List, path: str = "") -> Probe:
        path = path or f"{each.service}{self._company.path}/{each.path}"
        permission = f"reading {each.path}, by a permission set of the app"
        about = Probe(f"GET {each.path}", "ok", None, "", each.without, permission, each.essential, each.never_empty)
        try:
            found = self._client.get(path, {"$top": "1"})
        except PermissionDenied as fault:
            return dataclasses.replace(about, outcome="denied", detail=fault.message)
        except NotFound as fault:
            return dataclasses.replace(about, outcome="absent", detail=fault.message)
        except Rejected as fault:
            return dataclasses.replace(about, outcome="failed", detail=fault.message)
        return dataclasses.replace(about, rows=len(found.get("value") or ()))

    def _view(self, row: dict[str, t.Any]) -> InvoiceView:
        settings, invoice = self._client.settings, PurchaseInvoice.of(row)
        whose = {
            "tenant_id": settings.tenant_id,
            "environment": settings.environment,
            "company_id": self._company.id,
        }
        return InvoiceView(
            id=invoice.id,
            number=invoice.number,
            supplier_number=invoice.supplier_number,
            supplier_ids=frozenset(filter(None, (row.get("payToVendorId"), invoice.pay_to_number))),
            supplier_name=row.get("payToName") or row.get("vendorName"),
            external_id=invoice.mark,
            date=dt.date.fromisoformat(invoice.invoice_date) if invoice.invoice_date else None,
            total=invoice.total,
            currency=invoice.currency,
            status=invoice.status.lower(),
            stands=not invoice.undone,
            draft=invoice.draft,
            stream="purchase_invoices",
            record=row | whose,
        )
