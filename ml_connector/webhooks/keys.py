"""The keys notifications are signed with: in the vault, two of them while one replaces the other."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import time
import typing as t

from ml_connector.errors import CredentialsUnknown
from ml_connector.redaction import remember
from ml_connector.vault import Vault

__all__ = ["KeyBook", "SigningKey", "SigningKeys"]

_FRESH_FOR = 5.0
_SOONEST = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that may have signed a notification.

    Attributes:
        value: The key.
        subscription_id: Whose notifications it signs.
    """

    value: str = dataclasses.field(repr=False)
    subscription_id: str

    def __post_init__(self) -> None:
        """Let the key be shown nowhere."""
        remember(self.value)


class KeyBook:
    """The vault's entry of one instance's subscription.

    Args:
        entry: Its name (``webhooks-bill-0080...``).
        system: The system it leads to.
    """

    def __init__(self, entry: str, system: str) -> None:
        self.entry = entry
        self._system = system

    def read(self) -> dict[str, t.Any]:
        """Return what it holds, nothing when there is no such entry.

        Raises:
            UserError: There is no vault, or it cannot be opened.
        """
        try:
            return Vault.open().settings(self.entry)
        except CredentialsUnknown:
            return {}

    def put(self, **values: t.Any) -> None:
        """Keep values durably; the others stay as they are."""
        Vault.open().put(self.entry, values, system=self._system)

    def once(self, name: str, value: str) -> str:
        """Keep a value unless there is one already; returns the one there is, the same in every process."""
        vault = Vault.open()
        vault.put(self.entry, {}, system=self._system)
        vault.swap(self.entry, name, None, value)
        return str(vault.settings(self.entry)[name])

    def forget(self) -> None:
        """Take the entry out of the vault."""
        vault = Vault.open()
        if self.entry in vault.names():
            vault.remove(self.entry)

    def replace_key(self, setting: str, key: str, *, overlap: dt.timedelta, **values: t.Any) -> None:
        """Keep a new key; the one before stays valid for ``overlap``."""
        before = self.read().get(setting)
        until = dt.datetime.now(dt.UTC) + overlap
        values |= {setting: key}
        if before and before != key:
            values |= {f"previous_{setting}": before, "previous_until": until.isoformat()}
        self.put(**values)


class SigningKeys:
    """The valid keys, read from the vault again every few seconds. Safe to use from several threads.

    Args:
        book: Where they are.
        setting: What the key is called there; ``previous_<setting>`` is the one before.
    """

    def __init__(self, book: KeyBook, setting: str) -> None:
        self._book = book
        self._setting = setting
        self._lock = threading.Lock()
        self._keys: tuple[SigningKey, ...] = ()
        self._held: t.Mapping[str, t.Any] = {}
        self._read_at = float("-inf")

    def current(self) -> tuple[SigningKey, ...]:
        """Return the keys, at most a few seconds old."""
        return self._within(_FRESH_FOR)

    def latest(self) -> tuple[SigningKey, ...]:
        """Return the keys as they are now, for a signature that fits none; looked up once a second at most."""
        return self._within(_SOONEST)

    def held(self, name: str) -> t.Any:
        """Return something else that stands beside the keys, as it was when they were read last."""
        return self._held.get(name)

    def _within(self, seconds: float) -> tuple[SigningKey, ...]:
        with self._lock:
            if time.monotonic() - self._read_at > seconds:
                self._keys = tuple(self._read())
                self._read_at = time.monotonic()
            return self._keys

    def _read(self) -> t.Iterator[SigningKey]:
        held = self._held = self._book.read()
        subscription = str(held.get("subscription_id") or "")
        if held.get(self._setting):
            yield SigningKey(str(held[self._setting]), subscription)
        until = held.get("previous_until")
        if (
            held.get(f"previous_{self._setting}")
            and until
            and dt.datetime.now(dt.UTC) < dt.datetime.fromisoformat(until)
        ):
            yield SigningKey(str(held[f"previous_{self._setting}"]), subscription)
