"""Records in: durable before the bookmark moves.

A record is identified, compared with what the ledger holds, and written when it is new or changed. Nothing is mapped
here beyond the filter: a repaired map or mapping table must be able to repair what is already in.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import functools
import logging
import typing as t

import sqlalchemy as sa

from ml_connector import defects, exact_json
from ml_connector.actor import actor
from ml_connector.documents import DELIVERY_ORDER, DocumentSource, Outline, Supplier, content_hash
from ml_connector.errors import Reason
from ml_connector.ledger import audit, leftout
from ml_connector.ledger.aside import UNREADABLE, Line, set_aside
from ml_connector.ledger.faults import ends_the_run
from ml_connector.ledger.owners import bring_in, go_on
from ml_connector.ledger.proof import BY_AN_ENTRY
from ml_connector.ledger.runs import Outcome, Run, Summary
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger
from ml_connector.names import display_name
from ml_connector.pipelines import Pipeline

__all__ = ["Intake", "Reader"]

_logger = logging.getLogger(__name__)

_BATCH = 500
_SETTLED: t.Final = frozenset({"unchanged", "ignored"})


class Reader(t.Protocol):
    """What intake needs of a map."""

    @property
    def source(self) -> str:
        """The source system's name."""

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline it is part of."""

    def kind_of(self, stream: str) -> str | None:
        """Kind of document a stream carries, if any."""

    def is_reference(self, stream: str) -> bool:
        """Whether a stream's records are to be remembered."""

    def reference_id(self, stream: str, record: t.Mapping[str, t.Any]) -> tuple[str, str]:
        """Instance and id of a reference record."""

    def identify(self, stream: str, record: t.Mapping[str, t.Any]) -> DocumentSource:
        """Identity and version of a record; raises ``MalformedRecord`` when it has none."""

    def unwanted(self, stream: str, record: t.Mapping[str, t.Any]) -> str | None:
        """Why the filter does not want a record; None when it does."""

    def outline(self, stream: str, record: t.Mapping[str, t.Any]) -> Outline:
        """What people know a record by, as far as it says so itself."""


class References(t.Protocol):
    """Where reference records are remembered."""

    def put(self, instance: str, stream: str, records: t.Mapping[str, t.Mapping[str, t.Any]]) -> None:
        """Keep records."""


class _Item(t.NamedTuple):
    source: DocumentSource
    kind: str
    stream: str
    record: str
    record_hash: str
    unwanted: str | None
    reasons: tuple[Reason, ...]
    native: t.Mapping[str, t.Any]

    @property
    def digest(self) -> str:
        """What tells, in little room, whether the record has changed."""
        return self.record_hash[:16]


_Key = tuple[str, str, str]


@dataclasses.dataclass(slots=True)
class _Sorted:
    """A batch, by what is to be done with it."""

    counts: collections.Counter[tuple[str, str]] = dataclasses.field(default_factory=collections.Counter)
    conditions: collections.Counter[tuple[str, str]] = dataclasses.field(default_factory=collections.Counter)
    inserts: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    updates: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    rows: set[int] = dataclasses.field(default_factory=set)
    reopened: list[audit.Step] = dataclasses.field(default_factory=list)
    news: list[_Key] = dataclasses.field(default_factory=list)
    left_out: list[_Item] = dataclasses.field(default_factory=list)
    wanted: list[_Item] = dataclasses.field(default_factory=list)

    def count(self, kind: str, outcome: str) -> None:
        self.counts[(kind, outcome)] += 1

    def leave_out(self, kind: str, why: str) -> None:
        self.counts[(kind, "left_out")] += 1
        self.conditions[(kind, why)] += 1


class _Part(t.NamedTuple):
    """What is written of one record.

    Attributes:
        stream: Its stream.
        content: What is handed to whom writes it.
        record: The record, as it is or as JSON.
        kind: The kind of document it counts as; None for reference records.
    """

    stream: str
    content: t.Any
    record: t.Any
    kind: str | None = None


