"""Comparing what a source says is owed with what a target holds, document by document. No calls, no writes.

Every document of either side falls into exactly one class, and the differences of the documents add up to the
difference of the totals.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import typing as t
from decimal import Decimal

from ml_connector.ledger.outcomes import Outcome
from ml_connector.sameness import same_number
from ml_connector.system.access import InvoiceView

__all__ = ["DIFFERENCES", "Compared", "Expected", "Kind", "Names", "Reconciliation", "Total", "reconcile"]

Kind = t.Literal["equal", "only_source", "only_target", "draft", "amount", "status", "twice", "not_expected"]
DIFFERENCES: t.Final[tuple[Kind, ...]] = ("only_source", "only_target", "draft", "amount", "status", "twice")

NO_CURRENCY: t.Final = "XXX"
"""ISO 4217 for "no currency", where neither side names one."""


class Names(t.NamedTuple):
    """What the two systems are called in sentences."""

    source: str
    target: str


@dataclasses.dataclass(frozen=True, slots=True)
class Expected:
    """A document of the source, and what is expected of it.

    Attributes:
        view: The document.
        unwanted: Why the map's filter does not want it delivered (any more); None when it does.
        external_id: The id it is, or would be, created under.
        supplier: The target's supplier it is mapped to.
    """

    view: InvoiceView
    unwanted: str | None = None
    external_id: str | None = None
    supplier: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """One document on both sides.

    Attributes:
        kind: Its class.
        source: What the source says; None when it does not know it.
        targets: What the target holds for it, what no longer stands included.
        outcome: What the ledger says; None when it does not know it.
        why: The reason, in a clerk's words.
    """

    kind: Kind
    source: InvoiceView | None
    targets: tuple[InvoiceView, ...]
    outcome: Outcome | None = None
    why: str = ""

    @property
    def label(self) -> str:
        """The number people know it by."""
        known = [self.source, *self.targets]
        return next((each.supplier_number or each.number for each in known if each), None) or self._ids[0]

    @property
    def supplier_name(self) -> str:
        """The supplier's name."""
        return next((each.supplier_name for each in (self.source, *self.targets) if each and each.supplier_name), "")

    @property
    def owed(self) -> tuple[str, Decimal]:
        """Currency and amount the source says is owed; nothing when it does not count there."""
        counts = self.source is not None and self.source.stands and self.kind != "not_expected"
        return self._currency(self.source), self.source.total if counts and self.source else Decimal(0)

    @property
    def held(self) -> dict[str, Decimal]:
        """What the target holds for it, per currency; a draft is nothing it owes."""
        amounts: dict[str, Decimal] = {}
        for each in self.targets:
            if each.stands and not each.draft:
                currency = self._currency(each)
                amounts[currency] = amounts.get(currency, Decimal(0)) + each.total
        return amounts

    @property
    def _ids(self) -> list[str]:
        return [each.id for each in (self.source, *self.targets) if each is not None]

    def _currency(self, own: InvoiceView | None) -> str:
        """Return a side's currency; where it names none the other side's, what stands before what was cancelled."""
        others = sorted(self.targets, key=lambda each: not each.stands)
        known = (each.currency for each in (own, self.source, *others) if each is not None)
        return next(filter(None, known), NO_CURRENCY)


@dataclasses.dataclass(frozen=True, slots=True)
class Total:
    """Both sides in one currency."""

    currency: str
    source: Decimal
    target: Decimal

    @property
    def difference(self) -> Decimal:
        """What the source has more than the target."""
        return self.source - self.target


@dataclasses.dataclass(frozen=True, slots=True)
class Reconciliation:
    """The answer.

    Attributes:
        documents: Every document of the source, and every one of the target that came from it or belongs to one.
        foreign: How many standing documents of the target have nothing to do with the source.
    """

    documents: tuple[Compared, ...]
    foreign: int

    @property
    def counts(self) -> dict[Kind, int]:
        """Documents per class, those without any included."""
        counted = collections.Counter(each.kind for each in self.documents)
        return {kind: counted[kind] for kind in t.get_args(Kind)}

    @property
    def differences(self) -> list[Compared]:
        """What does not agree."""
        return [each for each in self.documents if each.kind in DIFFERENCES]

    @property
    def totals(self) -> list[Total]:
        """Both sides per currency."""
        owed: dict[str, Decimal] = collections.defaultdict(Decimal)
        held: dict[str, Decimal] = collections.defaultdict(Decimal)
        for each in self.documents:
            if each.kind != "not_expected":
                currency, amount = each.owed
                owed[currency] += amount
                for currency_held, amount_held in each.held.items():
                    held[currency_held] += amount_held
        return [Total(currency, owed[currency], held[currency]) for currency in sorted({*owed, *held})]


