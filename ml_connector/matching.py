"""Which of one system's parties is which of another's: proof where there is proof, suggestions for people elsewhere.

Proof is an id, a number or a tax number that only one party has on each side, and nothing that speaks against it. A
name is never proof: the same name with another tax number is another company, and so may a similar one be.

``judged`` is the one judgement, for ``ml-connector match`` as for deliveries that link suppliers by themselves.
"""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t
import unicodedata

from rapidfuzz import fuzz, process

from ml_connector.sameness import same_country, same_name, same_number, telling_tax_id
from ml_connector.system.access import Party

__all__ = ["Evidence", "Proposal", "judged", "match_parties"]

LEAST_SCORE: t.Final = 85
"""Similarity of names, 0 to 100, from which on a party is suggested."""

CONTRADICTION: t.Final = 60
"""Similarity of names below which they speak against a shared id or tax number, of which one may be mistyped."""

_CROWDED: t.Final = 1_500
# fmt: off
_LEGAL_FORMS: t.Final = frozenset({
    "ab", "ag", "as", "asa", "bv", "bvba", "cc", "co", "company", "corp", "corporation", "cv", "eirl", "eurl", "gmbh",
    "inc", "incorporated", "kft", "kg", "kgaa", "kk", "ksc", "limited", "llc", "lllp", "llp", "lp", "ltd",
    "ltda", "mbh", "nv", "oy", "oyj", "plc", "pllc", "pte", "pty", "sa", "sarl", "sas", "se", "sl", "sp", "spa", "srl",
    "srls", "ug",
})
# fmt: on


@dataclasses.dataclass(frozen=True, slots=True)
class Proposal:
    """A source's party and one it may be in the target.

    Attributes:
        source: The party.
        target: The other; None where nobody resembles it.
        how: What speaks for it: ``external id``, ``number``, ``tax id``, ``name``; empty without a target.
        score: How much the names resemble each other, 0 to 100.
        certain: Whether it is proved; names alone never do.
        note: What speaks against it, for whoever decides.
    """

    source: Party
    target: Party | None = None
    how: str = ""
    score: int | None = None
    certain: bool = False
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """A target's party that shares something with a source's.

    Attributes:
        target: The party.
        hows: What they share: ``external id``, ``number``, ``tax id``.
        shared: Whether others share that, too.
    """

    target: Party
    hows: tuple[str, ...]
    shared: bool = False


def judged(source: Party, evidence: t.Sequence[Evidence]) -> list[Proposal]:
    """Return a proposal for each party something speaks for; at most one of them is certain.

    Names, countries and tax numbers that differ speak against, as do others that share the same, a party that is not
    in use, and something else that speaks for another party.
    """
    weighed = [_weighed(source, each) for each in evidence]
    if len(weighed) < 2:
        return weighed
    return [_doubted(each, "something else speaks for another one") for each in weighed]


def match_parties(
    sources: t.Sequence[Party],
    targets: t.Sequence[Party],
    *,
    taken: t.Mapping[str, str] | None = None,
    least_score: int = LEAST_SCORE,
    most: int = 3,
) -> list[Proposal]:
    """Return proposals for every source, best first; one without a target where nothing was found.

    Args:
        sources: Parties to be matched.
        targets: Parties they may be.
        taken: Which of the source's parties is mapped to a target already, by any of the target's ids.
        least_score: Similarity of names from which on one is suggested.
        most: Suggestions per source at most.
    """
    evidence = _Evidence(sources, targets)
    names = _Names(targets)
    proved: dict[str, list[Proposal]] = {}
    for source in sources:
        proved[source.id] = judged(source, list(evidence.of(source)))
    claims = collections.Counter(
        proposal.target.id
        for proposals in proved.values()
        for proposal in proposals
        if proposal.target is not None and proposal.certain
    )
    found: list[Proposal] = []
    for source in sources:
        proposals = [_contested(each, claims, taken or {}) for each in proved[source.id]]
        if not any(each.certain for each in proposals):
            known = {each.target.id for each in proposals if each.target is not None}
            similar = names.similar(source, least_score, most + len(known))
            proposals += [each for each in similar if each.target is not None and each.target.id not in known]
        found += proposals[: max(most, 1)] or [Proposal(source)]
    return found


class _Evidence:
    """Who shares an id, a number or a tax number with whom."""

    def __init__(self, sources: t.Sequence[Party], targets: t.Sequence[Party]) -> None:
        self._by_external = _index(targets, lambda party: {party.external_id} if party.external_id else set())
        self._by_id = _index(targets, lambda party: {party.id})
        self._by_number = _index(targets, _numbers)
        self._by_tax = _index(targets, _tax_ids)
        self._source_numbers = _index(sources, _numbers)
        self._source_taxes = _index(sources, _tax_ids)
        self._source_externals = _index(sources, lambda party: {party.external_id} if party.external_id else set())

    def of(self, source: Party) -> t.Iterator[Evidence]:
        """Yield each target with what it shares with the source, and whether others share that too."""
        shared: dict[str, bool] = {}
        hows: dict[str, list[str]] = collections.defaultdict(list)
        parties: dict[str, Party] = {}

        def add(how: str, found: t.Sequence[Party], *, own: int) -> None:
            for target in found:
                parties[target.id] = target
                if how not in hows[target.id]:
                    hows[target.id].append(how)
                unique = len(found) == 1 and own == 1
                shared[target.id] = shared.get(target.id, True) and not unique

        add("external id", self._by_external.get(source.id, ()), own=1)
        if source.external_id:
            own = len(self._source_externals[source.external_id])
            add("external id", self._by_id.get(source.external_id, ()), own=own)
        for number in sorted(_numbers(source)):
            add("number", self._by_number.get(number, ()), own=len(self._source_numbers[number]))
        for tax_id in sorted(_tax_ids(source)):
            add("tax id", self._by_tax.get(tax_id, ()), own=len(self._source_taxes[tax_id]))
        for target_id, target in parties.items():
            yield Evidence(target, tuple(hows[target_id]), shared[target_id])


