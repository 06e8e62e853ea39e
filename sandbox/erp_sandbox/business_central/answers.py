"""Answers in JSON, and links to the next page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from erp_sandbox.business_central.calls import Answer, Call
from erp_sandbox.business_central.odata.reading import Page
from erp_sandbox.business_central.values import encode

__all__ = ["json_answer", "list_answer"]

_SAFE = "()$,'=;:/-_.~*@"


def json_answer(status: int, value: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, encode(value), {"OData-Version": "4.0", **(headers or {})})


def list_answer(call: Call, context: str, page: Page) -> Answer:
    """A page; a full one has a link, even if nothing follows (recorded)."""
    body: dict[str, Any] = {"@odata.context": context}
    if page.count is not None:
        body["@odata.count"] = page.count
    body["value"] = page.rows
    if page.token:
        kept = {name: value for name, value in call.query.items() if name not in ("aid", "$skiptoken", "$skip", "$top")}
        if page.left is not None:
            kept["$top"] = str(page.left)
        options = {"aid": "FIN", **kept, "$skiptoken": page.token}
        text = "&".join(f"{name}={quote(value, safe=_SAFE)}" for name, value in options.items())
        body["@odata.nextLink"] = f"{call.root}/{'/'.join(call.segments)}?{text}"
    return json_answer(200, body)
