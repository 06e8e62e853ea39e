"""What became of the approval of draft invoices: Business Central keeps it beside them (sheet business-central 8)."""

from __future__ import annotations

import datetime as dt
import typing as t

from ml_connector.moments import parse_moment

__all__ = ["Approvals"]

Record = dict[str, t.Any]

_WAITING: t.Final = frozenset({"Created", "Open"})


class Approvals:
    """The last round of approval of each unposted purchase invoice.

    Args:
        entries: Approval entries of unposted purchase documents.
    """

    def __init__(self, entries: t.Iterable[Record]) -> None:
        self._rounds: dict[str, list[Record]] = {}
        for entry in sorted(entries, key=lambda each: int(each["entryNumber"])):
            if entry.get("documentType") == "Invoice" and entry.get("documentNumber"):
                self._add(self._rounds.setdefault(entry["documentNumber"], []), entry)

    def noted(self, invoice: Record) -> Record:
        """Add what is known to a draft; a posted invoice may have the number of a draft."""
        entries = self._rounds.get(invoice.get("number") or "") if invoice.get("status") == "Draft" else None
        invoice["approvalStatus"] = _outcome(entries) if entries else None
        invoice["approvedAmount"] = entries[-1].get("amount") if entries else None
        return invoice

    def changed_since(self, moment: dt.datetime) -> list[str]:
        """Return the numbers of invoices of whose approval anything has changed since."""
        return [number for number, entries in self._rounds.items() if any(_is_after(each, moment) for each in entries)]

    @staticmethod
    def _add(entries: list[Record], entry: Record) -> None:
        """Begin anew with the first entry of a later round."""
        if entries and entries[-1].get("workflowStepInstanceId") != entry.get("workflowStepInstanceId"):
            entries.clear()
        entries.append(entry)


def _outcome(entries: list[Record]) -> str | None:
    """Return what all who were asked have said together."""
    said = {entry.get("status") for entry in entries}
    if "Rejected" in said:
        return "Rejected"
    if said & _WAITING:
        return "Pending"
    return "Approved" if said == {"Approved"} else None


def _is_after(entry: Record, moment: dt.datetime) -> bool:
    stamp = entry.get("lastModifiedDateTime")
    return stamp is None or parse_moment(stamp) > moment
