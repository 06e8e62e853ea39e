"""How commands of ml-connector take their options and end."""

from __future__ import annotations

import importlib.metadata
import re
import stat

import click
import pytest
from click.testing import CliRunner

from ml_connector.cli import main
from ml_connector.cli.common import Cli, Commands, ExitCode, common_options
from ml_connector.errors import CredentialsRefused, Throttled, UserError


def group_with(command):
    """Return a group like ml-connector's with one command."""

    @click.group(cls=Commands)
    @click.option("--debug", is_flag=True)
    def group(*, debug):
        del debug

    group.add_command(click.command("try")(command))
    return group


def failing(error):
    """Return a group whose command raises."""

    def fail():
        raise error

    return group_with(fail)


def run(group, *args, **env):
    """Run a command line as a shell would."""
    return CliRunner().invoke(group, list(args), env=env, prog_name="ml-connector")


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (
            UserError('setting "tenant" is missing.', "Set TARGET_WORKDAY_TENANT."),
            ExitCode.USER,
            ['ml-connector: setting "tenant" is missing.', "  Set TARGET_WORKDAY_TENANT."],
        ),
        (
            CredentialsRefused("bill", "login", "Invalid username", code="BDC_1101", cure="Check the password."),
            ExitCode.USER,
            ["ml-connector: BILL answered login (BDC_1101): Invalid username", "  Check the password."],
        ),
        (
            Throttled("bill", "GET /v3/bills", "Too many requests"),
            ExitCode.SYSTEM,
            ["ml-connector: BILL answered GET /v3/bills: Too many requests"],
        ),
    ],
)
def test_a_failure_is_told_in_a_line_and_a_cure(error, code, lines):
    """What a person can mend ends with what and how on standard error, and an exit code of its kind."""
    result = run(failing(error), "try")
    assert result.exit_code == code
    assert result.stderr.splitlines() == lines
    assert result.stdout == ""


@pytest.fixture
def report_folder(tmp_path, monkeypatch):
    """Where reports of defects are written during a test."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_defect_leaves_its_traceback_in_a_file(report_folder):
    """A defect is told in two lines; the traceback is in a file only this user can read."""
    result = run(failing(ZeroDivisionError("boom")), "try")
    assert result.exit_code == ExitCode.UNEXPECTED
    assert "Traceback" not in result.output
    (report,) = report_folder.iterdir()
    assert str(report) in result.stderr
    assert "ZeroDivisionError: boom" in report.read_text("utf-8")
    assert stat.S_IMODE(report.stat().st_mode) == 0o600


def test_debugging_shows_the_traceback(report_folder):
    """With --debug the exception comes through and no file is written."""
    result = run(failing(ZeroDivisionError("boom")), "--debug", "try")
    assert isinstance(result.exception, ZeroDivisionError)
    assert list(report_folder.iterdir()) == []


def test_an_unknown_command_is_a_usage_error():
    """A command line that is wrong ends with code 2."""
    assert run(main, "no-such-command").exit_code == ExitCode.USAGE


def test_a_command_may_ask_for_attention():
    """A command that found something ends with the code it chose."""

    def found():
        raise SystemExit(ExitCode.ATTENTION)

    assert run(group_with(found), "try").exit_code == ExitCode.ATTENTION


def reporting():
    """Return a group whose command shows the common options it got."""

    @common_options
    def report(cli: Cli):
        cli.output.show({"ledger": cli.ledger_url}, f"ledger {cli.ledger_url}")

    return group_with(report)


def test_the_ledger_comes_from_the_option_then_the_environment():
    """--ledger-url wins over ML_CONNECTOR_LEDGER_URL; without both the targets' default counts."""
    url = "sqlite:///a.db"
    assert run(reporting(), "try", "--ledger-url", url, ML_CONNECTOR_LEDGER_URL="sqlite:///b.db").output == (
        f"ledger {url}\n"
    )
    assert run(reporting(), "try", ML_CONNECTOR_LEDGER_URL=url).output == f"ledger {url}\n"
    assert run(reporting(), "try").output == "ledger None\n"


def test_json_is_asked_for_with_the_command():
    """Each command answers in JSON when asked to."""
    assert run(reporting(), "try", "--json", "--ledger-url", "x").output == '{\n  "ledger": "x"\n}\n'


def test_the_version_is_that_of_the_distribution():
    """The version comes from one place."""
    assert run(main, "--version").output == f"ml-connector {importlib.metadata.version('ml-connector')}\n"


def test_help_names_every_exit_code():
    """The exit codes a scheduler may meet stand in the help, with examples."""
    text = run(main, "--help").output
    listed = {int(code) for code in re.findall(r"^\s+(\d+)\s{2,}\w", text.partition("Exit codes:")[2], re.MULTILINE)}
    assert listed == set(ExitCode)
    assert "Examples:" in text


def leaves(group=main):
    """Return every command that does something, those of groups included."""
    for command in group.commands.values():
        yield from leaves(command) if isinstance(command, click.Group) else [command]


def test_every_command_explains_itself():
    """Each command has a help text, and so has each of its options."""
    silent = [command.name for command in leaves() if not command.help]
    silent += [
        f"{command.name} {option.name}"
        for command in leaves()
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []


def test_every_screen_has_a_json_twin():
    """Each command answers in JSON when asked to."""
    assert [command.name for command in leaves() if "as_json" not in {each.name for each in command.params}] == []


def test_every_command_has_a_module_of_its_own():
    """Each command, or group of commands, stands in the module named like it."""
    homes = {
        name: f"ml_connector.cli.{name.replace('-', '_')}"
        for name, command in main.commands.items()
        if not isinstance(command, click.Group)
    }
    assert {name: main.commands[name].callback.__module__ for name in homes} == homes
