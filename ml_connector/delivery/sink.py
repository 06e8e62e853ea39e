"""What a target must be able to do with one kind of document.

A sink knows the target system; it knows nothing of the ledger, of retries or of other documents. The delivery
(``ml_connector.delivery.delivery``) calls it in one order for first attempts, retries, replays and after crashes:

    match -> check -> (write-ahead) -> find, if anything before may have succeeded -> create, update or withdraw
    -> finish -> read back in bulk
"""

from __future__ import annotations

import abc
import dataclasses
import datetime as dt
import typing as t
from decimal import Decimal

from ml_connector.documents import Document, canonical_json
from ml_connector.errors import Reason

__all__ = ["WATCHED", "Delivered", "DocumentSink", "Found", "LookupInconclusive", "differences"]

WATCHED: t.Final = dt.timedelta(days=90)
"""How long documents of money are watched: most are cancelled before they are paid, and few are due later."""

D = t.TypeVar("D", bound=Document)


class LookupInconclusive(Exception):
    """The target could not say whether a document exists; the document must wait or be held.

    Args:
        why: One sentence for the person who has to look.
    """


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """A thing that exists in the target.

    Attributes:
        target_id: The target's own id (Workday: the WID).
        external_id: The id it was created under, None when nobody gave it one.
        number: The number people see in the target.
        status: The target's own word for its state.
        draft: Whether it is a draft, which counts for nothing until it is submitted or posted.
        open: Whether it may still be changed; None: as long as it is a draft.
        cancelled: Whether it was undone in the target.
        unfinished: What is still to be done with it, see ``Delivered``.
        rests_on: What says that it is this document, where we link them by ourselves; empty where a person, an earlier
            delivery or our own id did.
        facts: What can be compared with what was sent (``company``, ``supplier``, ``supplier_number``,
            ``currency``, ``total``, ``lines`` ...), values already canonical.
    """

    target_id: str
    external_id: str | None = None
    number: str | None = None
    status: str | None = None
    draft: bool = False
    open: bool | None = None
    cancelled: bool = False
    unfinished: str | None = None
    rests_on: str = ""
    facts: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Delivered:
    """Proof that the target has taken a document.

    Attributes:
        target_id: The target's own id.
        number: The number people see in the target.
        draft: Whether it was left as a draft, which counts for nothing until it is submitted or posted.
        open: Whether it may still be changed; None: as long as it is a draft.
        unchanged: Nothing had to be sent: the target said so already.
        unfinished: Why it is not what it is to become, such as posted. It is held with these words, and every run
            takes it up again with ``update``.
        warnings: The target's warnings, in its own words; kept on the audit record.
        request: What was sent, without secrets and bank details, for the audit.
        response: What came back, likewise.
    """

    target_id: str
    number: str | None = None
    draft: bool = False
    open: bool | None = None
    unchanged: bool = False
    unfinished: str | None = None
    warnings: tuple[str, ...] = ()
    request: str | None = None
    response: str | None = None


