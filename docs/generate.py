"""Write what the code says about itself: run by ``make docs``, compared by ``make docs-check``.

That is a page per plugin, the page of the command lines, ``.env.example``, what Meltano is told of each plugin
(``plugins/``).
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import inspect
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import click
from singer_sdk.plugin_base import PluginBase

import erp_sandbox.cli
import ml_connector.cli
from ml_connector.delivery.sink import DocumentSink
from ml_connector.singer.definitions import groups, installed, lock_path, lock_text, own_settings

__all__ = ["Plugin", "Setting", "differences", "generated", "plugins"]

ROOT = Path(__file__).resolve().parent.parent
OWN_VARIABLES = {
    "MELTANO_ENVIRONMENT": "Environment of meltano.yml that runs use: dev or prod.",
    "ML_CONNECTOR_LEDGER_URL": "Ledger that ml-connector looks into, when it is not the targets' default.",
    "ML_CONNECTOR_STATE_DIR": "Folder in which processes of this machine share sessions and limits.",
    "ML_CONNECTOR_VAULT": "File of the vault, when it is not .ml-connector/vault.json in the project.",
    "ML_CONNECTOR_KEY": "The vault's key; several with commas between: the first encrypts, all decrypt. Secret.",
    "ML_CONNECTOR_KEY_FILE": "File with the vault's key, when it is not in the user's configuration folder.",
    "ML_CONNECTOR_AUDIT_KEY": "The key the audit is sealed with; several with commas between, the first seals. Secret.",
    "ML_CONNECTOR_AUDIT_KEY_FILE": "File with the audit's key, when it is not audit.key beside the ledger.",
    "ML_CONNECTOR_DEBUG": "Set to 1 to let ml-connector end with a traceback.",
}
KINDS = {
    "integer": "integer",
    "boolean": "boolean",
    "number": "decimal",
    "array": "array",
    "object": "object",
}

Schema = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a plugin, as the plugin itself describes it.

    Attributes:
        name: Name in a configuration file.
        schema: Its JSON schema.
        required: Whether the plugin refuses to start without it.
        needed: Whether one of the ways to start it takes this setting.
        inherited: Whether every plugin of the Singer SDK has it.
    """

    name: str
    schema: Schema
    required: bool = False
    needed: bool = False
    inherited: bool = False

    @property
    def description(self) -> str:
        """What it means, on one line."""
        return " ".join(str(self.schema.get("description", "")).split())

    @property
    def secret(self) -> bool:
        """Whether its value must not be shown."""
        return bool(self.schema.get("secret"))

    @property
    def default(self) -> str | None:
        """Its default as it would be written in an environment variable."""
        value = self.schema.get("default")
        return value if value is None or isinstance(value, str) else json.dumps(value)

    @property
    def kind(self) -> str:
        """Its kind in Meltano's words."""
        if self.schema.get("enum"):
            return "options"
        if self.schema.get("format") in {"date-time", "date"}:
            return "date_iso8601"
        return KINDS.get(type_of(self.schema), "string")


@dataclasses.dataclass(frozen=True, slots=True)
class Plugin:
    """A Singer plugin of this distribution.

    Attributes:
        name: Its name and executable.
        description: What it does.
        capabilities: What it offers in Singer's and Meltano's words.
        settings: Its settings, in its own order.
        streams: The streams of a tap's catalog.
        sinks: What a target takes: kind of document and what is done with it.
    """

    name: str
    description: str
    capabilities: tuple[str, ...]
    settings: tuple[Setting, ...]
    streams: tuple[Schema, ...] = ()
    sinks: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def own_settings(self) -> list[Setting]:
        """The settings that are not common to all plugins of the Singer SDK."""
        return [setting for setting in self.settings if not setting.inherited]

    def variable(self, setting: Setting) -> str:
        """Return the environment variable of a setting, as Meltano and the SDK form it."""
        return f"{self.name}_{setting.name}".replace("-", "_").upper()


def plugins() -> list[Plugin]:
    """Return the plugins of this distribution, each asked about itself."""
    return [_asked(each) for each in installed()]


