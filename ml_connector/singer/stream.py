"""What all streams share: exact values, safe bookmarks, little work per record, signs of progress."""

from __future__ import annotations

import datetime as dt
import logging
import sys
import time
import typing as t

import singer_sdk.singerlib as singer
from singer_sdk.helpers._catalog import pop_deselected_record_properties
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.streams import Stream

from ml_connector.errors import ConnectorError

if t.TYPE_CHECKING:
    from singer_sdk.helpers import types

__all__ = ["ApiStream"]

PROGRESS_SECONDS = 5.0


class ApiStream(Stream):
    """Base of the streams.

    The bookmark of an incremental stream moves only when :meth:`move_bookmark` says so: when everything up to
    that instant has been written. So a run that is cut off at any record loses none, whatever order records
    come in.
    """

    STATE_MSG_FREQUENCY = 1000
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self._prunes: bool | None = None
        self._has_children: bool | None = None
        self._schema_written = False
        self._written = 0
        self._began = 0.0
        self._reported = 0.0

    def move_bookmark(self, instant: dt.datetime) -> None:
        """Note that every record changed up to an instant has been written, and write the state.

        To be called between two records. The bookmark never moves backwards.
        """
        if self.replication_method != singer.catalog.REPLICATION_INCREMENTAL:
            return
        state = self.get_context_state(self.context)
        value = instant.astimezone(dt.UTC).isoformat(timespec="milliseconds")
        known = state.get("replication_key_value")
        if state.get("replication_key") != self.replication_key:
            known = None
        if known is not None and self._parse_datetime(known) >= instant:
            return
        state["replication_key"] = self.replication_key
        state["replication_key_value"] = value
        self.state_manager.is_flushed = False
        self._write_state_message()

    def log(self, message: str, *args: t.Any, level: int = logging.INFO, **kwargs: t.Any) -> None:
        """Log, but leave an error of ours to the command's own line, and be quiet about each child."""
        if level >= logging.ERROR and isinstance(sys.exc_info()[1], ConnectorError):
            return
        if self.parent_stream_type is not None and level == logging.INFO:
            level = logging.DEBUG
        super().log(message, *args, level=level, **kwargs)

    def generate_child_contexts(
        self, record: types.Record, context: types.Context | None
    ) -> t.Iterable[types.Context | None]:
        """Yield the contexts of child streams, none when no child is selected."""
        if self._has_children is None:
            self._has_children = self.has_selected_descendents
        return super().generate_child_contexts(record, context) if self._has_children else ()

    def get_batch_config(self, config: t.Mapping[str, t.Any]) -> None:
        """Return None: there are no batches, see :class:`~ml_connector.singer.tap.ApiTap`."""
        del config

    def _increment_stream_state(self, latest_record: types.Record, *, context: types.Context | None = None) -> None:
        """Leave the bookmark alone: see :meth:`move_bookmark`."""

    def _write_schema_message(self) -> None:
        if not self._schema_written:
            super()._write_schema_message()
            self._schema_written = True

    def _generate_record_messages(self, record: types.Record) -> t.Generator[singer.RecordMessage, None, None]:
        if self._prunes is None:
            self._prunes = not all(self.mask.values())
        if self._prunes:
            pop_deselected_record_properties(record, self.schema, self.mask)
        extracted = dt.datetime.now(dt.UTC)
        for stream_map in self.stream_maps:
            mapped = stream_map.transform(record)
            if mapped is not None:
                yield singer.RecordMessage(
                    stream=stream_map.stream_alias,
                    record=mapped,
                    version=self._stream_version,
                    time_extracted=extracted,
                )
        self._note_progress()

    def _note_progress(self) -> None:
        now = time.monotonic()
        self._written += 1
        if self._written == 1:
            self._began = self._reported = now
        elif now - self._reported >= PROGRESS_SECONDS:
            self._reported = now
            rate = self._written / (now - self._began)
            self.log("%s: %s records read, %s per second", self.name, f"{self._written:,}", f"{rate:,.0f}")
