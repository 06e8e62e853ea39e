"""Vendor payment journals: lines somebody may still change, and the vendor entries they become (sheet 4).

A line is gone once its journal is posted, and Business Central refuses no second payment: both places are asked
before one is made.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import typing as t
from decimal import Decimal

from ml_connector.errors import NotFound, OutcomeUnknown, PermissionDenied, Rejected, SystemFault
from ml_connector.systems.business_central.batch import MOST_REQUESTS, BatchAnswer, BatchRequest
from ml_connector.systems.business_central.client import REPORTS_FINANCE, BusinessCentralClient
from ml_connector.systems.business_central.errors import SYSTEM
from ml_connector.systems.business_central.lists import any_of, etag_of
from ml_connector.systems.business_central.writes import Written

__all__ = ["LONGEST_JOURNAL_CODE", "Journal", "PaymentBook", "PaymentEntry", "PaymentLine", "Standing"]

LONGEST_JOURNAL_CODE: t.Final = 10

_AT_ONCE: t.Final = 20
"""Values in one filter: an address has room for some thousand characters."""

_log = logging.getLogger(__name__)

Body = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Journal:
    """A batch of payment lines.

    Attributes:
        id: Its GUID, which need not outlive posting.
        code: Its code.
        balancing_account: Number of the account the lines are balanced against, None for none.
    """

    id: str
    code: str
    balancing_account: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class PaymentLine:
    """A line that has not been posted.

    Attributes:
        id: Its GUID.
        key: Its external document number, in upper case.
        document_number: Shared by the lines of one payment.
        vendor_number: Who was paid.
        date: Posting date.
        amount: Cash paid.
        invoice_id: The invoice it is applied to, None for none.
        invoice_number: That one's number.
        comment: What was noted with it.
        etag: Of this reading of it.
    """

    id: str
    key: str | None
    document_number: str | None
    vendor_number: str
    date: str | None
    amount: Decimal
    invoice_id: str | None
    invoice_number: str | None
    comment: str | None
    etag: str

    @classmethod
    def of(cls, fields: Body) -> PaymentLine:
        """Return the line of an object."""
        invoice = fields.get("appliesToInvoiceId")
        return cls(
            id=str(fields["id"]).lower(),
            key=fields.get("externalDocumentNumber"),
            document_number=fields.get("documentNumber"),
            vendor_number=str(fields.get("vendorNumber") or ""),
            date=fields.get("postingDate"),
            amount=Decimal(fields.get("amount") or 0),
            invoice_id=str(invoice).lower() if invoice else None,
            invoice_number=fields.get("appliesToInvoiceNumber"),
            comment=fields.get("comment"),
            etag=etag_of(fields),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class PaymentEntry:
    """A payment that was posted.

    Attributes:
        key: Its external document number; None where only the general ledger could be asked.
        document_number: Its document number.
        vendor_number: Who was paid; None likewise.
        date: Posting date.
        amount: What was paid, negative where it was reversed; None likewise.
    """

    key: str | None
    document_number: str | None
    vendor_number: str | None
    date: str | None
    amount: Decimal | None


class Standing(t.NamedTuple):
    """How an invoice stands that lines pay.

    Attributes:
        owed: What it still owes.
        waiting: What all lines of the journal pay of it.
    """

    owed: Decimal
    waiting: Decimal


class PaymentBook:
    """The payment journals of a company, and the payments posted from them.

    Args:
        client: The environment's client.
        company: Path of the company (``companies(...)``).
    """

    def __init__(self, client: BusinessCentralClient, company: str) -> None:
        self._client = client
        self._company = company
        self._path = f"{company}/vendorPaymentJournals"
        self._no_vendor_entries = threading.Event()
        self._no_invoice_filter = threading.Event()

    def journal(self, code: str) -> Journal | None:
        """Return the journal with a code, as it is now."""
        rows = self._client.rows(self._path, {"$filter": any_of("code", [code])}, fresh=True)
        return next(map(_journal, rows), None)

    def create_journal(self, code: str, name: str, balancing_account_id: str) -> Written:
        """Create a journal, balanced against a ledger account: a bank account can only be set by a person (sheet 4).

        Raises:
            Conflict: There is one with this code.
        """
        body = {"code": code, "displayName": name, "balancingAccountId": balancing_account_id}
        return Written.of(body, self._client.post(self._path, body))

    def lines(self, journal: Journal) -> list[PaymentLine]:
        """Return all lines of a journal."""
        return [PaymentLine.of(row) for row in self._client.rows(self._lines(journal), fresh=True)]

    def lines_with(self, journal: Journal, keys: t.Sequence[str]) -> list[PaymentLine]:
        """Return the lines of a journal with these external document numbers."""
        return list(map(PaymentLine.of, self._with(self._lines(journal), "externalDocumentNumber", keys)))

    def posted(self, numbers: t.Mapping[str, str]) -> list[PaymentEntry]:
        """Return the payments that were posted.

        Args:
            numbers: External document number to document number of each payment asked for. By the latter the general
                ledger is asked where the API for vendor entries is not there; it knows no other.
        """
        if not self._no_vendor_entries.is_set():
            path = f"{REPORTS_FINANCE}/{self._company}/vendorLedgerEntries"
            try:
                rows = list(self._with(path, "externalDocumentNumber", list(numbers)))
            except (NotFound, PermissionDenied) as fault:
                _log.warning("%s; posted payments are looked for in the general ledger instead.", fault)
                self._no_vendor_entries.set()
            else:
                return [_vendor_entry(row) for row in rows if row.get("documentType") == "Payment"]
        keys = {number: key for key, number in numbers.items()}
        rows = list(self._with(f"{self._company}/generalLedgerEntries", "documentNumber", list(keys)))
        return [
            PaymentEntry(keys.get(row["documentNumber"]), row["documentNumber"], None, row.get("postingDate"), None)
            for row in rows
            if row.get("documentType") == "Payment"
        ]

    def add(self, journal: Journal, bodies: t.Sequence[Body]) -> Written:
        """Add the lines of one payment, all of them or none.

        Returns:
            The lines under ``value``.

        Raises:
            OutcomeUnknown: They may have been added.
            SystemFault: One is refused; none was added.
        """
        path = self._lines(journal)
        if len(bodies) == 1:
            made = [self._client.post(path, bodies[0])]
        else:
            made = [
                dict(each.body) for each in self._all_or_none([BatchRequest("POST", path, body) for body in bodies])
            ]
        if not all(line.get("id") for line in made):
            raise OutcomeUnknown(SYSTEM, "POST vendorPayments", "the answer has no id")
        return Written.of(bodies[0] if len(bodies) == 1 else list(bodies), {"value": made})

    def remove(self, journal: Journal, lines: t.Sequence[PaymentLine]) -> None:
        """Remove lines that are still as they were read, all of them or none.

        Raises:
            EntityChanged: One is not.
            NotFound: One is there no more: removed, or posted.
        """
        paths = [(f"{self._lines(journal)}({line.id})", line.etag) for line in lines]
        if len(paths) == 1:
            self._client.delete(*paths[0])
        else:
            self._all_or_none([BatchRequest("DELETE", path, etag=etag) for path, etag in paths])

    def standing(self, journal: Journal, lines: t.Sequence[PaymentLine]) -> dict[str, Standing]:
        """Return how the invoices of lines stand, by the lines' ids; only a line can tell what is owed (sheet 3)."""
        found = {}
        for start in range(0, len(lines), MOST_REQUESTS // 2):
            some = lines[start : start + MOST_REQUESTS // 2]
            owed = self._lists([self._open_entries(journal, line) for line in some])
            for line, open_entries, waiting in zip(some, owed, self._waiting(journal, some), strict=True):
                found[line.id] = Standing(
                    sum((_remaining(each) for each in open_entries if _is_of(each, line)), Decimal(0)), waiting
                )
        return found

    def _waiting(self, journal: Journal, lines: t.Sequence[PaymentLine]) -> list[Decimal]:
        """Return what all lines of the journal pay of the invoice of each.

        Whether lines can be filtered by it is not known, for it is no field of their table (sheet 4): where they
        cannot, the journal is read and compared here.
        """
        if not self._no_invoice_filter.is_set():
            try:
                rows = self._lists([self._same_invoice(journal, line) for line in lines])
            except Rejected as refusal:
                _log.warning("%s; the whole journal is read instead.", refusal)
                self._no_invoice_filter.set()
            else:
                return [sum((Decimal(each.get("amount") or 0) for each in some), Decimal(0)) for some in rows]
        there = self.lines(journal)
        return [
            sum((each.amount for each in there if each.invoice_id == line.invoice_id), Decimal(0)) for line in lines
        ]

    def _lists(self, questions: t.Sequence[BatchRequest]) -> list[t.Sequence[Body]]:
        answers = self._client.batch(questions)
        return [self._whole(question, answer) for question, answer in zip(questions, answers, strict=True)]

    def post(self, journal: Journal) -> None:
        """Post a journal with all its lines, in one transaction (sheet 4).

        Raises:
            OutcomeUnknown: It may have been posted.
            SystemFault: One line is refused; none was posted.
        """
        self._client.action(f"{self._company}/journals({journal.id})/Microsoft.NAV.post")

    def _lines(self, journal: Journal) -> str:
        return f"{self._path}({journal.id})/vendorPayments"

    def _open_entries(self, journal: Journal, line: PaymentLine) -> BatchRequest:
        return BatchRequest("GET", f"{self._lines(journal)}({line.id})/applyVendorEntries")

    def _same_invoice(self, journal: Journal, line: PaymentLine) -> BatchRequest:
        meant = f"$filter=appliesToInvoiceId%20eq%20{line.invoice_id}"
        return BatchRequest("GET", f"{self._lines(journal)}?{meant}")

    def _whole(self, question: BatchRequest, answer: BatchAnswer) -> t.Sequence[Body]:
        """Return all rows of a list that was asked for in a batch, which answers its first page."""
        if answer.fault is not None:
            raise answer.fault
        if answer.body.get("@odata.nextLink"):
            return list(self._client.rows(question.path, fresh=True))
        return answer.body.get("value") or ()

    def _with(self, path: str, field: str, values: t.Sequence[str]) -> t.Iterator[dict[str, t.Any]]:
        for start in range(0, len(values), _AT_ONCE):
            query = {"$filter": any_of(field, values[start : start + _AT_ONCE])}
            yield from self._client.rows(path, query, fresh=True)

    def _all_or_none(self, requests: t.Sequence[BatchRequest]) -> list[BatchAnswer]:
        answers = self._client.batch(requests, isolated=True, goes_on=False)
        # Of a batch that was taken back, those before the one that is to blame may read as done.
        faults = [answer.fault for answer in answers if answer.fault is not None]
        if faults:
            raise min(faults, key=_unanswered)
        return answers


def _unanswered(fault: SystemFault) -> bool:
    """Whether a fault tells of a request that was not carried out because of another one."""
    return fault.status is None


def _is_of(entry: Body, line: PaymentLine) -> bool:
    return entry.get("documentType") == "Invoice" and entry.get("documentNumber") == line.invoice_number


def _remaining(entry: Body) -> Decimal:
    """Return what an invoice's entry still owes: it stands in the vendor's books with a negative sign."""
    return abs(Decimal(entry.get("remainingAmount") or 0))


def _journal(row: Body) -> Journal:
    return Journal(str(row["id"]).lower(), str(row.get("code") or ""), row.get("balancingAccountNumber"))


def _vendor_entry(row: Body) -> PaymentEntry:
    return PaymentEntry(
        row.get("externalDocumentNumber"),
        row.get("documentNumber"),
        row.get("vendorNumber"),
        row.get("postingDate"),
        Decimal(row.get("amount") or 0),
    )