def generated() -> dict[Path, str]:
    """Return every generated file and what it should say."""
    found = plugins()
    pages = {ROOT / "docs" / "plugins" / f"{plugin.name}.md": plugin_page(plugin) for plugin in found}
    pages[ROOT / "docs" / "cli.md"] = cli_page(
        {"erp-sandbox": erp_sandbox.cli.main, "ml-connector": ml_connector.cli.main}
    )
    pages |= {ROOT / lock_path(each): lock_text(each) for each in installed()}
    pages[ROOT / ".env.example"] = env_example(found)
    return pages


def differences(files: t.Mapping[Path, str]) -> list[str]:
    """Return the lines by which the files on disk differ from what they should say."""
    lines: list[str] = []
    for path, text in files.items():
        name = str(path.relative_to(ROOT))
        present = path.read_text("utf-8") if path.exists() else ""
        lines += difflib.unified_diff(
            present.splitlines(), text.splitlines(), name, f"{name} (as it should be)", n=0, lineterm=""
        )
    return lines + [f"{path.relative_to(ROOT)} belongs to no plugin" for path in _stale(files)]


def plugin_page(plugin: Plugin) -> str:
    """Return the page of a plugin: what it does, its settings, its streams or documents."""
    parts = [
        f"# {plugin.name}",
        plugin.description,
        "Capabilities: " + ", ".join(sorted(plugin.capabilities)) + ".",
    ]
    parts += ["## Settings", settings_table(plugin, plugin.own_settings)]
    inherited = [setting for setting in plugin.settings if setting.inherited]
    if inherited:
        parts += ["### From the Singer SDK", settings_table(plugin, inherited)]
    if plugin.streams:
        parts += ["## Streams", streams_table(plugin.streams)]
        for stream in plugin.streams:
            parts += [f"### {stream['tap_stream_id']}", fields_table(stream["schema"])]
    if plugin.sinks:
        parts += ["## Documents", table(("document", "what is done"), list(plugin.sinks.items()))]
    return "\n\n".join(["<!-- written by `make docs` -->", *parts]) + "\n"


def settings_table(plugin: Plugin, settings: t.Sequence[Setting]) -> str:
    """Return settings as a table."""
    return table(
        ("setting", "variable", "kind", "default", "meaning"),
        [
            (
                f"`{setting.name}`",
                f"`{plugin.variable(setting)}`",
                "secret" if setting.secret else setting.kind,
                "required" if setting.required else f"`{setting.default}`" if setting.default else "",
                setting.description or str(setting.schema.get("title", "")),
            )
            for setting in settings
        ],
    )


def streams_table(streams: t.Sequence[Schema]) -> str:
    """Return the streams of a tap as a table."""
    return table(
        ("stream", "key", "read by"),
        [
            (
                f"[{stream['tap_stream_id']}](#{stream['tap_stream_id']})",
                ", ".join(f"`{key}`" for key in stream.get("key_properties") or ()),
                f"`{stream['replication_key']}`" if stream.get("replication_key") else "whole, each time",
            )
            for stream in streams
        ],
    )


def fields_table(schema: Schema) -> str:
    """Return the fields of a record as a table, nested ones with dots and ``[]`` for lists."""
    return table(
        ("field", "type", "meaning"),
        [
            (
                f"`{path}`",
                each.get("format") or type_of(each),
                " ".join(str(each.get("description", "")).split()),
            )
            for path, each in _fields(schema)
        ],
    )


def cli_page(commands: t.Mapping[str, click.Command]) -> str:
    """Return the page of the command lines: the help of each command, as the terminal shows it."""
    parts = ["<!-- written by `make docs` -->", "# Command lines"]
    for name, command in commands.items():
        for words, each in _all_commands((name,), command):
            # As a user meets it below the program: click remembers the help option of a command from its first use.
            with click.Context(
                each,
                info_name=" ".join(words),
                terminal_width=100,
                max_content_width=100,
                help_option_names=command.context_settings.get("help_option_names"),
            ) as context:
                parts += [
                    f"{'#' * (len(words) + 1)} {' '.join(words)}",
                    f"```text\n{each.get_help(context)}\n```",
                ]
    return "\n\n".join(parts) + "\n"


