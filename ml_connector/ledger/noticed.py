"""What decides over documents and is changed outside the ledger: mapping tables, maps, settings.

Nobody tells us of a change. Each run compares what it uses with what the last one used, and what differs becomes an
entry of the audit: when it was noticed, by which run, and which lines went and came.
"""

from __future__ import annotations

import collections
import hashlib
import typing as t

import sqlalchemy as sa

from ml_connector.ledger import audit
from ml_connector.ledger.schema import noticed
from ml_connector.ledger.store import Ledger
from ml_connector.ledger.upsert import upsert

__all__ = ["notice"]

_SHOWN: t.Final = 100
"""Lines of one change that are spelt out; the hashes stand for all."""


def notice(ledger: Ledger, found: t.Mapping[str, str], *, within: t.Collection[str], run: str, actor: str) -> list[str]:
    """Compare what a run uses with what the last one used, and note what differs.

    Args:
        ledger: Where it is noted.
        found: Texts by name (``mapping table bill-workday/suppliers.csv``), free of secrets.
        within: What the names of all such things of this run begin with; known ones that are not found are gone.
        run: The run.
        actor: Who runs it.

    Returns:
        What has changed since, one line each; nothing of what is seen for the first time.
    """

    def work(connection: sa.Connection) -> list[str]:
        rows = connection.execute(sa.select(noticed))
        known = {row.name: row.content for row in rows if row.name.startswith(tuple(within))}
        steps = []
        for name in sorted({*known, *found}):
            before, after = known.get(name), found.get(name)
            if before != after:
                steps.append((before is not None, _step(name, before, after)))
        upsert(connection, noticed, [{"name": name, "content": text} for name, text in found.items()])
        gone = [name for name in known if name not in found]
        connection.execute(sa.delete(noticed).where(noticed.c.name.in_(gone)))
        audit.append(connection, [step for _, step in steps], run=run, actor=actor)
        return [step.outcome for again, step in steps if again]

    return ledger.write(work)


def _step(name: str, before: str | None, after: str | None) -> audit.Step:
    was, now = (collections.Counter((text or "").splitlines()) for text in (before, after))
    removed, added = list((was - now).elements()), list((now - was).elements())
    if before is None:
        outcome = f"{name} is used for the first time"
        removed = added = []
    elif after is None:
        outcome = f"{name} is gone"
    else:
        outcome = f"{name} has changed: {len(added)} lines added, {len(removed)} removed"
    return audit.Step(
        "noticed",
        outcome,
        detail={
            "before": _hash(before),
            "after": _hash(after),
            "added": added[:_SHOWN],
            "removed": removed[:_SHOWN],
        },
    )


def _hash(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()
