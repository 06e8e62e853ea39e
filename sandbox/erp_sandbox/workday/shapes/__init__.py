"""The described types and services, by area."""

from __future__ import annotations

from erp_sandbox.workday.contract import Operation, Service
from erp_sandbox.workday.shapes import books, common, finance, invoices, orders, payments, suppliers

__all__ = ["ALL_SERVICES", "ALL_TYPES"]

ALL_TYPES = (
    *common.TYPES,
    *invoices.TYPES,
    *suppliers.TYPES,
    *finance.TYPES,
    *orders.TYPES,
    *books.TYPES,
    *payments.TYPES,
)


def _operation(name: str, root: str = "") -> Operation:
    """An operation; ``root`` where its elements are not called like it (docs/systems/workday.md#w1)."""
    return Operation(name, f"{root or name}_Request", f"{root or name}_Response")


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
                "Get_Purchase_Orders",
                "Get_Projects",
            )
        ),
    ),
    Service(
        "Financial_Management",
        (
            *(
                _operation(name)
                for name in (
                    "Get_Cost_Centers",
                    "Get_Resource_Categories",
                    "Get_Account_Sets",
                    "Get_Workday_Companies",
                    "Get_Payment_Terms",
                    "Get_Payment_Types",
                    "Get_Organizations",
                    "Get_Payments",
                    "Get_Journals",
                )
            ),
            _operation("Get_Transaction_Tax_Codes", "Get_Tax_Codes"),
        ),
    ),
    Service("Integrations", (_operation("Get_References"),)),
    Service(
        "Cash_Management",
        (
            _operation("Submit_Ad_Hoc_Payment", "Submit_Ad_hoc_Payment"),
            _operation("Get_Ad_Hoc_Payments", "Get_Ad_hoc_Payments"),
        ),
    ),
)
