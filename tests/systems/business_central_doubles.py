"""A Business Central client that talks to a function instead of a network."""

from __future__ import annotations

import json

import httpx

from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.settings import BusinessCentralSettings

BASE_URL = "https://api.host.invalid"
SERVICE = f"{BASE_URL}/v2.0/acme.invalid/production/api/v2.0"
COMPANY = "11111111-1111-4111-8111-111111111111"
CONFIG = {
    "base_url": BASE_URL,
    "auth_url": "https://login.host.invalid",
    "tenant_id": "acme.invalid",
    "environment": "production",
    "client_id": "app-1",
    "client_secret": "secret-of-the-app",
    "requests_per_minute": 60_000,
}


def settings(**changes):
    """Return settings with changes."""
    return BusinessCentralSettings.from_config({**CONFIG, **changes}, plugin="tap-business-central")


def page(*rows, following=""):
    """Return a page of a list."""
    link = {"@odata.nextLink": following} if following else {}
    return httpx.Response(200, json={"@odata.context": "c", "value": list(rows), **link})


def error(status, code, message="said Business Central", **headers):
    """Return an answer as Business Central refuses."""
    words = f"{message}  CorrelationId:  0b1c2d3e-0000-4000-8000-000000000001."
    return httpx.Response(status, json={"error": {"code": code, "message": words}}, headers=headers)


def entra_error(number, status=401, name="invalid_client"):
    """Return an answer as Entra refuses."""
    words = f"AADSTS{number}: said Entra. Trace ID: 1 Correlation ID: 2 Timestamp: 2026-01-01 00:00:00Z"
    return httpx.Response(status, json={"error": name, "error_description": words, "error_codes": [number]})


class BusinessCentral:
    """Answers calls from scripts: tokens are given unless scripted, other calls get what is queued, then an empty list.

    Attributes:
        requests: All requests, in order.
        tokens: Answers to the next requests for a token.
        answers: Answers to the next other calls; an exception is raised as such.
    """

    def __init__(self):
        self.requests = []
        self.tokens = []
        self.answers = []
        self.given = 0

    def client(self, **changes):
        """Return a client that talks to this."""
        return BusinessCentralClient(settings(**changes), transport=httpx.MockTransport(self._answer))

    @property
    def calls(self):
        """The requests that were not for a token."""
        return [request for request in self.requests if request.url.host == "api.host.invalid"]

    @property
    def logins(self):
        """The requests for a token."""
        return [request for request in self.requests if request.url.host == "login.host.invalid"]

    def bodies(self):
        """The JSON of what was sent."""
        return [json.loads(request.content) for request in self.calls if request.content]

    def _answer(self, request):
        self.requests.append(request)
        queue = self.tokens if request.url.host == "login.host.invalid" else self.answers
        if queue:
            answer = queue.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        if queue is self.answers:
            return page()
        self.given += 1
        return httpx.Response(
            200, json={"token_type": "Bearer", "expires_in": 3599, "access_token": f"token-{self.given}"}
        )
