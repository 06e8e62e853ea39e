"""tap-workday: suppliers, purchase orders, invoices, payments and their coding from Workday."""

from __future__ import annotations

import functools
import typing as t
import weakref

from singer_sdk import typing as th

from ml_connector.singer.connections.workday import WORKDAY_CONNECTION
from ml_connector.singer.tap import ApiTap, common_settings
from ml_connector.systems.workday.client import WorkdayClient
from ml_connector.systems.workday.settings import WorkdaySettings
from tap_workday.streams import STREAM_CLASSES

__all__ = ["TapWorkday"]

REFERENCE_ID_TYPES: t.Final = (
    "Document_Status_ID",
    "Payment_Status_ID",
    "Payment_Type_ID",
    "Tax_Option_ID",
    "Adjustment_Reason_ID",
)


class TapWorkday(ApiTap):
    """Reads a tenant of Workday Financial Management over its web services."""

    name = "tap-workday"
    stream_classes = STREAM_CLASSES

    config_jsonschema: t.ClassVar[dict[str, t.Any]] = th.PropertiesList(
        *WORKDAY_CONNECTION,
        *common_settings(page_size=200, max_concurrency=2, request_timeout=300),
        th.Property(
            "overlap_hours",
            th.IntegerType(minimum=0),
            default=24,
            title="Overlap",
            description="How far behind the bookmark reading starts, for changes that became visible late",
            examples=[24],
        ),
        th.Property(
            "invoice_window_days",
            th.IntegerType(minimum=1),
            default=90,
            title="Invoice window",
            description="How old an invoice or adjustment may be, by its date, and still be looked at for changes. "
            "Workday cannot tell which changed: all of the window are read, those that differ are given out",
            examples=[90],
        ),
        th.Property(
            "largest_attachment_mb",
            th.IntegerType(minimum=1, maximum=30),
            default=6,
            title="Largest attachment",
            description="Megabytes up to which the content of a file is given; of larger ones name, size and hash. "
            "Meltano passes on lines of up to half its elt.buffer_size, and a file takes a third more as base64",
            examples=[6],
        ),
        th.Property(
            "payment_window_days",
            th.IntegerType(minimum=1),
            default=90,
            title="Payment window",
            description="The same for payments",
            examples=[90],
        ),
        th.Property(
            "sweep",
            th.BooleanType,
            default=False,
            title="Sweep",
            description="Read everything from start_date on, whatever bookmarks and windows say, and keep them. "
            "Worth a run a week: it finds late changes to old invoices",
            examples=[False],
        ),
        th.Property(
            "invoice_change_source",
            th.StringType,
            default="soap",
            allowed_values=["soap", "wql"],
            title="Source of invoice changes",
            description="soap: the invoice window; wql: ask WQL which invoices have changed lines and read those, "
            "however old they are. WQL needs an API client, and a sweep now and then",
            examples=["soap"],
        ),
        th.Property(
            "include_payment_status",
            th.BooleanType,
            default=True,
            title="Payment status",
            description="Whether invoices tell how far they are paid. Payments of the invoice window are read for it, "
            "and WQL is asked where there is an API client; an invoice that is paid in Workday can then be kept from "
            "being paid again",
            examples=[True],
        ),
        th.Property(
            "suspicious_drop",
            th.NumberType(minimum=0, maximum=1),
            default=0.5,
            title="Suspicious drop",
            description="Share of the known rows that may be gone before lost permission is suspected: Workday "
            "deletes nothing, and shows fewer rows to an ISU that lost access",
            examples=[0.5],
        ),
        th.Property(
            "include_bank_details",
            th.BooleanType,
            default=False,
            title="Bank details",
            description="Give numbers of bank accounts in full, and our own accounts with payments; otherwise "
            "only their last four characters",
            examples=[False],
        ),
        th.Property(
            "include_payments_to_persons",
            th.BooleanType,
            default=False,
            title="Payments to persons",
            description="Give payments to workers and other persons too (payroll, expenses), not to suppliers alone",
            examples=[False],
        ),
        th.Property(
            "reference_id_types",
            th.ArrayType(th.StringType),
            default=list(REFERENCE_ID_TYPES),
            title="Types of reference ids",
            description="Which types of id the stream reference_ids lists",
        ),
        th.Property(
            "custom_reports",
            th.ArrayType(
                th.ObjectType(
                    th.Property("name", th.StringType, required=True, description="Name as the web service URL has it"),
                    th.Property("owner", th.StringType, required=True, description="Account that owns the report"),
                    th.Property(
                        "prompts",
                        th.ObjectType(additional_properties=th.StringType),
                        description="Values of its prompts (Company!WID)",
                    ),
                    th.Property(
                        "key",
                        th.ArrayType(th.StringType),
                        description="Columns that tell rows apart; all when not set, and for rows that lack them",
                    ),
                )
            ),
            title="Custom reports",
            description="Reports for the stream custom_reports: advanced ones, enabled as a web service and shared "
            "with the ISU",
            examples=[[{"name": "Open_Items", "owner": "ap_admin"}]],
        ),
        th.Property(
            "raas_url",
            th.StringType,
            title="Address of reports",
            description="{base_url}/ccx/service/customreport2/{tenant} when not set",
        ),
        th.Property(
            "wql_url",
            th.StringType,
            title="Address of WQL",
            description="{base_url}/api/wql/v1/{tenant}/data when not set; some tenants have /ccx before /api",
        ),
    ).to_dict()

    @functools.cached_property
    def client(self) -> WorkdayClient:
        """The client all streams share, opened when it is first needed and closed with the tap."""
        client = WorkdayClient(WorkdaySettings.from_config(self.config, plugin=self.name))
        weakref.finalize(self, client.close)
        return client


if __name__ == "__main__":
    TapWorkday.cli()
