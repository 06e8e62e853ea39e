"""Projects beside sandboxes, for tests from outside."""

from __future__ import annotations

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import BIN, Project


@pytest.fixture
def project(tmp_path, sandbox, programs):
    """A maker of projects: ``project()`` or ``project(world, box=dict(latency=0.01), TARGET_WORKDAY_SUBMIT="false")``.

    With ``cold`` its programs start as they are installed: where they are killed, or looked into while they run.
    """

    def make(world=None, *, box=None, cold=False, **settings):
        return Project(tmp_path, sandbox(world, **(box or {})), BIN if cold else programs, **settings)

    return make
