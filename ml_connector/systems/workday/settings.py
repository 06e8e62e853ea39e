"""Settings of a Workday tenant, the same in tap and target."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ml_connector.errors import SettingInvalid
from ml_connector.redaction import remember
from ml_connector.transport.http import (
    DEEPEST_ANSWER,
    LARGEST_ANSWER_MB,
    LONGEST_CALL_SECONDS,
    Bounds,
    check_base_url,
    user_agent,
)

__all__ = ["WorkdaySettings"]

_ISU = ("isu_username", "isu_password")
_OAUTH = ("client_id", "client_secret", "refresh_token")


def _setting(default: t.Any = dataclasses.MISSING, *, doc: str, secret: bool = False) -> t.Any:
    metadata = {"doc": doc, "secret": secret}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata, repr=not secret)
    return dataclasses.field(default=default, metadata=metadata, repr=not secret)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkdaySettings:
    """How to reach a tenant and as whom; each field's ``metadata`` says what it is and if it is ``secret``.

    Host and tenant are separate and never derived from each other (docs/systems/workday.md#w1).
    """

    base_url: str = _setting(doc="Address of the web services host, https://wd2-impl-services1.workday.com.")
    tenant: str = _setting(doc="Tenant, the part after the @ in the ISU login.")
    api_version: str = _setting("v42.2", doc="Version of the web services the tenant is spoken to in.")
    isu_username: str | None = _setting(None, doc="Integration system user; @tenant is added when it is missing.")
    isu_password: str | None = _setting(None, doc="Password of the integration system user.", secret=True)
    client_id: str | None = _setting(None, doc="API client for integrations, instead of an ISU password.")
    client_secret: str | None = _setting(None, doc="Secret of the API client.", secret=True)
    refresh_token: str | None = _setting(None, doc="Refresh token of the API client for the ISU.", secret=True)
    token_url: str = _setting("", doc="Token endpoint; default {base_url}/ccx/oauth2/{tenant}/token.")
    raas_url: str = _setting(
        "", doc="Address reports are served at; default {base_url}/ccx/service/customreport2/{tenant}."
    )
    wql_url: str = _setting("", doc="Address of WQL; default {base_url}/api/wql/v1/{tenant}/data.")
    client_auth: t.Literal["basic", "body"] = _setting(
        "basic",
        doc="Whether the API client identifies itself by the Authorization header or in the form body.",
    )
    max_concurrency: int = _setting(2, doc="Requests to the tenant at the same time.")
    requests_per_minute: int | None = _setting(None, doc="Upper limit of requests a minute; none by default.")
    page_size: int = _setting(200, doc="Records per page, 1 to 999.")
    request_timeout: float = _setting(300.0, doc="Seconds without a byte before an answer counts as lost.")
    largest_answer_mb: int = _setting(LARGEST_ANSWER_MB, doc="Megabytes of an answer, unpacked, that are read at most.")
    deepest_answer: int = _setting(DEEPEST_ANSWER, doc="Levels within each other of an answer that are read at most.")
    longest_call_seconds: float = _setting(LONGEST_CALL_SECONDS, doc="Seconds a call may take as a whole.")
    connect_timeout: float = _setting(10.0, doc="Seconds for a connection to stand.")
    user_agent: str = _setting("", doc="User-Agent of every request; by default name and version of the plugin.")
    credentials: str | None = _setting(None, doc="Entry of the vault that settings came from.")
    from_vault: tuple[str, ...] = _setting((), doc="Which settings those are.")

    @classmethod
    def from_config(cls, config: t.Mapping[str, t.Any], plugin: str = "target-workday") -> WorkdaySettings:
        """Take the settings out of a plugin's configuration.

        Args:
            config: The configuration; keys that are no settings of the tenant are left alone.
            plugin: Name of the plugin, for the names of environment variables in messages.

        Raises:
            SettingInvalid: Something is missing, malformed or contradictory.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        given = {name: value for name, value in config.items() if name in known and value not in (None, "")}
        prefix = re.sub(r"\W", "_", plugin).upper()
        _require(given, "base_url", prefix, "it is the web services host, https://wd2-impl-services1.workday.com")
        _require(given, "tenant", prefix, "it is the part after the @ in the ISU login")
        _one_kind_of_credentials(given, prefix)
        given["base_url"] = str(given["base_url"]).strip().rstrip("/")
        given["tenant"] = str(given["tenant"]).strip()
        given.setdefault("token_url", f"{given['base_url']}/ccx/oauth2/{given['tenant']}/token")
        given.setdefault("raas_url", f"{given['base_url']}/ccx/service/customreport2/{given['tenant']}")
        given.setdefault("wql_url", f"{given['base_url']}/api/wql/v1/{given['tenant']}/data")
        given.setdefault("user_agent", user_agent(plugin))
        settings = cls(**given)
        settings._validate()
        remember(*settings.secrets)
        return settings

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that may appear in no text."""
        secret = (field.name for field in dataclasses.fields(self) if field.metadata.get("secret"))
        return tuple(value for name in secret if (value := getattr(self, name)))

    @property
    def bounds(self) -> Bounds:
        """What an answer may be at most."""
        return Bounds(self.largest_answer_mb, self.deepest_answer, self.longest_call_seconds)

    @property
    def uses_oauth(self) -> bool:
        """Whether requests carry a Bearer token instead of a UsernameToken."""
        return self.refresh_token is not None

    @property
    def login(self) -> str:
        """The ISU as Workday wants it, with the tenant exactly once (docs/systems/workday.md#w2-1)."""
        name = (self.isu_username or "").strip()
        return name if name.endswith(f"@{self.tenant}") else f"{name}@{self.tenant}"

    def service_url(self, service: str) -> str:
        """Return the endpoint of a service."""
        return f"{self.base_url}/ccx/service/{self.tenant}/{service}/{self.api_version}"

    def _validate(self) -> None:
        check_base_url(self.base_url)
        for name in ("token_url", "raas_url", "wql_url"):
            check_base_url(getattr(self, name), setting=name)
        if "/ccx" in self.base_url:
            raise SettingInvalid(
                f'setting "base_url" is {self.base_url}, which already names a service.',
                "Give the host only; the path of the service is added.",
            )
        if not re.fullmatch(r"[\w.-]+", self.tenant):
            raise SettingInvalid(
                f'setting "tenant" is {self.tenant!r}, which cannot be part of an address.',
                "It is the part after the @ in the ISU login.",
            )
        if not re.fullmatch(r"v\d+(\.\d+)?", self.api_version):
            raise SettingInvalid(
                f'setting "api_version" is {self.api_version!r}.', 'Write it as Workday does, "v42.2".'
            )
        if self.client_auth not in ("basic", "body"):
            raise SettingInvalid(f'setting "client_auth" is {self.client_auth!r}.', "It is basic or body.")
        _in_range("max_concurrency", self.max_concurrency, 1, 16)
        _in_range("page_size", self.page_size, 1, 999)
        if self.requests_per_minute is not None:
            _in_range("requests_per_minute", self.requests_per_minute, 1, 10_000)


def _require(given: t.Mapping[str, t.Any], name: str, prefix: str, hint: str) -> None:
    if name not in given:
        raise SettingInvalid(
            f'setting "{name}" is missing.', f"Set {prefix}_{name.upper()} or add it to meltano.yml; {hint}."
        )


def _one_kind_of_credentials(given: t.Mapping[str, t.Any], prefix: str) -> None:
    isu = [name for name in _ISU if name in given]
    oauth = [name for name in _OAUTH if name in given]
    if isu and oauth:
        raise SettingInvalid(
            f'settings "{isu[0]}" and "{oauth[0]}" contradict each other.',
            "Keep either isu_username and isu_password, or client_id, client_secret and refresh_token.",
        )
    if not isu and not oauth:
        raise SettingInvalid(
            "no Workday credentials are set.",
            f"Set {prefix}_ISU_USERNAME and {prefix}_ISU_PASSWORD, or the OAuth settings.",
        )
    wanted = _ISU if isu else _OAUTH
    for name in wanted:
        _require(given, name, prefix, f"{' and '.join(wanted)} belong together")


def _in_range(name: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise SettingInvalid(f'setting "{name}" is {value}.', f"It is a number from {lowest} to {highest}.")