def reconcile(
    sources: t.Iterable[Expected],
    targets: t.Iterable[InvoiceView],
    ledger: t.Mapping[str, Outcome],
    *,
    names: Names,
    since: dt.date = dt.date.min,
    until: dt.date = dt.date.max,
) -> Reconciliation:
    """Pair the documents of both sides and say what differs and why.

    A document belongs together with what was created under its external id, with what the ledger says it became, and
    with what the target holds under the same supplier and supplier's number, entered by whomever.

    Args:
        sources: The source's documents, wanted or not.
        targets: The target's, from wherever.
        ledger: What became of each, by the source's id.
        names: What the systems are called.
        since: First date of interest; a document counts when either side's date lies within, or is not known.
        until: Last date.
    """
    documents = {each.view.id: each for each in sources}
    pairs = _Pairs(documents, list(targets), ledger)
    compared = [
        _compared(each, pairs.of[each.view.id], ledger.get(each.view.id), names, by_id=each.view.id in pairs.by_id)
        for each in documents.values()
    ]
    foreign = 0
    for orphan in pairs.orphans:
        if not pairs.is_ours(orphan):
            foreign += orphan.stands and _within(orphan, since, until)
            continue
        outcome = pairs.outcome_of(orphan)
        kind: Kind = "only_target" if orphan.stands else "not_expected"
        why = _why_only_target(outcome, names) if orphan.stands else f"{orphan.status} in {names.target}"
        compared.append(Compared(kind, None, (orphan,), outcome, why))
    within = [
        each
        for each in compared
        if any(_within(view, since, until) for view in (each.source, *each.targets) if view is not None)
    ]
    return Reconciliation(tuple(within), foreign)


class _Pairs:
    """Which of the target's documents belong to which of the source's; each to one at most.

    Attributes:
        of: The target's documents by the source's id.
        by_id: The source's documents that have one by id, not by supplier and number only.
        orphans: Documents of the target that belong to none.
    """

    def __init__(
        self,
        documents: t.Mapping[str, Expected],
        targets: t.Sequence[InvoiceView],
        ledger: t.Mapping[str, Outcome],
    ) -> None:
        self.of: dict[str, list[InvoiceView]] = {source_id: [] for source_id in documents}
        self._ledger = ledger
        self._became = {outcome.target_id: outcome for outcome in ledger.values() if outcome.target_id}
        self._created = {outcome.external_id: outcome for outcome in ledger.values() if outcome.external_id}
        owners = {each.external_id: source_id for source_id, each in documents.items() if each.external_id}
        self._prefixes = self._prefixes_of(documents)
        rest = []
        for target in targets:
            became = self._became.get(target.id)
            owner = owners.get(target.external_id or "") or (became.source_id if became else None)
            if owner in self.of:
                self.of[owner].append(target)
            else:
                rest.append(target)
        self.by_id = {source_id for source_id, found in self.of.items() if found}
        self.orphans = self._by_number(documents, rest)

    def is_ours(self, target: InvoiceView) -> bool:
        """Whether a document of the target was created from this source."""
        return target.id in self._became or (target.external_id or "").startswith(self._prefixes)

    def outcome_of(self, target: InvoiceView) -> Outcome | None:
        """Return what the ledger says about a document of the target."""
        return self._became.get(target.id) or self._created.get(target.external_id or "")

    def _prefixes_of(self, documents: t.Mapping[str, Expected]) -> tuple[str, ...]:
        """Return what external ids of this source begin with: the id without the source's own (``BILL-``)."""
        known = [(each.external_id, source_id) for source_id, each in documents.items()]
        known += [(outcome.external_id, source_id) for source_id, outcome in self._ledger.items()]
        found = {id_.removesuffix(source_id) for id_, source_id in known if id_ and id_.endswith(source_id)}
        return tuple(sorted(found - {""}))

    def _by_number(self, documents: t.Mapping[str, Expected], rest: list[InvoiceView]) -> list[InvoiceView]:
        """Give what was entered by hand to the document with its supplier and number, first to those without any."""
        free: dict[tuple[str, str], list[InvoiceView]] = collections.defaultdict(list)
        for target in rest:
            if target.stands and target.supplier_number and not self.is_ours(target):
                for supplier_id in target.supplier_ids:
                    free[(supplier_id, same_number(target.supplier_number))].append(target)
        taken: set[int] = set()
        for source_id, each in sorted(documents.items(), key=lambda item: item[0] in self.by_id):
            for key in self._keys(source_id, each):
                for target in free.get(key, ()):
                    if id(target) not in taken:
                        taken.add(id(target))
                        self.of[source_id].append(target)
        return [target for target in rest if id(target) not in taken]

    def _keys(self, source_id: str, each: Expected) -> t.Iterator[tuple[str, str]]:
        partners = self.of[source_id]
        suppliers = {each.supplier, *(supplier_id for partner in partners for supplier_id in partner.supplier_ids)}
        numbers = {each.view.supplier_number, *(partner.supplier_number for partner in partners)}
        for supplier in sorted(filter(None, suppliers)):
            for number in sorted(filter(None, numbers)):
                yield supplier, same_number(number)


