"""Map files: where they are looked for, and what may stand in them."""

from __future__ import annotations

import importlib.resources
import os
import typing as t
from pathlib import Path

import pydantic
import yaml
from pydantic import ConfigDict, Field

from ml_connector.errors import SettingInvalid, UserError
from ml_connector.kept_files import read_yaml
from ml_connector.mapping.expressions import suggestion
from ml_connector.pipelines import USUAL_MAPS
from ml_connector.project import project_root

__all__ = [
    "FilterRule",
    "HoldRule",
    "MapFile",
    "Setting",
    "SettingSpec",
    "StreamSpec",
    "load_map_file",
    "settings_of",
    "shown_path",
]

PACKAGED_MAPS: t.Final = Path(str(importlib.resources.files("map_finance"))) / "maps"

Setting = str | bool | list[str] | None


class _Strict(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SettingSpec(_Strict):
    """A setting of a map.

    Attributes:
        default: Its value when the user gives none; also tells its type.
        description: What it decides.
        choices: The values it can have; for a list, the values its elements can have.
    """

    default: bool | str | list[str] | None
    description: str
    choices: list[str] | None = None


class FilterRule(_Strict):
    """One condition a record must meet.

    Attributes:
        when: Expression that must be true.
        otherwise: What people read when it is not; ``{expressions}`` are filled in.
    """

    when: str | bool
    otherwise: t.Annotated[str | None, Field(alias="else")] = None


class HoldRule(_Strict):
    """A condition under which a record is wanted and a person has to look all the same.

    Attributes:
        when: Expression; the document is held where it is true.
        what: What people read; ``{expressions}`` are filled in.
        cure: What they can do.
        code: Word for its kind, for lists.
    """

    when: str | bool
    what: str
    cure: str
    code: t.Annotated[str, Field(pattern="^[a-z][a-z_]*$")] = "held_by_map"


class RestRule(_Strict):
    """A condition under which only what is left to pay of a document is sent.

    Attributes:
        when: Expression; where it is true every amount is reduced, in proportion and exactly to what is left.
        left: Expression; what is left of the total.
        memo: What the document says of it, behind its own memo; ``{expressions}`` are filled in.
    """

    when: str | bool
    left: str
    memo: str


class StreamSpec(pydantic.BaseModel):
    """What is made of the records of one stream; keys without underscores are fields of the document."""

    model_config = ConfigDict(extra="allow", frozen=True)

    source: t.Annotated[str | None, Field(alias="__source__")] = None
    document: t.Annotated[str | None, Field(alias="__document__")] = None
    reference: t.Annotated[bool, Field(alias="__reference__")] = False
    filter: t.Annotated[str | list[FilterRule] | None, Field(alias="__filter__")] = None
    hold: t.Annotated[list[HoldRule], Field(alias="__hold__")] = []
    rest: t.Annotated[RestRule | None, Field(alias="__rest__")] = None
    known: t.Annotated[dict[str, list[str] | t.Literal["boolean"]], Field(alias="__known__")] = {}
    otherwise: t.Annotated[None, Field(alias="__else__")] = None
    key_properties: t.Annotated[list[str] | None, Field(alias="__key_properties__")] = None
    instance: t.Annotated[str | None, Field(alias="__instance__")] = None
    id: t.Annotated[str, Field(alias="__id__")] = "id"
    version: t.Annotated[str | None, Field(alias="__version__")] = None
    created: t.Annotated[str | None, Field(alias="__created__")] = None
    aliases: t.Annotated[list[str], Field(alias="__aliases__")] = []
    label: t.Annotated[str | None, Field(alias="__label__")] = None
    noun: t.Annotated[str | None, Field(alias="__noun__")] = None

    @property
    def fields(self) -> dict[str, t.Any]:
        """Fields of the document, as written; those set to null are left out, as in the SDK."""
        return {name: value for name, value in (self.model_extra or {}).items() if value is not None}


class MapFile(_Strict):
    """A whole map file.

    Attributes:
        source: System the records come from (``bill``).
        description: What the map is for.
        settings: Settings people can override with ``map_settings``.
        instance: Expression for the organization a record belongs to, for streams that do not give their own.
        lookups: For a kind of look-up, the stream its ids belong to (``supplier: vendors``).
        nouns: What a looked-up thing is called when its kind belongs to no stream.
        streams: By name of the native stream (or of the entry, with ``__source__``).
    """

    source: str
    description: str = ""
    settings: dict[str, SettingSpec] = {}
    instance: str
    lookups: dict[str, str] = {}
    nouns: dict[str, str] = {}
    streams: dict[str, StreamSpec]


def shown_path(path: Path) -> str:
    """Return a path as people see it: from the project on, where it lies in the project."""
    root = project_root().absolute()
    absolute = path.absolute()
    return str(absolute.relative_to(root)) if absolute.is_relative_to(root) else str(path)


def load_map_file(transform: str, maps_dir: str | os.PathLike[str] | None) -> tuple[str, MapFile]:
    """Find and read the map of a tap.

    A map of the plugin's own name (``tap-bill--acme`` -> ``tap_bill__acme.yml``) goes before that of the
    plugin it inherits from (``tap_bill.yml``); a file in ``maps_dir`` before a packaged one.

    Args:
        transform: Name of the tap, as Meltano has it.
        maps_dir: The user's maps; None for ``transforms/maps`` in the project.

    Returns:
        The file's name, for messages, and its content.

    Raises:
        SettingInvalid: There is no such map; lists those there are.
        UserError: The file is not a map; names stream and key.
    """
    own = project_root() / (maps_dir if maps_dir is not None else USUAL_MAPS)
    if maps_dir is not None and not own.is_dir():
        raise SettingInvalid(
            f'setting "maps_dir": there is no folder {maps_dir}.',
            "Name the folder of your maps, or remove the setting.",
        )
    name = transform.replace("-", "_")
    for stem in dict.fromkeys((name, name.partition("__")[0])):
        for folder in (own, PACKAGED_MAPS):
            path = folder / f"{stem}.yml"
            if path.is_file():
                return path.name, _read(path)
    available = sorted(
        {path.stem.replace("_", "-") for folder in (own, PACKAGED_MAPS) for path in folder.glob("*.yml")}
    )
    raise SettingInvalid(
        f'setting "transform": there is no map for "{transform}" (looked for {name}.yml).'
        f"{suggestion(transform, available)}",
        f"Maps there are: {', '.join(available)}.",
    )


def settings_of(name: str, specs: t.Mapping[str, SettingSpec], given: t.Mapping[str, t.Any]) -> dict[str, Setting]:
    """Return the settings of a map, the user's values checked and put in place of the defaults.

    Raises:
        SettingInvalid: A value is given for a setting the map does not have, or one it cannot have.
    """
    for key in given:
        if key not in specs:
            raise SettingInvalid(
                f'setting "map_settings": map {name} has no setting "{key}".{suggestion(key, specs)}',
                f"Settings it has: {', '.join(sorted(specs)) or 'none'}.",
            )
    return {
        key: _setting(f'setting "map_settings.{key}"', spec, given[key]) if key in given else spec.default
        for key, spec in specs.items()
    }


def _setting(what: str, spec: SettingSpec, value: t.Any) -> Setting:
    if value is None:
        return spec.default
    if isinstance(spec.default, bool):
        # From the environment a truth value arrives as text.
        known = {"true": True, "false": False}.get(str(value).lower())
        if known is None:
            raise SettingInvalid(f"{what} is {value!r}.", "Give true or false.")
        return known
    if isinstance(spec.default, list):
        values = value.split(",") if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(element, str) for element in values):
            raise SettingInvalid(f"{what} is {value!r}.", "Give a list of texts.")
        values = [element.strip() for element in values]
        return [_choice(what, spec, element) for element in values]
    if not isinstance(value, str):
        raise SettingInvalid(f"{what} is {value!r}.", "Give a text.")
    return _choice(what, spec, value)


