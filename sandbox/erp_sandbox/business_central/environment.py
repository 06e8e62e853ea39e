"""One environment of the tenant: companies, subscriptions, and units of work that are undone as a whole."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from erp_sandbox.business_central.values import Record
from erp_sandbox.clock import Clock

if TYPE_CHECKING:
    from erp_sandbox.business_central.company import Company
    from erp_sandbox.business_central.table import Table

__all__ = ["Change", "Environment"]


@dataclass(frozen=True, slots=True)
class Change:
    """One committed change of a record."""

    company: str
    table: str
    identifier: str
    before: Record | None
    after: Record | None


class Environment:
    """Companies by id, and the one place where changes are noted.

    Args:
        name: In the path; case matters here.
        clock: The time it lives in.
        publish: Told of every committed change.
    """

    def __init__(self, name: str, clock: Clock, publish: Callable[[Environment, list[Change]], None]) -> None:
        self.name = name
        self.clock = clock
        self.companies: dict[str, Company] = {}
        self.subscriptions: dict[str, Record] = {}
        self._publish = publish
        self._owners: dict[int, str] = {}
        self._undo: list[tuple[Table, str, Record | None, Record | None]] = []
        self._committed = 0
        self._depth = 0
        self._versions = 4_000
        self._ids = 0

    def know_tables(self, company: Company) -> None:
        """Remember whose tables these are."""
        for table in company.all_tables():
            self._owners[id(table)] = company.id

    def company(self, id_or_name: str) -> Company:
        """A company by its id or name.

        Raises:
            KeyError: there is none.
        """
        for each in self.companies.values():
            if id_or_name in (each.id, each.name):
                return each
        raise KeyError(f"no company {id_or_name}")

    def next_version(self) -> int:
        """The next etag's number."""
        self._versions += 1
        return self._versions

    def new_id(self, what: str) -> str:
        """An id that follows from the environment and how many there were before."""
        self._ids += 1
        digest = blake2b(f"{self.name}:{what}:{self._ids}".encode(), digest_size=16).digest()
        return str(uuid.UUID(bytes=digest, version=4))

    def counters(self) -> tuple[int, int]:
        """How many etags and ids there were, for a snapshot."""
        return self._versions, self._ids

    def go_on_from(self, versions: int, ids: int) -> None:
        """Continue the counts of a snapshot."""
        self._versions, self._ids = versions, ids

    def note(self, table: Table, identifier: str, before: Record | None, after: Record | None) -> None:
        """Keep a change so that it can be undone, or published."""
        self._undo.append((table, identifier, before, after))

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Undo everything that happens inside if it ends in an error; publish it when the outermost ends well."""
        mark = self._committed + len(self._undo)
        self._depth += 1
        try:
            yield
        except BaseException:
            while self._committed + len(self._undo) > mark and self._undo:
                table, identifier, before, _ = self._undo.pop()
                table.restore(identifier, before)
            raise
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.commit()

    def commit(self) -> None:
        """Make everything so far final, as posting does (sheet 4, batch)."""
        changes = [
            Change(self._owners[id(table)], table.name, identifier, before, after)
            for table, identifier, before, after in self._undo
        ]
        self._committed += len(self._undo)
        self._undo.clear()
        if changes:
            self._publish(self, changes)