def _compared(
    expected: Expected, found: t.Sequence[InvoiceView], outcome: Outcome | None, names: Names, *, by_id: bool
) -> Compared:
    source = expected.view
    standing = [target for target in found if target.stands]
    was_posted = outcome is not None and outcome.target_id is not None
    kind: Kind
    if len(standing) > 1:
        kind, why = "twice", "; ".join(_named(target) for target in standing)
    elif standing:
        kind, why = _one_to_one(source, standing[0], outcome, names, by_id=by_id)
    elif not source.stands or not (expected.unwanted is None or was_posted or found):
        kind, why = "not_expected", expected.unwanted or source.status
    elif found:
        kind, why = "status", f"{found[0].status} in {names.target}, {source.status} in {names.source}"
    else:
        kind, why = "only_source", _why_only_source(outcome, names)
    return Compared(kind, source, tuple(found), outcome, why)


def _one_to_one(
    source: InvoiceView, target: InvoiceView, outcome: Outcome | None, names: Names, *, by_id: bool
) -> tuple[Kind, str]:
    if not source.stands:
        return "status", f"{source.status} in {names.source}, {target.status} in {names.target}"
    if target.draft:
        other = f", of {target.currency or ''} {target.total:f}".replace("  ", " ") if _differs(source, target) else ""
        return "draft", f"left as a draft in {names.target}{other}"
    if _differs(source, target):
        return "amount", _why_amount(source, target, outcome, names)
    return "equal", "" if by_id else f"entered by hand in {names.target} as {_named(target)}"


def _differs(source: InvoiceView, target: InvoiceView) -> bool:
    same_currency = source.currency == target.currency or not (source.currency and target.currency)
    return source.total != target.total or not same_currency


def _why_amount(source: InvoiceView, target: InvoiceView, outcome: Outcome | None, names: Names) -> str:
    if source.currency and target.currency and source.currency != target.currency:
        return f"{source.currency} in {names.source}, {target.currency} in {names.target}"
    sent = outcome.sent_total if outcome is not None else None
    if sent is None:
        return f"the ledger does not say what was sent; entered in {names.target} by somebody else"
    if sent == target.total:
        return f"changed in {names.source} after posting"
    if sent == source.total:
        return f"changed in {names.target} after posting"
    return "changed on both sides after posting"


def _why_only_source(outcome: Outcome | None, names: Names) -> str:
    if outcome is None:
        return "no run has read it yet"
    reasons = "; ".join(reason.what for reason in outcome.reasons)
    if outcome.target_id is not None:
        posted = f" on {outcome.posted_at:%Y-%m-%d}" if outcome.posted_at else ""
        became = outcome.target_number or outcome.target_id
        return f"posted{posted} as {became}, but {names.target} does not show it" + (f"; {reasons}" if reasons else "")
    match outcome.state:
        case "held" | "ignored":
            return f"{outcome.state}: {reasons}" if reasons else outcome.state
        case "retry":
            due = f" from {outcome.next_attempt_at:%Y-%m-%d %H:%M} UTC" if outcome.next_attempt_at else ""
            return f"waits for another attempt{due}"
        case "posting":
            return "being posted, or the outcome is not known yet"
        case _:
            return "read, not delivered yet"


def _why_only_target(outcome: Outcome | None, names: Names) -> str:
    if outcome is None:
        return f"created from {names.source}, which does not show it; the ledger does not know it either"
    return f"posted from {names.source} {outcome.number or outcome.source_id}, which it does not show any more"


def _named(target: InvoiceView) -> str:
    return target.number or target.external_id or target.id


def _within(view: InvoiceView, since: dt.date, until: dt.date) -> bool:
    return view.date is None or since <= view.date <= until
