"""The plugins' command: a person's mistake is one line what and one line cure, with a non-zero exit."""

from __future__ import annotations

import json
import logging
import os
import typing as t

import click
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.plugin_base import SingerCommand

from ml_connector.errors import ConnectorError, LedgerUnavailable, SystemFault
from ml_connector.vault.credentials import CREDENTIALS

__all__ = ["EXIT_DOWN", "EXIT_FAILED", "EXIT_HELD", "PluginCommand"]

EXIT_FAILED: t.Final = 1
"""A person has to change something before anything can be done."""
EXIT_HELD: t.Final = 3
"""Done, but documents are held or wait, and ``fail_on`` says that this counts."""
EXIT_DOWN: t.Final = 75
"""The target system or the ledger's database is down; run again later (EX_TEMPFAIL)."""

_READERS: t.Final[t.Mapping[str, t.Callable[[str], object]]] = {
    "integer": int,
    "number": float,
    "object": json.loads,
    "array": json.loads,
}
_WORDS: t.Final = {
    "integer": "a whole number",
    "number": "a number",
    "object": "a JSON object",
    "array": "a JSON list",
}


class PluginCommand(SingerCommand):
    """Runs a plugin; prints no traceback for what a person can mend.

    Args:
        command: The SDK's own command.
        env_prefix: Prefix of the environment variables settings come from (``TARGET_WORKDAY_``).
        settings: JSON schema of the settings, for messages about missing ones.
    """

    def __init__(self, command: click.Command, *, env_prefix: str, settings: t.Mapping[str, t.Any]) -> None:
        super().__init__(
            name=command.name,
            callback=command.callback,
            params=command.params,
            help=command.help,
            context_settings=command.context_settings,
            logger=logging.getLogger(command.name),
        )
        self._env_prefix = env_prefix
        self._settings = settings

    def invoke(self, ctx: click.Context) -> t.Any:
        """Run the plugin."""
        code = EXIT_FAILED
        try:
            # The SDK's own SingerCommand would log a refused configuration with its whole schema.
            return click.Command.invoke(self, ctx)
        except (ConfigValidationError, ConnectorError) as error:
            lines = list(self._explained(error))
            code = EXIT_DOWN if isinstance(error, LedgerUnavailable) else EXIT_FAILED
        except ValueError:
            # The SDK converts what it finds in the environment before it checks anything.
            lines = list(self._unreadable_variables())
            if not lines:
                raise
        for line in lines:
            self.logger.error(line)
        return ctx.exit(code)

    def _explained(self, error: ConfigValidationError | ConnectorError) -> t.Iterator[str]:
        if isinstance(error, ConfigValidationError):
            yield from self._setting_errors(error)
        else:
            cure = f"\n  {error.cure}" if isinstance(error, SystemFault) and error.cure else ""
            yield f"{self.name}: {error}{cure}"

    def _unreadable_variables(self) -> t.Iterator[str]:
        for name, about in self._settings.get("properties", {}).items():
            variable = f"{self._env_prefix}{name.upper()}"
            expected = next((kind for kind in _READERS if kind in about.get("type", ())), None)
            if expected is None or not os.environ.get(variable):
                continue
            try:
                _READERS[expected](os.environ[variable])
            except ValueError:
                yield f'{self.name}: setting "{name}" cannot be read: {variable} is not {_WORDS[expected]}.'

    def _setting_errors(self, error: ConfigValidationError) -> t.Iterator[str]:
        properties: t.Mapping[str, t.Mapping[str, t.Any]] = self._settings.get("properties", {})
        for message in error.errors:
            name = message.split("'")[1] if message.endswith("is a required property") else None
            if name is None:
                yield f"{self.name}: {self._refusal(message)}"
                continue
            about = str(properties.get(name, {}).get("description", "")).rstrip(".")
            places = "meltano.yml or to the vault" if CREDENTIALS in properties else "meltano.yml"
            cure = f"Set {self._env_prefix}{name.upper()} or add it to {places}"
            yield f'{self.name}: setting "{name}" is missing.\n  {cure}{"; " + about if about else ""}.'

    def _refusal(self, message: str) -> str:
        """Return the words about a value that does not fit; they quote it, which those about a secret may not."""
        secret = [name for name, about in self._settings.get("properties", {}).items() if about.get("secret")]
        for name in secret:
            if f"config['{name}']" in message:
                return f'setting "{name}" not accepted: it is not of the right kind.'
        return f"setting not accepted: {message}"
