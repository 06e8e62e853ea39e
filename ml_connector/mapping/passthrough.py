"""Streams that carry documents already need no map."""

from __future__ import annotations

import typing as t

import pydantic

from ml_connector.documents import DOCUMENT_CLASSES, DocumentSource, Mapped, Outline, content_hash
from ml_connector.errors import MalformedRecord, Reason
from ml_connector.mapping.engine import MapEngine
from ml_connector.mapping.parts import part_of
from ml_connector.mapping.results import fingerprint_of, validation_reasons
from ml_connector.pipelines import WITHOUT_MAP

__all__ = ["DocumentPassthrough"]

Record = t.Mapping[str, t.Any]


class DocumentPassthrough(MapEngine):
    """Takes records of ``suppliers``, ``supplier_invoices`` ... as the documents they are."""

    source = "documents"
    streams = frozenset(DOCUMENT_CLASSES)
    revision = content_hash("documents")
    pipeline = WITHOUT_MAP

    def kind_of(self, stream: str) -> str | None:
        """Return the stream's own name when it is a kind of document."""
        return stream if stream in DOCUMENT_CLASSES else None

    def is_reference(self, stream: str) -> bool:
        """Return False: documents refer to the target's values."""
        del stream
        return False

    def reference_id(self, stream: str, record: Record) -> tuple[str, str]:
        """Return instance and id of the document's source."""
        source = self.identify(stream, record)
        return source.instance, source.id

    def identify(self, stream: str, record: Record) -> DocumentSource:
        """Return the source the document carries."""
        try:
            return DocumentSource.model_validate(record.get("source"))
        except pydantic.ValidationError as error:
            raise MalformedRecord(
                f"stream {stream}: a document does not say where it comes from: {error.errors()[0]['msg']}.",
                "Give it source: {system, instance, stream, id}.",
            ) from error

    def unwanted(self, stream: str, record: Record) -> str | None:
        """Return None: whoever sends documents has chosen them."""
        del stream, record
        return None

    def outline(self, stream: str, record: Record) -> Outline:
        """Return nothing: no document is ever left out."""
        del stream, record
        return Outline()

    def map(self, stream: str, record: Record) -> Mapped:
        """Validate a document."""
        source = self.identify(stream, record)
        document_class = DOCUMENT_CLASSES[stream]
        known = {name: value for name, value in record.items() if not name.startswith("_sdc_")}
        external_id = str(record.get("external_id") or source.id)
        try:
            document = document_class.model_validate(known)
        except pydantic.ValidationError as error:
            label = f"{stream} {external_id}"
            missing = [
                Reason(
                    "missing",
                    f"{label} has no {'.'.join(map(str, fault['loc']))}",
                    "complete it at its source",
                )
                for fault in error.errors()
                if fault["type"] in ("missing", "too_short")
            ]
            return Mapped(
                kind=stream,
                source=source,
                external_id=external_id,
                fingerprint=fingerprint_of(known),
                document=None,
                part=part_of(document_class, source, known),
                reasons=(*missing, *validation_reasons(error, label, "its source")),
                number=record["number"] if isinstance(record.get("number"), str) else None,
            )
        return Mapped(
            kind=stream,
            source=source,
            external_id=document.external_id,
            fingerprint=fingerprint_of(document.model_dump()),
            document=document,
            number=document.number,
            party=document.party,
            currency=document.currency_code,
            amount=document.total_amount,
            date=document.booking_date,
        )

    def reads(self, stream: str, path: t.Sequence[str | int]) -> bool:
        """Return whether the path leads into a field of the document; a path of no parts leads into all of them."""
        return not path or path[0] in DOCUMENT_CLASSES[stream].model_fields

    def key_properties(self, stream: str) -> tuple[str, ...]:
        """Return the external id."""
        del stream
        return ("external_id",)
