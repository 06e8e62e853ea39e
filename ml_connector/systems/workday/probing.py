"""What the pipelines need of a tenant, each tried by the smallest read for it (docs/systems/workday.md#w2-4)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import typing as t

from ml_connector.errors import PermissionDenied, Rejected, SettingInvalid
from ml_connector.system.access import Probe
from ml_connector.systems.workday.ad_hoc_payments import CASH, GET, PAYMENTS, SUBMIT
from ml_connector.systems.workday.client import FINANCE, RESOURCES, WorkdayClient
from ml_connector.systems.workday.errors import ProcessingFailed
from ml_connector.systems.workday.raas import report_rows
from ml_connector.systems.workday.reads import Reader, Source
from ml_connector.systems.workday.wql import changed_invoices

__all__ = ["Need", "Uses", "needs", "probe", "probe_queries", "small_request"]

_OFF_BY_DEFAULT: t.Final = frozenset({"custom_reports", "journals", "organizations", "reference_ids"})
_ALL: t.Final = "*"
_DAY: t.Final = dt.timedelta(days=1)
_BEHIND: t.Final = dt.timedelta(minutes=2)


@dataclasses.dataclass(frozen=True, slots=True)
class Uses:
    """What the configured pipelines do with a tenant.

    Attributes:
        streams: The tap's selected streams, ``*`` for all; None: those it selects by default.
        reads: Whether a tap is configured at all.
        records_payments: Whether payments made elsewhere are recorded.
        asks_wql: Whether WQL says which invoices changed.
        reports: Owner and name of the custom reports that are read.
    """

    streams: frozenset[str] | None = None
    reads: bool = False
    records_payments: bool = False
    asks_wql: bool = False
    reports: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, config: t.Mapping[str, t.Any], plugin: str) -> Uses:
        """Return what the settings of a plugin ask for; ``_select`` has Meltano's patterns of streams."""
        patterns = _listed(config.get("_select"))
        streams = None if not patterns else frozenset(each.partition(".")[0] for each in patterns if each[:1] != "!")
        uses = cls(
            streams=streams,
            reads=plugin.startswith("tap-"),
            records_payments=config.get("payment_recording") == "ad_hoc_payment",
            asks_wql=config.get("invoice_change_source") == "wql",
        )
        if not uses.reads_stream("custom_reports"):
            return uses
        reports = [each for each in _listed(config.get("custom_reports")) if isinstance(each, dict)]
        named = tuple((str(each.get("owner")), str(each.get("name"))) for each in reports)
        return dataclasses.replace(uses, reports=named)

    def reads_stream(self, name: str) -> bool:
        """Whether a stream is read."""
        if self.streams is None:
            return self.reads and name not in _OFF_BY_DEFAULT
        return self.reads and bool({name, _ALL} & self.streams)


@dataclasses.dataclass(frozen=True, slots=True)
class Need:
    """An operation the pipelines need; for one that writes, the Get paired with it stands.

    Attributes:
        operations: Service and operation, in order of preference.
        without: What cannot be done without it.
        domain: The security domain it belongs to, where a source names it.
        essential: Whether nothing works without it.
        never_empty: Whether no rows at all cannot be true.
        writes: The operations of the service it stands for.
        stream: The tap's stream that alone needs it; None: everything does.
        recording: Whether it is needed where payments are recorded, and else for the stream alone.
        windowed: Whether it answers only for a window of changes; how many rows there are then says nothing.
    """

    operations: tuple[tuple[str, str], ...]
    without: str
    domain: str | None = None
    essential: bool = True
    never_empty: bool = False
    writes: tuple[str, ...] = ()
    stream: str | None = None
    recording: bool = False
    windowed: bool = False

    def arises(self, uses: Uses) -> bool:
        """Whether the configured pipelines need it."""
        if self.stream is None and not self.recording:
            return True
        return (self.recording and uses.records_payments) or bool(self.stream and uses.reads_stream(self.stream))

    @property
    def permission(self) -> str:
        """What the tenant's administrator would have to grant."""
        if self.domain is not None:
            return f'domain "{self.domain}"'
        return f"the domain that View Security for Securable Item names for {self.operations[0][1]}"


def needs(uses: Uses) -> list[Need]:
    """Return what the configured pipelines need."""
    return [need for need in _NEEDS if need.arises(uses)]


def probe(client: WorkdayClient, need: Need) -> Probe:
    """Run the operation with ``Count`` 1."""
    operation = need.operations[0][1]
    about = Probe(operation, "ok", None, "", need.without, need.permission, need.essential, need.never_empty)
    try:
        service, operation = client.offering(*need.operations)
        for write in need.writes:
            client.offering((service, write))
    except SettingInvalid as lacking:
        return dataclasses.replace(about, outcome="absent", detail=lacking.what)
    body = small_request(client, service, operation, count=1)
    if need.windowed:
        end = dt.datetime.now(dt.UTC).replace(microsecond=0) - _BEHIND
        body["Request_Criteria"] = {"Updated_From_Date": end - _DAY, "Updated_To_Date": end}
    try:
        answer = client.call(service, operation, body)
    except PermissionDenied as fault:
        return dataclasses.replace(about, outcome="denied", detail=fault.message)
    except (Rejected, ProcessingFailed) as fault:
        return dataclasses.replace(about, outcome="failed", detail=fault.message)
    if need.windowed:
        return about
    results = answer.node.node("Response_Results")
    return dataclasses.replace(about, rows=results.number("Total_Results") if results is not None else 0)


