"""Reading Workday's XML: by name, tolerant of what versions differ in.

Answers are read by element name instead of through the WSDL's types, so that an element one tenant has and
another has not, or one that comes singly here and repeated there, needs no case of its own.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import typing as t
from copy import deepcopy
from decimal import Decimal

from lxml import etree

from ml_connector.sensitive import is_bank_number, is_tax_number, mask, masked

__all__ = ["NS", "Node", "Ref", "compact", "is_account_number", "is_wid", "reference"]

NS: t.Final = "urn:com.workday/bsvc"

_TAG = f"{{{NS}}}"
_TYPE = f"{_TAG}type"
_DESCRIPTOR = f"{_TAG}Descriptor"
_LIMIT = 32_768
_NOT_OF_A_BANK = frozenset({"Customer_Account_Number", "Masked_Account_Number"})
_BANK = re.compile(r"Settlement_Account|Bank_|IBAN|Routing_Transit|Intermediary_|Roll_Number|Check_Digit")


@dataclasses.dataclass(frozen=True, slots=True)
class Ref:
    """A reference as Workday gives it: several ids of different types, and a text.

    Ids are chosen by type, never by position (docs/systems/workday.md#w8).
    """

    ids: t.Mapping[str, str]
    descriptor: str | None = None

    @property
    def wid(self) -> str | None:
        """The Workday id."""
        return self.ids.get("WID")

    def pick(self, *types: str) -> str | None:
        """Return the id of the first type there is."""
        return next((self.ids[name] for name in types if name in self.ids), None)


class Node:
    """An element of an answer; every look-up takes a path of local names."""

    __slots__ = ("element",)

    def __init__(self, element: etree._Element) -> None:
        self.element = element

    @property
    def name(self) -> str:
        """Local name of the element."""
        return etree.QName(self.element).localname

    @property
    def own_text(self) -> str | None:
        """The element's own text."""
        return (self.element.text or "").strip() or None

    @property
    def children(self) -> list[Node]:
        """All elements directly below."""
        return [Node(child) for child in self.element if isinstance(child.tag, str)]

    def attribute(self, name: str) -> str | None:
        """Return an attribute; Workday qualifies them."""
        return self.element.get(_TAG + name)

    def node(self, *path: str) -> Node | None:
        """Return the first element at the path."""
        found = self.element.find("/".join(_TAG + name for name in path))
        return None if found is None else Node(found)

    def nodes(self, *path: str) -> list[Node]:
        """Return all elements at the path."""
        return [Node(found) for found in self.element.findall("/".join(_TAG + name for name in path))]

    def below(self, name: str) -> list[Node]:
        """Return all elements of that name at any depth."""
        return [Node(found) for found in self.element.iter(_TAG + name)]

    def text(self, *path: str) -> str | None:
        """Return the text at the path, None when there is none."""
        return (self.element.findtext("/".join(_TAG + name for name in path)) or "").strip() or None

    def either(self, *names: str) -> str | None:
        """Return the text of the first child that has one: an element renamed between versions."""
        return next((text for text in map(self.text, names) if text), None)

    def flag(self, name: str) -> bool | None:
        """Return an xsd:boolean."""
        text = self.text(name)
        return None if text is None else text in ("true", "1")

    def amount(self, *names: str) -> Decimal | None:
        """Return an exact decimal, from the first child that has one."""
        text = self.either(*names)
        return None if text is None else Decimal(text)

    def number(self, name: str) -> int:
        """Return a whole number, 0 when absent."""
        return int(Decimal(self.text(name) or 0))

    def date(self, *names: str) -> dt.date | None:
        """Return a date; Workday may append a zone, so the first ten characters count (docs/systems/workday.md#w8)."""
        text = self.either(*names)
        return None if text is None else dt.date.fromisoformat(text[:10])

    def ref(self, name: str) -> Ref | None:
        """Return the first reference of that name that has an id."""
        return next(iter(self.refs(name)), None)

    def refs(self, name: str) -> list[Ref]:
        """Return all references of that name."""
        return [found for found in map(_ref, self.element.findall(_TAG + name)) if found.ids]


def reference(kind: str, value: str, *, parent: tuple[str, str] | None = None) -> dict[str, t.Any]:
    """Return a reference to send: one id of one type, never empty.

    Args:
        kind: ID type (``Supplier_ID``); a value that is a WID is sent as one.
        value: The id.
        parent: Type and id of the parent, for ids that are unique only within it.
    """
    text = value.strip()
    if not text:
        raise ValueError(f"an empty {kind} cannot be sent")
    identifier = {"_value_1": text, "type": "WID" if is_wid(text) else kind}
    if parent is not None:
        identifier |= {"parent_type": parent[0], "parent_id": parent[1]}
    return {"ID": [identifier]}


def is_wid(value: str) -> bool:
    """Whether a value is a Workday id: 32 hexadecimal digits."""
    return re.fullmatch(r"[0-9a-f]{32}", value) is not None


def is_account_number(element: etree._Element) -> bool:
    """Whether an element is the number of a bank account or a card: none else is called account number in Workday."""
    name = etree.QName(element).localname
    return name not in _NOT_OF_A_BANK and ("Account_Number" in name or is_bank_number(name))


def compact(element: etree._Element) -> str:
    """Return an element as text for the audit: no bank details, no blanks between elements, at most 32 KB.

    Of tax numbers, and of what else could lead to a bank account or a card, four characters can be read at most.
    """
    shown = deepcopy(element)  # not read anew: a text of more than 10 MB would be refused
    for found in list(shown.iter()):
        if isinstance(found.tag, str) and _BANK.match(etree.QName(found).localname):
            parent = found.getparent()
            if parent is not None:
                parent.remove(found)
        elif len(found) and not (found.text or "").strip():
            found.text = None
        elif isinstance(found.tag, str) and found.text:
            numbered = is_account_number(found) or is_tax_number(etree.QName(found).localname)
            found.text = mask(found.text) if numbered else masked(found.text)
        found.tail = None
    etree.cleanup_namespaces(shown)
    text = etree.tostring(shown, encoding="unicode")
    return text if len(text) <= _LIMIT else f"{text[:_LIMIT]}... ({len(text)} characters)"


def _ref(element: etree._Element) -> Ref:
    ids: dict[str, str] = {}
    for identifier in element.findall(f"{_TAG}ID"):
        kind, value = identifier.get(_TYPE), (identifier.text or "").strip()
        if kind and value:
            ids.setdefault(kind, value)
    return Ref(ids, element.get(_DESCRIPTOR))
