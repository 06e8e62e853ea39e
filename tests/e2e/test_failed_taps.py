"""A run whose tap was refused leaves word of it for whoever asks afterwards."""

from __future__ import annotations

import pytest

from erp_sandbox.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_status_tells_of_a_tap_that_was_refused_until_it_works_again(project):
    """The tap alone has failed; nothing of that is on record in the ledger."""
    here = project(World.plain(vendors=1, bills=1))
    assert here.deliver(TAP_BILL_PASSWORD="wrong").code == 1
    (told,) = here.ask("status")["taps"]
    assert (told["plugin"], told["environment"]) == ("tap-bill", "dev")
    assert "Invalid username or password" in told["what"]
    assert "tap-bill failed" in here.connector("status").out
    assert here.deliver().code == 0
    assert here.ask("status")["taps"] == []
