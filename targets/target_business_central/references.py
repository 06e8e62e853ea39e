"""What Business Central has that documents refer to: vendors, accounts, dimension values; each list read once a run."""

from __future__ import annotations

import collections
import re
import threading
import typing as t

from ml_connector.sameness import same_id, same_name, same_number, telling_tax_id
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.codings import Account, CodingBook, DimensionValue
from ml_connector.systems.business_central.vendors import Vendor, VendorBook

__all__ = ["GUID", "Ambiguous", "References"]

GUID: t.Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

T = t.TypeVar("T")


class Ambiguous(LookupError):
    """Several things go by the value asked for; their numbers tell them apart.

    Args:
        labels: The things, as messages quote them.
    """

    def __init__(self, labels: t.Sequence[str]) -> None:
        self.labels = tuple(labels)
        super().__init__(", ".join(labels))


class References:
    """The reference data of a company; thread-safe.

    Args:
        client: The environment's client.
        company_id: GUID of the company.

    Attributes:
        company: Path of the company.
    """

    def __init__(self, client: BusinessCentralClient, company_id: str) -> None:
        self.company = f"companies({company_id})"
        self.vendors = VendorBook(client, self.company)
        self._client = client
        self._company_id = company_id
        self._codings = CodingBook(client, self.company)
        self._vendor_index: _VendorIndex | None = None
        self._lists: dict[str, t.Any] = {}
        self._lock = threading.RLock()

    def is_company(self, value: str) -> bool:
        """Whether a document's company is this one, by its id or one of its names."""
        if same_number(value) == same_number(self._company_id):
            return True
        return self._once("company", lambda: self._client.company(self._company_id)).is_called(value)

    def currency(self, code: str | None) -> str | None:
        """Return a currency by its ISO code: Business Central leaves out the company's own."""
        return code or self._currencies()[0]

    def knows_currency(self, code: str) -> bool:
        """Whether the company has a currency."""
        own, others = self._currencies()
        return code == own or code in others

    def vendor(self, value: str) -> Vendor | None:
        """Return a vendor by its id, its number or, as people write it into mapping tables, its name.

        Raises:
            Ambiguous: Several have this name.
        """
        known = self._vendors()
        same = known.with_key("number", same_number(value)) or known.with_key("name", same_name(value))
        if len(same) > 1:
            raise Ambiguous([vendor.label for vendor in same])
        return known.get(same_id(value).lower()) or next(iter(same), None)

    def vendors_with(self, *, number: str | None = None, tax_id: str | None = None) -> list[Vendor]:
        """Return the vendors with this number, or with this tax number, blocked ones too."""
        known = self._vendors()
        numbered = known.with_key("number", same_number(number)) if number else []
        return numbered + known.with_key("tax_id", telling_tax_id(tax_id))

    def vendors_named(self, name: str) -> list[Vendor]:
        """Return the vendors of this name, however it is written."""
        return self._vendors().with_key("name", same_name(name))

    def all_vendors(self) -> list[Vendor]:
        """Return every vendor."""
        return self._vendors().all()

    def account(self, value: str) -> Account | None:
        """Return an account by its number, its id or its name.

        Raises:
            Ambiguous: Several have this name, and not just one of them can be posted to.
        """
        by_key = self._once("accounts", self._accounts)
        for key in (("number", same_number(value)), ("id", same_id(value).lower()), ("name", same_name(value))):
            same: list[Account] = by_key.get(key, [])
            same = [account for account in same if account.why_not is None] or same
            if len(same) > 1:
                raise Ambiguous([account.label for account in same])
            if same:
                return same[0]
        return None

    def has_dimension(self, code: str) -> bool:
        """Whether there is a dimension with this code."""
        return code in self._values()

    def dimension_value(self, dimension: str, value: str) -> DimensionValue | None:
        """Return a value of a dimension by its code, else its id, else its name.

        Raises:
            Ambiguous: Several have this name.
        """
        values = self._values().get(dimension, [])
        for same in (
            [each for each in values if same_number(each.code) == same_number(value)],
            [each for each in values if each.id == same_id(value).lower()],
            [each for each in values if same_name(each.name) == same_name(value)],
        ):
            if len(same) > 1:
                raise Ambiguous([f'{each.code} "{each.name}"' for each in same])
            if same:
                return same[0]
        return None

    def add(self, vendor: Vendor) -> None:
        """Add a vendor created or changed meanwhile."""
        self._vendors().put(vendor)

    def reload_vendors(self) -> None:
        """Forget the vendors, so that they are read again when one is next asked for."""
        with self._lock:
            self._vendor_index = None

    def _vendors(self) -> _VendorIndex:
        with self._lock:
            if self._vendor_index is None:
                self._vendor_index = _VendorIndex(self.vendors.all())
            return self._vendor_index

    def _currencies(self) -> tuple[str | None, frozenset[str]]:
        return self._once("currencies", self._codings.currencies)

    def _values(self) -> dict[str, list[DimensionValue]]:
        return self._once("values", self._codings.values)

    def _accounts(self) -> dict[tuple[str, str], list[Account]]:
        index = collections.defaultdict(list)
        for account in self._codings.accounts():
            index["number", same_number(account.number)].append(account)
            index["id", account.id].append(account)
            index["name", same_name(account.name)].append(account)
        return index

    def _once(self, name: str, read: t.Callable[[], T]) -> T:
        with self._lock:
            if name not in self._lists:
                self._lists[name] = read()
            return t.cast("T", self._lists[name])


class _VendorIndex:
    """Vendors by id and by what else they go by."""

    def __init__(self, vendors: t.Iterable[Vendor]) -> None:
        self._lock = threading.Lock()
        self._by_id: dict[str, Vendor] = {}
        self._ids: dict[tuple[str, str], dict[str, None]] = collections.defaultdict(dict)
        for vendor in vendors:
            self.put(vendor)

    def get(self, identifier: str) -> Vendor | None:
        return self._by_id.get(identifier)

    def all(self) -> list[Vendor]:
        with self._lock:
            return list(self._by_id.values())

    def with_key(self, name: str, value: str | None) -> list[Vendor]:
        with self._lock:
            return [self._by_id[identifier] for identifier in self._ids.get((name, value), ())] if value else []

    def put(self, vendor: Vendor) -> None:
        with self._lock:
            before = self._by_id.get(vendor.id)
            for key in _keys(before) if before else ():
                self._ids[key].pop(vendor.id, None)
            self._by_id[vendor.id] = vendor
            for key in _keys(vendor):
                self._ids[key][vendor.id] = None


def _keys(vendor: Vendor) -> t.Iterator[tuple[str, str]]:
    for name, value in (
        ("number", same_number(vendor.number)),
        ("tax_id", telling_tax_id(vendor.tax_id)),
        ("name", same_name(vendor.name)),
    ):
        if value:
            yield name, value
