"""Loopback stand-ins of finance systems, as strict as the real ones, for trying, testing and measuring."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command ``erp-sandbox``, or say what is missing for it."""
    try:
        # Here, since the servers' packages belong to an extra that not every installation has.
        from erp_sandbox.cli import main as command  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("starlette", "uvicorn"):
            raise
        sys.exit("erp-sandbox: the sandbox is not installed.\n  pip install 'ml-connector[sandbox]'")
    command()
