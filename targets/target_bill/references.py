"""What BILL has that documents refer to: vendors, accounts, classifications; each list read once a run."""

from __future__ import annotations

import collections
import threading
import typing as t

from ml_connector.sameness import same_id, same_name, same_number, telling_tax_id
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.codings import Coding, CodingBook, CodingList
from ml_connector.systems.bill.vendors import Vendor, VendorBook

__all__ = ["Ambiguous", "References"]


class Ambiguous(LookupError):
    """Several things go by the value asked for; their ids tell them apart.

    Args:
        labels: The things, as messages quote them.
    """

    def __init__(self, labels: t.Sequence[str]) -> None:
        self.labels = tuple(labels)
        super().__init__(", ".join(labels))


class References:
    """The reference data of an organization; thread-safe.

    Args:
        client: The organization's client.
    """

    def __init__(self, client: BillClient) -> None:
        self.vendors = VendorBook(client)
        self.codings = CodingBook(client)
        self._vendor_index: _Index[Vendor] | None = None
        self._coding_indexes: dict[CodingList, _Index[Coding]] = {}
        self._lock = threading.RLock()

    def vendor(self, value: str) -> Vendor | None:
        """Return a vendor by its id, its short name or, as people write it into mapping tables, its name.

        Raises:
            Ambiguous: Several have this short name or name.
        """
        known = self._vendors()
        found = known.get(same_id(value))
        if found is not None:
            return found
        numbered = known.with_key("short_name", same_id(value)) or known.with_key("number", same_number(value))
        return _only(numbered or known.with_key("name", same_name(value)))

    def vendors_with(self, *, short_name: str | None = None, tax_id: str | None = None) -> list[Vendor]:
        """Return the vendors with exactly this short name, or with this tax number, archived ones too."""
        known = self._vendors()
        keyed = known.with_key("short_name", same_id(short_name)) if short_name else []
        return keyed + known.with_key("tax_id", telling_tax_id(tax_id))

    def vendors_named(self, name: str) -> list[Vendor]:
        """Return the vendors of this name, however it is written."""
        return self._vendors().with_key("name", same_name(name))

    def coding(self, which: CodingList, value: str) -> Coding | None:
        """Return an account or classification by its id, else its number or code, else its name.

        Raises:
            Ambiguous: Several go by this code or name, and not just one of them is in use.
        """
        known = self._list(which)
        same = known.with_key("code", same_number(value)) or known.with_key("name", same_name(value))
        return known.get(same_id(value)) or _only([coding for coding in same if not coding.archived] or same)

    def codings_with(self, which: CodingList, *, code: str | None = None, mark: str | None = None) -> list[Coding]:
        """Return what has this number or code, or carries this mark of ours."""
        known = self._list(which)
        return known.with_key("code", same_number(code) if code else None) + known.with_key("mark", mark)

    def add(self, thing: Vendor | Coding) -> None:
        """Add a thing created or changed meanwhile."""
        if isinstance(thing, Vendor):
            self._vendors().put(thing)
        else:
            self._list(thing.list).put(thing)

    def reload(self, what: CodingList | t.Literal["vendors"]) -> None:
        """Forget a list, so that it is read again when it is next asked for."""
        with self._lock:
            if what == "vendors":
                self._vendor_index = None
            else:
                self._coding_indexes.pop(what, None)

    def _vendors(self) -> _Index[Vendor]:
        with self._lock:
            if self._vendor_index is None:
                self._vendor_index = _Index(self.vendors.all(), _vendor_keys)
            return self._vendor_index

    def _list(self, which: CodingList) -> _Index[Coding]:
        with self._lock:
            if which not in self._coding_indexes:
                self._coding_indexes[which] = _Index(self.codings.all(which), _coding_keys)
            return self._coding_indexes[which]


T = t.TypeVar("T", Vendor, Coding)


class _Index(t.Generic[T]):
    """Things by id and by what else they go by."""

    def __init__(self, things: t.Iterable[T], keys: t.Callable[[T], t.Mapping[str, str | None]]) -> None:
        self._keys: t.Callable[[T], t.Mapping[str, str | None]] = keys
        self._lock = threading.Lock()
        self._by_id: dict[str, T] = {}
        self._ids: dict[tuple[str, str], dict[str, None]] = collections.defaultdict(dict)
        for thing in things:
            self.put(thing)

    def get(self, identifier: str) -> T | None:
        return self._by_id.get(identifier)

    def with_key(self, name: str, value: str | None) -> list[T]:
        with self._lock:
            return [self._by_id[identifier] for identifier in self._ids.get((name, value), ())] if value else []

    def put(self, thing: T) -> None:
        with self._lock:
            before = self._by_id.get(thing.id)
            for name, value in (self._keys(before) if before else {}).items():
                if value:
                    self._ids[name, value].pop(thing.id, None)
            self._by_id[thing.id] = thing
            for name, value in self._keys(thing).items():
                if value:
                    self._ids[name, value][thing.id] = None


def _vendor_keys(vendor: Vendor) -> dict[str, str | None]:
    short_name = vendor.short_name or ""
    return {
        "short_name": same_id(short_name),
        "number": same_number(short_name),
        "tax_id": telling_tax_id(vendor.tax_id),
        "name": same_name(vendor.name),
    }


def _coding_keys(coding: Coding) -> dict[str, str | None]:
    return {"code": same_number(coding.code or ""), "name": same_name(coding.name), "mark": coding.mark}


def _only(things: t.Sequence[T]) -> T | None:
    if len(things) > 1:
        raise Ambiguous([f"{thing.label} {thing.id}" for thing in things])
    return things[0] if things else None
