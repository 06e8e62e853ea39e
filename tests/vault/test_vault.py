"""The vault: nothing readable without the key, nothing lost whatever happens to its file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from unittest.mock import Mock

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from waiting import PATIENCE

from ml_connector.errors import (
    CredentialsUnknown,
    SettingInvalid,
    VaultDamaged,
    VaultExists,
    VaultKeyExposed,
    VaultKeyInvalid,
    VaultKeyMissing,
    VaultKeyWrong,
    VaultMissing,
    VaultNotWritable,
    VaultOlder,
)
from ml_connector.vault import Vault
from ml_connector.vault.keys import EnvironmentKeys, KeyFile

SECRET = "planted-secret-value"
FROM_MANY_TESTS = [HealthCheck.function_scoped_fixture]
WRITER = """
import sys
from ml_connector.vault import Vault
vault = Vault.open()
for number in range(int(sys.argv[2])):
    vault.put("shared", {f"{sys.argv[1]}_{number}": number})
    vault.put(f"own-{sys.argv[1]}", {"last": number})
"""


def mode(path):
    """The permissions of a file."""
    return path.stat().st_mode & 0o777


def test_what_was_put_is_there_for_the_next_process(vault):
    """Settings survive the disk, as they were."""
    vault.put("bill-prod", {"password": SECRET, "limit": 3, "lists": ["a"]}, system="bill")
    assert Vault.open().settings("bill-prod") == {"password": SECRET, "limit": 3, "lists": ["a"]}
    assert Vault.open().names() == ["bill-prod"]


def test_putting_more_keeps_what_is_there(vault):
    """A change merges into the entry; its system stays unless another is named."""
    vault.put("bill-prod", {"dev_key": "k", "password": "old"}, system="bill")
    vault.put("bill-prod", {"password": SECRET})
    assert vault.settings("bill-prod") == {"dev_key": "k", "password": SECRET}
    assert Vault.listed()[0].system == "bill"


def test_names_can_be_read_and_values_cannot(vault, place):
    """The file shows which settings an entry has, and nothing of their values."""
    vault.put("bill-prod", {"password": SECRET})
    assert "password" in place.vault.read_text("utf-8")
    for path in place.vault.parent.iterdir():
        assert SECRET.encode() not in path.read_bytes()


def test_nothing_of_a_vault_is_shown_by_its_objects(vault):
    """No repr holds a value or a key."""
    vault.put("bill-prod", {"password": SECRET})
    key = KeyFile.usual().read()[0]
    shown = [repr(vault), repr(Vault.listed()), repr(vault._closed()), repr(EnvironmentKeys(key)), repr(vault._ring)]
    assert [text for text in shown if SECRET in text or key in text] == []


def test_only_the_owner_may_read_vault_backup_and_key(vault, place):
    """All files are 0600, also after a change."""
    vault.put("bill-prod", {"password": SECRET})
    assert [mode(path) for path in (place.vault, place.backup, place.key)] == [0o600] * 3


def test_the_list_needs_no_key(vault, place):
    """Names, system and settings are told while the vault is locked."""
    vault.put("bill-prod", {"password": SECRET, "dev_key": "k"}, system="bill")
    place.key.unlink()
    (listed,) = Vault.listed()
    assert (listed.name, listed.system, listed.settings) == ("bill-prod", "bill", ("dev_key", "password"))
    with pytest.raises(VaultKeyMissing):
        Vault.open()


def test_an_unknown_name_is_told_with_the_nearest(vault):
    """A typing error is answered with what was probably meant."""
    vault.put("bill-prod", {"password": SECRET})
    with pytest.raises(CredentialsUnknown, match='Did you mean "bill-prod"'):
        vault.settings("bil-prod")
    with pytest.raises(CredentialsUnknown, match="There is: bill-prod"):
        vault.settings("workday")


def test_settings_and_entries_are_removed(vault):
    """A setting goes out of its entry, an entry out of the vault; what is not there is told."""
    vault.put("bill-prod", {"password": SECRET, "dev_key": "k"})
    vault.remove("bill-prod", "password")
    assert vault.settings("bill-prod") == {"dev_key": "k"}
    with pytest.raises(CredentialsUnknown, match="password"):
        vault.remove("bill-prod", "password")
    vault.remove("bill-prod")
    assert vault.names() == []


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "two words", "x" * 65])
def test_names_are_plain(vault, name):
    """A name that would need quoting anywhere is refused."""
    with pytest.raises(SettingInvalid):
        vault.put(name, {"password": SECRET})


def test_what_json_has_not_is_refused_without_being_shown(vault):
    """The message names the setting, never the value."""
    with pytest.raises(SettingInvalid, match="password") as caught:
        vault.put("bill-prod", {"password": {SECRET}})
    assert SECRET not in str(caught.value)


def test_a_vault_is_never_made_over_another(vault):
    """Making one where there is one changes nothing."""
    vault.put("bill-prod", {"password": SECRET})
    with pytest.raises(VaultExists):
        Vault.create()
    assert vault.names() == ["bill-prod"]


def test_a_vault_is_not_made_over_the_copy_of_one_that_is_gone(vault, place):
    """An init in place of the restore would lose what the copy holds."""
    vault.put("bill-prod", {"password": SECRET})
    vault.put("bill-prod", {"more": 1})
    place.vault.unlink()
    with pytest.raises(VaultExists, match=r"cp .*vault\.json\.bak"):
        Vault.create()
    place.vault.write_bytes(place.backup.read_bytes())
    assert Vault.accept().settings("bill-prod") == {"password": SECRET}


def test_a_key_that_would_not_be_found_is_not_made(vault, place, keyring, monkeypatch, tmp_path):
    """Where the key file has a key already, one in the keyring would never be used."""
    monkeypatch.setenv("ML_CONNECTOR_VAULT", str(tmp_path / "second.json"))
    with pytest.raises(SettingInvalid, match="looked at before the system's keyring"):
        Vault.create("keyring")
    assert keyring.kept is None


def test_vaults_share_the_key_of_a_user(vault, monkeypatch, tmp_path):
    """A second vault uses the key that is there; a rotation of one leaves the other readable."""
    vault.put("bill-prod", {"password": SECRET})
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("ML_CONNECTOR_VAULT", str(tmp_path / "second.json"))
        Vault.create().rotate()
    assert Vault.open().settings("bill-prod") == {"password": SECRET}


def test_no_vault_is_told_with_the_way_to_make_one():
    """The cure is a command."""
    with pytest.raises(VaultMissing, match="ml-connector vault init"):
        Vault.open()


def test_a_wrong_key_is_told_apart_from_damage(vault, place, monkeypatch):
    """It is named, nothing is changed, and with the right key all is there."""
    vault.put("bill-prod", {"password": SECRET})
    before = place.vault.read_bytes()
    monkeypatch.setenv("ML_CONNECTOR_KEY", Fernet.generate_key().decode())
    with pytest.raises(VaultKeyWrong, match="ML_CONNECTOR_KEY has"):
        Vault.open()
    assert place.vault.read_bytes() == before
    monkeypatch.delenv("ML_CONNECTOR_KEY")
    assert Vault.open().settings("bill-prod") == {"password": SECRET}


@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=40, deadline=None, suppress_health_check=FROM_MANY_TESTS)
def test_a_file_cut_off_anywhere_is_told_and_its_backup_restores(vault, place, share):
    """The message names the backup, which holds what was there before the last change."""
    vault.put("bill-prod", {"password": SECRET})
    vault.put("bill-prod", {"changed": str(share)})
    whole = place.vault.read_bytes()
    place.vault.write_bytes(whole[: int(share * (len(whole) - 1))])
    with pytest.raises(VaultDamaged, match=r"cp .*vault\.json\.bak") as caught:
        Vault.open()
    assert SECRET not in str(caught.value)
    with pytest.raises(VaultDamaged):
        vault.put("other", {"password": "x"})
    place.vault.write_bytes(place.backup.read_bytes())
    with pytest.raises(VaultOlder):
        Vault.open()
    assert Vault.accept().settings("bill-prod")["password"] == SECRET


@pytest.mark.parametrize("length", [0, 1])
def test_a_file_that_is_gone_but_for_its_backup_is_restored_too(vault, place, length):
    """Lost and emptied files are told with the way back."""
    vault.put("bill-prod", {"password": SECRET})
    vault.put("bill-prod", {"more": "x"})
    if length:
        place.vault.write_bytes(b"")
    else:
        place.vault.unlink()
    with pytest.raises((VaultDamaged, VaultMissing), match=r"cp .*vault\.json\.bak"):
        Vault.open()


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=FROM_MANY_TESTS)
def test_a_changed_byte_is_noticed(vault, place, data):
    """Whatever is edited, nothing of it is taken for true."""
    vault.put("bill-prod", {"password": SECRET}, system="bill")
    whole = place.vault.read_bytes()
    at = int(data.draw(st.floats(0, 1, exclude_max=True)) * (len(whole) - 1))
    assume(whole[at] not in b" \n")
    other = data.draw(st.integers(33, 126).filter(lambda byte: byte != whole[at]))
    place.vault.write_bytes(whole[:at] + bytes([other]) + whole[at + 1 :])
    with pytest.raises(VaultDamaged):
        Vault.open()
    place.vault.write_bytes(whole)


def test_an_entry_cannot_be_passed_off_as_another(vault, place):
    """Somebody without the key who swaps two entries, checksum and all, is noticed."""
    from ml_connector.vault.file import _checksum

    vault.put("prod", {"password": SECRET})
    vault.put("test", {"password": "harmless"})
    body = json.loads(place.vault.read_text("utf-8"))
    body["entries"]["prod"], body["entries"]["test"] = body["entries"]["test"], body["entries"]["prod"]
    del body["checksum"]
    place.vault.write_text(json.dumps({**body, "checksum": _checksum(body)}), "utf-8")
    with pytest.raises(VaultDamaged, match="without the key"):
        Vault.open().settings("prod")


def test_a_later_format_is_not_touched(vault, place):
    """A vault of a later version is told as such."""
    body = json.loads(place.vault.read_text("utf-8")) | {"format": 3}
    place.vault.write_text(json.dumps(body), "utf-8")
    with pytest.raises(VaultDamaged, match="format"):
        Vault.open()


@pytest.mark.slow
def test_writers_in_many_processes_lose_nothing(vault, place):
    """Each process changes the same entry and one of its own; every change is there in the end."""
    writers, changes = 4, 6
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, f"w{number}", str(changes)], env=os.environ.copy())
        for number in range(writers)
    ]
    assert [process.wait(PATIENCE) for process in processes] == [0] * writers
    assert vault.settings("shared") == {f"w{w}_{n}": n for w in range(writers) for n in range(changes)}
    assert vault.names() == ["own-w0", "own-w1", "own-w2", "own-w3", "shared"]
    left = {path.name for path in place.vault.parent.iterdir()}
    assert left <= {"vault.json", "vault.json.bak", "vault.json.lock"}


def test_a_write_that_fails_leaves_what_was_there(vault, place, monkeypatch):
    """A full disk is told, and nothing is lost."""
    vault.put("bill-prod", {"password": SECRET})

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ml_connector.files.os.fsync", full)
    with pytest.raises(VaultNotWritable, match="No space left"):
        vault.put("bill-prod", {"password": "new"})
    monkeypatch.undo()
    assert vault._closed().entry("bill-prod", vault._ring, place.vault).values == {"password": SECRET}
    assert {path.suffix for path in place.vault.parent.iterdir()} == {".json", ".bak", ".lock"}


def test_a_worthless_value_is_replaced_in_backup_too(vault, place):
    """After a refresh token was rotated the one before is dead: no copy may bring it back."""
    vault.put("workday", {"refresh_token": "first"})
    assert vault.swap("workday", "refresh_token", "first", "second")
    place.vault.write_bytes(place.backup.read_bytes())
    assert vault.settings("workday") == {"refresh_token": "second"}


def test_a_value_somebody_set_meanwhile_is_not_overwritten(vault):
    """A person's new refresh token wins over one that was rotated from the old."""
    vault.put("workday", {"refresh_token": "a person's"})
    assert not vault.swap("workday", "refresh_token", "first", "second")
    assert vault.settings("workday") == {"refresh_token": "a person's"}


