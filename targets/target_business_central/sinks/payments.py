"""Payments made elsewhere, as lines of a vendor payment journal applied to what they settle. No money moves."""

from __future__ import annotations

import collections
import logging
import threading
import typing as t
from decimal import Decimal

from ml_connector import exact_json
from ml_connector.delivery.keyed_lock import SingleFlight
from ml_connector.delivery.sink import WATCHED, Delivered, DocumentSink, Found, LookupInconclusive
from ml_connector.documents import GAP, Payment, PaymentApplication
from ml_connector.errors import (
    Conflict,
    ConflictFound,
    CredentialsRefused,
    KeptBack,
    NotFound,
    OutcomeUnknown,
    Reason,
    Rejected,
    SettingInvalid,
    SystemFault,
)
from ml_connector.money import minor_units
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.errors import SYSTEM, EntityChanged
from ml_connector.systems.business_central.purchase_invoices import PurchaseInvoice, PurchaseInvoiceBook
from ml_connector.systems.business_central.vendor_payments import Journal, PaymentBook, PaymentEntry, PaymentLine
from ml_connector.systems.business_central.vendors import Vendor
from ml_connector.systems.business_central.writes import on_fresh_data, written_already
from target_business_central.invoice_checks import company_reasons, vendor_reasons
from target_business_central.options import BusinessCentralPosting
from target_business_central.payment_checks import (
    amount_reasons,
    currency_reasons,
    invoice_reasons,
    line_problems,
    overpaid,
)
from target_business_central.payment_request import PaymentNumbers, is_ours, payment_lines
from target_business_central.references import GUID, Ambiguous, References

__all__ = ["PaymentSink"]

_LOG = logging.getLogger(__name__)

_ADD: t.Final = "POST vendorPayments"
_REMOVE: t.Final = "DELETE vendorPayments"
_SHOWN: t.Final = 5
_QUEUED: t.Final = 'it does so later where General Ledger Setup says "Post with Job Queue"'


