"""The pages of a result (docs/systems/workday.md#w3-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lxml import etree

if TYPE_CHECKING:
    from erp_sandbox.workday.codec import Record
    from erp_sandbox.workday.rules.call import Call

DEFAULT_COUNT = 100
MAX_COUNT = 999


class Page:
    """The part of a result the request asks for, checked."""

    def __init__(self, call: Call) -> None:
        filters = call.request.record("Response_Filter")
        self._filters = filters
        self.as_of = filters.moment("As_Of_Entry_DateTime") if filters else None
        self.number = self._whole(call, filters, "Page", 1)
        self.count = self._whole(call, filters, "Count", DEFAULT_COUNT)
        if filters is not None and filters.has("Page") and self.number < 1:
            call.note("The page number must be 1 or more.", filters.xpath("Page"))
        if filters is not None and not 1 <= self.count <= MAX_COUNT:
            call.note(f"The count must be between 1 and {MAX_COUNT}.", filters.xpath("Count"))

    def question(self, call: Call) -> tuple[Any, ...]:
        """What identifies the result set of this request."""
        asked = [
            etree.tostring(element, method="c14n", exclusive=True)
            for key in ("Request_References", "Request_Criteria")
            for element in call.request.elements(key)
        ]
        settled = self.as_of is not None and self.as_of <= call.store.clock.now()
        return (call.operation, *asked, self.as_of if settled else call.store.revision)

    def take(self, results: list[Any]) -> list[Any]:
        """The results on this page."""
        return results[(self.number - 1) * self.count : self.number * self.count]

    def answer(self, results: list[Any], shown: int) -> dict[str, Any]:
        """The parts of the answer that say where the page stands."""
        return {
            "Response_Filter": self._echo(),
            "Response_Results": {
                "Total_Results": len(results),
                "Total_Pages": -(-len(results) // self.count),
                "Page_Results": shown,
                "Page": self.number,
            },
        }

    def _echo(self) -> dict[str, Any]:
        day = self._filters.day("As_Of_Effective_Date") if self._filters else None
        return {
            "As_Of_Effective_Date": day,
            "As_Of_Entry_DateTime": self.as_of,
            "Page": self.number,
            "Count": self.count,
        }

    @staticmethod
    def _whole(call: Call, filters: Record | None, key: str, default: int) -> int:
        value = filters.number(key) if filters else None
        if value is None:
            return default
        if value != int(value):
            call.note(f"{key} must be a whole number.", filters.xpath(key) if filters else "")
        return int(value)
