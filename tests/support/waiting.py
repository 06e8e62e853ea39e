"""Waiting for what another thread or process does: as long as a slow machine may need, no longer than it takes."""

from __future__ import annotations

import subprocess
import time
from typing import Any

PATIENCE = 180
"""Seconds after which something that has not happened counts as not going to happen."""


def wait_until(true: Any, process: subprocess.Popen[Any] | None = None) -> None:
    """Wait until something is so, or a process has ended."""
    until = time.monotonic() + PATIENCE
    while not true():
        if process is not None and process.poll() is not None:
            return
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.02)
