"""The tap one would write in an afternoon: an ordinary RESTStream of the Singer SDK for the same list of BILL.

It is what tap-bill is compared with, and meant to be a fair one: the SDK's own paginator follows ``nextPage``, a
session is opened once, the largest page is asked for, the schema is tap-bill's. One call follows the other.
"""

from __future__ import annotations

import functools
import typing as t
from collections.abc import Mapping

import requests
from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.helpers import types
from singer_sdk.streams import RESTStream, Stream

from tap_bill.schemas import BILLS

PAGE_SIZE: t.Final = 100


class PlainBills(RESTStream[str]):
    """Bills, page after page."""

    name = "bills"
    path = "/v3/bills"
    primary_keys: t.ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updatedTime"
    is_sorted = True
    schema: t.ClassVar[dict[str, t.Any]] = BILLS
    records_jsonpath = "$.results[*]"
    next_page_token_jsonpath = "$.nextPage"  # noqa: S105 - a path, not a secret

    @property
    def url_base(self) -> str:
        """Base address of the API."""
        return str(self.config["base_url"])

    @functools.cached_property
    def session(self) -> Mapping[str, str]:
        """The answer of the login."""
        names = {"username": "username", "password": "password", "organizationId": "organization_id"}
        body = {theirs: self.config[ours] for theirs, ours in names.items()}
        answer = requests.post(f"{self.url_base}/v3/login", json={**body, "devKey": self.config["dev_key"]}, timeout=60)
        answer.raise_for_status()
        session: Mapping[str, str] = answer.json()
        return session

    @property
    def http_headers(self) -> dict[str, str]:
        """The session and the developer key."""
        return {"sessionId": self.session["sessionId"], "devKey": self.config["dev_key"]}

    def get_url_params(self, context: types.Context | None, next_page_token: str | None) -> dict[str, t.Any]:
        """Ask for the largest page, in the order of change."""
        params = {"max": PAGE_SIZE, "sort": "updatedTime:asc", "billApprovals": "true"}
        if start := self.get_starting_timestamp(context):
            params["filters"] = f'updatedTime:gte:"{start:%Y-%m-%dT%H:%M:%S.000+00:00}"'
        if next_page_token:
            params["page"] = next_page_token
        return params

    def post_process(self, row: types.Record, context: types.Context | None = None) -> types.Record | None:
        """Add the organization, as tap-bill does."""
        del context
        row["organizationId"] = self.session["organizationId"]
        return row


class PlainTap(Tap):
    """Reads bills."""

    name = "tap-bill"  # so that it finds the same settings
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = th.PropertiesList(
        *(
            th.Property(name, th.StringType, required=True)
            for name in ("base_url", "dev_key", "username", "password", "organization_id")
        )
    ).to_dict()

    def discover_streams(self) -> list[Stream]:
        """Return the one stream."""
        return [PlainBills(self)]


if __name__ == "__main__":
    PlainTap.cli()
