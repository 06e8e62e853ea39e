"""A plain client of the Business Central stand-in: it does nothing on its own."""

from __future__ import annotations

import json
import ssl
from datetime import datetime
from decimal import Decimal

import httpx
from waiting import PATIENCE

from erp_sandbox import credentials
from erp_sandbox.business_central.tokens import SCOPE

_TRUST = ssl.create_default_context()
"""Made once: it takes longer than most tests."""

TOKEN_FORM = {
    "grant_type": "client_credentials",
    "client_id": credentials.BUSINESS_CENTRAL_CLIENT_ID,
    "client_secret": credentials.BUSINESS_CENTRAL_CLIENT_SECRET,
    "scope": SCOPE,
}


class CentralClient:
    """Calls below one company of the stand-in, with a token of its own.

    Args:
        box: The running sandbox.
        environment: Which environment.
        company: The name of a company; the main one by default.
    """

    def __init__(self, box, *, environment=credentials.BUSINESS_CENTRAL_ENVIRONMENT, company=None):
        self.box = box
        self.root = f"{box.business_central_base_url}/v2.0/{credentials.BUSINESS_CENTRAL_TENANT}/{environment}/api/v2.0"
        self.http = httpx.Client(timeout=PATIENCE, verify=_TRUST)
        self.renew()
        rows = self.get_root("companies").json()["value"]
        self.company = next(row["id"] for row in rows if company in (None, row["name"]))

    def renew(self):
        """Take a new token."""
        answer = self.http.post(token_url(self.box), data=TOKEN_FORM)
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get_root(self, path, **options):
        """GET below the service root."""
        return self.http.get(f"{self.root}/{path}", **options)

    def url(self, path):
        """The address of something below the company."""
        return f"{self.root}/companies({self.company})/{path}"

    def get(self, path, page=None, headers=None, **options):
        """GET below the company; query options without their dollar sign."""
        more = {"Prefer": f"odata.maxpagesize={page}"} if page else {}
        return self.http.get(
            self.url(path),
            params={f"${name}": value for name, value in options.items()} or None,
            headers={**more, **(headers or {})},
        )

    def rows(self, path, page=None, **options):
        """All rows of a list, page after page."""
        answer = self.get(path, page, **options)
        found = []
        while True:
            body = told(answer, 200)
            found += body["value"]
            if "@odata.nextLink" not in body:
                return found
            headers = {"Prefer": f"odata.maxpagesize={page}"} if page else {}
            answer = self.http.get(body["@odata.nextLink"], headers=headers)

    def one(self, path, **options):
        """The only row of a list."""
        (row,) = self.rows(path, **options)
        return row

    def post(self, path, body=None, **headers):
        """POST below the company."""
        return self._send("POST", self.url(path), body, headers)

    def patch(self, path, body, etag="*"):
        """PATCH below the company."""
        return self._send("PATCH", self.url(path), body, {"If-Match": etag} if etag else {})

    def delete(self, path, etag="*"):
        """DELETE below the company."""
        return self.http.delete(self.url(path), headers={"If-Match": etag} if etag else {})

    def act(self, path, action="post"):
        """Call a bound action."""
        return self.http.post(self.url(f"{path}/Microsoft.NAV.{action}"))

    def batch(self, *operations, **headers):
        """Send a $batch of (method, path below the company, body) and return its responses."""
        requests = [
            {"id": str(number), "method": method, "url": f"companies({self.company})/{path}", "body": body}
            | ({"headers": {"If-Match": "*"}} if method in ("PATCH", "DELETE") else {})
            for number, (method, path, body) in enumerate(operations, start=1)
        ]
        answer = self._send("POST", f"{self.root}/$batch", {"requests": requests}, headers)
        return told(answer, 200)["responses"]

    def _send(self, method, url, body, headers):
        content = b"" if body is None else json.dumps(body, default=_plain).encode()
        more = {"Content-Type": "application/json"} if content else {}
        return self.http.request(method, url, content=content, headers={**more, **headers})

    # Things most tests need

    def account(self, number="6100"):
        """The id of an account."""
        return self.one("accounts", filter=f"number eq '{number}'")["id"]

    def batch_id(self, code="BILL"):
        """The id of a journal for vendor payments."""
        return self.one("vendorPaymentJournals", filter=f"code eq '{code}'")["id"]

    def draft(self, vendor="V00001", number="X-1", amount=100, **fields):
        """A new draft invoice of one line, as it is read afterwards."""
        body = {
            "vendorNumber": vendor,
            "vendorInvoiceNumber": number,
            "invoiceDate": "2026-11-02",
            "postingDate": "2026-11-02",
            "purchaseInvoiceLines": [line(amount)],
            **fields,
        }
        created = told(self.post("purchaseInvoices", body), 201)
        return told(self.get(f"purchaseInvoices({created['id']})"), 200)

    def posted(self, **wanted):
        """A new posted invoice."""
        draft = self.draft(**wanted)
        told(self.act(f"purchaseInvoices({draft['id']})"), 204)
        return told(self.get(f"purchaseInvoices({draft['id']})"), 200)

    def pay(self, invoice, amount, *, journal=None, **fields):
        """Add a payment line for an invoice."""
        body = {
            "vendorNumber": invoice["payToVendorNumber"],
            "postingDate": "2026-11-10",
            "documentNumber": "PAY-1",
            "externalDocumentNumber": "STP-1",
            "amount": amount,
            "appliesToInvoiceId": invoice["id"],
            **fields,
        }
        return self.post(f"vendorPaymentJournals({journal or self.batch_id()})/vendorPayments", body)


def moment(row, name="lastModifiedDateTime"):
    """A time of a row; its text does not sort, since trailing zeros are left out."""
    return datetime.fromisoformat(row[name])


def line(amount=100, **fields):
    """A line of an invoice on an expense account."""
    return {"lineType": "Account", "lineObjectNumber": "6100", "quantity": 1, "unitCost": amount, **fields}


def token_url(box, tenant=credentials.BUSINESS_CENTRAL_TENANT):
    """Where tokens are asked for."""
    return f"{box.business_central_auth_url}/{tenant}/oauth2/v2.0/token"


def told(answer, status):
    """The exact JSON of an answer that has to have a status; None without a body."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    return json.loads(answer.text, parse_float=Decimal) if answer.content else None


def refused(answer, status, code):
    """The message of a refusal, without its correlation id."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    error = answer.json()["error"]
    assert error["code"] == code, error
    return error["message"].partition("  CorrelationId:")[0]


def _plain(value):
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(value)