class Intake:
    """Takes native records and makes them durable in batches.

    Args:
        ledger: Where they go.
        target: The target instance they are meant for.
        reader: The map, as far as intake needs it.
        references: Where reference records are remembered.
        kinds: Kinds of documents the target takes; of others nothing is kept but what look-ups need.
        run: The run that reads: who does it, for the audit, and the account that is told which documents were read and
            delivery still has to settle.

    Attributes:
        counts: Per document kind: ``read``, and what became of each record of those: ``new``, ``changed`` or ``open``
            when delivery settles it; ``unchanged``, ``ignored`` or ``left_out`` when it is settled already.
        conditions: Per document kind and condition of the filter: how many records it left out.
        sources: The source instances of which something was read, all of them the pipeline's own.
        defects: Numbers of the defects of ours that kept a record from being taken.
    """

    def __init__(
        self,
        ledger: Ledger,
        target: str,
        reader: Reader,
        references: References,
        kinds: t.Collection[str] = DELIVERY_ORDER,
        *,
        run: Run | None = None,
    ) -> None:
        self._kinds = kinds
        self._run = run.id if run is not None else None
        self._actor = run.actor if run is not None else actor()
        self._summary = run.summary if run is not None else Summary()
        self._ledger = ledger
        self._target = target
        self._reader = reader
        self._references = references
        self._items: dict[_Key, _Item] = {}
        self._seen: dict[tuple[str, str], dict[str, t.Mapping[str, t.Any]]] = collections.defaultdict(dict)
        self._seen_count = 0
        self._aside: list[Line] = []
        self._newest: dict[tuple[str, str, str], str | None] = {}
        self.counts: collections.Counter[tuple[str, str]] = collections.Counter()
        self.conditions: collections.Counter[tuple[str, str]] = collections.Counter()
        self.sources: frozenset[str] = frozenset()
        self.defects: set[str] = set()

    def tell(self, summary: Summary) -> None:
        """Add to a run's account what was read, and what became of the records that are settled already."""
        for (kind, outcome), count in self.counts.items():
            if outcome == "read":
                summary.read[kind] += count
            elif outcome in _SETTLED:
                summary.count(kind, t.cast("Outcome", outcome), count)
        for (kind, why), count in self.conditions.items():
            summary.leave_out(kind, why, count)

    def add(self, stream: str, record: t.Mapping[str, t.Any], *, malformed: t.Sequence[Reason] = ()) -> None:
        """Take one record.

        Args:
            stream: Its native stream.
            record: The record, with exact decimals.
            malformed: What its schema has against it; the document is then held, not lost.

        Raises:
            MalformedRecord: It cannot be identified.
        """
        if self._reader.is_reference(stream):
            # A malformed one too: what is wrong with it shows where something refers to it.
            self._remember(stream, record)
        kind = self._reader.kind_of(stream)
        if kind is not None and kind in self._kinds:
            source = self._reader.identify(stream, record)
            self.counts[(kind, "read")] += 1
            unwanted = None if malformed else self._reader.unwanted(stream, record)
            text = exact_json.dumps(record)
            item = _Item(source, kind, stream, text, content_hash(text), unwanted, tuple(malformed), record)
            key = (kind, f"{source.system}:{source.instance}", source.id)
            before = self._items.get(key)
            if before is not None:
                self.counts[(kind, "unchanged")] += 1  # of two versions read together one says nothing new
            if before is None or not _older(source.version, before.source.version):
                self._items[key] = item
        if len(self._items) + self._seen_count >= _BATCH:
            self.flush()

    def _remember(self, stream: str, record: t.Mapping[str, t.Any]) -> None:
        instance, id_ = self._reader.reference_id(stream, record)
        version = self._reader.identify(stream, record).version
        key = (instance, stream, id_)
        if not _older(version, self._newest.get(key)):
            self._newest[key] = version
            self._seen[(instance, stream)][id_] = record
            self._seen_count += 1

    def set_aside(self, line: Line) -> None:
        """Take a line of which no record can be made."""
        self._aside.append(line)
        self.counts[(UNREADABLE, "read")] += 1
        if len(self._aside) >= _BATCH:
            self.flush()

    def go_on(self, sources: t.Collection[str]) -> None:
        """Go on from bookmarks that were set when these source instances were read: what is open of them is ours.

        Where something was read, that alone tells what the pipeline reads now.
        """
        if sources and not self.sources:
            news = self._ledger.write(
                lambda connection: go_on(
                    connection, self._target, self._reader.pipeline, sources, run=self._run, actor=self._actor
                )
            )
            for each in news:
                _logger.info(each)

    def flush(self) -> None:
        """Return when everything taken so far is durable.

        Raises:
            OtherPipeline: Something of it belongs to another pipeline; nothing of it was kept.
        """
        self._bring_in()
        seen, self._seen, self._seen_count = self._seen, collections.defaultdict(dict), 0
        for (instance, stream), records in seen.items():
            parts = [_Part(stream, (id_, record), record) for id_, record in records.items()]
            self._keep(parts, functools.partial(self._remember_all, instance, stream))
        items, self._items = self._items, {}
        self._keep(
            [_Part(item.stream, (key, item), item.record, item.kind) for key, item in items.items()], self._write
        )
        aside, self._aside = self._aside, []  # last: what could not be kept has joined them
        if aside:
            self._ledger.write(
                lambda connection: set_aside(connection, target=self._target, system=self._reader.source, lines=aside)
            )

    def _remember_all(self, instance: str, stream: str, kept: t.Sequence[tuple[str, t.Mapping[str, t.Any]]]) -> None:
        self._references.put(instance, stream, dict(kept))

    def _write(self, kept: t.Sequence[tuple[tuple[str, str, str], _Item]]) -> None:
        items = dict(kept)
        # Counted outside: the transaction may be run twice.
        done = self._ledger.write(lambda connection: self._store(connection, items))
        self._summary.read_rows.update(done.rows)
        self.counts.update(done.counts)
        self.conditions.update(done.conditions)

    def _keep(self, parts: t.Sequence[_Part], write: t.Callable[[list[t.Any]], None]) -> None:
        """Write parts together; one that cannot be written is found and set aside, the others are kept."""
        if not parts:
            return
        try:
            write([part.content for part in parts])
        except Exception as error:
            if ends_the_run(error):
                raise
            if len(parts) > 1:
                middle = len(parts) // 2
                self._keep(parts[:middle], write)
                self._keep(parts[middle:], write)
                return
            (part,) = parts
            number = defects.note(error)
            self.defects.add(number)
            text = part.record if isinstance(part.record, str) else exact_json.dumps(part.record)
            what = f"a defect of ml-connector, number {number}, kept a record of {part.stream} from being taken"
            _logger.warning("%s; it is held, the others go on", what)
            self._aside.append(Line.of(what, text, stream=part.stream, cure="quote the number when you report it"))
            if part.kind is not None:  # it was counted as a document when it came in
                self.counts[(part.kind, "read")] -= 1
                self.counts[(UNREADABLE, "read")] += 1

    def _bring_in(self) -> None:
        """Have the pipeline own what it reads of."""
        sources = {source for _, source, _ in self._items}
        sources.update(f"{self._reader.source}:{instance}" for instance, _ in self._seen)
        fresh = sources - self.sources
        if fresh:
            news = self._ledger.write(
                lambda connection: bring_in(
                    connection, self._target, self._reader.pipeline, fresh, run=self._run, actor=self._actor
                )
            )
            self.sources |= fresh
            for each in news:
                _logger.info(each)

    def _store(self, connection: sa.Connection, items: dict[_Key, _Item]) -> _Sorted:
        now = dt.datetime.now(dt.UTC)
        known = self._known(connection, items)
        done = _Sorted()
        for key, item in items.items():
            row = known.get(key)
            if row is not None:
                self._sort_known(done, key, item, row, now)
            elif item.unwanted is not None:
                done.leave_out(item.kind, item.unwanted)
                done.left_out.append(item)
            else:
                done.count(item.kind, "new")
                done.news.append(key)
                done.wanted.append(item)
                done.inserts.append(
                    {
                        "target": self._target,
                        "kind": item.kind,
                        "source": key[1],
                        "source_id": item.source.id,
                        "first_seen_at": now,
                        **self._content(item, now),
                        # One statement inserts them all: each row needs the same columns.
                        "reasons": "[]",
                        "held_since": None,
                        "next_attempt_at": None,
                        **_state(None, item, now),
                    }
                )
        if done.inserts:
            done.rows.update(connection.scalars(sa.insert(entries).returning(entries.c.id), done.inserts))
        for update in done.updates:
            row_id = update.pop("row_id")
            connection.execute(sa.update(entries).where(entries.c.id == row_id).values(**update))
        done.reopened += self._compare_again(connection, done.news)
        audit.append(connection, done.reopened, run=self._run, actor=self._actor)
        leftout.forget(connection, self._target, [_reference(item) for item in done.wanted])
        self._trace(connection, done.left_out, now)
        return done

    def _sort_known(self, done: _Sorted, key: _Key, item: _Item, row: sa.Row[t.Any], now: dt.datetime) -> None:
        older = _older(item.source.version, row.version)
        if not older and (row.record_hash != item.record_hash or _judged_anew(row, item)):
            state = _state(row, item, now)
            done.news.append(key)
            done.updates.append({"row_id": row.id, **self._content(item, now), **state})
            if row.state in BY_AN_ENTRY and state:
                what = f"read anew, version {item.source.version or 'unknown'}"
                done.reopened.append(audit.Step("reopened", what, row.id, row.external_id))
            if row.state == "ignored" and not state:
                done.count(item.kind, "ignored")
            else:
                self._count_open(done, item, row, "changed")
        elif row.state == "ignored":
            filtered = _filtered(row)
            if filtered is None:
                done.count(item.kind, "ignored")
            else:
                done.leave_out(item.kind, filtered)
        elif row.state == "posted":
            done.count(item.kind, "unchanged")
        else:
            self._count_open(done, item, row, "open")

    def _count_open(self, done: _Sorted, item: _Item, row: sa.Row[t.Any], how: str) -> None:
        """Count a record whose document delivery has yet to settle; the second of one run says nothing of its own."""
        done.count(item.kind, "unchanged" if row.id in self._summary.read_rows else how)
        done.rows.add(row.id)

    def _content(self, item: _Item, now: dt.datetime) -> dict[str, t.Any]:
        return {
            "stream": item.stream,
            "record": item.record,
            "record_hash": item.record_hash,
            "version": item.source.version,
            "source_created_at": item.source.created_at,
            "changed_at": now,
        }

    def _trace(self, connection: sa.Connection, items: t.Sequence[_Item], now: dt.datetime) -> None:
        """Leave a trace of what the filter does not want; written only where record or condition are news."""
        known = leftout.known(connection, self._target, [_reference(item) for item in items])
        rows = []
        for item in items:
            before = known.get(_reference(item))
            if before is not None and (
                (before.digest, before.why) == (item.digest, item.unwanted)
                or _older(item.source.version, before.version)
            ):
                continue
            rows.append(
                {
                    **_reference(item)._asdict(),
                    "target": self._target,
                    "version": item.source.version,
                    "kind": item.kind,
                    "why": item.unwanted,
                    "digest": item.digest,
                    "changed_at": now,
                    **leftout.columns(self._reader.outline(item.stream, item.native)),
                }
            )
        leftout.keep(connection, rows)

    def _compare_again(self, connection: sa.Connection, news: t.Iterable[tuple[str, str, str]]) -> list[audit.Step]:
        """Have suppliers compared that come from the target, and have changed here where they were delivered to.

        Suppliers go both ways: somebody may have changed, here, a field of which the target is master.

        Returns:
            For each that was settled, that it is open again.
        """
        reopened = []
        changed: dict[str, list[str]] = collections.defaultdict(list)
        for kind, source, source_id in news:
            if kind == Supplier.kind:
                changed[source].append(source_id)
        for source, ids in changed.items():
            theirs = sa.and_(
                entries.c.target == source,
                entries.c.kind == Supplier.kind,
                entries.c.source == self._target,
                entries.c.target_id.in_(ids),
                entries.c.state.in_(("posted", "held")),
            )
            settled = sa.select(entries.c.id, entries.c.external_id).where(theirs, entries.c.state == "posted")
            what = f"changed in {display_name(source.partition(':')[0])}, to be compared again"
            reopened += [
                audit.Step("reopened", what, row.id, row.external_id)
                for row in connection.execute(settled.with_for_update())
            ]
            connection.execute(
                sa.update(entries)
                .where(theirs)
                .values(
                    state=sa.case((entries.c.state == "posted", "received"), else_=entries.c.state),
                    fingerprint=None,
                    refused=None,
                )
            )
        return reopened

    def _known(self, connection: sa.Connection, items: dict[_Key, _Item]) -> dict[_Key, sa.Row[t.Any]]:
        wanted: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
        for kind, source, source_id in items:
            wanted[(kind, source)].append(source_id)
        known = {}
        for (kind, source), ids in wanted.items():
            rows = connection.execute(
                sa.select(
                    entries.c.id,
                    entries.c.source_id,
                    entries.c.record_hash,
                    entries.c.version,
                    entries.c.state,
                    entries.c.reasons,
                    entries.c.external_id,
                )
                .where(entries.c.target == self._target, entries.c.kind == kind, entries.c.source == source)
                .where(entries.c.source_id.in_(ids))
                .with_for_update()
            )
            known.update({(kind, source, row.source_id): row for row in rows})
        return known


