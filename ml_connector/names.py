"""What people call the systems."""

from __future__ import annotations

import typing as t

__all__ = ["display_name"]

_NAMES: t.Final = {
    "bill": "BILL",
    "business_central": "Business Central",
    "coupa": "Coupa",
    "procore": "Procore",
    "sap_s4hana": "SAP S/4HANA",
    "workday": "Workday",
}


def display_name(system: str) -> str:
    """Return how messages name a system (``bill`` -> ``BILL``); unknown names are returned as they are."""
    return _NAMES.get(system, system)
