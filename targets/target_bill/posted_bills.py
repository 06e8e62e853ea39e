"""The bills in BILL that other documents refer to: by BILL's id, or by the number they have there."""

from __future__ import annotations

import datetime as dt
import re
import typing as t

from ml_connector.systems.bill.bills import BillBook, Invoice
from target_bill.references import Ambiguous, References

__all__ = ["PostedBills"]

_ID: t.Final = re.compile(r"00n[0-9A-Za-z]{17}")


class PostedBills:
    """Finds bills that payments settle and files belong to; thread-safe.

    Args:
        bills: The organization's bills.
        references: The organization's reference data.
    """

    def __init__(self, bills: BillBook, references: References) -> None:
        self._bills = bills
        self._references = references

    def vendor_id(self, supplier: str) -> str:
        """Return the id of a vendor; what names no one vendor stays as it is."""
        try:
            vendor = self._references.vendor(supplier)
        except Ambiguous:
            vendor = None
        return supplier if vendor is None else vendor.id

    def bill(self, value: str, supplier: str, near: dt.date) -> Invoice | None:
        """Return the bill that goes by an id or number, as it is now; None when there is none, or several.

        Args:
            value: BILL's id, or the invoice number.
            supplier: Whose it is, for a number.
            near: A day near its due date, for a number where BILL does not look it up.
        """
        if _ID.fullmatch(value) and (bill := self._bills.get(value)) is not None:
            return bill
        found = self._bills.with_number(self.vendor_id(supplier), value, near)
        used = [bill for bill in found if not bill.archived] or found
        return used[0] if len(used) == 1 else None
