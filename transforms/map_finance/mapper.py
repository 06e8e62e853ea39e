"""``map-finance``: the map engine as a Singer mapper, for documents in any target."""

from __future__ import annotations

import collections
import typing as t

import click
from singer_sdk import typing as th
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.mapper_base import InlineMapper
from singer_sdk.singerlib import Message, RecordMessage, SchemaMessage, StateMessage

from ml_connector.crosswalk.tables import NoLinks, SqliteReferences
from ml_connector.errors import MalformedRecord, UserError
from ml_connector.mapping.engine import MapEngine
from ml_connector.mapping.schema import HELD_SCHEMA, HELD_STREAM, document_record, document_schema, held_record
from ml_connector.project import project_root
from ml_connector.singer.command import PluginCommand
from ml_connector.singer.reader import MessageReader
from ml_connector.singer.settings import CheckedSettings

__all__ = ["MapFinance"]

_DEFAULT_REFERENCES: t.Final = ".ml-connector/references.db"


class MapFinance(CheckedSettings, InlineMapper):
    """Turns a tap's native streams into documents; those that cannot be mapped go to ``held_documents``."""

    name = "map-finance"
    package_name = "ml-connector"
    message_reader_class = MessageReader
    capabilities: t.ClassVar = [PluginCapabilities.ABOUT, PluginCapabilities.STRUCTURED_LOGGING]
    config_jsonschema: t.ClassVar = th.PropertiesList(
        th.Property(
            "transform",
            th.StringType,
            required=True,
            description="Name of the tap whose map is applied (tap-bill)",
            examples=["tap-bill", "tap-bill--acme"],
        ),
        th.Property(
            "target",
            th.StringType,
            required=True,
            description="System whose values references are mapped to; names the crosswalk folder",
            examples=["workday"],
        ),
        th.Property(
            "maps_dir",
            th.StringType,
            description="Where your own maps are; transforms/maps in the project when not set",
        ),
        th.Property(
            "crosswalk_dir",
            th.StringType,
            description="Where the mapping tables are; transforms/crosswalk in the project when not set",
        ),
        th.Property(
            "map_settings",
            th.ObjectType(additional_properties=True),
            description="Values for the map's own settings (docs/mapping.md)",
        ),
        th.Property(
            "references_path",
            th.StringType,
            default=_DEFAULT_REFERENCES,
            description="SQLite file in which vendors, departments, accounts ... read so far are remembered",
        ),
        th.Property(
            "unresolved",
            th.StringType,
            default="hold",
            allowed_values=["hold", "drop"],
            description="What happens to documents that cannot be mapped: hold sends them to held_documents",
        ),
    ).to_dict()

    def __init__(self, **kwargs: t.Any) -> None:
        super().__init__(**kwargs)
        path = self.config.get("references_path") or _DEFAULT_REFERENCES
        self._references = SqliteReferences(path if "://" in path else str(project_root() / path))
        self._engine = MapEngine.load(
            self.config["transform"],
            target=self.config["target"],
            maps_dir=self.config.get("maps_dir"),
            crosswalk_dir=self.config.get("crosswalk_dir"),
            settings=self.config.get("map_settings"),
            references=self._references,
            links=NoLinks(),
        )
        self._holds = self.config.get("unresolved", "hold") == "hold"
        self._announced: set[str] = set()
        self._counts: collections.Counter[tuple[str, str]] = collections.Counter()

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command line, with this project's way of telling errors."""
        return PluginCommand(
            super().get_singer_command(), env_prefix=cls._env_var_prefix, settings=cls.config_jsonschema
        )

    def map_schema_message(self, message_dict: dict[str, t.Any]) -> t.Iterator[Message]:
        """Announce the documents a stream becomes, each kind once."""
        stream = message_dict["stream"]
        if stream not in self._engine.streams:
            self.logger.warning("Stream %s is not in the map and is left out.", stream)
            return
        fields = message_dict["schema"].get("properties", {})
        unknown = self._engine.unknown_fields(stream, fields)
        if unknown:
            self.logger.warning("The map reads fields stream %s does not have: %s.", stream, ", ".join(unknown))
        kind = self._engine.kind_of(stream)
        if kind is not None and kind not in self._announced:
            self._announced.add(kind)
            yield SchemaMessage(kind, document_schema(kind), list(self._engine.key_properties(stream)))
        if kind is not None and self._holds and HELD_STREAM not in self._announced:
            self._announced.add(HELD_STREAM)
            yield SchemaMessage(HELD_STREAM, HELD_SCHEMA, ["kind", "external_id"])

    def map_record_message(self, message_dict: dict[str, t.Any]) -> t.Iterator[Message]:
        """Remember a reference record; map a document."""
        try:
            yield from self._map(message_dict["stream"], message_dict["record"])
        except MalformedRecord as error:
            line = t.cast("MessageReader", self.message_reader).line
            raise MalformedRecord(f"input line {line}: {error.what}", error.cure) from None

    def _map(self, stream: str, record: dict[str, t.Any]) -> t.Iterator[Message]:
        if self._engine.is_reference(stream):
            instance, record_id = self._engine.reference_id(stream, record)
            self._references.put(instance, stream, {record_id: record})
        kind = self._engine.kind_of(stream)
        if kind is None:
            return
        mapped = self._engine.map(stream, record)
        # A withdrawn document may have been sent before: who keeps it must learn that it no longer stands.
        withdrawn = mapped.document is not None and mapped.document.withdrawn is not None
        if mapped.unwanted is not None and not withdrawn:
            self._counts[kind, "not wanted"] += 1
        elif mapped.document is not None:
            self._counts[kind, "mapped"] += 1
            yield RecordMessage(kind, document_record(mapped.document))
        elif self._holds:
            self._counts[kind, "held"] += 1
            yield RecordMessage(HELD_STREAM, held_record(mapped))
        else:
            self._counts[kind, "dropped"] += 1

    def map_state_message(self, message_dict: dict[str, t.Any]) -> t.Iterator[Message]:
        """Pass the state on, after everything before it is remembered."""
        self._references.flush()
        yield StateMessage(message_dict["value"])

    def map_activate_version_message(self, message_dict: dict[str, t.Any]) -> t.Iterator[Message]:
        """Send nothing: a full read of a stream is not a full list of documents, the filter skips some."""
        del message_dict
        return iter(())

    def map_batch_message(self, message_dict: dict[str, t.Any]) -> t.Iterator[Message]:
        """Refuse batches: their records lie in files.

        Raises:
            UserError: Always.
        """
        raise UserError(
            f"stream {message_dict['stream']} comes in BATCH messages, which cannot be mapped.",
            "Remove batch_config from the tap.",
        )

    def process_endofpipe(self) -> None:
        """Keep what was remembered and say what was done."""
        self._references.close()
        for (kind, outcome), count in sorted(self._counts.items()):
            self.logger.info("%s: %d %s", kind, count, outcome)
