"""Whether a target's thing still is what was sent: an answer without a fault is not proof (sheet workday 4.1)."""

from __future__ import annotations

import typing as t

from ml_connector.errors import Reason
from ml_connector.ledger.entries import Entry
from ml_connector.singer.sink import DocumentSink, Found, differences

__all__ = ["disagreement"]


def disagreement(
    sink: DocumentSink[t.Any], entry: Entry, found: Found | None, target_name: str, *, submitting: bool = False
) -> Reason | None:
    """Return in what the target's thing differs from what was sent; None when it says the same.

    Args:
        sink: The target's side.
        entry: What was sent, and as what it is known over there.
        found: What is there now; None when it is not shown any more.
        target_name: How people call the target.
        submitting: Whether it is a draft that is to be submitted if it does.
    """
    where = entry.target_number or entry.target_id
    thing = f"draft {where}" if entry.target_draft else f"{where}"
    cure = f"correct it in {target_name}, or `ml-connector ignore {entry.label}` to leave it so"
    if submitting:
        cure = f"submit or delete it in {target_name} by hand, then `ml-connector ignore {entry.label}`"
    if found is None:
        left = "was left as" if entry.target_draft else "was posted as"
        what = f"{left} {thing}, but {target_name} does not show it"
    elif found.cancelled:
        status = f" ({found.status})" if found.status else ""
        what = f"{thing} was cancelled in {target_name}{status}"
        cure = (
            f"it is not posted again by itself: enter it in {target_name} by hand if it still stands, "
            f"then `ml-connector ignore {entry.label}`"
        )
    else:
        sent = sink.document_class.model_validate_json(t.cast("str", entry.sent))
        differing = differences(sink.facts(sent), found)
        if not submitting and found.draft and not sink.leaves_drafts and found.unfinished is None:
            status = f" ({found.status})" if found.status else ""
            differing.append(f"it was to be submitted and is a draft{status}")
        if not differing:
            return None
        ending = ", and is not submitted" if submitting else ""
        what = f"{target_name} {thing} differs from what was sent: {'; '.join(differing)}{ending}"
    return Reason("differs_in_target", what, cure)
