"""Runs tap-workday against a sandbox and keeps what it writes."""

from __future__ import annotations

import json
from decimal import Decimal

from tap_bill_runs import last_state, records, written

from erp_sandbox import credentials
from tap_workday.streams import STREAM_CLASSES
from tap_workday.tap import TapWorkday

__all__ = [
    "EVERY_STREAM",
    "OFF_BY_DEFAULT",
    "catalog_of",
    "config_for",
    "ids",
    "last_state",
    "records",
    "run",
    "written",
]

EVERY_STREAM = tuple(stream.name for stream in STREAM_CLASSES)
OFF_BY_DEFAULT = {"organizations", "reference_ids", "supplier_invoice_attachments", "journals", "custom_reports"}
REPORT = {"name": "Active_Suppliers", "owner": "ap_admin", "key": ["Supplier_ID"]}


def config_for(box, **changes):
    """Return a config for the sandbox, with the ISU's password unless changes name an API client."""
    login = {"isu_username": credentials.WORKDAY_ISU_USERNAME, "isu_password": credentials.WORKDAY_ISU_PASSWORD}
    return {
        "base_url": box.workday_base_url,
        "tenant": credentials.WORKDAY_TENANT,
        **({} if "refresh_token" in changes else login),
        **changes,
    }


def oauth():
    """Return the settings of the sandbox's API client."""
    return {
        "client_id": credentials.WORKDAY_CLIENT_ID,
        "client_secret": credentials.WORKDAY_CLIENT_SECRET,
        "refresh_token": credentials.WORKDAY_REFRESH_TOKEN,
    }


def run(box, *streams, state=None, **changes):
    """Run the tap in this process, for some streams or the default ones, and return all messages."""
    config = config_for(box, **changes)
    catalog = catalog_of(config, streams) if streams else None
    tap = TapWorkday(config=config, state=state, catalog=catalog)
    return [json.loads(line, parse_float=Decimal) for line in written(tap)]


def catalog_of(config, streams):
    """Return a catalog in which some streams are selected, with all their fields."""
    catalog = TapWorkday(config=config).catalog_dict
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = entry["stream"] in streams
    return catalog


def ids(messages, stream):
    """Return the ids of one stream's records, in order."""
    return [record["id"] for record in records(messages, stream)]
