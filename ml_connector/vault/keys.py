"""The vault's keys: from the environment, else a file only its owner may read, else the system's keyring.

There can be several: the first encrypts, all decrypt. That is what makes a key replaceable while others read.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import hashlib
import hmac
import importlib
import os
import typing as t
from pathlib import Path

import filelock
import platformdirs
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ml_connector.errors import (
    SettingInvalid,
    VaultKeyExposed,
    VaultKeyInvalid,
    VaultKeyMissing,
    VaultNotWritable,
)
from ml_connector.files import replace_private_file, sweep
from ml_connector.kept_files import read_bytes
from ml_connector.private import OWN_FOLDER, close_to_others, file_lock, make_folder, replaceable_by_others
from ml_connector.project import dotenv, project_root
from ml_connector.state_directory import state_directory

__all__ = [
    "KEY",
    "KEY_FILE",
    "EnvironmentKeys",
    "KeyFile",
    "KeyRing",
    "KeySource",
    "SystemKeyring",
    "key_source",
    "key_source_for_new",
    "locked",
    "variable",
    "writing",
]

KEY: t.Final = "ML_CONNECTOR_KEY"
KEY_FILE: t.Final = "ML_CONNECTOR_KEY_FILE"
PATIENCE: t.Final = 30.0
"""Seconds to wait for another process that changes keys or vault."""

_MOST: t.Final = 64 * 1024
"""Bytes beyond which a file holds no keys."""
_MAKE_ONE: t.Final = "openssl rand -base64 32 | tr '+/' '-_'"
_SERVICE: t.Final = "ml-connector"
_OWN_FOLDERS: t.Final = (OWN_FOLDER, _SERVICE)
_ACCOUNT: t.Final = "vault"


class KeyRing:
    """Keys in the order they are tried; never shown.

    Args:
        keys: Fernet keys, the one that encrypts first.
        place: Where they come from, for messages.

    Raises:
        VaultKeyInvalid: One is no key.
    """

    def __init__(self, keys: t.Sequence[str], place: str) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise VaultKeyInvalid(
                f"{place} holds something that is no key.",
                f"A key is 32 random bytes in URL-safe base64: {_MAKE_ONE}",
            ) from None
        self.place = place
        self.ids = tuple(_id(key) for key in keys)
        self._sealing = {_id(key): hmac.digest(key.encode(), b"ml-connector vault seal", "sha256") for key in keys}

    @property
    def id(self) -> str:
        """What the encrypting key is called in the vault; nothing of the key can be learned from it."""
        return self.ids[0]

    def seal(self, content: bytes) -> bytes:
        """Encrypt with the first key."""
        return self._fernet.encrypt(content)

    def checksum(self, key: str, content: bytes) -> str:
        """Return what only somebody with a key can write under content.

        Args:
            key: What the key is called, one of ``ids``.
            content: Anything.
        """
        return hmac.new(self._sealing[key], content, "sha256").hexdigest()

    def unseal(self, sealed: bytes) -> bytes | None:
        """Decrypt with whichever key fits; None when none does, or the content was tampered with."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            return None


class KeySource(abc.ABC):
    """A place keys are kept in."""

    @property
    @abc.abstractmethod
    def place(self) -> str:
        """What messages call it."""

    @abc.abstractmethod
    def read(self) -> list[str]:
        """Return the keys, none when there are none."""

    def ring(self) -> KeyRing:
        """Return the keys as they are now.

        Raises:
            VaultKeyMissing: There are none.
            VaultKeyInvalid: One is no key.
        """
        keys = self.read()
        if not keys:
            raise VaultKeyMissing(f"{self.place} holds no key.", "Put the vault's key there; without it nobody reads.")
        return KeyRing(keys, self.place)

    @abc.abstractmethod
    def put_first(self) -> None:
        """Make a key and put it before the others, durably.

        Raises:
            VaultNotWritable: Keys in this place are not ours to change.
        """

    @abc.abstractmethod
    def keep_first(self) -> None:
        """Forget all keys but the first."""


