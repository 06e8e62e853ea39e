"""Writing what became of a document: state, audit and count in one place and one transaction."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import typing as t

import sqlalchemy as sa

from ml_connector import defects
from ml_connector.delivery.comparing import is_disputed
from ml_connector.delivery.sink import Delivered, Found
from ml_connector.documents import Document, Mapped
from ml_connector.errors import Reason, SystemFault, Throttled
from ml_connector.ledger import audit
from ml_connector.ledger.audit import Step
from ml_connector.ledger.entries import Entry, settle
from ml_connector.ledger.faults import LeaseLost
from ml_connector.ledger.runs import AutomaticLink, Outcome, Run
from ml_connector.ledger.schema import keeps
from ml_connector.ledger.store import Ledger
from ml_connector.money import exact

__all__ = ["LEASE", "Settlement"]

_logger = logging.getLogger(__name__)

LEASE: t.Final = dt.timedelta(seconds=90)
"""How long a claimed document stays ours without a sign of life."""

_LONGEST_BACKOFF = dt.timedelta(hours=6)
_AS_IF_NEVER_SENT: t.Final[t.Mapping[str, t.Any]] = {
    "uncertain": False,
    "origin": None,
    "target_id": None,
    "target_number": None,
    "target_draft": False,
    "target_open": False,
    "target_currency": None,
    "target_amount": None,
    "target_gone": False,
    "posted_at": None,
    "verified_at": None,
    "sent": None,
    "fingerprint": None,
    "refused": None,
    "held_since": None,
    "next_attempt_at": None,
}


class Settlement:
    """Outcomes of one run, on their way to ledger, audit and summary.

    Args:
        ledger: Where outcomes go.
        run: The run they belong to.
        target_name: How people call the target (``Workday``).
        aloud: Log every verdict, as a dry run does.
    """

    def __init__(self, ledger: Ledger, run: Run, target_name: str, *, aloud: bool = False) -> None:
        self._ledger = ledger
        self._run = run
        self._name = target_name
        self._aloud = aloud

    def write_ahead(self, entry: Entry, mapped: Mapped, document: Document) -> None:
        """Make the request's identity durable; after this the document counts as possibly posted."""
        step = Step(
            "intent",
            f"about to send to {self._name}",
            entry.id,
            document.external_id,
            _versions(entry, mapped),
        )
        self._write(
            entry,
            [step],
            **_description(mapped),
            state="posting",
            uncertain=True,
            attempts=entry.attempts + 1,
            sent=_text(document),
            fingerprint=mapped.fingerprint,
            lease_until=_now() + LEASE,
        )

    def delivered(
        self, entry: Entry, mapped: Mapped, document: Document, delivered: Delivered, outcome: Outcome
    ) -> None:
        """The target has taken a document."""
        number = delivered.number or entry.target_number
        outcome = "unchanged" if delivered.unchanged and outcome != "submitted" else outcome
        step = Step(
            "posted" if outcome == "created" else outcome,
            f"{self._name} {number or delivered.target_id}",
            entry.id,
            mapped.external_id,
            {
                "target_id": delivered.target_id,
                "warnings": delivered.warnings,
                "request": delivered.request,
                "response": delivered.response,
            },
        )
        origin = entry.origin or "delivered"
        has_it = _has_it(dataclasses.replace(delivered, number=number), origin)
        unfinished = self._unfinished(entry, delivered.unfinished)
        self._write(
            entry,
            [step],
            **{**has_it, **_standing(document), **unfinished},
            posted_at=None if delivered.draft else _now(),
        )
        reasons = unfinished.get("reasons", ())
        self._count(entry, mapped, "held" if unfinished and outcome != "created" else outcome, reasons)

    def withdrawn(self, entry: Entry, mapped: Mapped, delivered: Delivered, why: str) -> None:
        """The target has given it back; should its source stand by it again, it is a new one."""
        step = Step(
            "withdrawn",
            f"{self._name} {entry.target_number or entry.target_id} was taken back: {why}",
            entry.id,
            mapped.external_id,
            {
                "target_id": delivered.target_id,
                "warnings": delivered.warnings,
                "request": delivered.request,
                "response": delivered.response,
            },
        )
        reason = Reason("filtered", f"taken back: {why}", "nothing to do")
        self._write(
            entry,
            [step],
            **_description(mapped),
            **_AS_IF_NEVER_SENT,
            state="ignored",
            reasons=(reason,),
        )
        self._count(entry, mapped, "withdrawn")

    def update_open(self, entry: Entry) -> None:
        """Whether an update arrived is unknown; it is decided anew, and sent again if need be."""
        self._write(entry, [], state="received", uncertain=False, fingerprint=None, sent=None)

    def learned(self, entry: Entry, found: Found | None, document: Document) -> None:
        """The target was asked about a request whose outcome was unknown, and has answered."""
        external_id = document.external_id
        if found is None:
            step = Step("looked_up", f"{self._name} has no {external_id}: it did not arrive", entry.id, external_id)
            self._write(entry, [step], state="received", uncertain=False)
            return
        where = found.number or found.target_id
        step = Step(
            "looked_up",
            f"{self._name} has it as {where}: it had arrived",
            entry.id,
            external_id,
            {"found": dataclasses.asdict(found)},
        )
        self._write(
            entry,
            [step],
            **{
                **_has_it(found, entry.origin or "delivered"),
                **_standing(document),
                **self._unfinished(entry, found.unfinished),
            },
            posted_at=None if found.draft else entry.posted_at or _now(),
        )

    def submission_open(self, entry: Entry) -> None:
        """A draft was to be submitted and still is one; what was sent is kept, to be compared before the next try."""
        self._write(entry, [], state="received", uncertain=False)

    def arrived(self, entry: Entry, mapped: Mapped, outcome: Outcome) -> None:
        """Count a document whose arrival was learned only in this run."""
        self._count(entry, mapped, outcome)

    def has_already(self, entry: Entry, mapped: Mapped, found: Found, *, linked: bool) -> None:
        """The target had it before this ledger posted anything: ``linked`` from elsewhere, else under our own id."""
        outcome: Outcome = "linked" if linked else "found"
        where = found.number or found.target_id
        name = found.facts.get("name")
        named = f'"{name}" ({where})' if name else where
        text = f"is {self._name} {named}" if linked else f"{self._name} has it already as {where}"
        text += f": {found.rests_on}" if found.rests_on else ""
        step = Step(outcome, text, entry.id, mapped.external_id, {"found": dataclasses.asdict(found)})
        self._write(
            entry,
            [step],
            **_description(mapped),
            **{
                **_has_it(found, "matched" if linked else "found"),
                **(_standing(mapped.document) if mapped.document else {}),
                **self._unfinished(entry, found.unfinished),
            },
            fingerprint=mapped.fingerprint,
            sent=_text(mapped.document) if mapped.document else None,
            posted_at=None if found.draft else entry.posted_at or _now(),
        )
        self._count(entry, mapped, outcome)
        if found.rests_on:
            source = f'"{mapped.party}" ({entry.source_id})' if mapped.party else entry.source_id
            self._run.summary.link(AutomaticLink(entry.kind, source, named, found.rests_on))

    def no_draft_any_more(self, entry: Entry, mapped: Mapped, found: Found) -> None:
        """Somebody has submitted or posted, over there, what was left as a draft."""
        where = found.number or found.target_id
        step = Step(
            "looked_up",
            f"{self._name} {where} is no draft any more ({found.status})",
            entry.id,
            mapped.external_id,
            {"found": dataclasses.asdict(found)},
        )
        self._write(
            entry, [step], **_description(mapped), **_has_it(found, entry.origin or "delivered"), posted_at=_now()
        )
        self._count(entry, mapped, "unchanged")

    def kept(self, entry: Entry, mapped: Mapped) -> None:
        """The target has it and it says what it said."""
        if is_disputed(entry):
            # Until the target has been read again and agrees, which is done at the end of each run.
            self.held(entry, mapped, entry.reasons)
            return
        if entry.state != "posted":
            step = Step("unchanged", f"{self._name} has it as it is", entry.id, mapped.external_id)
            values = {"state": "posted", "reasons": (), "held_since": None}
            self._write(entry, [step], **_description(mapped), fingerprint=mapped.fingerprint, **values)
        self._count(entry, mapped, "unchanged")

    def dropped(self, entry: Entry, mapped: Mapped, why: str) -> None:
        """The map's filter does not want it any more."""
        step = Step("ignored", why, entry.id, mapped.external_id, _versions(entry, mapped))
        reason = Reason("filtered", why, "nothing to do; it comes back by itself when the filter wants it again")
        self._write(entry, [step], **_description(mapped), state="ignored", reasons=(reason,), held_since=None)
        self._count(entry, mapped, "left_out", (reason,))

    def held(
        self, entry: Entry, mapped: Mapped | None, reasons: tuple[Reason, ...], *, gone: bool | None = None
    ) -> None:
        """A person has to act; noted once, however often the same reasons come up.

        Args:
            entry: The document's row.
            mapped: What the map made of its record; None where that was not looked at.
            reasons: Why it is held.
            gone: Whether it counts for nothing any more over there, where that was just looked at.
        """
        standing = {} if gone in (None, entry.target_gone) else {"target_gone": gone}
        if standing or entry.reasons != reasons or entry.state != "held":
            outcome = "; ".join(reason.what for reason in reasons)
            detail = {"reasons": [reason.to_dict() for reason in reasons]}
            external_id = mapped.external_id if mapped else entry.external_id
            self._write(
                entry,
                [Step("held", outcome, entry.id, external_id, detail)],
                **(_description(mapped) if mapped else {}),
                **standing,
                state="held",
                reasons=reasons,
                held_since=entry.held_since or _now(),
            )
        self.count_held(entry, mapped, reasons)

    def refused(self, entry: Entry, mapped: Mapped, reason: Reason, document_hash: str) -> None:
        """The target refused what was sent; the same content is not sent again."""
        step = Step("refused", reason.what, entry.id, mapped.external_id)
        self._write(
            entry,
            [step],
            **_description(mapped),
            **_as_before(entry),
            state="held",
            reasons=(reason,),
            held_since=entry.held_since or _now(),
            refused=document_hash,
        )
        self.count_held(entry, mapped, (reason,))

    def count_held(self, entry: Entry, mapped: Mapped | None, reasons: tuple[Reason, ...]) -> None:
        """Count a document that is held, without writing."""
        self._count(entry, mapped or entry, "held", reasons)
        self._run.summary.defects.update(reason.value or "" for reason in reasons if reason.code == defects.CODE)

    def not_processed(self, entry: Entry, fault: SystemFault) -> None:
        """The target answered that it did not process the request; the document is as it was before."""
        step = Step("failed", str(fault), entry.id, entry.external_id)
        self._write(entry, [step], state="received", **_as_before(entry))

    def outcome_unknown(self, entry: Entry, fault: SystemFault) -> None:
        """Nobody knows whether the request arrived; the next attempt begins by asking."""
        step = Step("failed", str(fault), entry.id, entry.external_id, {"outcome": "unknown"})
        self._write(entry, [step])

    def postponed(self, entry: Entry, fault: SystemFault, *, give_up_after: int) -> None:
        """Technical trouble outlasted this run's tries."""
        if entry.attempts >= give_up_after:
            what = f"given up after {entry.attempts} attempts; {fault}"
            cure = f"when {self._name} works again: `ml-connector replay {entry.label}`"
            self.held(entry, None, (Reason("technical", what, cure),))
            return
        wait = min(dt.timedelta(minutes=1) * 2 ** min(entry.attempts, 10), _LONGEST_BACKOFF)
        if isinstance(fault, Throttled) and fault.retry_after is not None:
            wait = max(wait, dt.timedelta(seconds=fault.retry_after))
        step = Step("postponed", str(fault), entry.id, entry.external_id)
        state = {} if entry.uncertain else {"attempts": entry.attempts + 1}
        self._write(entry, [step], state="retry", next_attempt_at=_now() + wait, **state)
        self._count(entry, entry, "retry")

    def left(self, entry: Entry, mapped: Mapped) -> None:
        """The cap on documents was reached before it."""
        self._write(entry, [], **_description(mapped), state="received")
        self._count(entry, mapped, "waiting")

    def verdict(self, entry: Entry, mapped: Mapped, outcome: Outcome) -> None:
        """A dry run's word: what would have been done."""
        self._write(entry, [], **_description(mapped))
        self._count(entry, mapped, outcome)

    def _unfinished(self, entry: Entry, words: str | None) -> dict[str, t.Any]:
        """Return what keeps a document open that the target has, but not as it is to be."""
        if words is None:
            return {}
        cure = f"mend what {self._name} names; the next run goes on with it"
        return {
            "state": "held",
            "reasons": (Reason("unfinished", words, cure),),
            "held_since": entry.held_since or _now(),
        }

    def overtaken(self, entry: Entry) -> None:
        """Another delivery has it; what becomes of it is in that one's account."""
        self._count(entry, entry, "waiting")

    def _count(self, entry: Entry, what: Mapped | Entry, outcome: Outcome, reasons: tuple[Reason, ...] = ()) -> None:
        if self._aloud:
            _logger.info("%s", _verdict(entry.kind, what, outcome, "; ".join(reason.what for reason in reasons)))
        self._run.summary.settle(
            entry.id,
            entry.kind,
            outcome,
            currency=what.currency,
            amount=what.amount if what.amount is not None and keeps(what.amount) else None,
            reasons=reasons,
        )

    def _write(self, entry: Entry, steps: list[Step], **values: t.Any) -> None:
        run = self._run

        def work(connection: sa.Connection) -> bool:
            if values and not settle(connection, entry.id, run.id, **values):
                return False
            audit.append(connection, steps, run=run.id, actor=run.actor)
            return True

        if not self._ledger.write(work):
            raise LeaseLost


