"""The settings with which tap and target find the sandbox."""

from __future__ import annotations

from erp_sandbox import credentials
from erp_sandbox.server import Sandbox

__all__ = ["environment"]


def environment(box: Sandbox) -> dict[str, str]:
    """The settings of the plugins for this sandbox, named as Meltano names them."""
    return {
        **_business_central(box),
        "TAP_WORKDAY_BASE_URL": box.workday_base_url,
        "TAP_WORKDAY_TENANT": credentials.WORKDAY_TENANT,
        "TAP_WORKDAY_ISU_USERNAME": credentials.WORKDAY_ISU_USERNAME,
        "TAP_WORKDAY_ISU_PASSWORD": credentials.WORKDAY_ISU_PASSWORD,
        "TAP_BILL_BASE_URL": box.bill_base_url,
        "TAP_BILL_DEV_KEY": credentials.BILL_DEV_KEY,
        "TAP_BILL_USERNAME": credentials.BILL_SYNC_TOKEN_NAME,
        "TAP_BILL_PASSWORD": credentials.BILL_SYNC_TOKEN_VALUE,
        "TAP_BILL_ORGANIZATION_ID": credentials.BILL_ORGANIZATION_ID,
        "TARGET_BILL_BASE_URL": box.bill_base_url,
        "TARGET_BILL_DEV_KEY": credentials.BILL_DEV_KEY,
        "TARGET_BILL_USERNAME": credentials.BILL_SYNC_TOKEN_NAME,
        "TARGET_BILL_PASSWORD": credentials.BILL_SYNC_TOKEN_VALUE,
        "TARGET_BILL_ORGANIZATION_ID": credentials.BILL_ORGANIZATION_ID,
        "TARGET_WORKDAY_BASE_URL": box.workday_base_url,
        "TARGET_WORKDAY_TENANT": credentials.WORKDAY_TENANT,
        "TARGET_WORKDAY_ISU_USERNAME": credentials.WORKDAY_ISU_USERNAME,
        "TARGET_WORKDAY_ISU_PASSWORD": credentials.WORKDAY_ISU_PASSWORD,
        # What this tenant wants of every supplier that is created.
        "TARGET_WORKDAY_SUPPLIER_CATEGORY": "GOODS",
        "TARGET_WORKDAY_SUPPLIER_PAYMENT_TERMS": "NET_30",
        "TARGET_WORKDAY_SUPPLIER_PAYMENT_TYPE": "ACH",
    }


def _business_central(box: Sandbox) -> dict[str, str]:
    settings = {
        "BASE_URL": box.business_central_base_url,
        "AUTH_URL": box.business_central_auth_url,
        "TENANT_ID": credentials.BUSINESS_CENTRAL_TENANT,
        "ENVIRONMENT": credentials.BUSINESS_CENTRAL_ENVIRONMENT,
        "COMPANY": credentials.BUSINESS_CENTRAL_COMPANY,
        "CLIENT_ID": credentials.BUSINESS_CENTRAL_CLIENT_ID,
        "CLIENT_SECRET": credentials.BUSINESS_CENTRAL_CLIENT_SECRET,
    }
    return {
        f"{plugin}_BUSINESS_CENTRAL_{name}": value for plugin in ("TAP", "TARGET") for name, value in settings.items()
    }
