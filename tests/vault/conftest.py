"""A vault of the test's own: no key and no project of this machine is near."""

from __future__ import annotations

import types

import pytest

from ml_connector.vault import Vault


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """The folders in use: ``project`` with the vault, ``config`` with the key."""
    for name in ("ML_CONNECTOR_KEY", "ML_CONNECTOR_KEY_FILE", "ML_CONNECTOR_VAULT"):
        monkeypatch.delenv(name, raising=False)
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(project))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return types.SimpleNamespace(
        project=project,
        vault=project / ".ml-connector" / "vault.json",
        backup=project / ".ml-connector" / "vault.json.bak",
        key=tmp_path / "config" / "ml-connector" / "vault.key",
    )


@pytest.fixture
def vault(place):
    """An empty vault whose key is in the usual file."""
    return Vault.create()