@dataclasses.dataclass(frozen=True, slots=True)
class EnvironmentKeys(KeySource):
    """Keys in ``ML_CONNECTOR_KEY``, separated by commas."""

    keys: str = dataclasses.field(repr=False)

    @property
    def place(self) -> str:
        """The variable."""
        return KEY

    def read(self) -> list[str]:
        """Return its keys."""
        return [key.strip() for key in self.keys.split(",") if key.strip()]

    def put_first(self) -> None:
        """Refuse: no program can change the environment it was started in."""
        raise VaultNotWritable(
            f"the key comes from {KEY}, which is not ours to change.",
            f"Make a new one ({_MAKE_ONE}), set {KEY}=<new>,<old>, and run this again; then drop the old one.",
        )

    def keep_first(self) -> None:
        """Nothing to do: whoever sets the variable drops old keys from it."""


class _WritableKeys(KeySource):
    """Keys that are ours to change, one process at a time."""

    @abc.abstractmethod
    def _write(self, keys: t.Sequence[str]) -> None: ...

    @abc.abstractmethod
    def _lock(self) -> Path: ...

    def put_first(self) -> None:
        """Make a key and put it before the others, durably."""
        with locked(self._lock()):
            self._write([Fernet.generate_key().decode(), *self.read()])

    def keep_first(self) -> None:
        """Forget all keys but the first."""
        with locked(self._lock()):
            self._write(self.read()[:1])

    def make(self) -> None:
        """Make a first key; one that is there stays."""
        with locked(self._lock()):
            if not self.read():
                self._write([Fernet.generate_key().decode()])


@dataclasses.dataclass(frozen=True, slots=True)
class KeyFile(_WritableKeys):
    """Keys in a file, one per line, mode 0600."""

    path: Path

    @classmethod
    def usual(cls) -> KeyFile:
        """Return the file named by ``ML_CONNECTOR_KEY_FILE``, else the one in the user's configuration folder."""
        named = variable(KEY_FILE)
        usual = Path(platformdirs.user_config_dir("ml-connector", appauthor=False)) / "vault.key"
        path = project_root() / Path(named).expanduser() if named else usual
        return cls(path.resolve())  # a link stays one when the key behind it is replaced

    @property
    def place(self) -> str:
        """The file."""
        return f"the key file {self.path}"

    @property
    def there(self) -> bool:
        """Whether it is there, also when we may not look."""
        try:
            self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return True

    def read(self) -> list[str]:
        """Return its keys, none when it is not there.

        Raises:
            VaultKeyExposed: Others than its owner may read it.
            VaultNotWritable: We may not.
        """
        try:
            mode = self.path.stat().st_mode & 0o777
            content = read_bytes(self.path, _MOST)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise VaultNotWritable(
                f"{self.place} cannot be read: {error.strerror or error}.", "Give this user the right to read it."
            ) from None
        if os.name != "nt" and mode & 0o077:
            raise VaultKeyExposed(f"{self.place} can be read by others (mode {mode:04o}).", f"chmod 600 {self.path}")
        if self.path.parent.name in _OWN_FOLDERS:
            close_to_others(self.path.parent)
        if why := replaceable_by_others(self.path.parent):
            raise VaultKeyExposed(
                f"the folder of {self.place} {why}: the key could be another's.", f"chmod go-w {self.path.parent}"
            )
        return content.decode("utf-8-sig", "replace").split()

    def _write(self, keys: t.Sequence[str]) -> None:
        sweep(self.path)
        with writing(self.place):
            replace_private_file(self.path, "".join(f"{key}\n" for key in keys).encode())

    def _lock(self) -> Path:
        with writing(self.place):
            make_folder(self.path.parent)
        return self.path.with_name(f"{self.path.name}.lock")


