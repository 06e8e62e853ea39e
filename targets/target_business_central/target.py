"""target-business-central: vendors, purchase invoices and vendor payments into a company of Business Central."""

from __future__ import annotations

import typing as t
import weakref
from functools import cached_property

from singer_sdk import typing as th

from ml_connector.delivery.sink import DocumentSink
from ml_connector.singer.connections.business_central import BUSINESS_CENTRAL_CONNECTION
from ml_connector.singer.target import COMMON_SETTINGS, DeliveryTarget
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.companies import instance_of
from ml_connector.systems.business_central.settings import BusinessCentralSettings
from target_business_central.options import VENDOR_NUMBERS, BusinessCentralPosting
from target_business_central.references import GUID, References
from target_business_central.sinks import AccountSink, DimensionSink, PaymentSink, SupplierInvoiceSink, SupplierSink

__all__ = ["TargetBusinessCentral"]


class TargetBusinessCentral(DeliveryTarget):
    """Delivers to one company. By default it posts nothing: invoices stay drafts, payments lines of a journal."""

    name = "target-business-central"
    system = "business_central"

    config_jsonschema: t.ClassVar[dict[str, t.Any]] = th.PropertiesList(
        *BUSINESS_CENTRAL_CONNECTION,
        th.Property(
            "payment_journal",
            th.StringType,
            default="BILL",
            title="Payment journal",
            description="Code of the vendor payment journal that payments go into, without a digit. Keep it for "
            "payments from here: a journal is posted as a whole",
            examples=["BILL"],
        ),
        th.Property(
            "create_payment_journal",
            th.BooleanType,
            default=False,
            title="Make the payment journal",
            description="Whether the journal is made if there is none, balanced to balancing_account. To balance it to "
            "a bank account, make it in Business Central",
        ),
        th.Property(
            "balancing_account",
            th.StringType,
            title="Balancing account",
            description="Number of the ledger account a journal that is made takes payments from",
            examples=["11500"],
        ),
        th.Property(
            "post_payments",
            th.BooleanType,
            default=False,
            title="Post payments",
            description="Whether the payment journal is posted at the end of a run. It is not, and the log says why, "
            "when a line in it was not made here or would not be posted as it is meant",
        ),
        th.Property(
            "post_invoices",
            th.BooleanType,
            default=False,
            title="Post invoices",
            description="Whether purchase invoices are posted once their total is as it should be; otherwise, and when "
            "Business Central refuses, they stay drafts. Drafts of earlier runs are posted too, if they still say what "
            "was sent",
        ),
        th.Property(
            "vendor_numbers",
            th.StringType,
            default="ours",
            allowed_values=list(VENDOR_NUMBERS),
            title="Numbers of new vendors",
            description="ours: made from the id at the source, by which a vendor is found again; needs a number series "
            "that allows manual numbers. series: the next number of Business Central's series",
        ),
        th.Property(
            "dimension_codes",
            th.ObjectType(additional_properties=th.StringType),
            title="Dimensions",
            description="Kind of dimension and its code in Business Central, beside the usual ones: cost centers are "
            "DEPARTMENT, projects PROJECT, locations LOCATION",
            examples=[{"cost_center": "COSTCENTER"}],
        ),
        th.Property(
            "tax_account",
            th.StringType,
            title="Tax account",
            description="Number of the account of the line that carries tax which stands on no line. Without it "
            "Business Central computes the tax, and an invoice that comes to another total is held",
        ),
        th.Property(
            "charges_account",
            th.StringType,
            title="Charges account",
            description="Number of the account of the line that carries freight and other charges. Without it "
            "invoices with charges beside their lines are held",
        ),
        *COMMON_SETTINGS,
    ).to_dict()

    def __init__(self, **options: t.Any) -> None:
        super().__init__(**options)
        self._client: BusinessCentralClient | None = None

    @property
    def instance(self) -> str:
        """Tenant, environment and id of the company."""
        return instance_of(self._settings, self._company_id)

    def make_sinks(self) -> t.Sequence[DocumentSink[t.Any]]:
        """Return the sinks for coding, vendors, purchase invoices and payments."""
        options = BusinessCentralPosting.from_config(self.config)
        client = self._connected()
        references = References(client, self._company_id)
        return (
            AccountSink(references),
            DimensionSink(references, options),
            SupplierSink(references, options),
            SupplierInvoiceSink(client, references, options),
            PaymentSink(client, references, options),
        )

    def process_endofpipe(self) -> None:
        """Deliver what is due, and close the connections."""
        try:
            super().process_endofpipe()
        finally:
            if self._client is not None:
                self._client.close()

    @cached_property
    def _settings(self) -> BusinessCentralSettings:
        return BusinessCentralSettings.from_config(self.config, plugin=self.name)

    @cached_property
    def _company_id(self) -> str:
        """Id of the company; Business Central is asked only where the setting is a name."""
        named = (self._settings.company or "").strip()
        return named.lower() if GUID.fullmatch(named) else self._connected().company(named or None).id.lower()

    def _connected(self) -> BusinessCentralClient:
        if self._client is None:
            self._client = BusinessCentralClient(self._settings)
            weakref.finalize(self, self._client.close)  # for a run that ends before its input does
        return self._client
