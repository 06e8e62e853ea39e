"""What there is to do with the vault."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
import typing as t
from difflib import get_close_matches
from pathlib import Path

from ml_connector.errors import CredentialsUnknown, SettingInvalid, VaultExists, VaultKeyWrong, VaultOlder
from ml_connector.files import sweep
from ml_connector.private import close_to_others, make_folder
from ml_connector.project import project_root
from ml_connector.vault.file import ACCEPT, Entry, Listed, VaultFile, backup_of
from ml_connector.vault.keys import KeySource, key_source, key_source_for_new, locked, variable, writing
from ml_connector.vault.seen import Seen, SeenBefore

__all__ = ["Vault", "vault_path"]

VAULT: t.Final = "ML_CONNECTOR_VAULT"
DEFAULT_PATH: t.Final = ".ml-connector/vault.json"

_ON_PURPOSE: t.Final = (
    "See who put it there, and whether credentials in it were replaced since. If it was put back on purpose: "
    f"`{ACCEPT}`; else restore the newest."
)
_NAME: t.Final = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


class Vault:
    """Credentials by name, encrypted. Every question reads the file anew, every change is durable when it returns.

    Threads and processes may use it at the same time: who changes something holds a lock and reads again first.
    """

    def __init__(self, path: Path, source: KeySource) -> None:
        self.path = path
        self._source = source
        self._seen = Seen(path)
        self._ring = source.ring()

    def __repr__(self) -> str:
        return f"Vault({str(self.path)!r})"

    @classmethod
    def open(cls) -> Vault:
        """Return the vault of the project.

        Raises:
            VaultMissing: There is none.
            VaultDamaged: It is not whole.
            VaultKeyMissing: No key is found.
            VaultKeyInvalid: What stands in its place is none.
            VaultKeyExposed: Others may read the key file.
            VaultKeyWrong: The vault was encrypted with another one.
            VaultOlder: It is an older copy.
        """
        path = vault_path()
        for each in (path, backup_of(path)):
            close_to_others(each)
        VaultFile.read(path)  # that there is none comes before that there is no key
        vault = cls(path, key_source())
        vault._closed()
        return vault

    @classmethod
    def create(cls, where: t.Literal["file", "keyring"] | None = None) -> Vault:
        """Make an empty vault, and a key for it where there is none.

        Args:
            where: The place for its key; None: where there is one, else the key file.

        Raises:
            VaultExists: There is a vault, or the copy of one that is gone.
            SettingInvalid: Keys are looked for elsewhere first.
            VaultNotWritable: The vault or its key cannot be written.
        """
        path = vault_path()
        with _alone(path):
            if path.exists():
                raise VaultExists(f"there is a vault at {path}.", "Add to it with `ml-connector vault set`.")
            backup = backup_of(path)
            if backup.exists():
                raise VaultExists(
                    f"there is no vault at {path}, but a copy of one.", f"Put it back: cp {backup} {path} && {ACCEPT}"
                )
            vault = cls(path, key_source_for_new(where))
            vault._write({}, 0, keep_previous=False)
        return vault

    @classmethod
    def accept(cls) -> Vault:
        """Take the vault as it is for the newest, after a copy of it was put back on purpose.

        Raises:
            UserError: It cannot be opened; a copy that was changed without the key is not accepted.
        """
        path = vault_path()
        with _alone(path):
            vault = cls(path, key_source())
            closed = vault._whole()
            vault._write(closed.opened(vault._ring, path), closed.count, keep_previous=False)
        return vault

    @staticmethod
    def listed() -> list[Listed]:
        """Return what may be known of the entries without the key.

        Raises:
            VaultMissing: There is no vault.
            VaultDamaged: It is not whole.
        """
        return [listed for listed, _ in VaultFile.read(vault_path()).entries.values()]

    def names(self) -> list[str]:
        """Return the names of the entries."""
        return sorted(self._closed().entries)

    def settings(self, name: str) -> dict[str, t.Any]:
        """Return the settings of an entry, secrets among them.

        Raises:
            CredentialsUnknown: There is no such entry.
        """
        closed = self._closed()
        _require(name, closed.entries, self.path)
        return dict(closed.entry(name, self._ring, self.path).values)

    def system(self, name: str) -> str | None:
        """Return the system an entry leads to, None when nobody said so.

        Raises:
            CredentialsUnknown: There is no such entry.
        """
        closed = self._closed()
        _require(name, closed.entries, self.path)
        return closed.entries[name][0].system

    def put(self, name: str, values: t.Mapping[str, t.Any], *, system: str | None = None) -> None:
        """Set settings of an entry, a new one where there is none; its other settings stay.

        Args:
            name: Of the entry.
            values: Settings by name, anything JSON has.
            system: The system the entry leads to; None: as before.

        Raises:
            SettingInvalid: The name cannot be one, or a value is not of JSON.
        """
        _check(name, values)
        with self._changing() as entries:
            before = entries.get(name)
            entries[name] = Entry(
                system or (before.system if before else None),
                {**(before.values if before else {}), **values},
                dt.datetime.now(dt.UTC),
            )

    def swap(self, name: str, setting: str, old: t.Any, new: t.Any) -> bool:
        """Replace a value that has become worthless, unless somebody has set another one meanwhile.

        Returns:
            Whether it was replaced.

        Raises:
            CredentialsUnknown: There is no such entry.
        """
        with self._changing(keep_previous=False) as entries:
            _require(name, entries, self.path)
            before = entries[name]
            if before.values.get(setting) != old:
                return False
            entries[name] = Entry(before.system, {**before.values, setting: new}, dt.datetime.now(dt.UTC))
        return True

    def remove(self, name: str, *settings: str) -> None:
        """Take settings out of an entry, or the entry as a whole when none is named.

        Raises:
            CredentialsUnknown: There is no such entry, or no such setting in it.
        """
        with self._changing() as entries:
            _require(name, entries, self.path)
            before = entries[name]
            for setting in settings:
                _require(setting, before.values, self.path, what=f'setting of "{name}"')
            if not settings:
                del entries[name]
                return
            left = {each: value for each, value in before.values.items() if each not in settings}
            entries[name] = Entry(before.system, left, dt.datetime.now(dt.UTC))

    def rotate(self, *, drop_old: bool = False) -> None:
        """Encrypt everything with a new key. A death in between loses nothing: old keys are kept until all is done.

        Args:
            drop_old: Forget the old keys afterwards. Other vaults and old copies of this one may need them.

        Raises:
            VaultNotWritable: The key is not ours to change, and no newer one stands before the vault's.
        """
        with _alone(self.path):
            self._ring = self._source.ring()
            closed = self._closed()
            if self._ring.id == closed.key:
                self._source.put_first()
                self._ring = self._source.ring()
            self._write(closed.opened(self._ring, self.path), closed.count, keep_previous=False)
            if drop_old:
                self._source.keep_first()
                self._ring = self._source.ring()

    @property
    def key_place(self) -> str:
        """Where the key comes from."""
        return self._source.place

    @property
    def spare_keys(self) -> int:
        """How many keys there are beside the one in use."""
        return len(self._ring.ids) - 1

    def seal(self, content: bytes) -> bytes:
        """Encrypt something that lies elsewhere, such as a session, with the vault's key as it is now."""
        self._ring = self._source.ring()
        return self._ring.seal(content)

    def unseal(self, sealed: bytes) -> bytes | None:
        """Decrypt what ``seal`` gave; None when the key is another by now."""
        content = self._ring.unseal(sealed)
        if content is None:
            self._ring = self._source.ring()
            content = self._ring.unseal(sealed)
        return content

    def _closed(self) -> VaultFile:
        """Read the file, which must be the newest seen here.

        Raises:
            VaultOlder: It is not.
        """
        before = self._seen.read()
        closed = self._whole()
        found = SeenBefore(closed.count, closed.mark)
        if before is not None and found.changes == before.changes and found.mark != before.mark:
            raise VaultOlder(f"the vault {self.path} is another than the one last seen here.", _ON_PURPOSE)
        if before is not None and found.changes < before.changes:
            raise VaultOlder(
                f"the vault {self.path} is an older copy: it ends with change {found.changes}, "
                f"{before.changes} have been made.",
                _ON_PURPOSE,
            )
        if before is None or found.changes > before.changes:
            self._note(found)
        return closed

    def _whole(self) -> VaultFile:
        """Read the file, and the keys again when it was encrypted with one not seen before."""
        closed = VaultFile.read(self.path)
        if closed.key not in self._ring.ids:
            self._ring = self._source.ring()
        if closed.key not in self._ring.ids:
            raise VaultKeyWrong(
                f"the vault {self.path} was encrypted with key {closed.key}, {self._ring.place} has "
                f"{', '.join(self._ring.ids)}.",
                "Put the right key there; nothing was changed.",
            )
        closed.verify(self._ring, self.path)
        return closed

    def _write(self, entries: t.Mapping[str, Entry], count: int, *, keep_previous: bool) -> None:
        """Write entries as the change after a number, and after the newest seen, whose number nothing else may get."""
        before = self._seen.read()
        number = max(count, before.changes if before else 0) + 1
        fresh = VaultFile.sealed(entries, self._ring, number)
        fresh.write(self.path, keep_previous=keep_previous)
        self._note(SeenBefore(number, fresh.mark))

    def _note(self, found: SeenBefore) -> None:
        with writing("the memory of the vault in the state directory"):
            self._seen.note(found)

    @contextlib.contextmanager
    def _changing(self, *, keep_previous: bool = True) -> t.Iterator[dict[str, Entry]]:
        """Give out the entries to change; they are written when the block ends well and has changed something."""
        with _alone(self.path):
            self._ring = self._source.ring()
            closed = self._closed()
            entries = closed.opened(self._ring, self.path)
            before = dict(entries)
            yield entries
            if entries != before:
                self._write(entries, closed.count, keep_previous=keep_previous)


