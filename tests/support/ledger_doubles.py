"""A target and a map made for the ledger's tests: small, exact, and able to fail in every way a system can."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

from ml_connector.delivery.sink import Delivered, DocumentSink, Found, LookupInconclusive
from ml_connector.documents import (
    DocumentSource,
    InvoiceLine,
    Mapped,
    Outline,
    Supplier,
    SupplierInvoice,
    content_hash,
)
from ml_connector.errors import Conflict, OutcomeUnknown, Reason
from ml_connector.pipelines import Pipeline

DAY = dt.date(2026, 9, 1)


def bill(
    id_,
    amount="100.00",
    *,
    line=None,
    vendor="V1",
    paid=False,
    archived=False,
    currency="USD",
    version="1",
    day=DAY,
):
    """Return a native record as the tests' tap would emit it."""
    return {
        "id": id_,
        "amount": Decimal(amount),
        "line": Decimal(line or amount),
        "vendor": vendor,
        "paid": paid,
        "archived": archived,
        "currency": currency,
        "day": day.isoformat(),
        "updated": f"2026-09-0{version}T00:00:00+00:00",
        "created": "2026-08-01T00:00:00+00:00",
    }


class TestMap:
    """Maps ``bills`` and ``vendors``; a vendor is mapped when it is in ``suppliers``.

    Attributes:
        pipeline: The pipeline it is part of.
        instance: The organization whose records it gets.
        external_id: Gives the external id of a bill where it is not made of the bill's own.
    """

    __test__ = False
    source = "bill"
    streams = frozenset({"bills", "vendors"})

    def __init__(self, suppliers=None):
        self.pipeline = Pipeline("tap-test", "tap_test.yml", "tables", "/project/tables", "{}")
        self.instance = "org"
        self.suppliers = {"V1": "S-1"} if suppliers is None else suppliers
        self.owned: list[str] = []
        self.external_id = dict[str, str]().get

    def kind_of(self, stream):
        return {"bills": "supplier_invoices", "vendors": "suppliers"}.get(stream)

    def is_reference(self, stream):
        return stream == "vendors"

    def reference_id(self, stream, record):
        return self.instance, record["id"]

    def identify(self, stream, record):
        return DocumentSource(
            system="bill",
            instance=self.instance,
            stream=stream,
            id=record["id"],
            version=record.get("updated"),
            created_at=dt.datetime.fromisoformat(record["created"]) if record.get("created") else None,
        )

    def unwanted(self, stream, record):
        return "paid" if record.get("paid") else None

    def outline(self, stream, record):
        return Outline(f"INV-{record['id']}", record["vendor"], record["currency"], Decimal(record["amount"]))

    def map(self, stream, record):
        source = self.identify(stream, record)
        if stream == "vendors":
            document = Supplier(
                source=source,
                external_id=f"BILL-{source.id}",
                name=record["name"],
                target_id=self.suppliers.get(source.id),
                email=record.get("email"),
                tax_id=record.get("tax_id"),
                active=record.get("active", True),
                owned=tuple(self.owned),
            )
            return Mapped(
                "suppliers", source, document.external_id, content_hash(record), document, party=document.name
            )
        external_id = self.external_id(source.id) or f"BILL-{source.id}"
        supplier = self.suppliers.get(record["vendor"])
        reasons = ()
        document = None
        if supplier is None:
            reasons = (
                Reason(
                    "unmapped",
                    f"vendor {record['vendor']} is not mapped",
                    "map it",
                    "supplier",
                    record["vendor"],
                ),
            )
        else:
            document = SupplierInvoice(
                source=source,
                external_id=external_id,
                number=f"INV-{source.id}",
                supplier=supplier,
                company="CO",
                currency=record["currency"],
                invoice_date=dt.date.fromisoformat(record["day"]),
                total=Decimal(record["amount"]),
                withdrawn="archived in BILL" if record["archived"] else None,
                lines=(InvoiceLine(id="1", order=1, amount=Decimal(record["line"])),),
            )
        said = {key: record[key] for key in ("amount", "line", "vendor", "archived", "day", "currency")}
        return Mapped(
            "supplier_invoices",
            source,
            external_id,
            content_hash(said),
            document,
            reasons,
            self.unwanted(stream, record),
            number=f"INV-{source.id}",
            party=record["vendor"],
            currency=record["currency"],
            amount=Decimal(record["amount"]),
            date=dt.date.fromisoformat(record["day"]),
        )


