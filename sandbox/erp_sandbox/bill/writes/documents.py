"""Uploading a bill's documents; BILL takes them in later (sheet bill 4.6)."""

from __future__ import annotations

from erp_sandbox.bill.errors import BillRefusalError
from erp_sandbox.bill.seed import Record
from erp_sandbox.bill.store import BillStore, Organization
from erp_sandbox.bill.writes.bodies import invalid
from erp_sandbox.bill.writes.objects import existing, now_text

LARGEST = 6 * 1024 * 1024


def upload(store: BillStore, organization: Organization, bill: str, name: str, content: bytes) -> Record:
    """Take a file; the answer has the id of the upload, not of the document.

    Raises:
        BillRefusalError: there is no such bill, or the file has no name, is empty or larger than 6 MB.
    """
    existing(organization, "bills", bill)
    if not name:
        raise BillRefusalError(400, None, "name: must not be null")
    if not 0 < len(content) <= LARGEST:
        raise invalid("The file must have 1 byte to 6 MB.")
    identifier = store.new_id("document")
    basics = {"name": name, "createdTime": now_text(store)}
    link = f"https://files.vendor.invalid/{identifier}"
    organization.documents.setdefault(bill, []).append({"id": identifier, **basics, "downloadLink": link})
    return {"id": upload_id(identifier), **basics}


def upload_statuses(organization: Organization, uploads: list[str]) -> list[Record]:
    """What became of uploads; here they are through at once.

    Raises:
        BillRefusalError: BDC_1205, there was no such upload.
    """
    known = {upload_id(each["id"]): each["id"] for kept in organization.documents.values() for each in kept}
    if missing := [each for each in uploads if each not in known]:
        raise BillRefusalError(404, "BDC_1205", f"No upload found with id {missing[0]}.", category="APPLICATION")
    return [{"documentId": known[each], "uploadId": each, "status": "UPLOADED"} for each in uploads]


def upload_id(document: str) -> str:
    """The id of the upload a document came by (sheet bill 1)."""
    return f"0du{document[3:]}"
