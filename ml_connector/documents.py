"""The documents every tap maps into and every target posts from.

A document is what the accounts-payable field calls it: a supplier invoice, a supplier, a payment. It is frozen,
carries exact money, and knows where it came from. References (``supplier``, ``spend_category``, dimensions) hold
the *target's* ids or human numbers, as the crosswalk resolved them.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime as dt
import hashlib
import json
import typing as t
from decimal import Decimal

import pydantic
from babel.core import get_global
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from ml_connector.currencies import MINOR_UNITS
from ml_connector.decimals import exact_decimal
from ml_connector.errors import Reason
from ml_connector.moments import parse_moment
from ml_connector.money import inexact, minor_units
from ml_connector.text import sendable

__all__ = [
    "DELIVERY_ORDER",
    "DOCUMENT_CLASSES",
    "GAP",
    "OWNABLE_FIELDS",
    "Attachment",
    "DimensionValue",
    "Document",
    "DocumentSource",
    "GlAccount",
    "InvoiceLine",
    "Mapped",
    "Outline",
    "Payment",
    "PaymentApplication",
    "Reference",
    "Supplier",
    "SupplierInvoice",
    "canonical_json",
    "content_hash",
]

Number = t.Annotated[Decimal, BeforeValidator(exact_decimal)]

Text = t.Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

GAP: t.Final = "?"
"""Stands in a part of a document for a text that could not be mapped, which is told already: no check looks at it."""


def _known_currency(code: str) -> str:
    if code not in MINOR_UNITS and code not in get_global("all_currencies"):
        raise ValueError(f"{code!r} is not an ISO 4217 currency code")
    return code


Currency = t.Annotated[str, AfterValidator(_known_currency)]


class _Frozen(pydantic.BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, str_strip_whitespace=True)

    @pydantic.field_validator("*", mode="before")
    @classmethod
    def _without_control_characters(cls, value: t.Any) -> t.Any:
        """Leave out what no system takes in a text, whichever field it stands in."""
        if isinstance(value, str):
            return sendable(value)
        if isinstance(value, list | tuple):
            return tuple(sendable(item) if isinstance(item, str) else item for item in value)
        return value


class DocumentSource(_Frozen):
    """Where a document comes from: the identity the ledger keeps, plus the version read.

    Attributes:
        system: System name (``bill``).
        instance: The organization, tenant or company within it.
        stream: Native stream the record came from (``bills``).
        id: The record's own id, stable for ever.
        version: What the source says about its version (``updatedTime``), for people to read.
        created_at: When the source created it; decides whether a lost ledger could have posted it.
    """

    system: Text
    instance: Text
    stream: Text
    id: Text
    version: str | None = None
    created_at: dt.datetime | None = None

    @pydantic.field_validator("created_at", mode="before")
    @classmethod
    def _possible(cls, value: t.Any) -> dt.datetime | None:
        """Take what is no moment in UTC for not known: the target is asked then, and the document is not lost."""
        try:
            return parse_moment(value.isoformat() if isinstance(value, dt.datetime) else value)
        except ValueError:
            return None


class Document(_Frozen):
    """What all documents share.

    Attributes:
        source: Where it comes from.
        external_id: The id it is created under in the target; deterministic, so that it can be found again.
        number: The human number people search for.
        withdrawn: Why the source no longer stands by it (archived, denied), if so. Never a reason to delete.
    """

    kind: t.ClassVar[str]
    bulky: t.ClassVar[frozenset[str]] = frozenset()
    """Fields that are neither shown nor kept a second time beside the native record."""
    checked_in_part: t.ClassVar[bool] = False
    """Whether a target can say what it has against the rest while texts of it could not be mapped."""

    source: DocumentSource
    external_id: Text
    number: str | None = None
    withdrawn: str | None = None

    @property
    def currency_code(self) -> str | None:
        """Currency of the total, for documents that carry money."""
        return None

    @property
    def total_amount(self) -> Decimal | None:
        """Total, for documents that carry money."""
        return None

    @property
    def party(self) -> str | None:
        """Name of the supplier as the source writes it, for people to read."""
        return None

    @property
    def booking_date(self) -> dt.date | None:
        """The date a target can be searched by, for documents that have one."""
        return None


class Reference(_Frozen):
    """A kind of ledger dimension and the target's value for it (``cost_center`` = ``CC-410``)."""

    kind: Text
    value: Text


