"""Parses and checks a map file before any record is mapped."""

from __future__ import annotations

import ast
import string
import typing as t

import pydantic

from ml_connector.documents import DOCUMENT_CLASSES, Document
from ml_connector.errors import UserError
from ml_connector.mapping.expressions import Expression, Vocabulary, suggestion
from ml_connector.mapping.known import Known
from ml_connector.mapping.mapfile import FilterRule, HoldRule, MapFile, RestRule, StreamSpec
from ml_connector.mapping.plan import Field, Hold, Lines, ReferenceBlock, Rest, Rule, Stream
from ml_connector.mapping.words import words

__all__ = ["Compiler"]

_RECORD_ONLY: t.Final = "Use fields of the record only."


class Compiler:
    """Parses and checks a map file."""

    def __init__(self, name: str, map_file: MapFile, vocabulary: Vocabulary) -> None:
        self._name = name
        self._map = map_file
        self._vocabulary = vocabulary
        self._reference_streams = {spec.source or name for name, spec in map_file.streams.items() if spec.reference}
        self._varying: set[str] = set()

    def streams(self) -> tuple[dict[str, Stream], dict[str, Stream]]:
        """Return the reference streams and the document streams, by native stream."""
        for kind, stream in self._map.lookups.items():
            self._known_stream(stream, f"map {self._name}, lookups, {kind}")
        for setting in self._map.settings:
            if setting in self._vocabulary.functions or setting in {"record", "line", "document", "settings"}:
                raise UserError(f'map {self._name}, settings: "{setting}" has a meaning already.', "Rename it.")
        references: dict[str, Stream] = {}
        documents: dict[str, Stream] = {}
        for name, spec in self._map.streams.items():
            plan = self._stream(name, spec)
            for wanted, found in ((spec.reference, references), (spec.document is not None, documents)):
                if wanted and found.setdefault(plan.name, plan) is not plan:
                    raise UserError(
                        f"map {self._name}, stream {name}: {plan.name} is mapped twice.",
                        "Keep one of the two.",
                    )
        return references, documents

    def _stream(self, name: str, spec: StreamSpec) -> Stream:
        where = f"map {self._name}, stream {name}"
        native = spec.source or name
        model: type[Document] | None = None
        if spec.document is not None:
            model = DOCUMENT_CLASSES.get(spec.document)
            if model is None:
                near = suggestion(spec.document, DOCUMENT_CLASSES)
                raise UserError(
                    f'{where}: unknown document "{spec.document}".{near}',
                    f"Documents: {', '.join(sorted(DOCUMENT_CLASSES))}.",
                )
        elif spec.fields:
            raise UserError(
                f"{where}, field {next(iter(spec.fields))}: a reference stream has no fields.",
                "Give the stream a __document__ as well, or remove the field.",
            )
        self._varying = set()
        keys = tuple(spec.key_properties or ("external_id",))
        for key in keys if model is not None else ():
            self._known_field(key, model, f"{where}, __key_properties__")
        return Stream(
            name=native,
            noun=spec.noun or words(native.removesuffix("s")),
            instance=self._naming(spec.instance or self._map.instance, f"{where}, __instance__"),
            id=self._naming(spec.id, f"{where}, __id__"),
            version=self._naming(spec.version, f"{where}, __version__") if spec.version else None,
            created=self._naming(spec.created, f"{where}, __created__") if spec.created else None,
            label=self._naming(spec.label, f"{where}, __label__") if spec.label else None,
            aliases=tuple(self._naming(alias, f"{where}, __aliases__") for alias in spec.aliases),
            kind=spec.document,
            model=model,
            key_properties=keys,
            rules=self._rules(spec.filter, where),
            holds=self._holds(spec.hold, model, where),
            rest=self._rest(spec.rest, model, where),
            known=tuple(
                Known(self._filter(text, f"{where}, __known__"), None if values == "boolean" else frozenset(values))
                for text, values in spec.known.items()
            ),
            fields=tuple(self._part(key, value, model, where) for key, value in spec.fields.items()) if model else (),
        )

    def _rules(self, written: str | list[FilterRule] | None, where: str) -> tuple[Rule, ...]:
        rules = [FilterRule(when=written)] if isinstance(written, str) else written or []
        compiled = []
        for number, rule in enumerate(rules, start=1):
            place = f"{where}, __filter__ {number}" if len(rules) > 1 else f"{where}, __filter__"
            text = rule.otherwise or f"does not meet: {str(rule.when).replace('{', '{{').replace('}', '}}')}"
            compiled.append(Rule(self._filter(rule.when, place), self._text(text, place, self._filter)))
        return tuple(compiled)

    def _holds(self, written: list[HoldRule], model: type[Document] | None, where: str) -> tuple[Hold, ...]:
        place = f"{where}, __hold__"
        shown = self._told_afterwards(model)
        return tuple(
            Hold(self._filter(rule.when, place), self._text(rule.what, place, shown), rule.cure, rule.code)
            for rule in written
        )

    def _rest(self, rule: RestRule | None, model: type[Document] | None, where: str) -> Rest | None:
        if rule is None:
            return None
        place = f"{where}, __rest__"
        if model is None or not model.can_be_reduced:
            raise UserError(f"{place}: nothing is paid in part of these documents.", "Remove it.")
        shown = self._told_afterwards(model)
        return Rest(self._filter(rule.when, place), shown(rule.left, place), self._text(rule.memo, place, shown))

    def _told_afterwards(self, model: type[Document] | None) -> t.Callable[[t.Any, str], Expression]:
        """Return how an expression is compiled that is told after the document was mapped, in its currency say."""

        def shown(text: t.Any, where: str) -> Expression:
            expression = self._naming(text, where)
            for name in sorted(expression.document_fields):
                self._known_field(name, model, where)
            return expression

        return shown

    def _text(
        self, text: str, place: str, compiled: t.Callable[[t.Any, str], Expression]
    ) -> tuple[tuple[str, Expression | None], ...]:
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError as error:
            raise UserError(f"{place}: {text!r}: {error}.", "Write {{ for a brace.") from error
        return tuple((literal, compiled(value, place) if value is not None else None) for literal, value, _, _ in parts)

    def _part(
        self, name: str, written: t.Any, model: type[pydantic.BaseModel], where: str
    ) -> Field | ReferenceBlock | Lines:
        self._known_field(name, model, where)
        place = f"{where}, field {name}"
        if not isinstance(written, dict):
            if isinstance(written, list):
                raise UserError(f"{place}: a list is not an expression.", "Quote it: \"['A', 'B']\".")
            return self._field(name, written, place)
        if "__each__" not in written:
            return ReferenceBlock(
                name, tuple(self._field(kind, text, f"{place}.{kind}") for kind, text in written.items())
            )
        (element, *_) = t.get_args(model.model_fields[name].annotation)
        parts = []
        for key, value in written.items():
            if key.startswith("__"):
                if key not in {"__each__", "__filter__", "__else__"}:
                    raise UserError(f'{place}: unknown key "{key}".', "Keys: __each__, __filter__, __else__.")
            elif value is not None:
                part = self._part(key, value, element, f"{where}, {name}")
                if isinstance(part, Lines):
                    raise UserError(f"{place}: lines cannot have lines.", "Remove __each__.")
                parts.append(part)
        wanted = written.get("__filter__")
        return Lines(
            name=name,
            model=element,
            each=self._expression(written["__each__"], f"{place}, __each__"),
            wanted=self._expression(wanted, f"{place}, __filter__") if wanted is not None else None,
            fields=tuple(parts),
        )

    def _field(self, name: str, written: t.Any, where: str) -> Field:
        expression = self._expression(written, where)
        varies = bool(expression.functions & self._vocabulary.lookups or expression.document_fields & self._varying)
        if varies:
            self._varying.add(name)
        return Field(name, expression, varies)

    def _filter(self, written: t.Any, where: str) -> Expression:
        # Records are filtered when they come in, before what they refer to can be relied upon.
        expression = self._naming(written, where)
        if expression.document_fields:
            raise UserError(f"{where}: document.{min(expression.document_fields)} is not known yet.", _RECORD_ONLY)
        return expression

    def _naming(self, written: t.Any, where: str) -> Expression:
        expression = self._expression(written, where)
        refused = expression.functions & (self._vocabulary.lookups | {"related", "required"})
        if refused:
            raise UserError(f"{where}: {min(refused)}() cannot be used here.", _RECORD_ONLY)
        return expression

    def _expression(self, written: t.Any, where: str) -> Expression:
        if isinstance(written, dict | list):
            raise UserError(f"{where}: this is not an expression.", "Give one line of text.")
        expression = Expression(written, where, self._vocabulary)
        for node in ast.walk(expression.node):
            if isinstance(node, ast.Call):
                self._check_stream(node, where)
        return expression

    def _check_stream(self, call: ast.Call, where: str) -> None:
        name = t.cast("ast.Name", call.func).id
        position = {"related": 0, "dimension": 2, "known": 2}.get(name, 1 if name in self._vocabulary.lookups else None)
        keywords = [keyword.value for keyword in call.keywords if keyword.arg == "stream"]
        given = keywords or ([] if position is None else call.args[position : position + 1])
        for argument in given:
            if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                raise UserError(f"{where}: {name}() needs the stream by name.", f"Write {name}(..., 'departments').")
            self._known_stream(argument.value, where)

    def _known_stream(self, stream: str, where: str) -> None:
        if stream not in self._reference_streams:
            raise UserError(
                f'{where}: unknown reference stream "{stream}".{suggestion(stream, self._reference_streams)}',
                "Declare it under streams: with __reference__: true.",
            )

    def _known_field(self, name: str, model: type[pydantic.BaseModel] | None, where: str) -> None:
        fields = set(model.model_fields) - {"source"} if model is not None else set()
        if name not in fields:
            raise UserError(
                f'{where}: unknown field "{name}".{suggestion(name, fields)}',
                f"Fields: {', '.join(sorted(fields))}.",
            )
