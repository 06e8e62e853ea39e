"""The settings that lead to each system, the same in its tap and its target: what an entry of the vault may hold."""

from __future__ import annotations

import typing as t

from singer_sdk import typing as th

from ml_connector.singer.connections.bill import BILL_CONNECTION
from ml_connector.singer.connections.business_central import BUSINESS_CENTRAL_CONNECTION
from ml_connector.singer.connections.workday import WORKDAY_CONNECTION

__all__ = ["CONNECTIONS", "LOGINS"]

CONNECTIONS: t.Final[t.Mapping[str, tuple[th.Property[t.Any], ...]]] = {
    "bill": BILL_CONNECTION,
    "business_central": BUSINESS_CENTRAL_CONNECTION,
    "workday": WORKDAY_CONNECTION,
}
"""Every system's connection settings, by its name on the command line."""

LOGINS: t.Final[t.Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "workday": (("isu_username", "isu_password"), ("client_id", "client_secret", "refresh_token")),
}
"""Where a system can be logged in to in several ways: what each takes beside the settings that are required."""
