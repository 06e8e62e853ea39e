"""Reading the rows of Get operations: the group asked for, the criteria of a window, rows by their WID."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ml_connector.errors import NotFound, PermissionDenied, Rejected
from ml_connector.systems.workday.client import WorkdayClient
from ml_connector.systems.workday.services import Shape
from ml_connector.systems.workday.windows import DateWindow, UpdatedWindow
from ml_connector.systems.workday.xml import Node, reference

__all__ = ["DatesBetween", "Reader", "Source"]

_MOST_REFERENCES = 100
_GROUP: t.Final = {"Include_Reference": True, "Include_Attachment_Data": False}
_UPDATED: t.Final = ("Updated_From_Date", "Updated_To_Date")


@dataclasses.dataclass(frozen=True, slots=True)
class DatesBetween:
    """Criteria that select documents by their date.

    Attributes:
        first: Names of the element for the first day, newest first.
        last: Names of the element for the last day, newest first.
        within: Part of the criteria they stand in, if not at the top.
    """

    first: tuple[str, ...]
    last: tuple[str, ...]
    within: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from.

    Attributes:
        operations: Service and operation, in order of preference; the tenant may not have each.
        leaf: Element of one row.
        reference: Element in which a row says what it is.
        group: What to ask for in the response group beside references without attachments; what the tenant's
            version does not know is left out.
        dates: How documents are selected by date, where that is possible.
        count: Records per page; None: as set.
    """

    operations: tuple[tuple[str, str], ...]
    leaf: str
    reference: str
    group: t.Mapping[str, bool] = dataclasses.field(default_factory=dict)
    dates: DatesBetween | None = None
    count: int | None = None


class Reader:
    """Reads rows of one tenant.

    Args:
        client: Its client.
        source: Where the rows come from.
        group: Further wishes for the response group.
    """

    def __init__(self, client: WorkdayClient, source: Source, group: t.Mapping[str, bool] | None = None) -> None:
        self._client = client
        self._source = source
        self._group = {**_GROUP, **source.group, **(group or {})}
        (self._service, self.operation), *self._others = client.offerings(*source.operations)

    @property
    def knows_updates(self) -> bool:
        """Whether the tenant can say what changed between two moments."""
        criteria = self._criteria()
        return criteria is not None and all(map(criteria.has, _UPDATED))

    def rows(self, criteria: t.Mapping[str, t.Any] | None = None) -> t.Iterator[Node]:
        """Read all rows that meet criteria; None: all there are. Every page shows the same moment.

        Permissions differ by service: where one is refused the next that has the operation is asked.

        Raises:
            PermissionDenied: No service of the tenant lets us.
        """
        while True:
            try:
                yield from self._rows(criteria)
            except PermissionDenied:
                if not self._others:
                    raise
                (self._service, self.operation), *self._others = self._others
            else:
                return

    def updated(self, window: UpdatedWindow) -> dict[str, t.Any] | None:
        """Return the criteria for what changed in a window: both ends or, for everything, none."""
        if window.start is None:
            return None
        return dict(zip(_UPDATED, map(_moment, (window.start, window.end)), strict=True))

    def dated(self, window: DateWindow) -> dict[str, t.Any] | None:
        """Return the criteria for what is dated in a window, None for everything."""
        dates, shape = self._source.dates, self._criteria()
        if dates is None or shape is None:
            return None
        part = shape.part(dates.within) if dates.within else shape
        wanted: dict[str, t.Any] = {}
        part.put(wanted, window.first, *dates.first)
        part.put(wanted, window.last, *dates.last)
        if not wanted or dates.within is None:
            return wanted or None
        criteria: dict[str, t.Any] = {}
        shape.put(criteria, [wanted], dates.within)
        return criteria

    def is_empty(self) -> bool:
        """Whether the tenant shows no row at all, whatever was asked for before."""
        body = {"Response_Filter": {"Count": 1}, **self._response_group()}
        answer = self._client.call(self._service, self.operation, body).node
        return not any(page.nodes(self._source.leaf) for page in answer.nodes("Response_Data"))

    def by_wids(self, wids: t.Sequence[str]) -> t.Iterator[Node]:
        """Read rows by their Workday ids; what the tenant does not know, or does not show, is left out."""
        for start in range(0, len(wids), _MOST_REFERENCES):
            yield from self._some(wids[start : start + _MOST_REFERENCES])

    def _rows(self, criteria: t.Mapping[str, t.Any] | None) -> t.Iterator[Node]:
        body = {**({"Request_Criteria": criteria} if criteria else {}), **self._response_group()}
        for page in self._client.pages(self._service, self.operation, body, count=self._source.count):
            yield from page.nodes(self._source.leaf)

    def _some(self, wids: t.Sequence[str]) -> t.Iterator[Node]:
        sought = ("WID", wids[0]) if len(wids) == 1 else None
        try:
            yield from self._by_references(wids, sought)
        except NotFound:
            return
        except Rejected:
            if len(wids) == 1:
                raise
            for wid in wids:  # one unknown reference fails the whole call (docs/systems/workday.md#w3-1)
                yield from self._some([wid])

    def _by_references(self, wids: t.Sequence[str], sought: tuple[str, str] | None) -> list[Node]:
        references = {self._source.reference: [reference("WID", wid) for wid in wids]}
        body = {
            "Request_References": references,
            "Response_Filter": {"Count": _MOST_REFERENCES},
            **self._response_group(),
        }
        answer = self._client.call(self._service, self.operation, body, sought=sought).node
        return [row for page in answer.nodes("Response_Data") for row in page.nodes(self._source.leaf)]

    def _criteria(self) -> Shape | None:
        shape = self._client.service(self._service).shape(self.operation)
        return shape.part("Request_Criteria") if shape.has("Request_Criteria") else None

    def _response_group(self) -> dict[str, t.Any]:
        shape = self._client.service(self._service).shape(self.operation)
        if not shape.has("Response_Group"):
            return {}
        known = shape.part("Response_Group")
        group = {name: wanted for name, wanted in self._group.items() if known.has(name)}
        return {"Response_Group": group} if group else {}


def _moment(value: dt.datetime) -> dt.datetime:
    """Return a moment in UTC to the millisecond; Workday reads one without a zone as Pacific time."""
    utc = value.astimezone(dt.UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