class DocumentSink(abc.ABC, t.Generic[D]):
    """Delivers documents of one kind to one system. Must be usable from several threads at once.

    Errors: every method raises the classes of ``ml_connector.errors``. ``create`` and ``update`` raise
    ``OutcomeUnknown`` whenever the request may have been processed, and ``Unavailable`` or ``Throttled`` only
    when it certainly was not.
    """

    document_class: t.ClassVar[type[Document]]
    """The documents this sink takes."""

    surveyed_by_date: t.ClassVar[bool] = False
    """Whether the target can be read in bulk by booking date, to find what a lost ledger had posted."""

    reads_back: t.ClassVar[bool] = False
    """Whether what was created can be read back in bulk, to compare it with what was sent."""

    withdraws: t.ClassVar[bool] = False
    """Whether what was delivered can be taken back when its source no longer stands by it; else it is held."""

    watched: t.ClassVar[dt.timedelta] = dt.timedelta()
    """How long after it was created it is read back again, once a day: what people undo over there, unseen by us."""

    deletes: t.ClassVar[bool] = False
    """Whether people can delete what was created, drafts apart. Where they cannot, what is not shown any more still
    stands: whoever reads has lost the sight of it."""

    leaves_drafts: bool = False
    """Whether what it creates stays a draft, by choice of its owner. Where it does not, drafts that earlier runs have
    left are taken up again with ``update``, once it is certain that they still say what was sent."""

    side_by_side: int = 1
    """Documents to carry at once at least, for a sink that sends together what is created at the same time."""

    @property
    def kind(self) -> str:
        """Kind of document this sink takes."""
        return self.document_class.kind

    @abc.abstractmethod
    def prepare(self) -> None:
        """Read, once before the first document of a run, what checks and matches need."""

    def match(self, document: D) -> Found | None:
        """Return the thing in the target that *is* this document though we did not create it, if there is one.

        Only certain matches count (a mapped id, an id of ours or a tax number that is unique and that nothing
        contradicts); never a name.
        """
        del document
        return None

    def doubts(self, document: D) -> list[Reason]:
        """Return why this may be something in the target though it is not certain: a person has to decide."""
        del document
        return []

    @abc.abstractmethod
    def check(self, document: D) -> list[Reason]:
        """Return everything the target's reference data has against the document (unknown, inactive ...)."""

    @abc.abstractmethod
    def find(self, document: D) -> Found | None:
        """Ask the target whether a document with this external id exists.

        Returns:
            The thing, or None when the target has *proved* that there is none.

        Raises:
            LookupInconclusive: The target cannot tell.
        """

    def survey(self, first: dt.date, last: dt.date) -> t.Iterator[Found]:
        """Read everything in the target whose booking date lies in ``first..last``, both included."""
        del first, last
        return iter(())

    def compose(self, document: D) -> None:
        """Build what would be sent for a document as far as that can be done without asking, and send nothing.

        Called after ``check``, before the document counts as possibly sent.

        Raises:
            CannotBeSent: Something of the document fits into no request; names the field.
        """
        del document

    @abc.abstractmethod
    def create(self, document: D) -> Delivered:
        """Create the document, once. Never repeats the request by itself after it may have been processed."""

    @abc.abstractmethod
    def update(self, document: D, target_id: str, previous: D | None) -> Delivered:
        """Make the target's thing say what the document says. May be called again after an unknown outcome.

        Args:
            document: What it should say: all of it for a draft, the owned fields for a supplier.
            target_id: The target's own id.
            previous: What was sent last, as far as it is certain to have arrived; tells a change of ours from one
                that somebody made in the target.

        Raises:
            Conflict: The target's thing may not be changed any more, or somebody else changed it meanwhile.
        """

    def withdraw(self, document: D, target_id: str) -> Delivered:
        """Take back what was delivered. May be called again after an unknown outcome, and when it is gone already.

        Args:
            document: As its source has it now, ``withdrawn`` saying why.
            target_id: The target's own id.

        Raises:
            Conflict: It can only be undone by a person; ``cure`` says what the person has to do.
        """
        raise AssertionError(f"{type(self).__name__} takes nothing back ({document.external_id}, {target_id})")

    def finish(self) -> bool:
        """Do what is done once a run, after its last document, such as posting a journal; not in a dry run.

        Called whether or not there was a document. What fails is told and left to the next run.

        Returns:
            Whether drafts may have become more than drafts by it.
        """
        return False

    def facts(self, document: D) -> t.Mapping[str, t.Any]:
        """Return what ``Found.facts`` should say if the target holds exactly this document."""
        del document
        return {}

    def read_back(self, target_ids: t.Sequence[str]) -> dict[str, Found]:
        """Read what was created, in as few calls as the target allows, keyed by target id."""
        del target_ids
        return {}


def differences(expected: t.Mapping[str, t.Any], found: Found) -> list[str]:
    """Return in words where the target's facts differ from what was sent; facts the target lacks are not compared."""
    return [
        f"{name.replace('_', ' ')} is {_text(found.facts[name])}, sent was {_text(value)}"
        for name, value in expected.items()
        if name in found.facts and canonical_json(found.facts[name]) != canonical_json(value)
    ]


def _text(value: t.Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)
