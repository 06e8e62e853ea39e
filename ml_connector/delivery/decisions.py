"""What to do with a document, decided from what is known: no calls, no writes, one place for the rules."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t
from decimal import Decimal

from ml_connector.delivery.comparing import DISPUTED, enter_by_hand, is_disputed
from ml_connector.documents import Document, Mapped, Payment, Supplier, SupplierInvoice
from ml_connector.errors import Reason
from ml_connector.ledger.entries import Entry
from ml_connector.ledger.schema import keeps
from ml_connector.money import inexact, minor_units
from ml_connector.names import display_name

__all__ = [
    "Create",
    "Decision",
    "Drop",
    "HoldBack",
    "Keep",
    "Revise",
    "Submit",
    "Withdraw",
    "decide",
    "inconsistencies",
]


FIRST_DAY: t.Final = dt.date(1900, 1, 1)
LAST_DAY: t.Final = dt.date(2199, 12, 31)
"""Dates of a document lie between these; others are mistakes that systems refuse, or cannot even be asked about."""
_TOO_MANY: t.Final = Decimal(10) ** 15


@dataclasses.dataclass(frozen=True, slots=True)
class Create:
    """It is new to the target and nothing in itself stands against it."""

    document: Document


@dataclasses.dataclass(frozen=True, slots=True)
class Revise:
    """It may still be changed in the target and the source has changed: replace it."""

    document: Document


@dataclasses.dataclass(frozen=True, slots=True)
class Submit:
    """It was left as a draft and is to be more than that now, if the draft still says what was sent."""

    document: Document


@dataclasses.dataclass(frozen=True, slots=True)
class Keep:
    """The target has it, and it says what it said."""


@dataclasses.dataclass(frozen=True, slots=True)
class HoldBack:
    """A person has to decide or mend something first."""

    reasons: tuple[Reason, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Drop:
    """The map's filter does not want it (any more), and it was never posted."""

    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Withdraw:
    """It was delivered and its source no longer stands by it; held for these reasons where it cannot be taken back."""

    document: Document
    reasons: tuple[Reason, ...]


Decision = Create | Revise | Submit | Keep | HoldBack | Drop | Withdraw


def decide(entry: Entry, mapped: Mapped, *, leaves_drafts: bool = False) -> Decision:
    """Return what to do with a document whose earlier outcomes are all certain.

    Args:
        entry: Its row in the ledger.
        mapped: What the map makes of its record now.
        leaves_drafts: Whether drafts stay drafts, by choice of the target's owner.
    """
    if entry.target_id is not None:
        return _already_there(entry, mapped, leaves_drafts=leaves_drafts)
    if mapped.unwanted is not None:
        return Drop(mapped.unwanted)
    if mapped.document is None or mapped.reasons:
        return HoldBack(mapped.reasons)
    if mapped.document.withdrawn is not None:
        return Drop(mapped.document.withdrawn)
    if problems := inconsistencies(mapped.document):
        return HoldBack(tuple(problems))
    return Create(mapped.document)


def inconsistencies(document: Document) -> list[Reason]:
    """Return what a document says against itself: a sum that does not add up, an amount that can be none."""
    origin = display_name(document.source.system)
    problems = [*_impossible_dates(document, origin)]
    if isinstance(document, SupplierInvoice):
        parts, total, added = "lines add", document.total, document.lines_total
    elif isinstance(document, Payment):
        parts, total, added = "what it pays of each invoice adds", document.amount, document.applied
    else:
        return problems
    problems += _impossible_quantities(document, origin)
    if document.inexact_amounts:
        amounts = ", ".join(format(amount, "f") for amount in document.inexact_amounts[:3])
        problems.append(
            Reason(
                "inexact",
                f"{amounts} has more decimals than {document.currency} allows",
                f"correct the amounts in {origin}",
            )
        )
    large = [] if document.inexact_amounts else [amount for amount in document.amounts if not keeps(amount)]
    if large:
        what = f"{_money(large[0], document.currency)} is too large for an amount"
        problems.append(Reason("too_large", what, f"correct the document in {origin}"))
    if added != total:
        problems.append(
            Reason(
                "unbalanced",
                f"{parts} up to {_money(added, document.currency)}, the total says {_money(total, document.currency)}",
                f"correct the document in {origin}",
            )
        )
    return problems


def _impossible_dates(document: Document, origin: str) -> t.Iterator[Reason]:
    """Yield the dates nobody can mean: a year of two digits, none at all, the end of all time."""
    for name in type(document).model_fields:
        day = getattr(document, name)
        if isinstance(day, dt.date) and not FIRST_DAY <= day <= LAST_DAY:
            words = name.replace("_", " ")
            what = f"{words} {day.isoformat()} is before {FIRST_DAY.year} or after {LAST_DAY.year}"
            yield Reason("impossible_date", what, f"correct the date in {origin}", kind="field", value=words)


def _impossible_quantities(document: SupplierInvoice | Payment, origin: str) -> t.Iterator[Reason]:
    """Yield the quantities and prices no target has room for."""
    for line in document.lines if isinstance(document, SupplierInvoice) else ():
        for words, number in (("quantity", line.quantity), ("unit price", line.unit_price)):
            if number is not None and abs(number) >= _TOO_MANY:
                what = f"line {line.order} {words} {number} is too large"
                yield Reason("too_large", what, f"correct the document in {origin}")


