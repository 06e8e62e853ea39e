"""The list of companies, the only one that stands below no company."""

from __future__ import annotations

from typing import Any

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.answers import json_answer, list_answer
from erp_sandbox.business_central.calls import Answer, Call
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.entities import COMPANIES
from erp_sandbox.business_central.odata.query import ENTITY_OPTIONS, LIST_OPTIONS, Query, parse_query
from erp_sandbox.business_central.odata.reading import Page, behind, sorted_rows
from erp_sandbox.business_central.values import Record, on_the_wire

__all__ = ["listed", "single"]


def listed(call: Call, size: int) -> Answer:
    """A page of the companies.

    Raises:
        BusinessCentralRefusalError: another verb than GET, or a query that makes no sense.
    """
    if not call.is_read:
        raise errors.not_allowed(call.method)
    query = parse_query(call.query, COMPANIES, LIST_OPTIONS)
    rows = [company.profile for company in call.environment.companies.values()]
    if query.filter is not None:
        rows = [row for row in rows if query.filter.admits(row)]
    count = len(rows) if query.count else None
    rows = sorted_rows(rows, query.order)
    rows = behind(rows, query.token) if query.token else rows[query.skip :]
    most = size if query.top is None else min(size, query.top)
    picked = rows[:most]
    left = None if query.top is None else query.top - len(picked)
    token = picked[-1]["id"] if len(picked) == size and left != 0 else ""
    page = Page([_shown(row, query) for row in picked], token, left, count)
    return list_answer(call, f"{call.root}/$metadata#companies", page)


def single(call: Call, company: Company) -> Answer:
    """One company.

    Raises:
        BusinessCentralRefusalError: another verb than GET, or a query that makes no sense.
    """
    if not call.is_read:
        raise errors.not_allowed(call.method)
    query = parse_query(call.query, COMPANIES, ENTITY_OPTIONS)
    context = f"{call.root}/$metadata#companies/$entity"
    return json_answer(200, {"@odata.context": context, **_shown(company.profile, query)})


def _shown(profile: Record, query: Query) -> dict[str, Any]:
    return {
        field.name: on_the_wire(field, profile[field.name])
        for field in COMPANIES.fields
        if query.select is None or field.name in query.select
    }
