"""tap-business-central: vendors, invoices, payments and their coding from Business Central."""

from __future__ import annotations

import datetime as dt
import functools
import typing as t
import weakref

from singer_sdk import typing as th

from ml_connector.singer.connections.business_central import BUSINESS_CENTRAL_CONNECTION
from ml_connector.singer.tap import ApiTap, common_settings
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.companies import Company
from ml_connector.systems.business_central.settings import BusinessCentralSettings
from tap_business_central.streams import STREAM_CLASSES, SWEEPABLE

__all__ = ["TapBusinessCentral"]


class TapBusinessCentral(ApiTap):
    """Reads the companies of an environment of Microsoft Dynamics 365 Business Central (API v2.0)."""

    name = "tap-business-central"
    stream_classes = STREAM_CLASSES

    config_jsonschema: t.ClassVar[dict[str, t.Any]] = th.PropertiesList(
        *BUSINESS_CENTRAL_CONNECTION,
        *common_settings(page_size=5000, max_concurrency=4, request_timeout=120),
        th.Property(
            "company_ids",
            th.ArrayType(th.StringType),
            title="Companies",
            description="Ids or names of the companies that are read, where there are several; all when neither "
            "this nor company is set",
            examples=[["Acme Services, Inc.", "My Company"]],
        ),
        th.Property(
            "lookback_seconds",
            th.IntegerType(minimum=0),
            default=300,
            title="Overlap",
            description="How far behind the bookmark reading starts, for changes that became visible late",
            examples=[300],
        ),
        th.Property(
            "settle_seconds",
            th.IntegerType(minimum=0),
            default=30,
            title="Settling",
            description="How old a change must be to be read: younger ones are left to the next run, since others "
            "may still be under way that are stamped earlier",
            examples=[30],
        ),
        th.Property(
            "read_replica",
            th.BooleanType,
            default=True,
            title="Read a copy",
            description="Whether a copy of the database may answer, which leaves the people at work undisturbed and "
            "may lag behind by seconds",
            examples=[True],
        ),
        th.Property(
            "include_approvals",
            th.BooleanType,
            default=False,
            title="Approvals",
            description="Whether draft invoices tell how far their approval is (approvalStatus). Needs the list "
            "approvalEntries, which environments have since 2026",
            examples=[False],
        ),
        th.Property(
            "ledger_entries_service",
            th.StringType,
            title="Web service of vendor ledger entries",
            description="Name of the web service page 29 (Vendor Ledger Entries) is published as. It tells what "
            "invoices still owe, in their own currency; without it the analytics API of the Power BI reports is "
            "asked, which tells it in local currency",
            examples=["VendorLedgerEntries"],
        ),
        th.Property(
            "include_bank_details",
            th.BooleanType,
            default=False,
            title="Bank details",
            description="Give numbers of own bank accounts in full; otherwise only their last four characters",
            examples=[False],
        ),
        th.Property(
            "sweep_streams",
            th.ArrayType(th.StringType(allowed_values=list(SWEEPABLE))),
            title="Streams to sweep",
            description="Streams of which every run reads all ids, to notice deleted rows: such a row is given out "
            "once more with its key and _sdc_deleted_at. Business Central tells of no deletion by itself",
            examples=[["vendors", "purchase_invoices"]],
        ),
    ).to_dict()

    @functools.cached_property
    def client(self) -> BusinessCentralClient:
        """The client all streams share, opened when it is first needed and closed with the tap."""
        client = BusinessCentralClient(BusinessCentralSettings.from_config(self.config, plugin=self.name))
        weakref.finalize(self, client.close)
        return client

    @functools.cached_property
    def companies(self) -> list[Company]:
        """The companies that are read, each once."""
        named = [*(self.config.get("company_ids") or ()), *filter(None, [self.config.get("company")])]
        if not named:
            return self.client.companies()
        return list({company.id: company for company in map(self.client.company, named)}.values())

    @functools.cached_property
    def until(self) -> dt.datetime:
        """How far a run reads, the same for all streams."""
        return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=self.config.get("settle_seconds", 30))


if __name__ == "__main__":
    TapBusinessCentral.cli()
