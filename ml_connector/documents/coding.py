"""Accounts and dimension values as reference data."""

from __future__ import annotations

import typing as t

from ml_connector.documents.base import Document, Text

__all__ = ["DimensionValue", "GlAccount"]


class GlAccount(Document):
    """A ledger account, as reference data.

    Attributes:
        account_number: Its number in the chart of accounts.
        name: Its name.
        account_type: The field's own word for its type (``EXPENSE``, ``ASSET``), when the source knows it.
        parent: The target's id of the account above it.
        active: Whether it may still be used.
        target_id: The target's id, when the crosswalk or a learned link knows it.
    """

    kind: t.ClassVar[str] = "gl_accounts"

    account_number: Text
    name: Text
    account_type: str | None = None
    parent: str | None = None
    active: bool = True
    target_id: str | None = None


class DimensionValue(Document):
    """A value of a ledger dimension, as reference data (a cost center, a department, a location ...).

    Attributes:
        dimension: Which dimension it belongs to (``cost_center``, ``department``, ``location``, ``job``, ``project``).
        code: Its code, when it has one beside its name.
        name: Its name.
        parent: The target's id of the value above it.
        active: Whether it may still be used.
        target_id: The target's id, when the crosswalk or a learned link knows it.
    """

    kind: t.ClassVar[str] = "dimensions"

    dimension: Text
    code: str | None = None
    name: Text
    parent: str | None = None
    active: bool = True
    target_id: str | None = None
