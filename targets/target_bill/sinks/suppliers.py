"""Vendors: matched with certainty, created whole or not at all, changed in owned fields only."""

from __future__ import annotations

import typing as t

from ml_connector import exact_json
from ml_connector.delivery.keyed_lock import SingleFlight
from ml_connector.delivery.sink import Delivered, DocumentSink, Found, LookupInconclusive
from ml_connector.delivery.supplier_matching import Judgement, SupplierJudge
from ml_connector.documents import Supplier
from ml_connector.errors import ConflictFound, NoLongerThere, OutcomeUnknown, Reason
from ml_connector.sameness import plain_tax_id, same_id, same_name
from ml_connector.systems.bill.errors import SYSTEM
from ml_connector.systems.bill.vendors import Vendor
from target_bill.references import Ambiguous, References
from target_bill.vendor_request import (
    ADDRESS,
    LONGEST_NAME,
    missing_of_address,
    vendor_body,
    vendor_changes,
    vendor_key,
    vendor_value,
)

__all__ = ["SupplierSink"]

_CREATE: t.Final = "POST /v3/vendors"
_CHANGE: t.Final = "PATCH /v3/vendors"


class SupplierSink(DocumentSink[Supplier]):
    """Finds the vendor a supplier is, creates it, and keeps equal what the source is master of.

    Args:
        references: The organization's reference data.
    """

    document_class = Supplier
    reads_back = True

    def __init__(self, references: References) -> None:
        self._references = references
        self._flights = SingleFlight()
        self._judge: SupplierJudge[Vendor] = SupplierJudge()

    def prepare(self) -> None:
        """Read all vendors."""
        self._references.reload("vendors")

    def match(self, document: Supplier) -> Found | None:
        """Return the vendor a supplier certainly is.

        That of the mapped id; else what an id the source knows it by, our key in its short name, and its tax number
        agree on, if nothing contradicts. Never a name.
        """
        judgement = self._judged(document)
        vendor = judgement.thing
        return None if vendor is None else _found(vendor, document, judgement.rests_on)

    def doubts(self, document: Supplier) -> list[Reason]:
        """Return which vendor it may be, though something speaks against."""
        reason = self._judged(document).reason(document, "BILL", "vendor")
        return [reason] if reason else []

    def check(self, document: Supplier) -> list[Reason]:
        """Return what stands against creating or changing the vendor, everything at once."""
        if document.target_id and self._by_value(document.target_id) is None:
            return [
                _reason(
                    document,
                    "unknown",
                    f'BILL has no vendor "{document.target_id}"',
                    "correct the row in the mapping table suppliers.csv",
                    document.target_id,
                )
            ]
        if self._judged(document).thing is not None:
            return []
        return [*self._incomplete(document), *(self.doubts(document) or self._twins(document))]

    def find(self, document: Supplier) -> Found | None:
        """Look for the vendor created with our key, in all vendors as they are now."""
        self._references.reload("vendors")
        same = self._references.vendors_with(short_name=vendor_key(document))
        if len(same) > 1:
            raise LookupInconclusive(f"several vendors have the short name {vendor_key(document)}")
        if same:
            return _found(same[0], document)
        twins = self._references.vendors_named(document.name)
        if twins:
            raise LookupInconclusive(f"vendor {twins[0].label} has this name, but not the short name we gave")
        return None

    def compose(self, document: Supplier) -> None:
        """Build the request, as far as nothing has to be asked for it."""
        exact_json.dumps(vendor_body(document))

    def create(self, document: Supplier) -> Delivered:
        """Create the vendor.

        Raises:
            Conflict: Another supplier has just become a vendor of the same name.
            OutcomeUnknown: It may have been created.
        """
        with self._flights.of(same_name(document.name)):
            if twins := list(self._twins(document)):
                raise ConflictFound(SYSTEM, _CREATE, twins[0].what)
            written = self._references.vendors.create(vendor_body(document))
            if not isinstance(written.value, dict) or not written.value.get("id"):
                raise OutcomeUnknown(SYSTEM, _CREATE, "the answer has no id")
            vendor = Vendor.of(written.value)
            self._references.add(vendor)
        return Delivered(vendor.id, vendor.id, request=written.request, response=written.response)

    def update(self, document: Supplier, target_id: str, previous: Supplier | None) -> Delivered:
        """Make the vendor's owned fields say what the supplier says, sending only what differs.

        Raises:
            Conflict: Somebody has changed an owned field in BILL since it was sent.
        """
        vendor = self._references.vendors.get(target_id)
        if vendor is None:
            raise NoLongerThere(SYSTEM, _CHANGE, f"vendor {target_id} of {document.name} is not there any more")
        wanted = {name: value for name, value in document.imposed_values.items() if not _same(name, value, vendor)}
        if previous is not None:
            _refuse_foreign_changes(vendor, wanted, previous)
        if not wanted:
            return Delivered(vendor.id, vendor.id, unchanged=True)
        active = wanted.pop("active", None)
        requests, responses = [], []
        if wanted:
            written = self._references.vendors.change(vendor.id, vendor_changes(vendor, wanted))
            requests.append(written.request)
            responses.append(written.response)
        if active is not None:
            written = self._references.vendors.archive(vendor.id, archived=not active)
            requests.append("archive" if not active else "restore")
            responses.append(written.response)
        self._references.add(Vendor.of(written.value))
        return Delivered(vendor.id, vendor.id, request="\n".join(requests), response="\n".join(responses))

    def facts(self, document: Supplier) -> t.Mapping[str, t.Any]:
        """Return the name of a vendor we created, and the owned fields."""
        return {"name": document.name} if not document.owned else document.imposed_values

    def read_back(self, target_ids: t.Sequence[str]) -> dict[str, Found]:
        """Read vendors by id."""
        return {key: _found(vendor) for key, vendor in self._references.vendors.by_ids(target_ids).items()}

    def _judged(self, document: Supplier) -> Judgement[Vendor]:
        if document.target_id:
            return Judgement(self._by_value(document.target_id))
        by_id = [*map(self._by_known_id, document.known_as)]
        by_id += self._references.vendors_with(short_name=vendor_key(document))
        return self._judge.judge(document, by_id, self._references.vendors_with(tax_id=document.tax_id))

    def _by_known_id(self, value: str) -> Vendor | None:
        """Return the vendor with this id alone: others' ids may by chance be what people typed into a short name."""
        vendor = self._by_value(value)
        return vendor if vendor is not None and vendor.id == same_id(value) else None

    def _by_value(self, value: str) -> Vendor | None:
        try:
            return self._references.vendor(value)
        except Ambiguous:
            return None

    def _incomplete(self, document: Supplier) -> t.Iterator[Reason]:
        missing = missing_of_address(document)
        if missing:
            yield _reason(
                document,
                "incomplete",
                f'supplier "{document.name}" has no {", ".join(missing)}, and BILL takes no vendor without an address',
                "complete the address at its source, or create the vendor in BILL and map it in suppliers.csv",
            )
        if len(document.name) > LONGEST_NAME:
            yield _reason(
                document,
                "too_long",
                f'the name "{document.name}" has more than {LONGEST_NAME} characters',
                "shorten it at its source, or create the vendor in BILL and map it in suppliers.csv",
            )
        if not document.active:
            yield _reason(
                document,
                "inactive",
                f'supplier "{document.name}" is inactive at its source and has no vendor in BILL',
                "nothing to do unless its bills are to be delivered; then map it in suppliers.csv",
            )

    def _twins(self, document: Supplier) -> t.Iterator[Reason]:
        """Return why creating it could double a vendor that exists: BILL does not hinder it (sheet bill 4.3)."""
        twins = [
            *self._references.vendors_with(short_name=vendor_key(document), tax_id=document.tax_id),
            *self._references.vendors_named(document.name),
        ]
        if twins:
            names = ", ".join(dict.fromkeys(vendor.label for vendor in twins))
            yield _reason(
                document,
                "ambiguous",
                f'supplier "{document.name}" ({document.source.id}) shares its name, key or tax number with BILL '
                f"vendor {names}",
                "add a row to the mapping table suppliers.csv that says which vendor it is",
            )