class _Names:
    """The targets' names, arranged so that each name is compared with few."""

    def __init__(self, targets: t.Sequence[Party]) -> None:
        self._targets = targets
        self._cores = [_core(target.name) for target in targets]
        self._blocks: dict[str, list[int]] = collections.defaultdict(list)
        for number, core in enumerate(self._cores):
            for key in _block_keys(core):
                self._blocks[key].append(number)

    def similar(self, source: Party, least_score: int, most: int) -> list[Proposal]:
        """Return the targets whose names come nearest."""
        core = _core(source.name)
        blocks = sorted((block for key in _block_keys(core) if (block := self._blocks.get(key))), key=len)
        # What every second name contains ("services") finds everybody; it counts only when there is nothing else.
        numbers = list(
            dict.fromkeys(n for at, block in enumerate(blocks) if at == 0 or len(block) < _CROWDED for n in block)
        )
        found = process.extract(
            core, [self._cores[n] for n in numbers], scorer=fuzz.ratio, score_cutoff=least_score, limit=most
        )
        proposals = []
        for _, score, at in found:
            target = self._targets[numbers[at]]
            proposals.append(Proposal(source, target, "name", round(score), note="; ".join(_doubts(source, target))))
        return proposals


def _weighed(source: Party, evidence: Evidence) -> Proposal:
    target, shared_things = evidence.target, " and ".join(evidence.hows)
    score = round(fuzz.ratio(_core(source.name), _core(target.name)))
    doubts = _doubts(source, target)
    if evidence.shared:
        doubts.insert(0, f"others have the same {shared_things}")
    # Both systems may number from 1: a number alone is proof only where the names resemble each other as well.
    if score < (LEAST_SCORE if evidence.hows == ("number",) else CONTRADICTION):
        doubts.insert(0, "the names differ")
    return Proposal(source, target, shared_things, score, certain=not doubts, note="; ".join(doubts))


def _doubted(proposal: Proposal, note: str) -> Proposal:
    if not proposal.certain:
        return proposal
    return dataclasses.replace(proposal, certain=False, note=note)


def _doubts(source: Party, target: Party) -> list[str]:
    doubts = []
    own, other = _tax_ids(source), _tax_ids(target)
    if own and other and not own & other:
        doubts.append("the tax numbers differ")
    if same_country(source.country, target.country) is False:
        doubts.append("the countries differ")
    if not target.active:
        doubts.append("inactive in the target")
    return doubts


def _contested(proposal: Proposal, claims: t.Mapping[str, int], taken: t.Mapping[str, str]) -> Proposal:
    """Take certainty away where several sources point at one target."""
    target = proposal.target
    if not proposal.certain or target is None:
        return proposal
    holder = next((taken[key] for key in (target.id, *sorted(target.aliases)) if key in taken), None)
    if claims[target.id] > 1:
        note = f"{claims[target.id]} of the source point at it"
    elif holder is not None:
        note = f"{holder} is mapped to it already"
    else:
        return proposal
    return _doubted(proposal, note)


def _index(parties: t.Sequence[Party], keys: t.Callable[[Party], t.AbstractSet[str | None]]) -> dict[str, list[Party]]:
    index: dict[str, list[Party]] = collections.defaultdict(list)
    for party in parties:
        for key in keys(party):
            if key:
                index[key].append(party)
    return dict(index)


def _numbers(party: Party) -> set[str]:
    values = {party.id, party.number or "", *party.aliases}
    return set(filter(None, map(same_number, values)))


def _tax_ids(party: Party) -> set[str]:
    return set(filter(None, map(telling_tax_id, party.tax_ids)))


def _core(name: str) -> str:
    """Return the words of a name that tell it apart, in alphabetical order: no accents, no legal form."""
    plain = unicodedata.normalize("NFKD", same_name(name))
    plain = "".join(each for each in plain if not unicodedata.combining(each)).replace("&", " and ").replace("'", "")
    plain = re.sub(r"\b(\w)\.(?=\w\b)", r"\1", plain)  # B.V. is bv
    words = re.findall(r"\w+", plain)
    telling = [word for word in words if word not in _LEGAL_FORMS and word not in ("and", "the")]
    return " ".join(sorted(telling or words))


def _block_keys(core: str) -> set[str]:
    return {key for word in core.split() for key in (f"{word[:4]}-", f"-{word[-4:]}")}
