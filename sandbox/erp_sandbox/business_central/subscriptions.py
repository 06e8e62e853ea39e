"""Webhook subscriptions: three days long, with a handshake when they are made and renewed (sheet 5)."""

from __future__ import annotations

import re
import secrets
import ssl
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.behaviour import Behaviour
from erp_sandbox.business_central.calls import Answer, Call
from erp_sandbox.business_central.entities import SETS
from erp_sandbox.business_central.environment import Environment
from erp_sandbox.business_central.errors import BusinessCentralRefusalError
from erp_sandbox.business_central.odata.paths import Segment, read_segment
from erp_sandbox.business_central.odata.reading import etag_of
from erp_sandbox.business_central.values import Record, decode, encode, instant_text
from erp_sandbox.clock import Clock, to_milliseconds

__all__ = ["Subscriptions", "shake_hands", "split_resource", "trust"]

LIFE = 3 * 24 * 3_600_000
"""Milliseconds until a subscription ends unless it is renewed."""

USER = "00000000-0000-0000-0000-000000000001"

_RESOURCE = re.compile(r"/?api/v2\.0/companies\((?P<company>[0-9a-fA-F-]{36})\)/(?P<set>\w+)")
_WRITABLE = ("notificationUrl", "resource", "clientState")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HANDSHAKE_SECONDS = 5.0


def split_resource(resource: str) -> tuple[str, str] | None:
    """Company and entity set of a resource, with or without a slash in front."""
    found = _RESOURCE.fullmatch(resource)
    return (found["company"].lower(), found["set"]) if found else None


@cache
def trust() -> ssl.SSLContext:
    """Whom receivers' certificates are trusted by; made once, since that takes a while."""
    return ssl.create_default_context()


