"""What a run leaves beside its documents: changes of tables, maps and settings, what a dry run said."""

from __future__ import annotations

import contextlib
import logging
import typing as t
from pathlib import Path

from ml_connector.errors import LedgerFault, UserError
from ml_connector.ledger import dry_runs
from ml_connector.ledger.anchors import AnchorNotLeft, leave
from ml_connector.ledger.audit_key import AuditKeys
from ml_connector.ledger.noticed import notice
from ml_connector.ledger.proof import anchor_of
from ml_connector.ledger.runs import Run
from ml_connector.ledger.store import Ledger
from ml_connector.project import project_root

__all__ = ["keep_anchor", "keep_verdicts", "note_changes"]


def note_changes(
    ledger: Ledger,
    run: Run,
    *,
    pipeline: str,
    config: t.Mapping[str, t.Any],
    schema: t.Mapping[str, t.Any],
    systems: tuple[str, str],
    logger: logging.Logger,
) -> None:
    """Put on record what has changed of what decides over documents, and log it.

    Args:
        ledger: Where it is noted.
        run: The run that noticed.
        pipeline: Whose settings they are, for people.
        config: The settings.
        schema: Their JSON schema, which says what is secret.
        systems: Source and target.
        logger: Where to.
    """
    found, within = _files(config, *systems)
    settings = _settings(pipeline, config, schema, ledger.keys)
    for line in notice(ledger, found | settings, within=[*within, *settings], run=run.id, actor=run.actor):
        logger.info("since the last run, %s", line)


def keep_verdicts(ledger: Ledger, run: Run, target: str, transform: str | None, logger: logging.Logger) -> None:
    """Keep what a dry run would hold; that this failed is logged and stops nothing."""
    try:
        dry_runs.keep(ledger, run, target=target, transform=transform)
    except (LedgerFault, UserError) as error:
        logger.warning("what this dry run would hold cannot be listed afterwards: %s", error)
    else:
        logger.info("what this dry run would hold is listed by: ml-connector held --dry-run")


def keep_anchor(ledger: Ledger, place: str | None, logger: logging.Logger) -> None:
    """Leave the end of the audit at its place, if there is one; that this failed is logged and stops nothing."""
    if not place:
        return
    try:
        with ledger.read() as connection:
            line = leave(anchor_of(connection, ledger.id), place)
    except (LedgerFault, AnchorNotLeft) as error:
        logger.error("the end of the audit was not kept at %s: %s", place, error)  # noqa: TRY400
    else:
        if place == "log":
            logger.info("%s", line)


def _files(config: t.Mapping[str, t.Any], source: str, target: str) -> tuple[dict[str, str], list[str]]:
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
            # Whoever reads it for its content tells what is wrong with it; here it is only not to be compared.
            with contextlib.suppress(OSError):
                found[f"{what} {place}/{path.name}"] = path.read_bytes().decode("utf-8", "replace")
    return found, within


def _settings(
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
