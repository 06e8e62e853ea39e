"""Which organization of BILL, and as whom."""

from __future__ import annotations

import typing as t

from singer_sdk import typing as th

from ml_connector.systems.bill.settings import DEFAULT_BASE_URL

__all__ = ["BILL_CONNECTION"]

BILL_CONNECTION: t.Final[tuple[th.Property[t.Any], ...]] = (
    th.Property(
        "dev_key",
        th.StringType,
        required=True,
        secret=True,
        title="Developer key",
        description="The developer key of the BILL developer account",
        examples=["01ABCDEFGHIJKLMNOPQR"],
    ),
    th.Property(
        "username",
        th.StringType,
        required=True,
        title="User name",
        description="The name of a sync token (Settings, Tokens in the web app), or a user's e-mail",
        examples=["ml-connector-sync"],
    ),
    th.Property(
        "password",
        th.StringType,
        required=True,
        secret=True,
        title="Password",
        description="The value of the sync token, or the user's password",
        examples=["********"],
    ),
    th.Property(
        "organization_id",
        th.StringType,
        required=True,
        title="Organization",
        description="The id of the organization, 20 characters that begin with 008",
        examples=["00801ABCDEFGHIJK1234"],
    ),
    th.Property(
        "remember_me_id",
        th.StringType,
        secret=True,
        title="Remember-me id",
        description="With device: opens an MFA-trusted session, shared by tap and target. Neither needs one",
        examples=["********"],
    ),
    th.Property(
        "device",
        th.StringType,
        title="Device",
        description="The device the remember-me id was made for",
        examples=["ml-connector"],
    ),
    th.Property(
        "base_url",
        th.StringType,
        default=DEFAULT_BASE_URL,
        title="Base URL",
        description="Address of the API. `http://` is accepted for this machine only",
        examples=[DEFAULT_BASE_URL],
    ),
    th.Property(
        "events_base_url",
        th.StringType,
        title="Base URL of the events API",
        description="Derived from base_url when not set: its sibling /connect-events",
        examples=["https://gateway.prod.bill.com/connect-events"],
    ),
)
"""Settings that lead to an organization, the same in tap and target."""
