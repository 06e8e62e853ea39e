"""Accounts and dimension values: matched, or created where the organization's owner wants it."""

from __future__ import annotations

import abc
import types
import typing as t

from ml_connector import exact_json
from ml_connector.delivery.keyed_lock import SingleFlight
from ml_connector.delivery.sink import Delivered, DocumentSink, Found, LookupInconclusive
from ml_connector.documents import DimensionValue, GlAccount
from ml_connector.errors import ConflictFound, OutcomeUnknown, Reason
from ml_connector.systems.bill.codings import ACCOUNT_TYPES, Coding, CodingList
from ml_connector.systems.bill.errors import SYSTEM
from ml_connector.systems.bill.marks import marked
from target_bill.options import BillPosting
from target_bill.references import Ambiguous, References

__all__ = ["AccountSink", "DimensionSink"]

D = t.TypeVar("D", GlAccount, DimensionValue)

_ACCOUNT_TYPES: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "ASSET": "OTHER_ASSET",
        "BALANCE_SHEET": "UNSPECIFIED",
        "COGS": "COST_OF_GOODS_SOLD",
        "LIABILITY": "OTHER_CURRENT_LIABILITY",
        "REVENUE": "INCOME",
    }
)
"""What other systems call a type, where BILL has no such word."""


class _CodingSink(DocumentSink[D], t.Generic[D]):
    """What accounts and dimension values have in common.

    Args:
        references: The organization's reference data.
        options: What may be created.
    """

    def __init__(self, references: References, options: BillPosting) -> None:
        self._references = references
        self._options = options
        self._flights = SingleFlight()

    def prepare(self) -> None:
        """Nothing: a list is read when the first document asks for it."""

    def match(self, document: D) -> Found | None:
        """Return what the document certainly is: the mapped id, our mark, the same code or, without codes, name."""
        which = self._list(document)
        coding = None if which is None else self._coding(which, document)
        return None if coding is None else _found(coding, document.external_id)

    def check(self, document: D) -> list[Reason]:
        """Return why it is not created."""
        which = self._list(document)
        kind, value, label = self._names(document)
        if which is None:
            return [
                Reason(
                    "unmapped",
                    f'BILL has no list for the dimension "{kind}"',
                    f'add {kind} and a list to the setting "dimension_lists"',
                    "dimension",
                    kind,
                )
            ]
        if document.target_id and self._by_value(which, document.target_id) is None:
            what, cure = f'BILL has no {kind} "{document.target_id}"', "correct its row in the mapping table"
            return [Reason("unknown", what, cure, kind, document.target_id)]
        if self._coding(which, document) is not None:
            return []
        reasons = []
        if which not in self._options.create_missing:
            what = f"BILL has no {kind} {label}"
            cure = f'create it in BILL, map it, or add {which} to the setting "create_missing"'
            reasons.append(Reason("missing", what, cure, kind, value))
        if not document.active:
            what, cure = f"{kind} {label} is inactive at its source", "nothing to do unless something is to be coded"
            reasons.append(Reason("inactive", what, cure, kind, value))
        if document.parent and self._by_value(which, document.parent) is None:
            what, cure = f'BILL has no {kind} "{document.parent}" for it to stand under', "correct or remove its parent"
            reasons.append(Reason("unknown", what, cure, kind, document.parent))
        reasons += self._doubts(which, document)
        return reasons

    def find(self, document: D) -> Found | None:
        """Look for it in the list as it is now."""
        which = self._list(document)
        if which is None:
            return None
        self._references.reload(which)
        same = self._references.codings_with(which, mark=document.external_id)
        if len(same) > 1:
            raise LookupInconclusive(f"{len(same)} of its {which.replace('_', ' ')} carry {document.external_id}")
        coding = same[0] if same else self._coding(which, document)
        return None if coding is None else _found(coding, document.external_id)

    def compose(self, document: D) -> None:
        """Build the request, as far as nothing has to be asked for it."""
        exact_json.dumps({"name": document.name} | self._extras(document))

    def create(self, document: D) -> Delivered:
        """Create it.

        Raises:
            Conflict: Another document has just become one of the same name or code.
            OutcomeUnknown: It may have been created.
        """
        which = self._wanted_list(document)
        with self._flights.of(which):
            if doubts := list(self._doubts(which, document)):
                raise ConflictFound(SYSTEM, f"POST {which}", doubts[0].what)
            return self._created(which, document)

    def _created(self, which: CodingList, document: D) -> Delivered:
        body: dict[str, t.Any] = {"name": document.name, "description": marked(None, document.external_id)}
        if document.parent:
            body["parentId"] = self._parent(which, document.parent)
        written = self._references.codings.create(which, body | self._extras(document))
        if not isinstance(written.value, dict) or not written.value.get("id"):
            raise OutcomeUnknown(SYSTEM, f"POST {which}", "the answer has no id")
        coding = Coding.of(which, written.value)
        self._references.add(coding)
        return Delivered(coding.id, coding.id, open=True, request=written.request, response=written.response)

    def update(self, document: D, target_id: str, previous: D | None) -> Delivered:
        """Rename it and correct its code, where we have created it; sends only what differs."""
        del previous  # names and codes of what we made are the source's
        which = self._wanted_list(document)
        self._references.reload(which)
        coding = self._references.coding(which, target_id)
        if coding is None:
            raise ConflictFound(SYSTEM, f"PATCH {which}", f"{document.name} ({target_id}) is not there any more")
        wanted = {"name": document.name} | self._extras(document)
        body = {name: value for name, value in wanted.items() if not _says(coding.fields.get(name), value)}
        if not body:
            return Delivered(coding.id, coding.id, open=True, unchanged=True)
        written = self._references.codings.change(which, coding.id, body)
        self._references.add(Coding.of(which, written.value))
        return Delivered(coding.id, coding.id, open=True, request=written.request, response=written.response)

    @abc.abstractmethod
    def _list(self, document: D) -> CodingList | None: ...

    @abc.abstractmethod
    def _names(self, document: D) -> tuple[str, str, str]:
        """Return its kind, what it goes by, and what messages call it."""

    @abc.abstractmethod
    def _code(self, document: D) -> str | None: ...

    @abc.abstractmethod
    def _extras(self, document: D) -> dict[str, t.Any]:
        """Return the fields of a request beside name, description and parent."""

    def _wanted_list(self, document: D) -> CodingList:
        which = self._list(document)
        if which is None:
            raise ConflictFound(SYSTEM, "POST /v3/classifications", f"there is no list for {document.name}")
        return which

    def _coding(self, which: CodingList, document: D) -> Coding | None:
        if document.target_id:
            return self._by_value(which, document.target_id)
        code = self._code(document)
        for same in (
            self._references.codings_with(which, mark=document.external_id),
            self._references.codings_with(which, code=code) if code else [],
        ):
            if len(same) == 1:
                return same[0]
        return self._by_name(which, document) if code is None else None

    def _by_name(self, which: CodingList, document: D) -> Coding | None:
        return self._by_value(which, document.name)

    def _by_value(self, which: CodingList, value: str) -> Coding | None:
        try:
            return self._references.coding(which, value)
        except Ambiguous:
            return None

    def _parent(self, which: CodingList, value: str) -> str | None:
        parent = self._by_value(which, value)
        return None if parent is None else parent.id

    def _doubts(self, which: CodingList, document: D) -> t.Iterator[Reason]:
        """Return why creating it could double something: nothing in BILL hinders that."""
        code, where = self._code(document), which.replace("_", " ")
        label = " ".join(self._names(document)[::2])
        if code and self._references.codings_with(which, code=code):
            what, cure = f"others of BILL's {where} have the code of {label}", "map it to one of them by its id"
            yield Reason("ambiguous", what, cure, None, code)
        elif self._same_name(which, document):
            cure = "map it to that one, or give it another name"
            yield Reason("ambiguous", f"BILL's {where} have one named like {label}", cure, None, document.name)

    def _same_name(self, which: CodingList, document: D) -> bool:
        try:
            same = self._references.coding(which, document.name)
        except Ambiguous:
            return True
        return same is not None


