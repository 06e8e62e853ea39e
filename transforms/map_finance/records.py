"""Maps native records by a map file."""

from __future__ import annotations

import ast
import dataclasses
import datetime as dt
import string
import threading
import typing as t
from collections.abc import Mapping
from decimal import Decimal

import pydantic

from map_finance.engine import MapEngine
from map_finance.expressions import UNRESOLVED, Evaluator, Expression, Vocabulary, suggestion
from map_finance.functions import Functions, ValueProblem
from map_finance.known import Known
from map_finance.lookups import Lookups, ReferenceStream
from map_finance.mapfile import FilterRule, HoldRule, MapFile, Setting, StreamSpec, shown_path
from map_finance.results import fingerprint_of, validation_reasons
from map_finance.systems import words
from ml_connector.crosswalk import Crosswalk, Links, References
from ml_connector.descriptor import descriptors
from ml_connector.documents import DOCUMENT_CLASSES, GAP, Document, DocumentSource, Mapped, Outline
from ml_connector.errors import MalformedRecord, Reason, UserError
from ml_connector.names import display_name
from ml_connector.pipelines import Pipeline

__all__ = ["RecordMap"]

Record = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class _Field:
    """One field of a document or line; ``varies`` when mapping tables decide its value."""

    name: str
    expression: Expression
    varies: bool


