"""How a command reaches a finance system: by the settings of the tap or target that Meltano would start.

A setting is taken from the environment, else from the project's ``.env``, else from ``meltano.yml``, as Meltano does;
what none of them gives comes from the vault, where they name ``credentials``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import string
import typing as t

from ml_connector.errors import SettingInvalid
from ml_connector.names import display_name
from ml_connector.project import dotenv, meltano_yml
from ml_connector.system.access import Access
from ml_connector.systems.bill.access import BillAccess
from ml_connector.systems.business_central.access import BusinessCentralAccess
from ml_connector.systems.workday.access import WorkdayAccess
from ml_connector.vault.credentials import CREDENTIALS, fill

__all__ = ["SYSTEMS", "Connection", "config_of", "connections", "opened"]

_LOG = logging.getLogger(__name__)

SYSTEMS: t.Final[t.Mapping[str, type[Access]]] = {
    "bill": BillAccess,
    "business_central": BusinessCentralAccess,
    "workday": WorkdayAccess,
}
"""Every system a command can reach, by its name on the command line."""

Role = t.Literal["tap", "target"]


@dataclasses.dataclass(frozen=True, slots=True)
class Connection:
    """The settings of one plugin.

    Attributes:
        system: The system they lead to.
        plugin: The plugin they belong to (``target-workday``).
        config: The settings by name, secrets among them; those of the vault are not there yet.
    """

    system: str
    plugin: str
    config: t.Mapping[str, t.Any] = dataclasses.field(repr=False)

    def connect(self) -> Access:
        """Return access to the system.

        Raises:
            SettingInvalid: A setting is missing or cannot be used.
            UserError: The vault cannot be opened, or has no such entry.
        """
        filled = fill(self.config, system=self.system)
        if filled.overridden:
            _LOG.warning(
                "%s: %s set in the configuration, other than in credentials %r; the configuration wins",
                self.plugin,
                ", ".join(filled.overridden),
                self.config[CREDENTIALS],
            )
        return SYSTEMS[self.system].connect(filled.config, plugin=self.plugin)


def connections(system: str) -> list[Connection]:
    """Return the connections to a system that somebody has configured, tap first."""
    access = SYSTEMS[system]
    found = [Connection(system, plugin, config_of(plugin)) for plugin in access.plugins]
    return [each for each in found if any(each.config.get(name) for name in (CREDENTIALS, *access.known_by))]


@contextlib.contextmanager
def opened(system: str, role: Role) -> t.Iterator[Access]:
    """Yield access to a system by the settings of its tap or target, of the other one where that has none.

    Raises:
        SettingInvalid: Neither has settings, or one is missing.
    """
    plugins = SYSTEMS[system].plugins
    wanted = plugins[0] if role == "tap" else plugins[1]
    found = connections(system)
    chosen = next((each for each in found if each.plugin == wanted), found[0] if found else None)
    if chosen is None:
        variable = _variable(wanted, SYSTEMS[system].known_by[0])
        raise SettingInvalid(
            f"{display_name(system)} is not configured.",
            f"Set {variable} and the other settings of {' or '.join(plugins)} in the environment or in .env, or "
            f"{_variable(wanted, CREDENTIALS)} to the name of what the vault has of it.",
        )
    access = chosen.connect()
    try:
        yield access
    finally:
        access.close()


def config_of(plugin: str) -> dict[str, t.Any]:
    """Return the settings of a plugin; text where they come from the environment."""
    variables = {**dotenv(), **os.environ}
    prefix = _variable(plugin, "")
    given = {name.removeprefix(prefix).lower(): value for name, value in variables.items() if name.startswith(prefix)}
    return _from_project(plugin, variables) | {name: value for name, value in given.items() if value != ""}


def _variable(plugin: str, setting: str) -> str:
    return f"{plugin}_{setting}".upper().replace("-", "_")


def _from_project(plugin: str, variables: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Return what ``meltano.yml`` says of a plugin, that of the chosen environment last."""
    project = meltano_yml()
    chosen = variables.get("MELTANO_ENVIRONMENT") or _at(project, "default_environment")
    environment = _named(_at(project, "environments"), chosen)
    config: dict[str, t.Any] = {}
    for plugins in (_at(project, "plugins"), _at(environment, "config", "plugins")):
        for kind in ("extractors", "loaders"):
            config |= _at(_named(_at(plugins, kind), plugin), "config") or {}
    return {name: filled for name, value in config.items() if (filled := _filled(value, variables)) not in (None, "")}


def _filled(value: t.Any, variables: t.Mapping[str, str]) -> t.Any:
    """Return a value with its variables put in; nothing when one of them is not set."""
    if not isinstance(value, str):
        return value
    try:
        return string.Template(value).substitute(variables)
    except KeyError:
        return None
    except ValueError:  # a lone $, as passwords may have
        return value


def _at(value: t.Any, *path: str) -> t.Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _named(entries: t.Any, name: t.Any) -> t.Any:
    entries = entries if isinstance(entries, list) else []
    return next((each for each in entries if isinstance(each, dict) and each.get("name") == name), None)
