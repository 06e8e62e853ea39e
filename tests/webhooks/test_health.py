"""Looking after subscriptions again and again, with whatever credentials there are."""

from __future__ import annotations

import threading

import pytest
from rooms import webhooks
from waiting import PATIENCE

from ml_connector.errors import CredentialsRefused
from ml_connector.webhooks.endpoints import ROOMS, Door, Room
from ml_connector.webhooks.health import Cared, HealthLoop
from ml_connector.webhooks.settings import DoorSettings


class Account:
    """A system that knows one password and notes with which it was asked."""

    def __init__(self, password):
        self.password = password
        self.asked = []
        self.closed = []
        self.looked = threading.Semaphore(0)

    def subscriber(self, door, config, settings):
        """Return a subscriber with the password of a configuration."""
        account, given = self, config["password"]

        class Subscriber:
            source = "bill:org"

            def check(self, since):
                account.asked.append(given)
                account.looked.release()
                if given != account.password:
                    raise CredentialsRefused("bill", "POST /v3/login", "wrong password")
                return []

            def close(self):
                account.closed.append(given)

        return Subscriber()


@pytest.fixture
def looking(ledger, monkeypatch):
    """Let a loop look after an account some times, with what ``configured`` gives when it opens the door again."""

    def look(account, configured, *, times):
        monkeypatch.setitem(ROOMS, "bill", Room((), lambda *_: None, account.subscriber))
        settings = webhooks(check_seconds=0.01)

        def door(config):
            return Door("bill", DoorSettings(system="bill", plugin="tap-bill"), config, lambda _: (), ())

        first = door({"password": "old"})
        loop = HealthLoop(
            ledger,
            [Cared(first, first.subscriber(settings))],
            settings,
            address=None,
            ring=lambda: None,
            reopen=lambda _: door(configured()),
        )
        loop.start()
        for _ in range(times):
            assert account.looked.acquire(timeout=PATIENCE)
        loop.stop()

    return look


def test_credentials_that_were_replaced_are_taken_up(looking, caplog):
    """A receiver need not be started again when a password in the vault was changed."""
    account = Account("new")
    looking(account, lambda: {"password": "new"}, times=3)
    assert account.asked[:3] == ["old", "new", "new"]
    assert account.closed == ["old", "new"]
    assert "could not be looked after" not in caplog.text


def test_credentials_that_are_still_the_same_are_not_asked_with_again(looking, caplog):
    """The subscriber remembers that they were refused; a new one would not, and could lock the login."""
    account = Account("new")
    looking(account, lambda: {"password": "old"}, times=2)
    assert account.closed == ["old"]
    assert "the subscription could not be looked after" in caplog.text
    assert "wrong password" in caplog.text
