"""Runs tap-bill against a sandbox and keeps what it writes."""

from __future__ import annotations

import contextlib
import io
import json
from decimal import Decimal

from erp_sandbox import credentials
from tap_bill.tap import TapBill

ON_BY_DEFAULT = (
    "chart_of_accounts",
    "accounting_classes",
    "departments",
    "locations",
    "jobs",
    "items",
    "employees",
    "vendors",
    "bills",
    "vendor_credits",
    "payments",
)


def config_for(box, **changes):
    """Return a config for the sandbox."""
    return {
        "base_url": box.bill_base_url,
        "dev_key": credentials.BILL_DEV_KEY,
        "username": credentials.BILL_SYNC_TOKEN_NAME,
        "password": credentials.BILL_SYNC_TOKEN_VALUE,
        "organization_id": credentials.BILL_ORGANIZATION_ID,
        **changes,
    }


def run(box, *, streams=None, state=None, catalog=None, **changes):
    """Run the tap in this process.

    Args:
        box: The sandbox.
        streams: Names of the streams to read; None: the default ones.
        state: Of an earlier run.
        catalog: With selections.
        changes: Settings.

    Returns:
        All messages, numbers with a point as Decimal.
    """
    config = config_for(box, **changes)
    if streams is not None:
        catalog = catalog_of(config, streams)
    tap = TapBill(config=config, state=state, catalog=catalog)
    return [json.loads(line, parse_float=Decimal) for line in written(tap)]


def catalog_of(config, streams):
    """Return a catalog in which some streams are selected, with all their fields."""
    catalog = TapBill(config=config).catalog_dict
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = entry["stream"] in streams
    return catalog


def written(tap):
    """Return the lines a tap writes."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(out):
        tap.sync_all()
        out.flush()
    return out.buffer.getvalue().decode().splitlines()


def records(messages, stream):
    """Return the records of one stream."""
    return [message["record"] for message in messages if message["type"] == "RECORD" and message["stream"] == stream]


def ids(messages, stream):
    """Return the ids of one stream's records, in order."""
    return [record["id"] for record in records(messages, stream)]


def last_state(messages):
    """Return the last state among messages, None when there is none."""
    states = [message["value"] for message in messages if message["type"] == "STATE"]
    return states[-1] if states else None


def known_ids(box, resource):
    """Return the ids of everything the sandbox holds of one kind."""
    return {record["id"] for record in box.bill.table(resource).records()}
