"""The setting ``credentials`` of every tap and target."""

from __future__ import annotations

import logging
import typing as t

from singer_sdk import typing as th

from ml_connector.redaction import remember
from ml_connector.vault.credentials import CREDENTIALS, fill

__all__ = ["CREDENTIALS_SETTING", "with_credentials"]

CREDENTIALS_SETTING: t.Final[th.Property[t.Any]] = th.Property(
    CREDENTIALS,
    th.StringType,
    title="Credentials",
    description="Name of the vault's entry that gives what is not set here: keys, passwords, addresses",
    examples=["bill-prod"],
)


def with_credentials(
    config: t.Mapping[str, t.Any], schema: t.Mapping[str, t.Any], *, system: str, logger: logging.Logger
) -> dict[str, t.Any]:
    """Return a plugin's configuration with what the vault gives; says when the two differ, never the values.

    Args:
        config: What the plugin was told.
        schema: JSON schema of its settings.
        system: The system it leads to.
        logger: Its log.

    Raises:
        UserError: The vault cannot be opened, has no such entry, or one of another system.
    """
    filled = fill(config, system=system, known=schema["properties"])
    if filled.overridden:
        logger.warning(
            "%s set in the configuration, other than in credentials %r; the configuration wins",
            ", ".join(filled.overridden),
            config[CREDENTIALS],
        )
    remember(*(filled.config.get(name) for name, about in schema["properties"].items() if about.get("secret")))
    return filled.config
