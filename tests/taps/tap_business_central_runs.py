"""Runs tap-business-central against a sandbox and keeps what it writes."""

from __future__ import annotations

import contextlib
import io
import json
from decimal import Decimal

from erp_sandbox import credentials
from tap_business_central.streams import STREAM_CLASSES
from tap_business_central.tap import TapBusinessCentral

NAMES = [vars(stream)["name"] for stream in STREAM_CLASSES]


def config_for(box, **changes):
    """Return a config for one company of the sandbox that reads everything at once, also what has just changed."""
    return {
        "base_url": box.business_central_base_url,
        "auth_url": box.business_central_auth_url,
        "tenant_id": credentials.BUSINESS_CENTRAL_TENANT,
        "environment": credentials.BUSINESS_CENTRAL_ENVIRONMENT,
        "company": credentials.BUSINESS_CENTRAL_COMPANY,
        "client_id": credentials.BUSINESS_CENTRAL_CLIENT_ID,
        "client_secret": credentials.BUSINESS_CENTRAL_CLIENT_SECRET,
        "requests_per_minute": 60_000,
        "settle_seconds": 0,
        **changes,
    }


def run(box, *, streams=None, state=None, **changes):
    """Run the tap in this process.

    Args:
        box: The sandbox.
        streams: Names of the streams to read; None: the default ones.
        state: Of an earlier run.
        changes: Settings.

    Returns:
        All messages, numbers with a point as Decimal.
    """
    config = config_for(box, **changes)
    catalog = None if streams is None else catalog_of(config, streams)
    tap = TapBusinessCentral(config=config, state=state, catalog=catalog)
    return [json.loads(line, parse_float=Decimal) for line in written(tap)]


def catalog_of(config, streams):
    """Return a catalog in which some streams are selected, with all their fields."""
    catalog = TapBusinessCentral(config=config).catalog_dict
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
