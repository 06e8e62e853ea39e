"""Maps native records by a map file."""

from __future__ import annotations

import datetime as dt
import typing as t
from decimal import Decimal

from ml_connector.crosswalk.tables import Crosswalk, Links, References
from ml_connector.documents import DocumentSource, Mapped, Outline
from ml_connector.errors import MalformedRecord
from ml_connector.mapping.compiler import Compiler
from ml_connector.mapping.engine import MapEngine
from ml_connector.mapping.expressions import Evaluator, Expression, Vocabulary
from ml_connector.mapping.lookups import Lookups, ReferenceStream
from ml_connector.mapping.mapfile import MapFile, Setting, shown_path
from ml_connector.mapping.plan import Field, Lines, Stream
from ml_connector.mapping.reading import Reading
from ml_connector.mapping.results import fingerprint_of
from ml_connector.mapping.work import Work, Worker, text_of
from ml_connector.names import display_name
from ml_connector.pipelines import Pipeline

__all__ = ["RecordMap"]

Record = t.Mapping[str, t.Any]


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
        compiler = Compiler(name, map_file, vocabulary)
        self._references, self._documents = compiler.streams()
        self._read: dict[str, Reading] = {}
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

        self._worker = Worker(map_file.source, target, lookups, settings)

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
        amount = document.total_amount if document is not None else values.get("total", values.get("amount"))
        date = values.get("invoice_date", values.get("payment_date"))
        return Mapped(
            kind=t.cast("str", plan.kind),
            source=source,
            external_id=text_of(values.get("external_id")) or source.id,
            fingerprint=fingerprint_of(said),
            document=document,
            part=part,
            reasons=work.reasons,
            unwanted=unwanted,
            number=text_of(values.get("number")),
            party=text_of(values.get("supplier_name")) or text_of(values.get("name")),
            currency=text_of(values.get("currency")),
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
            self._read[stream] = Reading(plan)
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
            used |= field.each.fields if isinstance(field, Lines) else set()
            used |= field.expression.fields if isinstance(field, Field) else set()
        return sorted(used - set(properties))

    def _begin(self, stream: str, record: Record) -> Work:
        plan = self._documents[stream]
        source = self.identify(stream, record)
        label = f"{display_name(self.source)} {plan.noun} {self._plain_value(plan.label) or source.id}"
        return Work(self._worker, plan, source, label, record)

    def _identity(self, plan: Stream, record: Record) -> tuple[str, str]:
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


def _reference_stream(stream: Stream, naming: Evaluator) -> ReferenceStream:
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
        return text_of(evaluated(stream.label, record)) if stream.label is not None else None

    return ReferenceStream(stream.noun, aliases, label)


def _version(value: t.Any) -> str | None:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, str | int) and str(value).strip() else None
