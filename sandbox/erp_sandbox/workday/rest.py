"""What the tenant answers in JSON: custom reports (RaaS) and queries (docs/systems/workday.md#w1 and #w3-4)."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from erp_sandbox.workday.documents import Invoice
    from erp_sandbox.workday.store import WorkdayStore

MOST_ROWS = 10_000
"""Rows one answer of a query can hold."""

_QUERY = re.compile(
    r"SELECT\s+(?P<fields>[\w\s,]+?)\s+FROM\s+(?P<source>\w+)\s*(?:\((?P<options>[^)]*)\))?"
    r"(?:\s+WHERE\s+(?P<where>.+))?",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(
    r"(?P<field>\w+)\s*(?P<operator>>=|<=|=|>|<)\s*(?P<value>'(?:[^']|'')*'|true|false|[\w.]+)", re.IGNORECASE
)


class RefusalError(Exception):
    """A REST error: its HTTP status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.body = {"error": text, "errors": [{"error": text}]}


def is_known(store: WorkdayStore, authorization: str | None, *, bearer_only: bool) -> bool:
    """Whether an Authorization header is of somebody this tenant knows."""
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return store.api_client.is_live(value.strip())
    if bearer_only or scheme.lower() != "basic":
        return False
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    user, _, tenant = name.partition("@")
    expected = store.users.get(user)
    return expected is not None and tenant == store.tenant and hmac.compare_digest(password.encode(), expected.encode())


def report(store: WorkdayStore, owner: str, name: str, prompts: Mapping[str, str]) -> dict[str, Any]:
    """The rows of a custom report, those that have the values of the prompts.

    Raises:
        RefusalError: no such report, a prompt it does not have, or another format than JSON.
    """
    known = store.reports.get((owner, name))
    if known is None:
        raise RefusalError(404, "The report does not exist.")
    asked = dict(prompts)
    if asked.pop("format", "xml") != "json":
        raise RefusalError(400, "This tenant serves reports as JSON only.")
    rows = known(store)
    columns = {column for row in rows for column in row}
    for prompt in asked:
        if prompt not in columns:
            raise RefusalError(400, f"The report has no prompt {prompt}.")
    chosen = [row for row in rows if all(str(row.get(prompt)) == value for prompt, value in asked.items())]
    return {"Report_Entry": [{name: _plain(value) for name, value in row.items()} for row in chosen]}


