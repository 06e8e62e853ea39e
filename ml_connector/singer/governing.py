"""What a target uses that decides over documents, as texts to compare: mapping tables, maps, settings."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ml_connector.ledger.audit_key import AuditKeys
from ml_connector.project import project_root

__all__ = ["files_of", "settings_of"]


def files_of(config: t.Mapping[str, t.Any], source: str, target: str) -> tuple[dict[str, str], list[str]]:
    """Return mapping tables and own maps by name, and what the names of all of them begin with.

    Args:
        config: The target's settings.
        source: Source system.
        target: Target system.
    """
    tables = project_root() / (config.get("crosswalk_dir") or "transforms/crosswalk")
    maps = project_root() / (config.get("maps_dir") or "transforms/maps")
    found: dict[str, str] = {}
    within = []
    for what, folder, pattern in (
        ("mapping table", tables / f"{source}-{target}", "*.csv"),
        ("mapping table", tables / f"{target}-{source}", "*.csv"),
        ("map", maps, "*.yml"),
    ):
        place = _shown(folder)
        within.append(f"{what} {place}/")
        for path in sorted(folder.glob(pattern)) if folder.is_dir() else ():
            found[f"{what} {place}/{path.name}"] = path.read_bytes().decode("utf-8", "replace")
    return found, within


def settings_of(
    name: str, config: t.Mapping[str, t.Any], schema: t.Mapping[str, t.Any], keys: AuditKeys
) -> dict[str, str]:
    """Return settings as a text, one a line; of a secret only what tells that it has changed.

    Args:
        name: Whose they are.
        config: The settings.
        schema: Their JSON schema, which says what is secret.
        keys: What a secret is hashed with, so that nobody can try guesses.
    """
    lines = []
    for setting, about in sorted(schema.get("properties", {}).items()):
        value = config.get(setting)
        if value in (None, ""):
            continue
        secret = about.get("secret") or "ledger_url" in setting
        lines.append(f"{setting}: {'(secret) ' + keys.digest(str(value))[:16] if secret else value}")
    return {f"settings of {name}": "\n".join(lines)}


def _shown(path: Path) -> str:
    root = project_root()
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
