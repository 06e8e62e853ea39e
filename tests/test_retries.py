from __future__ import annotations

import pytest
import stamina

from ml_connector.errors import Rejected, Unavailable
from ml_connector.transport.retries import ATTEMPTS, attempts, full_jitter


@pytest.fixture(autouse=True)
def quick():
    """Try again at once."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


def test_a_read_succeeds_after_some_failures(capsys):
    """Faults with a pause are tried again, silently on stdout, which carries Singer messages."""
    asked = []

    def pause(_fault, attempt):
        asked.append(attempt)
        return 1.0

    for attempt in attempts(pause):
        with attempt:
            if len(asked) < 2:
                raise Unavailable("bill", "GET /v3/bills", "down")
    assert asked == [1, 2]
    assert capsys.readouterr().out == ""


def failing(error, pause):
    """Return a read that always fails, and the list of its tries."""
    tries = []

    def read():
        for attempt in attempts(pause):
            with attempt:
                tries.append(1)
                raise error

    return read, tries


def test_patience_ends():
    """The last fault is raised when all attempts failed."""
    read, tries = failing(Unavailable("bill", "GET /v3/bills", "down"), lambda _fault, _number: 1.0)
    with pytest.raises(Unavailable):
        read()
    assert len(tries) == ATTEMPTS


@pytest.mark.parametrize("error", [Rejected("bill", "GET /v3/bills", "no"), ValueError("no")])
def test_what_cannot_help_is_not_repeated(error):
    """A fault without a pause and any other error are raised at once."""
    read, tries = failing(error, lambda _fault, _number: None)
    with pytest.raises(type(error)):
        read()
    assert len(tries) == 1


@pytest.mark.parametrize(("attempt", "longest"), [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (9, 8.0)])
def test_pauses_are_random_below_a_doubling_bound(attempt, longest):
    """The bound is 1, 2, 4, 8 seconds and no more."""
    pauses = [full_jitter(attempt) for _ in range(200)]
    assert 0 <= min(pauses) < longest / 2 < max(pauses) <= longest


@pytest.mark.parametrize(("asked", "least"), [(5.0, 5.0), (3600.0, 60.0), (None, 0.0)])
def test_what_the_system_asks_for_is_granted_within_a_minute(asked, least):
    """A pause is never shorter than Retry-After, which counts up to a minute."""
    assert least <= full_jitter(1, asked) <= max(least, 1.0)