class TestTarget:
    """A target's memory, and a queue of faults to come.

    Attributes:
        documents: What it holds, by external id; every write is also in ``writes``.
        draft: Whether what is written now stays a draft; which did, is in ``drafts``.
        faults: Called with (operation, document) before and after each call: raise to fail.
    """

    __test__ = False

    def __init__(self):
        self.documents: dict[str, SupplierInvoice] = {}
        self.writes: list[tuple[str, str]] = []
        self.finds: list[str] = []
        self.surveys: list[tuple[dt.date, dt.date]] = []
        self.before: list[Exception] = []
        self.after: list[Exception] = []
        self.cancelled: set[str] = set()
        self.fields: dict[str, dict] = {}
        self.draft = False
        self.drafts: set[str] = set()
        self.blind = False
        self.forgets = False
        self.lock = threading.Lock()

    def fail_before(self, *faults):
        """Let the next writes fail without being processed."""
        self.before.extend(faults)

    def fail_after(self, *faults):
        """Let the next writes be processed, and fail then."""
        self.after.extend(faults)


class InvoiceSink(DocumentSink[SupplierInvoice]):
    """Delivers to a ``TestTarget``."""

    document_class = SupplierInvoice
    surveyed_by_date = True
    reads_back = True

    def __init__(self, target):
        self.target = target
        self.inactive: set[str] = set()

    @property
    def leaves_drafts(self):
        return self.target.draft

    def prepare(self):
        pass

    def check(self, document):
        if document.supplier in self.inactive:
            return [
                Reason(
                    "inactive",
                    f"supplier {document.supplier} is inactive",
                    "reactivate it",
                    "supplier",
                    document.supplier,
                )
            ]
        return []

    def _found(self, document):
        return Found(
            target_id=f"wid-{document.external_id}",
            external_id=document.external_id,
            number=document.external_id,
            draft=document.external_id in self.target.drafts,
            cancelled=document.external_id in self.target.cancelled,
            facts=self.facts(document),
        )

    def find(self, document):
        self.target.finds.append(document.external_id)
        if self.target.blind:
            raise LookupInconclusive("look-ups are broken")
        known = self.target.documents.get(document.external_id)
        return self._found(known) if known else None

    def survey(self, first, last):
        self.target.surveys.append((first, last))
        for document in list(self.target.documents.values()):
            if first <= document.invoice_date <= last:
                yield self._found(document)

    def create(self, document):
        with self.target.lock:
            if self.target.before:
                raise self.target.before.pop(0)
            if document.external_id in self.target.documents:
                raise Conflict("test", "create", "already there")
            self.target.documents[document.external_id] = document
            self._leave(document)
            self.target.writes.append(("create", document.external_id))
            if self.target.after:
                raise self.target.after.pop(0)
        return Delivered(f"wid-{document.external_id}", document.external_id, draft=self.target.draft)

    def _leave(self, document):
        (self.target.drafts.add if self.target.draft else self.target.drafts.discard)(document.external_id)

    def update(self, document, target_id, previous):
        with self.target.lock:
            if self.target.before:
                raise self.target.before.pop(0)
            self.target.documents[document.external_id] = document
            self._leave(document)
            self.target.writes.append(("update", document.external_id))
            if self.target.after:
                raise self.target.after.pop(0)
        return Delivered(target_id, document.external_id, draft=self.target.draft)

    def facts(self, document):
        return {"total": document.total, "supplier": document.supplier}

    def read_back(self, target_ids):
        if self.target.forgets:
            return {}
        return {
            found.target_id: found
            for found in map(self._found, self.target.documents.values())
            if found.target_id in target_ids
        }


class SupplierSink(DocumentSink[Supplier]):
    """Delivers suppliers to a ``TestTarget``."""

    document_class = Supplier

    def __init__(self, target, known=()):
        self.target = target
        self.known = dict(known)
        self.with_tax_id: dict[str, str] = {}
        self.suspects: dict[str, str] = {}

    def prepare(self):
        pass

    def match(self, document):
        if document.target_id:
            return Found(document.target_id, number=document.target_id)
        if tax := self.known.get(document.name):
            return Found(f"wid-{tax}", number=tax)
        if number := self.with_tax_id.get(document.tax_id):
            return Found(f"wid-{number}", number=number, rests_on="the same tax number", facts={"name": "Acme Inc"})
        return None

    def doubts(self, document):
        suspect = self.suspects.get(document.name)
        return [Reason("ambiguous", f"it may be {suspect}", "say which", "supplier", suspect)] if suspect else []

    def check(self, document):
        return []

    def find(self, document):
        known = self.target.documents.get(document.external_id)
        return Found(f"wid-{document.external_id}", number=document.external_id) if known else None

    def create(self, document):
        self.target.documents[document.external_id] = document
        self.target.writes.append(("create", document.external_id))
        return Delivered(f"wid-{document.external_id}", document.external_id)

    def update(self, document, target_id, previous):
        current = self.target.fields.setdefault(target_id, {})
        if self.target.before:
            raise self.target.before.pop(0)
        wanted = {name: value for name, value in document.owned_values.items() if current.get(name) != value}
        if not wanted:
            return Delivered(target_id, unchanged=True)
        current.update(wanted)
        self.target.writes.append(("update", document.external_id))
        if self.target.after:
            raise self.target.after.pop(0)
        return Delivered(target_id)


def timeout():
    """Return the fault of an answer that never came."""
    return OutcomeUnknown("test", "create", "timed out")
