"""Files of bills: taken in by and by, never changed, never deleted (sheet bill 4.6, 8)."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ml_connector.errors import NotFound, OutcomeUnknown
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.errors import SYSTEM
from ml_connector.systems.bill.lists import read_all
from ml_connector.systems.bill.writes import Written

__all__ = ["LARGEST", "BillDocument", "DocumentBook", "is_upload", "marked_name"]

LARGEST: t.Final = 6_000_000
"""Bytes of one file; the stricter reading of 6 MB."""

_DOCUMENTS = "/v3/documents"
_ON_BILLS = f"{_DOCUMENTS}/bills"
_STATUS = f"{_DOCUMENTS}/upload-status"
_IDS_PER_CALL: t.Final = 50
_TAKEN_IN: t.Final = "UPLOADED"
_UNDER_WAY: t.Final = frozenset({"IN_PROGRESS", "IVA_PROCESSING"})
_MARK_LENGTH: t.Final = 12
_LONGEST_NAME: t.Final = 100
_PLAIN = re.compile(r"[^0-9A-Za-z._-]+")


@dataclasses.dataclass(frozen=True, slots=True)
class BillDocument:
    """A file on a bill.

    Attributes:
        id: BILL's id of the document, or of the upload while that is all there is.
        name: Its name.
        status: How far BILL is with it.
    """

    id: str
    name: str | None
    status: str = _TAKEN_IN

    @property
    def taken_in(self) -> bool:
        """Whether BILL has it."""
        return self.status == _TAKEN_IN

    @property
    def under_way(self) -> bool:
        """Whether BILL is still at it."""
        return self.status in _UNDER_WAY


class DocumentBook:
    """The files of an organization's bills.

    Args:
        client: The organization's client.
    """

    def __init__(self, client: BillClient) -> None:
        self._client = client

    def of_bill(self, bill: str) -> list[BillDocument]:
        """Return the files of a bill; one that is still being taken in may be missing."""
        rows = read_all(self._client, f"{_ON_BILLS}/{bill}")
        return [BillDocument(str(row["id"]), row.get("name")) for row in rows]

    def upload(self, bill: str, name: str, content: bytes) -> tuple[BillDocument, Written]:
        """Send a file, once; the answer has an id of the upload, which may take minutes to become a document.

        Raises:
            OutcomeUnknown: It may have been taken.
        """
        written = self._client.upload(f"{_ON_BILLS}/{bill}", content, name)
        if not isinstance(written.value, dict) or not written.value.get("id"):
            raise OutcomeUnknown(SYSTEM, f"POST {_ON_BILLS}", "the answer has no id")
        identifier = str(written.value["id"])
        status = "IN_PROGRESS" if is_upload(identifier) else _TAKEN_IN
        return BillDocument(identifier, written.value.get("name"), status), written

    def by_ids(self, ids: t.Sequence[str]) -> dict[str, BillDocument]:
        """Return uploads and documents by the id asked for; what BILL does not know is left out."""
        uploads = [each for each in ids if is_upload(each)]
        found = {each: document for each in ids if not is_upload(each) if (document := self._document(each))}
        for start in range(0, len(uploads), _IDS_PER_CALL):
            for upload, identifier, status in self._statuses(uploads[start : start + _IDS_PER_CALL]):
                known = self._document(identifier) if identifier and status == _TAKEN_IN else None
                found[upload] = BillDocument(identifier or upload, known.name if known else None, status)
        return found

    def _statuses(self, uploads: t.Sequence[str]) -> t.Iterator[tuple[str, str | None, str]]:
        """Yield upload, document if it is one already, and status; one unknown upload fails the whole call."""
        try:
            rows = self._client.get(_STATUS, {"ids": ",".join(uploads)})
        except NotFound:
            if len(uploads) > 1:
                for upload in uploads:
                    yield from self._statuses([upload])
            return
        for row in rows:
            yield str(row.get("uploadId")), row.get("documentId"), str(row.get("status") or "UNDEFINED")

    def _document(self, identifier: str) -> BillDocument | None:
        try:
            row = self._client.get(f"{_DOCUMENTS}/{identifier}")
        except NotFound:
            return None
        return BillDocument(str(row["id"]), row.get("name"))


def is_upload(identifier: str) -> bool:
    """Whether an id is that of an upload, not of the document it becomes (sheet bill 1)."""
    return identifier.startswith("0du")


def marked_name(name: str, sha256: str) -> str:
    """Return the name a file gets in BILL: plain, and with the beginning of its hash, by which it is found again.

    Documents have no field for an id of ours, and people upload files of the same name.

    Args:
        name: Its name, with extension.
        sha256: Hash of its content.
    """
    stem, _, extension = _PLAIN.sub("_", name.strip()).rpartition(".")
    ending = f"-{sha256[:_MARK_LENGTH]}.{extension}"
    return (stem or "file")[: _LONGEST_NAME - len(ending)] + ending