KILLED = """
import os, signal
from ml_connector.vault import Vault
from ml_connector.vault.keys import KeyFile
vault = Vault.open()
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
vault.put("bill-prod", {"password": "never arrives"}) if os.environ["WHAT"] == "put" else KeyFile.usual().put_first()
"""


@pytest.mark.parametrize("what", ["put", "put_first"])
def test_who_is_killed_while_writing_changes_nothing(vault, place, what):
    """What was there stays, and the next writer removes what was left half written: it may hold a key."""
    vault.put("bill-prod", {"password": SECRET})
    done = subprocess.run(
        [sys.executable, "-c", KILLED], env={**os.environ, "WHAT": what}, check=False, timeout=PATIENCE
    )
    assert done.returncode == -9
    folder = (place.vault if what == "put" else place.key).parent
    assert [mode(left) for left in folder.glob("*.tmp")] == [0o600]
    assert Vault.open().settings("bill-prod") == {"password": SECRET}
    vault.rotate()
    assert list(folder.glob("*.tmp")) == []
    assert Vault.open().settings("bill-prod") == {"password": SECRET}


def test_a_vault_behind_a_link_stays_behind_it(vault, place, monkeypatch, tmp_path):
    """Two projects that share one see each other's changes, and wait for each other."""
    link = tmp_path / "linked.json"
    link.symlink_to(place.vault)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("ML_CONNECTOR_VAULT", str(link))
        other = Vault.open()
    other.put("bill-prod", {"password": SECRET})
    assert link.is_symlink()
    assert other.path == vault.path
    assert vault.settings("bill-prod") == {"password": SECRET}