class AccountSink(_CodingSink[GlAccount]):
    """Ledger accounts into the chart of accounts."""

    document_class = GlAccount

    def _list(self, document: GlAccount) -> CodingList:
        del document
        return "chart_of_accounts"

    def _names(self, document: GlAccount) -> tuple[str, str, str]:
        return "gl_account", document.account_number, f'{document.account_number} "{document.name}"'

    def _code(self, document: GlAccount) -> str | None:
        return document.account_number

    def _extras(self, document: GlAccount) -> dict[str, t.Any]:
        said = (document.account_type or "").upper().replace(" ", "_")
        known = said if said in ACCOUNT_TYPES else _ACCOUNT_TYPES.get(said, "UNSPECIFIED")
        return {"account": {"type": known, "number": document.account_number}}


class DimensionSink(_CodingSink[DimensionValue]):
    """Dimension values into departments, locations, jobs and accounting classes."""

    document_class = DimensionValue

    def _list(self, document: DimensionValue) -> CodingList | None:
        return self._options.list_of(document.dimension)

    def _names(self, document: DimensionValue) -> tuple[str, str, str]:
        label = f'{document.code} "{document.name}"' if document.code else f'"{document.name}"'
        return document.dimension, document.code or document.name, label

    def _code(self, document: DimensionValue) -> str | None:
        return document.code

    def _extras(self, document: DimensionValue) -> dict[str, t.Any]:
        return {"shortName": document.code} if document.code else {}


def _says(found: t.Any, wanted: t.Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(found.get(name) == value for name, value in wanted.items())
    return bool(found == wanted)


def _found(coding: Coding, external_id: str) -> Found:
    return Found(
        coding.id,
        external_id,
        coding.id,
        "archived" if coding.archived else "active",
        open=coding.mark == external_id,
        facts={"name": coding.name},
    )
