"""A refresh token the tenant has rotated outlives the process that received it, however that ends."""

from __future__ import annotations

import signal

import pytest
from harness import Done

from erp_sandbox import credentials

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CLIENT = {
    "ISU_USERNAME": None,
    "ISU_PASSWORD": None,
    "CLIENT_ID": credentials.WORKDAY_CLIENT_ID,
    "CLIENT_SECRET": credentials.WORKDAY_CLIENT_SECRET,
    "REFRESH_TOKEN": credentials.WORKDAY_REFRESH_TOKEN,
}
SETTINGS = {f"{plugin}_WORKDAY_{name}": value for plugin in ("TAP", "TARGET") for name, value in CLIENT.items()}

DIES = """
import os, signal
from ml_connector.cli import main
from ml_connector.transport.token_cache import SharedSession
written = SharedSession._write
def write_and_die(self, token):
    {first}
    os.kill(os.getpid(), signal.SIGKILL)
SharedSession._write = write_and_die
main(["doctor", "workday"])
"""


@pytest.fixture
def here(project):
    """A project with an API client whose refresh token changes with every use."""
    made = project()
    made.box.workday.api_client.rotate = True
    return made


def killed(here, *, after_writing: bool) -> Done:
    """Run a command that is killed with the token in its hands, before any use of it."""
    script = DIES.format(first="written(self, token)" if after_writing else "pass")
    done = here.run("python", "-c", script, **SETTINGS)
    assert done.code == -signal.SIGKILL, done.err
    assert here.box.workday.api_client.issued == 1
    return done


def test_what_was_received_is_used_by_the_next_process(here):
    """First the access token it had not come to use, later the refresh token that came with it."""
    killed(here, after_writing=True)
    client = here.box.workday.api_client
    again = here.run("ml-connector", "doctor", "workday", **SETTINGS)
    assert (again.code, client.issued) == (0, 1), again.out
    client.revoke_all()
    later = here.run("ml-connector", "doctor", "workday", **SETTINGS)
    assert (later.code, client.issued) == (0, 2), later.out
    assert client.refresh_token != credentials.WORKDAY_REFRESH_TOKEN


def test_a_token_that_was_never_written_down_is_told_with_its_cure(here):
    """Nothing can bring it back; the next process says so at once, and asks once."""
    killed(here, after_writing=False)
    again = here.run("ml-connector", "doctor", "workday", **SETTINGS)
    assert again.code == 1
    assert "make a new one if it was revoked or a renewal broke off" in f"{again.out}{again.err}"
    assert here.box.workday.api_client.issued == 1
