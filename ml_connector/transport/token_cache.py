"""A session or token that several processes share: one logs in, the others use what it got.

It lies encrypted in the state directory: with the vault's key where the credentials came from there, else with one
derived from the very credentials it was got with. So only who has them can read it. Its name is derived from them too:
changed credentials never meet an old session.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime as dt
import json
import os
import threading
import time
import typing as t
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ml_connector.errors import SettingInvalid
from ml_connector.files import replace_private_file, sweep
from ml_connector.private import file_lock
from ml_connector.redaction import remember
from ml_connector.state_directory import state_directory
from ml_connector.vault import Vault

__all__ = ["SharedSession", "Token"]


_SECRET_EXTRAS: t.Final = ("refresh_token", "replaces")


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """What a login gave.

    Attributes:
        value: The secret that authorises calls.
        expires_at: When it ends, if the system says so.
        extras: What else the login answered and later calls need (user, organization, a rotated refresh
            token).
    """

    value: str = dataclasses.field(repr=False)
    expires_at: dt.datetime | None = None
    extras: t.Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Let nothing that was given be shown."""
        remember(self.value, *(self.extras.get(name) for name in _SECRET_EXTRAS))


class SharedSession:
    """The current token of one set of credentials, shared by all processes of this user.

    Args:
        system: Whose token it is (``bill``).
        credentials: Everything that decides whose session it is: address, keys, user. A changed value is
            another session, so a refresh token the user supplies anew wins over a rotated one kept here.
        leeway: Seconds before its end at which a token counts as ended.
        directory: Where it lies; None: the state directory.
        vault: The vault the credentials came from; None: they did not.
    """

    def __init__(
        self,
        system: str,
        credentials: t.Mapping[str, str | None],
        *,
        leeway: float = 60.0,
        directory: Path | None = None,
        vault: Vault | None = None,
    ) -> None:
        place = directory or state_directory("sessions")
        secret = json.dumps([system, sorted(credentials.items()), *([str(vault.path)] if vault else [])]).encode()
        stem = f"{system}-{_derived(secret, b'ml-connector session name').hex()[:32]}"
        self._path = place / stem
        self._box = vault or _Box(_derived(secret, b"ml-connector session key"))
        self._across_processes = file_lock(place / f"{stem}.lock")
        self._across_threads = threading.Lock()
        self._leeway = dt.timedelta(seconds=leeway)
        self._token: Token | None = None

    def current(self) -> Token | None:
        """Return the token in use, from memory or else from disk; None when there is none or it has ended."""
        token = self._token
        if token is None or self._ended(token):
            token = self._token = self._read()
        return None if token is None or self._ended(token) else token

    def renew(self, stale: Token | None, login: t.Callable[[], Token]) -> Token:
        """Return a token other than ``stale``: somebody else's newer one, or one from ``login``.

        One caller at a time, over all threads and processes; the others wait and use its token.

        Args:
            stale: The token that no longer works; None: there was none.
            login: Gets a new one; what it raises passes through.
        """
        with self._across_threads, self._across_processes:
            stored = self._read()
            if stored is not None and not self._ended(stored) and (stale is None or stored.value != stale.value):
                self._token = stored
                return stored
            token = login()
            self._write(token)
            return token

    def store(self, token: Token) -> None:
        """Keep a token durably; for rotated refresh tokens, before the new one is used."""
        with self._across_threads, self._across_processes:
            self._write(token)

    def stored(self) -> Token | None:
        """Return what lies on disk, ended or not: an ended token may still carry a refresh token."""
        return self._read()

    def touch(self) -> None:
        """Note that the session has just been used."""
        with contextlib.suppress(OSError):
            os.utime(self._path)

    def idle_seconds(self) -> float:
        """Return how long ago any process noted a use; 0.0 when there is no session."""
        try:
            return max(0.0, time.time() - self._path.stat().st_mtime)
        except OSError:
            return 0.0

    def _ended(self, token: Token) -> bool:
        return token.expires_at is not None and dt.datetime.now(dt.UTC) >= token.expires_at - self._leeway

    def _read(self) -> Token | None:
        try:
            content = self._box.unseal(self._path.read_bytes())
            if content is None:
                return None
            kept = json.loads(content)
            ends = kept["expires_at"]
            return Token(
                value=str(kept["value"]),
                expires_at=dt.datetime.fromisoformat(ends) if ends else None,
                extras={str(key): str(value) for key, value in kept["extras"].items()},
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def _write(self, token: Token) -> None:
        kept = {
            "value": token.value,
            "expires_at": token.expires_at.isoformat() if token.expires_at else None,
            "extras": dict(token.extras),
        }
        sealed = self._box.seal(json.dumps(kept).encode())
        sweep(self._path)
        try:
            replace_private_file(self._path, sealed)
        except OSError as error:
            raise SettingInvalid(
                f"a session cannot be kept in {self._path.parent}: {error.strerror or error}.",
                "Make room there, or set ML_CONNECTOR_STATE_DIR to another directory.",
            ) from None
        self._token = token


class _Box:
    """Encrypts with one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def seal(self, content: bytes) -> bytes:
        return self._fernet.encrypt(content)

    def unseal(self, sealed: bytes) -> bytes | None:
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            return None


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=b"ml-connector", info=purpose).derive(secret)
