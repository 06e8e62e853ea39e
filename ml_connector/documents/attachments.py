"""Files that belong to supplier invoices."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import typing as t

import pydantic
from pydantic import Field, StringConstraints

from ml_connector.documents.base import Document, Text

__all__ = ["Attachment"]


class Attachment(Document):
    """A file that belongs to a supplier invoice: its scan, a timesheet, a delivery note.

    Attributes:
        invoice: The target's id or number of the invoice.
        invoice_date: The invoice's date, by which a target may have to look for it.
        due_date: When the invoice is due, likewise.
        supplier: The target's supplier id of the invoice.
        supplier_name: The supplier's name in the source, for people.
        file_name: Its name with extension, as people gave it.
        media_type: Its MIME type, as the source says.
        size: Its size in bytes.
        sha256: Hash of the file, as hexadecimal text.
        content: The file as base64; None where it was not read, or is only remembered as sent.
    """

    kind: t.ClassVar[str] = "attachments"
    bulky: t.ClassVar[frozenset[str]] = frozenset({"content"})

    invoice: Text
    invoice_date: dt.date | None = None
    due_date: dt.date | None = None
    supplier: Text
    supplier_name: str | None = None
    file_name: Text
    media_type: str | None = None
    size: t.Annotated[int, Field(ge=0)]
    sha256: t.Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    content: t.Annotated[str | None, Field(repr=False)] = None

    @pydantic.field_validator("content")
    @classmethod
    def _what_size_and_hash_say(cls, value: str | None, info: pydantic.ValidationInfo) -> str | None:
        if value is None:
            return None
        try:
            data = base64.b64decode(value, validate=True)
        except binascii.Error:
            raise ValueError("is not base64") from None
        if len(data) != info.data.get("size") or hashlib.sha256(data).hexdigest() != info.data.get("sha256"):
            raise ValueError("is not what its size and hash say")
        return value

    @property
    def data(self) -> bytes:
        """The file; empty where there is no content."""
        return base64.b64decode(self.content or "")

    @property
    def party(self) -> str | None:
        """The supplier's name in the source."""
        return self.supplier_name
