"""Custom reports served as a web service, RaaS (docs/systems/workday.md#w1): one answer holds all rows."""

from __future__ import annotations

import typing as t
import urllib.parse

from ml_connector.errors import Unavailable, Unreadable
from ml_connector.mending import TooMuch
from ml_connector.systems.workday.client import WorkdayClient
from ml_connector.systems.workday.errors import SYSTEM
from ml_connector.transport.http import decode_json

__all__ = ["report_rows"]


def report_rows(
    client: WorkdayClient, owner: str, name: str, prompts: t.Mapping[str, str] | None = None
) -> list[dict[str, t.Any]]:
    """Return the rows of an advanced report that is enabled as a web service and shared with the ISU.

    Args:
        client: The tenant's client; both kinds of credentials will do.
        owner: Account that owns the report.
        name: Its name as the web service URL has it.
        prompts: Values of its prompts (``Company!WID``).

    Raises:
        SettingInvalid: There is no such report.
        SystemFault: As classified.
    """
    path = "/".join(urllib.parse.quote(part, safe="") for part in (owner, name))
    query = urllib.parse.urlencode({**(prompts or {}), "format": "json"})
    what = f"report {name} of {owner}"
    content = client.get(f"{client.settings.raas_url}/{path}?{query}", what)
    try:
        answer = decode_json(content)
        rows = answer["Report_Entry"]
        rows = [dict(row) for row in (rows if isinstance(rows, list) else [rows])]
    except TooMuch as error:
        raise Unreadable(SYSTEM, what, f"its answer is not read: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(SYSTEM, what, "an answer that is no report") from error
    return rows
