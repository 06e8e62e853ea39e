"""How ``credentials: <name>`` becomes settings: what a configuration leaves out, the vault's entry gives."""

from __future__ import annotations

import dataclasses
import typing as t

from ml_connector.errors import SettingInvalid
from ml_connector.names import display_name
from ml_connector.vault.vault import Vault

__all__ = ["CREDENTIALS", "FROM_VAULT", "Filled", "fill", "vault_behind"]

CREDENTIALS: t.Final = "credentials"
"""The setting that names the entry."""
FROM_VAULT: t.Final = "from_vault"
"""Where a filled configuration says which of its settings came from the entry."""


@dataclasses.dataclass(frozen=True, slots=True)
class Filled:
    """A configuration with what the vault gave.

    Attributes:
        config: All settings, secrets among them.
        overridden: Settings the configuration gives itself, other than the vault has them.
    """

    config: dict[str, t.Any] = dataclasses.field(repr=False)
    overridden: tuple[str, ...] = ()


class _Settings(t.Protocol):
    """Settings of a client that may come from the vault."""

    @property
    def from_vault(self) -> tuple[str, ...]: ...


def fill(config: t.Mapping[str, t.Any], *, system: str, known: t.Container[str] | None = None) -> Filled:
    """Return a configuration filled from the entry it names; as it is when it names none.

    What the configuration gives itself wins; nothing and empty text are not given.

    Args:
        config: What a plugin was told.
        system: The system it leads to.
        known: The settings the plugin has, others stay in the vault; None: all are taken.

    Raises:
        SettingInvalid: The entry leads to another system.
        UserError: The vault cannot be opened, or has no such entry.
    """
    name = config.get(CREDENTIALS)
    if not name:
        return Filled(dict(config))
    vault = Vault.open()
    entry = {key: value for key, value in vault.settings(str(name)).items() if known is None or key in known}
    leads_to = vault.system(str(name))
    if leads_to not in (None, system):
        raise SettingInvalid(
            f'credentials "{name}" lead to {display_name(leads_to)}, not to {display_name(system)}.',
            "Name an entry of the right system: `ml-connector vault list` shows them.",
        )
    given = {key: value for key, value in config.items() if value not in (None, "")}
    taken = tuple(sorted(set(entry) - set(given)))
    # What comes from the environment is text.
    overridden = sorted(key for key in set(entry) & set(given) if str(entry[key]) != str(given[key]))
    return Filled({**config, **entry, **given, FROM_VAULT: taken}, tuple(overridden))


def vault_behind(settings: _Settings) -> Vault | None:
    """Return the vault that settings came from, None where they did not: it encrypts the sessions got with them."""
    return Vault.open() if settings.from_vault else None
