"""Which doors are open, and whose settings lead through them."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from rooms import event, webhooks

from ml_connector.errors import SettingInvalid
from ml_connector.vault import Vault
from ml_connector.webhooks.endpoints import doors

BILL = {"dev_key": "k", "username": "u", "password": "p", "organization_id": "00801ACME"}


@pytest.fixture(autouse=True)
def vault(tmp_path, monkeypatch):
    """An empty vault."""
    monkeypatch.setenv("ML_CONNECTOR_KEY", Fernet.generate_key().decode())
    monkeypatch.setenv("ML_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    return Vault.create()


def configured(**by_plugin):
    """Return what gives the settings of plugins."""
    return lambda plugin: by_plugin.get(plugin.replace("-", "_"), {})


def test_a_door_is_open_when_its_plugin_has_settings():
    """It belongs to the organization they lead to, and knows what it wakes."""
    (door,) = doors(webhooks(), configured(tap_bill=BILL))
    bell = door.bell()
    assert (door.name, bell.system, bell.instance, bell.path) == ("bill", "bill", "00801ACME", "bill")
    assert door.wanted(event(kind="bill.updated")) == ("pipe",)
    assert door.pipelines == ("pipe",)
    assert "'p'" not in repr(door)


def test_settings_may_come_from_the_vault(vault):
    """By the name the plugin gives, as for runs."""
    vault.put("bill-prod", BILL, system="bill")
    (door,) = doors(webhooks(), configured(tap_bill={"credentials": "bill-prod"}))
    assert door.bell().instance == "00801ACME"


def test_two_organizations_have_two_doors():
    """Each with a plugin of its own."""
    two = {
        "one": {"system": "bill", "plugin": "tap-bill"},
        "two": {"system": "bill", "plugin": "tap-bill--second"},
    }
    settings = webhooks(doors=two, pipelines={"pipe": {"events": {"one": ["*"], "two": ["*"]}}})
    second = {**BILL, "organization_id": "00801SECOND"}
    opened = doors(settings, configured(tap_bill=BILL, tap_bill__second=second))
    assert [each.bell().instance for each in opened] == ["00801ACME", "00801SECOND"]
    (chosen,) = doors(settings, configured(tap_bill=BILL, tap_bill__second=second), ["two"])
    assert chosen.name == "two"


@pytest.mark.parametrize(
    ("config", "names", "words"),
    [
        (configured(), (), "no door is open"),
        (configured(), ("bill",), "has no settings"),
        (configured(tap_bill=BILL), ("other",), "no door other"),
    ],
    ids=["nothing", "asked for", "unknown"],
)
def test_what_leads_nowhere_is_told(config, names, words):
    """One line what, one line cure."""
    with pytest.raises(SettingInvalid, match=words):
        doors(webhooks(), config, names)


def test_business_centrals_door_has_a_secret_address(vault):
    """Made once, kept in the vault, the same whenever the receiver starts."""
    config = {"tenant_id": "acme.invalid", "environment": "production", "client_id": "c", "client_secret": "s"}
    settings = webhooks(
        doors={"bc": {"system": "business_central", "plugin": "tap-business-central"}},
        pipelines={"pipe": {"events": {"bc": ["vendors.*"]}}},
    )
    (door,) = doors(settings, configured(tap_business_central=config))
    first, again = door.bell(), door.bell()
    assert first.path == again.path
    name, _, secret = first.path.partition("/")
    assert (name, first.instance) == ("bc", "acme.invalid/production")
    assert len(secret) >= 32
    subscriber = door.subscriber(settings)
    assert subscriber.source == "business_central:acme.invalid/production"
    subscriber.close()


def test_a_system_without_a_room_is_told():
    """Nothing is known of its webhooks."""
    settings = webhooks(doors={"bill": {"system": "workday", "plugin": "tap-workday"}})
    with pytest.raises(SettingInvalid, match="nothing is known of webhooks of workday"):
        doors(settings, configured())
