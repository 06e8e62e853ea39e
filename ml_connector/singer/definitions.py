"""What Meltano is told of each installed plugin: lock files, so that ``meltano.yml`` names plugins and no settings.

Meltano takes a plugin that ``meltano.yml`` names with ``variant: ml-connector`` from the lock file of that name and
asks no hub. Nothing is installed for it either: the executable is one of this environment.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import json
import pathlib
import re
import typing as t

from singer_sdk.plugin_base import PluginBase

from ml_connector.descriptor import GROUP, descriptors
from ml_connector.singer.connections import CONNECTIONS, LOGINS
from ml_connector.vault.credentials import CREDENTIALS

__all__ = ["VARIANT", "definition", "groups", "installed", "lock_path", "lock_text", "own_settings"]

VARIANT: t.Final = "ml-connector"
"""Which of several definitions of a plugin ``meltano.yml`` means: the hub may have others under the same name."""

_PLUGIN: t.Final = re.compile(r"(tap|target|map)-")
_KINDS: t.Final = {"tap": "extractors", "target": "loaders", "map": "mappers"}
"""What a plugin's name begins with, and Meltano's word for what it is."""
_HEEDED: t.Final = ("about", "catalog", "discover", "state", "structured-logging")
"""The capabilities Meltano does something about; of the others a plugin tells by itself (``--about``)."""

Schema = t.Mapping[str, t.Any]


def installed() -> list[type[PluginBase]]:
    """Return the plugins of all packages that add a system, by name."""
    points = importlib.metadata.entry_points(group=GROUP)
    packages = {point.dist.name: point.dist for point in points if point.dist is not None}
    scripts = {
        script.name: script
        for package in packages.values()
        for script in package.entry_points.select(group="console_scripts")
        if _PLUGIN.match(script.name)
    }
    return [_class_of(scripts[name]) for name in sorted(scripts)]


def own_settings(plugin: type[PluginBase]) -> dict[str, Schema]:
    """Return the settings of a plugin that not every plugin of the Singer SDK has."""
    inherited: dict[str, t.Any] = {"properties": {}}
    plugin.append_builtin_config(inherited)
    declared: Schema = plugin.config_jsonschema["properties"]
    return {name: about for name, about in declared.items() if name not in inherited["properties"]}


def definition(plugin: type[PluginBase]) -> dict[str, t.Any]:
    """Return what Meltano is told of a plugin."""
    system = _system(plugin)
    known = descriptors().get(system)
    told = {str(getattr(each, "value", each)) for each in plugin.capabilities}
    settings = own_settings(plugin)
    connection = {each.name for each in CONNECTIONS.get(system, ())}
    return {
        "plugin_type": _KINDS[plugin.name.partition("-")[0]],
        "name": plugin.name,
        "namespace": plugin.name.replace("-", "_"),
        "variant": VARIANT,
        "label": known.label if known else "Finance maps",
        "description": _first_line(plugin),
        "executable": plugin.name,
        "capabilities": [each for each in _HEEDED if each in told],
        "settings_group_validation": groups(plugin),
        "settings": [_setting(name, about, vault=name in connection) for name, about in settings.items()],
    }


def groups(plugin: type[PluginBase]) -> list[list[str]]:
    """Return the sets of settings of which a plugin needs one: those of each way to log in, or the vault's entry."""
    required: list[str] = plugin.config_jsonschema.get("required", [])
    logins = LOGINS.get(_system(plugin), ((),))
    vault = [[CREDENTIALS]] if CREDENTIALS in plugin.config_jsonschema["properties"] else []
    return [*([*required, *login] for login in logins), *vault]


def lock_path(plugin: type[PluginBase]) -> pathlib.PurePosixPath:
    """Return where a plugin's definition is in a project."""
    kind = _KINDS[plugin.name.partition("-")[0]]
    return pathlib.PurePosixPath("plugins", kind, f"{plugin.name}--{VARIANT}.lock")


def lock_text(plugin: type[PluginBase]) -> str:
    """Return the lock file of a plugin."""
    return json.dumps(definition(plugin), indent=2, ensure_ascii=False) + "\n"


def _class_of(script: importlib.metadata.EntryPoint) -> type[PluginBase]:
    module = importlib.import_module(script.module)
    return t.cast("type[PluginBase]", getattr(module, script.attr.partition(".")[0]))


def _system(plugin: type[PluginBase]) -> str:
    return plugin.name.partition("-")[2].replace("-", "_")


def _first_line(plugin: type[PluginBase]) -> str:
    return " ".join((inspect.getdoc(plugin) or "").partition("\n\n")[0].replace("``", "").split())


def _setting(name: str, about: Schema, *, vault: bool) -> dict[str, t.Any]:
    """Return a setting in Meltano's words.

    Its kind is string whatever it is, so that the plugin reads what a person wrote and says what is wrong with it:
    Meltano takes ``dry_run: ture`` for false, and ends with a traceback on what is no number. Objects it takes apart
    anyway. A default goes with it, unless the vault may have the setting: what Meltano gives wins over the vault.
    """
    kind = "object" if "object" in about.get("type", ()) else "string"
    entry: dict[str, t.Any] = {"name": name, "kind": kind, "label": about.get("title") or name}
    if about.get("secret"):
        entry["sensitive"] = True
    elif not vault and about.get("default") is not None:
        entry["value"] = about["default"]
    entry["description"] = " ".join(str(about.get("description", "")).split())
    return entry