def _reference(item: _Item) -> leftout.Key:
    return leftout.Key(f"{item.source.system}:{item.source.instance}", item.stream, item.source.id)


def _filtered(row: sa.Row[t.Any]) -> str | None:
    """Return the condition that left a document out after it had come in; None when a person settled it."""
    conditions = [reason["what"] for reason in exact_json.loads(row.reasons) if reason["code"] == "filtered"]
    return "; ".join(conditions) or None


def _state(row: sa.Row[t.Any] | None, item: _Item, now: dt.datetime) -> dict[str, t.Any]:
    """Return the state a new or changed record puts its document in.

    What is being posted stays so until its outcome is known, and what a person has settled stays settled.
    """
    if row is not None and (row.state == "posting" or (row.state == "ignored" and '"filtered"' not in row.reasons)):
        return {}
    if item.reasons:
        return {"state": "held", "reasons": _reasons(item.reasons), "held_since": now}
    if row is not None and row.state == "retry":
        return {"next_attempt_at": now}
    return {"state": "received"}


def _judged_anew(row: sa.Row[t.Any], item: _Item) -> bool:
    """Whether a record that has not changed was held for its form, and its schema says something else now."""
    if row.state != "held" or '"malformed"' not in row.reasons:
        return False
    return t.cast("str", row.reasons) != _reasons(item.reasons)


def _reasons(reasons: t.Sequence[Reason]) -> str:
    return exact_json.dumps([reason.to_dict() for reason in reasons])


def _older(version: str | None, known: str | None) -> bool:
    """Whether a record is an older version than a known one: by time, or by count; unknown formats are newer."""
    if version is None or known is None:
        return False
    if version.isdecimal() and known.isdecimal():
        return (len(version.lstrip("0")), version.lstrip("0")) < (len(known.lstrip("0")), known.lstrip("0"))
    try:
        return _moment(version) < _moment(known)
    except ValueError:
        return False


def _moment(version: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(version)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
