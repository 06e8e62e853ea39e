"""The vault in hands that have no key: what was put back, taken out, or put in its place is noticed at once."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet
from waiting import PATIENCE

from ml_connector.cli import main
from ml_connector.errors import (
    CredentialsUnknown,
    SettingInvalid,
    UserError,
    VaultDamaged,
    VaultKeyExposed,
    VaultNotWritable,
    VaultOlder,
)
from ml_connector.kept_files import read_bytes
from ml_connector.ledger.store import Ledger, located
from ml_connector.vault import Vault
from ml_connector.vault.file import _checksum
from ml_connector.vault.keys import KeyFile
from target_bill.target import TargetBill
from target_business_central.target import TargetBusinessCentral
from target_workday.target import TargetWorkday


@pytest.fixture(autouse=True)
def vault(tmp_path, monkeypatch):
    """A vault with two entries, changed three times."""
    for name in ("ML_CONNECTOR_KEY", "ML_CONNECTOR_KEY_FILE", "ML_CONNECTOR_VAULT", "ML_CONNECTOR_LEDGER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = Vault.create()
    made.put("bill-prod", {"password": "first"}, system="bill")
    made.put("workday-prod", {"isu_password": "other"}, system="workday")
    made.put("bill-prod", {"password": "second"})
    return made


def command(*words, code=0, stdin=""):
    """Give a command of the vault; return what a person sees."""
    result = CliRunner().invoke(main, ["vault", *words], input=stdin, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def edited(path, change):
    """Change the vault as somebody without the key would who knows how its checksum is made."""
    body = json.loads(path.read_text("utf-8"))
    del body["checksum"]
    change(body)
    path.write_text(json.dumps({**body, "checksum": _checksum(body)}), "utf-8")


# Older copies


def test_an_older_copy_is_noticed_by_who_opens_it_and_by_who_has_it_open(vault):
    """A password that was replaced does not come back, and nothing is written over the newest."""
    older = vault.path.read_bytes()
    vault.put("bill-prod", {"password": "third"})
    vault.path.write_bytes(older)
    for ask in (
        Vault.open,
        lambda: vault.settings("bill-prod"),
        lambda: vault.put("bill-prod", {"password": "fourth"}),
        vault.rotate,
    ):
        with pytest.raises(VaultOlder, match="older copy: it ends with change 4, 5 have been made"):
            ask()
    assert vault.path.read_bytes() == older


def test_every_earlier_state_is_noticed(vault):
    """Also that of long ago, and the backup beside the vault."""
    states = [vault.path.read_bytes()]
    for number in range(3):
        vault.put("bill-prod", {"password": str(number)})
        states.append(vault.path.read_bytes())
    for older in states[:-1]:
        vault.path.write_bytes(older)
        with pytest.raises(VaultOlder):
            Vault.open()
    vault.path.write_bytes(states[-1])
    assert Vault.open().settings("bill-prod")["password"] == "2"


def test_another_vault_of_the_same_number_is_noticed(vault):
    """Made from an older copy on another machine, where nobody knew that it was one."""
    older = vault.path.read_bytes()
    vault.put("bill-prod", {"password": "third"})
    newest = vault.path.read_bytes()
    memory = {path: path.read_bytes() for path in vault._seen._path.parent.glob("*.seen")}
    vault.path.write_bytes(older)
    for path in memory:
        path.unlink()
    Vault.open().put("bill-prod", {"password": "elsewhere"})
    for path, content in memory.items():
        path.write_bytes(content)
    with pytest.raises(VaultOlder, match="another than the one last seen here"):
        Vault.open()
    vault.path.write_bytes(newest)
    assert Vault.open().settings("bill-prod")["password"] == "third"


def test_a_copy_that_was_put_back_on_purpose_is_accepted_by_a_command(vault):
    """It asks, shows what is in it, and from then on the newer one is the older."""
    older = vault.path.read_bytes()
    vault.put("bill-prod", {"password": "third"})
    newer = vault.path.read_bytes()
    vault.path.write_bytes(older)
    command("accept", code=1)
    with pytest.raises(VaultOlder):
        Vault.open()
    assert "bill-prod, changed" in command("accept", stdin="y\n")
    assert Vault.open().settings("bill-prod") == {"password": "second"}
    vault.path.write_bytes(newer)
    with pytest.raises(VaultOlder):
        Vault.open()


def test_where_nothing_is_remembered_what_is_there_is_taken_for_the_newest(vault, tmp_path, monkeypatch):
    """On a new machine, or after the state directory was lost; said in the guide."""
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path / "another"))
    assert Vault.open().settings("bill-prod") == {"password": "second"}


def test_many_who_read_while_others_write_see_no_older_copy(vault):
    """Readers remember before they read, and writers after they have written."""
    words = "import sys; from ml_connector.vault import Vault; vault = Vault.open(); "
    writer = f"{words}[vault.put('shared', {{sys.argv[1]: n}}) for n in range(15)]"
    reader = f"{words}[vault.settings('bill-prod') for _ in range(200)]"
    processes = [
        subprocess.Popen([sys.executable, "-c", program, name], stderr=subprocess.PIPE, text=True)
        for program, name in ((writer, "a"), (writer, "b"), (reader, "-"), (reader, "-"))
    ]
    assert [process.communicate(timeout=PATIENCE)[1] for process in processes] == [""] * 4
    assert vault.settings("shared") == {"a": 14, "b": 14}


# Without the key


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body["entries"].pop("workday-prod"),
        lambda body: body["entries"].clear(),
        lambda body: body["entries"].update(new=body["entries"]["bill-prod"]),
        lambda body: body.update(count=body["count"] + 1),
        lambda body: body.update(count=1_000_000),
        lambda body: body.update(seal="0" * 64),
        lambda body: body.update(seal=""),
    ],
    ids=["entry out", "all out", "entry in", "one on", "far on", "another seal", "no seal"],
)
def test_what_is_changed_without_the_key_is_noticed(vault, change):
    """Which entries there are and how new they are is known by who has the key; it cannot be accepted either."""
    edited(vault.path, change)
    for ask in (Vault.open, lambda: vault.settings("bill-prod"), vault.names, Vault.accept):
        with pytest.raises(VaultDamaged, match="without the key"):
            ask()


def test_the_format_of_before_is_no_way_round(vault):
    """It had neither number nor seal, so it is older than anything that has."""

    def as_before(body):
        body.update(format=1)
        del body["count"], body["seal"], body["entries"]["workday-prod"]

    edited(vault.path, as_before)
    with pytest.raises(VaultOlder):
        Vault.open()


def test_a_vault_of_the_format_before_is_read_and_counted_from_the_next_change_on(vault, tmp_path, monkeypatch):
    """Nothing is lost by the new version."""
    edited(vault.path, lambda body: [body.update(format=1), body.pop("count"), body.pop("seal")])
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path / "another"))
    opened = Vault.open()
    assert opened.settings("bill-prod") == {"password": "second"}
    opened.put("bill-prod", {"password": "third"})
    body = json.loads(vault.path.read_text("utf-8"))
    assert (body["format"], body["count"]) == (2, 1)
    assert Vault.open().names() == ["bill-prod", "workday-prod"]


def test_a_rotated_key_seals_what_it_encrypts(vault):
    """And what an old key had sealed is an older copy."""
    older = vault.path.read_bytes()
    vault.rotate()
    assert Vault.open().settings("bill-prod") == {"password": "second"}
    vault.path.write_bytes(older)
    with pytest.raises(VaultOlder):
        Vault.open()


# What is no file


def put_in_place(path, what):
    """Put something that is no file in the place of one."""
    path.unlink(missing_ok=True)
    if what == "pipe":
        os.mkfifo(path, 0o600)
    elif what == "socket":
        with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(path.parent):
            listening.bind(path.name)  # a whole path may be longer than a socket's can be
        path.chmod(0o600)
    elif what == "folder":
        path.mkdir(0o700)
    else:
        path.symlink_to("/dev/zero")


@pytest.mark.parametrize("what", ["pipe", "socket", "folder", "device"])
@pytest.mark.parametrize("which", ["vault", "key", "backup"])
def test_what_is_no_file_is_refused_at_once(vault, which, what):
    """Whoever reads a pipe waits for a writer that may never come, and a device has no end: one line, no waiting."""
    path = {
        "vault": vault.path,
        "key": KeyFile.usual().path,
        "backup": vault.path.with_name("vault.json.bak"),
    }[which]
    put_in_place(path, what)
    program = [sys.executable, "-c", "from ml_connector.cli import main; main(['vault', 'list'])"]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=PATIENCE)
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    if which == "vault":
        assert done.returncode == 1
        assert re.search(r"the vault .* cannot be read: ", said)
    if which == "key":
        with pytest.raises((VaultNotWritable, VaultKeyExposed)):
            Vault.open()
    if which == "backup":
        assert done.returncode == 0
        assert Vault.open().names() == ["bill-prod", "workday-prod"]


def test_a_file_that_is_kept_is_read_and_a_pipe_is_not_waited_for(tmp_path):
    """Nothing, as /dev/null has it, is nothing; what has no end is refused."""
    (tmp_path / "file").write_bytes(b"content")
    assert read_bytes(tmp_path / "file") == b"content"
    assert read_bytes(tmp_path / "file", 3) == b"con"
    (tmp_path / "null").symlink_to(os.devnull)
    assert read_bytes(tmp_path / "null") == b""
    put_in_place(tmp_path / "pipe", "pipe")
    put_in_place(tmp_path / "device", "device")
    for name in ("pipe", "device"):
        with pytest.raises(OSError, match=f"it is a {name}, not a file"):
            read_bytes(tmp_path / name)


# The ledger's password


def test_the_address_of_a_ledger_may_stand_in_the_vault(vault, tmp_path):
    """Targets and commands find it by the entry's name, so no password stands in any configuration."""
    url = f"sqlite:///{tmp_path}/elsewhere/ledger.db"
    said = command("set", "ledger-prod", "--stdin", stdin=json.dumps({"ledger_url": url}))
    assert "ML_CONNECTOR_LEDGER_URL=vault:ledger-prod" in said
    assert url not in said + command("list")
    assert located("vault:ledger-prod") == url
    with Ledger("vault:ledger-prod") as ledger:
        assert ledger.url == url
    assert (tmp_path / "elsewhere" / "ledger.db").is_file()
    result = CliRunner().invoke(main, ["status", "--ledger-url", "vault:ledger-prod"], catch_exceptions=False)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        (None, CredentialsUnknown),
        ({"other": "x"}, SettingInvalid),
        ({"ledger_url": "vault:ledger-prod"}, SettingInvalid),
    ],
)
def test_an_address_that_is_not_there_is_told_with_the_cure(vault, values, refusal):
    """In one line what and one line cure; an entry that names itself is none."""
    if values:
        vault.put("ledger-prod", values, system="ledger")
    with pytest.raises(refusal) as told:
        located("vault:ledger-prod")
    assert isinstance(told.value, UserError)
    assert str(told.value).count("\n") == 1


@pytest.mark.parametrize("target", [TargetBill, TargetBusinessCentral, TargetWorkday])
def test_the_address_of_a_ledger_is_a_secret_of_every_target(target):
    """Meltano shows no sensitive setting, and neither does --about."""
    assert target.config_jsonschema["properties"]["ledger_url"]["secret"] is True


def test_the_key_never_stands_in_what_is_remembered(vault):
    """A number and a checksum, no name and no value."""
    key = KeyFile.usual().read()[0]
    (memory,) = vault._seen._path.parent.glob("*.seen")
    assert set(json.loads(memory.read_bytes())) == {"changes", "mark"}
    assert key not in memory.read_text("utf-8")
    assert Fernet(key)
