"""Vendors: matched with certainty, created whole or not at all, changed in owned fields only."""

from __future__ import annotations

import threading
import typing as t

from ml_connector import exact_json
from ml_connector.delivery.keyed_lock import SingleFlight
from ml_connector.delivery.sink import Delivered, DocumentSink, Found, LookupInconclusive
from ml_connector.delivery.supplier_matching import Judgement, SupplierJudge
from ml_connector.documents import Supplier
from ml_connector.errors import ConflictFound, NoLongerThere, OutcomeUnknown, Reason
from ml_connector.names import shortened
from ml_connector.sameness import plain_tax_id, same_id, same_name, same_number
from ml_connector.systems.business_central.errors import SYSTEM
from ml_connector.systems.business_central.vendors import Vendor
from ml_connector.systems.business_central.writes import on_fresh_data
from target_business_central.options import BusinessCentralPosting
from target_business_central.references import Ambiguous, References
from target_business_central.vendor_request import (
    FIELDS,
    too_long,
    vendor_body,
    vendor_changes,
    vendor_key,
    vendor_value,
)

__all__ = ["SupplierSink"]

_CREATE: t.Final = "POST vendors"
_CHANGE: t.Final = "PATCH vendors"


class SupplierSink(DocumentSink[Supplier]):
    """Finds the vendor a supplier is, creates it, and keeps equal what the source is master of.

    Args:
        references: The company's reference data.
        options: Whose numbers new vendors get.
    """

    document_class = Supplier
    reads_back = True

    def __init__(self, references: References, options: BusinessCentralPosting) -> None:
        self._references = references
        self._numbered = options.vendor_numbers == "ours"
        self._flights = SingleFlight()
        self._lock = threading.Lock()
        self._judge: SupplierJudge[Vendor] = SupplierJudge()
        self._shortened: dict[int, dict[str, Vendor]] = {}

    def prepare(self) -> None:
        """Read all vendors."""
        self._references.reload_vendors()
        self._shortened.clear()

    def match(self, document: Supplier) -> Found | None:
        """Return the vendor a supplier certainly is.

        That of the mapped id or number; else what an id the source knows it by, the number we give, and its tax number
        agree on, if nothing contradicts. Never a name.
        """
        judgement = self._judged(document)
        vendor = judgement.thing
        return None if vendor is None else _found(vendor, document, judgement.rests_on)

    def doubts(self, document: Supplier) -> list[Reason]:
        """Return which vendor it may be, though something speaks against."""
        reason = self._judged(document).reason(document, "Business Central", "vendor")
        return [reason] if reason else []

    def check(self, document: Supplier) -> list[Reason]:
        """Return what stands against creating or changing the vendor, everything at once."""
        if document.target_id and self._by_value(document.target_id) is None:
            return [
                _reason(
                    document,
                    "unknown",
                    f'Business Central has no vendor "{document.target_id}"',
                    "correct the row in the mapping table suppliers.csv",
                    document.target_id,
                )
            ]
        if self._judged(document).thing is not None:
            owned = [name for name in document.owned if name in FIELDS]
            return list(_lengths(document, owned))
        who = self.doubts(document) or self._twins(document)
        return [*self._incomplete(document), *_lengths(document, FIELDS), *who]

    def find(self, document: Supplier) -> Found | None:
        """Look for the vendor created with our number, in all vendors as they are now.

        Without numbers of ours only the name can tell, and only that there is none.
        """
        self.prepare()
        same = self._references.vendors_with(number=vendor_key(document))
        if same:
            return _found(same[0], document)
        twins = self._references.vendors_named(document.name)
        if twins:
            raise LookupInconclusive(f"vendor {twins[0].label} has this name, but not the number we give")
        return None

    def compose(self, document: Supplier) -> None:
        """Build the request, as far as nothing has to be asked for it."""
        exact_json.dumps(vendor_body(document, numbered=self._numbered))

    def create(self, document: Supplier) -> Delivered:
        """Create the vendor.

        Raises:
            Conflict: Another supplier has just become a vendor of the same name, or the number is in use.
            OutcomeUnknown: It may have been created.
        """
        with self._flights.of(same_name(document.name)):
            if twins := list(self._twins(document)):
                raise ConflictFound(SYSTEM, _CREATE, twins[0].what)
            written = self._references.vendors.create(vendor_body(document, numbered=self._numbered))
            if not written.value.get("id"):
                raise OutcomeUnknown(SYSTEM, _CREATE, "the answer has no id")
            vendor = Vendor.of(written.value)
            self._references.add(vendor)
        return Delivered(vendor.id, vendor.number, request=written.request, response=written.response)

    def update(self, document: Supplier, target_id: str, previous: Supplier | None) -> Delivered:
        """Make the vendor's owned fields say what the supplier says, sending only what differs.

        It is read, compared and written with the etag that was read; whoever is faster is read and compared again.

        Raises:
            Conflict: Somebody has changed an owned field in Business Central since it was sent.
        """
        return on_fresh_data(lambda: self._updated(document, target_id, previous))

    def facts(self, document: Supplier) -> t.Mapping[str, t.Any]:
        """Return all we know of a vendor we created, and the owned fields of others."""
        known = document.imposed_values if document.owned else {name: getattr(document, name) for name in FIELDS}
        return {name: _as_kept(name, value) for name, value in known.items() if value not in (None, "")}

    def read_back(self, target_ids: t.Sequence[str]) -> dict[str, Found]:
        """Read vendors by id."""
        return {key: _found(vendor) for key, vendor in self._references.vendors.by_ids(target_ids).items()}

    def _updated(self, document: Supplier, target_id: str, previous: Supplier | None) -> Delivered:
        vendor = self._references.vendors.get(target_id)
        if vendor is None:
            raise NoLongerThere(SYSTEM, _CHANGE, f"vendor {target_id} of {document.name} is not there any more")
        wanted = {name: value for name, value in document.imposed_values.items() if not _same(name, value, vendor)}
        if previous is not None:
            _refuse_foreign_changes(vendor, wanted, previous)
        if not wanted:
            return Delivered(vendor.id, vendor.number, unchanged=True)
        written = self._references.vendors.change(vendor, vendor_changes(wanted))
        self._references.add(Vendor.of(written.value))
        return Delivered(vendor.id, vendor.number, request=written.request, response=written.response)

    def _judged(self, document: Supplier) -> Judgement[Vendor]:
        if document.target_id:
            return Judgement(self._by_value(document.target_id))
        by_id = [*map(self._by_known_id, document.known_as)]
        by_id += self._references.vendors_with(number=vendor_key(document))
        return self._judge.judge(document, by_id, self._references.vendors_with(tax_id=document.tax_id))

    def _by_value(self, value: str) -> Vendor | None:
        try:
            return self._references.vendor(value)
        except Ambiguous:
            return None

    def _by_known_id(self, value: str) -> Vendor | None:
        """Return the vendor with this id or number, or whose key was shortened to this one; never one of this name."""
        vendor = self._by_value(value)
        if vendor is not None and (
            same_id(value).lower() == vendor.id or same_number(value) == same_number(vendor.number)
        ):
            return vendor
        return self._by_shortened(len(value)).get(value)

    def _by_shortened(self, length: int) -> dict[str, Vendor]:
        """Return vendors by the keys that had to be shortened to a length, such as BILL's short names."""
        with self._lock:
            if length not in self._shortened:
                keys = ((f"{_PREFIX}{vendor.id}", vendor) for vendor in self._references.all_vendors())
                self._shortened[length] = {
                    shortened(key, length): vendor for key, vendor in keys if _SHORTEST <= length < len(key)
                }
            return self._shortened[length]

    def _incomplete(self, document: Supplier) -> t.Iterator[Reason]:
        if document.currency and not self._references.knows_currency(document.currency):
            yield _reason(
                document,
                "currency",
                f"the company in Business Central has no currency {document.currency}",
                f"enter {document.currency} in Business Central, or map the supplier in suppliers.csv",
            )
        if not document.active:
            yield _reason(
                document,
                "inactive",
                f'supplier "{document.name}" is inactive at its source and has no vendor in Business Central',
                "nothing to do unless its bills are to be delivered; then map it in suppliers.csv",
            )

    def _twins(self, document: Supplier) -> t.Iterator[Reason]:
        """Return why creating it could double a vendor that exists: only numbers are unique (sheet 4)."""
        twins = [
            *self._references.vendors_with(number=vendor_key(document), tax_id=document.tax_id),
            *self._references.vendors_named(document.name),
        ]
        if twins:
            names = ", ".join(dict.fromkeys(vendor.label for vendor in twins))
            yield _reason(
                document,
                "ambiguous",
                f'supplier "{document.name}" ({document.source.id}) shares its name, number or tax number with '
                f"Business Central vendor {names}",
                "add a row to the mapping table suppliers.csv that says which vendor it is",
            )


