"""Which tenant of Workday, and as whom."""

from __future__ import annotations

import typing as t

from singer_sdk import typing as th

__all__ = ["WORKDAY_CONNECTION"]

WORKDAY_CONNECTION: t.Final[tuple[th.Property[t.Any], ...]] = (
    th.Property(
        "base_url",
        th.StringType,
        required=True,
        title="Web services host",
        description="Address of the tenant's web services host; it cannot be derived from the login page",
        examples=["https://wd2-impl-services1.workday.com"],
    ),
    th.Property(
        "tenant",
        th.StringType,
        required=True,
        title="Tenant",
        description="The tenant; it is the part after the @ in the ISU login",
        examples=["acme_dpt1"],
    ),
    th.Property(
        "api_version",
        th.StringType,
        default="v42.2",
        title="Web services version",
        description="Version the tenant is spoken to in; names that differ are taken from its own description",
    ),
    th.Property(
        "isu_username",
        th.StringType,
        title="Integration system user",
        description="Name of the ISU; @tenant is added when it is missing",
        examples=["ISU_AP"],
    ),
    th.Property("isu_password", th.StringType, secret=True, title="ISU password", description="Password of the ISU"),
    th.Property(
        "client_id",
        th.StringType,
        title="API client",
        description="Id of the API client for integrations, instead of an ISU password",
    ),
    th.Property(
        "client_secret",
        th.StringType,
        secret=True,
        title="API client secret",
        description="Secret of the API client",
    ),
    th.Property(
        "refresh_token",
        th.StringType,
        secret=True,
        title="Refresh token",
        description="Refresh token of the API client for the ISU; rotated ones are kept encrypted on this machine",
    ),
    th.Property(
        "token_url",
        th.StringType,
        title="Token endpoint",
        description="Whole address of the token endpoint; {base_url}/ccx/oauth2/{tenant}/token when not set",
    ),
    th.Property(
        "client_auth",
        th.StringType,
        default="basic",
        allowed_values=["basic", "body"],
        title="Client authentication",
        description="Whether the API client identifies itself by the Authorization header or in the form body",
    ),
    th.Property(
        "requests_per_minute",
        th.IntegerType(minimum=1, maximum=10_000),
        title="Requests per minute",
        description="Upper limit of requests a minute, where a tenant asks for one; none when not set",
    ),
)
"""Settings that lead to a tenant, the same in tap and target."""
