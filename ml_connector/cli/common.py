"""What every command shares: its common options, and how failures end it."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import errno
import functools
import tempfile
import traceback
import typing as t

import click

from ml_connector.cli.output import Output
from ml_connector.errors import CredentialsRefused, SystemFault, UserError
from ml_connector.redaction import protect_log, without_secrets
from ml_connector.text import legible

__all__ = ["Cli", "Commands", "ExitCode", "Named", "common_options", "target_option"]

P = t.ParamSpec("P")
R = t.TypeVar("R")


class ExitCode(enum.IntEnum):
    """How a command ended, for schedulers and scripts."""

    DONE = 0
    """Done, nothing wrong."""
    USER = 1
    """A person has to change something: a setting, a file, a credential."""
    USAGE = 2
    """The command line itself is wrong."""
    ATTENTION = 3
    """Done, but what was found needs attention: documents held, sides that differ, a broken audit trail."""
    SYSTEM = 4
    """A finance system refused or could not be reached; later may be better."""
    UNEXPECTED = 70
    """A defect; the message names the file that tells more."""


@dataclasses.dataclass(frozen=True, slots=True)
class Cli:
    """What a command knows from the common options.

    Attributes:
        ledger_url: The ledger asked for, None for the one the targets use by default.
        output: Where the answer goes.
    """

    ledger_url: str | None
    output: Output


def common_options(command: t.Callable[t.Concatenate[Cli, P], R]) -> t.Callable[P, R]:
    """Give a command ``--ledger-url`` and ``--json``, and hand it a ``Cli`` as its first argument."""

    @click.option(
        "--ledger-url",
        envvar="ML_CONNECTOR_LEDGER_URL",
        show_envvar=True,
        metavar="URL",
        help="Ledger to look into; without it the one the targets use by default.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON, complete and without colours.")
    @functools.wraps(command)
    def with_common_options(ledger_url: str | None, as_json: bool, *args: P.args, **kwargs: P.kwargs) -> R:  # noqa: FBT001
        return command(Cli(ledger_url=ledger_url, output=Output(as_json=as_json)), *args, **kwargs)

    return t.cast("t.Callable[P, R]", with_common_options)


class Named(click.types.StringParamType):
    """What something is called by: any text that is not empty, since an empty one would mean whatever there is.

    Args:
        what: What it is, for people.
    """

    def __init__(self, what: str) -> None:
        self._what = what

    def convert(self, value: t.Any, param: click.Parameter | None, ctx: click.Context | None) -> t.Any:
        """Return the text as it was given."""
        if not str(value).strip():
            raise UserError(f"{self._what} is empty.", "Give it; in a script, see that its variable is set.")
        return super().convert(value, param, ctx)


target_option: t.Final = click.option(
    "--target",
    metavar="TARGET",
    type=Named("--target"),
    help="The target, as status names it; needed where one document goes to several.",
)


class Commands(click.Group):
    """A group whose commands end with one line what and one line cure instead of a traceback."""

    def make_context(self, *args: t.Any, **kwargs: t.Any) -> click.Context:
        """Read the command line; help may be written to a full disk, too."""
        protect_log()
        with _explained():
            return super().make_context(*args, **kwargs)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse words that are no text, which no ledger and no system could hold."""
        for word in args:
            if any("\ud800" <= letter <= "\udfff" for letter in word):
                shown = word.encode("utf-8", "backslashreplace").decode()
                raise click.UsageError(f"{shown} is not UTF-8; see that the terminal writes UTF-8.", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> t.Any:
        """Run the command, and turn whatever stops it into a message and an exit code."""
        if ctx.params.get("debug"):
            return super().invoke(ctx)
        with _explained():
            return super().invoke(ctx)


@contextlib.contextmanager
def _explained() -> t.Iterator[None]:
    try:
        yield
    except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
        raise
    except UserError as error:
        _end(str(error), ExitCode.USER)
    except SystemFault as error:
        refused = isinstance(error, CredentialsRefused)
        cure = f"\n  {error.cure}" if error.cure else ""
        _end(f"{error}{cure}", ExitCode.USER if refused else ExitCode.SYSTEM)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            place = f" ({error.filename})" if error.filename else ""
            _end(f"the disk is full{place}.\n  Make room and run it again.", ExitCode.USER)
        _end(_unexpected(error), ExitCode.UNEXPECTED)
    except Exception as error:  # noqa: BLE001 - whatever a defect raises, a person reads two lines
        _end(_unexpected(error), ExitCode.UNEXPECTED)


def _end(message: str, code: ExitCode) -> t.NoReturn:
    click.echo(f"ml-connector: {legible(message)}", err=True)
    raise click.exceptions.Exit(code)


def _unexpected(error: Exception) -> str:
    """Write the traceback where only this user can read it, and say where."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="ml-connector-", suffix=".log", delete=False, encoding="utf-8"
    ) as report:
        report.write(without_secrets("".join(traceback.format_exception(error))))
    return (
        f"unexpected {type(error).__name__}; this is a defect of ml-connector, not of your settings.\n"
        f"  What happened stands in {report.name}; look through it for private data before you pass it on."
    )