@dataclasses.dataclass(frozen=True, slots=True)
class _References:
    """A field that holds one reference per kind (``dimensions``)."""

    name: str
    fields: tuple[_Field, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Lines:
    """A field that holds one element per element of a native list."""

    name: str
    model: type[pydantic.BaseModel]
    each: Expression
    wanted: Expression | None
    fields: tuple[_Field | _References, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Rule:
    """One condition of the filter, and what to say when it fails."""

    when: Expression
    otherwise: tuple[tuple[str, Expression | None], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Hold:
    """One condition under which a document is held, and what to say then."""

    when: Expression
    what: tuple[tuple[str, Expression | None], ...]
    cure: str
    code: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Stream:
    """Everything the map says about one native stream."""

    name: str
    noun: str
    instance: Expression
    id: Expression
    version: Expression | None
    created: Expression | None
    label: Expression | None
    aliases: tuple[Expression, ...]
    kind: str | None
    model: type[Document] | None
    key_properties: tuple[str, ...]
    rules: tuple[_Rule, ...]
    holds: tuple[_Hold, ...]
    known: tuple[Known, ...]
    fields: tuple[_Field | _References | _Lines, ...]


class _Reading:
    """What of a record a stream's document depends on.

    Args:
        plan: The stream.
    """

    def __init__(self, plan: _Stream) -> None:
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
            if isinstance(field, _Lines):
                self._note_lines(field)
            else:
                for part in field.fields if isinstance(field, _References) else (field,):
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

    def _note_lines(self, lines: _Lines) -> None:
        own: set[str] = set()
        self._note(lines.wanted, own)
        for part in lines.fields:
            for field in part.fields if isinstance(part, _References) else (part,):
                self._note(field.expression, own)
        path = lines.each.path
        if path is not None and len(path) == 1:
            self._elements.setdefault(path[0], set()).update(own)
        else:
            self._note(lines.each)


class _Worker(threading.local):
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


class RecordMap(MapEngine):
    """A map file, compiled, with the mapping tables of one target.

    Args:
        name: Name of the map file, for messages.
        map_file: Its content.
        settings: Values of its settings.
        vocabulary: What its expressions may name.
        target: Target system.
        crosswalk: Mapping tables.
        references: Where reference records are remembered.
        links: What the ledger learned.
        revision: Hash of map and settings.
        pipeline: What the ledger remembers it by.

    Raises:
        UserError: An expression or field name is wrong; names stream and field.
    """

    def __init__(
        self,
        *,
        name: str,
        map_file: MapFile,
        settings: t.Mapping[str, Setting],
        vocabulary: Vocabulary,
        target: str,
        crosswalk: Crosswalk,
        references: References,
        links: Links,
        revision: str,
        pipeline: Pipeline,
    ) -> None:
        self.source = map_file.source
        self.revision = revision
        self.pipeline = pipeline
        compiler = _Compiler(name, map_file, vocabulary)
        self._references, self._documents = compiler.streams()
        self._read: dict[str, _Reading] = {}
        self.streams = frozenset({*self._references, *self._documents})
        references_of = self._references

        def lookups(naming: Evaluator) -> Lookups:
            return Lookups(
                source=map_file.source,
                target=target,
                crosswalk=crosswalk,
                links=links,
                references=references,
                streams={key: _reference_stream(stream, naming) for key, stream in references_of.items()},
                streams_of_kinds=map_file.lookups,
                nouns=map_file.nouns,
                shown=shown_path,
            )

        self._worker = _Worker(map_file.source, target, lookups, settings)

    def kind_of(self, stream: str) -> str | None:
        """Return the kind of document a stream's records become."""
        plan = self._documents.get(stream)
        return plan.kind if plan is not None else None

    def is_reference(self, stream: str) -> bool:
        """Return whether a stream's records must be remembered for look-ups."""
        return stream in self._references

    def reference_id(self, stream: str, record: Record) -> tuple[str, str]:
        """Return instance and id under which a reference record is remembered."""
        return self._identity(self._references[stream], record)

    def identify(self, stream: str, record: Record) -> DocumentSource:
        """Return identity and version of a record."""
        plan = self._documents.get(stream) or self._references[stream]
        instance, record_id = self._identity(plan, record)
        return DocumentSource(
            system=self.source,
            instance=instance,
            stream=stream,
            id=record_id,
            version=_version(self._plain_value(plan.version)),
            created_at=self._plain_value(plan.created),
        )

    def unwanted(self, stream: str, record: Record) -> str | None:
        """Return in words which conditions of the filter a record does not meet."""
        return self._begin(stream, record).unwanted()

    def outline(self, stream: str, record: Record) -> Outline:
        """Return what people know a record by, as far as it says so itself; for records the filter left out."""
        return self._begin(stream, record).outline()

    def map(self, stream: str, record: Record) -> Mapped:
        """Map one record; whatever is wrong with its content becomes a reason."""
        plan = self._documents[stream]
        work = self._begin(stream, record)
        source = work.source
        values, said = work.fields()
        unwanted = work.unwanted()
        if unwanted is None:
            work.hold_back()
        document = work.document(values)
        part = None if document is not None or unwanted is not None else work.part(values)
        amount = values.get("total", values.get("amount"))
        date = values.get("invoice_date", values.get("payment_date"))
        return Mapped(
            kind=t.cast("str", plan.kind),
            source=source,
            external_id=_text(values.get("external_id")) or source.id,
            fingerprint=fingerprint_of(said),
            document=document,
            part=part,
            reasons=work.reasons,
            unwanted=unwanted,
            number=_text(values.get("number")),
            party=_text(values.get("supplier_name")) or _text(values.get("name")),
            currency=_text(values.get("currency")),
            amount=amount if isinstance(amount, Decimal) else None,
            date=date if isinstance(date, dt.date) else None,
        )

    def key_properties(self, stream: str) -> tuple[str, ...]:
        """Return the key of the documents made of a stream."""
        return self._documents[stream].key_properties

    def reads(self, stream: str, path: t.Sequence[str | int]) -> bool:
        """Return whether the document made of a record depends on what stands at a path of it."""
        plan = self._documents.get(stream)
        if plan is None or not path:
            return plan is not None
        if stream not in self._read:
            self._read[stream] = _Reading(plan)
        return self._read[stream].reads(path)

    def unknown_fields(self, stream: str, properties: t.Collection[str]) -> list[str]:
        """Return the fields the map reads that the stream's schema does not have; none for streams it leaves out."""
        plan = self._documents.get(stream) or self._references.get(stream)
        if plan is None:
            return []
        used: set[str] = set()
        for expression in (plan.instance, plan.id, plan.version, plan.created, plan.label, *plan.aliases):
            used |= expression.fields if expression is not None else set()
        for rule in plan.rules:
            used |= rule.when.fields
        for hold in plan.holds:
            used |= hold.when.fields
        for known in plan.known:
            used |= known.expression.fields
        for field in plan.fields:
            used |= field.each.fields if isinstance(field, _Lines) else set()
            used |= field.expression.fields if isinstance(field, _Field) else set()
        return sorted(used - set(properties))

    def _begin(self, stream: str, record: Record) -> _Work:
        plan = self._documents[stream]
        source = self.identify(stream, record)
        label = f"{display_name(self.source)} {plan.noun} {self._plain_value(plan.label) or source.id}"
        return _Work(self._worker, plan, source, label, record)

    def _identity(self, plan: _Stream, record: Record) -> tuple[str, str]:
        worker = self._worker
        worker.evaluator.item = record
        worker.scope["record"] = record
        found = []
        for expression, what in ((plan.instance, "instance"), (plan.id, "id")):
            value = self._plain_value(expression)
            text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
            if not text:
                raise MalformedRecord(
                    f"stream {plan.name}: a record has no {what} ({expression.text}).",
                    "Every record must say who it is; check the tap and its selected fields.",
                )
            found.append(text)
        return found[0], found[1]

    def _plain_value(self, expression: Expression | None) -> t.Any:
        if expression is None:
            return None
        try:
            return self._worker.evaluator.value(expression)
        except Exception:  # noqa: BLE001 - what cannot be worked out from bad content is not there
            return None


class _Work:
    """Mapping of one record."""

    def __init__(self, worker: _Worker, plan: _Stream, source: DocumentSource, label: str, record: Record) -> None:
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
            if isinstance(field, _Lines):
                values[field.name], said[field.name] = self._lines(field, values, said)
            elif isinstance(field, _References):
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
            if isinstance(field, _Field) and field.name in _OUTLINE and not field.varies:
                values[field.name], said[field.name] = self._field(field, values, said, "")
        amount = values.get("total", values.get("amount"))
        return Outline(
            number=_text(values.get("number")),
            party=_text(values.get("supplier_name")) or _text(values.get("name")),
            currency=_text(values.get("currency")),
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
        return None if self._functions.reasons else document

    def part(self, values: t.Mapping[str, t.Any]) -> Document | None:
        """Return what there is of a document against which something stands, for the target to check the rest of it."""
        model = t.cast("type[Document]", self._plan.model)
        if not model.checked_in_part:
            return None
        try:
            return model.model_validate({"source": self.source, **_with_gaps(model, values)})
        except (_Unusable, pydantic.ValidationError):
            return None

    def _lines(
        self, field: _Lines, values: dict[str, t.Any], said: dict[str, t.Any]
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
                if isinstance(part, _References):
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
        self, block: _References, values: dict[str, t.Any], said: dict[str, t.Any], place: str
    ) -> tuple[list[dict[str, t.Any]], dict[str, t.Any]]:
        found: list[dict[str, t.Any]] = []
        block_said: dict[str, t.Any] = {}
        for field in block.fields:
            value, block_said[field.name] = self._field(field, values, said, place)
            if value is not None and value is not UNRESOLVED:
                found.append({"kind": field.name, "value": value})
        return found, block_said

    def _field(
        self, field: _Field, values: dict[str, t.Any], said: dict[str, t.Any], place: str
    ) -> tuple[t.Any, t.Any]:
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


_OUTLINE: t.Final = frozenset({"number", "supplier_name", "name", "currency", "total", "amount"})
_RECORD_ONLY: t.Final = "Use fields of the record only."


class _Compiler:
    """Parses and checks a map file."""

    def __init__(self, name: str, map_file: MapFile, vocabulary: Vocabulary) -> None:
        self._name = name
        self._map = map_file
        self._vocabulary = vocabulary
        self._reference_streams = {spec.source or name for name, spec in map_file.streams.items() if spec.reference}
        self._varying: set[str] = set()

    def streams(self) -> tuple[dict[str, _Stream], dict[str, _Stream]]:
        """Return the reference streams and the document streams, by native stream."""
        for kind, stream in self._map.lookups.items():
            self._known_stream(stream, f"map {self._name}, lookups, {kind}")
        for setting in self._map.settings:
            if setting in self._vocabulary.functions or setting in {"record", "line", "document", "settings"}:
                raise UserError(f'map {self._name}, settings: "{setting}" has a meaning already.', "Rename it.")
        references: dict[str, _Stream] = {}
        documents: dict[str, _Stream] = {}
        for name, spec in self._map.streams.items():
            plan = self._stream(name, spec)
            for wanted, found in ((spec.reference, references), (spec.document is not None, documents)):
                if wanted and found.setdefault(plan.name, plan) is not plan:
                    raise UserError(
                        f"map {self._name}, stream {name}: {plan.name} is mapped twice.",
                        "Keep one of the two.",
                    )
        return references, documents

    def _stream(self, name: str, spec: StreamSpec) -> _Stream:
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
        return _Stream(
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
            known=tuple(
                Known(self._filter(text, f"{where}, __known__"), None if values == "boolean" else frozenset(values))
                for text, values in spec.known.items()
            ),
            fields=tuple(self._part(key, value, model, where) for key, value in spec.fields.items()) if model else (),
        )

    def _rules(self, written: str | list[FilterRule] | None, where: str) -> tuple[_Rule, ...]:
        rules = [FilterRule(when=written)] if isinstance(written, str) else written or []
        compiled = []
        for number, rule in enumerate(rules, start=1):
            place = f"{where}, __filter__ {number}" if len(rules) > 1 else f"{where}, __filter__"
            text = rule.otherwise or f"does not meet: {str(rule.when).replace('{', '{{').replace('}', '}}')}"
            compiled.append(_Rule(self._filter(rule.when, place), self._text(text, place, self._filter)))
        return tuple(compiled)

    def _holds(self, written: list[HoldRule], model: type[Document] | None, where: str) -> tuple[_Hold, ...]:
        place = f"{where}, __hold__"

        def shown(text: t.Any, where: str) -> Expression:
            # Told after the document was mapped, so that an amount can be told in the document's currency.
            expression = self._naming(text, where)
            for name in sorted(expression.document_fields):
                self._known_field(name, model, where)
            return expression

        return tuple(
            _Hold(self._filter(rule.when, place), self._text(rule.what, place, shown), rule.cure, rule.code)
            for rule in written
        )

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
    ) -> _Field | _References | _Lines:
        self._known_field(name, model, where)
        place = f"{where}, field {name}"
        if not isinstance(written, dict):
            if isinstance(written, list):
                raise UserError(f"{place}: a list is not an expression.", "Quote it: \"['A', 'B']\".")
            return self._field(name, written, place)
        if "__each__" not in written:
            return _References(
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
                if isinstance(part, _Lines):
                    raise UserError(f"{place}: lines cannot have lines.", "Remove __each__.")
                parts.append(part)
        wanted = written.get("__filter__")
        return _Lines(
            name=name,
            model=element,
            each=self._expression(written["__each__"], f"{place}, __each__"),
            wanted=self._expression(wanted, f"{place}, __filter__") if wanted is not None else None,
            fields=tuple(parts),
        )

    def _field(self, name: str, written: t.Any, where: str) -> _Field:
        expression = self._expression(written, where)
        varies = bool(expression.functions & self._vocabulary.lookups or expression.document_fields & self._varying)
        if varies:
            self._varying.add(name)
        return _Field(name, expression, varies)

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


def _reference_stream(stream: _Stream, naming: Evaluator) -> ReferenceStream:
    def evaluated(expression: Expression, record: Record) -> t.Any:
        naming.item = record
        try:
            return naming.value(expression)
        except Exception:  # noqa: BLE001 - a record without a usable name has no name
            return None

    def aliases(record: Record) -> list[str]:
        values = (evaluated(alias, record) for alias in stream.aliases)
        return [str(value) for value in values if isinstance(value, str | int) and str(value).strip()]

    def label(record: Record) -> str | None:
        return _text(evaluated(stream.label, record)) if stream.label is not None else None

    return ReferenceStream(stream.noun, aliases, label)


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


class _Unusable(Exception):
    """A number or a date is not known: what is left would only say that it does not add up."""


def _with_gaps(model: type[pydantic.BaseModel], values: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return values with a gap in the place of each text that could not be found out, or has to be there and is not.

    Raises:
        _Unusable: Something else than a text could not be found out.
    """
    filled: dict[str, t.Any] = {}
    for name, info in model.model_fields.items():
        value = values.get(name)
        is_text = info.annotation is str or str in t.get_args(info.annotation)
        if is_text and (value is UNRESOLVED or (value is None and info.is_required())):
            filled[name] = GAP
        elif value is UNRESOLVED:
            raise _Unusable
        elif isinstance(value, list):
            element = next(iter(t.get_args(info.annotation)), None)
            # A list where a text belongs is told already by validation, which refuses this part as well.
            if isinstance(element, type) and issubclass(element, pydantic.BaseModel):
                filled[name] = [_with_gaps(element, each) if isinstance(each, dict) else each for each in value]
            else:
                filled[name] = value
        elif value is not None:
            filled[name] = value
    return filled


def _text(value: t.Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _version(value: t.Any) -> str | None:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, str | int) and str(value).strip() else None
