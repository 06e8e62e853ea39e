"""Which environment of Business Central, and as whom."""

from __future__ import annotations

import typing as t

from singer_sdk import typing as th

from ml_connector.systems.business_central.settings import DEFAULT_AUTH_URL, DEFAULT_BASE_URL

__all__ = ["BUSINESS_CENTRAL_CONNECTION"]

BUSINESS_CENTRAL_CONNECTION: t.Final[tuple[th.Property[t.Any], ...]] = (
    th.Property(
        "tenant_id",
        th.StringType,
        required=True,
        title="Tenant",
        description="The Microsoft Entra tenant: its id, or its domain",
        examples=["0f0e0d0c-1111-4222-8333-444455556666"],
    ),
    th.Property(
        "environment",
        th.StringType,
        required=True,
        title="Environment",
        description="The environment, as the admin center names it",
        examples=["production"],
    ),
    th.Property(
        "company",
        th.StringType,
        title="Company",
        description="Id or name of the company. Without it the tap reads all; where there are several the target "
        "needs it",
        examples=["Acme Services, Inc."],
    ),
    th.Property(
        "client_id",
        th.StringType,
        required=True,
        title="Application",
        description="Application (client) id of the app registration in Microsoft Entra",
        examples=["99998888-7777-4666-8555-444433332222"],
    ),
    th.Property(
        "client_secret",
        th.StringType,
        required=True,
        secret=True,
        title="Client secret",
        description="Value of a secret of the app registration, not the secret's id",
        examples=["********"],
    ),
    th.Property(
        "base_url",
        th.StringType,
        default=DEFAULT_BASE_URL,
        title="Base URL",
        description="Host of the API. `http://` is accepted for this machine only",
        examples=[DEFAULT_BASE_URL],
    ),
    th.Property(
        "auth_url",
        th.StringType,
        default=DEFAULT_AUTH_URL,
        title="Address of Entra",
        description="Host that gives the tokens",
        examples=[DEFAULT_AUTH_URL],
    ),
    th.Property(
        "requests_per_minute",
        th.IntegerType(minimum=1, maximum=60_000),
        default=900,
        title="Requests per minute",
        description="Upper limit of requests a minute, over all processes of this machine. The service takes 6,000 "
        "in five minutes from one app",
        examples=[900],
    ),
)
"""Settings that lead to an environment, the same in tap and target."""