def _linked_supplier(entry: Entry, document: Supplier) -> Decision:
    """A supplier both sides have: only what the source is master of matters, and only when it has changed.

    A missing fingerprint says that the target's side has changed, see ``intake``: it is compared again.
    """
    if not document.owned:
        return Keep()
    before = Supplier.model_validate_json(entry.sent) if entry.sent and entry.fingerprint else None
    same = before is not None and before.owned_values == document.owned_values
    return Keep() if same else Revise(document)


def _already_there(entry: Entry, mapped: Mapped, *, leaves_drafts: bool) -> Decision:
    if isinstance(mapped.document, Supplier):
        return _linked_supplier(entry, mapped.document)
    if entry.target_gone and not entry.target_draft:
        return _gone(entry, mapped)
    return _already_posted(entry, mapped, leaves_drafts=leaves_drafts)


def _already_posted(entry: Entry, mapped: Mapped, *, leaves_drafts: bool) -> Decision:
    stands = mapped.document is None or mapped.document.withdrawn is None
    changeable = entry.target_open and mapped.document is not None and stands
    unfinished = changeable and any(reason.code == "unfinished" for reason in entry.reasons)
    if entry.origin != "matched" and entry.target_draft and stands and not leaves_drafts and not unfinished:
        return _left_as_draft(entry, mapped)
    if entry.origin == "matched" or (not unfinished and _is_as_sent(entry, mapped)):
        return Keep()
    if changeable and mapped.document is not None:
        problems = inconsistencies(mapped.document)
        return HoldBack(tuple(problems)) if problems else Revise(mapped.document)
    what = "; ".join(_changes(entry, mapped)) or "its content changed"
    reasons = (
        Reason(
            "changed_after_posting",
            f"changed after posting: {what}",
            f"correct {entry.target_number or entry.target_id} in {_target(entry)} by hand, "
            f"then `ml-connector ignore {entry.label}`",
        ),
    )
    if mapped.document is not None and mapped.document.withdrawn is not None:
        return Withdraw(mapped.document, reasons)
    return HoldBack(reasons)


def _gone(entry: Entry, mapped: Mapped) -> Decision:
    """What was cancelled or deleted over there is never sent again by itself; both sides may agree that it is over."""
    target = _target(entry)
    where = entry.target_number or entry.target_id
    if mapped.document is not None and mapped.document.withdrawn is not None:
        return Drop(f"{mapped.document.withdrawn}, and {where} does not stand in {target} any more")
    if is_disputed(entry):
        return HoldBack(entry.reasons)
    what = f"{where} was cancelled or deleted in {target}"
    return HoldBack((Reason(DISPUTED, what, enter_by_hand(entry, target)),))


def _left_as_draft(entry: Entry, mapped: Mapped) -> Decision:
    """A draft of ours that is to be submitted, as everything else is that goes out now: or not at all."""
    if mapped.unwanted is not None:
        target = _target(entry)
        what = f"it is a draft in {target}, and is not submitted: {mapped.unwanted}"
        cure = f"submit or delete it in {target} by hand, then `ml-connector ignore {entry.label}`"
        return HoldBack((Reason("draft", what, cure),))
    if mapped.document is None or mapped.reasons:
        return HoldBack(mapped.reasons)
    problems = inconsistencies(mapped.document)
    return HoldBack(tuple(problems)) if problems else Submit(mapped.document)


def _is_as_sent(entry: Entry, mapped: Mapped) -> bool:
    """Whether the source says what it said, or only the map has changed since, and not what would be sent."""
    if mapped.fingerprint == entry.fingerprint:
        return True
    if mapped.document is None or entry.sent is None:
        return False
    before = type(mapped.document).model_validate_json(entry.sent)
    return _content(before) == _content(mapped.document)


def _content(document: Document) -> dict[str, t.Any]:
    return document.model_dump(exclude={"source", "supplier_name", *document.bulky})


def _changes(entry: Entry, mapped: Mapped) -> list[str]:
    """Return in words what differs from the version that was sent."""
    if mapped.document is not None and mapped.document.withdrawn is not None:
        return [mapped.document.withdrawn]
    if mapped.document is None or entry.sent is None:
        return []
    before = type(mapped.document).model_validate_json(entry.sent)
    changed = []
    for name in type(mapped.document).model_fields:
        old, new = getattr(before, name), getattr(mapped.document, name)
        if name == "source" or name in before.bulky or old == new:
            continue
        if isinstance(old, (tuple, dict)) or isinstance(new, (tuple, dict)):
            changed.append(f"{name} differ")
        else:
            changed.append(f"{name.replace('_', ' ')} was {old}, now {new}")
    return changed


def _money(amount: Decimal, currency: str) -> str:
    digits = minor_units(currency)
    return f"{amount:,f}" if inexact(amount, digits) else f"{amount:,.{digits}f}"


def _target(entry: Entry) -> str:
    return display_name(entry.target.partition(":")[0])
