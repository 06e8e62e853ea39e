"""One document, carried as far as it goes: the same steps for a first attempt, a retry, a replay or after a crash."""

from __future__ import annotations

import dataclasses
import logging
import threading
import typing as t

import pydantic

from ml_connector import defects, exact_json
from ml_connector.delivery import decisions, wording
from ml_connector.delivery.adoption import Survey
from ml_connector.delivery.comparing import disagreement, is_gone
from ml_connector.delivery.outcome import Settlement
from ml_connector.delivery.rivals import Rivals
from ml_connector.delivery.sink import Delivered, DocumentSink, Found, LookupInconclusive
from ml_connector.documents import Document, Mapped, Supplier, content_hash
from ml_connector.errors import (
    CannotBeSent,
    Conflict,
    CredentialsRefused,
    MalformedRecord,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Reason,
    Rejected,
    SystemFault,
    Throttled,
    Unavailable,
)
from ml_connector.ledger.entries import Entry, damaged, load
from ml_connector.ledger.faults import LeaseLost, ends_the_run
from ml_connector.ledger.runs import Outcome
from ml_connector.ledger.store import Ledger
from ml_connector.pipelines import Pipeline
from ml_connector.transport.retries import attempts, full_jitter

__all__ = ["TECHNICAL", "Attempt", "Cap", "Mapper", "Policy"]

_logger = logging.getLogger(__name__)

TECHNICAL: t.Final = (Throttled, Unavailable, OutcomeUnknown)
"""Faults that pass by themselves."""


# Held until a new version of the record comes or a person replays it: both take the document out of "held".
_FOR_A_PERSON = frozenset({"malformed", "technical"})


class Mapper(t.Protocol):
    """What delivery needs of a map."""

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline it is part of."""

    @property
    def streams(self) -> t.Collection[str]:
        """The streams it knows."""

    def kind_of(self, stream: str) -> str | None:
        """Kind of document a stream carries, if any."""

    def map(self, stream: str, record: t.Mapping[str, t.Any]) -> Mapped:
        """Return the document, or what stands against it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """Choices of whoever runs the target; see the settings of the same names.

    Attributes:
        max_concurrency: Documents posted side by side.
        missing_suppliers: Whether suppliers the target lacks are created or held.
        max_documents: Cap on documents created in this run; None for no cap.
        dry_run: Decide everything, post nothing.
        tries: Attempts per document within one run.
        give_up_after: Failed attempts over all runs after which a person has to look.
        down_after: Documents in a row that failed technically until the target counts as down.
        wait_initial: Longest pause before the second try, in seconds; doubles from there.
        wait_longest: Longest pause a system may ask for within a run, in seconds; else the document waits for the next.
    """

    max_concurrency: int = 2
    missing_suppliers: t.Literal["hold", "create"] = "hold"
    max_documents: int | None = None
    dry_run: bool = False
    tries: int = 5
    give_up_after: int = 30
    down_after: int = 5
    wait_initial: float = 0.5
    wait_longest: float = 60.0


