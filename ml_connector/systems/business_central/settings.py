"""What a plugin must be told to reach one environment of Business Central."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ml_connector.errors import SettingInvalid
from ml_connector.redaction import remember
from ml_connector.transport.http import DEEPEST_ANSWER, LARGEST_ANSWER_MB, LONGEST_CALL_SECONDS, Bounds, check_base_url

__all__ = ["DEFAULT_AUTH_URL", "DEFAULT_BASE_URL", "LARGEST_PAGE", "MOST_CALLS_AT_ONCE", "BusinessCentralSettings"]

DEFAULT_BASE_URL: t.Final = "https://api.businesscentral.dynamics.com"
DEFAULT_AUTH_URL: t.Final = "https://login.microsoftonline.com"
LARGEST_PAGE: t.Final = 20_000
MOST_CALLS_AT_ONCE: t.Final = 5

_MOST_REQUESTS_PER_MINUTE: t.Final = 60_000
_REQUIRED: t.Final = {
    "tenant_id": "it is the id of the Microsoft Entra tenant, or its domain",
    "environment": "it is the name the admin center shows, such as production",
    "client_id": "it is the application (client) id of the app registration",
    "client_secret": "it is the value of a secret of the app registration",
}


@dataclasses.dataclass(frozen=True, slots=True)
class BusinessCentralSettings:
    """Settings of a Business Central client (sheet business-central 1, 2, 6).

    Attributes:
        plugin: Who asks, for messages and the user agent (``tap-business-central``).
        tenant_id: The Entra tenant, its id or domain.
        environment: The environment, such as ``production``.
        base_url: Host of the API.
        auth_url: Host that gives the tokens.
        company: Id or name of the company; None where there is only one, or all are meant.
        page_size: Rows per page, 1 to 20,000; documents with their lines come at most 1,000 at a time.
        max_concurrency: Calls at once, 1 to 5, shared by all processes of this machine.
        requests_per_minute: Shared likewise; the service takes 6,000 in five minutes.
        request_timeout: Seconds.
        largest_answer_mb: Megabytes of an answer, unpacked, that are read at most.
        deepest_answer: Levels of lists and objects within each other that are read at most.
        longest_call_seconds: Seconds a call may take as a whole.
        read_replica: Whether reads that decide nothing may be answered by a copy of the database.
        from_vault: Which settings came from the vault.
    """

    plugin: str
    tenant_id: str
    environment: str
    client_id: str
    client_secret: str = dataclasses.field(repr=False)
    base_url: str = DEFAULT_BASE_URL
    auth_url: str = DEFAULT_AUTH_URL
    company: str | None = None
    page_size: int = 5000
    max_concurrency: int = 4
    requests_per_minute: int = 900
    request_timeout: float = 120.0
    largest_answer_mb: int = LARGEST_ANSWER_MB
    deepest_answer: int = DEEPEST_ANSWER
    longest_call_seconds: float = LONGEST_CALL_SECONDS
    user_agent: str | None = None
    read_replica: bool = False
    from_vault: tuple[str, ...] = ()

    @classmethod
    def from_config(cls, config: t.Mapping[str, t.Any], *, plugin: str) -> BusinessCentralSettings:
        """Return the settings in a plugin's config; settings of other concern are left alone.

        Raises:
            SettingInvalid: One is missing or cannot be used.
        """
        for name, hint in _REQUIRED.items():
            if not config.get(name):
                raise SettingInvalid(
                    f'setting "{name}" is missing.',
                    f"Set {_variable(plugin, name)} or add it to meltano.yml; {hint}.",
                )
        known = {field.name for field in dataclasses.fields(cls)} - {"plugin"}
        given = {name: value for name, value in config.items() if name in known and value not in (None, "")}
        given["base_url"] = check_base_url(given.get("base_url", DEFAULT_BASE_URL))
        given["auth_url"] = check_base_url(given.get("auth_url", DEFAULT_AUTH_URL), setting="auth_url")
        settings = cls(plugin=plugin, **given)
        settings._check()
        remember(*settings.secrets)
        return settings

    @property
    def environment_url(self) -> str:
        """Address of the environment; the form that names the tenant is the unambiguous one (sheet 1)."""
        return f"{self.base_url}/v2.0/{self.tenant_id}/{self.environment}"

    @property
    def service_url(self) -> str:
        """Service root of API v2.0."""
        return f"{self.environment_url}/api/v2.0"

    @property
    def token_url(self) -> str:
        """Where tokens are asked for."""
        return f"{self.auth_url}/{self.tenant_id}/oauth2/v2.0/token"

    @property
    def bounds(self) -> Bounds:
        """What an answer may be at most."""
        return Bounds(self.largest_answer_mb, self.deepest_answer, self.longest_call_seconds)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that may appear in no text."""
        return (self.client_secret,)

    def _check(self) -> None:
        for name in ("tenant_id", "environment"):
            if not re.fullmatch(r"[\w.-]+", getattr(self, name)):
                raise SettingInvalid(
                    f'setting "{name}" is {getattr(self, name)!r}, which cannot be part of an address.',
                    f"Look it up: {_REQUIRED[name]}.",
                )
        if re.search(r"/v2\.0|/api(/|$)", self.base_url):
            raise SettingInvalid(
                f'setting "base_url" is {self.base_url}, which already names a service.',
                "Give the host only; tenant, environment and the path of the API are added.",
            )
        _in_range("page_size", self.page_size, LARGEST_PAGE, "Business Central gives at most 20,000 rows a page")
        _in_range("max_concurrency", self.max_concurrency, MOST_CALLS_AT_ONCE, "Business Central takes 5 calls at once")
        _in_range("requests_per_minute", self.requests_per_minute, _MOST_REQUESTS_PER_MINUTE, "900 is a good choice")
        if self.request_timeout <= 0:
            raise SettingInvalid(f'setting "request_timeout" is {self.request_timeout}.', "Give seconds, such as 120.")


def _in_range(name: str, value: int, most: int, why: str) -> None:
    if not 1 <= value <= most:
        raise SettingInvalid(f'setting "{name}" is {value}.', f"It is a number from 1 to {most}: {why}.")


def _variable(plugin: str, name: str) -> str:
    return f"{plugin}_{name}".upper().replace("-", "_")
