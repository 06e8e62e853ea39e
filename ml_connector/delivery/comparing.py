"""Whether a target's thing still is what was sent: no fault is no proof (docs/systems/workday.md#w4-1)."""

from __future__ import annotations

import typing as t
from decimal import Decimal

from ml_connector.delivery.sink import DocumentSink, Found, differences
from ml_connector.errors import Reason
from ml_connector.ledger.entries import Entry
from ml_connector.ledger.schema import keeps

__all__ = ["DISPUTED", "amount_found", "disagreement", "enter_by_hand", "is_disputed", "is_gone"]

DISPUTED: t.Final = "differs_in_target"
"""Code of the reason why a document is held that the target shows otherwise than it was sent, or not at all."""
_LASTING: t.Final = frozenset({"company", "supplier", "supplier_number", "currency", "total", "amount"})
"""Who owes whom how much under which number: what has to stay as it is once it was found to be what was sent. Lines
and dates people may correct over there, as approvers do."""


def disagreement(
    sink: DocumentSink[t.Any], entry: Entry, found: Found | None, target_name: str, *, submitting: bool = False
) -> Reason | None:
    """Return in what the target's thing differs from what was sent; None when it says the same.

    Args:
        sink: The target's side.
        entry: What was sent, and as what it is known over there. All of it is compared until it was found equal once.
        found: What is there now; None when it is not shown any more.
        target_name: How people call the target.
        submitting: Whether it is a draft that is to be submitted if it does.
    """
    where = entry.target_number or entry.target_id
    thing = f"draft {where}" if entry.target_draft else f"{where}"
    cure = f"correct it in {target_name}, or `ml-connector ignore {entry.label}` to leave it so"
    if submitting:
        cure = f"submit or delete it in {target_name} by hand, then `ml-connector ignore {entry.label}`"
    if is_gone(sink, entry, found):
        left = "was left as" if entry.target_draft else "was posted as"
        status = f" ({found.status})" if found is not None and found.status else ""
        what = f"{thing} was cancelled in {target_name}{status}"
        if found is None:
            what = f"{left} {thing}, but {target_name} does not show it: it was deleted there"
        cure = enter_by_hand(entry, target_name)
    elif found is None:
        what = f"was posted as {thing}, but {target_name} does not show it"
        cure = f"see that our user of {target_name} may read it; or `ml-connector ignore {entry.label}` to leave it so"
    else:
        differing = _differing(sink, entry, found, submitting=submitting)
        if not differing:
            return None
        ending = ", and is not submitted" if submitting else ""
        what = f"{target_name} {thing} differs from what was sent: {'; '.join(differing)}{ending}"
    return Reason(DISPUTED, what, cure)


def is_gone(sink: DocumentSink[t.Any], entry: Entry, found: Found | None) -> bool:
    """Whether what was delivered counts for nothing any more: it was cancelled, or deleted where that can be."""
    if found is None:
        return entry.target_draft or sink.deletes
    return found.cancelled


def enter_by_hand(entry: Entry, target_name: str) -> str:
    """Return what to do with a document that was cancelled or deleted over there."""
    return (
        f"it is not posted again by itself: enter it in {target_name} by hand if it still stands, "
        f"then `ml-connector ignore {entry.label}`"
    )


def is_disputed(entry: Entry) -> bool:
    """Whether a document is held because the target shows it otherwise than it was sent, or not at all."""
    return any(reason.code == DISPUTED for reason in entry.reasons)


def amount_found(found: Found) -> Decimal | None:
    """Return what a target's thing amounts to; None where it does not say."""
    amount = found.facts.get("total", found.facts.get("amount"))
    return amount if isinstance(amount, Decimal) and keeps(amount) else None


def _differing(sink: DocumentSink[t.Any], entry: Entry, found: Found, *, submitting: bool) -> list[str]:
    sent = sink.document_class.model_validate_json(t.cast("str", entry.sent))
    expected = sink.facts(sent)
    if entry.verified_at is not None and not entry.target_draft:
        expected = {name: value for name, value in expected.items() if name in _LASTING}
        if entry.target_amount is not None and not is_disputed(entry):
            # Of a draft that somebody has changed before it was posted over there, that is what stands.
            stands = entry.target_amount
            expected |= {name: stands for name in ("total", "amount") if expected.get(name, stands) != stands}
    differing = differences(expected, found)
    if not submitting and found.draft and not sink.leaves_drafts and found.unfinished is None:
        status = f" ({found.status})" if found.status else ""
        differing.append(f"it was to be submitted and is a draft{status}")
    return differing
