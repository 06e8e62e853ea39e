"""Whose documents are whose: each source instance belongs to the one pipeline that brings it in for a target.

A run delivers what its pipeline owns and leaves everything else alone. That a source instance is read through another
map or with other tables is never an edit: it may be another company's run, so it is refused until a person hands the
documents over. Changed settings of the same map, and a project that has moved, are taken along by the next run that
reads something of the source, or goes on from the bookmarks of one that did: it shows that it is the same pipeline.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import json
import typing as t

import sqlalchemy as sa

from ml_connector.errors import UserError
from ml_connector.ledger import audit
from ml_connector.ledger.aside import UNREADABLE
from ml_connector.ledger.schema import entries, is_open, owners
from ml_connector.ledger.store import Ledger
from ml_connector.ledger.upsert import upsert
from ml_connector.pipelines import USUAL_TABLES, Pipeline, base_of, in_words

__all__ = ["Holding", "LeftAlone", "OtherPipeline", "Reach", "bring_in", "go_on", "hand_over", "holding_of", "holdings"]

_document: t.Final = sa.and_(is_open, entries.c.kind != UNREADABLE)  # a line that was set aside is nobody's


class OtherPipeline(UserError):
    """Documents of a source instance would go out through two pipelines."""


@dataclasses.dataclass(frozen=True, slots=True)
class LeftAlone:
    """Open documents that a run did not touch because they are not its own.

    Attributes:
        source: The source instance they come from.
        documents: How many.
        why: Why they were left alone.
        cure: What to do about it; empty where all is as it should be.
    """

    source: str
    documents: int
    why: str
    cure: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Holding:
    """What is open of one source instance for one target, and whose it is.

    Attributes:
        target: The target instance.
        source: The source instance.
        owned: Whether a pipeline owns it.
        plugin: The tap that brought it in last; None when nobody owns it.
        map: File of the map; None when nobody has noted it yet.
        tables: Folder of the mapping tables; None when nobody has noted it yet.
        settings: Settings of the map that are not its defaults.
        ran_at: When a run of the pipeline delivered last.
        documents: Documents with which something may still be done.
    """

    target: str
    source: str
    owned: bool
    plugin: str | None
    map: str | None
    tables: str | None
    settings: dict[str, t.Any] | None
    ran_at: dt.datetime | None
    documents: int

    @property
    def words(self) -> str:
        """What people call the pipeline."""
        if not self.owned:
            return "no pipeline"
        return in_words(self.map, self.tables) if self.map is not None else f"{self.plugin}, as runs before told"


class Reach:
    """The documents a run may deliver: those of its pipeline that its map knows.

    Args:
        target: The target instance.
        pipeline: What the run is.
        streams: Streams its map makes documents of, by the kind of document.
    """

    def __init__(self, target: str, pipeline: Pipeline, streams: t.Mapping[str, t.Collection[str]]) -> None:
        self._target = target
        self._pipeline = pipeline
        self._streams = streams
        self._ours = sa.and_(
            owners.c.target == target,
            owners.c.map == pipeline.map,
            owners.c.place == pipeline.place,
            owners.c.settings == pipeline.settings,
        )

    @property
    def owned(self) -> sa.ColumnElement[bool]:
        """Whether a document's source instance belongs to the pipeline.

        Asked row by row, since a list of sources would tempt SQLite to walk through all that is posted of them.
        """
        mine = sa.select(owners.c.source).where(self._ours, owners.c.source == entries.c.source)
        return mine.correlate(entries).exists()

    def of(self, kind: str) -> sa.ColumnElement[bool]:
        """Whether a document is of a kind, and the run's to deliver."""
        return sa.and_(entries.c.target == self._target, self._known(kind), self.owned)

    @property
    def all(self) -> sa.ColumnElement[bool]:
        """Whether a document is the run's to deliver."""
        known = sa.or_(sa.false(), *(self._known(kind) for kind in self._streams))
        return sa.and_(entries.c.target == self._target, known, self.owned)

    def begin(self, ledger: Ledger) -> None:
        """Note that the pipeline delivers now."""
        ran = sa.update(owners).where(self._ours).values(ran_at=_now())
        ledger.write(lambda connection: connection.execute(ran))

    def left_alone(self, connection: sa.Connection) -> list[LeftAlone]:
        """Return what is open for the target and not the run's to deliver, with the reason."""
        query = (
            sa.select(entries.c.source, entries.c.stream, entries.c.kind, sa.func.count())
            .where(entries.c.target == self._target, _document)
            .group_by(entries.c.source, entries.c.stream, entries.c.kind)
            .order_by(entries.c.source, entries.c.stream, entries.c.kind)
        )
        rows = connection.execute(sa.select(owners).where(owners.c.target == self._target))
        known = {row.source: row for row in rows}
        counted: collections.Counter[tuple[str, str, str]] = collections.Counter()
        for source, stream, kind, documents in connection.execute(query):
            why = self._why_not(source, known.get(source), stream, kind)
            if why is not None:
                counted[(source, *why)] += documents
        return [LeftAlone(source, documents, why, cure) for (source, why, cure), documents in counted.items()]

    def _known(self, kind: str) -> sa.ColumnElement[bool]:
        streams = sorted(self._streams.get(kind, ()))
        return sa.and_(entries.c.kind == kind, entries.c.stream.in_(streams))

    def _why_not(self, source: str, owner: sa.Row[t.Any] | None, stream: str, kind: str) -> tuple[str, str] | None:
        reads = f"a run that reads something of {source}, or goes on from its bookmarks, takes them along"
        if owner is None:
            return "they belong to no pipeline", f"{reads}; or `ml-connector hand-over {source}`"
        if not _same(owner, self._pipeline):
            return f"they belong to another pipeline: {_words_of(owner)}", ""
        if (owner.map, owner.place, owner.settings) != _identity(self._pipeline):
            why = "they were brought in with other settings of the map, or by a project at another place"
            return why, f"{reads}; `meltano run --full-refresh` reads all"
        if kind not in self._streams:
            return f"this target takes no {kind.replace('_', ' ')} as it is set", "see the target's settings"
        if stream not in self._streams[kind]:
            why = f"the map {self._pipeline.map} makes no {kind.replace('_', ' ')} of stream {stream}"
            return why, f"give the map its stream {stream} again, or `ml-connector ignore` them"
        return None