_PREFIX: t.Final = "BC-"
"""How the map of Business Central's tap begins its external ids."""
_SHORTEST: t.Final = 10


def _refuse_foreign_changes(vendor: Vendor, wanted: t.Mapping[str, t.Any], previous: Supplier) -> None:
    """Refuse to overwrite what somebody has typed into Business Central since we last wrote it."""
    foreign = [
        f"{name.replace('_', ' ')} is {vendor_value(vendor, name)}, last sent was {getattr(previous, name)}"
        for name in wanted
        if name in previous.owned and not _same(name, getattr(previous, name), vendor)
    ]
    if foreign:
        words = f"somebody changed vendor {vendor.label} in Business Central: {'; '.join(foreign)}"
        raise ConflictFound(SYSTEM, _CHANGE, words)


def _same(name: str, value: t.Any, vendor: Vendor) -> bool:
    return bool(_as_kept(name, value or None) == (vendor_value(vendor, name) or None))


def _as_kept(name: str, value: t.Any) -> t.Any:
    """Return a value as Business Central keeps it: codes in upper case."""
    if name == "tax_id":
        return plain_tax_id(value)
    return value.strip().upper() if name in ("country", "postal_code") and value else value


def _lengths(document: Supplier, names: t.Iterable[str]) -> t.Iterator[Reason]:
    for words in too_long(document, names):
        yield _reason(
            document,
            "too_long",
            f'supplier "{document.name}": {words} Business Central takes',
            "shorten it at its source, or create the vendor in Business Central and map it in suppliers.csv",
        )


def _found(vendor: Vendor, document: Supplier | None = None, rests_on: str = "") -> Found:
    return Found(
        vendor.id,
        None if document is None else document.external_id,
        vendor.number,
        f"blocked: {vendor.blocked}" if vendor.blocked else "active",
        rests_on=rests_on,
        facts={name: vendor_value(vendor, name) for name in (*FIELDS, "active")},
    )


def _reason(document: Supplier, code: str, what: str, cure: str, value: str | None = None) -> Reason:
    return Reason(code, what, cure, "supplier", value or document.source.id)
