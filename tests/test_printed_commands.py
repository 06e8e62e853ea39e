"""Every command printed in the guides exists: program, subcommand, options, plugins, jobs, variables."""

from __future__ import annotations

import functools
import importlib
import re
from importlib.metadata import entry_points

import click
import pytest
import yaml
from meltano.cli import cli as meltano
from printed import OURS, ROOT, pieces, printed

ELSEWHERE = {
    "target-postgres": "a target of somebody else",
    "target-jsonl": "a target of somebody else, installed by the test that pipes into it",
}
"""Programs that look like ours and are not."""


def project():
    """Return the project as it is shipped."""
    return yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))


@functools.cache
def names():
    """Return the names `meltano run` and its kin know: plugins, jobs, schedules, commands."""
    content = project()
    plugins = {each["name"]: each for kind in content["plugins"].values() for each in kind}
    return {
        "plugins": set(plugins),
        "jobs": {each["name"] for each in content["jobs"]},
        "schedules": {each["name"] for each in content["schedules"]},
        "commands": {f"{name}:{each}" for name, plugin in plugins.items() for each in plugin.get("commands", ())},
    }


@functools.cache
def program(name):
    """Return the click command behind one of our programs."""
    (script,) = (each for each in entry_points(group="console_scripts") if each.name == name)
    loaded = script.load()
    if isinstance(loaded, click.Command):
        return loaded
    if name == "erp-sandbox":
        return importlib.import_module("erp_sandbox.cli").main
    return loaded()


def parsed(command, words):
    """Read a command line as click would, without doing anything; values that are chosen from a list are checked."""
    context = click.Context(command, info_name=words[0])
    options, rest, _ = command.make_parser(context).parse_args(list(words[1:]))
    for parameter in command.params:
        given = options.get(parameter.name)
        if isinstance(parameter.type, click.Choice):
            for value in given if isinstance(given, (list, tuple)) else [given]:
                if isinstance(value, str):
                    parameter.type.convert(value, parameter, context)
    if isinstance(command, click.Group):
        # With arguments left over a group has a subcommand.
        rest = rest or [value for value in context.args if value]
        if rest:
            name, subcommand, more = command.resolve_command(context, rest)
            assert subcommand is not None
            return [name, *parsed(subcommand, [name, *more])]
        return []
    return [value for value in words[1:] if not value.startswith("-")]


def check_meltano(words):
    """Check a command of Meltano, and that what it names is in the shipped project."""
    path = parsed(meltano, words)
    known = names()
    named = [word for word in path[1:] if "=" not in word]
    if path[:1] == ["run"]:
        assert [each for each in named if each not in known["plugins"] | known["jobs"]] == []
    elif path[:2] == ["schedule", "run"]:
        assert named[-1] in known["schedules"]
    elif path[:1] == ["invoke"]:
        assert named[0] in known["plugins"] | known["commands"]
    elif path[:2] == ["config", "test"]:
        assert [each for each in path[2:] if each not in known["plugins"] and each != "test"] == []


def check(words):
    """Check one command."""
    while re.fullmatch(r"[A-Z][A-Z0-9_]*=.*", words[0]):
        variable = words.pop(0).partition("=")[0]
        pages = [ROOT / ".env.example", ROOT / "Makefile", *(ROOT / "docs" / "plugins").glob("*.md")]
        known = {name for page in pages for name in re.findall(r"\b[A-Z][A-Z0-9_]*\b", page.read_text("utf-8"))}
        assert variable == "PATH" or variable in known, f"nobody reads {variable}"
    name = words[0].removeprefix(".venv/bin/")
    if name == "meltano":
        check_meltano([name, *words[1:]])
    elif name == "make":
        targets = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        assert [each for each in words[1:] if "=" not in each and each not in targets] == []
    elif name == "cp" and words[1:] == [".env.example", ".env"]:
        assert (ROOT / ".env.example").is_file()
    elif any(re.fullmatch(each, name) for each in OURS) and name not in ELSEWHERE:
        parsed(program(name), [name, *words[1:]])


@pytest.mark.parametrize("command", printed(), ids=str)
def test_a_printed_command_exists(command):
    """Whoever copies it is not told that there is no such thing."""
    for words in pieces(command.text):
        try:
            check(words)
        except click.ClickException as error:
            pytest.fail(f"{command}: {error.format_message()}")


def test_the_commands_are_found():
    """The guides do print commands, in blocks and in sentences, with and without a prompt."""
    texts = {each.text for each in printed()}
    assert {
        "ml-connector doctor",
        "make demo PAIR=business-central-bill",
        "TARGET_WORKDAY_DRY_RUN=true meltano run tap-bill target-workday",
        "tap-bill --config config.json --discover > catalog.json",
    } <= texts


@pytest.mark.parametrize(
    "text",
    [
        "ml-connector staus",
        "ml-connector held --reasons",
        "ml-connector reconcile bill sap",
        "ml-connector match suppliers --source sap --target bill",
        "meltano run tap-bil target-workday",
        "meltano schedule run daily",
        "meltano invoke ml-connector:nothing",
        "meltano rum tap-bill",
        "make nothing",
        "TARGET_WORKDAY_DRYRUN=true meltano run tap-bill target-workday",
        "tap-bill --configuration x",
        "erp-sandbox serve",
    ],
)
def test_a_command_that_does_not_exist_is_noticed(text):
    """This test can fail."""
    (words,) = pieces(text)
    with pytest.raises((click.ClickException, AssertionError)):
        check(words)
