"""Projects beside sandboxes, for tests from outside."""

from __future__ import annotations

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import Project


@pytest.fixture
def project(tmp_path, sandbox, programs):
    """A maker of projects: ``project()`` or ``project(world, box=dict(latency=0.01), TARGET_WORKDAY_SUBMIT="false")``."""

    def make(world=None, *, box=None, **settings):
        return Project(tmp_path, sandbox(world, **(box or {})), programs, **settings)

    return make
