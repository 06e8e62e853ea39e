"""The plugins' command: a person's mistake is one line what and one line cure, with a non-zero exit."""

from __future__ import annotations

import contextlib
import errno
import logging
import typing as t

import click
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.plugin_base import SingerCommand

from ml_connector.errors import ConnectorError, LedgerUnavailable, SystemFault
from ml_connector.redaction import protect_log
from ml_connector.singer.json_files import CATALOG, STATE
from ml_connector.vault.credentials import CREDENTIALS

__all__ = ["EXIT_DEFECT", "EXIT_DOWN", "EXIT_FAILED", "EXIT_HELD", "PluginCommand"]

EXIT_FAILED: t.Final = 1
"""A person has to change something before anything can be done."""
EXIT_HELD: t.Final = 3
"""Done, but documents are held or wait, and ``fail_on`` says that this counts."""
EXIT_DEFECT: t.Final = 70
"""Done, but a document is held, or a kind not delivered, because of a fault of ml-connector (EX_SOFTWARE)."""
EXIT_DOWN: t.Final = 75
"""The target system or the ledger's database is down; run again later (EX_TEMPFAIL)."""

_NO_SPACE: t.Final = (errno.ENOSPC, errno.EDQUOT)


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
        for param in self.params:
            param.type = {"catalog": CATALOG, "state": STATE}.get(str(param.name), param.type)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: t.Any
    ) -> click.Context:
        """Read the arguments; files are read and ``--discover`` and ``--test`` work while that is done."""
        protect_log()
        with self._explained():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> t.Any:
        """Run the plugin."""
        with self._explained():
            # The SDK's own SingerCommand would log a refused configuration with its whole schema.
            return click.Command.invoke(self, ctx)

    @contextlib.contextmanager
    def _explained(self) -> t.Iterator[None]:
        try:
            yield
        except (ConfigValidationError, ConnectorError) as error:
            lines = list(self._lines_of(error))
            self._failed(*lines)
            self._end(lines, EXIT_DOWN if isinstance(error, LedgerUnavailable) else EXIT_FAILED)
        except BrokenPipeError:
            self._end([f"{self.name}: whoever reads the output has stopped.\n  Its own messages say why."])
        except OSError as error:
            if error.errno not in _NO_SPACE:
                self._failed(self._unforeseen(error))
                raise
            place = f" ({error.filename})" if error.filename else ""
            line = f"{self.name}: the disk is full{place}.\n  Make room and run again; what was said stands."
            self._failed(line)
            self._end([line])
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            self._failed(self._unforeseen(error))
            raise

    def _failed(self, *lines: str) -> None:
        """Note that the plugin ends with an error, where nothing else does: what and cure of each."""

    def _unforeseen(self, error: Exception) -> str:
        what = f"{self.name}: unexpected error ({type(error).__name__})."
        return f"{what}\n  Look into the run's log, and report what it says."

    def _end(self, lines: t.Iterable[str], code: int = EXIT_FAILED) -> t.NoReturn:
        for line in lines:
            self.logger.error(line)
        raise click.exceptions.Exit(code)

    def _lines_of(self, error: ConfigValidationError | ConnectorError) -> t.Iterator[str]:
        if isinstance(error, ConfigValidationError):
            yield from self._setting_errors(error)
        else:
            cure = f"\n  {error.cure}" if isinstance(error, SystemFault) and error.cure else ""
            yield f"{self.name}: {error}{cure}"

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
        cure = f"Correct it; `{self.name} --about` says what it may be."
        secret = [name for name, about in self._settings.get("properties", {}).items() if about.get("secret")]
        for name in secret:
            if f"config['{name}']" in message:
                return f'setting "{name}" not accepted: it is not of the right kind.\n  {cure}'
        return f"setting not accepted: {message}.\n  {cure}"
