"""``ml-connector vault``: credentials by name, encrypted, which taps, targets and commands take from there."""

from __future__ import annotations

import json
import sys
import typing as t
from difflib import get_close_matches

import click
import jsonschema

from ml_connector.cli.common import Named
from ml_connector.cli.connections import SYSTEMS, config_of
from ml_connector.cli.ledger_access import record
from ml_connector.cli.output import Column, Output
from ml_connector.errors import CredentialsUnknown, SettingInvalid, UserError
from ml_connector.ledger.audit import Step
from ml_connector.names import display_name
from ml_connector.vault import Listed, Vault
from ml_connector.vault.credentials import CREDENTIALS
from ml_connector.vault.vault import vault_path

__all__ = ["vault"]

LEDGER: t.Final = "ledger"
"""What ``--system`` says of an entry that holds the address of a ledger, its password in it."""
_LEAD_TO: t.Final = (*SYSTEMS, LEDGER)
_OF_A_LEDGER: t.Final[dict[str, dict[str, t.Any]]] = {
    "ledger_url": {
        "type": ["string"],
        "secret": True,
        "description": "SQLAlchemy URL of the ledger, such as postgresql://user:password@host/database",
    }
}
_COLUMNS: t.Final = (
    Column("name"),
    Column("system", text=lambda row: display_name(row["system"]) if row["system"] else ""),
    Column("changed", text=lambda row: f"{row['changed']:%Y-%m-%d %H:%M} UTC"),
    Column("settings", text=lambda row: ", ".join(row["settings"])),
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, complete and without colours.")


@click.group()
def vault() -> None:
    """Keep credentials encrypted; plugins and commands use them by name (`credentials: NAME`).

    The vault is .ml-connector/vault.json in the project. Its key comes from ML_CONNECTOR_KEY, else from a file only you
    may read, else from the system's keyring. No command shows a secret or takes one as an argument.
    """


@vault.command()
@click.option(
    "--key",
    "where",
    type=click.Choice(["file", "keyring"]),
    help="Where to keep the key that is made, if there is none yet; a file in your configuration folder by default.",
)
@_json_option
def init(*, where: t.Literal["file", "keyring"] | None, as_json: bool) -> None:
    """Make an empty vault, and a key for it where there is none."""
    made = Vault.create(where)
    record(Step("vault", f"the vault {made.path} was made"))
    Output(as_json=as_json).show(
        {"vault": made.path, "key": made.key_place},
        f"the vault is {made.path}, its key is in {made.key_place}\n"
        "Keep a copy of the key elsewhere, apart from copies of the vault: without it nobody can read the vault.",
    )


@vault.command("set")
@click.argument("name", type=Named("NAME"))
@click.argument("settings", nargs=-1, metavar="[SETTING]...", type=Named("SETTING"))
@click.option(
    "--system",
    type=click.Choice(_LEAD_TO),
    help="System the credentials lead to, for a new name; or the ledger.",
)
@click.option(
    "--from-env",
    "plugin",
    type=click.Choice([plugin for access in SYSTEMS.values() for plugin in access.plugins]),
    help="Take what this plugin is configured with in the environment, .env or meltano.yml.",
)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read a JSON object of settings from standard input.")
@_json_option
def set_(
    *,
    name: str,
    settings: tuple[str, ...],
    system: str | None,
    plugin: str | None,
    from_stdin: bool,
    as_json: bool,
) -> None:
    """Set credentials: asks for each setting of the system, or for those that are named. Secrets are not echoed.

    Settings that are not given stay as they are.
    """
    if plugin and from_stdin:
        raise click.UsageError("--from-env and --stdin contradict each other.")
    opened = Vault.open()
    present = opened.settings(name) if name in opened.names() else None
    system = _system(name, system, plugin, known=opened.system(name) if present is not None else None)
    schema = _schema(system)
    for setting in settings:
        if "=" in setting:
            word = setting.partition("=")[0]
            raise click.UsageError(f"{word} takes no value here: others can read the arguments of a command.")
        _require_setting(setting, schema, system)
    wanted = list(settings or schema)
    if plugin:
        given = {key: value for key, value in config_of(plugin).items() if key in wanted}
    elif from_stdin:
        given = _read(sys.stdin)
    else:
        given = _ask(name, {setting: schema[setting] for setting in wanted}, present or {})
    values = {setting: _checked(setting, value, schema, system) for setting, value in given.items()}
    if not values:
        raise UserError("nothing was given, nothing was changed.", "Name a setting, or see that the source has any.")
    opened.put(name, values, system=system)
    record(Step("vault", f'credentials "{name}" were set: {", ".join(sorted(values))}'))
    Output(as_json=as_json).show(
        {"name": name, "system": system, "set": sorted(values)},
        "\n".join(_told(name, system, values, schema, plugin)),
    )


@vault.command("list")
@_json_option
def list_(*, as_json: bool) -> None:
    """Show the names, what each holds and when it was changed, never a value. Needs no key."""
    rows = [_row(listed) for listed in Vault.listed()]
    output = Output(as_json=as_json)
    key, locked = _state()
    if as_json:
        output.show({"vault": vault_path(), "key": key, "locked": locked, "entries": rows}, "")
        return
    output.table(rows, _COLUMNS, empty="the vault is empty: ml-connector vault set NAME")
    output.say(f"locked: {locked}" if locked else f"key: {key}")


@vault.command("rm")
@click.argument("name", type=Named("NAME"))
@click.argument("settings", nargs=-1, metavar="[SETTING]...", type=Named("SETTING"))
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json_option
def remove(*, name: str, settings: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Take credentials out of the vault, or single settings out of them."""
    opened = Vault.open()
    opened.settings(name)  # that there is no such name is told before anybody is asked
    what = f'{", ".join(settings)} of "{name}"' if settings else f'"{name}"'
    if not yes:
        click.confirm(f"Take {what} out of the vault?", abort=True, err=True)
    opened.remove(name, *settings)
    record(Step("vault", f"{what} taken out of the vault"))
    Output(as_json=as_json).show({"name": name, "removed": list(settings) or None}, f"{what} taken out of the vault")


@vault.command()
@click.option(
    "--drop-old-keys",
    is_flag=True,
    help="Forget the keys before. Other vaults, and older copies of this one, may need them.",
)
@_json_option
def rotate(*, drop_old_keys: bool, as_json: bool) -> None:
    """Make a new key and encrypt the vault with it, also while runs go on.

    A key in ML_CONNECTOR_KEY is yours to replace: set it to NEW,OLD, call this, then drop OLD.
    """
    opened = Vault.open()
    opened.rotate(drop_old=drop_old_keys)
    record(Step("vault", f"the vault {opened.path} was encrypted with a new key"))
    old = opened.spare_keys
    text = f"the vault is encrypted with a new key, which is in {opened.key_place}"
    if old:
        text += f"\n{old} old {'key is' if old == 1 else 'keys are'} kept behind it, for other vaults and older copies"
    Output(as_json=as_json).show({"vault": opened.path, "key": opened.key_place, "old_keys": old}, text)


@vault.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json_option
def accept(*, yes: bool, as_json: bool) -> None:
    """Take the vault as it is for the newest, after you have put a copy of it back.

    Credentials in it may have been replaced since: a password that was changed, a refresh token that was rotated.
    """
    listed = sorted(Vault.listed(), key=lambda each: each.name)
    for each in listed:
        click.echo(f"  {each.name}, changed {each.changed:%Y-%m-%d %H:%M} UTC", err=True)
    if not yes:
        click.confirm(f"Go on with these {len(listed)} entries?", abort=True, err=True)
    accepted = Vault.accept()
    record(Step("vault", f"the vault {accepted.path} was accepted as it is, {len(listed)} entries"))
    Output(as_json=as_json).show({"vault": accepted.path, "entries": len(listed)}, f"{accepted.path} is accepted")


def _system(name: str, chosen: str | None, plugin: str | None, known: str | None) -> str:
    """Return the system of an entry: what was said, what it has been, or what its name begins with."""
    of_plugin = next((system for system, access in SYSTEMS.items() if plugin in access.plugins), None)
    said = {each for each in (chosen, of_plugin, known) if each}
    if len(said) > 1:
        names = " and to ".join(display_name(each) for each in sorted(said))
        raise SettingInvalid(f'"{name}" cannot lead to {names}.', "Choose another name for the other system.")
    plain = name.lower().replace("-", "_")
    named = (system for system in _LEAD_TO if plain == system or plain.startswith((f"{system}_", f"{system}.")))
    found = next(iter(said), None) or next(named, None)
    if found is None:
        raise SettingInvalid(f'which system "{name}" leads to is not known.', f"Give --system {' or '.join(_LEAD_TO)}.")
    return found


def _schema(system: str) -> dict[str, dict[str, t.Any]]:
    """Return the settings a system has, by name, as JSON schemas."""
    if system == LEDGER:
        return _OF_A_LEDGER
    # Here and not above: the SDK takes longer to import than other commands take to run.
    from ml_connector.singer.connections import CONNECTIONS  # noqa: PLC0415

    schema: dict[str, dict[str, t.Any]] = {}
    for setting in CONNECTIONS[system]:
        schema |= setting.to_dict()
    return schema


def _ask(name: str, wanted: t.Mapping[str, t.Mapping[str, t.Any]], present: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Ask a person for settings; an empty answer leaves a setting as it is."""
    click.echo(f"Settings of {name}; press Enter to leave one as it is.", err=True)
    given = {}
    for setting, about in wanted.items():
        secret = bool(about.get("secret"))
        click.echo(f"\n{str(about.get('description', '')).rstrip('.')}.", err=True)
        state = "set" if secret else str(present.get(setting))
        hint = f" [{state}]" if setting in present else f" [default {about['default']}]" if "default" in about else ""
        answer = click.prompt(f"{setting}{hint}", default="", hide_input=secret, show_default=False, err=True)
        if answer:
            given[setting] = str(answer)
    return given


def _read(stream: t.TextIO) -> dict[str, t.Any]:
    try:
        given = json.load(stream)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise UserError("standard input holds no JSON object.", 'Give settings by name: {"password": "..."}')
    return given


def _checked(setting: str, value: t.Any, schema: t.Mapping[str, t.Mapping[str, t.Any]], system: str) -> t.Any:
    """Return a value in the setting's type; the words of a refusal quote none."""
    _require_setting(setting, schema, system)
    about = schema[setting]
    if isinstance(value, str) and "integer" in about["type"]:
        value = int(value) if value.strip().isdigit() else value
    if value in (None, "") or not jsonschema.Draft7Validator(about).is_valid(value):
        kind = "a whole number" if "integer" in about["type"] else "text"
        kind = f"one of {', '.join(map(str, about['enum']))}" if "enum" in about else kind
        raise SettingInvalid(
            f'setting "{setting}" cannot be used; nothing was changed.', f"It is {kind}: {about.get('description')}."
        )
    return value


def _require_setting(setting: str, schema: t.Iterable[str], system: str) -> None:
    names = list(schema)
    if setting not in names:
        near = get_close_matches(setting, names, n=1)
        raise CredentialsUnknown(
            f'{display_name(system)} has no setting "{setting}" to keep in the vault.',
            f'Did you mean "{near[0]}"?' if near else f"It has: {', '.join(names)}.",
        )


def _told(
    name: str,
    system: str,
    values: t.Iterable[str],
    schema: t.Mapping[str, t.Mapping[str, t.Any]],
    plugin: str | None,
) -> t.Iterator[str]:
    yield f"{name}: {', '.join(sorted(values))} set"
    if system == LEDGER:
        yield f"Use it with ML_CONNECTOR_LEDGER_URL=vault:{name}, and ledger_url: vault:{name} of each target"
        return
    yield f"Use it with {' and '.join(f'{_variable(each, CREDENTIALS)}={name}' for each in SYSTEMS[system].plugins)}"
    secret = [setting for setting in sorted(values) if schema[setting].get("secret")]
    if plugin and secret:
        variables = ", ".join(_variable(plugin, setting) for setting in secret)
        yield f"Take these out of the environment, .env or meltano.yml: {variables}"


def _variable(plugin: str, setting: str) -> str:
    return f"{plugin}_{setting}".upper().replace("-", "_")


def _state() -> tuple[str | None, str | None]:
    """Return where the key comes from, or why there is none that fits."""
    try:
        return Vault.open().key_place, None
    except UserError as error:
        return None, error.what


def _row(listed: Listed) -> dict[str, t.Any]:
    return {
        "name": listed.name,
        "system": listed.system,
        "settings": list(listed.settings),
        "changed": listed.changed,
    }
