"""Files of supplier invoices, put to the bills these have become. BILL takes them in by and by, and keeps them."""

from __future__ import annotations

import threading
import time
import typing as t

from ml_connector.delivery.keyed_lock import SingleFlight
from ml_connector.delivery.sink import Delivered, DocumentSink, Found, LookupInconclusive
from ml_connector.documents import Attachment
from ml_connector.errors import ConflictFound, KeptBack, Reason, Rejected
from ml_connector.sameness import same_name
from ml_connector.systems.bill.bills import BillBook, Invoice
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.documents import LARGEST, BillDocument, DocumentBook, marked_name
from ml_connector.systems.bill.errors import SYSTEM
from target_bill.options import BillPosting
from target_bill.posted_bills import PostedBills
from target_bill.references import References

__all__ = ["AttachmentSink"]

_OPERATION: t.Final = "POST /v3/documents/bills"
_ASK_AGAIN: t.Final = 5.0
_MEGABYTE: t.Final = 1_000_000


class AttachmentSink(DocumentSink[Attachment]):
    """Uploads files, each once, under a name that tells its content.

    BILL lists a file only when it has taken it in, which takes minutes. So an upload of which nobody knows whether
    it arrived is proved missing only when it is not listed after ``upload_wait`` seconds; one of an earlier process
    was sent before this sink was made.

    Args:
        client: The organization's client.
        references: The organization's reference data.
        options: Which files are sent, and how long to wait for BILL.
    """

    document_class = Attachment
    reads_back = True

    def __init__(self, client: BillClient, references: References, options: BillPosting) -> None:
        self._options = options
        self._bills = PostedBills(BillBook(client), references)
        self._documents = DocumentBook(client)
        self._flights = SingleFlight()
        self._found_bills: dict[tuple[str, str], Invoice] = {}
        self._sent_last: dict[str, float] = {}
        self._made = time.monotonic()
        self._idle = threading.Event()

    def prepare(self) -> None:
        """Nothing: bills are read when the first file asks for them."""

    def check(self, document: Attachment) -> list[Reason]:
        """Return why it cannot be uploaded: its size or type, or a bill that is missing or archived."""
        reasons = [*self._against_file(document)]
        bill = self._bill(document)
        if bill is None:
            what = f"BILL has no bill {document.invoice} of this vendor, or several"
            cure = "nothing to do if it is on its way; a vendor credit takes no files, put it there by hand"
            reasons.append(Reason("missing_bill", what, cure, "bill", document.invoice))
        elif bill.archived:
            what = f"bill {bill.number or bill.id} is archived in BILL"
            reasons.append(Reason("inactive", what, "restore it", "bill", bill.id))
        return reasons

    def find(self, document: Attachment) -> Found | None:
        """Look for the file on its bill, long enough for BILL to take in what may have been sent.

        Raises:
            LookupInconclusive: The bill is not there, or BILL does not list its files.
        """
        until = self._sent_last.get(document.external_id, self._made) + self._options.upload_wait
        while True:
            try:
                bill = self._bill(document)
                there = None if bill is None else self._listed(bill, document)
            except Rejected as error:
                raise LookupInconclusive(f"BILL refuses to list the bill's documents ({error.message}).") from error
            if bill is None:
                raise LookupInconclusive(f"BILL does not show the bill {document.invoice}.")
            left = until - time.monotonic()
            if there is not None or left <= 0:
                return None if there is None else _found(there, document.external_id)
            self._idle.wait(min(left, _ASK_AGAIN))

    def create(self, document: Attachment) -> Delivered:
        """Upload the file, once it is certain that its bill does not have it.

        Raises:
            Rejected: The bill is gone, or BILL does not take the file.
            OutcomeUnknown: It may have been uploaded.
        """
        bill = self._bill(document)
        if bill is None:
            raise KeptBack(SYSTEM, _OPERATION, f"bill {document.invoice} is not there any more")
        name = _name(document)
        with self._flights.of((bill.id, name)):
            if there := self._listed(bill, document):
                return Delivered(there.id, name, unchanged=True, warnings=(f"BILL had it already as {there.id}",))
            self._sent_last[document.external_id] = time.monotonic()
            made, written = self._documents.upload(bill.id, name, document.data)
        return Delivered(made.id, name, request=written.request, response=written.response)

    def update(self, document: Attachment, target_id: str, previous: Attachment | None) -> Delivered:
        """Refuse: BILL neither changes nor deletes a bill's documents.

        Raises:
            Conflict: Always.
        """
        del previous
        raise ConflictFound(SYSTEM, _OPERATION, f"{document.file_name} is uploaded ({target_id}) and cannot be changed")

    def facts(self, document: Attachment) -> t.Mapping[str, t.Any]:
        """Return what BILL should say if it has exactly this file."""
        return {"file_name": _name(document)}

    def read_back(self, target_ids: t.Sequence[str]) -> dict[str, Found]:
        """Read what became of uploads, as soon as BILL has taken all of them in or ``upload_wait`` is over.

        What is still under way then is left out: the next run asks again.
        """
        until = time.monotonic() + self._options.upload_wait
        while True:
            documents = self._documents.by_ids(target_ids)
            left = until - time.monotonic()
            if left <= 0 or not any(each.under_way for each in documents.values()):
                return {key: _found(each) for key, each in documents.items() if each.taken_in}
            self._idle.wait(min(left, _ASK_AGAIN))

    def _against_file(self, document: Attachment) -> t.Iterator[Reason]:
        by_hand = f"put it to the bill in BILL by hand, then `ml-connector ignore {document.source.id}`"
        about = ("attachment", document.source.id)
        if not 0 < document.size <= LARGEST:
            size = f"{document.size / _MEGABYTE:.1f} MB" if document.size else "no content"
            what = f"{document.file_name} has {size}, BILL takes up to {LARGEST / _MEGABYTE:.0f} MB"
            yield Reason("size", what, by_hand, *about)
        elif document.content is None:
            what = f"the content of {document.file_name} was not read"
            yield Reason("missing", what, f"see the tap's setting for the largest attachment; or {by_hand}", *about)
        extension = document.file_name.rpartition(".")[2].lower() if "." in document.file_name else ""
        if extension not in self._options.document_types:
            kind = f"of type {extension}" if extension else "without an extension"
            what = f"{document.file_name} is a file {kind}, and only {', '.join(self._options.document_types)} are sent"
            yield Reason("type", what, f"add it to document_types if BILL shows such files; or {by_hand}", *about)

    def _bill(self, document: Attachment) -> Invoice | None:
        key = (document.invoice, document.supplier)
        near = document.due_date or document.invoice_date
        if key not in self._found_bills and near is not None:
            bill = self._bills.bill(document.invoice, document.supplier, near)
            if bill is None:
                return None
            self._found_bills[key] = bill
        return self._found_bills.get(key)

    def _listed(self, bill: Invoice, document: Attachment) -> BillDocument | None:
        name = same_name(_name(document))
        return next((each for each in self._documents.of_bill(bill.id) if same_name(each.name or "") == name), None)


def _name(document: Attachment) -> str:
    return marked_name(document.file_name, document.sha256)


def _found(document: BillDocument, external_id: str | None = None) -> Found:
    facts = {} if document.name is None else {"file_name": document.name}
    return Found(document.id, external_id, document.name, document.status, facts=facts)
