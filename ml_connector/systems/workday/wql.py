"""Workday Query Language (docs/systems/workday.md#w3-4); needs OAuth."""

from __future__ import annotations

import datetime as dt
import typing as t
import urllib.parse

from ml_connector.errors import SettingInvalid, Unavailable, Unreadable
from ml_connector.mending import TooMuch
from ml_connector.systems.workday.client import WorkdayClient
from ml_connector.systems.workday.errors import SYSTEM
from ml_connector.transport.http import decode_json

__all__ = ["changed_invoices", "paid_invoices", "query"]

_MOST_ROWS: t.Final = 10_000
_LINES: t.Final = "supplierInvoiceLines"
_INVOICES: t.Final = "supplierInvoices"


def query(client: WorkdayClient, text: str, what: str) -> t.Iterator[dict[str, t.Any]]:
    """Yield the rows of a query, 10,000 a call.

    Args:
        client: The tenant's client, with an API client's credentials.
        text: The query; quotes in values doubled.
        what: What is asked for, for messages.

    Raises:
        SettingInvalid: The credentials are an ISU's password, which WQL does not take.
        SystemFault: As classified.
    """
    if not client.settings.uses_oauth:
        raise SettingInvalid(
            "WQL cannot be used with isu_username and isu_password.",
            "Set client_id, client_secret and refresh_token of an API client with the scope of WQL.",
        )
    read = 0
    while True:
        asked = urllib.parse.urlencode({"query": text, "limit": _MOST_ROWS, "offset": read})
        content = client.get(f"{client.settings.wql_url}?{asked}", what)
        try:
            answer = decode_json(content)
            rows, total = answer["data"], int(answer["total"])
        except TooMuch as error:
            raise Unreadable(SYSTEM, what, f"its answer is not read: {error}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(SYSTEM, what, "an answer that is no result of a query") from error
        yield from rows
        read += len(rows)
        if not rows or read >= total:
            return


def changed_invoices(client: WorkdayClient, companies: t.Iterable[str], since: dt.datetime) -> list[str]:
    """Return the WIDs of the supplier invoices that have a line changed since a moment, each once.

    Args:
        client: The tenant's client.
        companies: WIDs of the companies whose invoices are wanted.
        since: The moment.
    """
    moment = since.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    found: dict[str, None] = {}
    for company in companies:
        text = (
            f"SELECT supplierInvoiceDocument, lastUpdated FROM {_LINES} "  # noqa: S608 - WQL; both values are ours
            f"(dataSourceFilter = supplierInvoiceLinesForHeaderCompanyFilter, company = {company}) "
            f"WHERE lastUpdated >= '{moment}'"
        )
        for row in query(client, text, f"WQL on {_LINES}"):
            document = row.get("supplierInvoiceDocument")
            if isinstance(document, dict) and document.get("id"):
                found[str(document["id"])] = None
    return list(found)


def paid_invoices(client: WorkdayClient, since: dt.date | None) -> dict[str, str]:
    """Return which supplier invoices are paid, by WID: ``PAID`` or ``PARTIALLY_PAID``; others are not.

    Args:
        client: The tenant's client.
        since: Date from which invoices that are paid wholly are looked for; those paid in part are few, and all told.
    """
    found: dict[str, str] = {}
    dated = "" if since is None else f" AND invoiceDate >= '{since.isoformat()}'"
    for field, state, further in (
        ("invoiceIsPartiallyPaid", "PARTIALLY_PAID", ""),
        ("invoiceIsPaid", "PAID", dated),
    ):
        text = (
            f"SELECT workdayID FROM {_INVOICES} (dataSourceFilter = supplierInvoicesFilter) "  # noqa: S608 - all ours
            f"WHERE {field} = true{further}"
        )
        for row in query(client, text, f"WQL on {_INVOICES}"):
            if row.get("workdayID"):
                found[str(row["workdayID"])] = state
    return found