class PaymentSink(DocumentSink[Payment]):
    """Records payments; the external document number of the lines, kept by posting, is what hinders a second one.

    Args:
        client: The environment's client.
        references: The company's reference data.
        options: Which journal, and whether it is posted.
    """

    document_class = Payment
    reads_back = True
    watched = WATCHED
    withdraws = True

    def __init__(self, client: BusinessCentralClient, references: References, options: BusinessCentralPosting) -> None:
        self._references = references
        self._options = options
        self.leaves_drafts = not options.post_payments
        self._invoices = PurchaseInvoiceBook(client, references.company)
        self._payments = PaymentBook(client, references.company)
        self._flights = SingleFlight()
        self._lock = threading.Lock()
        self._checked: dict[str, list[PurchaseInvoice | None]] = {}
        self._known_journal: Journal | None = None

    def prepare(self) -> None:
        """See that the journal is there, or may be made.

        Raises:
            SettingInvalid: It is not, and may not.
        """
        self._known_journal = None
        code = self._options.payment_journal
        if self._journal() is None and not self._options.create_payment_journal:
            raise SettingInvalid(
                f'Business Central has no vendor payment journal "{code}".',
                'Make it there (a batch of the first payment template), or set "create_payment_journal" and '
                '"balancing_account".',
            )

    def check(self, document: Payment) -> list[Reason]:
        """Return why it cannot be recorded: Business Central itself looks at most of it only when it posts."""
        reasons = [
            *company_reasons(document.company, self._references),
            *vendor_reasons(document.supplier, self._references, paying=True),
            *amount_reasons(document),
        ]
        vendor = self._vendor(document)
        if vendor is not None:
            reasons += currency_reasons(document, vendor, self._references)
        if vendor is not None and not reasons and all(part.invoice != GAP for part in document.applications):
            own = self._references.currency(None)
            invoices = [self._invoice(part, vendor) for part in document.applications]
            for part, invoice in zip(document.applications, invoices, strict=True):
                reasons += invoice_reasons(document, part, invoice, vendor, own)
            if not reasons:
                self._checked[document.external_id] = invoices
        if reasons and self._there(PaymentNumbers.of(document)) != ([], []):
            return []  # It is recorded already, which is why its invoices owe nothing any more.
        return list(dict.fromkeys(reasons))

    def find(self, document: Payment) -> Found | None:
        """Look for its external document number, in the journal and among what was posted.

        Raises:
            LookupInconclusive: Payments cannot be listed, or lines pay more than is owed: whoever entered them did not
                come to looking at that.
        """
        numbers = PaymentNumbers.of(document)
        try:
            lines, entries = self._there(numbers)
            too_much = self._too_much(lines, entries)
        except (NotFound, Rejected) as error:  # a line that is posted at this moment is there no more
            raise LookupInconclusive(f"Business Central refuses to list payments ({error.message}).") from error
        if too_much:
            raise LookupInconclusive(f"{too_much}.")
        return _found(numbers, lines, entries, document.external_id) if lines or entries else None

    def compose(self, document: Payment) -> None:
        """Build the lines of the invoices the payment was just checked against."""
        checked = self._checked.get(document.external_id) or ()
        parts = [
            (invoice, part.amount)
            for part, invoice in zip(document.applications, checked, strict=False)
            if invoice is not None
        ]
        PaymentNumbers.of(document)
        exact_json.dumps(payment_lines(document, document.supplier, parts))

    def create(self, document: Payment) -> Delivered:
        """Add one line per invoice, all of them or none, once it is certain that there are none.

        Raises:
            Conflict: It is recorded in another way, or was reversed.
            Rejected: An invoice owes less than is paid of it; the lines were removed again.
            OutcomeUnknown: It may have been recorded.
        """
        numbers = PaymentNumbers.of(document)
        vendor = self._vendor(document)
        if vendor is None:
            raise ConflictFound(SYSTEM, _ADD, f"vendor {document.supplier} is not there any more")
        with self._flights.of(vendor.number):
            journal = self._journal(make=True)
            lines, entries = self._there(numbers)
            if lines or entries:
                return self._had_already(document, numbers, lines, entries)
            parts = self._parts(document, vendor)
            written = self._payments.add(journal, payment_lines(document, vendor.number, parts))
            with written_already():
                lines = [PaymentLine.of(each) for each in written.value["value"]]
                reasons, failed = self._accepted(journal, lines)
                if reasons or failed is not None:
                    self._payments.remove(journal, lines)
            if failed is not None:
                raise failed
            if reasons:
                what = "; ".join(reason.what for reason in reasons)
                raise KeptBack(SYSTEM, _ADD, f"{what}; the lines were removed again")
        return Delivered(
            numbers.key, numbers.number, draft=True, open=False, request=written.request, response=written.response
        )

    def update(self, document: Payment, target_id: str, previous: Payment | None) -> Delivered:
        """Leave lines that are to be posted to the journal, which is posted as a whole; what was recorded stays.

        Raises:
            Conflict: It is to say something else.
        """
        if previous is not None and self.facts(previous) == self.facts(document):
            return Delivered(target_id, PaymentNumbers.of_key(target_id).number, draft=True, open=False, unchanged=True)
        raise ConflictFound(SYSTEM, _ADD, f"{document.external_id} is recorded ({target_id}); correct it by hand")

    def withdraw(self, document: Payment, target_id: str) -> Delivered:
        """Remove its lines from the journal, whoever has touched them meanwhile: the payment they tell of has failed.

        Raises:
            Conflict: It was posted, which only a person can reverse (sheet 4).
        """
        numbers = PaymentNumbers.of_key(target_id)

        def step() -> int:
            lines, entries = self._there(numbers)
            if entries and not _is_reversed(entries):
                raise self._to_reverse(document, numbers, entries)
            journal = self._journal()
            if lines and journal is not None:
                try:
                    self._payments.remove(journal, lines)
                except NotFound as gone:  # posted or removed at this moment: asked again, it is one or the other
                    raise EntityChanged(SYSTEM, _REMOVE, gone.message) from gone
            return len(lines)

        removed = on_fresh_data(step)
        words = f"{removed} lines removed from journal {self._options.payment_journal}"
        return Delivered(target_id, numbers.number, unchanged=not removed, request=words if removed else None)

    def finish(self) -> bool:
        """Post the journal, where that is asked for and everything in it is ours and sound; else say why not."""
        if not self._options.post_payments:
            return False
        code = self._options.payment_journal
        try:
            why_not = self._posted()
        except CredentialsRefused:
            raise
        except SystemFault as fault:
            why_not = [str(fault)]
        finally:
            self._known_journal = None  # posting may have made another one of it
        for words in why_not[:_SHOWN]:
            _LOG.warning("Journal %s is not posted: %s.", code, words.rstrip("."))
        return not why_not

    def facts(self, document: Payment) -> t.Mapping[str, t.Any]:
        """Return what Business Central should say if it holds exactly this payment."""
        vendor = self._vendor(document)
        return {
            "supplier": document.supplier if vendor is None else vendor.number,
            "amount": document.amount,
            "payment_date": document.payment_date.isoformat(),
        }

    def read_back(self, target_ids: t.Sequence[str]) -> dict[str, Found]:
        """Look for lines and posted payments by their external document numbers."""
        numbers = [PaymentNumbers.of_key(key) for key in target_ids]
        lines, entries = self._there(*numbers)
        found = {}
        for each in numbers:
            own = [line for line in lines if line.key == each.key]
            posted = [entry for entry in entries if entry.key == each.key]
            if own or posted:
                found[each.key] = _found(each, own, posted)
        return found

    def _vendor(self, document: Payment) -> Vendor | None:
        try:
            return self._references.vendor(document.supplier)
        except Ambiguous:
            return None

    @t.overload
    def _journal(self) -> Journal | None: ...
    @t.overload
    def _journal(self, *, make: t.Literal[True]) -> Journal: ...

    def _journal(self, *, make: bool = False) -> Journal | None:
        """Return the journal as it was when this run began; posting may replace it by another one."""
        with self._lock:
            if self._known_journal is None:
                self._known_journal = self._payments.journal(self._options.payment_journal)
            if self._known_journal is None and make:
                self._known_journal = self._made_journal()
            return self._known_journal

    def _made_journal(self) -> Journal:
        code, number = self._options.payment_journal, self._options.balancing_account or ""
        account = self._references.account(number) if number else None
        if account is None or not self._options.create_payment_journal:
            raise SettingInvalid(
                f'setting "balancing_account": Business Central has no account "{number}" for journal "{code}".',
                "Set it to the number of the ledger account that payments are taken from, or make the journal there.",
            )
        try:
            self._payments.create_journal(code, "Payments made elsewhere", account.id)
        except Conflict:
            _LOG.info("Journal %s was made by somebody else at the same time.", code)
        journal = self._payments.journal(code)
        if journal is None:
            raise OutcomeUnknown(SYSTEM, "POST vendorPaymentJournals", f"journal {code} is not there after it was made")
        return journal

    def _there(self, *numbers: PaymentNumbers) -> tuple[list[PaymentLine], list[PaymentEntry]]:
        """Return the lines and the posted payments with these numbers; after posting a line is gone."""
        journal = self._journal()
        keys = {each.key: each.number for each in numbers}
        lines = [] if journal is None else self._payments.lines_with(journal, list(keys))
        return lines, self._payments.posted(keys)

    def _invoice(self, part: PaymentApplication, vendor: Vendor) -> PurchaseInvoice | None:
        """Return the invoice a part settles: by id, else by the vendor's number or Business Central's own."""
        if GUID.fullmatch(part.invoice):
            return self._invoices.get(part.invoice.lower())
        there = self._invoices.with_number(vendor.number, part.invoice) or self._invoices.numbered(part.invoice)
        used = [invoice for invoice in there if not invoice.undone] or there
        return used[0] if len(used) == 1 else None

    def _parts(self, document: Payment, vendor: Vendor) -> list[tuple[PurchaseInvoice, Decimal]]:
        """Return the invoices with what is paid of each, as they were when the payment was checked a moment ago."""
        parts: dict[str, tuple[PurchaseInvoice, Decimal]] = {}
        checked = self._checked.pop(document.external_id, None)
        invoices = checked or [self._invoice(part, vendor) for part in document.applications]
        for part, invoice in zip(document.applications, invoices, strict=True):
            if invoice is None or invoice.status != "Open":
                state = "is not there" if invoice is None else f"is {invoice.status.lower()}"
                raise ConflictFound(SYSTEM, _ADD, f"invoice {part.invoice_number or part.invoice} {state} any more")
            _, before = parts.get(invoice.id, (invoice, Decimal(0)))
            parts[invoice.id] = (invoice, before + part.amount)
        return list(parts.values())

    def _accepted(self, journal: Journal, lines: t.Sequence[PaymentLine]) -> tuple[list[Reason], SystemFault | None]:
        """Return why lines cannot stay: what they pay too much, or why that could not be looked at."""
        try:
            return self._overpaid(journal, lines), None
        except SystemFault as fault:
            return [], fault

    def _overpaid(self, journal: Journal, lines: t.Sequence[PaymentLine]) -> list[Reason]:
        """Return which invoices owe less than these and all other lines of the journal pay."""
        standing = self._payments.standing(journal, lines)
        reasons = []
        for line in lines:
            owed, waiting = standing[line.id]
            if waiting > owed:
                name = line.invoice_number or line.invoice_id or ""
                reasons.append(overpaid(name, owed - (waiting - line.amount), line.amount, name))
        return reasons

    def _too_much(self, lines: t.Sequence[PaymentLine], entries: t.Sequence[PaymentEntry]) -> str | None:
        """Say of lines that wait for posting which invoices owe less than they pay; None when all owe enough."""
        journal = self._journal()
        applied = [line for line in lines if line.invoice_id]
        if entries or not applied or journal is None:
            return None
        reasons = self._overpaid(journal, applied)
        words = "; ".join(dict.fromkeys(reason.what for reason in reasons))
        return f"its lines stand in journal {journal.code}, and {words}: remove them there" if reasons else None

    def _had_already(
        self,
        document: Payment,
        numbers: PaymentNumbers,
        lines: t.Sequence[PaymentLine],
        entries: t.Sequence[PaymentEntry],
    ) -> Delivered:
        """Take what is recorded under our number for this payment, if it is all of it."""
        found = _found(numbers, lines, entries, document.external_id)
        if found.cancelled:
            raise ConflictFound(
                SYSTEM, _ADD, f"this payment was recorded and reversed in Business Central ({numbers.key})"
            )
        amount = found.facts.get("amount", document.amount)
        if amount != document.amount:
            words = f"Business Central has {amount:f} of this payment of {document.amount:f} ({numbers.key})"
            raise ConflictFound(SYSTEM, _ADD, words)
        words = f"Business Central had it already ({found.status}, {numbers.key})"
        draft = found.draft
        return Delivered(numbers.key, numbers.number, draft=draft, open=False, unchanged=True, warnings=(words,))

    def _to_reverse(self, document: Payment, numbers: PaymentNumbers, entries: t.Sequence[PaymentEntry]) -> Conflict:
        number = next((entry.document_number for entry in entries if entry.document_number), numbers.number)
        vendor = next((entry.vendor_number for entry in entries if entry.vendor_number), document.supplier)
        return ConflictFound(
            SYSTEM,
            _REMOVE,
            f"Business Central has posted it as {number}, and its API reverses nothing",
            cure=f"open the vendor ledger entries of {vendor}, unapply and reverse payment {number} (external document "
            f"number {numbers.key}), then `ml-connector ignore {document.number or document.source.id}`",
        )

    def _posted(self) -> list[str]:
        """Post the journal as it is now; return why not if it is not."""
        journal = self._payments.journal(self._options.payment_journal)
        lines = self._payments.lines(journal) if journal else []
        if journal is None or not lines:
            return []
        if foreign := [line for line in lines if not is_ours(line)]:
            shown = ", ".join(line.document_number or line.id for line in foreign[:_SHOWN])
            return [f"{len(foreign)} of its {len(lines)} lines were not made here ({shown}); it is posted as a whole"]
        if problems := self._problems(journal, lines):
            return problems
        unsure: OutcomeUnknown | None = None
        try:
            self._payments.post(journal)
        except OutcomeUnknown as fault:
            unsure = fault
        if self._remain(journal, lines):
            return [str(unsure or f"Business Central has taken the order and not carried it out yet ({_QUEUED})")]
        _LOG.info("Journal %s is posted: %d lines, %s in all.", journal.code, len(lines), self._sums(lines))
        return []

    def _sums(self, lines: t.Sequence[PaymentLine]) -> str:
        """Return in words what lines come to in each currency: a line has that of its vendor's card (sheet 4)."""
        sums: collections.defaultdict[str, Decimal] = collections.defaultdict(Decimal)
        for line in lines:
            vendor = next(iter(self._references.vendors_with(number=line.vendor_number)), None)
            sums[self._references.currency(vendor.currency if vendor else None) or ""] += line.amount
        words = (f"{code} {total:,.{minor_units(code)}f}" if code else f"{total:,f}" for code, total in sums.items())
        return ", ".join(sorted(words))

    def _remain(self, journal: Journal, lines: t.Sequence[PaymentLine]) -> bool:
        """Whether lines are still there: posting is one transaction, all of them are gone or none is."""
        try:
            left = {line.id for line in self._payments.lines(journal)}
        except NotFound:  # Business Central may remove a journal it has emptied (sheet 4)
            return False
        return any(line.id in left for line in lines)

    def _problems(self, journal: Journal, lines: t.Sequence[PaymentLine]) -> list[str]:
        """Return what would make posting fail, or pay what is paid: one line keeps all others back."""
        ids = list(dict.fromkeys(line.invoice_id for line in lines if line.invoice_id))
        invoices = self._invoices.by_ids(ids)
        applied = [line for line in lines if line.invoice_id]
        standing = self._payments.standing(journal, applied)
        problems: list[str] = []
        for line in lines:
            vendors = self._references.vendors_with(number=line.vendor_number)
            problems += line_problems(line, invoices.get(line.invoice_id or ""), next(iter(vendors), None))
        over = {line.invoice_number: standing[line.id] for line in applied}
        problems += [
            f"invoice {number} owes {owed:f}, less than the {waiting:f} of its lines"
            for number, (owed, waiting) in over.items()
            if waiting > owed
        ]
        return problems


