"""How people call the systems, and how to say it in a sentence."""

from __future__ import annotations

import typing as t

__all__ = ["display_name", "plugin_name", "words"]

_DISPLAY: t.Final = {
    "bill": "BILL",
    "business_central": "Business Central",
    "coupa": "Coupa",
    "procore": "Procore",
    "sap_s4hana": "SAP S/4HANA",
    "workday": "Workday",
}


def display_name(system: str) -> str:
    """Return the name people use: ``bill`` -> ``BILL``."""
    return _DISPLAY.get(system, system)


def plugin_name(system: str) -> str:
    """Return the tap of a system: ``sap_s4hana`` -> ``tap-sap-s4hana``."""
    return f"tap-{system.replace('_', '-')}"


def words(name: str) -> str:
    """Return a field or kind as it reads in a sentence: ``cost_center`` -> ``cost center``."""
    return name.replace("_", " ")
