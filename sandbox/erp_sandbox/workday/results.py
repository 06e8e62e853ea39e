"""Results a tenant remembers between the pages of one run (docs/systems/workday.md#w3-2)."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class ResultSets:
    """The results of recent questions, so that the pages of one run fit together.

    A question asked as of a moment keeps its result; one without is asked anew as soon as anything changed.
    """

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._kept: OrderedDict[tuple[Any, ...], list[Any]] = OrderedDict()

    def get(self, key: tuple[Any, ...], compute: Callable[[], list[Any]]) -> list[Any]:
        """The kept result of a question, else a computed one."""
        if key not in self._kept:
            self._kept[key] = compute()
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]
