"""``credentials: <name>``: what is not set comes from the vault, in plugins, commands and sessions."""

from __future__ import annotations

import json
import logging

import pytest
import requests_mock as requests_mock_module
from singer_sdk.exceptions import ConfigValidationError

from ml_connector.cli.connections import connections
from ml_connector.errors import CredentialsUnknown, SettingInvalid, VaultKeyWrong, VaultMissing
from ml_connector.systems.bill.settings import BillSettings
from ml_connector.systems.workday.auth import BearerAuth
from ml_connector.systems.workday.client import _authentication
from ml_connector.systems.workday.settings import WorkdaySettings
from ml_connector.transport.soap import SoapTransport
from ml_connector.transport.token_cache import SharedSession, Token
from ml_connector.vault import Vault
from ml_connector.vault.credentials import fill
from ml_connector.vault.keys import KeyFile
from tap_bill.tap import TapBill
from target_workday.target import TargetWorkday

BILL = {"dev_key": "planted-key", "username": "sync", "password": "planted-password", "organization_id": "008"}
WORKDAY = {
    "base_url": "https://host.invalid",
    "tenant": "acme",
    "client_id": "cid",
    "client_secret": "s3cret",
    "refresh_token": "first-token",
}
TOKEN_URL = "https://host.invalid/ccx/oauth2/acme/token"


@pytest.fixture
def filled_vault(vault):
    """A vault with an entry for each system."""
    vault.put("bill-prod", BILL, system="bill")
    vault.put("workday-prod", WORKDAY, system="workday")
    return vault


@pytest.fixture
def token_endpoint():
    """Workday's token endpoint."""
    with requests_mock_module.Mocker() as mock:
        yield mock


# Configurations


def test_the_vault_gives_what_is_not_set(filled_vault):
    """Nothing and empty text are not set; what is set wins, and what differs is named."""
    config = {"credentials": "bill-prod", "username": "other", "password": "", "dev_key": None, "page_size": 50}
    filled = fill(config, system="bill")
    assert BillSettings.from_config(filled.config, plugin="tap-bill") == BillSettings(
        plugin="tap-bill",
        **{**BILL, "username": "other"},
        page_size=50,
        events_base_url="https://gateway.prod.bill.com/connect-events",
        from_vault=("dev_key", "organization_id", "password"),
    )
    assert filled.overridden == ("username",)


def test_without_a_name_no_vault_is_looked_for():
    """A configuration that gives all by itself needs none."""
    assert fill(BILL, system="bill").config == BILL


def test_only_settings_of_the_plugin_are_taken(filled_vault):
    """What else an entry holds, such as keys of webhooks, stays in the vault."""
    filled_vault.put("bill-prod", {"webhook_key": "planted"})
    assert "webhook_key" not in fill({"credentials": "bill-prod"}, system="bill", known=BILL).config


def test_credentials_of_another_system_are_refused(filled_vault):
    """A password is not sent to whoever happens to be configured."""
    with pytest.raises(SettingInvalid, match='"workday-prod" lead to Workday, not to BILL'):
        fill({"credentials": "workday-prod"}, system="bill")


@pytest.mark.parametrize(
    ("plugin", "config", "setting"),
    [
        (TapBill, {"credentials": "bill-prod"}, "password"),
        (TargetWorkday, {"credentials": "workday-prod"}, "tenant"),
    ],
)
def test_a_plugin_starts_with_a_name_alone(filled_vault, plugin, config, setting):
    """What the vault gives counts as set, and what the caller gave is not touched."""
    started = plugin(config=config)
    assert started.config[setting] == {**BILL, **WORKDAY}[setting]
    assert set(config) == {"credentials"}


def test_a_default_does_not_hide_what_the_vault_has(filled_vault):
    """An address in the vault is not overruled by the usual one."""
    filled_vault.put("bill-prod", {"base_url": "https://gateway.stage.bill.com/connect"})
    assert TapBill(config={"credentials": "bill-prod"}).config["base_url"] == "https://gateway.stage.bill.com/connect"


