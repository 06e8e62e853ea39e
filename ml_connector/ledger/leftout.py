"""The trace of records that the map's filter left out: what they are called, and the condition that did it."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import typing as t
from decimal import Decimal

import sqlalchemy as sa

from ml_connector.documents import Outline
from ml_connector.ledger.schema import keeps, left_out
from ml_connector.ledger.upsert import upsert

__all__ = ["Key", "LeftOut", "called", "columns", "forget", "keep", "known", "named"]

_MANY = 50


class Key(t.NamedTuple):
    """Which record: source system and instance, stream, id."""

    source: str
    stream: str
    source_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class LeftOut:
    """A record the filter left out; see ``schema.left_out`` for the columns."""

    target: str
    source: str
    stream: str
    source_id: str
    version: str | None
    kind: str
    why: str
    digest: str
    number: str | None
    party: str | None
    currency: str | None
    amount: Decimal | None
    changed_at: dt.datetime | None

    @property
    def label(self) -> str:
        """How people call it: the human number, else the source's id."""
        return self.number or self.source_id


def columns(outline: Outline) -> dict[str, t.Any]:
    """Return the values of the columns people know a record by; an amount no ledger can keep is left out."""
    amount = outline.amount if outline.amount is not None and keeps(outline.amount) else None
    return {"number": outline.number, "party": outline.party, "currency": outline.currency, "amount": amount}


def known(connection: sa.Connection, target: str, keys: t.Sequence[Key]) -> dict[Key, sa.Row[t.Any]]:
    """Return digest, condition and version of those records that were left out before."""
    return {
        Key(source, stream, row.source_id): row
        for (source, stream), ids in _grouped(keys).items()
        for row in connection.execute(
            sa.select(left_out.c.source_id, left_out.c.digest, left_out.c.why, left_out.c.version).where(
                _of(target, source, stream), left_out.c.source_id.in_(ids)
            )
        )
    }


def keep(connection: sa.Connection, rows: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """Write rows, in place of what was said of the same records before."""
    upsert(connection, left_out, rows)


def forget(connection: sa.Connection, target: str, keys: t.Sequence[Key]) -> None:
    """Drop the trace of records that are documents now."""
    for (source, stream), ids in _grouped(keys).items():
        connection.execute(sa.delete(left_out).where(_of(target, source, stream), left_out.c.source_id.in_(ids)))


def named(connection: sa.Connection, term: str, *, target: str | None = None) -> list[LeftOut]:
    """Return what was left out and has this number or id, of all targets or one."""
    return _rows(connection, sa.or_(left_out.c.number == term, left_out.c.source_id == term), target)


def called(
    connection: sa.Connection, pattern: str, amount: Decimal | None, *, target: str | None = None
) -> list[LeftOut]:
    """Return what was left out by amount, or by a pattern (SQL LIKE, lower case) its vendor's name matches."""
    if amount is not None and (found := _rows(connection, left_out.c.amount == amount, target)):
        return found
    return _rows(connection, sa.func.lower(left_out.c.party).like(pattern, escape="\\"), target)


def _rows(connection: sa.Connection, condition: sa.ColumnElement[bool], target: str | None) -> list[LeftOut]:
    meant = condition if target is None else sa.and_(condition, left_out.c.target == target)
    query = sa.select(left_out).where(meant).order_by(left_out.c.changed_at.desc()).limit(_MANY)
    return [LeftOut(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name


def _of(target: str, source: str, stream: str) -> sa.ColumnElement[bool]:
    return sa.and_(left_out.c.target == target, left_out.c.source == source, left_out.c.stream == stream)


def _grouped(keys: t.Sequence[Key]) -> dict[tuple[str, str], list[str]]:
    grouped: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    for key in keys:
        grouped[(key.source, key.stream)].append(key.source_id)
    return grouped