def query(store: WorkdayStore, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The answer to a query.

    Raises:
        RefusalError: it cannot be read, or asks for what this tenant does not have.
    """
    limit, offset = _whole(parameters, "limit", MOST_ROWS), _whole(parameters, "offset", 0)
    if not 1 <= limit <= MOST_ROWS:
        raise RefusalError(400, f"The limit must be between 1 and {MOST_ROWS}.")
    match = _QUERY.fullmatch(parameters.get("query", "").strip())
    if match is None:
        raise RefusalError(400, "The query cannot be read.")
    source = _SOURCES.get(match["source"])
    if source is None:
        raise RefusalError(400, f"There is no data source {match['source']}.")
    fields = [field.strip() for field in match["fields"].split(",")]
    conditions = [_condition(text, source) for text in _conditions(match["where"])]
    for field in fields:
        if field not in source.fields:
            raise RefusalError(400, f"The data source has no field {field}.")
    company = _company(store, source, match["options"] or "")
    rows = [
        row
        for row in source.rows(store)
        if (company is None or row["company"]["id"] == company) and all(holds(row) for holds in conditions)
    ]
    shown = [{field: _plain(row[field]) for field in fields} for row in rows[offset : offset + limit]]
    return {"total": len(rows), "data": shown}


@dataclass(frozen=True, slots=True)
class _Source:
    rows: Callable[[WorkdayStore], Iterator[dict[str, Any]]]
    fields: frozenset[str]
    filter: str
    needs_company: bool


def _invoice(store: WorkdayStore, invoice: Invoice) -> dict[str, Any]:
    find = store.instances
    company, supplier = find.get("Company", invoice.company), find.get("Supplier", invoice.supplier)
    return {
        "workdayID": invoice.wid,
        "invoiceNumber": invoice.invoice_number,
        "supplier": {"id": supplier.wid, "descriptor": supplier.descriptor},
        "company": {"id": company.wid, "descriptor": company.descriptor},
        "invoiceDate": invoice.invoice_date.isoformat(),
        "isCanceled": invoice.canceled,
        "invoiceIsPaid": 0 < invoice.total <= store.paid_of(invoice),
        "invoiceIsPartiallyPaid": 0 < store.paid_of(invoice) < invoice.total,
        "createdMoment": invoice.created_at,
        "lastUpdated": invoice.updated_at,
    }


def _invoices(store: WorkdayStore) -> Iterator[dict[str, Any]]:
    for invoice in store.invoices:
        yield _invoice(store, invoice)


def _lines(store: WorkdayStore) -> Iterator[dict[str, Any]]:
    for invoice in store.invoices:
        of_invoice = _invoice(store, invoice)
        document = {"id": invoice.wid, "descriptor": invoice.invoice_number or invoice.supplier_invoice_id}
        for line in invoice.lines:
            yield {
                **of_invoice,
                "supplierInvoiceDocument": document,
                "documentDate": of_invoice["invoiceDate"],
                "extendedAmount": line.extended_amount,
            }


_OF_INVOICES = frozenset({"invoiceNumber", "supplier", "company", "invoiceDate", "isCanceled"})
_PAID = ("invoiceIsPaid", "invoiceIsPartiallyPaid")
_SOURCES = {
    "supplierInvoices": _Source(
        _invoices, _OF_INVOICES | {"workdayID", *_PAID}, "supplierInvoicesFilter", needs_company=False
    ),
    "supplierInvoiceLines": _Source(
        _lines,
        frozenset({"supplierInvoiceDocument", "documentDate", "createdMoment", "lastUpdated", "extendedAmount"}),
        "supplierInvoiceLinesForHeaderCompanyFilter",
        needs_company=True,
    ),
}


def _company(store: WorkdayStore, source: _Source, options: str) -> str | None:
    given = {
        name.strip(): value.strip() for name, _, value in (part.partition("=") for part in options.split(",") if part)
    }
    if given.get("dataSourceFilter") != source.filter:
        raise RefusalError(400, f"The data source needs the filter {source.filter}.")
    company = given.get("company")
    if not source.needs_company:
        return company
    known = {store.instances.get("Company", each).wid for each in store.companies}
    if company not in known:
        raise RefusalError(400, f"{company} is not a valid value of the prompt company.")
    return company


def _conditions(where: str | None) -> list[str]:
    return re.split(r"\s+AND\s+", where.strip(), flags=re.IGNORECASE) if where else []


def _condition(text: str, source: _Source) -> Callable[[Mapping[str, Any]], bool]:
    match = _CONDITION.fullmatch(text.strip())
    if match is None or match["field"] not in source.fields:
        raise RefusalError(400, f"The condition {text} cannot be read.")
    field, operator, wanted = match["field"], match["operator"], _value(match["value"])

    def holds(row: Mapping[str, Any]) -> bool:
        value = row[field]
        against = _moment(wanted) if isinstance(value, datetime) else wanted
        return _COMPARE[operator](value, against)

    return holds


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: bool(one == other),
    ">=": lambda one, other: bool(one >= other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    "<": lambda one, other: bool(one < other),
}


def _value(text: str) -> Any:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return text[1:-1].replace("''", "'") if text.startswith("'") else text


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise RefusalError(400, f"{value} is not a date and time.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _whole(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if not text.isdigit():
        raise RefusalError(400, f"{name} must be a whole number.")
    return int(text)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value) if isinstance(value, Decimal) else value
