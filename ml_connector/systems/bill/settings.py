"""What a plugin must be told to reach one BILL organization."""

from __future__ import annotations

import dataclasses
import typing as t

from ml_connector.errors import SettingInvalid
from ml_connector.redaction import remember
from ml_connector.transport.http import DEEPEST_ANSWER, LARGEST_ANSWER_MB, LONGEST_CALL_SECONDS, Bounds, check_base_url

__all__ = ["DEFAULT_BASE_URL", "PAGINATION_MODES", "BillSettings", "PaginationMode"]

DEFAULT_BASE_URL: t.Final = "https://gateway.prod.bill.com/connect"
LARGEST_PAGE: t.Final = 100
MOST_CALLS_AT_ONCE: t.Final = 3

PaginationMode = t.Literal["auto", "cursor", "cursor_without_filters", "windows"]
PAGINATION_MODES: t.Final[tuple[PaginationMode, ...]] = t.get_args(PaginationMode)

_REQUIRED: t.Final = {
    "dev_key": "it is the developer key of the BILL developer account",
    "username": "it is the name of a sync token (Settings, Tokens in the web app) or a user's e-mail address",
    "password": "it is the value of the sync token, or the user's password",
    "organization_id": "it is the 20 characters that begin with 008, shown under Settings in the web app",
}


@dataclasses.dataclass(frozen=True, slots=True)
class BillSettings:
    """Settings of a BILL client (sheet bill 1, 2, 6).

    Attributes:
        plugin: Who asks, for messages and the user agent (``tap-bill``).
        base_url: Of the REST API, ends in ``/connect``.
        events_base_url: Of the events API, its sibling ``/connect-events``.
        page_size: Rows per page, 1 to 100.
        max_concurrency: Calls at once, 1 to 3, shared by all processes of this machine.
        request_timeout: Seconds.
        largest_answer_mb: Megabytes of an answer, unpacked, that are read at most.
        deepest_answer: Levels of lists and objects within each other that are read at most.
        longest_call_seconds: Seconds a call may take as a whole.
        pagination_mode: How long lists are read, see :mod:`ml_connector.systems.bill.paging`.
        wait_for_quota: Sleep until the next full hour when the hourly quota is used up, rather than fail.
        from_vault: Which settings came from the vault.
    """

    plugin: str
    dev_key: str = dataclasses.field(repr=False)
    username: str = dataclasses.field(repr=False)
    password: str = dataclasses.field(repr=False)
    organization_id: str
    base_url: str = DEFAULT_BASE_URL
    events_base_url: str = ""
    remember_me_id: str | None = dataclasses.field(default=None, repr=False)
    device: str | None = dataclasses.field(default=None, repr=False)
    page_size: int = LARGEST_PAGE
    max_concurrency: int = 2
    request_timeout: float = 60.0
    largest_answer_mb: int = LARGEST_ANSWER_MB
    deepest_answer: int = DEEPEST_ANSWER
    longest_call_seconds: float = LONGEST_CALL_SECONDS
    user_agent: str | None = None
    pagination_mode: PaginationMode = "auto"
    wait_for_quota: bool = False
    from_vault: tuple[str, ...] = ()

    @classmethod
    def from_config(cls, config: t.Mapping[str, t.Any], *, plugin: str) -> BillSettings:
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
        given["events_base_url"] = check_base_url(
            given.get("events_base_url") or f"{given['base_url']}-events", setting="events_base_url"
        )
        settings = cls(plugin=plugin, **given)
        settings._check()
        remember(*settings.secrets)
        return settings

    @property
    def bounds(self) -> Bounds:
        """What an answer may be at most."""
        return Bounds(self.largest_answer_mb, self.deepest_answer, self.longest_call_seconds)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that may appear in no text."""
        return tuple(value for value in (self.dev_key, self.password, self.remember_me_id) if value)

    def _check(self) -> None:
        if not 1 <= self.page_size <= LARGEST_PAGE:
            raise SettingInvalid(
                f'setting "page_size" is {self.page_size}.',
                "BILL gives 1 to 100 rows a page; leave it at 100.",
            )
        if not 1 <= self.max_concurrency <= MOST_CALLS_AT_ONCE:
            raise SettingInvalid(
                f'setting "max_concurrency" is {self.max_concurrency}.',
                "BILL takes 3 calls at once per organization; 2 leaves one to other programs.",
            )
        if self.request_timeout <= 0:
            raise SettingInvalid(
                f'setting "request_timeout" is {self.request_timeout}.',
                "Give seconds, such as 60.",
            )
        if self.pagination_mode not in PAGINATION_MODES:
            raise SettingInvalid(
                f'setting "pagination_mode" is "{self.pagination_mode}".',
                f"Choose one of {', '.join(PAGINATION_MODES)}.",
            )
        if (self.remember_me_id is None) != (self.device is None):
            raise SettingInvalid(
                'settings "remember_me_id" and "device" belong together.',
                "Give both or neither.",
            )


def _variable(plugin: str, name: str) -> str:
    return f"{plugin}_{name}".upper().replace("-", "_")
