"""One pipeline, run by Meltano in the project's folder."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import typing as t

from ml_connector.errors import SettingInvalid
from ml_connector.project import project_root

__all__ = ["MeltanoRuns", "Runs", "meltano"]

_PATIENCE = 10.0


class Runs(t.Protocol):
    """Runs pipelines."""

    def run(self, words: t.Sequence[str]) -> int:
        """Run a pipeline to its end; returns its exit code."""

    def stop(self) -> None:
        """Tell every run to end, and wait until they have."""


class MeltanoRuns:
    """Runs ``meltano run``, its output on our standard error.

    Args:
        program: Where Meltano is.
    """

    def __init__(self, program: str) -> None:
        self._program = program
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, words: t.Sequence[str]) -> int:
        """Run a pipeline to its end; returns its exit code, negative when it was killed."""
        with self._lock:
            if self._stopped:
                return -signal.SIGTERM
            process = subprocess.Popen(  # noqa: S603 - the words are those of the operator's own webhooks.yml
                [self._program, "run", *words],
                cwd=project_root(),
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),
                umask=0o077,  # what Meltano renders and logs is for this user alone
                start_new_session=True,  # Ctrl-C is for us; we tell the run when it has to end
            )
            self._running.add(process)
        try:
            return process.wait()
        finally:
            with self._lock:
                self._running.discard(process)

    def stop(self) -> None:
        """Tell every run to end; whatever it was doing is safe, the ledger knows what it may have posted."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            _signal(process, signal.SIGTERM)
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            _signal(process, signal.SIGKILL)  # the rest of its group, too


def meltano() -> str:
    """Return where Meltano is: on the path, else beside this Python.

    Raises:
        SettingInvalid: It is not installed.
    """
    found = shutil.which("meltano") or shutil.which("meltano", path=str(pathlib.Path(sys.executable).parent))
    if found is None:
        raise SettingInvalid("Meltano is not installed here.", "pip install 'ml-connector[meltano,webhooks]'")
    return found


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