class Subscriptions:
    """The collection ``subscriptions`` of every environment."""

    def __init__(self, clock: Clock, behaviour: Behaviour) -> None:
        self._clock = clock
        self._behaviour = behaviour

    def to_be_asked(self, call: Call) -> str | None:
        """The receiver that has to shake hands before a call can be answered; None: none.

        Raises:
            BusinessCentralRefusalError: the call is refused anyway.
        """
        if call.method == "POST":
            return self._fresh(call)["notificationUrl"]
        if call.method == "PATCH":
            return self._renewed(call, self._found(call))["notificationUrl"]
        return None

    def answer(self, call: Call, head: Segment) -> Answer:
        """Answer a call; the receiver has shaken hands by now.

        Raises:
            BusinessCentralRefusalError: it is refused.
        """
        self.drop_expired(call.environment)
        if len(call.segments) > 1:
            raise errors.no_segment(call.segments[1])
        if head.key is None:
            return self._collection(call)
        found = self._found(call)
        if call.method == "GET":
            return _json(200, call, _shown(found))
        if call.method == "DELETE":
            del call.environment.subscriptions[found["subscriptionId"]]
            return Answer(204)
        if call.method == "PATCH":
            return self._renew(call, found)
        raise errors.not_allowed(call.method)

    def drop_expired(self, environment: Environment) -> None:
        """Forget subscriptions nobody renewed."""
        now = to_milliseconds(self._clock.now())
        for identifier, record in list(environment.subscriptions.items()):
            if record["expirationDateTime"] <= now:
                del environment.subscriptions[identifier]

    def _collection(self, call: Call) -> Answer:
        if call.method == "GET":
            if call.query:
                raise errors.bad_request("The query parameters of 'subscriptions' are not supported.")
            rows = [_shown(record) for record in list(call.environment.subscriptions.values())]
            return _json(200, call, {"value": rows})
        if call.method != "POST":
            raise errors.not_allowed(call.method)
        body = self._fresh(call)
        now = self._clock.stamp()
        record: Record = {
            "subscriptionId": uuid.uuid4().hex,
            "notificationUrl": body["notificationUrl"],
            "resource": body["resource"],
            "timestamp": call.environment.next_version(),
            "userId": USER,
            "lastModifiedDateTime": now,
            "clientState": body.get("clientState", ""),
            "expirationDateTime": now + LIFE,
            "systemCreatedAt": now,
            "systemCreatedBy": USER,
            "systemModifiedAt": now,
            "systemModifiedBy": USER,
            "_version": call.environment.next_version(),
        }
        call.environment.subscriptions[record["subscriptionId"]] = record
        location = f"{call.root}/subscriptions('{record['subscriptionId']}')"
        return _json(201, call, _shown(record), {"Location": location})

    def _fresh(self, call: Call) -> dict[str, str]:
        """The body of a new subscription, checked."""
        body = _body(call)
        self._check(call.environment, body)
        if len(call.environment.subscriptions) >= self._behaviour.subscriptions:
            raise errors.dialog("The maximum number of webhook subscriptions has been reached.")
        for known in call.environment.subscriptions.values():
            if (known["notificationUrl"], split_resource(known["resource"])) == (
                body["notificationUrl"],
                split_resource(body["resource"]),
            ):
                raise errors.same_key("API Webhook Subscription", f"Subscription Id='{known['subscriptionId']}'")
        return body

    def _found(self, call: Call) -> Record:
        """The subscription a path names; a change has to name its etag as well."""
        key = read_segment(call.segments[0]).key or ""
        found = call.environment.subscriptions.get(key.strip("'")) if key.startswith("'") else None
        if found is None:
            raise errors.no_record("API Webhook Subscription", key)
        given = call.headers.get("if-match", "")
        if call.method != "GET" and not given:
            raise errors.precondition_missing()
        if call.method != "GET" and given not in ("*", etag_of(found)):
            raise errors.entity_changed(self._behaviour.stale_status)
        return found

    def _renewed(self, call: Call, found: Record) -> dict[str, str]:
        """The body of a renewal, checked."""
        body = {**{name: found[name] for name in _WRITABLE}, **_body(call)}
        self._check(call.environment, body)
        if split_resource(body["resource"]) != split_resource(found["resource"]):
            raise errors.dialog("The resource of a subscription cannot be changed.")
        return body

    def _renew(self, call: Call, found: Record) -> Answer:
        body = self._renewed(call, found)
        now = self._clock.stamp()
        renewed = {
            **found,
            **{name: body[name] for name in _WRITABLE},
            "lastModifiedDateTime": now,
            "systemModifiedAt": now,
            "expirationDateTime": now + LIFE,
            "_version": call.environment.next_version(),
        }
        call.environment.subscriptions[found["subscriptionId"]] = renewed
        return _json(200, call, _shown(renewed))

    def _check(self, environment: Environment, body: Mapping[str, str]) -> None:
        for name in ("notificationUrl", "resource"):
            if not body.get(name):
                raise errors.bad_request(f"The property '{name}' must have a value.")
        if len(body.get("clientState", "")) > 2048:
            raise errors.too_long(body["clientState"], 2048)
        url = urlsplit(body["notificationUrl"])
        if url.scheme not in ("http", "https") or url.hostname not in _LOOPBACK:
            raise errors.bad_request("The notification URL is not valid: here only this machine can be notified.")
        place = split_resource(body["resource"])
        if place is None or place[0] not in environment.companies:
            raise errors.bad_request(f"The resource '{body['resource']}' is not valid.")
        entity = SETS.get(place[1])
        if entity is None or not entity.webhook:
            raise errors.bad_request(f"The resource '{place[1]}' does not support webhooks.")


def _body(call: Call) -> dict[str, str]:
    body = decode(call.body)
    if not isinstance(body, dict):
        raise errors.bad_request("The request body must be a JSON object.")
    for name, value in body.items():
        if name not in _WRITABLE:
            raise errors.unknown_property(name, "subscriptions")
        if not isinstance(value, str):
            raise errors.wrong_type(value, "Edm.String")
    return body


async def shake_hands(url: str) -> None:
    """Call the receiver with a token, which it has to answer in its body.

    Raises:
        BusinessCentralRefusalError: it did not.
    """
    token = secrets.token_urlsafe(24)
    try:
        async with httpx.AsyncClient(timeout=_HANDSHAKE_SECONDS, verify=trust()) as http:
            answer = await http.post(url, params={"validationToken": token})
    except httpx.HTTPError:
        raise _no_handshake(url) from None
    if answer.status_code != 200 or answer.text.strip() != token:
        raise _no_handshake(url)


def _no_handshake(url: str) -> BusinessCentralRefusalError:
    return errors.bad_request(f"The notification URL {url} did not answer the validation token.")


def _shown(record: Record) -> dict[str, Any]:
    row: dict[str, Any] = {"@odata.etag": etag_of(record)}
    for name, value in record.items():
        if not name.startswith("_"):
            row[name] = instant_text(value) if name.endswith(("At", "DateTime")) else value
    return row


def _json(status: int, call: Call, value: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    single = "" if "value" in value else "/$entity"
    body = {"@odata.context": f"{call.root}/$metadata#subscriptions{single}", **value}
    return Answer(status, encode(body), {"OData-Version": "4.0", **(headers or {})})
