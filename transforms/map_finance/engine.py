"""The map engine: native records in, documents out."""

from __future__ import annotations

import abc
import os
import typing as t

from map_finance.expressions import Vocabulary
from map_finance.functions import FUNCTIONS, LOOKUP_FUNCTIONS
from map_finance.mapfile import load_map_file, settings_of
from ml_connector.crosswalk import Crosswalk, Links, References
from ml_connector.documents import DocumentSource, Mapped, content_hash
from ml_connector.errors import UserError
from ml_connector.project import project_root

__all__ = ["MapEngine"]

Record = t.Mapping[str, t.Any]


class MapEngine(abc.ABC):
    """Turns the records of one tap into documents for one target. Usable from several threads.

    Attributes:
        source: System the records come from (``bill``).
        streams: Native streams the engine knows.
        revision: Hash of the map and its settings: documents may look different after it has changed.
    """

    source: str
    streams: frozenset[str]
    revision: str

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
        from map_finance.passthrough import DocumentPassthrough  # noqa: PLC0415
        from map_finance.records import RecordMap  # noqa: PLC0415

        if not transform:
            if settings:
                raise UserError(
                    'setting "map_settings" is given, but no map is applied.',
                    "Set transform, or remove map_settings.",
                )
            return DocumentPassthrough()
        name, map_file = load_map_file(transform, maps_dir)
        values = settings_of(name, map_file.settings, settings or {})
        tables = project_root() / (crosswalk_dir or "transforms/crosswalk")
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
    def map(self, stream: str, record: Record) -> Mapped:
        """Map one record; whatever is wrong with its content becomes a reason.

        Raises:
            MalformedRecord: The record does not say who it is.
        """

    @abc.abstractmethod
    def key_properties(self, stream: str) -> tuple[str, ...]:
        """Return the key of the documents made of a stream."""

    def unknown_fields(self, stream: str, properties: t.Collection[str]) -> list[str]:
        """Return the fields the map reads that the stream's schema does not have: probably misspelt."""
        del stream, properties
        return []
