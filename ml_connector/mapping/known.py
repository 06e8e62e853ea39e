"""What a map knows of the values its filter decides by: what it does not know is held, never quietly left out."""

from __future__ import annotations

import dataclasses
import typing as t

from ml_connector.errors import Reason
from ml_connector.mapping.expressions import UNRESOLVED, Expression

__all__ = ["Known"]


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """The values a field can have, as far as the map knows.

    Attributes:
        expression: Leads to the value.
        values: The values; None for true and false.
    """

    expression: Expression
    values: frozenset[str] | None

    @property
    def fields(self) -> frozenset[str]:
        """The fields of the record it is about."""
        return self.expression.reads

    def knows(self, value: t.Any) -> bool:
        """Whether a value is one of them; none at all always is."""
        if value is None or value == "" or value is UNRESOLVED:
            return True
        return isinstance(value, bool) if self.values is None else isinstance(value, str) and value in self.values

    def reason(self, value: t.Any, label: str, system: str) -> Reason:
        """Return that a record has another one."""
        what = f"{label}: {self.expression.text} is {value!r}, which the map does not know"
        if self.values is None:
            what = f"{label}: {self.expression.text} is {value!r}, neither true nor false"
        cure = f"correct it in {system}; if it is right, add it to __known__ in a map of your own"
        return Reason("unknown_value", what, cure, kind="field", value=self.expression.text)