def env_example(found: t.Sequence[Plugin]) -> str:
    """Return ``.env.example``: what logs in and what is secret, each with a line that explains it, without a value."""
    parts = [
        "# Written by `make docs`. Copy to .env and take the # from the lines you need; never commit .env.",
        "# Of each plugin: what leads to its system, and what is secret. The page named with it has all the others.",
        "# Settings can stand in meltano.yml as well: see docs/connect-your-systems.md.",
        *(f"# {meaning}\n#{name}=" for name, meaning in OWN_VARIABLES.items()),
    ]
    for plugin in found:
        parts.append(f"# ---- {plugin.name}: {plugin.description}\n# All its variables: docs/plugins/{plugin.name}.md")
        for setting in plugin.own_settings:
            if not (setting.needed or setting.secret):
                continue
            marks = [mark for mark, holds in (("Required", setting.required), ("Secret", setting.secret)) if holds]
            meaning = ". ".join([(setting.description or setting.name).removesuffix("."), *marks])
            parts.append(f"# {meaning}.\n#{plugin.variable(setting)}=")
    return "\n\n".join(parts) + "\n"


def table(head: t.Sequence[str], rows: t.Sequence[t.Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def type_of(schema: Schema) -> str:
    """Return the JSON type of a schema without null."""
    types = schema.get("type", "any")
    types = [types] if isinstance(types, str) else types
    return " or ".join(each for each in types if each != "null")


def _fields(schema: Schema, prefix: str = "") -> t.Iterator[tuple[str, Schema]]:
    for name, each in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        yield path, each
        if "items" in each:
            yield from _fields(each["items"], f"{path}[].")
        yield from _fields(each, f"{path}.")


def _all_commands(words: tuple[str, ...], command: click.Command) -> t.Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        for name, each in sorted(command.commands.items()):
            if not each.hidden:
                yield from _all_commands((*words, name), each)


@functools.cache
def _asked(cls: type[PluginBase]) -> Plugin:
    about = _run(cls.name, "--about", "--format=json")
    settings = about["settings"]
    own = own_settings(cls)
    needed = {name for group in groups(cls) for name in group}
    return Plugin(
        name=about["name"],
        description=" ".join(about["description"].split()),
        capabilities=tuple(about["capabilities"]),
        settings=tuple(
            Setting(
                name,
                schema,
                required=name in settings.get("required", ()),
                needed=name in needed,
                inherited=name not in own,
            )
            for name, schema in settings["properties"].items()
        ),
        streams=tuple(_run(cls.name, "--discover")["streams"]) if cls.name.startswith("tap-") else (),
        sinks={
            sink.document_class.kind: " ".join((sink.__doc__ or "").partition("\n\n")[0].split())
            for sink in _below(DocumentSink)
            if sink.__module__.startswith(f"{cls.__module__.partition('.')[0]}.") and not inspect.isabstract(sink)
        },
    )


def _below(cls: type[t.Any]) -> t.Iterator[type[t.Any]]:
    for each in cls.__subclasses__():
        yield each
        yield from _below(each)


def _run(program: str, *arguments: str) -> dict[str, t.Any]:
    """Run a plugin of this environment without any settings and return what it prints."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONUTF8": "1"},
        cwd=ROOT,
    )
    if done.returncode:
        raise click.ClickException(f"{program} {' '.join(arguments)} failed:\n{done.stderr}")
    answer: dict[str, t.Any] = json.loads(done.stdout)
    return answer


def _stale(files: t.Collection[Path]) -> list[Path]:
    present = [*(ROOT / "docs" / "plugins").glob("*.md"), *(ROOT / "plugins").glob("*/*.lock")]
    return [path for path in sorted(present) if path not in files]


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a file differs from the code.")
def main(*, check: bool) -> None:
    """Write the generated files, or check that they are up to date."""
    files = generated()
    found = differences(files)
    if check:
        if found:
            raise click.ClickException("\n".join([*found, "Run make docs and commit what it wrote."]))
        return
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for path in _stale(files):
        path.unlink()
    click.echo("the pages were up to date" if not found else "the pages were written")


if __name__ == "__main__":
    main()