class InvoiceLine(_Frozen):
    """One line of a supplier invoice; amounts in the invoice's currency.

    Attributes:
        id: The source's line id.
        order: Position, from 1.
        amount: Extended amount without tax.
        gl_account: The ledger account expected to be hit, where a target derives it (sheet workday 0.1).
        spend_category: What was bought, for targets that code by it.
        dimensions: Cost center, project and other worktags; at most one of a kind.
        purchase_order_line: The target's id of the order line this invoices.
    """

    id: Text
    order: t.Annotated[int, Field(ge=1)]
    amount: Number
    description: str | None = None
    quantity: Number | None = None
    unit_price: Number | None = None
    gl_account: str | None = None
    spend_category: str | None = None
    dimensions: tuple[Reference, ...] = ()
    purchase_order_line: str | None = None
    tax_code: str | None = None

    @pydantic.field_validator("dimensions")
    @classmethod
    def _one_of_a_kind(cls, value: tuple[Reference, ...]) -> tuple[Reference, ...]:
        kinds = [reference.kind for reference in value]
        if len(kinds) != len(set(kinds)):
            raise ValueError("a line can carry one value per dimension")
        return value


class SupplierInvoice(Document):
    """A supplier's invoice (negative total: a credit).

    Attributes:
        supplier: The target's supplier id.
        supplier_name: The supplier's name in the source, for people.
        supplier_number: The supplier's own invoice number.
        company: The target's company (legal entity) that owes the money.
        total: What is owed, tax and charges included.
        tax_amount: Tax contained in the total that stands on no line.
        charges: Freight and other charges contained in the total that stand on no line.
        freight: The part of the charges that is freight, for targets that keep it apart.
    """

    kind: t.ClassVar[str] = "supplier_invoices"
    checked_in_part: t.ClassVar[bool] = True

    supplier: Text
    supplier_name: str | None = None
    supplier_number: str | None = None
    company: Text
    currency: Currency
    invoice_date: dt.date
    due_date: dt.date | None = None
    accounting_date: dt.date | None = None
    total: Number
    tax_amount: Number = Decimal(0)
    charges: Number = Decimal(0)
    freight: Number = Decimal(0)
    memo: str | None = None
    purchase_order_number: str | None = None
    payment_terms: str | None = None
    on_hold: bool = False
    lines: t.Annotated[tuple[InvoiceLine, ...], Field(min_length=1)]

    @property
    def lines_total(self) -> Decimal:
        """Sum of the lines, tax and charges: must equal ``total``."""
        return sum((line.amount for line in self.lines), self.tax_amount + self.charges)

    @property
    def amounts(self) -> tuple[Decimal, ...]:
        """All amounts of money it states."""
        return (self.total, self.tax_amount, self.charges, self.freight, *(line.amount for line in self.lines))

    @property
    def inexact_amounts(self) -> tuple[Decimal, ...]:
        """Amounts with more decimals than the currency has."""
        return _inexact(self.amounts, self.currency)

    @property
    def currency_code(self) -> str | None:
        """Currency of the invoice."""
        return self.currency

    @property
    def total_amount(self) -> Decimal | None:
        """What is owed."""
        return self.total

    @property
    def party(self) -> str | None:
        """The supplier's name in the source."""
        return self.supplier_name

    @property
    def booking_date(self) -> dt.date | None:
        """The invoice date."""
        return self.invoice_date


