"""What a map makes of a native record."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t
from decimal import Decimal

from ml_connector.documents.base import Document, DocumentSource
from ml_connector.errors import Reason

__all__ = ["GAP", "Mapped", "Outline"]


GAP: t.Final = "\ue000"
"""Stands in a part of a document for a text that could not be mapped, which is told already: no check looks at it.

A character of private use, so that no value of a mapping table is taken for it.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Outline:
    """What people know a record by, as far as the record says so itself.

    Attributes:
        number: Human number.
        party: Supplier name in the source.
        currency: Currency of the amount.
        amount: Total.
    """

    number: str | None = None
    party: str | None = None
    currency: str | None = None
    amount: Decimal | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Mapped:
    """What a map made of one native record.

    Attributes:
        kind: Kind of document (``supplier_invoices``).
        source: Identity and version of the record.
        external_id: The id the document has, or will have, in the target.
        fingerprint: Hash of what the *source* says in the mapped fields: references as the source writes them, so
            that an edited mapping table does not make a posted document look changed. Leaves out names that are
            only there for people.
        document: The document; None when reasons stand against it.
        reasons: Everything that stands against it, all at once (unmapped references, missing fields).
        unwanted: Why the map's filter does not want it (not approved, paid ...); None when wanted.
        number: Human number, for lists.
        party: Supplier name in the source, for lists.
        currency: Currency of the amount, when known.
        amount: Total, when known.
        date: Booking date, when known.
        part: What there is of it when reasons stand against it, with ``GAP`` for texts that could not be mapped, and
            numbers and dates that nothing speaks against for those that are not known: only to be checked, never to be
            sent. None where too little is there.
    """

    kind: str
    source: DocumentSource
    external_id: str
    fingerprint: str
    document: Document | None
    reasons: tuple[Reason, ...] = ()
    unwanted: str | None = None
    number: str | None = None
    party: str | None = None
    currency: str | None = None
    amount: Decimal | None = None
    date: dt.date | None = None
    part: Document | None = None