# Keys


def test_a_key_behind_a_link_is_replaced_behind_it(vault, place, monkeypatch, tmp_path):
    """Whoever else looks there finds the new one."""
    link = tmp_path / "linked.key"
    link.symlink_to(place.key)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("ML_CONNECTOR_KEY_FILE", str(link))
        Vault.open().rotate()
    assert link.is_symlink()
    assert len(KeyFile.usual().read()) == 2
    assert Vault.open().names() == []


@pytest.mark.parametrize("wrapped", ["{}", "{}\r\n", "\ufeff{}\r\n", "\n  {}\n\n"])
def test_an_editor_may_have_wrapped_the_key(vault, place, wrapped):
    """Line ends, blanks and the mark some editors put first do not belong to it."""
    place.key.write_bytes(wrapped.format(place.key.read_text("utf-8").strip()).encode())
    assert Vault.open().names() == []


def test_a_key_file_nobody_may_look_for_is_told(vault, place, monkeypatch):
    """Its folder belongs to somebody else, as after a change of user: not taken for absent, and no traceback."""

    def denied(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    for name in ("stat", "open"):
        real = getattr(type(place.key), name)
        monkeypatch.setattr(
            type(place.key),
            name,
            lambda path, *args, real=real, **kwargs: (denied if path == place.key else real)(path, *args, **kwargs),
        )
    with pytest.raises(VaultNotWritable, match=r"vault\.key cannot be read: Permission denied"):
        Vault.open()


def test_rotation_goes_on_for_who_has_opened_the_vault_before(vault):
    """A reader and a writer from before find the new key by themselves."""
    vault.put("bill-prod", {"password": SECRET})
    before, ring = Vault.open(), vault._ring.id
    Vault.open().rotate(drop_old=True)
    assert before.settings("bill-prod") == {"password": SECRET}
    vault.put("bill-prod", {"more": 1})
    assert Vault.open().settings("bill-prod") == {"password": SECRET, "more": 1}
    assert Vault.open()._ring.id != ring


def test_after_rotation_the_old_key_opens_neither_vault_nor_backup(vault, place, monkeypatch):
    """Whoever has the old key has nothing."""
    vault.put("bill-prod", {"password": SECRET})
    (old,) = KeyFile.usual().read()
    vault.rotate()
    assert KeyFile.usual().read()[1:] == [old]
    monkeypatch.setenv("ML_CONNECTOR_KEY", old)
    for path in (place.vault, place.backup):
        monkeypatch.setenv("ML_CONNECTOR_VAULT", str(path))
        with pytest.raises(VaultKeyWrong):
            Vault.open()


@pytest.mark.parametrize("step", ["write", "keep_first"])
def test_a_rotation_that_died_is_taken_up(vault, monkeypatch, step):
    """Between any two steps the vault can be read, and the next rotation ends what was begun."""
    vault.put("bill-prod", {"password": SECRET})
    where = (
        "ml_connector.vault.vault.VaultFile.write" if step == "write" else "ml_connector.vault.keys.KeyFile.keep_first"
    )
    with monkeypatch.context() as context:
        context.setattr(where, Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            vault.rotate(drop_old=True)
    assert Vault.open().settings("bill-prod") == {"password": SECRET}
    Vault.open().rotate(drop_old=True)
    assert len(KeyFile.usual().read()) == 1
    assert Vault.open().settings("bill-prod") == {"password": SECRET}


def test_keys_of_the_environment_are_replaced_by_whoever_sets_it(place, monkeypatch):
    """One key cannot be replaced from inside; with a new one before it everything is encrypted anew."""
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    monkeypatch.setenv("ML_CONNECTOR_KEY", old)
    Vault.create().put("bill-prod", {"password": SECRET})
    with pytest.raises(VaultNotWritable, match="ML_CONNECTOR_KEY=<new>,<old>") as caught:
        Vault.open().rotate()
    assert old not in str(caught.value)
    monkeypatch.setenv("ML_CONNECTOR_KEY", f"{new}, {old}")
    assert Vault.open().settings("bill-prod") == {"password": SECRET}
    Vault.open().rotate()
    monkeypatch.setenv("ML_CONNECTOR_KEY", new)
    assert Vault.open().settings("bill-prod") == {"password": SECRET}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("permissions", [0o640, 0o604, 0o644, 0o620])
def test_a_key_file_others_may_read_is_refused(vault, place, permissions):
    """The cure is the command that mends it."""
    place.key.chmod(permissions)
    with pytest.raises(VaultKeyExposed, match="chmod 600"):
        Vault.open()


def test_a_named_key_file_wins_over_the_usual(vault, place, monkeypatch, tmp_path):
    """ML_CONNECTOR_KEY_FILE decides, also when it names a file that is not there."""
    named = tmp_path / "named.key"
    monkeypatch.setenv("ML_CONNECTOR_KEY_FILE", str(named))
    with pytest.raises(VaultKeyMissing, match=r"named\.key"):
        Vault.open()
    place.key.rename(named)
    assert Vault.open().names() == []


@pytest.mark.parametrize("key", ["short", "x" * 44, "not base64 at all!"])
def test_what_is_no_key_is_told_and_not_shown(vault, monkeypatch, key):
    """The message says what a key looks like."""
    monkeypatch.setenv("ML_CONNECTOR_KEY", key)
    with pytest.raises(VaultKeyInvalid, match="32 random bytes") as caught:
        Vault.open()
    assert key not in str(caught.value)


def test_the_environment_file_of_the_project_counts(vault, place, tmp_path):
    """What stands in .env is found, as Meltano finds it."""
    moved = tmp_path / "moved.json"
    place.vault.rename(moved)
    (place.project / ".env").write_text(f"ML_CONNECTOR_VAULT={moved}\n", "utf-8")
    assert Vault.open().path == moved


def test_an_environment_file_that_cannot_be_read_is_told(vault, place):
    """Where the key is may stand in it; what it says is not shown."""
    (place.project / ".env").write_bytes(b"TAP_BILL_PASSWORD=gl\xfcck")
    with pytest.raises(SettingInvalid, match=r"\.env cannot be read: line 1 is not UTF-8") as caught:
        Vault.open()
    assert "PASSWORD" not in str(caught.value)


class FakeKeyring:
    """A keyring that remembers; or none, as on a server."""

    class KeyringError(Exception):
        """Its family of errors."""

    def __init__(self, *, there=True):
        self.there, self.kept = there, None

    def get_password(self, service, account):
        self._must_be_there()
        return self.kept

    def set_password(self, service, account, password):
        self._must_be_there()
        self.kept = password

    def _must_be_there(self):
        if not self.there:
            raise self.KeyringError


@pytest.fixture
def keyring(monkeypatch):
    """A system keyring."""
    fake = FakeKeyring()
    monkeypatch.setitem(sys.modules, "keyring", fake)
    monkeypatch.setitem(sys.modules, "keyring.errors", fake)
    return fake


def test_the_keyring_is_asked_when_nothing_else_has_a_key(keyring):
    """A key in the system's keyring opens the vault, and can be rotated there."""
    Vault.create("keyring").put("bill-prod", {"password": SECRET})
    vault = Vault.open()
    vault.rotate()
    assert len(keyring.kept.split()) == 2
    vault.rotate(drop_old=True)
    assert len(keyring.kept.split()) == 1
    assert Vault.open().settings("bill-prod") == {"password": SECRET}


def test_a_machine_without_a_keyring_has_no_key_there(keyring):
    """It is as if nobody had asked, until a key is to be kept there."""
    from ml_connector.vault.keys import SystemKeyring

    keyring.there = False
    assert SystemKeyring().read() == []
    with pytest.raises(VaultNotWritable, match="key file"):
        SystemKeyring().make()


def test_without_the_package_there_is_no_keyring(monkeypatch):
    """The extra is named where somebody asks for it."""
    from ml_connector.vault.keys import SystemKeyring

    monkeypatch.setitem(sys.modules, "keyring", None)
    assert SystemKeyring().read() == []
    with pytest.raises(VaultNotWritable, match=r"ml-connector\[keyring\]"):
        SystemKeyring().make()
