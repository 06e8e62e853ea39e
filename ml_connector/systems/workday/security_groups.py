"""What our user's security groups may do, where the tenant publishes it (docs/systems/workday.md#w0-4, #w2-4).

No public operation tells an ISU's groups. A customer can build a report, or a query, with a row per domain or business
process policy of these groups. How its columns are called is up to the customer, so rows are read by what they say.
"""

from __future__ import annotations

import collections
import re
import typing as t
import urllib.parse

from ml_connector.errors import PermissionDenied, Rejected, SettingInvalid, Unavailable
from ml_connector.sameness import same_name
from ml_connector.system.access import Probe
from ml_connector.systems.workday.client import WorkdayClient
from ml_connector.systems.workday.probing import Need
from ml_connector.systems.workday.raas import report_rows
from ml_connector.systems.workday.wql import query

__all__ = ["probe_domains"]

_QUERY: t.Final = re.compile(r"\s*select\s", re.IGNORECASE)
_CHANGES: t.Final = re.compile(r"\b(put|modify)\b", re.IGNORECASE)
_READS: t.Final = re.compile(r"\b(get|view)\b", re.IGNORECASE)
_NO: t.Final = frozenset({"", "0", "false", "n", "no", "none"})
_WQL: t.Final = "Workday Query Language"
_BUSINESS_PROCESS: t.Final = "Supplier Invoice Event"

Row = t.Mapping[str, t.Any]


def probe_domains(client: WorkdayClient, report: str, needed: t.Iterable[Need], *, uses_wql: bool) -> list[Probe]:
    """Return one probe per domain the pipelines need: granted, granted for reading only, or in no row at all.

    Args:
        client: The tenant's client.
        report: ``owner/Report_Name``, with prompts after a question mark; or a WQL query.
        needed: What the pipelines need.
        uses_wql: Whether they ask WQL.
    """
    try:
        rows = _rows(client, report)
    except SettingInvalid as lacking:
        return [_unread("absent", lacking.what)]
    except PermissionDenied as fault:
        return [_unread("denied", fault.message)]
    except (Rejected, Unavailable) as fault:
        return [_unread("failed", fault.message)]
    domains: dict[str, bool] = collections.defaultdict(bool)
    for need in needed:
        if need.domain is not None:
            domains[need.domain] |= bool(need.writes)
    domains[_BUSINESS_PROCESS] = False
    if uses_wql:
        domains[_WQL] = False
    return [_domain(name, rows, writes=writes) for name, writes in domains.items()]


def _rows(client: WorkdayClient, report: str) -> list[Row]:
    if _QUERY.match(report):
        return list(query(client, report.strip(), "WQL for security groups"))
    path, _, prompts = report.partition("?")
    owner, slash, name = path.strip().strip("/").rpartition("/")
    if not (slash and owner and name):
        raise SettingInvalid(
            f"the group report {report!r} is neither owner/Report_Name nor a query.",
            "Give the account that owns the report and its name as the web service URL has them.",
        )
    return list(report_rows(client, owner.rpartition("/")[2], name, dict(urllib.parse.parse_qsl(prompts))))


def _domain(name: str, rows: t.Sequence[Row], *, writes: bool) -> Probe:
    of_it = [row for row in rows if any(same_name(text) == same_name(name) for text in _texts(row))]
    kind = "business process" if name == _BUSINESS_PROCESS else "domain"
    about = f'{kind} "{name}"'
    without = "its operations are refused, or answer nothing"
    if not of_it:
        detail = f"none of the {len(rows)} rows of the group report names it"
        return Probe(about, "denied", None, detail, without, about, essential=False)
    if writes and _tells_access(of_it) and not any(map(_may_change, of_it)):
        return Probe(about, "denied", None, "Get only, Put is needed", "nothing can be posted", about, essential=False)
    groups = sorted({text for row in of_it for text in _groups(row)})
    return Probe(about, "ok", None, f"granted to {', '.join(groups) or 'us'}", without, about, essential=False)


def _texts(value: t.Any) -> t.Iterator[str]:
    """Yield the texts of a row: WQL gives references as id and descriptor, several as a list."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif value is not None:
        yield from (part.strip() for part in str(value).split(";"))


def _groups(row: Row) -> t.Iterator[str]:
    for name, value in row.items():
        if "group" in name.casefold():
            yield from filter(None, _texts(value.get("descriptor", value) if isinstance(value, dict) else value))


def _tells_access(rows: t.Iterable[Row]) -> bool:
    return any(_READS.search(text) or _CHANGES.search(text) for row in rows for text in _said(row))


def _may_change(row: Row) -> bool:
    return any(_CHANGES.search(text) for text in _said(row))


def _said(row: Row) -> t.Iterator[str]:
    """Yield what a row grants: its values, and the names of columns that say yes."""
    for name, value in row.items():
        texts = list(_texts(value))
        yield from texts
        if any(text.casefold() not in _NO for text in texts):
            yield re.sub(r"[\W_]+", " ", name)


def _unread(outcome: t.Literal["absent", "denied", "failed"], detail: str) -> Probe:
    without = "what the security groups may do is not told"
    return Probe("group report", outcome, None, detail, without, "the report, shared with the ISU", essential=False)
