"""What a person wrote as a plugin's settings: text becomes values, and what is no setting is refused with a suggestion.

A misspelt ``dry_run`` that is passed over posts for real. So nothing is passed over: neither a name, nor a variable
with the plugin's prefix, nor a word that is neither true nor false.
"""

from __future__ import annotations

import difflib
import json
import os
import pathlib
import re
import typing as t

from singer_sdk._logging import _setup_console_logging
from singer_sdk.cli import plugin_cli
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import PluginBase, _ConfigInput, _plugin_log_level

from ml_connector.errors import SettingInvalid
from ml_connector.leftovers import close_rendered
from ml_connector.project import dotenv, meltano_yml
from ml_connector.singer.json_files import read_object
from ml_connector.singer.stream_maps import CheckedMapper

if t.TYPE_CHECKING:
    import click

__all__ = ["CheckedSettings", "env_prefix", "from_text", "read_from", "unknown_names", "unread_variables"]

_TRUE: t.Final = frozenset({"true", "1", "yes", "on", "t", "y"})
_FALSE: t.Final = frozenset({"false", "0", "no", "off", "f", "n"})
_RUNNING: t.Final = ("MELTANO_EXTRACTOR_NAME", "MELTANO_LOADER_NAME", "MELTANO_MAPPER_NAME")
"""Where Meltano says under which name it runs a plugin, for taps, targets and mappers."""
_NO_SETTING: t.Final = frozenset({"LOGLEVEL"})
"""What the SDK reads under a plugin's prefix beside its settings."""

Schema = t.Mapping[str, t.Any]
Problem = tuple[str, str]
"""What is wrong, and the cure."""


