"""Maps one record: its fields, what stands against it, and the document that becomes of it."""

from __future__ import annotations

import threading
import typing as t
from collections.abc import Mapping
from decimal import Decimal

import pydantic

from ml_connector.decimals import exact_decimal
from ml_connector.descriptor import descriptors
from ml_connector.documents import Document, DocumentSource, Outline
from ml_connector.errors import Reason
from ml_connector.mapping.expressions import UNRESOLVED, Evaluator, Expression
from ml_connector.mapping.functions import Functions, ValueProblem
from ml_connector.mapping.known import Known
from ml_connector.mapping.lookups import Lookups
from ml_connector.mapping.mapfile import Setting
from ml_connector.mapping.parts import part_of
from ml_connector.mapping.plan import Field, Lines, ReferenceBlock, Stream
from ml_connector.mapping.results import validation_reasons
from ml_connector.mapping.words import words
from ml_connector.names import display_name

__all__ = ["Work", "Worker", "text_of"]

Record = t.Mapping[str, t.Any]
_OUTLINE: t.Final = frozenset({"number", "supplier_name", "name", "currency", "total", "amount"})


class Worker(threading.local):
    """What one thread needs to evaluate expressions."""

    def __init__(
        self, system: str, target: str, lookups: t.Callable[[Evaluator], Lookups], settings: t.Mapping[str, Setting]
    ) -> None:
        # Names and labels of a referenced record are needed in the middle of another evaluation.
        naming = Evaluator({})
        self.functions = Functions(lookups(naming), display_name(system), descriptors().get(target))
        naming.functions = self.functions.bound()
        self.evaluator = Evaluator(self.functions.bound())
        self.scope: dict[str, t.Any] = {
            **settings,
            "settings": settings,
            "record": {},
            "line": {},
            "document": {},
        }
        self.evaluator.scope = naming.scope = self.scope


