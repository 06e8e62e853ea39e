"""Telling what a run did, in lines for people; programs ask ``ml-connector status --json``."""

from __future__ import annotations

import logging
import typing as t
from decimal import Decimal

from ml_connector.ledger.entries import Claims
from ml_connector.ledger.runs import OUTCOMES, AutomaticLink, Run, Summary
from ml_connector.money import money
from ml_connector.names import display_name
from ml_connector.text import legible

__all__ = ["counted", "log_summary", "outcome_words", "until"]

_REASONS_SHOWN = 20
_LINKS_SHOWN = 100
_WRITES: t.Final = frozenset({"created", "drafted", "submitted", "updated", "withdrawn", "linked"})


def log_summary(logger: logging.Logger, run: Run, source: str | None, target: str, *, dry_run: bool) -> None:
    """Log the outcome of a run.

    Args:
        logger: Where to.
        run: The run.
        source: Source system; None when the run ended before that was known.
        target: Target system.
        dry_run: Whether nothing was written, which every line then says.
    """
    for line in _lines(run, source, target, dry_run=dry_run):
        logger.info(legible(line))


def outcome_words(outcome: str, *, dry_run: bool) -> str:
    """Return how an outcome reads after its number: ``created``, in a dry run ``would be created``."""
    words = outcome.replace("_", " ")
    return f"would be {words}" if dry_run and outcome in _WRITES else words


def counted(counts: t.Mapping[str, int], *, dry_run: bool = False) -> str:
    """Return counts by outcome in one line, those of zero left out."""
    parts = (f"{counts[each]:,} {outcome_words(each, dry_run=dry_run)}" for each in OUTCOMES if counts.get(each, 0))
    return ", ".join(parts)


def _lines(run: Run, source: str | None, target: str, *, dry_run: bool) -> t.Iterator[str]:
    summary = run.summary
    ending = "; dry run, nothing was written" if dry_run else ""
    yield f"{display_name(source) if source else 'unknown'} -> {display_name(target)}, run {run.id}{ending}"
    yield from _counts(summary, dry_run=dry_run)
    for kind, outcomes in summary.totals.items():
        for outcome in ("created", "drafted", "submitted", "updated", "found"):
            if by_currency := outcomes.get(outcome):
                words = outcome_words(outcome, dry_run=dry_run)
                yield f"  {kind.replace('_', ' ')} {words}: {_totals(by_currency)}"
    yield from _links(summary.links, target)
    yield from _reasons(summary)
    yield from _left_out(summary)
    yield from _untouched(summary)
    if summary.stopped:
        yield f"  stopped: {summary.stopped}"
    if summary.failed:
        yield f"  failed: {summary.failed}"
    if summary.defects:
        yield f"  defects of ml-connector: {', '.join(sorted(summary.defects))}; quote the numbers when you report them"


def _counts(summary: Summary, *, dry_run: bool) -> t.Iterator[str]:
    for kind in summary.kinds():
        noun = kind.replace("_", " ")
        read, earlier = summary.of_read(kind), summary.earlier[kind]
        if summary.read[kind]:
            yield f"  {noun}: {summary.read[kind]:,} read = {counted(read, dry_run=dry_run)}"
        if earlier.total():
            yield f"  {noun} of earlier runs: {counted(earlier, dry_run=dry_run)}"
        if not summary.read[kind] and not earlier.total():
            yield f"  {noun}: nothing to do"


def _reasons(summary: Summary) -> t.Iterator[str]:
    reasons = [(reason, documents) for reason, documents in summary.reasons.most_common() if documents]
    if reasons:
        yield "  held, nothing is lost; these go out by themselves once this is mended:"
    for (_, _, what, cure), documents in reasons[:_REASONS_SHOWN]:
        yield f"  {documents:>5}  {what} -> {cure}"
    if len(reasons) > _REASONS_SHOWN:
        yield f"         and {len(reasons) - _REASONS_SHOWN} more reasons: ml-connector held"


def _left_out(summary: Summary) -> t.Iterator[str]:
    conditions = [(why, records) for (_, why), records in summary.left_out.most_common() if records]
    if conditions:
        yield "  left out by the map's filter (`ml-connector show` finds each):"
    for why, records in conditions[:_REASONS_SHOWN]:
        yield f"  {records:>5}  {why}"
    if rest := conditions[_REASONS_SHOWN:]:
        yield f"  {sum(records for _, records in rest):>5}  for {len(rest)} more conditions"


def until(claims: Claims) -> str:
    """Return what is to be expected of claims."""
    if claims.until is None:
        return "which ended; the next run takes them up"
    return (
        f"which is at them or was killed; unless it gives a sign of life, they are free from "
        f"{claims.until.astimezone():%H:%M:%S} on"
    )


def _links(links: t.Sequence[AutomaticLink], target: str) -> t.Iterator[str]:
    if links:
        yield "  linked by what both sides say; who is not the same needs a row in the mapping table suppliers.csv:"
    for link in links[:_LINKS_SHOWN]:
        yield f"         {link.source} is {display_name(target)} {link.target}: {link.rests_on}"
    if len(links) > _LINKS_SHOWN:
        yield f"         and {len(links) - _LINKS_SHOWN:,} more, as `ml-connector show` tells of each"


def _untouched(summary: Summary) -> t.Iterator[str]:
    """What this run left to other runs, or to nobody."""
    for claims in summary.claimed:
        what = claims.kind.replace("_", " ")
        yield f"  {claims.documents:>5}  {what} are claimed by run {claims.run}, {until(claims)}"
    for each in summary.left_alone:
        cure = f" -> {each.cure}" if each.cure else ""
        yield f"  left alone: {each.documents:,} of {each.source}: {each.why}{cure}"


def _totals(by_currency: t.Mapping[str, tuple[int, Decimal]]) -> str:
    return ", ".join(
        f"{money(amount, currency)} ({documents})" for currency, (documents, amount) in sorted(by_currency.items())
    )
