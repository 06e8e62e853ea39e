"""A bill's documents; BILL takes uploads in by and by (sheet bill 4.6)."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from erp_sandbox.bill.errors import BillRefusalError, no_such_object
from erp_sandbox.bill.seed import Record
from erp_sandbox.bill.store import BillStore, Organization
from erp_sandbox.bill.times import instant_text
from erp_sandbox.bill.writes.bodies import invalid
from erp_sandbox.bill.writes.objects import existing, now_text
from erp_sandbox.clock import to_milliseconds

LARGEST = 6_000_000
"""Bytes; the stricter reading of 6 MB."""

_SHOWN = ("id", "name", "createdTime", "downloadLink")


def upload(store: BillStore, organization: Organization, bill: str, name: str, content: bytes) -> Record:
    """Take a file; the answer has the id of the upload, and nothing that is known only of a document.

    Raises:
        BillRefusalError: there is no such bill, or the file has no name, no extension, is empty or over 6 MB.
    """
    existing(organization, "bills", bill)
    if not name:
        raise BillRefusalError(400, None, "name: must not be null")
    if not name.rpartition(".")[0]:
        raise invalid("The name of the file must have an extension.")
    if not 0 < len(content) <= LARGEST:
        raise invalid("The file must have 1 byte to 6 MB.")
    identifier = store.new_id("document")
    organization.documents.setdefault(bill, []).append(
        {
            "id": identifier,
            "name": name,
            "createdTime": now_text(store),
            "downloadLink": f"https://files.vendor.invalid/{identifier}",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "under way until": _instant(store, store.rules.upload_takes),
        }
    )
    return {"id": upload_id(identifier)}


def upload_statuses(store: BillStore, organization: Organization, uploads: list[str]) -> list[Record]:
    """What became of uploads: read, checked, taken in.

    Raises:
        BillRefusalError: BDC_1205, there was no such upload.
    """
    known = {upload_id(each["id"]): each for kept in organization.documents.values() for each in kept}
    if missing := [each for each in uploads if each not in known]:
        raise BillRefusalError(404, "BDC_1205", f"No upload found with id {missing[0]}.", category="APPLICATION")
    return [_status(store, each, known[each]) for each in uploads]


def documents_of(store: BillStore, organization: Organization, bill: str) -> list[Record]:
    """The documents of a bill, without those that are not taken in yet."""
    return [_shown(each) for each in organization.documents.get(bill, []) if _is_taken_in(store, each)]


def document(store: BillStore, organization: Organization, identifier: str) -> Record:
    """One document.

    Raises:
        BillRefusalError: there is none, or it is not taken in yet.
    """
    for kept in organization.documents.values():
        for each in kept:
            if each["id"] == identifier and _is_taken_in(store, each):
                return _shown(each)
    raise no_such_object("document", identifier)


def upload_id(document: str) -> str:
    """The id of the upload a document came by (sheet bill 1)."""
    return f"0du{document[3:]}"


def _status(store: BillStore, upload: str, each: Record) -> Record:
    if _is_taken_in(store, each):
        return {"documentId": each["id"], "uploadId": upload, "status": "UPLOADED"}
    late = _instant(store, store.rules.upload_takes / 2) >= each["under way until"]
    return {"uploadId": upload, "status": "IVA_PROCESSING" if late else "IN_PROGRESS"}


def _is_taken_in(store: BillStore, each: Record) -> bool:
    return _instant(store) >= str(each.get("under way until", ""))


def _shown(each: Record) -> Record:
    return {name: each[name] for name in _SHOWN}


def _instant(store: BillStore, later: timedelta = timedelta()) -> str:
    return instant_text(to_milliseconds(store.clock.now() + later))
