"""Which of a target's suppliers a supplier of the source is, decided for every target by one judgement.

Who is paid hangs on it: an id or a tax number links a supplier by itself only where one party alone has it on either
side and name, country and tax number do not contradict (``ml_connector.matching``). What falls short is held and told.
"""

from __future__ import annotations

import dataclasses
import threading
import typing as t

from ml_connector.documents import Supplier
from ml_connector.errors import Reason
from ml_connector.matching import Evidence, Proposal, judged
from ml_connector.sameness import same_country
from ml_connector.system.access import Party

__all__ = ["Judgement", "SupplierJudge"]


class HasParty(t.Protocol):
    """A supplier of a target."""

    @property
    def label(self) -> str:
        """Its name and id, as messages quote it."""
        ...

    @property
    def party(self) -> Party:
        """What it can be matched by."""
        ...


T = t.TypeVar("T", bound=HasParty)


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement(t.Generic[T]):
    """What was decided about a supplier.

    Attributes:
        thing: The one it is; None when that is not certain.
        rests_on: What that rests on, in words for people.
        doubts: What else something speaks for, with what that is and what speaks against it.
    """

    thing: T | None = None
    rests_on: str = ""
    doubts: tuple[str, ...] = ()

    def reason(self, document: Supplier, system: str, noun: str) -> Reason | None:
        """Return why a person has to decide, None when there is no doubt.

        Args:
            document: The supplier.
            system: What people call the target.
            noun: What the target calls a supplier.
        """
        if not self.doubts:
            return None
        return Reason(
            "ambiguous",
            f'supplier "{document.name}" ({document.source.id}) may be {system} {noun} {" or ".join(self.doubts)}',
            f"add a row to the mapping table suppliers.csv that says which {noun} it is",
            "supplier",
            document.source.id,
        )


class SupplierJudge(t.Generic[T]):
    """Judges what speaks for a supplier being one of the target's; thread-safe, for one run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims: dict[str, tuple[str, str]] = {}

    def judge(self, document: Supplier, by_id: t.Iterable[T | None], by_tax_id: t.Sequence[T]) -> Judgement[T]:
        """Return which of the target's suppliers it is.

        Args:
            document: The supplier.
            by_id: Those that go by one of its ids; None is nobody.
            by_tax_id: All that have its tax number.
        """
        things: dict[str, T] = {}
        hows: dict[str, list[str]] = {}
        for how, found in (("external id", by_id), ("tax id", by_tax_id)):
            for thing in found:
                if thing is not None:
                    things.setdefault(thing.party.id, thing)
                    if how not in (mine := hows.setdefault(thing.party.id, [])):
                        mine.append(how)
        evidence = [
            Evidence(thing.party, tuple(hows[key]), shared=hows[key] == ["tax id"] and len(by_tax_id) > 1)
            for key, thing in things.items()
        ]
        proposals = judged(_party_of(document), evidence)
        certain = next((each for each in proposals if each.certain), None)
        if certain is None:
            doubts = (_doubt(things[each.target.id], each) for each in proposals if each.target is not None)
            return Judgement(doubts=tuple(doubts))
        thing = things[t.cast("Party", certain.target).id]
        first = self._first_claim(thing.party.id, document)
        if first is not None:
            words = f'{thing.label}, as "{first[1]}" ({first[0]}) is: {_HOWS[certain.how]} for both'
            return Judgement(doubts=(words,))
        return Judgement(thing, _rests_on(certain))

    def _first_claim(self, target: str, document: Supplier) -> tuple[str, str] | None:
        """Return which other supplier of the source has been linked to this one of the target in this run."""
        with self._lock:
            first = self._claims.setdefault(target, (document.source.id, document.name))
        return None if first[0] == document.source.id else first


_HOWS: t.Final = {
    "external id": "the same id",
    "tax id": "the same tax number",
    "external id and tax id": "the same id and tax number",
}


def _party_of(document: Supplier) -> Party:
    return Party(
        id=document.source.id,
        name=document.name,
        tax_ids=frozenset({document.tax_id} if document.tax_id else ()),
        country=document.country,
        active=document.active,
    )


def _doubt(thing: HasParty, proposal: Proposal) -> str:
    return f"{thing.label}: {_HOWS[proposal.how]}, but {proposal.note}"


def _rests_on(proposal: Proposal) -> str:
    target = t.cast("Party", proposal.target)
    words = [_HOWS[proposal.how], f"names alike to {proposal.score} %"]
    if same_country(proposal.source.country, target.country):
        words.append("the same country")
    return ", ".join(words)
