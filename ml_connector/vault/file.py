"""How the vault lies on disk: JSON in which names are readable and values are not.

A checksum over the whole tells a file that was cut off or edited from one whose key is another. A second one, made with
the key, covers which entries there are and the number of the change: whoever has no key can neither take an entry out
nor make an older copy look new. Each entry's ciphertext carries the entry's name and what is shown of it, so none can
be passed off as another.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import hmac
import json
import typing as t
from pathlib import Path

from ml_connector.errors import VaultDamaged, VaultMissing, VaultNotWritable
from ml_connector.files import replace_private_file
from ml_connector.kept_files import read_bytes
from ml_connector.vault.keys import KeyRing, writing

__all__ = ["Entry", "Listed", "VaultFile", "backup_of"]

FORMAT: t.Final = 2
UNCOUNTED: t.Final = 1
"""The format before, without number and keyed checksum; read, and written anew with the next change."""
ACCEPT: t.Final = "ml-connector vault accept"
"""What tells that an older copy was put back on purpose."""
MOST: t.Final = 16 * 1024 * 1024
"""Bytes beyond which a file is no vault."""


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """What may be known of an entry without the key.

    Attributes:
        name: Its name.
        system: The system it leads to, if somebody said so.
        settings: The names of the settings it holds.
        changed: When it was changed last.
    """

    name: str
    system: str | None
    settings: tuple[str, ...]
    changed: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """An entry, open.

    Attributes:
        system: The system it leads to, if somebody said so.
        values: Its settings, secrets among them.
        changed: When it was changed last.
    """

    system: str | None
    values: t.Mapping[str, t.Any] = dataclasses.field(repr=False)
    changed: dt.datetime

    def listed(self, name: str) -> Listed:
        """Return what may be known of it under a name."""
        return Listed(name, self.system, tuple(sorted(self.values)), self.changed)


@dataclasses.dataclass(frozen=True, slots=True)
class VaultFile:
    """The content of a vault, closed.

    Attributes:
        key: What the key that encrypted it is called.
        count: How many changes have been made to it.
        seal: Its checksum made with the key; None in the format before, which had none.
        mark: What tells this content from any other of the same number.
        entries: What is shown and what is sealed, by name.
    """

    key: str
    entries: t.Mapping[str, tuple[Listed, bytes]] = dataclasses.field(default_factory=dict, repr=False)
    count: int = 0
    seal: str | None = None

    @classmethod
    def read(cls, path: Path) -> VaultFile:
        """Read a vault.

        Raises:
            VaultMissing: There is none.
            VaultDamaged: It is not whole.
            VaultNotWritable: We may not read it.
        """
        try:
            content = read_bytes(path, MOST)
        except FileNotFoundError:
            raise VaultMissing(f"there is no vault at {path}.", _restore(path) or _MAKE) from None
        except OSError as error:
            raise VaultNotWritable(
                f"the vault {path} cannot be read: {error.strerror or error}.", "Give this user the right to read it."
            ) from None
        try:
            return _parsed(content)
        except _NotWholeError as error:
            raise VaultDamaged(
                f"the vault {path} is damaged: {error}.", _restore(path) or "Restore it from your own backup."
            ) from None

    @classmethod
    def sealed(cls, entries: t.Mapping[str, Entry], ring: KeyRing, count: int) -> VaultFile:
        """Return the entries encrypted with the first key.

        Args:
            entries: By name.
            ring: The keys.
            count: The number of the change.
        """
        shut = {name: (each.listed(name), ring.seal(_plain(name, each))) for name, each in entries.items()}
        made = cls(ring.id, shut, count)
        return dataclasses.replace(made, seal=ring.checksum(ring.id, made._canonical()))

    @property
    def mark(self) -> str:
        """What tells this content from any other of the same number."""
        return self.seal or _checksum(self._body())

    def verify(self, ring: KeyRing, path: Path) -> None:
        """See that who wrote it had the key.

        Args:
            ring: The keys, that of the file among them.
            path: The vault's file, for messages.

        Raises:
            VaultDamaged: An entry was taken out, or put in, or the number was changed, by somebody without it.
        """
        if self.seal is not None and not hmac.compare_digest(self.seal, ring.checksum(self.key, self._canonical())):
            raise VaultDamaged(
                f"the vault {path} was changed by somebody without the key: entries may be gone, or be older ones.",
                _restore(path) or "Restore it from your own backup.",
            )

    def opened(self, ring: KeyRing, path: Path) -> dict[str, Entry]:
        """Return the entries decrypted.

        Raises:
            VaultDamaged: One cannot be, or does not belong to its name.
        """
        return {name: self.entry(name, ring, path) for name in self.entries}

    def entry(self, name: str, ring: KeyRing, path: Path) -> Entry:
        """Return one entry decrypted.

        Raises:
            VaultDamaged: It cannot be, or does not belong to its name.
        """
        listed, sealed = self.entries[name]
        content = ring.unseal(sealed)
        entry = None if content is None else _entry(name, content)
        if entry is None or entry.listed(name) != listed:
            raise VaultDamaged(
                f'entry "{name}" of the vault {path} is damaged, or was put there by somebody without the key.',
                _restore(path) or "Restore the file from your own backup.",
            )
        return entry

    def write(self, path: Path, *, keep_previous: bool) -> None:
        """Replace the vault at once and durably.

        Args:
            path: Its file.
            keep_previous: Whether the backup beside it becomes what was there before. Otherwise it becomes a second
                copy of the new content: when what was there is worthless, or must not be readable by an old key.

        Raises:
            VaultNotWritable: It cannot be; what was there is untouched.
        """
        content = self._content()
        with writing(f"the vault {path}"):
            if keep_previous and path.exists():
                replace_private_file(backup_of(path), read_bytes(path, MOST))
            replace_private_file(path, content)
            if not keep_previous:
                replace_private_file(backup_of(path), content)

    def _content(self) -> bytes:
        body = self._body()
        return json.dumps({**body, "checksum": _checksum(body)}, indent=1, ensure_ascii=False).encode() + b"\n"

    def _canonical(self) -> bytes:
        body = self._body()
        body.pop("seal")
        return json.dumps(body, sort_keys=True).encode()

    def _body(self) -> dict[str, t.Any]:
        return {
            "format": FORMAT,
            "key": self.key,
            "count": self.count,
            "seal": self.seal,
            "entries": {
                name: {
                    "system": listed.system,
                    "settings": list(listed.settings),
                    "changed": listed.changed.isoformat(),
                    "sealed": sealed.decode(),
                }
                for name, (listed, sealed) in sorted(self.entries.items())
            },
        }


def backup_of(path: Path) -> Path:
    """Return where the copy beside a vault is."""
    return path.with_name(f"{path.name}.bak")


class _NotWholeError(Exception):
    """What is wrong with the content of a file."""


_MAKE: t.Final = "`ml-connector vault init` makes one; ML_CONNECTOR_VAULT names another place."


def _parsed(content: bytes) -> VaultFile:
    try:
        body = json.loads(content)
        if not isinstance(body, dict):
            raise _NotWholeError("it holds something else")
        checksum = body.pop("checksum")
        if body["format"] not in (FORMAT, UNCOUNTED):
            raise _NotWholeError(f"its format is {body['format']!r}, this version of ml-connector reads {FORMAT}")
        if not hmac.compare_digest(str(checksum), _checksum(body)):
            raise _NotWholeError("its content does not fit its checksum, somebody or something changed it")
        return VaultFile(
            str(body["key"]),
            {
                name: (
                    Listed(
                        name,
                        each["system"],
                        tuple(each["settings"]),
                        dt.datetime.fromisoformat(each["changed"]),
                    ),
                    each["sealed"].encode(),
                )
                for name, each in body["entries"].items()
            },
            *((int(body["count"]), str(body["seal"])) if body["format"] == FORMAT else ()),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _NotWholeError("it is empty" if not content.strip() else "it is cut off, or no vault") from None


def _plain(name: str, entry: Entry) -> bytes:
    content = {
        "name": name,
        "system": entry.system,
        "changed": entry.changed.isoformat(),
        "values": dict(entry.values),
    }
    return json.dumps(content).encode()


def _entry(name: str, content: bytes) -> Entry | None:
    try:
        said = json.loads(content)
        if said["name"] != name:
            return None
        return Entry(said["system"], said["values"], dt.datetime.fromisoformat(said["changed"]))
    except (ValueError, KeyError, TypeError):
        return None


def _checksum(body: t.Mapping[str, t.Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _restore(path: Path) -> str:
    """Say how the backup is put back, if there is one and it is whole."""
    backup = backup_of(path)
    try:
        _parsed(read_bytes(backup, MOST))
    except (OSError, _NotWholeError):
        return ""
    when = dt.datetime.fromtimestamp(backup.stat().st_mtime, tz=dt.UTC)
    return f"The copy from {when:%Y-%m-%d %H:%M} UTC is whole: cp {backup} {path} && {ACCEPT}"
