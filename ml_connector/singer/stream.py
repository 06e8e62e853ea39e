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
from ml_connector.moments import EARLIEST, parse_moment
from ml_connector.sensitive import masked
from ml_connector.singer.stream_maps import transformed

if t.TYPE_CHECKING:
    from singer_sdk.helpers import types

    from ml_connector.singer.tap import ApiTap

__all__ = ["ApiStream"]

PROGRESS_SECONDS = 5.0

_OWN: t.Final = "replication_key_value"
_OF_PARENT: t.Final = "read_up_to"
_CLOCKS_DIFFER: t.Final = dt.timedelta(minutes=5)
_AHEAD: t.Final = dt.timedelta(days=1)


class ApiStream(Stream):
    """Base of the streams.

    The bookmark of an incremental stream moves only when :meth:`move_bookmark` says so: when everything up to
    that instant has been written. So a run that is cut off at any record loses none, whatever order records
    come in. It never moves past the moment reading began: one record with a stamp of the year 2099 would hide all
    that change until then.

    A stream that children are read from keeps one bookmark for itself and one for each child, since each may be
    selected without the others, and later than they.
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
        self._reading_since = dt.datetime.now(dt.UTC)
        self._told: set[str] = set()

    @property
    def start_date(self) -> dt.datetime | None:
        """What changed before is not wanted; None: everything is."""
        return t.cast("ApiTap", self._tap).start_date

    @property
    def bookmark(self) -> dt.datetime | None:
        """The instant up to which all has been written for everybody who is selected; None: read from the start."""
        if self.replication_method != singer.catalog.REPLICATION_INCREMENTAL:
            return None
        marks = [self.usable_mark(state.get(name)) for state, name in self._places()]
        return None if None in marks else min((mark for mark in marks if mark is not None), default=None)

    def usable_mark(self, value: t.Any, whose: str = "") -> dt.datetime | None:
        """Return a bookmark of the state as an instant; None, told once, for one with which reading may not begin.

        Args:
            value: As the state has it; None where it has none.
            whose: Whose bookmark it is, where a stream has several.
        """
        if value is None:
            return None
        try:
            mark = parse_moment(value)
        except ValueError:
            mark = None
        if mark is not None and EARLIEST <= mark <= self._reading_since + _CLOCKS_DIFFER:
            return mark
        why = "is no time" if mark is None else "is in the future" if mark > EARLIEST else "is older than anything"
        self._tell(
            'The bookmark "%s"%s of %s %s, so it is read again from the start; what is known already is not delivered '
            "twice. If it comes back, correct the clock of the machine it was written on.",
            value,
            f" ({whose})" if whose else "",
            self.name,
            why,
        )
        return None

    def is_premature(self, stamp: dt.datetime | None, record: str) -> bool:
        """Return whether a record is stamped with a time that is still to come; told once a record.

        Args:
            stamp: When it was changed last.
            record: What it is called, for the message.
        """
        if stamp is None or stamp <= self._reading_since + _AHEAD:
            return False
        self._tell(
            "%s of %s says it was changed at %s, which is to come. It is read by every run and moves no bookmark. "
            "Change it once more in its system, so that its stamp is right.",
            record,
            self.name,
            stamp.isoformat(timespec="seconds"),
        )
        return True

    def move_bookmark(self, instant: dt.datetime) -> None:
        """Note that every record changed up to an instant has been written, and write the state.

        To be called between two records. The bookmark never moves backwards.
        """
        if self.replication_method != singer.catalog.REPLICATION_INCREMENTAL:
            return
        instant = min(instant.astimezone(dt.UTC), self._reading_since)
        moved = False
        for state, name in self._places():
            known = self.usable_mark(state.get(name))
            if known is not None and known >= instant:
                continue
            state[name] = instant.isoformat(timespec="milliseconds")
            if name == _OWN:
                state["replication_key"] = self.replication_key
            moved = True
        if moved:
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

    def _write_starting_replication_value(self, context: types.Context | None) -> None:
        """Note when reading begins; where it begins is said by :attr:`bookmark`, not by the SDK's own reckoning."""
        del context
        self._reading_since = dt.datetime.now(dt.UTC)

    def _places(self) -> list[tuple[dict[str, t.Any], str]]:
        """Return where bookmarks stand: the stream's own, and those of its children; of what is selected."""
        places = []
        if self.selected or not self.child_streams:
            own = self.get_context_state(self.context)
            if own.get("replication_key", self.replication_key) != self.replication_key:
                own.pop(_OWN, None)
            places.append((own, _OWN))
        children = [child for child in self.child_streams if child.selected]
        return places + [(child.get_context_state(None), _OF_PARENT) for child in children]

    def _tell(self, message: str, *args: t.Any) -> None:
        text = message % args
        if text not in self._told:
            self._told.add(text)
            self.log("%s", text, level=logging.WARNING)

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
        if not self.config.get("include_bank_details"):
            record = masked(record, inside=self.name)
        extracted = dt.datetime.now(dt.UTC)
        for stream_map in self.stream_maps:
            mapped = transformed(stream_map, record)
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