def bring_in(
    connection: sa.Connection,
    target: str,
    pipeline: Pipeline,
    sources: t.Collection[str],
    *,
    run: str | None,
    actor: str,
) -> list[str]:
    """Note that a run of a pipeline reads something of source instances, for a target; what is news is audited.

    Of two pipelines that do so for the first time at the same moment the database lets one be first; the other one
    begins again, finds it, and is refused.

    Returns:
        What has changed by it, in words.

    Raises:
        OtherPipeline: One of them belongs to a pipeline with another map or other tables; names both.
    """
    query = sa.select(owners).where(owners.c.target == target, owners.c.source.in_(sources)).with_for_update()
    known = {row.source: row for row in connection.execute(query)}
    news = []
    for source in sorted(sources):
        owner = known.get(source)
        values = {name: getattr(pipeline, name) for name in ("plugin", "map", "tables", "place", "settings")}
        if owner is None:
            connection.execute(sa.insert(owners).values(target=target, source=source, since=_now(), **values))
            news.append(f"{source} is brought in for {target} by {pipeline.words} from now on")
        elif not _same(owner, pipeline):
            raise OtherPipeline(
                f"{source} is brought in for {target} by {_words_of(owner)}, and this run is another pipeline: "
                f"{pipeline.words}.",
                f"Run only one of the two; or hand over to this one: {_command(target, source, pipeline)}",
            )
        elif any(owner._mapping[name] != value for name, value in values.items()):  # noqa: SLF001 - SQLAlchemy's name
            connection.execute(
                sa.update(owners).where(owners.c.target == target, owners.c.source == source).values(**values)
            )
            news.extend(_changes(source, owner, pipeline))
    detail = {"target": target, "sources": sorted(sources), "pipeline": dataclasses.asdict(pipeline)}
    audit.append(connection, [audit.Step("brought_in", each, detail=detail) for each in news], run=run, actor=actor)
    return news


def go_on(
    connection: sa.Connection,
    target: str,
    pipeline: Pipeline,
    sources: t.Collection[str],
    *,
    run: str | None,
    actor: str,
) -> list[str]:
    """Note that a run goes on from bookmarks that were set when source instances were read, for a target.

    What belongs to another pipeline by now is left alone: nothing of it is read.

    Returns:
        What has changed by it, in words.
    """
    query = sa.select(owners).where(owners.c.target == target, owners.c.source.in_(sources)).with_for_update()
    ours = [row.source for row in connection.execute(query) if _same(row, pipeline)]
    return bring_in(connection, target, pipeline, ours, run=run, actor=actor)


