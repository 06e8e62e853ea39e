"""The documents of one kind, found by id, by day and by supplier's number without a scan."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING, Generic, TypeVar

from erp_sandbox.workday.documents import Invoice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

DocumentT = TypeVar("DocumentT", bound=Invoice)


class DocumentLedger(Generic[DocumentT]):
    """Documents in the order they were written, with the indexes a tenant needs."""

    def __init__(self, documents: Iterable[DocumentT] = ()) -> None:
        self.all: list[DocumentT] = []
        self._by_wid: dict[str, DocumentT] = {}
        self._days: list[date] = []
        self._by_day: dict[date, list[DocumentT]] = {}
        self._numbers: dict[tuple[str, str], list[DocumentT]] = {}
        for document in documents:
            self.add(document)

    def add(self, document: DocumentT) -> None:
        """Keep a new document."""
        self.all.append(document)
        self._by_wid[document.wid] = document
        self._index(document)

    def change(self, document: DocumentT, changes: Mapping[str, object]) -> None:
        """Change fields of a document.

        Raises:
            AttributeError: a document has no such field.
        """
        unknown = [name for name in changes if not hasattr(document, name)]
        if unknown:
            raise AttributeError(f"a document has no {unknown[0]}")
        _take_out(self._by_day[document.invoice_date], document)
        _take_out(self._numbers[_number_key(document.supplier, document.suppliers_invoice_number)], document)
        for name, value in changes.items():
            setattr(document, name, value)
        self._index(document)

    def by_wid(self, wid: str) -> DocumentT:
        """The document with this WID.

        Raises:
            KeyError: there is none.
        """
        return self._by_wid[wid]

    def using_number(self, supplier: str, number: str) -> list[DocumentT]:
        """The documents of a supplier that carry this number and are not canceled."""
        if not number:
            return []
        return [each for each in self._numbers.get(_number_key(supplier, number), []) if not each.canceled]

    def between(self, first: date | None, last: date | None) -> Iterator[DocumentT]:
        """The documents dated in this window, both ends included, any order."""
        low = 0 if first is None else bisect_left(self._days, first)
        high = len(self._days) if last is None else bisect_right(self._days, last)
        for day in self._days[low:high]:
            yield from self._by_day[day]

    def _index(self, document: DocumentT) -> None:
        day = document.invoice_date
        if day not in self._by_day:
            self._by_day[day] = []
            insort(self._days, day)
        self._by_day[day].append(document)
        key = _number_key(document.supplier, document.suppliers_invoice_number)
        self._numbers.setdefault(key, []).append(document)


def _number_key(supplier: str, number: str) -> tuple[str, str]:
    return supplier, number.strip().casefold()


def _take_out(documents: list[DocumentT], document: DocumentT) -> None:
    """Remove this very document; two that look alike stay apart."""
    documents[:] = [each for each in documents if each is not document]