def _choice(what: str, spec: SettingSpec, value: str) -> str:
    if spec.choices is not None and value not in spec.choices:
        raise SettingInvalid(
            f'{what} cannot be "{value}".{suggestion(value, spec.choices)}',
            f"Choices: {', '.join(spec.choices)}.",
        )
    return value


class _Loader(yaml.SafeLoader):
    """YAML in which a key given twice is an error, not the last one silently winning."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[t.Any, t.Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f'"{key.value}" stands here twice', problem_mark=key.start_mark
                )
            seen.add(key.value)
        return t.cast("dict[t.Any, t.Any]", super().construct_mapping(node, deep=deep))


def _read(path: Path) -> MapFile:
    where = f"map {path.name}"
    try:
        content = read_yaml(path, where, loader=_Loader)
    except FileNotFoundError:
        raise UserError(f"{where} is gone.", "Put it back.") from None
    try:
        map_file = MapFile.model_validate(content)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{where}, {at or 'the file'}: {first['msg']}.", "See docs/mapping.md.") from error
    known = [f"{field.alias}" for field in StreamSpec.model_fields.values()]
    for stream, spec in map_file.streams.items():
        for key in spec.model_extra or ():
            if key.startswith("__"):
                near = suggestion(key, known)
                raise UserError(
                    f'{where}, stream {stream}: unknown key "{key}".{near}',
                    f"Keys: {', '.join(known)}.",
                )
        if not spec.document and not spec.reference:
            raise UserError(
                f"{where}, stream {stream}: it is neither a document nor a reference.",
                "Give it __document__: <kind>, or __reference__: true.",
            )
    return map_file
