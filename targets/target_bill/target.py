"""target-bill: vendors, bills, vendor credits, coding and payments made elsewhere into BILL."""

from __future__ import annotations

import typing as t
from functools import cached_property

from singer_sdk import typing as th

from ml_connector.delivery.sink import DocumentSink
from ml_connector.singer.connections.bill import BILL_CONNECTION
from ml_connector.singer.target import COMMON_SETTINGS, DeliveryTarget
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.codings import CODING_LISTS
from ml_connector.systems.bill.settings import PAGINATION_MODES, BillSettings
from target_bill.options import DOCUMENT_TYPES, BillPosting
from target_bill.references import References
from target_bill.sinks import (
    AccountSink,
    AttachmentSink,
    DimensionSink,
    PaymentSink,
    SupplierInvoiceSink,
    SupplierSink,
)

__all__ = ["TargetBill"]


class TargetBill(DeliveryTarget):
    """Delivers to one BILL organization. It never creates a payment order: no money is moved."""

    name = "target-bill"
    system = "bill"

    config_jsonschema: t.ClassVar[dict[str, t.Any]] = th.PropertiesList(
        *BILL_CONNECTION,
        th.Property(
            "page_size",
            th.IntegerType(minimum=1, maximum=100),
            default=100,
            title="Page size",
            description="Records per page when reading reference data and bills",
        ),
        th.Property(
            "pagination_mode",
            th.StringType,
            default="auto",
            allowed_values=list(PAGINATION_MODES),
            title="Paging",
            description="How long lists are read, see tap-bill",
        ),
        th.Property(
            "bills_per_request",
            th.IntegerType(minimum=1, maximum=100),
            default=20,
            title="Bills per request",
            description="How many bills may be sent in one request when several are ready at once; one that BILL "
            "refuses does not keep back the others. 1 sends each by itself",
        ),
        th.Property(
            "create_missing",
            th.ArrayType(th.StringType(allowed_values=list(CODING_LISTS))),
            title="Lists to complete",
            description="Lists on which accounts and dimension values that BILL lacks are created: "
            f"{', '.join(CODING_LISTS)}. Others are matched, or held. Leave it out where BILL's own accounting sync "
            "keeps these lists",
            examples=[["departments"]],
        ),
        th.Property(
            "dimension_lists",
            th.ObjectType(additional_properties=th.StringType),
            title="Lists of dimensions",
            description="Kind of dimension and the BILL list of its values, beside the usual ones: cost centers are "
            "departments, projects are jobs",
            examples=[{"cost_center": "accounting_classes"}],
        ),
        th.Property(
            "document_types",
            th.ArrayType(th.StringType),
            default=list(DOCUMENT_TYPES),
            title="Types of files",
            description="Extensions of the attachments that are put to bills; others are held",
        ),
        th.Property(
            "upload_wait",
            th.IntegerType(minimum=0),
            default=300,
            title="Wait for uploads",
            description="Seconds BILL gets to take in the files of a run before the next run looks after them; also "
            "how long a file whose upload broke off must not have appeared before it is sent again",
            examples=[300],
        ),
        th.Property(
            "tax_account",
            th.StringType,
            title="Tax account",
            description="Account (number or id) of the line that carries an invoice's tax; bills have no tax of their "
            "own. Without it invoices with tax beside their lines are held",
        ),
        th.Property(
            "charges_account",
            th.StringType,
            title="Charges account",
            description="Account (number or id) of the line that carries freight and other charges. Without it "
            "invoices with charges beside their lines are held",
        ),
        *COMMON_SETTINGS,
    ).to_dict()

    def __init__(self, **options: t.Any) -> None:
        super().__init__(**options)
        self._client: BillClient | None = None

    @property
    def instance(self) -> str:
        """The organization's id."""
        return self._settings.organization_id

    def make_sinks(self) -> t.Sequence[DocumentSink[t.Any]]:
        """Return the sinks for coding, vendors, bills, their files and payments."""
        options = BillPosting.from_config(self.config)
        client = self._client = BillClient(self._settings)
        references = References(client)
        return (
            AccountSink(references, options),
            DimensionSink(references, options),
            SupplierSink(references),
            SupplierInvoiceSink(client, references, options),
            AttachmentSink(client, references, options),
            PaymentSink(client, references),
        )

    def process_endofpipe(self) -> None:
        """Deliver what is due, and close the connections."""
        try:
            super().process_endofpipe()
        finally:
            if self._client is not None:
                self._client.close()

    @cached_property
    def _settings(self) -> BillSettings:
        return BillSettings.from_config(self.config, plugin=self.name)