class Supplier(Document):
    """Somebody we owe money to. Bank details are deliberately no part of it.

    Attributes:
        name: Legal or trading name.
        target_id: The target's id, when the crosswalk, a learned link or a match rule knows it.
        tax_id: Tax number, used for matching.
        active: Whether the source still does business with it.
        known_as: Further ids under which the target may know it, such as an external id the source keeps.
        owned: Fields the source is master of; only these are ever changed in the target.
    """

    kind: t.ClassVar[str] = "suppliers"

    name: Text
    target_id: str | None = None
    currency: Currency | None = None
    tax_id: str | None = None
    email: str | None = None
    phone: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    active: bool = True
    known_as: tuple[str, ...] = ()
    owned: tuple[str, ...] = ()

    @pydantic.field_validator("owned")
    @classmethod
    def _fields_that_may_be_owned(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(value) - OWNABLE_FIELDS):
            raise ValueError(f"{', '.join(unknown)} cannot be owned, only {', '.join(sorted(OWNABLE_FIELDS))}")
        return value

    @property
    def owned_values(self) -> dict[str, t.Any]:
        """What the target's fields should say, of those the source is master of."""
        return {name: getattr(self, name) for name in self.owned}

    @property
    def imposed_values(self) -> dict[str, t.Any]:
        """Of these, what the source knows: what it does not know itself, it empties nowhere.

        Only the second line of an address goes with the first.
        """
        values = self.owned_values
        return {
            name: value
            for name, value in values.items()
            if value is not None or (name == "address_line2" and values.get("address_line1"))
        }

    @property
    def party(self) -> str | None:
        """The supplier's own name."""
        return self.name


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
        part: What there is of it when reasons stand against it, with ``GAP`` for texts that could not be mapped: only
            to be checked, never to be sent. None where too little is there.
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


OWNABLE_FIELDS: t.Final = frozenset(
    {
        "name",
        "tax_id",
        "email",
        "phone",
        "address_line1",
        "address_line2",
        "city",
        "region",
        "postal_code",
        "country",
        "active",
    }
)
"""Fields of a supplier that one side can be master of. Bank details are none, and never will be."""


class GlAccount(Document):
    """A ledger account, as reference data.

    Attributes:
        account_number: Its number in the chart of accounts.
        name: Its name.
        account_type: The field's own word for its type (``EXPENSE``, ``ASSET``), when the source knows it.
        parent: The target's id of the account above it.
        active: Whether it may still be used.
        target_id: The target's id, when the crosswalk or a learned link knows it.
    """

    kind: t.ClassVar[str] = "gl_accounts"

    account_number: Text
    name: Text
    account_type: str | None = None
    parent: str | None = None
    active: bool = True
    target_id: str | None = None


class DimensionValue(Document):
    """A value of a ledger dimension, as reference data (a cost center, a department, a location ...).

    Attributes:
        dimension: Which dimension it belongs to (``cost_center``, ``department``, ``location``, ``job``, ``project``).
        code: Its code, when it has one beside its name.
        name: Its name.
        parent: The target's id of the value above it.
        active: Whether it may still be used.
        target_id: The target's id, when the crosswalk or a learned link knows it.
    """

    kind: t.ClassVar[str] = "dimensions"

    dimension: Text
    code: str | None = None
    name: Text
    parent: str | None = None
    active: bool = True
    target_id: str | None = None


class PaymentApplication(_Frozen):
    """What part of a payment settles which invoice.

    Attributes:
        invoice: The target's id of the invoice or bill.
        invoice_number: Its human number, for people.
        amount: Cash applied to it, in the payment's currency.
        credit: Part of the same settlement that a credit covers.
    """

    invoice: Text
    invoice_number: str | None = None
    amount: Number
    credit: Number = Decimal(0)