class CheckedSettings(PluginBase):
    """A plugin that refuses what it does not understand, before it does anything."""

    def __init__(self, *args: t.Any, **options: t.Any) -> None:
        self._reads_variables = bool(options.get("parse_env_config"))
        super().__init__(*args, **options)

    @plugin_cli
    def cli(cls) -> click.Command:  # noqa: N805 - as the SDK has it
        """Return the command, with logging set up as the variables say."""
        try:
            _setup_console_logging(log_level=_plugin_log_level(plugin_name=cls.name))
        except Exception as error:  # noqa: BLE001 - the level and the file are what a person wrote
            cure = f"Look at {env_prefix(cls.name)}LOGLEVEL, LOGLEVEL and SINGER_SDK_LOG_CONFIG."
            raise SystemExit(f"{cls.name}: logging cannot be set up: {error}.\n  {cure}") from None
        return cls.get_singer_command()

    def setup_mapper(self) -> None:
        """Prepare ``stream_maps``."""
        self._mapper = CheckedMapper(plugin_config=dict(self.config), logger=self.logger)

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> _ConfigInput:
        """Read the files named by ``--config``; later ones win."""
        del ctx, param
        config: dict[str, t.Any] = {}
        for path in value:
            if path != "ENV":
                cure = "Name a file of settings as a JSON object, or ENV for those in variables."
                close_rendered(pathlib.Path(path))
                config |= read_object(path, "configuration", cure)
        return _ConfigInput(config=config, parse_env="ENV" in value)

    @classproperty
    def _env_var_config(cls) -> dict[str, t.Any]:  # noqa: N805 - as the SDK has it
        cls.append_builtin_config(cls.config_jsonschema)
        return read_from(_environment(), cls.config_jsonschema, cls.name)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        if not raise_errors:  # discovery needs no settings: what is not there yet may come from the vault
            return []
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        environment = _environment() if self._reads_variables else dict(os.environ)
        problems = [
            *unknown_names(self._config, schema),
            *unread_variables(environment, self._config, schema, self.name, reads=self._reads_variables),
        ]
        problems += from_text(self._config, schema)[1]
        if problems:
            raise _refused(problems)
        self._config, problems = from_text(self._completed(self._config), schema)
        if problems:
            raise _refused(problems)
        return super()._validate_config(raise_errors=raise_errors)

    def _completed(self, config: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the settings with what comes from elsewhere."""
        return config


def env_prefix(plugin: str) -> str:
    """Return what the variables of a plugin begin with, as Meltano and the SDK form it."""
    return re.sub(r"[^A-Za-z0-9]", "_", f"{plugin}_").upper()


def read_from(environment: t.Mapping[str, str], schema: Schema, plugin: str) -> dict[str, t.Any]:
    """Return the settings that stand in the environment, as text."""
    found = {name: environment.get(env_prefix(plugin) + name.upper()) for name in schema["properties"]}
    return {name: value for name, value in found.items() if value}


def from_text(config: Schema, schema: Schema) -> tuple[dict[str, t.Any], list[Problem]]:
    """Return settings with text turned into what their schema wants, and what cannot be read.

    What is empty counts as not set: an empty variable is how a shell says that.
    """
    read: dict[str, t.Any] = {}
    problems: list[Problem] = []
    for name, value in config.items():
        if value is None or value == "":
            continue
        about = schema["properties"].get(name, {})
        try:
            read[name] = _value(value, about) if isinstance(value, str) else value
        except ValueError as error:
            problems.append((f'setting "{name}" is {_shown(value)}, which is not {error}.', _cure(value, about)))
    return read, problems


def unknown_names(config: Schema, schema: Schema, path: str = "") -> list[Problem]:
    """Return the names in a configuration that are no settings, those inside lists and objects included."""
    problems: list[Problem] = []
    known = schema.get("properties", {})
    for name, value in config.items():
        if known and name not in known:
            near = _near(name, known)
            advice = f"Did you mean {path}{near}?" if near else "Remove it; `--about` lists the settings there are."
            problems.append((f'there is no setting "{path}{name}".', advice))
        elif isinstance(value, dict):
            problems += unknown_names(value, known.get(name, {}), f"{path}{name}.")
        elif isinstance(value, list):
            items = known.get(name, {}).get("items", {})
            for number, item in enumerate(value):
                if isinstance(item, dict):
                    problems += unknown_names(item, items, f"{path}{name}[{number}].")
    return problems


def unread_variables(
    environment: t.Mapping[str, str], config: Schema, schema: Schema, plugin: str, *, reads: bool
) -> list[Problem]:
    """Return the variables that are meant for a plugin and would not be followed.

    Args:
        environment: All variables.
        config: What the plugin was told. Meltano sets a variable for each of these too.
        schema: JSON schema of the settings.
        plugin: The plugin's own name; Meltano may run it under another (``tap-bill--payments``).
        reads: Whether the plugin itself takes settings from variables.
    """
    known: t.Mapping[str, Schema] = schema["properties"]
    told = _flat(config) - {name.upper() for name in known}
    problems: list[Problem] = []
    running = [environment.get(name, "") for name in _RUNNING]
    by_meltano = any(running)
    inherited = [name for name in running if name.startswith(f"{plugin}--")]
    for variable, value in sorted(environment.items()):
        prefix = next((each for each in map(env_prefix, [*inherited, plugin]) if variable.upper().startswith(each)), "")
        rest = variable[len(prefix) :].upper()
        if not prefix or not value or rest in _NO_SETTING or rest in told:
            continue
        name = rest.lower()
        if name in known and variable.isupper():
            if not (reads or by_meltano) and not _same(value, config.get(name)):
                problems.append((f"{variable} is set, but variables are not read.", "Add --config ENV, or unset it."))
        elif not _of_another(variable, rest, prefix, known):
            problems.append(_unread(variable, rest, prefix, known))
    return problems


def _environment() -> dict[str, str]:
    """Return all variables, those of the project's ``.env`` too; what is set outside of it wins, as with Meltano."""
    return {**dotenv(), **os.environ}


def _refused(problems: t.Sequence[Problem]) -> SettingInvalid:
    lines = [line for what, cure in problems for line in (what, f"  {cure}")]
    return SettingInvalid("\n".join(lines))


def _value(text: str, about: Schema) -> t.Any:
    """Return what a text says.

    Raises:
        ValueError: It is not of the kind of the setting; says of which kind it should be.
    """
    kind = next((each for each in about.get("type", ()) if each in _READERS), None)
    if kind is not None:
        return _READERS[kind](text.strip(), about)
    if (choices := about.get("enum")) and text not in choices:
        raise ValueError(f"one of {', '.join(str(each) for each in choices if each is not None)}")
    return text


def _boolean(text: str, about: Schema) -> bool:
    del about
    if text.lower() not in _TRUE | _FALSE:
        raise ValueError("true or false")
    return text.lower() in _TRUE


def _integer(text: str, about: Schema) -> int:
    del about
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ValueError("a whole number")
    return int(text)


def _number(text: str, about: Schema) -> float:
    del about
    if not re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?", text):
        raise ValueError("a number")
    return float(text)


def _list(text: str, about: Schema) -> list[t.Any]:
    """Return a JSON list, or names with commas between."""
    if not text.startswith("[") and "string" in about.get("items", {}).get("type", ()):
        return [each.strip() for each in text.split(",") if each.strip()]
    return t.cast("list[t.Any]", _json(text, list, "a JSON list"))


def _object(text: str, about: Schema) -> dict[str, t.Any]:
    del about
    return t.cast("dict[str, t.Any]", _json(text, dict, "a JSON object"))


_READERS: t.Final[t.Mapping[str, t.Callable[[str, Schema], t.Any]]] = {
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "array": _list,
    "object": _object,
}


def _json(text: str, kind: type, words: str) -> t.Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, kind):
        raise ValueError(words)  # noqa: TRY004 - what a person wrote, not what the code does
    return value


