"""Invoices of a supplier that have a number already, written in another way than Workday itself would notice."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import typing as t

from ml_connector.delivery.keyed_lock import SingleFlight
from ml_connector.documents import SupplierInvoice
from ml_connector.errors import PermissionDenied, Rejected
from ml_connector.numbers_in_use import NumbersInUse
from ml_connector.sameness import same_number
from ml_connector.systems.workday.errors import SYSTEM, NumberInUse
from ml_connector.systems.workday.invoices import Form, InvoiceReader
from ml_connector.systems.workday.references import References
from target_workday.invoice_request import form_of, supplier_number

__all__ = ["NumberGuard"]

_LOG = logging.getLogger(__name__)

_AROUND: t.Final = dt.timedelta(days=31)


class NumberGuard:
    """Refuses a second invoice of a supplier's number that is written in another way; thread-safe, for one run.

    Workday refuses a number that is in use (docs/systems/workday.md#w4-1), or warns of it; how it compares is not
    documented. So a supplier's invoices of the year are read when the first of them is to be posted, and compared here.

    Args:
        reader: Reads invoices.
        references: The tenant's reference data.
        forms: Which form each WID has, as far as it is known.
    """

    def __init__(self, reader: InvoiceReader, references: References, forms: t.Mapping[str, Form]) -> None:
        self._reader = reader
        self._references = references
        self._forms = forms
        self._flights = SingleFlight()
        self._numbers: dict[Form, dict[int, NumbersInUse]] = {}

    @contextlib.contextmanager
    def of(self, document: SupplierInvoice) -> t.Iterator[None]:
        """Hold the number of an invoice while it is looked for and posted.

        Raises:
            NumberInUse: The supplier has another invoice of this number.
        """
        form, number = form_of(document), supplier_number(document)
        if number is None:
            yield
            return
        supplier = self._references.canonical("supplier", document.supplier) or document.supplier
        with self._flights.of((form.submit, supplier, same_number(number))):
            self._refuse_second(form, supplier, number, document)
            yield

    def note(self, document: SupplierInvoice, wid: str) -> None:
        """Note the number of an invoice that was posted."""
        supplier = self._references.canonical("supplier", document.supplier) or document.supplier
        self._of_year(form_of(document), document.invoice_date.year).add(supplier, supplier_number(document), wid)

    def _refuse_second(self, form: Form, supplier: str, number: str, document: SupplierInvoice) -> None:
        try:
            wids, _ = self._of_year(form, document.invoice_date.year).ids(supplier, number)
            records = self._reader.by_wids(wids, self._forms).values() if wids else ()
        except (Rejected, PermissionDenied) as fault:
            _LOG.info("Invoices of %s cannot be listed (%s); Workday itself looks at their numbers.", supplier, fault)
            return
        for record in records:
            there = (record.supplier_number or "").strip()
            if record.cancelled or record.external_id == document.external_id or there == number.strip():
                continue  # the very same number is Workday's to refuse, or to warn of where a tenant wants that
            if same_number(there) == same_number(number):
                other = f"{record.number or record.external_id} of {record.total:f}"
                words = f"number {there} of the supplier is already in use on {other}"
                raise NumberInUse(SYSTEM, form.submit, words)

    def _of_year(self, form: Form, year: int) -> NumbersInUse:
        first = max(dt.date(year, 1, 1), dt.date.min + _AROUND) - _AROUND
        last = min(dt.date(year, 12, 31), dt.date.max - _AROUND) + _AROUND

        def read(supplier: str) -> t.Iterator[tuple[str | None, str]]:
            reference = self._references.reference("supplier", supplier)
            for record in self._reader.window(form, first, last, supplier=reference):
                yield record.supplier_number, record.wid

        return self._numbers.setdefault(form, {}).setdefault(year, NumbersInUse(read))