class SystemKeyring(_WritableKeys):
    """Keys in the keyring of the operating system, by the package ``keyring`` where it is installed."""

    @property
    def place(self) -> str:
        """The keyring."""
        return "the system's keyring"

    def read(self) -> list[str]:
        """Return its keys, none when there is no keyring here."""
        try:
            keyring = importlib.import_module("keyring")
            errors = importlib.import_module("keyring.errors")
        except ImportError:
            return []
        try:
            return (keyring.get_password(_SERVICE, _ACCOUNT) or "").split()
        except errors.KeyringError:
            return []

    def _write(self, keys: t.Sequence[str]) -> None:
        try:
            keyring = importlib.import_module("keyring")
            errors = importlib.import_module("keyring.errors")
        except ImportError:
            raise VaultNotWritable(
                "the package keyring is not installed.", "pip install 'ml-connector[keyring]', or use a key file."
            ) from None
        try:
            keyring.set_password(_SERVICE, _ACCOUNT, "\n".join(keys))
        except errors.KeyringError as error:
            raise VaultNotWritable(
                f"the system's keyring does not take the key ({type(error).__name__}).", "Use a key file."
            ) from None

    def _lock(self) -> Path:
        return state_directory("vault") / "keyring.lock"


def key_source() -> KeySource:
    """Return the place that has keys: environment, file, keyring; the first of them decides.

    Raises:
        VaultKeyMissing: None has.
    """
    given = variable(KEY)
    if given:
        return EnvironmentKeys(given)
    file = KeyFile.usual()
    if variable(KEY_FILE) or file.there:
        return file
    keyring = SystemKeyring()
    if keyring.read():
        return keyring
    raise VaultKeyMissing(
        f"there is no key for the vault: neither {KEY} nor {KEY_FILE} is set, and {file.path} does not exist.",
        "Set one of them to the key the vault was made with; `ml-connector vault init` makes a new vault and a key.",
    )


def key_source_for_new(where: t.Literal["file", "keyring"] | None) -> KeySource:
    """Return the place for the key of a new vault, a key in it.

    Args:
        where: The place wanted; None: the one that has keys, else the file.

    Raises:
        SettingInvalid: Another place is looked at first, and has keys.
    """
    try:
        found: KeySource | None = key_source()
    except VaultKeyMissing:
        found = None
    wanted = {"file": KeyFile.usual(), "keyring": SystemKeyring(), None: found or KeyFile.usual()}[where]
    if found is not None and type(found) is not type(wanted):
        raise SettingInvalid(
            f"{found.place} is looked at before {wanted.place}, and has a key.",
            "Leave --key out to use that one.",
        )
    if isinstance(wanted, _WritableKeys):
        wanted.make()
    return wanted


def variable(name: str) -> str | None:
    """Return a variable from the environment, else from the project's ``.env``; None when it is not set or empty."""
    return os.environ.get(name) or dotenv().get(name) or None


@contextlib.contextmanager
def locked(path: Path) -> t.Iterator[None]:
    """Hold a lock against all other threads and processes.

    Raises:
        VaultNotWritable: It cannot be had.
    """
    lock = file_lock(path, timeout=PATIENCE)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise VaultNotWritable(
            f"another process has held {path} for {PATIENCE:.0f} seconds.", "See whether one hangs, and try again."
        ) from None
    except OSError as error:
        raise VaultNotWritable(
            f"{path} cannot be locked: {error.strerror or error}.", "Give this user the right to write there."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def writing(place: str) -> t.Iterator[None]:
    """Tell a person when a file cannot be written."""
    try:
        yield
    except OSError as error:
        raise VaultNotWritable(
            f"{place} cannot be written: {error.strerror or error}.",
            "Nothing was changed. Give this user the right to write there, or room on the disk.",
        ) from None


def _id(key: str) -> str:
    return hashlib.sha256(f"ml-connector vault key {key}".encode()).hexdigest()[:12]
