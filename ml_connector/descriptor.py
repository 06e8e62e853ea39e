"""What a system tells of itself. Whoever installs a package with a descriptor has added a system.

A package names its descriptor under the entry point group ``ml_connector.systems``; nothing here knows one by name.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import types
import typing as t

__all__ = ["GROUP", "Descriptor", "descriptors"]

GROUP: t.Final = "ml_connector.systems"
"""The entry point group systems are found by."""

_FURTHER: t.Final = ("PAY", "FILE")
"""What stands before the hyphen in ids of payments and files, which the source numbers apart from its invoices."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A system.

    Attributes:
        name: As settings, tables and the ledger name it (``business_central``).
        label: As people call it (``Business Central``).
        prefix: How ids begin of what other systems are given from its documents (``BC``), without the hyphen.
    """

    name: str
    label: str
    prefix: str

    def id_within(self, text: str | None) -> str | None:
        """Return the system's own id in an id that was made of one of its documents; None when it was made of none.

        ``BC-4711`` and ``BCPAY-4711`` are both made of ``4711`` of Business Central, ``BILL-4711`` is not.
        """
        for mark in (self.prefix, *(f"{self.prefix}{further}" for further in _FURTHER)):
            if text is not None and text.startswith(f"{mark}-"):
                return text.removeprefix(f"{mark}-")
        return None


@functools.cache
def descriptors() -> t.Mapping[str, Descriptor]:
    """Return the installed systems by name."""
    found = (point.load() for point in importlib.metadata.entry_points(group=GROUP))
    return types.MappingProxyType({each.name: each for each in found})
