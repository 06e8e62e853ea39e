"""Proving that the audit is complete, and that the documents' rows are what it says they are."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
import typing as t

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from ml_connector.documents import content_hash
from ml_connector.errors import LedgerDamaged
from ml_connector.ledger.audit import COVERED, GENESIS, KEYS, as_kept, facts_of, hash_of, head_of
from ml_connector.ledger.audit_key import AuditKeys
from ml_connector.ledger.schema import audit, entries

__all__ = ["BY_AN_ENTRY", "Anchor", "ChainBroken", "Proof", "anchor_of", "check_pages", "verify"]

_ANCHOR: t.Final = re.compile(r"(?:ml-connector-audit\s+(?P<ledger>\w+)\s+(?P<seq>\d+)\s+)?(?P<hash>[0-9a-f]{64})\b.*")
_OPEN: t.Final = frozenset({"received", "posting", "retry"})
BY_AN_ENTRY: t.Final = frozenset({"posted", "ignored"})
"""States that no document gets into, or out of, without an entry."""
_WHICH: t.Final = (
    "target",
    "kind",
    "source",
    "source_id",
    "target_id",
    "target_number",
    "target_currency",
    "target_amount",
    "target_gone",
    "origin",
)
_SHOWN: t.Final = 20


class ChainBroken(Exception):
    """The chain does not hold together.

    Attributes:
        seq: First row that is wrong.
        why: What is wrong with it.
    """

    def __init__(self, seq: int, why: str) -> None:
        self.seq = seq
        self.why = why
        super().__init__(f"audit entry {seq}: {why}")


@dataclasses.dataclass(frozen=True, slots=True)
class Anchor:
    """The end of the chain at some time, kept where whoever can write the ledger cannot.

    Attributes:
        ledger: Id of the ledger; None where only the hash was kept.
        seq: Number of the last entry; None where only the hash was kept.
        hash: Its hash.
    """

    ledger: str | None
    seq: int | None
    hash: str

    def __str__(self) -> str:
        return f"ml-connector-audit {self.ledger} {self.seq} {self.hash}"

    @classmethod
    def parse(cls, text: str) -> Anchor | None:
        """Return the anchor a line is, with whatever stands behind it; None when it is none."""
        found = _ANCHOR.fullmatch(text.strip())
        if found is None:
            return None
        seq = found["seq"]
        return cls(found["ledger"], int(seq) if seq else None, found["hash"])


@dataclasses.dataclass(frozen=True, slots=True)
class Proof:
    """What was found.

    Attributes:
        entries: Number of entries.
        last_hash: Hash of the last.
        sealed: Entries that are sealed, with a key that is here.
        plain: Entries from before there was a key, proved by their hashes only.
        unproved: Entries sealed with keys that are not here, by the key's id: their hashes are right, no more.
        documents: Documents whose rows are as the audit says.
        uncovered: Documents the audit says nothing of that could be compared: not settled, or from before.
        differing: What is wrong with documents, one line each.
    """

    entries: int
    last_hash: str
    sealed: int
    plain: int
    unproved: t.Mapping[str, int]
    documents: int
    uncovered: int
    differing: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether all is proved that can be."""
        return not self.differing and not self.unproved


def anchor_of(connection: sa.Connection, ledger: str) -> Anchor:
    """Return the end of the chain."""
    head = head_of(connection)
    return Anchor(ledger, head.seq, head.hash)


def check_pages(connection: sa.Connection) -> None:
    """Have SQLite look at every page of its file; PostgreSQL looks at each page it reads, where checksums are on.

    Raises:
        LedgerDamaged: One is not what it should be.
    """
    if connection.dialect.name != "sqlite":
        return
    try:
        found = list(connection.exec_driver_sql("PRAGMA quick_check(5)").scalars())
    except DBAPIError as error:
        found = [str(error.orig)]
    if found != ["ok"]:
        raise LedgerDamaged(
            f"the ledger is damaged: {'; '.join(' '.join(line.split()) for line in found)}.",
            "Restore it from your backup (docs/operating.md).",
        )


def verify(connection: sa.Connection, *, anchors: t.Sequence[Anchor] = ()) -> Proof:
    """Walk the whole chain, and compare every document's row with the last entry about it.

    Args:
        connection: The ledger.
        anchors: Ends of the chain at earlier times, each of which must still be in it.

    Raises:
        ChainBroken: An entry was changed, removed or put in, or the chain is not the one an anchor was taken of.
    """
    walk = _Walk(connection.get_execution_options().get(KEYS), anchors)
    for row in connection.execution_options(yield_per=1000).execute(sa.select(audit).order_by(audit.c.seq)):
        walk.take(row)
    walk.finish(head_of(connection))
    documents, uncovered, differing = _compared(connection, walk.last, walk.named)
    return Proof(
        entries=walk.seq,
        last_hash=walk.hash,
        sealed=walk.sealed,
        plain=walk.plain,
        unproved=walk.unproved,
        documents=documents,
        uncovered=uncovered,
        differing=tuple(differing[:_SHOWN]) + ((f"and {len(differing) - _SHOWN} more",) if differing[_SHOWN:] else ()),
    )


