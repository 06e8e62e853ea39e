"""A project of its own for each test, and a way to give commands in it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from erp_sandbox.environment import environment
from ml_connector.cli import main


class Commands:
    """Gives ``ml-connector`` commands in a project's folder.

    Attributes:
        folder: The project.
        env: Settings beside those that lead to the sandbox.
    """

    def __init__(self, folder):
        self.folder = folder
        self.env = {}

    def lead_to(self, box):
        """Let commands find the sandbox."""
        self.env |= environment(box)

    def run(self, *words, code=0, **env):
        """Give a command; return its whole output."""
        result = CliRunner().invoke(main, list(words), env={**self.env, **env}, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result.output

    def ask(self, *words, code=0, **env):
        """Give a command; return what a program gets."""
        result = CliRunner().invoke(main, [*words, "--json"], env={**self.env, **env}, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Commands in an empty project, blind for the settings of whoever runs the tests."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    for name in ("ML_CONNECTOR_LEDGER_URL", "MELTANO_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    return Commands(tmp_path)