def probe_queries(client: WorkdayClient, uses: Uses) -> t.Iterator[Probe]:
    """Run what is not SOAP: a WQL query of no rows, and the custom reports, which have no smaller form."""
    if uses.asks_wql:
        yield _tried(
            "WQL", "late changes to invoices are not found", "scope and domain of WQL", lambda: _no_row(client)
        )
    for owner, name in uses.reports:
        permission = f"the report {name}, shared with the ISU"
        yield _tried(
            f"report {owner}/{name}",
            "the report cannot be read",
            permission,
            lambda owner=owner, name=name: len(report_rows(client, owner, name)),  # type: ignore[misc]
        )


def small_request(client: WorkdayClient, service: str, operation: str, *, count: int | None = None) -> dict[str, t.Any]:
    """Return the body of a Get for everything, with references and without attachments."""
    shape = client.service(service).shape(operation)
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


_NEEDS: t.Final = (
    Need(
        ((FINANCE, "Get_Workday_Companies"),),
        "no company can be checked",
        "Set Up: Company General",
        never_empty=True,
    ),
    Need(((RESOURCES, "Get_Suppliers"),), "no supplier can be found", "View: Supplier"),
    Need(
        ((FINANCE, "Get_Resource_Categories"), (RESOURCES, "Get_Resource_Categories")),
        "no spend category can be checked",
        "Set Up: Spend Category",
        never_empty=True,
    ),
    Need(((FINANCE, "Get_Cost_Centers"),), "no cost center can be checked", "Manage: Organization"),
    Need(
        ((RESOURCES, "Get_Supplier_Invoices"),),
        "no invoice can be posted, looked up or read back",
        "Process: Supplier Invoice",
        writes=("Submit_Supplier_Invoice",),
    ),
    Need(
        ((RESOURCES, "Get_Supplier_Invoice_Adjustments"),),
        "no credit can be posted, looked up or read back",
        "Process: Supplier Invoice Adjustment",
        essential=False,
        writes=("Submit_Supplier_Invoice_Adjustment",),
    ),
    Need(
        ((RESOURCES, "Get_Purchase_Orders"),),
        "invoices of purchase orders are held, since their orders cannot be checked",
        "Reports: Purchase Order",
        essential=False,
    ),
    Need(
        ((FINANCE, "Get_Account_Sets"),),
        "expected GL accounts cannot be checked",
        "Set Up: Chart of Accounts",
        essential=False,
    ),
    Need(
        ((FINANCE, "Get_Payment_Terms"),),
        "payment terms cannot be checked",
        "Set Up: Payment Terms",
        essential=False,
    ),
    Need(
        ((CASH, GET),),
        "no payment can be recorded, looked up or read back",
        writes=(SUBMIT,),
        recording=True,
    ),
    Need(
        PAYMENTS.operations,
        "payments cannot be read, nor how far invoices are paid, nor whether a recorded payment was cancelled",
        essential=False,
        stream="payments",
        recording=True,
    ),
    *(
        Need((operation,), f"the stream {stream} cannot be read", domain, essential=False, stream=stream)
        for stream, operation, domain in (
            ("payment_types", (FINANCE, "Get_Payment_Types"), None),
            ("tax_codes", (FINANCE, "Get_Transaction_Tax_Codes"), None),
            ("projects", (RESOURCES, "Get_Projects"), None),
            ("organizations", (FINANCE, "Get_Organizations"), "Manage: Organization"),
            ("reference_ids", ("Integrations", "Get_References"), None),
        )
    ),
    Need(
        ((FINANCE, "Get_Journals"),),
        "the stream journals cannot be read",
        essential=False,
        stream="journals",
        windowed=True,
    ),
)
"""In the order they are told."""


def _listed(value: t.Any) -> list[t.Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return [value]
    return value if isinstance(value, list) else []


def _tried(operation: str, without: str, permission: str, ask: t.Callable[[], int | None]) -> Probe:
    about = Probe(operation, "ok", None, "", without, permission, essential=False)
    try:
        return dataclasses.replace(about, rows=ask())
    except SettingInvalid as lacking:
        return dataclasses.replace(about, outcome="absent", detail=lacking.what)
    except PermissionDenied as fault:
        return dataclasses.replace(about, outcome="denied", detail=fault.message)
    except (Rejected, ProcessingFailed) as fault:
        return dataclasses.replace(about, outcome="failed", detail=fault.message)


def _no_row(client: WorkdayClient) -> None:
    source = Source(((FINANCE, "Get_Workday_Companies"),), "Company", "Company_Reference")
    references = (row.ref(source.reference) for row in Reader(client, source).rows())
    companies = [each.wid for each in references if each is not None and each.wid]
    changed_invoices(client, companies[:1], dt.datetime.now(dt.UTC))