def test_what_neither_gives_is_missing(filled_vault):
    """The vault is one more place to look, not a way around the check."""
    filled_vault.remove("bill-prod", "password")
    with pytest.raises(ConfigValidationError) as caught:
        TapBill(config={"credentials": "bill-prod"})
    assert caught.value.errors == ["'password' is a required property"]


def test_the_log_names_what_differs_and_shows_no_value(filled_vault, caplog):
    """A setting left over from another environment is noticed."""
    with caplog.at_level(logging.DEBUG):
        TapBill(config={"credentials": "bill-prod", "password": "left-over"})
    assert "password set in the configuration, other than in credentials 'bill-prod'" in caplog.text
    assert [value for value in ("planted-key", "planted-password", "left-over") if value in caplog.text] == []


def test_discovery_needs_no_vault():
    """A catalog is written without settings, also when they name credentials."""
    tap = TapBill(config={"credentials": "bill-prod"}, validate_config=False)
    assert "bills" in tap.catalog


@pytest.mark.parametrize(
    ("made", "name", "expected"), [(False, "bill-prod", VaultMissing), (True, "bil-prod", CredentialsUnknown)]
)
def test_a_plugin_tells_why_it_gets_no_credentials(request, made, name, expected):
    """No vault and no such entry are told apart."""
    if made:
        request.getfixturevalue("filled_vault")
    with pytest.raises(expected):
        TapBill(config={"credentials": name})


def test_a_secret_of_the_wrong_kind_is_not_quoted(filled_vault, caplog, tmp_path):
    """The words of the check would show it."""
    filled_vault.put("bill-prod", {"password": 31337420})
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"credentials": "bill-prod"}), "utf-8")
    with pytest.raises(SystemExit):
        TapBill.get_singer_command().main(["--config", str(config)])
    said = caplog.text
    assert 'setting "password" not accepted' in said
    assert "31337420" not in said


def test_commands_reach_a_system_by_its_credentials(filled_vault, monkeypatch):
    """The name alone makes a connection, whose settings the vault gives when it is used."""
    monkeypatch.setenv("TARGET_BILL_CREDENTIALS", "bill-prod")
    (connection,) = connections("bill")
    assert connection.plugin == "target-bill"
    assert connection.config == {"credentials": "bill-prod"}
    access = connection.connect()
    assert access.instance == "bill:008"
    access.close()


def test_a_command_tells_that_the_vault_is_locked(filled_vault, monkeypatch):
    """A connection whose vault cannot be opened fails when it is used."""
    monkeypatch.setenv("TARGET_BILL_CREDENTIALS", "bill-prod")
    monkeypatch.setenv("ML_CONNECTOR_KEY", "A" * 43 + "=")
    (connection,) = connections("bill")
    with pytest.raises(VaultKeyWrong):
        connection.connect()


# Sessions


def test_a_session_is_encrypted_with_the_vaults_key(filled_vault, tmp_path, monkeypatch):
    """It cannot be read with the credentials alone, and is another than one got without the vault."""
    folder = tmp_path / "sessions"
    folder.mkdir()
    SharedSession("bill", BILL, directory=folder, vault=filled_vault).store(Token("planted-session"))
    assert SharedSession("bill", BILL, directory=folder, vault=Vault.open()).current().value == "planted-session"
    assert SharedSession("bill", BILL, directory=folder).current() is None
    filled_vault.rotate(drop_old=True)
    assert SharedSession("bill", BILL, directory=folder, vault=Vault.open()).current() is None


def test_a_session_got_before_a_rotation_of_keys_goes_on(filled_vault, tmp_path):
    """As long as the old key is kept nobody has to log in again; what is stored next has the new one."""
    before = SharedSession("bill", BILL, directory=tmp_path, vault=Vault.open())
    before.store(Token("first"))
    filled_vault.rotate()
    assert SharedSession("bill", BILL, directory=tmp_path, vault=Vault.open()).current().value == "first"
    before.store(Token("second"))
    KeyFile.usual().keep_first()
    assert SharedSession("bill", BILL, directory=tmp_path, vault=Vault.open()).current().value == "second"


def bearer(**given):
    """The authentication of a plugin that has just started with ``credentials: workday-prod``."""
    config = fill({"credentials": "workday-prod", **given}, system="workday").config
    auth = _authentication(WorkdaySettings.from_config(config), SoapTransport(user_agent="test"), None)
    assert isinstance(auth, BearerAuth)
    return auth


