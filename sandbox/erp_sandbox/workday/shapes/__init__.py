"""The described types and services, by area."""

from __future__ import annotations

from erp_sandbox.workday.contract import Operation, Service
from erp_sandbox.workday.shapes import common, finance, invoices, suppliers

__all__ = ["ALL_SERVICES", "ALL_TYPES"]

ALL_TYPES = (*common.TYPES, *invoices.TYPES, *suppliers.TYPES, *finance.TYPES)


def _operation(name: str) -> Operation:
    return Operation(name, f"{name}_Request", f"{name}_Response")


ALL_SERVICES = (
    Service(
        "Resource_Management",
        tuple(
            _operation(name)
            for name in (
                "Submit_Supplier_Invoice",
                "Submit_Supplier_Invoice_Adjustment",
                "Get_Supplier_Invoices",
                "Get_Supplier_Invoice_Adjustments",
                "Cancel_Supplier_Invoice",
                "Submit_Supplier",
                "Get_Suppliers",
                "Get_Resource_Categories",
            )
        ),
    ),
    Service(
        "Financial_Management",
        tuple(
            _operation(name)
            for name in (
                "Get_Cost_Centers",
                "Get_Resource_Categories",
                "Get_Account_Sets",
                "Get_Workday_Companies",
                "Get_Payment_Terms",
            )
        ),
    ),
)
