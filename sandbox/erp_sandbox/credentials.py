"""The invented credentials of the sandbox: the same on every start, worth nothing anywhere else."""

from __future__ import annotations

BILL_DEV_KEY = "01SANDBOXDEVKEY00ACME"
BILL_OTHER_DEV_KEY = "01SANDBOXDEVKEY0OTHER"
BILL_ORGANIZATION_ID = "00801ACMESERVICES001"
BILL_OTHER_ORGANIZATION_ID = "00801ACMETRADING0002"

BILL_USERNAME = "ap@acme.invalid"
BILL_PASSWORD = "sandbox-password"
BILL_USER_ID = "00601ACMEAPCLERK0001"
BILL_SYNC_TOKEN_NAME = "ml-connector-sync"
BILL_SYNC_TOKEN_VALUE = "sandbox-sync-token-value"
BILL_SYNC_USER_ID = "syu01ACMESYNCUSR0001"
BILL_REMEMBER_ME_ID = "sandbox-remember-me"
BILL_DEVICE = "sandbox-device"

WORKDAY_TENANT = "acme_dpt1"
WORKDAY_ISU_USERNAME = "ISU_AP"
WORKDAY_ISU_PASSWORD = "sandbox-isu-password"
WORKDAY_CLIENT_ID = "sandbox-client-id"
WORKDAY_CLIENT_SECRET = "sandbox-client-secret"
WORKDAY_REFRESH_TOKEN = "sandbox-refresh-token"

BUSINESS_CENTRAL_TENANT = "5ac3e1d2-0b6f-4f47-9d53-2f1e7a90c4b8"
BUSINESS_CENTRAL_ENVIRONMENT = "production"
BUSINESS_CENTRAL_COMPANY = "Acme Services"
BUSINESS_CENTRAL_CLIENT_ID = "9b2d7c44-61aa-4c5e-8f0e-d1a4b7e35f60"
BUSINESS_CENTRAL_CLIENT_SECRET = "sandbox~entra~client~secret"