class Cap:
    """How many documents this run may still create.

    Args:
        limit: The cap, None for none.
    """

    def __init__(self, limit: int | None) -> None:
        self._left = limit
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Return whether one more may be created, and count it."""
        with self._lock:
            if self._left is None:
                return True
            self._left -= 1
            return self._left >= 0


class Attempt:
    """Carries documents of one kind.

    Args:
        ledger: The ledger.
        sink: The target's side.
        mapper: The map.
        settlement: Where outcomes are written.
        survey: What the target is known to have.
        policy: Choices.
        cap: How many may be created.
        planned: External ids a dry run would have created; shared between kinds.
        target_name: How people call the target.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        sink: DocumentSink[t.Any],
        mapper: Mapper,
        settlement: Settlement,
        survey: Survey,
        policy: Policy,
        cap: Cap,
        planned: set[str],
        target_name: str,
    ) -> None:
        self._ledger = ledger
        self._sink = sink
        self._mapper = mapper
        self._settlement = settlement
        self._survey = survey
        self._policy = policy
        self._cap = cap
        self._planned = planned
        self._cannot_be_asked = False
        self._name = target_name
        self._rivals = Rivals(ledger, sink, mapper, target_name)

    def carry(self, entry_id: int) -> bool:
        """Take one document as far as it goes in this run.

        Returns:
            False when technical trouble outlasted all tries.

        Raises:
            CredentialsRefused, PermissionDenied: No other document will fare better.
            LeaseLost: Another delivery has taken it over.
        """
        try:
            for attempt in attempts(self._pause, tries=self._policy.tries):
                with attempt:
                    self._once(self._load(entry_id))
        except TECHNICAL as fault:
            self._settlement.postponed(self._load(entry_id), fault, give_up_after=self._policy.give_up_after)
            return False
        except LeaseLost:
            self._settlement.overtaken(self._load(entry_id))
            raise
        except Exception as error:
            if ends_the_run(error):
                raise
            self._broke_off(self._load(entry_id), None, error)
        return True

    def _broke_off(self, entry: Entry, mapped: Mapped | None, error: Exception) -> None:
        """Hold a document that a fault of our own stopped; the others go on."""
        number = defects.note(error)
        _logger.error("%s is held: a defect of ml-connector, number %s", entry.label, number)
        reason = wording.broken_off(entry, self._name, number)
        self._settlement.held(entry, mapped, (reason,))

    def _pause(self, fault: SystemFault, attempt: int) -> float | None:
        if not isinstance(fault, TECHNICAL):
            return None
        asked = fault.retry_after if isinstance(fault, Throttled) else None
        if asked is not None and asked > self._policy.wait_longest:
            return None
        return full_jitter(attempt, asked, first=self._policy.wait_initial)

    def _once(self, entry: Entry) -> None:
        if entry.state == "held" and any(reason.code in _FOR_A_PERSON for reason in entry.reasons):
            self._settlement.count_held(entry, None, entry.reasons)
            return
        if damage := self._damage(entry):
            self._settlement.held(entry, None, (damaged(damage),))
            return
        before = entry
        if entry.uncertain:
            try:
                known = self._resolve(entry)
            except (CannotBeSent, Conflict, NotFound, Rejected) as fault:
                self._unanswered(entry, None, fault)
                return
            if not known:
                return
            entry = self._load(entry.id)
        try:
            mapped = self._mapper.map(entry.stream, exact_json.loads(entry.record))
        except MalformedRecord as error:
            reason = Reason("malformed", error.what, error.cure or "correct the record at its source")
            self._settlement.held(entry, None, (reason,))
            return
        self._decided(entry, mapped, before)

    def _decided(self, entry: Entry, mapped: Mapped, before: Entry) -> None:
        """Do what is to be done; what keeps that from being known or done holds the document, and nothing else."""
        try:
            decision = decisions.decide(entry, mapped, leaves_drafts=self._sink.leaves_drafts)
            self._act(decision, entry, mapped, before)
        except (CannotBeSent, Conflict, LookupInconclusive, NotFound, Rejected) as fault:
            # The answer to a question; what is sent is settled where it is sent.
            self._unanswered(entry, mapped, fault)
        except Exception as error:
            if ends_the_run(error):
                raise
            self._broke_off(self._load(entry.id), mapped, error)

    def _unanswered(self, entry: Entry, mapped: Mapped | None, fault: Exception) -> None:
        entry = self._load(entry.id)
        self._settlement.held(entry, mapped, (wording.no_answer(entry, self._name, str(fault)),))

    def _act(self, decision: decisions.Decision, entry: Entry, mapped: Mapped, before: Entry) -> None:
        was_draft = before.target_draft and not entry.target_draft
        match decision:
            case decisions.Keep() if was_draft or (before.target_id is None and entry.target_id is not None):
                outcome = self._outcome(update=was_draft, submit=was_draft, draft=entry.target_draft)
                self._settlement.arrived(entry, mapped, outcome)
            case decisions.Keep():
                self._settlement.kept(entry, mapped)
            case decisions.Drop(why):
                self._settlement.dropped(entry, mapped, why)
            case decisions.HoldBack(reasons):
                self._settlement.held(entry, mapped, self._all_reasons(entry, mapped, reasons))
            case decisions.Revise(document):
                self._send(entry, mapped, document, update=True)
            case decisions.Submit(document):
                self._submit(entry, mapped, document)
            case decisions.Withdraw(document) if self._sink.withdraws:
                self._withdraw(entry, mapped, document)
            case decisions.Withdraw(_, reasons):
                self._settlement.held(entry, mapped, reasons)
            case decisions.Create(document):
                self._create(entry, mapped, document)

    def _all_reasons(self, entry: Entry, mapped: Mapped, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
        """Add what the target has against a document that is held anyway: a person mends all of it in one go."""
        document = mapped.document or mapped.part
        if document is None or not document.checked_in_part or entry.target_id is not None or self._cannot_be_asked:
            return reasons
        against = list(decisions.inconsistencies(document))
        try:
            against += [reason for reason in self._sink.check(document) if reason.value not in self._planned]
        except (CredentialsRefused, PermissionDenied, Throttled, Unavailable):
            # Not once more for each that is held: a password that is refused again and again locks the account.
            self._cannot_be_asked = True
        except SystemFault as fault:
            _logger.debug("%s could not be checked further: %s", entry.label, fault)
        return tuple(dict.fromkeys((*reasons, *against)))

    def _create(self, entry: Entry, mapped: Mapped, document: Document) -> None:
        found = self._sink.match(document)
        if found and (rivals := self._rivals_of(entry, document, found)):
            self._settlement.held(entry, mapped, (rivals,))
        elif found:
            self._settlement.has_already(entry, mapped, found, linked=True)
            if isinstance(document, Supplier) and document.owned:
                # Linked for the first time: what the source is master of is made equal at once.
                linked = dataclasses.replace(self._load(entry.id), sent=None)
                self._send(linked, mapped, document, update=True)
        elif found := self._survey.sighting(entry, document):
            self._settlement.has_already(entry, mapped, found, linked=False)
        elif document.kind == "suppliers" and self._policy.missing_suppliers == "hold":
            reasons = tuple(self._sink.doubts(document)) or (wording.missing_supplier(document, self._name),)
            self._settlement.held(entry, mapped, reasons)
        else:
            self._send(entry, mapped, document, update=False)

    def _submit(self, entry: Entry, mapped: Mapped, document: Document) -> None:
        """Make more than a draft of a draft, if nobody has touched it since."""
        target_id = t.cast("str", entry.target_id)
        there = self._sink.read_back([target_id]).get(target_id)
        if there is not None and not there.draft and not there.cancelled:
            # Somebody was faster; what they submitted is read back and compared at the end of the run.
            self._settlement.no_draft_any_more(entry, mapped, there)
            return
        reason = disagreement(self._sink, entry, there, self._name, submitting=True)
        if reason is None:
            self._send(entry, mapped, document, update=True, submit=True)
        else:
            self._settlement.held(entry, mapped, (reason,), gone=is_gone(self._sink, entry, there))

    def _rivals_of(self, entry: Entry, document: Document, found: Found) -> Reason | None:
        if not found.rests_on or not isinstance(document, Supplier):
            return None
        return self._rivals.of(entry, document, found)

    def _send(self, entry: Entry, mapped: Mapped, document: Document, *, update: bool, submit: bool = False) -> None:
        if self._keeps_back(entry, mapped, document):
            return
        if self._policy.dry_run:
            self._planned.add(document.external_id)
            draft = self._sink.leaves_drafts
            self._settlement.verdict(entry, mapped, self._outcome(update=update, submit=submit, draft=draft))
            return
        if (submit or not update) and not self._cap.take():
            self._settlement.left(entry, mapped)
            return

        def send() -> Delivered:
            if not update:
                return self._sink.create(document)
            previous = self._document_sent(entry) if entry.sent else None
            return self._sink.update(document, t.cast("str", entry.target_id), previous)

        if delivered := self._sent(entry, mapped, document, send, wording.refused):
            outcome = self._outcome(update=update, submit=submit, draft=delivered.draft)
            self._settlement.delivered(entry, mapped, document, delivered, outcome)

    def _outcome(self, *, update: bool, submit: bool, draft: bool) -> Outcome:
        """Return what a document comes to that the target takes."""
        if submit and not draft:
            return "submitted"
        return "updated" if update else "drafted" if draft and self._sink.leaves_drafts else "created"

    def _keeps_back(self, entry: Entry, mapped: Mapped, document: Document) -> bool:
        """Hold a document that would be refused or cannot be sent, before it counts as possibly sent."""
        if entry.state == "held" and entry.refused == content_hash(document.model_dump()):
            # The same content would be refused again, and a client that repeats itself gets throttled.
            self._settlement.count_held(entry, mapped, entry.reasons)
            return True
        reasons = [reason for reason in self._sink.check(document) if reason.value not in self._planned]
        if not reasons:
            try:
                self._sink.compose(document)
            except CannotBeSent as error:
                reasons = [wording.unsendable(document, error)]
        if reasons:
            self._settlement.held(entry, mapped, tuple(reasons))
        return bool(reasons)

    def _withdraw(self, entry: Entry, mapped: Mapped, document: Document) -> None:
        """Take back what was delivered; may be begun again after an unknown outcome."""
        if entry.state == "held" and entry.refused == content_hash(document.model_dump()):
            self._settlement.count_held(entry, mapped, entry.reasons)
            return
        if self._policy.dry_run:
            self._settlement.verdict(entry, mapped, "withdrawn")
            return

        def send() -> Delivered:
            return self._sink.withdraw(document, t.cast("str", entry.target_id))

        if delivered := self._sent(entry, mapped, document, send, wording.not_taken_back):
            self._settlement.withdrawn(entry, mapped, delivered, document.withdrawn or "")

    def _sent(
        self,
        entry: Entry,
        mapped: Mapped,
        document: Document,
        send: t.Callable[[], Delivered],
        refusal: t.Callable[[Entry, Document, SystemFault, str], Reason],
    ) -> Delivered | None:
        """Send, after it is durable that something may have been sent; settle it unless it succeeded.

        Args:
            entry: The document's row.
            mapped: What the map made of its record.
            document: What is sent.
            send: Sends it.
            refusal: Words the target's refusal.
        """
        self._settlement.write_ahead(entry, mapped, document)
        try:
            return send()
        except CannotBeSent as error:
            reason = wording.unsendable(document, error)
            self._settlement.refused(entry, mapped, reason, content_hash(document.model_dump()))
        except (Conflict, Rejected, NotFound) as fault:
            reason = refusal(entry, document, fault, self._name)
            self._settlement.refused(entry, mapped, reason, content_hash(document.model_dump()))
        except (Throttled, Unavailable, CredentialsRefused, PermissionDenied) as fault:
            self._settlement.not_processed(entry, fault)
            raise
        except SystemFault as fault:
            self._settlement.outcome_unknown(entry, fault)
            raise
        except Exception as error:
            if ends_the_run(error):
                raise
            self._broke_off(self._load(entry.id), mapped, error)
        return None

    def _resolve(self, entry: Entry) -> bool:
        """Learn what became of a request whose outcome is unknown; False when the target cannot tell."""
        if entry.target_id is not None and entry.target_draft and not self._sink.leaves_drafts:
            self._resolve_submission(entry, entry.target_id)
            return True
        if entry.target_id is not None:
            # An update says what the target should say, so it may be sent again; whether it arrived does not matter.
            self._settlement.update_open(entry)
            return True
        document = self._document_sent(entry)
        try:
            found = self._sink.find(document)
        except LookupInconclusive as error:
            self._settlement.held(entry, None, (wording.cannot_tell(document, self._name, error),))
            return False
        self._settlement.learned(entry, found, document)
        return True

    def _resolve_submission(self, entry: Entry, target_id: str) -> None:
        """Learn whether a draft was submitted by a request whose outcome is unknown."""
        there = self._sink.read_back([target_id]).get(target_id)
        if there is None or there.draft or there.cancelled:
            self._settlement.submission_open(entry)
        else:
            self._settlement.learned(entry, there, self._document_sent(entry))

    def _damage(self, entry: Entry) -> str | None:
        """Return the columns of a row that do not hold what was written there."""
        if entry.damage is not None:
            return entry.damage
        try:
            exact_json.loads(entry.record)
        except (ValueError, RecursionError):
            return "record"
        try:
            if entry.sent is not None:
                self._document_sent(entry)
        except pydantic.ValidationError:
            return "sent"
        return "sent" if entry.uncertain and entry.target_id is None and entry.sent is None else None

    def _document_sent(self, entry: Entry) -> Document:
        return self._sink.document_class.model_validate_json(t.cast("str", entry.sent))

    def _load(self, entry_id: int) -> Entry:
        return self._ledger.ask(lambda connection: load(connection, entry_id))