class _Said(t.NamedTuple):
    """What the last entry about a document says of its row."""

    seq: int
    at: dt.datetime
    settled: str


class _Walk:
    def __init__(self, keys: AuditKeys | None, anchors: t.Sequence[Anchor]) -> None:
        self.seq, self.hash = 0, GENESIS
        self.sealed = self.plain = 0
        self.unproved: dict[str, int] = {}
        self.last: dict[int, _Said] = {}
        self.named: set[int] = set()
        self._keys = keys if keys is not None and keys.known else None
        self._by_seq = {anchor.seq: anchor for anchor in anchors if anchor.seq is not None}
        self._by_hash = {anchor.hash for anchor in anchors if anchor.seq is None}

    def take(self, row: sa.Row[t.Any]) -> None:
        if row.seq != self.seq + 1:
            raise ChainBroken(self.seq + 1, f"is missing (the next one there is {row.seq})")
        if row.previous != self.hash:
            raise ChainBroken(row.seq, "does not follow from the one before it")
        if row.hash != hash_of(dict(row._mapping)):  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
            raise ChainBroken(row.seq, "was changed after it was written")
        self._check_seal(row)
        anchor = self._by_seq.pop(row.seq, None)
        if anchor is not None and anchor.hash != row.hash:
            raise ChainBroken(row.seq, "is not the one the anchor was taken of: the chain was written anew")
        self._by_hash.discard(row.hash)
        self.seq, self.hash = row.seq, row.hash
        if row.entry_id is not None:
            self.named.add(row.entry_id)
        if row.entry_id is not None and '"settled":' in row.detail:
            settled = json.dumps(json.loads(row.detail)["settled"], sort_keys=True)
            self.last[row.entry_id] = _Said(row.seq, row.at, settled)

    def finish(self, head: sa.Row[t.Any]) -> None:
        if (head.seq, head.hash) != (self.seq, self.hash):
            raise ChainBroken(self.seq + 1, f"is missing: {head.seq} entries were written, {self.seq} are there")
        for seq in sorted(self._by_seq):
            if seq:
                raise ChainBroken(self.seq + 1, f"is missing: the anchor was taken at entry {seq}, the end was cut off")
        if self._by_hash:
            raise ChainBroken(self.seq + 1, "is missing: no entry has the hash that is expected")
        if self._keys is not None and self.plain and not self.sealed and not self.unproved:
            raise ChainBroken(1, f"is not sealed, nor is any other, though {self._keys.place} has a key")

    def _check_seal(self, row: sa.Row[t.Any]) -> None:
        if row.key is None:
            if self.sealed or self.unproved:
                raise ChainBroken(row.seq, "is not sealed, though those before it are")
            self.plain += 1
            return
        seal = self._keys.seal(row.key, row.hash) if self._keys is not None else None
        if seal is None:
            self.unproved[row.key] = self.unproved.get(row.key, 0) + 1
        elif seal != row.seal:
            raise ChainBroken(row.seq, "was not written by anybody who has the key")
        else:
            self.sealed += 1


def _compared(connection: sa.Connection, last: dict[int, _Said], named: t.Container[int]) -> tuple[int, int, list[str]]:
    columns = dict.fromkeys(("id", "source_id", "number", "changed_at", "record", *COVERED))
    query = sa.select(*map(as_kept, columns)).order_by(entries.c.id)
    equal, uncovered, differing = 0, 0, []
    for row in connection.execution_options(yield_per=500).execute(query):
        label = f"document {row.number or row.source_id}"
        if content_hash(row.record) != row.record_hash:
            differing.append(f"{label}: its record was changed after it came in")
        said = last.pop(row.id, None)
        if said is None:
            uncovered += 1
            if row.state in BY_AN_ENTRY and row.id not in named:
                differing.append(f"{label}: is {row.state}, and no entry of the audit made it so")
            continue
        changed = _changed(row, said)
        if changed:
            differing.append(f"{label}: {', '.join(changed)} (audit entry {said.seq})")
        else:
            equal += 1
    differing += [f"the document of audit entry {said.seq} is gone" for said in last.values()]
    return equal, uncovered, differing


def _changed(row: sa.Row[t.Any], said: _Said) -> list[str]:
    """Return what of a row is other than the last entry about it says, and may not be.

    A newer version of a record leaves what is settled as it is until the document is looked at again; until then only
    what it is in the target can be compared. That it is looked at again has an entry itself.
    """
    now, then = facts_of(row), json.loads(said.settled)
    names = list(_WHICH if row.state in _OPEN else COVERED)
    if row.changed_at > said.at.isoformat(timespec="microseconds"):
        names = [name for name in names if name not in ("record_hash", *(("state",) if row.state == "held" else ()))]
    if then["state"] in BY_AN_ENTRY and "state" not in names:
        names.append("state")
    return [f"{name} is {now[name]}, was {then[name]}" for name in names if name in then and now[name] != then[name]]
