"""What a real run leaves on the disk, begun by somebody whose new files everybody may read."""

from __future__ import annotations

import stat

import pytest
from open_files import open_to_others, umask

from erp_sandbox.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_run_under_an_open_umask_leaves_nothing_of_ours_open(project):
    """And closes the folder into which Meltano renders configurations with credentials."""
    here = project(World.plain(bills=3))
    with umask(0o000):
        done = here.deliver(TARGET_WORKDAY_SUMMARY_FILE=str(here.folder / "told" / "summary.json"))
        told = here.connector("doctor")
    assert done.code == 0, done.err
    assert open_to_others(here.folder / ".ml-connector", here.folder / "shared", here.folder / "told") == {}
    assert stat.S_IMODE((here.folder / ".meltano" / "run").stat().st_mode) == 0o700
    assert f"others of this machine may use {here.folder / '.meltano'}" in told.out
    assert "killed runs have left" not in told.out