class Payment(Document):
    """Money that has left already. Recording it moves none.

    Attributes:
        supplier: The target's supplier id.
        supplier_name: The supplier's name in the source, for people.
        company: The target's company that paid, where the target has companies.
        amount: Cash paid.
        payment_date: When the money left.
        method: The source's word for how (``ACH``, ``CHECK``).
        reference: Cheque number, trace number or the like.
        bank_account: The target's id of the bank account paid from, where a target wants one.
        applications: What it settles; their amounts add up to ``amount``.
    """

    kind: t.ClassVar[str] = "payments"
    checked_in_part: t.ClassVar[bool] = True

    supplier: Text
    supplier_name: str | None = None
    company: str | None = None
    currency: Currency
    amount: Number
    payment_date: dt.date
    method: str | None = None
    reference: str | None = None
    bank_account: str | None = None
    applications: t.Annotated[tuple[PaymentApplication, ...], Field(min_length=1)]

    @property
    def applied(self) -> Decimal:
        """Cash applied to invoices: must equal ``amount``."""
        return sum((part.amount for part in self.applications), Decimal(0))

    @property
    def amounts(self) -> tuple[Decimal, ...]:
        """All amounts of money it states."""
        return (self.amount, *(amount for part in self.applications for amount in (part.amount, part.credit)))

    @property
    def inexact_amounts(self) -> tuple[Decimal, ...]:
        """Amounts with more decimals than the currency has."""
        return _inexact(self.amounts, self.currency)

    @property
    def currency_code(self) -> str | None:
        """Currency of the payment."""
        return self.currency

    @property
    def total_amount(self) -> Decimal | None:
        """Cash paid."""
        return self.amount

    @property
    def party(self) -> str | None:
        """The supplier's name in the source."""
        return self.supplier_name

    @property
    def booking_date(self) -> dt.date | None:
        """When the money left."""
        return self.payment_date


class Attachment(Document):
    """A file that belongs to a supplier invoice: its scan, a timesheet, a delivery note.

    Attributes:
        invoice: The target's id or number of the invoice.
        invoice_date: The invoice's date, by which a target may have to look for it.
        due_date: When the invoice is due, likewise.
        supplier: The target's supplier id of the invoice.
        supplier_name: The supplier's name in the source, for people.
        file_name: Its name with extension, as people gave it.
        media_type: Its MIME type, as the source says.
        size: Its size in bytes.
        sha256: Hash of the file, as hexadecimal text.
        content: The file as base64; None where it was not read, or is only remembered as sent.
    """

    kind: t.ClassVar[str] = "attachments"
    bulky: t.ClassVar[frozenset[str]] = frozenset({"content"})

    invoice: Text
    invoice_date: dt.date | None = None
    due_date: dt.date | None = None
    supplier: Text
    supplier_name: str | None = None
    file_name: Text
    media_type: str | None = None
    size: t.Annotated[int, Field(ge=0)]
    sha256: t.Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    content: t.Annotated[str | None, Field(repr=False)] = None

    @pydantic.field_validator("content")
    @classmethod
    def _what_size_and_hash_say(cls, value: str | None, info: pydantic.ValidationInfo) -> str | None:
        if value is None:
            return None
        try:
            data = base64.b64decode(value, validate=True)
        except binascii.Error:
            raise ValueError("is not base64") from None
        if len(data) != info.data.get("size") or hashlib.sha256(data).hexdigest() != info.data.get("sha256"):
            raise ValueError("is not what its size and hash say")
        return value

    @property
    def data(self) -> bytes:
        """The file; empty where there is no content."""
        return base64.b64decode(self.content or "")

    @property
    def party(self) -> str | None:
        """The supplier's name in the source."""
        return self.supplier_name


DELIVERY_ORDER: t.Final = ("gl_accounts", "dimensions", "suppliers", "supplier_invoices", "attachments", "payments")
"""Kinds in the order they are delivered: what is referred to goes first."""

DOCUMENT_CLASSES: t.Final[dict[str, type[Document]]] = {
    "gl_accounts": GlAccount,
    "dimensions": DimensionValue,
    "suppliers": Supplier,
    "supplier_invoices": SupplierInvoice,
    "attachments": Attachment,
    "payments": Payment,
}


def canonical_json(value: t.Any) -> str:
    """Return JSON that is equal for equal values: sorted keys, exact decimals, ISO dates."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def content_hash(value: t.Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, as hexadecimal text."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _inexact(amounts: t.Iterable[Decimal], currency: str) -> tuple[Decimal, ...]:
    digits = minor_units(currency)
    return tuple(amount for amount in amounts if inexact(amount, digits))


def _plain(value: t.Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize() + 0, "f")
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form")