def _found(
    numbers: PaymentNumbers,
    lines: t.Sequence[PaymentLine],
    entries: t.Sequence[PaymentEntry],
    external_id: str | None = None,
) -> Found:
    amounts = [line.amount for line in lines] + [entry.amount for entry in entries if entry.amount is not None]
    suppliers = {line.vendor_number for line in lines} | {entry.vendor_number for entry in entries}
    dates = {line.date for line in lines} | {entry.date for entry in entries}
    facts: dict[str, t.Any] = {"payment_date": next(iter(dates)) if len(dates) == 1 else sorted(map(str, dates))}
    if all(entry.amount is not None for entry in entries):
        facts["amount"] = sum(amounts, Decimal(0))
        facts["supplier"] = next(iter(suppliers)) if len(suppliers) == 1 else sorted(map(str, suppliers))
    return Found(
        numbers.key,
        external_id,
        numbers.number,
        "posted" if entries else "in the journal",
        draft=not entries,
        open=False,
        cancelled=not lines and _is_reversed(entries),
        facts=facts,
    )


def _is_reversed(entries: t.Sequence[PaymentEntry]) -> bool:
    """Whether what was posted was taken back: the entries of a reversal come to nothing together."""
    amounts = [entry.amount for entry in entries]
    return bool(amounts) and None not in amounts and sum(t.cast("list[Decimal]", amounts), Decimal(0)) == 0
