"""A BILL client that talks to a function instead of a network."""

from __future__ import annotations

import json

import httpx

from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.settings import BillSettings

BASE_URL = "https://gateway.stage.host.invalid/connect"
ORGANIZATION = "00801ACME00000000001"
CONFIG = {
    "base_url": BASE_URL,
    "dev_key": "01SECRETDEVKEY",
    "username": "sync-token",
    "password": "secret-password",
    "organization_id": ORGANIZATION,
}
EMPTY = {"results": []}


def settings(**changes):
    """Return settings with changes."""
    return BillSettings.from_config({**CONFIG, **changes}, plugin="tap-bill")


def error(status, code, message="said BILL", **headers):
    """Return an answer as BILL refuses."""
    entry = {"severity": "ERROR", "message": message} | ({"code": code} if code else {})
    return httpx.Response(status, json=[entry], headers=headers)


class Bill:
    """Answers calls from scripts: logins always succeed unless scripted, other calls get what is queued, then EMPTY.

    Attributes:
        requests: All requests, in order.
        logins: Answers to the next logins.
        answers: Answers to the next other calls; an exception is raised as such.
        dead: Sessions that BILL has forgotten.
    """

    def __init__(self):
        self.requests = []
        self.logins = []
        self.answers = []
        self.dead = set()
        self.sessions = 0

    def client(self, **changes):
        """Return a client that talks to this."""
        return BillClient(settings(**changes), transport=httpx.MockTransport(self._answer))

    def sent(self, path):
        """Return the requests to a path."""
        return [request for request in self.requests if request.url.path.endswith(path)]

    def _answer(self, request):
        self.requests.append(request)
        if request.url.path.endswith("/v3/login"):
            return self._log_in(request)
        if request.headers["sessionId"] in self.dead:
            return error(401, "BDC_1109")
        answer = self.answers.pop(0) if self.answers else httpx.Response(200, json=EMPTY)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _log_in(self, request):
        if self.logins:
            answer = self.logins.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        self.sessions += 1
        body = json.loads(request.content)
        return httpx.Response(
            200,
            json={
                "sessionId": f"session-{self.sessions}",
                "organizationId": body["organizationId"],
                "userId": "syu01",
                "trusted": False,
            },
        )
