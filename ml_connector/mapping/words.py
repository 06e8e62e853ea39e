"""Names as they read in a sentence."""

from __future__ import annotations

__all__ = ["plugin_name", "words"]


def plugin_name(system: str) -> str:
    """Return the tap of a system: ``sap_s4hana`` -> ``tap-sap-s4hana``."""
    return f"tap-{system.replace('_', '-')}"


def words(name: str) -> str:
    """Return a field or kind as it reads in a sentence: ``cost_center`` -> ``cost center``."""
    return name.replace("_", " ")
