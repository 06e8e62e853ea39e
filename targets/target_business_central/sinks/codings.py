"""Accounts and dimension values: matched by number or code, never written; Business Central's API only reads them."""

from __future__ import annotations

import abc
import typing as t

from ml_connector.delivery.sink import Delivered, DocumentSink, Found
from ml_connector.documents import DimensionValue, GlAccount
from ml_connector.errors import KeptBack, Reason
from ml_connector.systems.business_central.errors import SYSTEM
from target_business_central.options import BusinessCentralPosting
from target_business_central.references import Ambiguous, References

__all__ = ["AccountSink", "DimensionSink"]

D = t.TypeVar("D", GlAccount, DimensionValue)


class _ReadOnlySink(DocumentSink[D], t.Generic[D]):
    """What accounts and dimension values have in common.

    Args:
        references: The company's reference data.
    """

    def __init__(self, references: References) -> None:
        self._references = references

    def prepare(self) -> None:
        """Nothing: a list is read when the first document asks for it."""

    @abc.abstractmethod
    def match(self, document: D) -> Found | None:
        """Return what the document certainly is."""

    @abc.abstractmethod
    def named(self, document: D) -> str:
        """Return what Business Central lacks, in words."""

    def check(self, document: D) -> list[Reason]:
        """Return why it is not created: nothing of its kind can be, through the API."""
        if self.match(document) is not None:
            return []
        what = f"Business Central has no {self.named(document)}, and none can be made through its API"
        cure = "enter it in Business Central, map it to another one, or `ml-connector ignore` it"
        return [Reason("read_only", what, cure, document.kind.removesuffix("s"), document.source.id)]

    def find(self, document: D) -> Found | None:
        """Return what the document is."""
        return self.match(document)

    def create(self, document: D) -> Delivered:
        """Refuse.

        Raises:
            Rejected: Always.
        """
        raise KeptBack(SYSTEM, f"POST {document.kind}", f"{self.named(document)} cannot be made through the API")

    def update(self, document: D, target_id: str, previous: D | None) -> Delivered:
        """Leave it as it is: Business Central is the master of what it has."""
        del document, previous
        return Delivered(target_id, unchanged=True)


class AccountSink(_ReadOnlySink[GlAccount]):
    """Finds the account with the same number."""

    document_class = GlAccount

    def match(self, document: GlAccount) -> Found | None:
        """Return the mapped account, else the one with the same number; never one with the same name."""
        try:
            account = self._references.account(document.target_id or document.account_number)
        except Ambiguous:
            return None
        if account is None or (document.target_id is None and account.number != document.account_number):
            return None
        return Found(account.id, number=account.number)

    def named(self, document: GlAccount) -> str:
        """Return the account in words."""
        return f'account {document.account_number} "{document.name}"'


class DimensionSink(_ReadOnlySink[DimensionValue]):
    """Finds the dimension value with the same code.

    Args:
        references: The company's reference data.
        options: Which dimension a kind is.
    """

    document_class = DimensionValue

    def __init__(self, references: References, options: BusinessCentralPosting) -> None:
        super().__init__(references)
        self._options = options

    def match(self, document: DimensionValue) -> Found | None:
        """Return the mapped value, else the one with the same code or, without a code, the same name."""
        dimension = self._options.code_of(document.dimension)
        value = document.target_id or document.code or document.name
        try:
            found = self._references.dimension_value(dimension, value) if dimension else None
        except Ambiguous:
            return None
        return None if found is None else Found(found.id, number=found.code)

    def named(self, document: DimensionValue) -> str:
        """Return the value in words."""
        return f'{document.dimension.replace("_", " ")} {document.code or ""} "{document.name}"'.replace("  ", " ")
