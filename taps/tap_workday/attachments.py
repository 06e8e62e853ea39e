"""Files of an invoice as records of their own."""

from __future__ import annotations

import base64
import binascii
import hashlib
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.systems.workday.xml import Node

__all__ = ["attachments_of"]

_PARTS: t.Final = ("wid", "id", "descriptor", "refs")
_OF_THE_INVOICE: t.Final = (
    "supplier_invoice_id",
    "invoice_number",
    "suppliers_invoice_number",
    *(f"{name}_{part}" for name in ("invoice_document_status", "company", "supplier") for part in _PARTS),
    "invoice_date",
    "due_date_override",
)
_HASH_LENGTH: t.Final = 16


def attachments_of(
    invoice: Mapping[str, t.Any], attachments: Sequence[Node], *, largest: int
) -> Iterator[dict[str, t.Any]]:
    """Yield one record per file; of several with the same content the first.

    Args:
        invoice: Record of the invoice.
        attachments: Its Attachment_Data.
        largest: Bytes up to which the content is given.
    """
    about = {name: invoice[name] for name in _OF_THE_INVOICE if name in invoice}
    given = set()
    for attachment in attachments:
        data = _decoded(attachment.text("File_Content"))
        digest = hashlib.sha256(data).hexdigest()
        if digest in given:
            continue
        given.add(digest)
        yield {
            "id": f"{invoice['wid']}-{digest[:_HASH_LENGTH]}",
            "supplier_invoice_wid": invoice["wid"],
            **about,
            "filename": attachment.attribute("Filename"),
            "content_type": attachment.attribute("Content_Type"),
            "comment": attachment.text("Comment"),
            "compressed": attachment.attribute("Compressed") in ("true", "1"),
            "size": len(data),
            "sha256": digest,
            "content": base64.b64encode(data).decode() if len(data) <= largest else None,
        }


def _decoded(text: str | None) -> bytes:
    """Return a file; nothing of one that is not the base64 Workday promises."""
    try:
        return base64.b64decode("".join((text or "").split()), validate=True)
    except binascii.Error:
        return b""
