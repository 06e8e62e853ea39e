"""Query strings."""

from __future__ import annotations

from collections.abc import Iterable

from erp_sandbox.business_central import errors

__all__ = ["read_options"]


def read_options(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The options of a query string.

    Raises:
        BusinessCentralRefusalError: one is given twice.
    """
    options: dict[str, str] = {}
    for name, value in pairs:
        if name in options:
            raise errors.bad_request(f"The query parameter '{name}' is given more than once.")
        options[name] = value
    return options