def hand_over(ledger: Ledger, *, target: str, source: str, pipeline: Pipeline, actor: str) -> str:
    """Give everything of a source instance, for one target, to a pipeline.

    Returns:
        What was done, in words.

    Raises:
        UserError: A run is at its documents at this moment.
    """

    def work(connection: sa.Connection) -> str:
        now = _now()
        mine = (entries.c.target == target, entries.c.source == source)
        busy = sa.select(entries.c.id).where(*mine, entries.c.lease_until > now).limit(1)
        if connection.execute(busy).first():
            raise UserError(
                f"documents of {source} are being delivered at this moment.", "Try again when the run has ended."
            )
        before = _owner(connection, target, source)
        since = {"since": now, "ran_at": None}
        row = {"target": target, "source": source, **dataclasses.asdict(pipeline), **since}
        upsert(connection, owners, [row])
        earlier = _words_of(before) if before is not None else "no pipeline"
        text = f"{source} for {target}: from {earlier} to {pipeline.words}"
        detail = {"target": target, "source": source, "pipeline": dataclasses.asdict(pipeline)}
        audit.append(connection, [audit.Step("handed_over", text, detail=detail)], run=None, actor=actor)
        return text

    return ledger.write(work)


def holding_of(connection: sa.Connection, target: str, source: str) -> Holding:
    """Return whose the documents of a source instance are, for one target."""
    mine = (entries.c.target == target, entries.c.source == source, _document)
    documents = connection.execute(sa.select(sa.func.count()).select_from(entries).where(*mine)).scalar_one()
    return _holding((target, source), _owner(connection, target, source), documents)


def holdings(connection: sa.Connection) -> list[Holding]:
    """Return whose the documents of each source instance are, for each target, and how many are open."""
    query = (
        sa.select(entries.c.target, entries.c.source, sa.func.count())
        .where(_document)
        .group_by(entries.c.target, entries.c.source)
    )
    counted = {(target, source): documents for target, source, documents in connection.execute(query)}
    known = {(row.target, row.source): row for row in connection.execute(sa.select(owners))}
    return [_holding(key, known.get(key), counted.get(key, 0)) for key in sorted({*counted, *known})]


def _owner(connection: sa.Connection, target: str, source: str) -> sa.Row[t.Any] | None:
    query = sa.select(owners).where(owners.c.target == target, owners.c.source == source)
    return connection.execute(query).one_or_none()


def _holding(key: tuple[str, str], owner: sa.Row[t.Any] | None, documents: int) -> Holding:
    target, source = key
    if owner is None:
        return Holding(target, source, False, None, None, None, None, None, documents)
    settings = None if owner.settings is None else json.loads(owner.settings)
    return Holding(target, source, True, owner.plugin, owner.map, owner.tables, settings, owner.ran_at, documents)


def _same(owner: sa.Row[t.Any], pipeline: Pipeline) -> bool:
    """Whether a run that reads something of the owner's source is the owner's."""
    if owner.map is None:
        return base_of(owner.plugin) == pipeline.base
    return owner.map == pipeline.map and bool(owner.tables == pipeline.tables or owner.place == pipeline.place)


def _identity(pipeline: Pipeline) -> tuple[str, str, str]:
    return pipeline.map, pipeline.place, pipeline.settings


def _words_of(owner: sa.Row[t.Any]) -> str:
    return in_words(owner.map, owner.tables) if owner.map is not None else owner.plugin


def _changes(source: str, owner: sa.Row[t.Any], pipeline: Pipeline) -> t.Iterator[str]:
    if owner.map is None or owner.settings is None:
        yield f"{source} is brought in by {pipeline.words}"
        return
    if owner.place != pipeline.place:
        yield f"the mapping tables for {source} are at {pipeline.place} now"
    before, now = json.loads(owner.settings), json.loads(pipeline.settings)
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            old, new = (json.dumps(each[name]) if name in each else "its default" for each in (before, now))
            yield f"map setting {name} for {source} was {old} and is {new}"


def _command(target: str, source: str, pipeline: Pipeline) -> str:
    words = ["ml-connector hand-over", source, "--target", target, "--to", pipeline.plugin or "documents"]
    folder = pipeline.map.rpartition("/")[0]
    if folder:
        words += ["--maps-dir", folder]
    if pipeline.tables not in ("", USUAL_TABLES):
        words += ["--crosswalk-dir", pipeline.tables]
    return " ".join(words)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