class Work:
    """Mapping of one record."""

    def __init__(self, worker: Worker, plan: Stream, source: DocumentSource, label: str, record: Record) -> None:
        self._evaluator = worker.evaluator
        self._functions = worker.functions
        self._scope = worker.scope
        self._plan = plan
        self.source = source
        self._label = label
        self._system = display_name(source.system)
        self._record = record
        self._functions.begin(source.instance, label)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Everything that stands against the document so far."""
        return tuple(self._functions.reasons.values())

    def fields(self) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        """Return the document's fields twice: with the target's values, and as the source says them."""
        values: dict[str, t.Any] = {}
        said: dict[str, t.Any] = {}
        for field in self._plan.fields:
            if isinstance(field, Lines):
                values[field.name], said[field.name] = self._lines(field, values, said)
            elif isinstance(field, ReferenceBlock):
                values[field.name], said[field.name] = self._references(field, values, said, "")
            else:
                values[field.name], said[field.name] = self._field(field, values, said, "")
        self._scope["document"] = values
        self._missing(t.cast("type[Document]", self._plan.model), values, "")
        return values, said

    def unwanted(self) -> str | None:
        """Return in words which conditions of the filter the record does not meet.

        A condition that reads a value the map does not know decides nothing: the record is wanted, to be held.
        """
        unclear = frozenset().union(*(known.fields for known, _ in self._strange()))
        failed = [
            self._filled(rule.otherwise)
            for rule in self._plan.rules
            if not (rule.when.reads & unclear) and not self._value(rule.when, "filter")
        ]
        return "; ".join(failed) or None

    def _strange(self) -> list[tuple[Known, t.Any]]:
        """Return the values the map does not know, each with what it knows instead."""
        found = ((known, self._value(known.expression, "known values")) for known in self._plan.known)
        return [(known, value) for known, value in found if not known.knows(value)]

    def hold_back(self) -> None:
        """Report under which conditions a person has to look at the record."""
        for known, value in self._strange():
            self._functions.report(known.reason(value, self._label, self._system))
        for rule in self._plan.holds:
            if self._value(rule.when, "hold"):
                what = f"{self._label}: {self._filled(rule.what)}"
                self._functions.report(Reason(rule.code, what, rule.cure))

    def _filled(self, text: tuple[tuple[str, Expression | None], ...]) -> str:
        return "".join(literal + (self._shown(value) if value else "") for literal, value in text)

    def outline(self) -> Outline:
        """Return what people know the record by; nothing is looked up for it."""
        values: dict[str, t.Any] = {}
        said: dict[str, t.Any] = {}
        for field in self._plan.fields:
            if isinstance(field, Field) and field.name in _OUTLINE and not field.varies:
                values[field.name], said[field.name] = self._field(field, values, said, "")
        amount = values.get("total", values.get("amount"))
        return Outline(
            number=text_of(values.get("number")),
            party=text_of(values.get("supplier_name")) or text_of(values.get("name")),
            currency=text_of(values.get("currency")),
            amount=amount if isinstance(amount, Decimal) else None,
        )

    def document(self, values: t.Mapping[str, t.Any]) -> Document | None:
        """Return the document, None when anything stands against it."""
        content = {"source": self.source, **t.cast("dict[str, t.Any]", _resolved(values))}
        try:
            document = t.cast("type[Document]", self._plan.model).model_validate(content)
        except pydantic.ValidationError as error:
            for reason in validation_reasons(error, self._label, self._system):
                self._functions.report(reason)
            return None
        return None if self._functions.reasons else self._rest(document)

    def _rest(self, document: Document) -> Document | None:
        """Return the document, or what is left of it to be paid where the map sends only that."""
        rest = self._plan.rest
        if rest is None or not self._value(rest.when, "rest"):
            return document
        left = self._value(rest.left, "what is left")
        try:
            return document.reduced(exact_decimal(left), self._filled(rest.memo))
        except ValueError as problem:
            self._malformed("what is left", str(problem))
            return None

    def part(self, values: t.Mapping[str, t.Any]) -> Document | None:
        """Return what there is of a document against which something stands, for the target to check the rest of it."""
        return part_of(t.cast("type[Document]", self._plan.model), self.source, values)

    def _lines(
        self, field: Lines, values: dict[str, t.Any], said: dict[str, t.Any]
    ) -> tuple[list[dict[str, t.Any]], list[dict[str, t.Any]]]:
        native = self._value(field.each, words(field.name))
        lines: list[dict[str, t.Any]] = []
        lines_said: list[dict[str, t.Any]] = []
        if native is not None and not isinstance(native, list):
            self._malformed(words(field.name), "is not a list")
            native = []
        for element in native or ():
            self._functions.place = f"line {len(lines) + 1}"
            place = f"{self._functions.place} "
            if not isinstance(element, Mapping):
                self._malformed(place.strip(), "is not an object")
                continue
            self._evaluator.item = self._scope["line"] = element
            if field.wanted is not None and not self._value(field.wanted, f"{place}filter"):
                continue
            line: dict[str, t.Any] = {}
            line_said: dict[str, t.Any] = {}
            for part in field.fields:
                if isinstance(part, ReferenceBlock):
                    pair = self._references(part, values, said, place)
                else:
                    pair = self._field(part, values, said, place)
                line[part.name], line_said[part.name] = pair
            if "order" in field.model.model_fields and line.get("order") is None:
                line["order"] = len(lines) + 1
            self._missing(field.model, line, place)
            lines.append(line)
            lines_said.append(line_said)
        self._evaluator.item = self._record
        self._scope["line"] = {}
        self._functions.place = ""
        return lines, lines_said

    def _references(
        self, block: ReferenceBlock, values: dict[str, t.Any], said: dict[str, t.Any], place: str
    ) -> tuple[list[dict[str, t.Any]], dict[str, t.Any]]:
        found: list[dict[str, t.Any]] = []
        block_said: dict[str, t.Any] = {}
        for field in block.fields:
            value, block_said[field.name] = self._field(field, values, said, place)
            if value is not None and value is not UNRESOLVED:
                found.append({"kind": field.name, "value": value})
        return found, block_said

    def _field(self, field: Field, values: dict[str, t.Any], said: dict[str, t.Any], place: str) -> tuple[t.Any, t.Any]:
        self._scope["document"] = values
        value = self._value(field.expression, f"{place}{words(field.name)}")
        if not field.varies:
            return value, value
        self._scope["document"] = said
        self._functions.source_form = True
        try:
            value_said = self._value(field.expression, field.name)
        finally:
            self._functions.source_form = False
        return value, value_said

    def _value(self, expression: Expression, what: str) -> t.Any:
        try:
            value = self._evaluator.value(expression)
        except ValueProblem as problem:
            self._malformed(what, str(problem))
            return UNRESOLVED
        except Exception as error:  # noqa: BLE001 - bad content must hold one document, never stop a run
            self._malformed(what, f"cannot be worked out by {expression.text!r} ({error})")
            return UNRESOLVED
        return None if value == "" else value

    def _shown(self, expression: Expression) -> str:
        value = self._value(expression, "filter")
        if value is None or value is UNRESOLVED:
            return "not given"
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    def _missing(self, model: type[pydantic.BaseModel], values: t.Mapping[str, t.Any], place: str) -> None:
        for name, info in model.model_fields.items():
            if name != "source" and info.is_required() and values.get(name) in (None, []):
                what = f"{place}{words(name)}"
                text = f"{self._label} has no {words(name)}" + (f" on {place.strip()}" if place else "")
                self._functions.report(
                    Reason("missing", text, f"complete it in {self._system}", kind="field", value=what)
                )

    def _malformed(self, what: str, problem: str) -> None:
        self._functions.report(
            Reason(
                "malformed",
                f"{self._label}: {what} {problem}",
                f"correct it in {self._system}",
                kind="field",
                value=what,
            )
        )


def _resolved(value: t.Any) -> t.Any:
    """Return values without those that are absent or could not be found out."""
    if isinstance(value, dict):
        return {
            key: _resolved(element)
            for key, element in value.items()
            if element is not None and element is not UNRESOLVED
        }
    if isinstance(value, list):
        return [_resolved(element) for element in value if element is not None and element is not UNRESOLVED]
    return value


def text_of(value: t.Any) -> str | None:
    """Return a text without the blanks around it; None for anything else, or when nothing is left."""
    return value.strip() or None if isinstance(value, str) else None