def vault_path() -> Path:
    """Return where the project's vault is: ``ML_CONNECTOR_VAULT``, else beside the ledger."""
    path = project_root() / Path(variable(VAULT) or DEFAULT_PATH).expanduser()
    return path.resolve()  # who comes by a link meets the same lock, and writes behind the link


@contextlib.contextmanager
def _alone(path: Path) -> t.Iterator[None]:
    with writing(f"the vault {path}"):
        make_folder(path.parent)
    with locked(path.with_name(f"{path.name}.lock")):
        for each in (path, backup_of(path)):
            sweep(each)
        yield


def _require(name: str, known: t.Iterable[str], path: Path, *, what: str = "entry") -> None:
    known = sorted(known)
    if name in known:
        return
    near = get_close_matches(name, known, n=1)
    if near:
        cure = f'Did you mean "{near[0]}"?'
    else:
        cure = f"There {'is' if len(known) == 1 else 'are'}: {', '.join(known)}." if known else "There is none yet."
    raise CredentialsUnknown(f'the vault {path} has no {what} "{name}".', cure)


def _check(name: str, values: t.Mapping[str, t.Any]) -> None:
    if not _NAME.fullmatch(name):
        raise SettingInvalid(
            f"{name!r} cannot name credentials.",
            "Use letters, digits, dots, dashes and underscores, such as bill-prod.",
        )
    for setting, value in values.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            raise SettingInvalid(f'setting "{setting}" cannot be kept: it is not JSON.', "Give text.") from None
