"""What of a record a stream's document depends on."""

from __future__ import annotations

import typing as t

from ml_connector.mapping.expressions import Expression
from ml_connector.mapping.plan import Lines, ReferenceBlock, Stream

__all__ = ["Reading"]


class Reading:
    """What of a record a stream's document depends on.

    Args:
        plan: The stream.
    """

    def __init__(self, plan: Stream) -> None:
        self._fields: set[str] = set()
        self._elements: dict[str, set[str]] = {}
        for expression in (plan.instance, plan.id, plan.version, plan.created, plan.label):
            self._note(expression)
        for rule in plan.rules:
            self._note(rule.when)
            for _, shown in rule.otherwise:
                self._note(shown)
        for hold in plan.holds:
            self._note(hold.when)
            for _, shown in hold.what:
                self._note(shown)
        for known in plan.known:
            self._note(known.expression)
        for field in plan.fields:
            if isinstance(field, Lines):
                self._note_lines(field)
            else:
                for part in field.fields if isinstance(field, ReferenceBlock) else (field,):
                    self._note(part.expression)

    def reads(self, path: t.Sequence[str | int]) -> bool:
        """Return whether the document depends on what stands at a path of one part or more."""
        first, *rest = path
        if first in self._fields:
            return True
        if first not in self._elements:
            return False
        return len(rest) < 2 or rest[1] in self._elements[str(first)]

    def _note(self, expression: Expression | None, own: set[str] | None = None) -> None:
        """Note what an expression reads, of the record and of the line it stands on."""
        if expression is not None:
            (self._fields if own is None else own).update(expression.fields)
            self._fields |= expression.named_fields["record"]
            if own is not None:
                own |= expression.named_fields["line"]

    def _note_lines(self, lines: Lines) -> None:
        own: set[str] = set()
        self._note(lines.wanted, own)
        for part in lines.fields:
            for field in part.fields if isinstance(part, ReferenceBlock) else (part,):
                self._note(field.expression, own)
        path = lines.each.path
        if path is not None and len(path) == 1:
            self._elements.setdefault(path[0], set()).update(own)
        else:
            self._note(lines.each)
