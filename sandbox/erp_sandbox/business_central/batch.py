"""``$batch``: up to a hundred operations in one call (sheet 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.calls import Answer, Call
from erp_sandbox.business_central.errors import BusinessCentralRefusalError, Correlation
from erp_sandbox.business_central.odata.queries import read_options
from erp_sandbox.business_central.values import decode, encode

__all__ = ["answer_batch", "operations_of"]

MOST = 100

_METHODS = ("GET", "POST", "PATCH", "DELETE")


class _FailedError(Exception):
    """An operation of a transaction failed: everything before it is undone."""


def operations_of(call: Call) -> list[dict[str, Any]]:
    """The operations of a batch.

    Raises:
        BusinessCentralRefusalError: no batch, or too many operations.
    """
    if call.method != "POST":
        raise errors.not_allowed(call.method)
    body = decode(call.body)
    operations = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise errors.bad_request("The batch must have an array 'requests'.")
    if len(operations) > MOST:
        raise errors.bad_request(f"The batch has {len(operations)} operations; the maximum is {MOST}.")
    for each in operations:
        if set(each) - {"id", "method", "url", "headers", "body", "atomicityGroup", "dependsOn"}:
            raise errors.bad_request("An operation of the batch has an unknown property.")
        if each.get("atomicityGroup"):
            raise BusinessCentralRefusalError(
                501, "BadRequest_MethodNotImplemented", "Groups of operations are not supported; use Isolation."
            )
        if each.get("method") not in _METHODS or not isinstance(each.get("url"), str):
            raise errors.bad_request("An operation of the batch needs a method and a url.")
    return operations


def answer_batch(call: Call, operations: list[dict[str, Any]], answer: Callable[[Call], Answer]) -> Answer:
    """Carry out the operations one after the other; the batch itself is answered with 200."""
    if call.headers.get("isolation", "") != "snapshot":
        return _bundle(_one_by_one(call, operations, answer, [])[0])
    done: list[dict[str, Any]] = []
    with suppress(_FailedError), call.environment.unit():
        _all_or_none(call, operations, answer, done)
    return _bundle(done)


def _all_or_none(
    call: Call, operations: list[dict[str, Any]], answer: Callable[[Call], Answer], done: list[dict[str, Any]]
) -> None:
    if not _one_by_one(call, operations, answer, done)[1]:
        raise _FailedError


def _one_by_one(
    call: Call, operations: list[dict[str, Any]], answer: Callable[[Call], Answer], done: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], bool]:
    goes_on = "odata.continue-on-error=true" in call.headers.get("prefer", "").replace(" ", "")
    good = True
    bad: set[object] = set()
    for each in operations:
        try:
            if bad & set(each.get("dependsOn") or ()):
                raise BusinessCentralRefusalError(424, "BadRequest", "An operation this one depends on has failed.")  # noqa: TRY301
            result = answer(_inner(call, each))
        except BusinessCentralRefusalError as refusal:
            body = encode(refusal.body(Correlation().value))
            result = Answer(refusal.status, body)
        done.append(_shown(each, result))
        if result.status >= 400:
            good = False
            bad.add(each.get("id"))
            if not goes_on:
                break
    return done, good


def _inner(call: Call, operation: Mapping[str, Any]) -> Call:
    url = str(operation["url"])
    if url.startswith("/") or "://" in url:
        raise BusinessCentralRefusalError(
            404, "BadRequest_ResourceNotFound", f"Resource not found for the segment '{url}'."
        )
    path, _, options = url.partition("?")
    headers = {"content-type": "application/json"} | {
        str(name).lower(): str(value) for name, value in (operation.get("headers") or {}).items()
    }
    segments = tuple(unquote(part) for part in path.split("/"))
    if segments[0] == "$batch" or segments[0].startswith("subscriptions"):
        raise errors.bad_request(f"A batch cannot hold calls of '{segments[0]}'.")
    body = operation.get("body")
    return Call(
        operation["method"],
        call.environment,
        call.api,
        call.root,
        segments,
        read_options(parse_qsl(options, keep_blank_values=True)),
        headers,
        b"" if body is None else encode(body),
    )


def _shown(operation: Mapping[str, Any], result: Answer) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in result.headers.items()}
    if result.body:
        headers["content-type"] = result.media_type
    shown: dict[str, Any] = {"id": operation.get("id"), "status": result.status, "headers": headers}
    if result.body:
        is_json = result.media_type.startswith("application/json")
        shown["body"] = msgspec.Raw(result.body) if is_json else result.body.decode("utf-8", "replace")
    return shown


def _bundle(done: list[dict[str, Any]]) -> Answer:
    return Answer(200, encode({"responses": done}), {"OData-Version": "4.0"})
