"""Reading single suppliers afresh; the full list is kept by ``references``."""

from __future__ import annotations

import threading
import typing as t

from ml_connector.errors import NotFound, Rejected
from ml_connector.systems.workday.client import RESOURCES, WorkdayClient
from ml_connector.systems.workday.errors import SYSTEM
from ml_connector.systems.workday.references import References, SupplierThing, read_supplier
from ml_connector.systems.workday.supplier_record import SupplierRecord, read_record
from ml_connector.systems.workday.xml import Node, reference

__all__ = ["SupplierReader"]

_GET: t.Final = "Get_Suppliers"
_MOST_REFERENCES = 100


class SupplierReader:
    """Looks suppliers up by id; thread-safe."""

    def __init__(self, client: WorkdayClient, references: References) -> None:
        self._client = client
        self._references = references
        self._lock = threading.Lock()
        self._proved: bool | None = None

    def by_id(self, supplier_id: str) -> SupplierThing:
        """Return the supplier with a Supplier_ID.

        Raises:
            NotFound: Workday says that the id is not valid; proof of absence only where :meth:`resolves`.
        """
        return self._one("Supplier_ID", supplier_id)

    def by_wids(self, wids: t.Sequence[str]) -> dict[str, SupplierThing]:
        """Read several in few calls, keyed by WID; what does not exist is left out."""
        found: list[SupplierThing] = []
        for start in range(0, len(wids), _MOST_REFERENCES):
            found += self._some(wids[start : start + _MOST_REFERENCES])
        return {thing.ids["WID"]: thing for thing in found if "WID" in thing.ids}

    def record(self, wid: str) -> SupplierRecord:
        """Return one with its contact data, as it stands now.

        Raises:
            NotFound: There is none.
        """
        for row in self._rows([reference("WID", wid)], sought=("WID", wid)):
            found = read_record(row)
            if found is not None and found.thing.ids.get("WID") == wid:
                return found
        raise Rejected(SYSTEM, _GET, f"the answer for WID {wid} does not contain it")

    def is_there(self, wid: str) -> bool:
        """Whether a supplier exists under a WID Workday has just named.

        Raises:
            SystemFault: Workday cannot tell.
        """
        try:
            self._one("WID", wid)
        except NotFound:
            return False
        return True

    def resolves(self) -> bool:
        """Whether this tenant has shown that look-ups by Supplier_ID work (docs/systems/workday.md#w4-1)."""
        with self._lock:
            if self._proved is None:
                known = self._references.any_with("supplier", "Supplier_ID")
                if known is None:
                    return False
                try:
                    self._proved = self.by_id(known.ids["Supplier_ID"]).ids.get("WID") == known.ids.get("WID")
                except (NotFound, Rejected):
                    self._proved = False
            return self._proved

    def _some(self, wids: t.Sequence[str]) -> list[SupplierThing]:
        if len(wids) > 1:
            try:
                return self._by_references([reference("WID", wid) for wid in wids])
            except (NotFound, Rejected):
                pass  # one unknown reference fails the whole call (docs/systems/workday.md#w3-1)
        found = []
        for wid in wids:
            try:
                found.append(self._one("WID", wid))
            except (NotFound, Rejected):
                continue
        return found

    def _one(self, kind: str, value: str) -> SupplierThing:
        things = self._by_references([reference(kind, value)], sought=(kind, value))
        for thing in things:
            if thing.ids.get(kind) == value:
                return thing
        # An answer about something else proves neither that it exists nor that it does not.
        raise Rejected(SYSTEM, _GET, f"the answer for {kind} {value} does not contain it")

    def _by_references(
        self, references: list[dict[str, t.Any]], sought: tuple[str, str] | None = None
    ) -> list[SupplierThing]:
        found = map(read_supplier, self._rows(references, sought))
        return [thing for thing in found if thing is not None]

    def _rows(self, references: list[dict[str, t.Any]], sought: tuple[str, str] | None) -> list[Node]:
        body: dict[str, t.Any] = {
            "Request_References": {"Supplier_Reference": references},
            "Response_Filter": {"Count": _MOST_REFERENCES},
            "Response_Group": {"Include_Reference": True, "Include_Attachment_Data": False},
        }
        node = self._client.call(RESOURCES, _GET, body, sought=sought).node
        return [row for page in node.nodes("Response_Data") for row in page.nodes("Supplier")]
