"""The instances a tenant can refer to, and how an id finds one.

An instance has one WID and any number of reference ids; several types may carry the same value (a cost center
answers to ``Cost_Center_Reference_ID`` and ``Organization_Reference_ID``, docs/systems/workday.md#w4-5).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from erp_sandbox.workday.errors import Issue, invalid_id

if TYPE_CHECKING:
    from erp_sandbox.workday.codec import Reference

WORKTAG_ID_TYPES: dict[str, str] = {
    "Business_Unit_ID": "Business_Unit",
    "Custom_Organization_Reference_ID": "Custom_Organization",
    "Custom_Worktag_1_ID": "Custom_Worktag_1",
    "Custom_Worktag_2_ID": "Custom_Worktag_2",
    "Custom_Worktag_3_ID": "Custom_Worktag_3",
    "Fund_ID": "Fund",
    "Grant_ID": "Grant",
    "Location_ID": "Location",
    "Program_ID": "Program",
    "Project_ID": "Project",
    "Region_Reference_ID": "Region",
}
"""Worktags a seed does not know but a store can be given: id type and the kind of worktag."""

ID_TYPES: dict[str, tuple[str, ...]] = {
    "Company": ("Company_Reference_ID", "Organization_Reference_ID"),
    "Cost_Center": ("Cost_Center_Reference_ID", "Organization_Reference_ID"),
    "Supplier": ("Supplier_ID", "Supplier_Reference_ID"),
    "Spend_Category": ("Spend_Category_ID",),
    "Currency": ("Currency_ID", "Currency_Numeric_Code"),
    "Payment_Terms": ("Payment_Terms_ID",),
    "Payment_Type": ("Payment_Type_ID",),
    "Tax_Option": ("Tax_Option_ID",),
    "Tax_Code": ("Tax_Code_ID", "Withholding_Tax_Code_ID"),
    "Tax_Applicability": ("Tax_Applicability_ID",),
    "Tax_ID_Type": ("Tax_ID_Type",),
    "Supplier_Category": ("Supplier_Category_ID",),
    "Supplier_Group": ("Supplier_Group_ID",),
    "Document_Status": ("Document_Status_ID",),
    "Business_Entity_Status_Value": ("Business_Entity_Status_Value_ID",),
    "Invoice_Adjustment_Reason": ("Adjustment_Reason_ID",),
    "Account_Set": ("Account_Set_ID",),
    "Ledger_Account_Type": ("Ledger_Account_Type_ID",),
    "Accounting_Treatment": ("Accounting_Treatment_ID",),
    "Organization_Subtype": ("Organization_Subtype_ID",),
    "Communication_Usage_Type": ("Communication_Usage_Type_ID",),
    "Country": ("ISO_3166-1_Alpha-2_Code",),
    "Country_Region": ("Country_Region_ID",),
    "Phone_Device_Type": ("Phone_Device_Type_ID",),
    "Unit_of_Measure": ("UN_CEFACT_Common_Code_ID",),
    "Supplier_Invoice": ("Supplier_Invoice_Reference_ID",),
    "Supplier_Invoice_Adjustment": ("Supplier_Invoice_Adjustment_Reference_ID",),
    "Ad_Hoc_Payment": ("Ad_hoc_Payment_Reference_ID",),
    "Financial_Account": ("Bank_Account_ID",),
    "Procurement_Item": ("Purchase_Item_ID",),
    "Purchase_Order": ("Purchase_Order_Reference_ID", "Document_Number"),
    "Payment": ("Payment_ID",),
    "Payment_Status": ("Payment_Status_ID",),
    "Payment_Category": ("Payment_Category_ID",),
    "Payment_Method": ("Payment_Method_ID",),
    "Employee": ("Employee_ID",),
    "Journal_Entry": ("Accounting_Journal_ID",),
    "Journal_Entry_Status": ("Journal_Entry_Status_ID",),
    "Journal_Source": ("Journal_Source_ID",),
    "Ledger_Account": ("Ledger_Account_ID",),
    "Organization_Type": ("Organization_Type_ID",),
    "Tax_Rate": ("Tax_Rate_ID",),
    "Reference_Index": ("Reference_ID",),
    "Purchase_Order_Line": ("Purchase_Order_Line_ID", "Line_Number"),
    **{kind: (id_type,) for id_type, kind in WORKTAG_ID_TYPES.items()},
}
"""The id types each kind of instance has, the preferred one first."""

_WITHIN_PARENT = "Line_Number"
"""The id type that is unique within its parent alone."""
_NO_PARENT = frozenset({"WID", "Purchase_Order_Line_ID"})

_WORKTAGS = ("Cost_Center", "Company", "Supplier", "Spend_Category", *WORKTAG_ID_TYPES.values())

REFERENCE_KINDS: dict[str, tuple[str, ...]] = {
    "Organization": ("Company", "Cost_Center", "Region", "Custom_Organization"),
    "Resource_Provider": ("Supplier",),
    "Payee": ("Supplier", "Employee"),
    "Payment": ("Payment", "Ad_Hoc_Payment"),
    "Accounting_Worktag": _WORKTAGS,
    "Audited_Accounting_Worktag": _WORKTAGS,
}
"""References that accept instances of several kinds."""


@dataclass(frozen=True, slots=True)
class Instance:
    """Something a reference points to. ``ids`` start with the WID.

    ``parent`` is type and id of what the other ids are unique in, where they are not unique by themselves.
    """

    kind: str
    ids: tuple[tuple[str, str], ...]
    descriptor: str
    parent: tuple[str, str] | None = None
    _ids_xml: str = field(default="", init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Print the ids once: references are written far more often than made."""
        text = "".join(
            f"<wd:ID wd:type={quoteattr(kind)}{self._parent_xml(kind)}>{escape(value)}</wd:ID>"
            for kind, value in self.ids
        )
        object.__setattr__(self, "_ids_xml", text)

    @property
    def wid(self) -> str:
        """The Workday id: 32 hexadecimal digits, different in every tenant."""
        return self.ids[0][1]

    @property
    def id(self) -> str:
        """The value of the preferred reference id type, the WID when there is none."""
        return self.ids[1][1] if len(self.ids) > 1 else self.ids[0][1]

    @property
    def id_type(self) -> str:
        """The preferred reference id type."""
        return self.ids[1][0] if len(self.ids) > 1 else self.ids[0][0]

    def xml(self, element: str, *, descriptor: bool) -> str:
        """The reference as an element of an answer."""
        described = f" wd:Descriptor={quoteattr(self.descriptor)}" if descriptor else ""
        return f"<wd:{element}{described}>{self._ids_xml}</wd:{element}>"

    def _parent_xml(self, kind: str) -> str:
        if self.parent is None or kind in _NO_PARENT:
            return ""
        return f" wd:parent_type={quoteattr(self.parent[0])} wd:parent_id={quoteattr(self.parent[1])}"


