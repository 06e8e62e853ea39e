"""tap-bill: bills, payments, vendors and their coding from BILL."""

from __future__ import annotations

import functools
import typing as t
import weakref

from singer_sdk import typing as th

from ml_connector.singer.connections.bill import BILL_CONNECTION
from ml_connector.singer.tap import ApiTap, common_settings
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.settings import PAGINATION_MODES, BillSettings
from tap_bill.streams import STREAM_CLASSES

__all__ = ["TapBill"]


class TapBill(ApiTap):
    """Reads an organization of BILL (API v3)."""

    name = "tap-bill"
    stream_classes = STREAM_CLASSES

    config_jsonschema: t.ClassVar[dict[str, t.Any]] = th.PropertiesList(
        *BILL_CONNECTION,
        *common_settings(page_size=100, max_concurrency=2),
        th.Property(
            "pagination_mode",
            th.StringType,
            default="auto",
            allowed_values=list(PAGINATION_MODES),
            title="Pagination",
            description="How long lists are read. auto asks for the next page by time and needs no cursor; "
            "cursor sends filters and cursor together; cursor_without_filters sends filters on the first "
            "page only; windows uses time windows only",
            examples=["auto"],
        ),
        th.Property(
            "lookback_seconds",
            th.IntegerType,
            default=300,
            title="Overlap",
            description="How far behind the bookmark reading starts, for records that became visible late",
            examples=[300],
        ),
        th.Property(
            "include_archived",
            th.BooleanType,
            default=True,
            title="Archived records",
            description="Whether archived records are given out. Drafts of bills count as archived",
            examples=[True],
        ),
        th.Property(
            "wait_for_quota",
            th.BooleanType,
            default=False,
            title="Wait for quota",
            description="Sleep until the next full hour when the hourly quota is used up, rather than fail",
            examples=[False],
        ),
    ).to_dict()

    @functools.cached_property
    def client(self) -> BillClient:
        """The client all streams share, opened when it is first needed and closed with the tap."""
        client = BillClient(BillSettings.from_config(self.config, plugin=self.name))
        weakref.finalize(self, client.close)
        return client


if __name__ == "__main__":
    TapBill.cli()
