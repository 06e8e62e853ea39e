"""Keys of notifications in the real vault."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.fernet import Fernet

from ml_connector.errors import UserError
from ml_connector.vault import Vault
from ml_connector.webhooks.bill import KEY, key_book
from ml_connector.webhooks.keys import SigningKeys

DAY = dt.timedelta(hours=24)


@pytest.fixture
def vault(tmp_path, monkeypatch):
    """An empty vault."""
    monkeypatch.setenv("ML_CONNECTOR_KEY", Fernet.generate_key().decode())
    monkeypatch.setenv("ML_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    return Vault.create()


def test_keys_are_kept_in_the_vault_under_the_organization(vault):
    """Nothing is readable in the file, and what is shown of it has no key."""
    book = key_book("00801ACME")
    book.replace_key(KEY, "first-key", overlap=DAY, subscription_id="s-1")
    book.replace_key(KEY, "second-key", overlap=DAY)
    assert vault.names() == ["webhooks-bill-00801ACME"]
    assert b"-key" not in vault.path.read_bytes()
    keys = SigningKeys(book, KEY).current()
    assert [(each.value, each.subscription_id) for each in keys] == [("second-key", "s-1"), ("first-key", "s-1")]
    assert "second-key" not in repr(keys)


def test_putting_the_same_key_again_keeps_the_one_before(vault):
    """A repeated answer to an idempotent key is the same key; it does not push out the one that is still in use."""
    book = key_book("00801ACME")
    for key in ("first", "second", "second"):
        book.replace_key(KEY, key, overlap=DAY)
    assert [each.value for each in SigningKeys(book, KEY).current()] == ["second", "first"]


def test_what_is_made_once_is_the_same_for_all_who_make_it(vault):
    """A receiver and a command that start together must not wait at two addresses."""
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda number: key_book("00801ACME").once("path", f"secret-{number}"), range(8)))
    assert made == {vault.settings("webhooks-bill-00801ACME")["path"]}


def test_an_entry_that_is_not_there_holds_nothing(vault):
    """Before the first subscription, and after the last."""
    book = key_book("00801ACME")
    assert book.read() == {}
    book.forget()
    book.put(subscription_id="s-1")
    book.forget()
    assert vault.names() == []


def test_without_a_vault_nothing_is_subscribed(tmp_path, monkeypatch):
    """There would be no place for the key: told before anything is asked of the system."""
    monkeypatch.setenv("ML_CONNECTOR_VAULT", str(tmp_path / "none.json"))
    with pytest.raises(UserError, match="no vault"):
        key_book("00801ACME").read()


def test_the_vault_is_not_read_for_every_notification(vault):
    """Every few seconds at most, and once a second for signatures that do not fit."""
    book = key_book("00801ACME")
    book.put(**{KEY: "key"})
    reads = []
    read = book.read
    book.read = lambda: reads.append(1) or read()
    keys = SigningKeys(book, KEY)
    for _ in range(50):
        keys.current()
        keys.latest()
    assert len(reads) == 1
