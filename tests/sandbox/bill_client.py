"""A bare BILL client for tests of the stand-in: it sends what it is told and judges nothing."""

from __future__ import annotations

from typing import Any

import httpx
from waiting import PATIENCE

from erp_sandbox import credentials

USER = {
    "username": credentials.BILL_USERNAME,
    "password": credentials.BILL_PASSWORD,
    "organizationId": credentials.BILL_ORGANIZATION_ID,
    "devKey": credentials.BILL_DEV_KEY,
}
TOKEN = {
    **USER,
    "username": credentials.BILL_SYNC_TOKEN_NAME,
    "password": credentials.BILL_SYNC_TOKEN_VALUE,
}


class BillClient:
    """Talks to ``box.bill_base_url``; :meth:`log_in` once, then :meth:`get`."""

    def __init__(self, base_url: str) -> None:
        self.http = httpx.Client(base_url=base_url, timeout=PATIENCE)
        self.headers: dict[str, str] = {}

    def log_in(self, **changes: str) -> dict[str, Any]:
        """Open a session and use it from now on."""
        body = {**USER, **changes}
        answer = self.http.post("/v3/login", json=body)
        assert answer.status_code == 200, answer.text
        self.headers = {"sessionId": answer.json()["sessionId"], "devKey": body["devKey"]}
        return answer.json()

    def get(self, path: str, **query: Any) -> httpx.Response:
        """One GET with the session."""
        return self.http.get(path, params=query, headers=self.headers)

    def walk(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All rows of a list, following nextPage."""
        rows: list[dict[str, Any]] = []
        while True:
            answer = self.get(path, **query)
            assert answer.status_code == 200, answer.text
            rows += answer.json()["results"]
            if not answer.json().get("nextPage"):
                return rows
            query["page"] = answer.json()["nextPage"]


def refusal(answer: httpx.Response) -> tuple[int, str | None]:
    """Status and code of an error answer."""
    return answer.status_code, answer.json()[0].get("code")
