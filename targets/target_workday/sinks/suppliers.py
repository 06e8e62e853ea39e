"""Suppliers: matched with certainty, or created; changed only where the source is master of a field."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import typing as t

from ml_connector.delivery.sink import Delivered, DocumentSink, Found, LookupInconclusive
from ml_connector.delivery.supplier_matching import Judgement, SupplierJudge
from ml_connector.documents import Supplier
from ml_connector.errors import Conflict, KeptBack, NotFound, OutcomeUnknown, Reason, Rejected, SystemFault
from ml_connector.names import shortened
from ml_connector.sameness import same_name
from ml_connector.systems.workday.client import RESOURCES, WorkdayClient
from ml_connector.systems.workday.errors import SYSTEM, AlreadyExists
from ml_connector.systems.workday.references import Ambiguous, References, SupplierThing
from ml_connector.systems.workday.supplier_record import SupplierRecord
from ml_connector.systems.workday.suppliers import SupplierReader
from target_workday.invoice_checks import supplier_reasons
from target_workday.options import WorkdayPosting
from target_workday.submission import Submission, read_submission
from target_workday.supplier_changes import supplier_change
from target_workday.supplier_request import supplier_body

__all__ = ["SupplierSink"]

_LOG = logging.getLogger(__name__)

_SUBMIT: t.Final = "Submit_Supplier"
_SHORTEST_KEY: t.Final = 16


class SupplierSink(DocumentSink[Supplier]):
    """Finds the supplier a vendor is, or creates it, and keeps equal what the source is master of.

    Args:
        client: The tenant's client.
        references: The tenant's reference data.
        options: Category, terms and payment type of new suppliers.
    """

    document_class = Supplier
    reads_back = True

    def __init__(self, client: WorkdayClient, references: References, options: WorkdayPosting) -> None:
        self._client = client
        self._references = references
        self._options = options
        self._reader = SupplierReader(client, references)
        self._taken_lock = threading.Lock()
        self._taken: dict[str, str] = {}
        self._judge: SupplierJudge[SupplierThing] = SupplierJudge()
        self._shortened: dict[int, t.Mapping[str, SupplierThing]] = {}

    def prepare(self) -> None:
        """Read all suppliers."""
        self._references.load("supplier")

    def match(self, document: Supplier) -> Found | None:
        """Return the supplier a vendor certainly is.

        That of the mapped id; else what our own external id, an External_Entity_ID that is the vendor's id, an id the
        source knows it by, and its tax number agree on, if nothing contradicts. Never a name. Worktag-only suppliers
        are skipped.
        """
        judgement = self._judged(document)
        return None if judgement.thing is None else _found(judgement.thing, judgement.rests_on)

    def doubts(self, document: Supplier) -> list[Reason]:
        """Return which supplier it may be, though something speaks against."""
        reason = self._judged(document).reason(document, "Workday", "supplier")
        return [reason] if reason else []

    def check(self, document: Supplier) -> list[Reason]:
        """Return what stands against creating the supplier; nothing, when it exists and is to be changed.

        Raises:
            SettingInvalid: What every new supplier needs is not set.
        """
        if self._judged(document).thing is not None:
            return []
        if document.target_id:
            return supplier_reasons(document.target_id, self._references)
        self._options.require_for_new_suppliers()
        return [*(self.doubts(document) or self._twins(document)), *_inactive(document)]

    def find(self, document: Supplier) -> Found | None:
        """Look for the supplier created under our external id."""
        try:
            if self._reader.resolves():
                return _found(self._reader.by_id(document.external_id))
        except NotFound:
            return None
        except Rejected:
            pass  # the whole list settles it
        self._references.reload("supplier")
        try:
            thing = self._references.supplier(document.external_id)
        except Ambiguous as error:
            raise LookupInconclusive(f"Several suppliers go by {error}.") from error
        return None if thing is None else _found(thing)

    def compose(self, document: Supplier) -> None:
        """Build the request, as far as nothing has to be asked for it."""
        if self._judged(document).thing is not None:
            return  # what is changed depends on what Workday says now
        service = self._client.service(RESOURCES)
        today = dt.datetime.now(dt.UTC).date()
        service.build(_SUBMIT, supplier_body(document, service.shape(_SUBMIT), self._options, today))

    def create(self, document: Supplier) -> Delivered:
        """Create the supplier, create-only.

        Raises:
            OutcomeUnknown: It may have been created.
        """
        shape = self._client.service(RESOURCES).shape(_SUBMIT)
        body = supplier_body(document, shape, self._options, dt.datetime.now(dt.UTC).date())
        try:
            answer = self._client.call(RESOURCES, _SUBMIT, body, write=True)
        except Conflict as conflict:
            return self._created_before(document, conflict)
        said = read_submission(answer, "Supplier_Reference")
        if not said.accepted:
            raise (Rejected if self._nothing_created(said) else OutcomeUnknown)(SYSTEM, _SUBMIT, said.words)
        wid = said.wid or ""
        self._references.add(
            SupplierThing(
                "supplier",
                {"WID": wid, "Supplier_ID": document.external_id},
                document.name,
                external_id=document.source.id,
                country=document.country,
            )
        )
        return Delivered(
            wid,
            document.external_id,
            warnings=said.warnings,
            request=answer.request_text,
            response=answer.response_text,
        )

    def update(self, document: Supplier, target_id: str, previous: Supplier | None) -> Delivered:
        """Make the fields the source is master of say what it says; bank accounts are never touched.

        Raises:
            Conflict: Somebody has changed one of these fields in Workday since it was sent.
            Rejected: Workday refuses the change, or has lost bank accounts over it.
            OutcomeUnknown: It may have been changed.
        """
        record = self._reader.record(target_id)
        shape = self._client.service(RESOURCES).shape(_SUBMIT)
        change = supplier_change(
            document,
            record,
            previous,
            shape=shape,
            options=self._options,
            today=dt.datetime.now(dt.UTC).date(),
        )
        for warning in change.warnings:
            _LOG.warning("Supplier %s: %s.", record.thing.label, warning)
        if not change.fields:
            return Delivered(target_id, record.thing.id, unchanged=True, warnings=change.warnings)
        answer = self._client.call(RESOURCES, _SUBMIT, change.body, write=True)
        said = read_submission(answer, "Supplier_Reference")
        if not said.accepted:
            raise (Rejected if said.errors else OutcomeUnknown)(SYSTEM, _SUBMIT, said.words)
        return Delivered(
            target_id,
            record.thing.id,
            warnings=(*change.warnings, *said.warnings, *self._look_again(record)),
            request=answer.request_text,
            response=answer.response_text,
        )

    def facts(self, document: Supplier) -> t.Mapping[str, t.Any]:
        """Return the name, which a supplier we created must have; what changes later may wait for approval."""
        return {} if document.owned else {"name": document.name}

    def read_back(self, target_ids: t.Sequence[str]) -> dict[str, Found]:
        """Read suppliers by WID."""
        return {wid: _found(thing) for wid, thing in self._reader.by_wids(target_ids).items()}

    def _judged(self, document: Supplier) -> Judgement[SupplierThing]:
        if document.target_id:
            return Judgement(self._by_id(document.target_id))
        by_id = [
            self._by_id(document.external_id),
            self._by_vendor_id(document),
            *map(self._by_known_id, document.known_as),
        ]
        same_tax_id = self._references.suppliers_with(tax_id=document.tax_id) if document.tax_id else []
        return self._judge.judge(document, by_id, [] if any(each.worktag_only for each in same_tax_id) else same_tax_id)

    def _look_again(self, before: SupplierRecord) -> tuple[str, ...]:
        """Read a supplier after a change: whether Workday keeps what is left out of a request is not documented."""
        wid = before.thing.ids["WID"]
        try:
            after = self._reader.record(wid)
        except SystemFault as error:
            return (f"could not be read back: {error}",)
        self._references.replace(after.thing)
        had, has = before.settlement_accounts, after.settlement_accounts
        if has < had:
            words = f"{after.thing.label} had {had} bank accounts and has {has} since it was changed"
            cure = "restore them in Workday, and let nothing be master of supplier fields until then"
            raise KeptBack(SYSTEM, _SUBMIT, f"{words}: {cure}")
        return ()

    def _by_id(self, value: str) -> SupplierThing | None:
        try:
            thing = self._references.supplier(value)
        except Ambiguous:
            return None
        return thing if thing is not None and not thing.worktag_only else None

    def _by_known_id(self, value: str) -> SupplierThing | None:
        """Return the supplier of an id, or of the key we gave elsewhere to what was made from it."""
        return self._by_id(value) or self._keys(len(value)).get(value)

    def _keys(self, length: int) -> t.Mapping[str, SupplierThing]:
        """Return suppliers by the keys that had to be shortened to a length, such as BILL's short names."""
        if length not in self._shortened:
            keys = {}
            for thing in self._references.all_of("supplier") if length >= _SHORTEST_KEY else ():
                key = f"WORKDAY-{thing.ids.get('Supplier_ID') or thing.ids.get('WID')}"
                if len(key) > length:
                    keys[shortened(key, length)] = t.cast("SupplierThing", thing)
            self._shortened[length] = keys
        return self._shortened[length]

    def _by_vendor_id(self, document: Supplier) -> SupplierThing | None:
        return _only(self._references.suppliers_with(external_id=document.source.id))

    def _first_of_its_name(self, document: Supplier) -> bool:
        with self._taken_lock:
            return self._taken.setdefault(same_name(document.name), document.source.id) == document.source.id

    def _twins(self, document: Supplier) -> t.Iterator[Reason]:
        """Return why creating it could double a supplier that exists, or is about to."""
        twins = [
            *self._references.suppliers_with(external_id=document.source.id),
            *(self._references.suppliers_with(tax_id=document.tax_id) if document.tax_id else ()),
        ]
        if twins:
            names = ", ".join(dict.fromkeys(twin.label for twin in twins))
            shared = f"shares its id or tax number with Workday supplier {names}, but they do not belong to each other"
            yield _ambiguous(document, f"{shared} alone")
        elif namesakes := self._references.suppliers_named(document.name):
            names = ", ".join(twin.label for twin in namesakes)
            yield _ambiguous(document, f"has the name of Workday supplier {names}")
        elif not self._first_of_its_name(document):
            yield _ambiguous(document, "has the name of another one that is to be created")

    def _nothing_created(self, said: Submission) -> bool:
        if said.wid is None:
            return bool(said.errors)
        try:
            return not self._reader.is_there(said.wid)
        except SystemFault:
            return False

    def _created_before(self, document: Supplier, conflict: Conflict) -> Delivered:
        try:
            found = self.find(document)
        except (LookupInconclusive, SystemFault) as error:
            if isinstance(conflict, AlreadyExists):
                raise OutcomeUnknown(SYSTEM, _SUBMIT, f"{conflict.message}; then: {error}") from error
            raise conflict from error
        if found is None:
            raise conflict
        return Delivered(found.target_id, found.number, warnings=(conflict.message,))


def _inactive(document: Supplier) -> t.Iterator[Reason]:
    """Return that nobody wants a supplier of it."""
    if not document.active:
        yield Reason(
            "inactive",
            f'"{document.name}" is inactive at its source and has no supplier in Workday',
            "nothing to do unless it is to be used; then map it in suppliers.csv",
            "supplier",
            document.source.id,
        )


def _ambiguous(document: Supplier, why: str) -> Reason:
    return Reason(
        "ambiguous",
        f'vendor "{document.name}" ({document.source.id}) {why}',
        "add a row to the mapping table suppliers.csv that says which supplier it is",
        "supplier",
        document.source.id,
    )


def _only(things: t.Sequence[SupplierThing]) -> SupplierThing | None:
    usable = [thing for thing in things if not thing.worktag_only]
    return usable[0] if len(usable) == 1 and len(things) == 1 else None


def _found(thing: SupplierThing, rests_on: str = "") -> Found:
    return Found(
        thing.ids.get("WID") or thing.id,
        thing.ids.get("Supplier_ID"),
        thing.id,
        thing.status,
        rests_on=rests_on,
        facts={"name": thing.name},
    )
