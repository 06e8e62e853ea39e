"""The commands a new user copies from the guides work as printed."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from harness import BIN, ROOT
from waiting import PATIENCE

from erp_sandbox.environment import environment

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def here(project):
    """A project as the guides leave it: settings in ``.env``, the programs in ``.venv``."""
    made = project()
    (made.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in environment(made.box).items()))
    (made.folder / ".venv").mkdir()
    (made.folder / ".venv" / "bin").symlink_to(BIN)
    return made


def as_cron(here, command):
    """Run a command as cron does: with no more than it sets, and nothing of anybody's shell."""
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "HOME": str(here.outside / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def test_the_line_of_a_crontab_delivers(here):
    """With cron's PATH; and to the bookmark of the runs by hand, so that the next one reads nothing new."""
    guide = (ROOT / "docs" / "operating.md").read_text("utf-8")
    [line] = re.findall(r"^ +0 \* \* \* \* +(.*)$", guide, re.MULTILINE)
    done = as_cron(here, line.replace("/srv/ml-connector", f"'{here.folder}'"))
    assert done.returncode == 0, done.stderr
    assert len(here.box.workday.invoices) == 12
    states = here.meltano("state", "list")
    assert re.findall(r"\S+:tap-bill-to-target-workday", states.out + states.err) == ["dev:tap-bill-to-target-workday"]


def test_the_first_check_of_the_guide(here):
    """`meltano config test tap-bill` succeeds with good settings, as step 1 says."""
    guide = (ROOT / "docs" / "connect-your-systems.md").read_text("utf-8")
    [command] = re.findall(r"Check: `([^`]+)`", guide)
    done = as_cron(here, f"cd '{here.folder}'; PATH='{BIN}{os.pathsep}'$PATH; {command}")
    assert done.returncode == 0, done.stderr
