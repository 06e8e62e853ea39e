"""``ml-connector vault``: set, list, replace and remove credentials, and never show one."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet

from ml_connector.cli import main
from ml_connector.vault import Vault

BILL = {
    "dev_key": "planted-key",
    "username": "sync",
    "password": "planted-password",
    "organization_id": "00801ABCDEFGHIJK1234",
}


@pytest.fixture(autouse=True)
def place(commands, tmp_path, monkeypatch):
    """The folder of keys, and no setting of this machine."""
    for name in ("ML_CONNECTOR_KEY", "ML_CONNECTOR_KEY_FILE", "ML_CONNECTOR_VAULT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "ml-connector"


@pytest.fixture
def vault(commands):
    """An empty vault, made by the command."""
    commands.run("vault", "init")
    return Vault.open()


def give(*words, stdin="", code=0, **env):
    """Give a command and type; return what a person sees."""
    result = CliRunner().invoke(main, ["vault", *words], input=stdin, env=env, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def stdin_of(values):
    """Settings as a program gives them."""
    return json.dumps(values)


def test_init_makes_a_vault_and_its_key(commands, place):
    """It says where both are, and shows no key."""
    said = commands.run("vault", "init")
    key = (place / "vault.key").read_text("utf-8").strip()
    assert str(commands.folder / ".ml-connector" / "vault.json") in said
    assert str(place / "vault.key") in said
    assert key not in said
    assert Vault.open().names() == []


def test_init_uses_the_key_there_is(commands, place):
    """With ML_CONNECTOR_KEY nothing is written beside the vault."""
    said = commands.ask("vault", "init", ML_CONNECTOR_KEY=Fernet.generate_key().decode())
    assert said["key"] == "ML_CONNECTOR_KEY"
    assert not place.exists()


def test_a_second_init_changes_nothing(vault, commands):
    """What is there stays."""
    vault.put("bill-prod", BILL)
    assert "there is a vault" in commands.run("vault", "init", code=1)
    assert vault.settings("bill-prod") == BILL


def test_set_asks_for_each_setting_and_echoes_no_secret(vault):
    """A name that begins with a system needs no --system; Enter leaves out what is optional."""
    answers = [*BILL.values(), "", "", "https://gateway.stage.bill.com/connect", ""]
    said = give("set", "bill-prod", stdin="".join(f"{each}\n" for each in answers))
    assert vault.settings("bill-prod") == {**BILL, "base_url": "https://gateway.stage.bill.com/connect"}
    assert vault.system("bill-prod") == "bill"
    assert "TAP_BILL_CREDENTIALS=bill-prod and TARGET_BILL_CREDENTIALS=bill-prod" in said
    assert [secret for secret in ("planted-key", "planted-password") if secret in said] == []


def test_set_asks_for_the_settings_that_are_named(vault):
    """Renewing a password is one question; the rest stays."""
    vault.put("bill-prod", BILL, system="bill")
    give("set", "bill-prod", "password", stdin="new-password\n")
    assert vault.settings("bill-prod") == {**BILL, "password": "new-password"}


def test_enter_leaves_everything_as_it_is(vault):
    """Asked again, an empty answer changes nothing, and says so."""
    vault.put("bill-prod", BILL, system="bill")
    assert "nothing was changed" in give("set", "bill-prod", stdin="\n" * 8, code=1)
    assert vault.settings("bill-prod") == BILL


def test_set_takes_what_a_plugin_is_configured_with(vault, commands):
    """Only settings of the connection are taken, and which variables to remove is told."""
    env = {f"TAP_BILL_{name.upper()}": value for name, value in BILL.items()}
    said = give("set", "prod", "--from-env", "tap-bill", **env, TAP_BILL_START_DATE="2026-01-01")
    assert vault.settings("prod") == BILL
    assert "Take these out of the environment, .env or meltano.yml: TAP_BILL_DEV_KEY, TAP_BILL_PASSWORD" in said
    assert "planted" not in said


def test_set_reads_settings_from_a_program(vault, commands):
    """A JSON object on standard input; numbers may come as text."""
    workday = {"base_url": "https://host.invalid", "tenant": "acme", "requests_per_minute": "60"}
    said = give("set", "wd", "--system", "workday", "--stdin", "--json", stdin=stdin_of(workday))
    assert json.loads(said) == {"name": "wd", "system": "workday", "set": sorted(workday)}
    assert vault.settings("wd") == {**workday, "requests_per_minute": 60}


@pytest.mark.parametrize(
    ("words", "stdin", "told"),
    [
        (["prod", "--stdin"], {}, "Give --system"),
        (["bill-prod", "--stdin"], {"pasword": "planted"}, 'Did you mean "password"'),
        (["bill-prod", "--stdin"], {"isu_username": "x"}, 'no setting "isu_username"'),
        (["bill-prod", "--stdin"], {"password": 12345678}, "It is text:"),
        (["bill-prod", "--stdin"], {"password": ""}, 'setting "password" cannot be used'),
        (["workday", "--stdin"], {"client_auth": "planted"}, "It is one of basic, body:"),
        (["workday", "--stdin"], {"requests_per_minute": "many"}, '"requests_per_minute" cannot be used'),
        (["bill-prod", "--stdin"], {}, "nothing was given"),
        (["bill-prod", "--stdin"], ["planted"], "no JSON object"),
        (["bill-prod", "nothing"], {}, 'no setting "nothing"'),
        (["bill-prod", "--system", "workday", "--from-env", "tap-bill"], {}, "cannot lead to BILL and to Workday"),
    ],
)
def test_what_cannot_be_kept_is_told(vault, words, stdin, told):
    """Nothing is changed, and no value is quoted."""
    said = give("set", *words, stdin=stdin_of(stdin), code=1)
    assert told in said
    assert "planted" not in said
    assert "12345678" not in said
    assert vault.names() == []


def test_a_name_keeps_its_system(vault):
    """Credentials of one system are not made those of another."""
    vault.put("prod", BILL, system="bill")
    assert "cannot lead to" in give("set", "prod", "--system", "workday", "--stdin", stdin="{}", code=1)


def test_a_secret_among_the_arguments_is_not_repeated(vault):
    """Others could read it in the list of processes: it is refused without being shown."""
    said = give("set", "bill-prod", "password=planted-password", code=2)
    assert "password takes no value here" in said
    assert "planted-password" not in said


def test_list_shows_names_and_no_value(vault, commands):
    """Which settings there are, and since when."""
    vault.put("bill-prod", BILL, system="bill")
    said = commands.run("vault", "list")
    assert "bill-prod  BILL" in said
    assert "dev_key, organization_id, password, username" in said
    data = commands.ask("vault", "list")
    assert data["entries"][0]["settings"] == sorted(BILL)
    assert data["locked"] is None
    assert "planted" not in said + str(data)


def test_a_locked_vault_is_listed_and_said_to_be_locked(vault, commands, place):
    """Without the key the names are there, and why nothing else is."""
    vault.put("bill-prod", BILL, system="bill")
    (place / "vault.key").unlink()
    said = commands.run("vault", "list")
    assert "bill-prod" in said
    assert "locked: there is no key" in said
    assert commands.ask("vault", "list")["key"] is None


def test_an_empty_vault_says_how_to_begin(vault, commands):
    """The next command is named."""
    assert "ml-connector vault set NAME" in commands.run("vault", "list")


def test_rm_asks_first(vault):
    """Without a yes nothing is removed."""
    vault.put("bill-prod", BILL)
    give("rm", "bill-prod", stdin="n\n", code=1)
    assert vault.names() == ["bill-prod"]
    give("rm", "bill-prod", stdin="y\n")
    assert vault.names() == []


def test_rm_takes_out_single_settings(vault, commands):
    """The entry stays with the rest; a name that is not there is told."""
    vault.put("bill-prod", BILL)
    commands.run("vault", "rm", "bill-prod", "password", "--yes")
    assert set(vault.settings("bill-prod")) == set(BILL) - {"password"}
    assert 'Did you mean "bill-prod"' in commands.run("vault", "rm", "bill-prd", "--yes", code=1)


def test_rotate_makes_a_new_key(vault, commands, place):
    """The old one is kept for others until it is to be dropped; no key is shown."""
    vault.put("bill-prod", BILL)
    said = commands.run("vault", "rotate")
    assert "1 old key is kept" in said
    new, old = (place / "vault.key").read_text("utf-8").split()
    assert commands.ask("vault", "rotate", "--drop-old-keys")["old_keys"] == 0
    (newest,) = (place / "vault.key").read_text("utf-8").split()
    assert [key for key in (new, old, newest) if key in said] == []
    assert Vault.open().settings("bill-prod") == BILL


def test_no_command_works_on_a_vault_that_is_not_there(commands):
    """Each says how to make one."""
    for words in (["list"], ["set", "bill"], ["rm", "bill"], ["rotate"]):
        assert "ml-connector vault init" in commands.run("vault", *words, code=1)
