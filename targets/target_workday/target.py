"""target-workday: supplier invoices and suppliers into Workday Financial Management."""

from __future__ import annotations

import typing as t
from functools import cached_property

from singer_sdk import typing as th

from ml_connector.delivery.sink import DocumentSink
from ml_connector.singer.connections.workday import WORKDAY_CONNECTION
from ml_connector.singer.target import COMMON_SETTINGS, DeliveryTarget
from ml_connector.systems.workday.client import WorkdayClient
from ml_connector.systems.workday.references import References
from ml_connector.systems.workday.settings import WorkdaySettings
from target_workday.options import WorkdayPosting
from target_workday.sinks import PaymentSink, SupplierInvoiceSink, SupplierSink

__all__ = ["TargetWorkday"]


class TargetWorkday(DeliveryTarget):
    """Delivers to one Workday tenant over its SOAP web services."""

    name = "target-workday"
    system = "workday"

    config_jsonschema: t.ClassVar[dict[str, t.Any]] = th.PropertiesList(
        *WORKDAY_CONNECTION,
        th.Property(
            "page_size",
            th.IntegerType(minimum=1, maximum=999),
            default=200,
            title="Page size",
            description="Records per page when reading reference data and invoices",
        ),
        th.Property(
            "submit",
            th.BooleanType,
            default=True,
            title="Submit",
            description="Send invoices into Workday's approval process; false leaves drafts, which the first run with "
            "true submits if they still say what was sent",
        ),
        th.Property(
            "auto_complete",
            th.BooleanType,
            default=False,
            title="Auto complete",
            description="Skip every approval in Workday. Only where approval elsewhere is enough",
        ),
        th.Property(
            "locked_in_workday",
            th.BooleanType,
            default=False,
            title="Locked in Workday",
            description="Keep people from correcting or cancelling the invoice inside Workday",
        ),
        th.Property(
            "on_hold",
            th.BooleanType,
            default=False,
            title="On hold",
            description="Post invoices on hold, so that no settlement run pays what another system pays already",
        ),
        th.Property(
            "adjustment_reason",
            th.StringType,
            default="OTHER_TERMS",
            title="Adjustment reason",
            description="Adjustment_Reason_ID of credits, which Workday calls supplier invoice adjustments",
        ),
        th.Property(
            "tax_option",
            th.StringType,
            title="Tax option",
            description="Tax_Option_ID of invoices",
            examples=["ENTER_TAX_DUE"],
        ),
        th.Property(
            "invoice_number_from",
            th.StringType,
            default="external_id",
            allowed_values=["external_id", "workday"],
            title="Invoice number",
            description="Number invoices by the id they are found by (BILL-...), or leave it to Workday's sequence",
        ),
        th.Property(
            "override_payment_type",
            th.StringType,
            title="Override payment type",
            description="Payment_Type_ID invoices are posted with: one that no settlement run of the tenant selects, "
            "where another system pays",
            examples=["PAID_OUTSIDE"],
        ),
        th.Property(
            "payment_recording",
            th.StringType,
            default="none",
            allowed_values=["none", "ad_hoc_payment"],
            title="Recording payments",
            description="What happens to payments another system made. none: nothing, the stream is left out; "
            "ad_hoc_payment: each is recorded as an ad hoc payment. That settles no invoice and posts a debit of its "
            "own, so it needs payment_bank_account, payment_clearing_category, and on_hold or override_payment_type",
        ),
        th.Property(
            "payment_bank_account",
            th.StringType,
            title="Bank account of payments",
            description="Bank_Account_ID recorded payments were made from, usually a clearing account",
        ),
        th.Property(
            "payment_clearing_category",
            th.StringType,
            title="Clearing category of payments",
            description="Spend_Category_ID recorded payments are coded to; its posting rule must hit AP clearing",
        ),
        th.Property(
            "payment_type",
            th.StringType,
            title="Payment type of payments",
            description="Payment_Type_ID of recorded payments; left to Workday when not set",
            examples=["MANUAL"],
        ),
        th.Property(
            "payment_worktags",
            th.ObjectType(additional_properties=th.StringType),
            title="Worktags of payments",
            description="Kinds of dimension and the value of each that recorded payments carry, where posting rules or "
            "the tenant's required worktags want them",
            examples=[{"cost_center": "CC-100"}],
        ),
        th.Property(
            "worktag_types",
            th.ObjectType(additional_properties=th.StringType),
            title="Worktag types",
            description="Further kinds of dimension and the ID type of their worktag",
            examples=[{"job": "Custom_Worktag_1_ID"}],
        ),
        th.Property(
            "supplier_category",
            th.StringType,
            title="Supplier category",
            description="Supplier_Category_ID of suppliers that are created (missing_suppliers: create)",
        ),
        th.Property(
            "supplier_payment_terms",
            th.StringType,
            title="Supplier payment terms",
            description="Payment_Terms_ID of suppliers that are created",
        ),
        th.Property(
            "supplier_payment_type",
            th.StringType,
            title="Supplier payment type",
            description="Payment_Type_ID of suppliers that are created",
        ),
        th.Property(
            "supplier_phone_device_type",
            th.StringType,
            title="Phone device type",
            description="Phone_Device_Type_ID of suppliers' phones; without it phones are left out",
        ),
        *COMMON_SETTINGS,
    ).to_dict()

    @property
    def instance(self) -> str:
        """The tenant."""
        return self._settings.tenant

    def make_sinks(self) -> t.Sequence[DocumentSink[t.Any]]:
        """Return the sinks for suppliers and supplier invoices, and for payments where they are recorded."""
        options = WorkdayPosting.from_config(self.config)
        if self.policy.missing_suppliers == "create":
            options.require_for_new_suppliers()
        client = WorkdayClient(self._settings)
        references = References(client)
        sinks: list[DocumentSink[t.Any]] = [
            SupplierSink(client, references, options),
            SupplierInvoiceSink(client, references, options),
        ]
        if options.records_payments:
            sinks.append(PaymentSink(client, references, options))
        return sinks

    @cached_property
    def _settings(self) -> WorkdaySettings:
        return WorkdaySettings.from_config(self.config)