def answers(mock, *bodies):
    """Let the token endpoint answer these, one after the other."""
    mock.post(TOKEN_URL, [{"json": body} for body in bodies])


def asked_with(mock):
    """The refresh tokens the endpoint was asked with."""
    return [dict(pair.split("=") for pair in each.text.split("&"))["refresh_token"] for each in mock.request_history]


def test_a_rotated_refresh_token_goes_into_the_vault_before_it_is_used(filled_vault, token_endpoint):
    """Plugins that start later take it from there."""
    answers(token_endpoint, {"access_token": "a1", "refresh_token": "second"}, {"access_token": "a2"})
    auth = bearer()
    token = auth.current()
    assert filled_vault.settings("workday-prod")["refresh_token"] == "second"
    assert bearer().current().value == "a1"
    bearer().renew(token)
    assert asked_with(token_endpoint) == ["first-token", "second"]


def test_plugins_that_started_before_a_rotation_share_what_came_of_it(filled_vault, token_endpoint):
    """Whoever still remembers the dead token neither sends it nor logs in again."""
    answers(token_endpoint, {"access_token": "a1", "refresh_token": "second"}, {"access_token": "a2"})
    first, other = bearer(), bearer()
    token = first.current()
    assert other.current().value == "a1"
    other.renew(token)
    assert asked_with(token_endpoint) == ["first-token", "second"]
    assert first._session.renew(token, pytest.fail).value == "a2"


def test_a_refresh_token_a_person_sets_is_used_at_once(filled_vault, token_endpoint):
    """An access token that was got with another one is not used any more."""
    answers(token_endpoint, {"access_token": "a1", "refresh_token": "second"}, {"access_token": "a2"})
    bearer().current()
    filled_vault.put("workday-prod", {"refresh_token": "a person's"})
    assert bearer().current().value == "a2"
    assert asked_with(token_endpoint) == ["first-token", "a+person%27s"]


def test_a_person_who_sets_a_token_while_another_is_asked_for_wins(filled_vault, token_endpoint):
    """What comes back does not overwrite it, and the next call uses it."""

    def answer(request, context):
        filled_vault.put("workday-prod", {"refresh_token": "new"})
        return {"access_token": "a1", "refresh_token": "second"}

    token_endpoint.post(TOKEN_URL, [{"json": answer}, {"json": {"access_token": "a2"}}])
    bearer().current()
    assert filled_vault.settings("workday-prod")["refresh_token"] == "new"
    assert bearer().current().value == "a2"
    assert asked_with(token_endpoint) == ["first-token", "new"]


def test_a_rotated_token_the_vault_cannot_take_is_not_lost(filled_vault, token_endpoint, place, caplog, monkeypatch):
    """The session keeps it, and the next renewal takes it from there into the vault."""
    answers(
        token_endpoint,
        {"access_token": "a1", "refresh_token": "second"},
        {"access_token": "a2", "refresh_token": "third"},
    )
    with monkeypatch.context() as full:
        full.setattr("ml_connector.vault.file.replace_private_file", _no_room)
        token = bearer().current()
    assert "kept with the session" in caplog.text
    assert "second" not in caplog.text
    assert filled_vault.settings("workday-prod")["refresh_token"] == "first-token"
    bearer().renew(token)
    assert asked_with(token_endpoint) == ["first-token", "second"]
    assert filled_vault.settings("workday-prod")["refresh_token"] == "third"


def test_a_refresh_token_set_beside_the_vault_is_not_written_into_it(filled_vault, token_endpoint):
    """It is rotated as without a vault: the entry is somebody else's."""
    answers(token_endpoint, {"access_token": "a1", "refresh_token": "second"}, {"access_token": "a2"})
    auth = bearer(refresh_token="own")
    auth.renew(auth.current())
    assert asked_with(token_endpoint) == ["own", "second"]
    assert filled_vault.settings("workday-prod")["refresh_token"] == "first-token"


def _no_room(path, content):
    raise OSError(28, "No space left on device")