def _refuse_foreign_changes(vendor: Vendor, wanted: t.Mapping[str, t.Any], previous: Supplier) -> None:
    """Refuse to overwrite what somebody has typed into BILL since we last wrote it."""
    # A vendor is created without its tax number: that there is none is nobody's doing.
    never_sent = {"tax_id"} if vendor.tax_id is None else set()
    foreign = [
        f"{name.replace('_', ' ')} is {vendor_value(vendor, name)}, last sent was {getattr(previous, name)}"
        for name in wanted
        if name in previous.owned and name not in never_sent and not _same(name, getattr(previous, name), vendor)
    ]
    if foreign:
        raise ConflictFound(SYSTEM, _CHANGE, f"somebody changed vendor {vendor.label} in BILL: {'; '.join(foreign)}")


def _same(name: str, value: t.Any, vendor: Vendor) -> bool:
    if name == "tax_id":
        shown = str((vendor.fields.get("additionalInfo") or {}).get("taxId") or "")
        # A masked number cannot be compared, and is not sent over and over.
        return "*" in shown or plain_tax_id(value) == vendor.tax_id
    return (value or None) == (vendor_value(vendor, name) or None)


def _found(vendor: Vendor, document: Supplier | None = None, rests_on: str = "") -> Found:
    facts = {name: vendor_value(vendor, name) for name in ("name", "email", "phone", "active", *ADDRESS)}
    return Found(
        vendor.id,
        vendor.short_name if document is None else document.external_id,
        vendor.id,
        "archived" if vendor.archived else "active",
        rests_on=rests_on,
        facts=facts,
    )


def _reason(document: Supplier, code: str, what: str, cure: str, value: str | None = None) -> Reason:
    return Reason(code, what, cure, "supplier", value or document.source.id)
