"""What a source's reference is called in the target: by table, learned link or default row, or why not."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

from ml_connector.crosswalk.tables import Ambiguous, AmbiguousLink, Crosswalk, Links, Match, References, table_name
from ml_connector.errors import Reason
from ml_connector.mapping.words import plugin_name, words
from ml_connector.names import display_name

__all__ = ["Lookups", "ReferenceStream", "Resolution"]

Record = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class ReferenceStream:
    """How the map describes one stream of reference records.

    Attributes:
        noun: What one record is called (``department``).
        aliases: Returns the human numbers and names of a record.
        label: Returns how a clerk would name a record.
    """

    noun: str
    aliases: t.Callable[[Record], list[str]]
    label: t.Callable[[Record], str | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Resolution:
    """Answer to one look-up: a target, or a reason, or neither when there was nothing to look up.

    Attributes:
        target: The target's id or number.
        extras: Further columns of the row that answered.
        reason: Why there is no target.
    """

    target: str | None = None
    extras: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    reason: Reason | None = None


class Lookups:
    """Looks references of one source up for one target.

    Args:
        source: Source system.
        target: Target system.
        crosswalk: The mapping tables.
        links: What the ledger learned.
        references: Reference records read so far.
        streams: The map's reference streams.
        streams_of_kinds: The stream the ids of a kind belong to, unless the look-up says otherwise.
        nouns: What a thing is called whose kind belongs to no stream (``company``: organization).
        shown: Turns a table's file into the path people see.
    """

    def __init__(
        self,
        *,
        source: str,
        target: str,
        crosswalk: Crosswalk,
        links: Links,
        references: References,
        streams: t.Mapping[str, ReferenceStream],
        streams_of_kinds: t.Mapping[str, str],
        nouns: t.Mapping[str, str],
        shown: t.Callable[[Path], str],
    ) -> None:
        self._source = source
        self._target = target
        self._crosswalk = crosswalk
        self._links = links
        self._references = references
        self._streams = streams
        self._streams_of_kinds = streams_of_kinds
        self._nouns = nouns
        self._shown = shown

    def resolve(self, kind: str, instance: str, value: t.Any, stream: str | None = None) -> Resolution:
        """Look a reference up: mapping table, learned link, default row; else say what is missing."""
        table = table_name(kind)
        record_id = str(value).strip() if value is not None else ""
        if record_id:
            found = self.known(kind, instance, record_id, stream)
            if found.target is not None or found.reason is not None:
                return found
        default = self._crosswalk.default(table)
        if default is not None:
            return Resolution(default.target, default.extras)
        if not record_id:
            return Resolution()
        return Resolution(reason=self._missing(kind, instance, record_id, stream))

    def delivered(self, kind: str, instance: str, value: t.Any, stream: str | None = None) -> Resolution:
        """As ``known``, for documents: one that is not in the target yet is waited for, never taken for another."""
        found = self.known(kind, instance, value, stream)
        record_id = str(value).strip() if value is not None else ""
        if found.target is not None or found.reason is not None or not record_id:
            return found
        name, _ = self._named(kind, instance, record_id, stream)
        reason = Reason(
            code="missing_invoice",
            what=f"{name} is not in {display_name(self._target)} yet",
            cure="nothing to do if it is on its way; else deliver it, or add a row to "
            f"{self._shown(self._crosswalk.path(table_name(kind)))}",
            kind=kind,
            value=record_id,
        )
        return Resolution(reason=reason)

    def known(self, kind: str, instance: str, value: t.Any, stream: str | None = None) -> Resolution:
        """As ``resolve``, without default row and without a reason when nothing is known."""
        table = table_name(kind)
        record_id = str(value).strip() if value is not None else ""
        if not record_id:
            return Resolution()
        stream = stream or self._streams_of_kinds.get(kind)
        record = self.record(instance, stream, record_id)
        aliases = self._streams[stream].aliases(record) if stream and record is not None else []
        answer = self._crosswalk.lookup(table, [record_id, *aliases])
        if isinstance(answer, Match):
            return Resolution(answer.target, answer.extras)
        if isinstance(answer, Ambiguous):
            return Resolution(reason=self._ambiguous(kind, instance, record_id, stream, answer))
        try:
            return Resolution(self._links.linked(table, instance, record_id))
        except AmbiguousLink as several:
            return Resolution(reason=self._several(kind, instance, record_id, stream, several))

    def record(self, instance: str, stream: str | None, record_id: str) -> Record | None:
        """Return a reference record, None when it was never read or the map does not know the stream."""
        if stream is None or stream not in self._streams:
            return None
        return self._references.get(instance, stream, record_id)

    def unread(self, stream: str, record_id: str) -> Reason:
        """Return the reason for a record that is needed and was never read."""
        noun = self._streams[stream].noun
        return Reason(
            code="unread",
            what=f"{display_name(self._source)} {noun} {record_id} was never read",
            cure=self._read_it(stream),
            kind=stream,
            value=record_id,
        )

    def _missing(self, kind: str, instance: str, record_id: str, stream: str | None) -> Reason:
        name, unread = self._named(kind, instance, record_id, stream)
        row = f"add a row to {self._shown(self._crosswalk.path(table_name(kind)))}"
        cure = f"{row}, or {self._read_it(unread)}" if unread else row
        never_read = " (it was never read)" if unread else ""
        if kind == "supplier":
            return Reason(
                code="missing_supplier",
                what=f"{name} has no supplier in {display_name(self._target)}{never_read}",
                cure=f"{row}, or set missing_suppliers to create"
                + (f"; before that, {self._read_it(unread)}" if unread else ""),
                kind=kind,
                value=record_id,
            )
        return Reason(
            code="unmapped",
            what=f"no {words(kind)} is mapped for {name}{never_read}",
            cure=cure,
            kind=kind,
            value=record_id,
        )

    def _ambiguous(self, kind: str, instance: str, record_id: str, stream: str | None, answer: Ambiguous) -> Reason:
        name, _ = self._named(kind, instance, record_id, stream)
        path = self._crosswalk.path(table_name(kind))
        file = self._shown(path)
        rows = ", ".join(
            f'line {row.line} "{row.source}" is {row.target}'
            if row.path.parent == path.parent
            else f'{self._shown(row.path)} line {row.line} "{row.target}" is {row.source}'
            for row in answer.matches
        )
        return Reason(
            code="ambiguous",
            what=f"{name} matches different rows for its {words(kind)}: {rows}",
            cure=f"add a row with the id {record_id} to {file}",
            kind=kind,
            value=record_id,
        )

    def _several(self, kind: str, instance: str, record_id: str, stream: str | None, several: AmbiguousLink) -> Reason:
        name, _ = self._named(kind, instance, record_id, stream)
        return Reason(
            code="ambiguous",
            what=f"{name} stands for several in {display_name(self._target)}: {', '.join(several.ids)}",
            cure=f"add a row with the id {record_id} to {self._shown(self._crosswalk.path(table_name(kind)))}",
            kind=kind,
            value=record_id,
        )

    def _named(self, kind: str, instance: str, record_id: str, stream: str | None) -> tuple[str, str | None]:
        """Return what to call a thing, and its stream if it should have been read and was not."""
        stream = stream or self._streams_of_kinds.get(kind)
        described = self._streams.get(stream) if stream else None
        system = display_name(self._source)
        if described is None:
            return f'{system} {self._nouns.get(kind, words(kind))} "{record_id}"', None
        record = self.record(instance, stream, record_id)
        if record is None:
            return f"{system} {described.noun} {record_id}", stream
        label = described.label(record)
        name = f'"{label}" ({record_id})' if label else record_id
        return f"{system} {described.noun} {name}", None

    def _read_it(self, stream: str) -> str:
        return f"select the stream {stream} and run {plugin_name(self._source)} once with --full-refresh"
