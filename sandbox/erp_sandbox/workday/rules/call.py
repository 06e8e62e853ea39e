"""One call of an operation, and the findings collected while it is checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from erp_sandbox.workday.errors import Issue, ValidationRefusalError, xpath_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from erp_sandbox.workday.codec import Record
    from erp_sandbox.workday.contract import Version
    from erp_sandbox.workday.instances import Instance
    from erp_sandbox.workday.store import WorkdayStore


@dataclass(slots=True)
class Call:
    """A request to an operation of a tenant. Every problem is noted, and all are refused together."""

    store: WorkdayStore
    operation: str
    request: Record
    version: Version
    issues: list[Issue] = field(default_factory=list)

    def note(self, message: str, xpath: str) -> None:
        """Note one problem."""
        self.issues.append(Issue(message, xpath))

    def refer(self, record: Record, key: str, kind: str) -> Instance | None:
        """The instance a reference points to; a reference that points to nothing is noted."""
        reference = record.reference(key)
        if reference is None:
            return None
        found = self.store.instances.resolve(reference, kind)
        if isinstance(found, Issue):
            self.issues.append(found)
            return None
        return found

    def refer_all(self, record: Record, key: str, kind: str) -> list[Instance]:
        """As :meth:`refer`, for a repeated reference."""
        found = [self.store.instances.resolve(reference, kind) for reference in record.references(key)]
        self.issues += [each for each in found if isinstance(each, Issue)]
        return [each for each in found if not isinstance(each, Issue)]

    def require(self, record: Record, *keys: str) -> None:
        """Note every element that must be there and is not."""
        for key in keys:
            if not record.has(key):
                xpath = record.xpath(key)
                self.note(f"{xpath.rsplit(':', 1)[-1].removesuffix('[1]').replace('_', ' ')} is required.", xpath)

    def refuse_unknown(self, record: Record) -> None:
        """Note every element the tenant's WSDL may allow but this tenant cannot keep."""
        for element in record.unknown:
            name = str(element.tag).rpartition("}")[2]
            reason = (
                "Bank accounts cannot be changed through this integration."
                if name.startswith("Settlement_Account")
                else f"{name} is not in use in this tenant."
            )
            self.note(reason, xpath_of(element))

    def settle(self) -> None:
        """Refuse the call when anything was noted.

        Raises:
            ValidationRefusalError: with every problem found so far.
        """
        if self.issues:
            raise ValidationRefusalError(*self.issues)


def exceptions(classification: str, *messages: str) -> Mapping[str, Any] | None:
    """The block of an answer that carries warnings or errors, None without messages."""
    if not messages:
        return None
    return {
        "Exceptions_Data": [
            {"Exception_Data": [{"Classification": classification, "Message": message}]} for message in messages
        ]
    }