def _cure(value: t.Any, about: Schema) -> str:
    choices = [str(each) for each in about.get("enum") or () if each is not None]
    if "boolean" in about.get("type", ()):
        choices = ["true", "false"]
    near = _near(str(value), choices)
    return f"Did you mean {near}?" if near else "Correct it, or leave the setting out."


def _shown(value: str) -> str:
    return json.dumps(value if len(value) <= 40 else f"{value[:40]}...", ensure_ascii=False)


def _unread(variable: str, rest: str, prefix: str, known: t.Mapping[str, Schema]) -> Problem:
    for name, about in known.items():
        if rest.startswith(f"{name.upper()}_") and "object" in about.get("type", ()):
            return f"{variable} is not read.", f"Set {prefix}{name.upper()} to a JSON object that has it."
    near = _near(rest, known)
    advice = f"Did you mean {prefix}{near.upper()}?" if near else "Unset it; `--about` lists the settings there are."
    return f"{variable} is set, but there is no such setting.", advice


def _of_another(variable: str, rest: str, prefix: str, known: t.Collection[str]) -> bool:
    """Whether a variable is one of Meltano's own (``TAP_BILL__SELECT``), or of a plugin with a longer name."""
    if any(variable.startswith(each) for each in _prefixes_of_project() if each.startswith(prefix) and each != prefix):
        return True
    # An underscore too many would make a setting one of Meltano's extras, which nobody reads.
    return rest.startswith("_") and _compact(rest) not in {_compact(name) for name in known}


def _prefixes_of_project() -> set[str]:
    """Return the prefixes of all plugins of the Meltano project, none where there is no readable one."""
    try:
        kinds = (meltano_yml().get("plugins") or {}).values()
        return {env_prefix(str(each["name"])) for plugins in kinds for each in plugins}
    except (SettingInvalid, AttributeError, KeyError, TypeError):
        return set()


def _flat(config: Schema, prefix: str = "") -> set[str]:
    """Return the names of settings as variables have them, those inside objects with the object's name before."""
    names: set[str] = set()
    for name, value in config.items():
        own = prefix + env_prefix(str(name)).removesuffix("_")
        names.add(own)
        if isinstance(value, dict):
            names |= _flat(value, f"{own}_")
    return names


def _same(text: str, value: t.Any) -> bool:
    return text == value or text.lower() == str(value).lower()


def _near(word: str, known: t.Iterable[str]) -> str | None:
    """Return what is spelt nearly so, underscores and case aside."""
    by_compact = {_compact(each): each for each in known}
    near = difflib.get_close_matches(_compact(word), list(by_compact), n=1, cutoff=0.75)
    return by_compact[near[0]] if near else None


def _compact(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
