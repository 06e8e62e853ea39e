"""Writing to the BILL stand-in: as strict as the sheet, stricter where it is unsure (sheet bill 4)."""

from __future__ import annotations

from erp_sandbox.bill.writes.routes import WRITES, Write

__all__ = ["WRITES", "Write"]