class Instances:
    """All instances of a tenant, found by kind, id type and value."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._by_id: dict[tuple[str, str, str], Instance] = {}

    def add(
        self,
        kind: str,
        value: str,
        descriptor: str,
        *,
        other: dict[str, str] | None = None,
        parent: tuple[str, str] | None = None,
    ) -> Instance:
        """Know an instance whose reference ids all are ``value``, except those given in ``other``."""
        given = other or {}
        ids = [(id_type, given.get(id_type, value)) for id_type in ID_TYPES[kind]]
        instance = Instance(kind, (("WID", self._wid(kind, value)), *ids), descriptor, parent)
        for id_type, each in instance.ids:
            key = f"{parent[1]}#{each}" if parent is not None and id_type == _WITHIN_PARENT else each
            self._by_id[kind, id_type, key] = instance
        return instance

    def unknown(self, kind: str, value: str) -> Instance:
        """An instance as an answer may print it although nothing was saved."""
        return Instance(kind, (("WID", self._wid(kind, value)), (ID_TYPES[kind][0], value)), value)

    def get(self, kind: str, value: str) -> Instance:
        """The instance of a kind by its preferred id.

        Raises:
            KeyError: there is none.
        """
        return self._by_id[kind, ID_TYPES[kind][0], value]

    def worktag(self, id_type: str, value: str) -> Instance:
        """The worktag with this preferred id.

        Raises:
            KeyError: there is none.
        """
        return self._by_id[_worktag_kinds()[id_type], id_type, value]

    def has(self, kind: str, value: str) -> bool:
        """Whether there is an instance of a kind with this preferred id."""
        return (kind, ID_TYPES[kind][0], value) in self._by_id

    def of_type(self, id_type: str) -> list[Instance]:
        """All instances that have an id of this type, by that id."""
        found = {value: each for (_, kind, value), each in self._by_id.items() if kind == id_type}
        return [found[value] for value in sorted(found)]

    def find(self, kinds: tuple[str, ...], id_type: str, value: str) -> Instance | None:
        """The instance of any of these kinds with this id, exactly as given."""
        for kind in kinds:
            found = self._by_id.get((kind, id_type, value))
            if found is not None:
                return found
        return None

    def resolve(self, reference: Reference, kind: str) -> Instance | Issue:
        """What a reference of a request points to, or why it points to nothing."""
        kinds, accepted = _accepted(kind)
        if not reference.ids:
            return Issue("A reference without an ID must be left out, not sent empty.", reference.xpath)
        found: Instance | None = None
        for given in reference.ids:
            if given.type not in accepted:
                return Issue(f"ID type '{given.type}' cannot be used here.", reference.xpath)
            value = f"{given.parent_id}#{given.value}" if given.type == _WITHIN_PARENT else given.value
            instance = self.find(kinds, given.type, value)
            if instance is None:
                return invalid_id(given.value, given.type, reference.xpath)
            if found is not None and instance is not found:
                return Issue("The IDs of one reference must belong to the same instance.", reference.xpath)
            found = instance
        assert found is not None  # noqa: S101  # there is at least one id
        return found

    def _wid(self, kind: str, value: str) -> str:
        return hashlib.blake2b(f"{self._tenant}\0{kind}\0{value}".encode(), digest_size=16).hexdigest()


@cache
def _accepted(kind: str) -> tuple[tuple[str, ...], frozenset[str]]:
    kinds = REFERENCE_KINDS.get(kind, (kind,))
    return kinds, frozenset({"WID", *(id_type for each in kinds for id_type in ID_TYPES[each])})


@cache
def _worktag_kinds() -> dict[str, str]:
    return {ID_TYPES[kind][0]: kind for kind in _WORKTAGS}
