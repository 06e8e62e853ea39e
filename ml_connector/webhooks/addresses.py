"""Where systems reach the receiver."""

from __future__ import annotations

import typing as t

from ml_connector.transport.http import check_base_url

__all__ = ["PATH", "notification_url", "public_address"]

PATH: t.Final = "/webhooks/"
"""Below this are the doors."""


def public_address(url: str) -> str:
    """Return a public address without its last slash.

    Raises:
        SettingInvalid: It is not https, nor http on this machine.
    """
    return check_base_url(url, setting="--public-url")


def notification_url(address: str, path: str) -> str:
    """Return where a system is to send its notifications."""
    return f"{address}{PATH}{path}"
