"""What documents refer to in a tenant: companies, suppliers, spend categories, cost centers, accounts, terms.

Each kind is read in full, once, when it is first needed; after that look-ups cost nothing. Things are found
by any of their ids, by their WID and by the code or number people use; never by name.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import logging
import threading
import typing as t

from ml_connector.errors import PermissionDenied
from ml_connector.sameness import plain_tax_id, same_id, same_name, same_number, telling_tax_id
from ml_connector.system.access import Party
from ml_connector.systems.workday.client import FINANCE, RESOURCES, WorkdayClient
from ml_connector.systems.workday.errors import SYSTEM
from ml_connector.systems.workday.xml import Node, Ref, reference

__all__ = ["Ambiguous", "Kind", "References", "SupplierThing", "Thing", "read_supplier"]

_LOG = logging.getLogger(__name__)

Kind = t.Literal["company", "supplier", "spend_category", "cost_center", "gl_account", "payment_terms"]


@dataclasses.dataclass(frozen=True, slots=True)
class Thing:
    """Something that can be referred to.

    Attributes:
        kind: What it is.
        ids: Its ids by type, the WID among them.
        name: Its name, for messages only.
        code: The code or number people use, if it has one.
        active: Whether new documents may refer to it.
        status: Workday's own word, where it has more to say than active or not.
    """

    kind: Kind
    ids: t.Mapping[str, str]
    name: str
    code: str | None = None
    active: bool = True
    status: str | None = None

    @property
    def id(self) -> str:
        """The id it is called by: the best type it has, else the WID."""
        return _best(self.kind, self.ids)[1]

    @property
    def label(self) -> str:
        """Id and name, as messages quote it."""
        return f'{self.id} "{self.name}"' if self.name != self.id else self.id

    def reference(self) -> dict[str, t.Any]:
        """Return what a request says to refer to it."""
        return reference(*_best(self.kind, self.ids))


@dataclasses.dataclass(frozen=True, slots=True)
class SupplierThing(Thing):
    """A supplier, with what it can be matched by.

    Attributes:
        external_id: Its External_Entity_ID.
        tax_ids: Its tax numbers, letters and digits only.
        country: ISO 3166-1 alpha-2 code of its first address that has one.
        worktag_only: Whether it can be a worktag but never be owed money (docs/systems/workday.md#w4-2).
    """

    external_id: str | None = None
    tax_ids: frozenset[str] = frozenset()
    country: str | None = None
    worktag_only: bool = False

    @property
    def party(self) -> Party:
        """What it can be matched by."""
        return Party(
            id=self.id,
            name=self.name,
            aliases=frozenset(self.ids.values()) - {self.id},
            tax_ids=self.tax_ids,
            country=self.country,
            active=self.active,
            external_id=self.external_id,
        )


class Ambiguous(LookupError):
    """Several things go by the value asked for; the ids say which."""

    def __init__(self, value: str, things: t.Sequence[Thing]) -> None:
        self.things = tuple(things)
        super().__init__(f"{value}: {', '.join(thing.id for thing in things)}")


class References:
    """The reference data of a tenant; thread-safe.

    Args:
        client: The tenant's client.
    """

    def __init__(self, client: WorkdayClient) -> None:
        self._client = client
        self._locks = {kind: threading.Lock() for kind in _STREAMS}
        self._indexes: dict[Kind, _Index] = {}
        self._unreadable: dict[Kind, PermissionDenied] = {}

    def load(self, *kinds: Kind) -> None:
        """Read kinds now instead of when they are first asked for.

        Raises:
            PermissionDenied: The ISU may not read a kind nothing can be checked without.
        """
        with concurrent.futures.ThreadPoolExecutor(max(1, len(kinds)), "workday-references") as pool:
            list(pool.map(self._index, kinds))

    def readable(self, kind: Kind) -> bool:
        """Whether the ISU may read this kind; only kinds that are not essential can be unreadable."""
        self._index(kind)
        return kind not in self._unreadable

    def find(self, kind: Kind, value: str) -> Thing | None:
        """Return the thing a value means: one of its ids, else its code.

        Raises:
            Ambiguous: Several things have it as their code.
        """
        return self._index(kind).find(value)

    def supplier(self, value: str) -> SupplierThing | None:
        """Return a supplier by one of its ids."""
        return t.cast("SupplierThing | None", self.find("supplier", value))

    def suppliers_with(self, *, external_id: str | None = None, tax_id: str | None = None) -> list[SupplierThing]:
        """Return the suppliers with this External_Entity_ID, or this tax number however it is punctuated."""
        index = self._index("supplier")
        if external_id is not None:
            return index.suppliers_by_external_id.get(same_id(external_id), [])
        return index.suppliers_by_tax_id.get(telling_tax_id(tax_id) or "", [])

    def suppliers_named(self, name: str) -> list[SupplierThing]:
        """Return the suppliers of this name that can be owed money, however it is written."""
        return self._index("supplier").suppliers_by_name.get(same_name(name), [])

    def canonical(self, kind: Kind, ref: Ref | str | None) -> str | None:
        """Return the one id a thing is compared by, whichever of its ids is given."""
        if ref is None:
            return None
        for value in (ref,) if isinstance(ref, str) else tuple(ref.ids.values()):
            try:
                thing = self.find(kind, value)
            except Ambiguous:
                continue
            if thing is not None:
                return thing.id
        return ref if isinstance(ref, str) else _best(kind, ref.ids)[1]

    def reference(self, kind: Kind, value: str) -> dict[str, t.Any]:
        """Return what a request says to refer to what a value means; the value itself if it is unknown."""
        thing = self.find(kind, value)
        return thing.reference() if thing is not None else reference(_ID_TYPES[kind][0], value)

    def add(self, thing: Thing) -> None:
        """Add a thing created meanwhile."""
        self._index(thing.kind).add(thing)

    def replace(self, thing: Thing) -> None:
        """Put a thing that was changed in the place of what was known under its WID."""
        index = self._index(thing.kind)
        index.discard(thing.ids.get("WID"))
        index.add(thing)

    def any_with(self, kind: Kind, id_type: str) -> Thing | None:
        """Return some thing that has an id of this type."""
        return next((thing for thing in self._index(kind).things if id_type in thing.ids), None)

    def all_of(self, kind: Kind) -> t.Sequence[Thing]:
        """Return all things of a kind."""
        return tuple(self._index(kind).things)

    def reload(self, kind: Kind) -> None:
        """Forget a kind, so that it is read again when it is next asked for."""
        with self._locks[kind]:
            self._indexes.pop(kind, None)

    def _index(self, kind: Kind) -> _Index:
        index = self._indexes.get(kind)
        if index is None:
            with self._locks[kind]:
                index = self._indexes.get(kind)
                if index is None:
                    index = self._indexes[kind] = self._read(kind)
        return index

    def _read(self, kind: Kind) -> _Index:
        stream = _STREAMS[kind]
        denied: PermissionDenied | None = None
        for service, operation in self._client.offerings(*stream.operations):
            try:
                index = self._read_all(stream, service, operation)
            except PermissionDenied as error:
                denied = PermissionDenied(
                    SYSTEM,
                    operation,
                    f"{error.message} (domain {stream.domain})",
                    code=error.code,
                    status=error.status,
                    cure=error.cure,
                )
                continue
            if not index.things:
                self._warn_of_nothing(kind, stream, operation)
            return index
        if denied is None or stream.essential:
            raise denied or AssertionError("there is always an operation")
        self._unreadable[kind] = denied
        _LOG.warning("The ISU cannot run %s: %s (domain %s).", denied.operation, stream.without, stream.domain)
        return _Index()

    def _read_all(self, stream: _Stream, service: str, operation: str) -> _Index:
        index = _Index()
        body = _body(self._client, service, operation)
        for page in self._client.pages(service, operation, body, count=stream.count):
            for node in page.nodes(stream.leaf):
                for thing in stream.read(node):
                    index.add(thing)
        return index

    def _warn_of_nothing(self, kind: Kind, stream: _Stream, operation: str) -> None:
        words = (
            "no rows at all, as Workday also answers until a change of security policy is activated "
            f"(domain {stream.domain})"
        )
        if stream.never_empty:
            raise PermissionDenied(SYSTEM, operation, words)
        _LOG.warning("Workday answered %s with %s; every %s will count as unknown.", operation, words, kind)


@dataclasses.dataclass(frozen=True, slots=True)
class _Stream:
    operations: tuple[tuple[str, str], ...]
    leaf: str
    read: t.Callable[[Node], t.Iterable[Thing]]
    domain: str
    essential: bool = True
    never_empty: bool = False
    without: str = ""
    count: int | None = None


class _Index:
    def __init__(self) -> None:
        self.things: list[Thing] = []
        self._by_id: dict[str, list[Thing]] = {}
        self._by_code: dict[str, list[Thing]] = {}
        self.suppliers_by_external_id: dict[str, list[SupplierThing]] = {}
        self.suppliers_by_tax_id: dict[str, list[SupplierThing]] = {}
        self.suppliers_by_name: dict[str, list[SupplierThing]] = {}

    def add(self, thing: Thing) -> None:
        for table, keys in self._places(thing):
            for key in keys:
                table.setdefault(key, []).append(thing)
        self.things.append(thing)

    def discard(self, wid: str | None) -> None:
        for old in self._by_id.get(same_id(wid or ""), []):
            # Lists are exchanged, never emptied: others may be looking at them.
            for table, keys in self._places(old):
                for key in keys:
                    table[key] = [thing for thing in table.get(key, []) if thing is not old]
            self.things = [thing for thing in self.things if thing is not old]

    def _places(self, thing: Thing) -> t.Iterator[tuple[dict[str, list[t.Any]], t.Iterable[str]]]:
        """Yield the tables a thing stands in, each with the keys it has there."""
        yield self._by_id, dict.fromkeys(map(same_id, thing.ids.values()))
        yield self._by_code, filter(None, (same_number(thing.code or ""),))
        if isinstance(thing, SupplierThing):
            yield self.suppliers_by_external_id, filter(None, (same_id(thing.external_id or ""),))
            yield self.suppliers_by_tax_id, filter(None, map(telling_tax_id, thing.tax_ids))
            yield self.suppliers_by_name, () if thing.worktag_only else (same_name(thing.name),)

    def find(self, value: str) -> Thing | None:
        found = self._by_id.get(same_id(value)) or self._by_code.get(same_number(value)) or []
        # The same account in several account sets is one account to whoever names it; so it is retired only
        # when it is retired everywhere.
        usable = [thing for thing in found if thing.active] or found
        if len(usable) > 1 and usable[0].kind != "gl_account":
            raise Ambiguous(value, usable)
        return usable[0] if usable else None


def read_supplier(node: Node) -> SupplierThing | None:
    """Return a row of Get_Suppliers; None when it has nothing to be called by."""
    data = node.node("Supplier_Data")
    if data is None:
        return None
    ids = _ids(
        node,
        "Supplier_Reference",
        Supplier_ID=data.text("Supplier_ID"),
        Supplier_Reference_ID=data.text("Supplier_Reference_ID"),
    )
    if not ids:
        return None
    active, status = _supplier_status(data)
    entity = data.node("Business_Entity_Data") or data
    # From v40 on the tax numbers stand one level deeper: they are taken from any depth (docs/systems/workday.md#w3-3).
    taxes = [
        *(tax.text("Tax_ID_Text") for tax in data.below("Tax_ID_Data")),
        entity.text("Business_Entity_Tax_ID"),
    ]
    countries = (
        ref.pick("ISO_3166-1_Alpha-2_Code")
        for address in data.below("Address_Data")
        for ref in address.refs("Country_Reference")
    )
    return SupplierThing(
        "supplier",
        ids,
        data.text("Supplier_Name") or entity.text("Business_Entity_Name") or _best("supplier", ids)[1],
        active=active,
        status=status,
        external_id=entity.text("External_Entity_ID"),
        tax_ids=frozenset(filter(None, map(plain_tax_id, taxes))),
        country=next(filter(None, countries), None),
        worktag_only=data.flag("Worktag_Only") is True,
    )


def _best(kind: Kind, ids: t.Mapping[str, str]) -> tuple[str, str]:
    for name in (*_ID_TYPES[kind], "WID"):
        if name in ids:
            return name, ids[name]
    return next(iter(ids.items()))


def _body(client: WorkdayClient, service: str, operation: str) -> dict[str, t.Any]:
    shape = client.service(service).shape(operation)
    if not shape.has("Response_Group"):
        return {}
    group = shape.part("Response_Group")
    wanted = {
        "Include_Reference": True,
        "Include_Cost_Center_Data": True,
        "Include_Attachment_Data": False,
    }
    asked = {name: value for name, value in wanted.items() if group.has(name)}
    return {"Response_Group": asked} if asked else {}


def _ids(node: Node, name: str, **known: str | None) -> dict[str, str]:
    ref = node.ref(name)
    ids = {kind: value for kind, value in known.items() if value}
    return ids | dict(ref.ids if ref else {})


def _organization(kind: Kind, name: str, *data: str) -> t.Callable[[Node], t.Iterable[Thing]]:
    def read(node: Node) -> t.Iterable[Thing]:
        ids = _ids(node, f"{name}_Reference")
        body = next((found for part in data for found in node.below(part)), node)
        if not ids:
            return
        ref = node.ref(f"{name}_Reference")
        title = body.text("Organization_Name") or (ref.descriptor if ref else None) or _best(kind, ids)[1]
        yield Thing(
            kind,
            ids,
            title,
            body.text("Organization_Code"),
            active=body.flag("Organization_Active") is not False,
        )

    return read


def _suppliers(node: Node) -> t.Iterable[Thing]:
    thing = read_supplier(node)
    return () if thing is None else (thing,)


def _supplier_status(data: Node) -> tuple[bool, str | None]:
    statuses = [ref for row in data.nodes("Supplier_Status_Data") for ref in row.refs("Status_Reference")]
    words = [ref.descriptor or ref.pick("Business_Entity_Status_Value_ID") or "" for ref in statuses]
    ids = [(ref.pick("Business_Entity_Status_Value_ID") or ref.descriptor or "").upper() for ref in statuses]
    return not ids or "ACTIVE" in ids, next(iter(words), None)


def _spend_categories(node: Node) -> t.Iterable[Thing]:
    data = node.node("Resource_Category_Data") or node
    ids = _ids(node, "Resource_Category_Reference", Spend_Category_ID=data.text("Resource_Category_ID"))
    if ids:
        name = data.text("Resource_Category_Name") or _best("spend_category", ids)[1]
        yield Thing("spend_category", ids, name, active=data.flag("Inactive") is not True)


def _accounts(node: Node) -> t.Iterable[Thing]:
    for account_set in node.nodes("Account_Set_Data"):
        set_id = account_set.text("Account_Set_ID")
        for data in account_set.nodes("Ledger_Account_Data"):
            number = data.text("Ledger_Account_Identifier")
            if number:
                ids = {"Ledger_Account_ID": number} | ({"in_set": f"{set_id}/{number}"} if set_id else {})
                name = data.text("Ledger_Account_Name") or number
                yield Thing("gl_account", ids, name, active=data.flag("Retired") is not True)


def _payment_terms(node: Node) -> t.Iterable[Thing]:
    data = node.node("Payment_Term_Data") or node
    ids = _ids(node, "Payment_Term_Reference", Payment_Terms_ID=data.text("Payment_Terms_ID"))
    if ids:
        yield Thing("payment_terms", ids, data.text("Payment_Terms_Name") or _best("payment_terms", ids)[1])


_ID_TYPES: t.Final[dict[Kind, tuple[str, ...]]] = {
    "company": ("Company_Reference_ID", "Organization_Reference_ID"),
    "supplier": ("Supplier_ID", "Supplier_Reference_ID"),
    "spend_category": ("Spend_Category_ID",),
    "cost_center": ("Cost_Center_Reference_ID", "Organization_Reference_ID"),
    "gl_account": ("Ledger_Account_ID",),
    "payment_terms": ("Payment_Terms_ID",),
}

_STREAMS: t.Final[dict[Kind, _Stream]] = {
    "company": _Stream(
        ((FINANCE, "Get_Workday_Companies"),),
        "Company",
        _organization("company", "Company", "Organization_Data"),
        '"Set Up: Company General"',
        never_empty=True,
    ),
    "supplier": _Stream(
        ((RESOURCES, "Get_Suppliers"),),
        "Supplier",
        _suppliers,
        '"View: Supplier"',
    ),
    "spend_category": _Stream(
        ((FINANCE, "Get_Resource_Categories"), (RESOURCES, "Get_Resource_Categories")),
        "Resource_Category",
        _spend_categories,
        '"Set Up: Spend Category"',
        never_empty=True,
        count=999,
    ),
    "cost_center": _Stream(
        ((FINANCE, "Get_Cost_Centers"),),
        "Cost_Center",
        _organization("cost_center", "Cost_Center", "Organization_Data", "Simple_Cost_Center_Data"),
        '"Manage: Organization"',
        count=999,
    ),
    "gl_account": _Stream(
        ((FINANCE, "Get_Account_Sets"),),
        "Account_Set",
        _accounts,
        '"Set Up: Chart of Accounts"',
        essential=False,
        without="expected GL accounts cannot be checked",
    ),
    "payment_terms": _Stream(
        ((FINANCE, "Get_Payment_Terms"),),
        "Payment_Term",
        _payment_terms,
        '"Set Up: Payment Terms"',
        essential=False,
        without="payment terms cannot be checked",
    ),
}
