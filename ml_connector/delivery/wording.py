"""Why a document is held, in a clerk's words: what stands in the way and what to do about it."""

from __future__ import annotations

from ml_connector import defects
from ml_connector.delivery.sink import LookupInconclusive
from ml_connector.documents import Document, Supplier
from ml_connector.errors import CannotBeSent, Conflict, Reason, SystemFault
from ml_connector.ledger.entries import Entry
from ml_connector.names import display_name

__all__ = [
    "broken_off",
    "cannot_tell",
    "missing_supplier",
    "no_answer",
    "not_taken_back",
    "refused",
    "unsendable",
]


def no_answer(entry: Entry, target: str, why: str) -> Reason:
    """Return why a document is held of which the target does not say what has to be known first."""
    known = "it may have been sent before, and " if entry.uncertain else "nothing was sent: "
    return Reason(
        "lookup_refused",
        f"{known}{target} does not answer what has to be known first: {why}",
        f"mend what {target} names, or at its source; the next run asks again",
    )


def broken_off(entry: Entry, target: str, number: str) -> Reason:
    """Return why a document is held that a fault of our own stopped."""
    if entry.uncertain:
        during = f"broke off its delivery: it may or may not have reached {target}"
        cure = "quote the number when you report it; the next run looks it up before anything else"
    else:
        during = "kept it from being sent; nothing has reached " + target
        cure = "quote the number when you report it; each run tries it again"
    return defects.reason(number, during=during, cure=cure)


def unsendable(document: Document, error: CannotBeSent) -> Reason:
    """Return why a document is held that fits into no request."""
    return Reason(
        "unsendable",
        f"cannot be sent: {error.what}",
        f"correct it in {display_name(document.source.system)}",
    )


def missing_supplier(document: Document, target: str) -> Reason:
    """Return why a supplier is held that the target lacks and nobody wants created."""
    noun = "vendor" if document.source.stream == "vendors" else "supplier"
    return Reason(
        "missing_supplier",
        f'{display_name(document.source.system)} {noun} "{document.party}" ({document.source.id}) has no supplier '
        f"in {target}",
        "add a row to the mapping table suppliers.csv, or set missing_suppliers to create",
        kind="supplier",
        value=document.source.id,
    )


def cannot_tell(document: Document, target: str, error: LookupInconclusive) -> Reason:
    """Return why a document is held of which nobody knows whether it was posted."""
    return Reason(
        "outcome_unknown",
        f"it may or may not have been posted, and {target} cannot tell: {error}",
        f"look for {document.external_id} in {target}; `ml-connector ignore {document.number or document.source.id}` "
        "if it is there, else `ml-connector replay` it",
    )


def not_taken_back(entry: Entry, document: Document, fault: SystemFault, target: str) -> Reason:
    """Return why a document is held that the target does not give back."""
    return Reason(
        "not_taken_back",
        f"{document.withdrawn}, and it was delivered before: {fault.message}",
        fault.cure
        or f"undo {entry.target_number or entry.target_id} in {target} by hand, "
        f"then `ml-connector ignore {entry.label}`",
    )


def refused(entry: Entry, document: Document, fault: SystemFault, target: str) -> Reason:
    """Return why a document is held that the target refused."""
    if isinstance(fault, Conflict) and isinstance(document, Supplier) and entry.target_id is not None:
        return Reason(
            "changed_in_target",
            str(fault),
            f"put it back in {target}; or overwrite it: `ml-connector replay {entry.source_id}`",
            kind="supplier",
            value=document.source.id,
        )
    if isinstance(fault, Conflict):
        return Reason(
            "duplicate",
            str(fault),
            f"compare with the one in {target}; if it is the same: `ml-connector ignore "
            f"{document.number or document.source.id}`",
        )
    return Reason(
        "rejected",
        str(fault),
        f"mend it where it came from, or what {target} names and then `ml-connector replay "
        f"{document.number or document.source.id}`",
    )
