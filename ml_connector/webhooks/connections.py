"""Places for connections: so many, shared so that strangers who sit on theirs cannot keep others out."""

from __future__ import annotations

import collections
import itertools
import typing as t

__all__ = ["Connections", "Held"]


class Held(t.Protocol):
    """A connection as far as its place is concerned."""

    @property
    def under_way(self) -> bool:
        """Whether a whole request has come on it that is not answered yet."""

    def drop(self) -> None:
        """End it at once."""


class Connections:
    """Gives each connection a place, if need be that of another.

    A place is taken from the connection that has waited longest without having proven anything, then from the one
    whose last proven request is the longest ago; from none that has a whole request under way.

    Args:
        most: How many places there are.
        most_of_one: How many a single address may have.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._strange: dict[Held, str | None] = {}
        self._proven: dict[Held, str | None] = {}
        self._of: collections.defaultdict[str, dict[Held, None]] = collections.defaultdict(dict)

    def __len__(self) -> int:
        return len(self._strange) + len(self._proven)

    def admit(self, connection: Held, address: str | None) -> bool:
        """Give a new connection a place; returns False when there is none for it.

        Args:
            connection: The new one.
            address: What it is counted by; None for those that share the whole table.
        """
        crowd = self._of.get(address, {}) if address is not None else {}
        if len(crowd) >= self._most_of_one and not self._make_room(sorted(crowd, key=self._proven.__contains__)):
            return False
        if len(self) >= self._most and not self._make_room(itertools.chain(self._strange, self._proven)):
            return False
        self._strange[connection] = address
        if address is not None:
            self._of[address][connection] = None
        return True

    def prove(self, connection: Held) -> None:
        """Note that a genuine request came on a connection."""
        for table in (self._strange, self._proven):
            if connection in table:
                self._proven[connection] = address = table.pop(connection)
                if address is not None:
                    self._of[address][connection] = self._of[address].pop(connection)
                return

    def leave(self, connection: Held) -> None:
        """Take back the place of a connection that has ended; nothing when it has none."""
        address = self._strange.pop(connection, None) or self._proven.pop(connection, None)
        if address is not None:
            crowd = self._of[address]
            crowd.pop(connection, None)
            if not crowd:
                del self._of[address]

    def _make_room(self, among: t.Iterable[Held]) -> bool:
        """Drop the first of these that has nothing under way."""
        idle = next((each for each in among if not each.under_way), None)
        if idle is None:
            return False
        self.leave(idle)
        idle.drop()
        return True
