"""A real ``ml-connector webhooks serve`` beside a project, and a fake Meltano for tests that are not about it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import httpx
from cryptography.fernet import Fernet
from harness import BIN, Project
from waiting import PATIENCE, wait_until

from ml_connector.vault import Vault


def free_port() -> int:
    """Return a port nobody listens on.

    It is none of those the system gives to whoever calls out, so that it is still free when a killed receiver comes back.
    """
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def make_vault(project: Project, monkeypatch: Any) -> None:
    """Give a project an empty vault, its key in the environment."""
    key = Fernet.generate_key().decode()
    path = project.folder / ".ml-connector" / "vault.json"
    project.settings |= {"ML_CONNECTOR_KEY": key, "ML_CONNECTOR_VAULT": str(path)}
    monkeypatch.setenv("ML_CONNECTOR_KEY", key)
    monkeypatch.setenv("ML_CONNECTOR_VAULT", str(path))
    Vault.create()


def webhooks_yml(project: Project, **settings: Any) -> None:
    """Write the project's ``webhooks.yml``: the packaged one, with other settings (JSON is YAML)."""
    said = {
        "doors": {"bill": {"system": "bill", "plugin": "tap-bill"}},
        "pipelines": {"bills-to-workday": {"events": {"bill": ["bill.*", "vendor.*"]}, "targets": ["workday"]}},
        **settings,
    }
    (project.folder / "webhooks.yml").write_text(json.dumps(said), "utf-8")


def fake_meltano(project: Project, *, seconds: float = 0.2) -> Path:
    """Let the receiver find a ``meltano`` that only notes that it was run; returns where it notes it."""
    folder = project.outside / "fake"
    folder.mkdir(exist_ok=True)
    notes = folder / "runs.txt"
    program = folder / "meltano"
    program.write_text(f'#!/bin/sh\necho "$@" >> {notes}\nsleep {seconds}\n', "utf-8")
    program.chmod(0o755)
    project.settings["PATH"] = os.pathsep.join([str(folder), project.environment()["PATH"]])
    return notes


class Receiver:
    """``ml-connector webhooks serve`` as a process; started by the ``with`` block.

    Args:
        project: Whose.
        subscribing: Whether it subscribes at the start.
        port: Where it listens; a free one by default.
    """

    def __init__(self, project: Project, *, subscribing: bool = True, port: int | None = None) -> None:
        self.project = project
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._subscribing = subscribing
        self.log = project.outside / f"receiver-{self.port}-{time.monotonic_ns()}.txt"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def door(self) -> str:
        """Where BILL rings."""
        return f"{self.url}/webhooks/bill"

    def __enter__(self) -> Self:
        words = ["webhooks", "serve", "--port", str(self.port), "--stop-within", "5"]
        words += ["--public-url", self.url] if self._subscribing else []
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [BIN / "ml-connector", *words],  # what is killed must be what works
                cwd=self.project.folder,
                env=self.project.environment(),
                stdout=log,
                stderr=log,
            )
        wait_until(self.healthy, self.process)
        assert self.process.poll() is None, self.said()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)

    def kill(self) -> None:
        """Kill it as the machine would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)

    def healthy(self) -> bool:
        """Whether it answers that all is well."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health", trust_env=False).status_code == 200
        return False

    def said(self) -> str:
        """Return its log."""
        return self.log.read_text("utf-8")
