"""The map engine: native records in, documents out."""

from __future__ import annotations

import abc
import os
import typing as t

from ml_connector.crosswalk.tables import Crosswalk, Links, References
from ml_connector.documents import DocumentSource, Mapped, Outline, canonical_json, content_hash
from ml_connector.errors import UserError
from ml_connector.mapping.expressions import Vocabulary
from ml_connector.mapping.functions import FUNCTIONS, LOOKUP_FUNCTIONS
from ml_connector.mapping.mapfile import MapFile, Setting, load_map_file, settings_of
from ml_connector.pipelines import USUAL_MAPS, USUAL_TABLES, Pipeline, folder_name
from ml_connector.project import project_root

__all__ = ["MapEngine", "pipeline_of"]

Record = t.Mapping[str, t.Any]


class MapEngine(abc.ABC):
    """Turns the records of one tap into documents for one target. Usable from several threads.

    Attributes:
        source: System the records come from (``bill``).
        streams: Native streams the engine knows.
        revision: Hash of the map and its settings: documents may look different after it has changed.
        pipeline: What the ledger remembers it by: documents of another pipeline are not its to deliver.
    """

    source: str
    streams: frozenset[str]
    revision: str
    pipeline: Pipeline

    @staticmethod
    def load(
        transform: str,
        *,
        target: str,
        maps_dir: str | os.PathLike[str] | None = None,
        crosswalk_dir: str | os.PathLike[str] | None = None,
        settings: t.Mapping[str, t.Any] | None = None,
        references: References,
        links: Links,
    ) -> MapEngine:
        """Load the map of a tap and the mapping tables between its system and the target.

        Args:
            transform: Name of the tap (``tap-bill``, ``tap-bill--acme``); empty when the records are
                documents already.
            target: Target system (``workday``).
            maps_dir: The user's maps; ``transforms/maps`` in the project by default.
            crosswalk_dir: The mapping tables; ``transforms/crosswalk`` in the project by default.
            settings: The user's values for the map's settings.
            references: Where reference records are remembered.
            links: What the ledger learned.

        Raises:
            SettingInvalid: There is no such map, or a setting is not one of the map's.
            UserError: The map or a table has a mistake; names file, stream and field, or line.
        """
        # The two engines build on this class, so they cannot be imported before it exists.
        from ml_connector.mapping.passthrough import DocumentPassthrough  # noqa: PLC0415
        from ml_connector.mapping.records import RecordMap  # noqa: PLC0415

        if not transform:
            if settings:
                raise UserError(
                    'setting "map_settings" is given, but no map is applied.',
                    "Set transform, or remove map_settings.",
                )
            return DocumentPassthrough()
        name, map_file = load_map_file(transform, maps_dir)
        values = settings_of(name, map_file.settings, settings or {})
        tables = project_root() / (crosswalk_dir or USUAL_TABLES)
        return RecordMap(
            name=name,
            map_file=map_file,
            settings=values,
            vocabulary=Vocabulary(FUNCTIONS, LOOKUP_FUNCTIONS, frozenset(values)),
            target=target,
            crosswalk=Crosswalk.load(tables, map_file.source, target),
            references=references,
            links=links,
            revision=content_hash({"map": map_file.model_dump(by_alias=True), "settings": values}),
            pipeline=_pipeline(
                transform, name, map_file, settings=values, maps_dir=maps_dir, crosswalk_dir=crosswalk_dir
            ),
        )

    @abc.abstractmethod
    def kind_of(self, stream: str) -> str | None:
        """Return the kind of document a stream's records become, None when they become none."""

    @abc.abstractmethod
    def is_reference(self, stream: str) -> bool:
        """Return whether a stream's records must be remembered for look-ups."""

    @abc.abstractmethod
    def reference_id(self, stream: str, record: Record) -> tuple[str, str]:
        """Return instance and id under which a reference record is remembered.

        Raises:
            MalformedRecord: The record does not say who it is.
        """

    @abc.abstractmethod
    def identify(self, stream: str, record: Record) -> DocumentSource:
        """Return identity and version of a record.

        Raises:
            MalformedRecord: The record does not say who it is.
        """

    @abc.abstractmethod
    def unwanted(self, stream: str, record: Record) -> str | None:
        """Return in words which conditions of the filter a record does not meet; None when wanted."""

    @abc.abstractmethod
    def outline(self, stream: str, record: Record) -> Outline:
        """Return what people know a record by, as far as it says so itself; for records the filter left out."""

    @abc.abstractmethod
    def map(self, stream: str, record: Record) -> Mapped:
        """Map one record; whatever is wrong with its content becomes a reason.

        Raises:
            MalformedRecord: The record does not say who it is.
        """

    @abc.abstractmethod
    def key_properties(self, stream: str) -> tuple[str, ...]:
        """Return the key of the documents made of a stream."""

    @abc.abstractmethod
    def reads(self, stream: str, path: t.Sequence[str | int]) -> bool:
        """Return whether the document made of a stream's record depends on what stands at a path of the record."""

    def unknown_fields(self, stream: str, properties: t.Collection[str]) -> list[str]:
        """Return the fields the map reads that the stream's schema does not have: probably misspelt."""
        del stream, properties
        return []


def pipeline_of(
    transform: str,
    *,
    maps_dir: str | os.PathLike[str] | None = None,
    crosswalk_dir: str | os.PathLike[str] | None = None,
    settings: t.Mapping[str, t.Any] | None = None,
) -> tuple[str, Pipeline]:
    """Return the source system of a map, and the pipeline that a run with it and these settings is.

    Raises:
        SettingInvalid: There is no such map, or a setting is not one of the map's.
        UserError: The map has a mistake.
    """
    name, map_file = load_map_file(transform, maps_dir)
    values = settings_of(name, map_file.settings, settings or {})
    pipeline = _pipeline(transform, name, map_file, settings=values, maps_dir=maps_dir, crosswalk_dir=crosswalk_dir)
    return map_file.source, pipeline


def _pipeline(
    transform: str,
    name: str,
    map_file: MapFile,
    *,
    settings: t.Mapping[str, Setting],
    maps_dir: str | os.PathLike[str] | None,
    crosswalk_dir: str | os.PathLike[str] | None,
) -> Pipeline:
    folder, _ = folder_name(maps_dir or USUAL_MAPS)
    tables, place = folder_name(crosswalk_dir or USUAL_TABLES)
    # A default that a later version adds or changes is no other pipeline, and neither is one that is spelt out.
    chosen = {key: value for key, value in settings.items() if value != map_file.settings[key].default}
    return Pipeline(
        plugin=transform,
        # The packaged maps and the project's own are one shelf: a map that is copied there and changed is an edit.
        map=name if folder == USUAL_MAPS else f"{folder}/{name}",
        tables=tables,
        place=place,
        settings=canonical_json(chosen),
    )
