"""What a pipeline is: the map, its settings and the mapping tables that decide how documents come out."""

from __future__ import annotations

import dataclasses
import os
import typing as t
from pathlib import Path

from ml_connector.project import project_root

__all__ = ["USUAL_MAPS", "USUAL_TABLES", "WITHOUT_MAP", "Pipeline", "base_of", "folder_name", "in_words"]

USUAL_MAPS: t.Final = "transforms/maps"
"""Where the user's maps are when nothing else is said, from the project's folder on."""
USUAL_TABLES: t.Final = "transforms/crosswalk"
"""Where the mapping tables are when nothing else is said, from the project's folder on."""


@dataclasses.dataclass(frozen=True, slots=True)
class Pipeline:
    """What decides how documents come out. Two taps with the same map and tables are one pipeline.

    Attributes:
        plugin: The tap whose map it is, as Meltano has it (``tap-bill--vendors``), for people; empty without a map.
        map: File of the map (``tap_bill.yml``), with its folder where that is not the usual one; empty without a map.
        tables: Folder of the mapping tables, named from the project on where it lies in the project, so that it keeps
            its name when the project moves.
        place: Where that folder is on this machine.
        settings: Those settings of the map that are not its defaults, as canonical JSON.
    """

    plugin: str
    map: str
    tables: str
    place: str
    settings: str

    @property
    def base(self) -> str:
        """The tap without what an inheriting plugin adds: ``tap-bill`` of ``tap-bill--vendors``."""
        return base_of(self.plugin)

    @property
    def words(self) -> str:
        """What people call it: map and tables."""
        return in_words(self.map, self.tables)


WITHOUT_MAP: t.Final = Pipeline(plugin="", map="", tables="", place="", settings="{}")
"""The pipeline of records that are documents already."""


def base_of(plugin: str) -> str:
    """Return a plugin's name without what an inheriting plugin adds."""
    return plugin.partition("--")[0]


def in_words(map_: str | None, tables: str | None) -> str:
    """Return what people call a pipeline; None is what nobody knows yet."""
    if map_ is None:
        return "a map and tables nobody has noted"
    return f"map {map_} with the tables in {tables}" if map_ else "documents without a map"


def folder_name(folder: str | os.PathLike[str]) -> tuple[str, str]:
    """Return how a folder is called, and where it is.

    Args:
        folder: As a setting has it; a relative one starts at the project.

    Returns:
        Its path from the project on where it lies in the project or was given so, else the whole path; and the whole
        path.
    """
    root = Path(os.path.abspath(project_root()))  # noqa: PTH100 - resolve() would follow links, which move
    place = Path(os.path.abspath(root / folder))  # noqa: PTH100
    if place.is_relative_to(root) or not Path(folder).is_absolute():
        return Path(os.path.relpath(place, root)).as_posix(), str(place)
    return str(place), str(place)