def _verdict(kind: str, what: Mapped | Entry, outcome: Outcome, why: str) -> str:
    verbs = {
        "created": "create",
        "updated": "update",
        "linked": "link",
        "drafted": "leave as a draft",
        "submitted": "submit the draft",
        "left_out": "leave out",
        "withdrawn": "take back",
    }
    verb = f"would {verbs[outcome]}" if outcome in verbs else outcome.replace("_", " ")
    thing = kind.removesuffix("s").replace("_", " ")
    amount = (
        f"{what.currency} {exact(what.amount, what.currency):,f}" if what.amount is not None and what.currency else None
    )
    words = (
        f"{verb}:",
        thing,
        what.number or what.external_id,
        what.party,
        amount,
        f"because {why}" if why else None,
    )
    return " ".join(word for word in words if word)


def _as_before(entry: Entry) -> dict[str, t.Any]:
    """Return the values that undo a write-ahead whose request certainly changed nothing."""
    return {"uncertain": False, "fingerprint": entry.fingerprint, "sent": entry.sent}


def _has_it(there: Delivered | Found, origin: str) -> dict[str, t.Any]:
    return {
        "state": "posted",
        "uncertain": False,
        "origin": origin,
        "target_id": there.target_id,
        "target_number": there.number,
        "target_draft": there.draft,
        "target_open": there.draft if there.open is None else there.open,
        "target_gone": isinstance(there, Found) and there.cancelled,
        "verified_at": _now() if origin == "matched" else None,  # a link is no claim about content
        "refused": None,
        "reasons": (),
        "held_since": None,
        "next_attempt_at": None,
    }


def _standing(document: Document) -> dict[str, t.Any]:
    """Return what stands over there once a document is known to have arrived."""
    amount = document.total_amount
    return {
        "target_currency": document.currency_code,
        "target_amount": amount if amount is not None and keeps(amount) else None,
    }


def _description(mapped: Mapped) -> dict[str, t.Any]:
    amount = mapped.amount
    return {
        "number": mapped.number,
        "party": mapped.party,
        "currency": mapped.currency,
        "amount": amount if amount is not None and keeps(amount) else None,
        "booking_date": mapped.date,
        "external_id": mapped.external_id,
    }


def _text(document: Document) -> str:
    return document.model_dump_json(exclude=set(document.bulky))


def _versions(entry: Entry, mapped: Mapped) -> dict[str, t.Any]:
    return {"version": entry.version, "record_hash": entry.record_hash, "fingerprint": mapped.fingerprint}


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
