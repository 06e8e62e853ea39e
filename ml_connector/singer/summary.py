"""Telling what a run did, in lines for people and one for programs."""

from __future__ import annotations

import json
import logging
import typing as t
from decimal import Decimal

from ml_connector.documents import minor_units
from ml_connector.ledger.entries import Claims
from ml_connector.ledger.runs import OUTCOMES, AutomaticLink, Run, Summary
from ml_connector.names import display_name

__all__ = ["log_summary", "until"]

_REASONS_SHOWN = 20
_LINKS_SHOWN = 100


def log_summary(logger: logging.Logger, run: Run, source: str, target: str, *, dry_run: bool) -> None:
    """Log the outcome of a run.

    Args:
        logger: Where to.
        run: The run.
        source: Source system.
        target: Target system.
        dry_run: Whether nothing was written, which the first line then says.
    """
    for line in _lines(run, source, target, dry_run=dry_run):
        logger.info(line)
    logger.info("summary %s", json.dumps({"run": run.id, **run.summary.to_dict()}, ensure_ascii=False))


def _lines(run: Run, source: str, target: str, *, dry_run: bool) -> t.Iterator[str]:
    summary = run.summary
    ending = "; dry run, nothing was written" if dry_run else ""
    yield f"{display_name(source)} -> {display_name(target)}, run {run.id}{ending}"
    for kind, counter in summary.counts.items():
        parts = [f"{counter[outcome]:,} {outcome}" for outcome in OUTCOMES if counter[outcome] > 0]
        yield f"  {kind.replace('_', ' ')}: {', '.join(parts) or 'nothing to do'}"
    for kind, outcomes in summary.totals.items():
        for outcome in ("created", "drafted", "submitted", "updated", "found"):
            if by_currency := outcomes.get(outcome):
                yield f"  {kind.replace('_', ' ')} {outcome}: {_totals(by_currency)}"
    yield from _links(summary.links, target)
    reasons = summary.reasons.most_common()
    if reasons:
        yield "  held, nothing is lost; these go out by themselves once this is mended:"
    for (_, _, what, cure), documents in reasons[:_REASONS_SHOWN]:
        yield f"  {documents:>5}  {what} -> {cure}"
    if len(reasons) > _REASONS_SHOWN:
        yield f"         and {len(reasons) - _REASONS_SHOWN} more reasons: ml-connector held"
    yield from _untouched(summary)
    if summary.stopped:
        yield f"  stopped: {summary.stopped}"
    if summary.defects:
        yield f"  defects of ml-connector: {', '.join(sorted(summary.defects))}; quote the numbers when you report them"


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
        f"{currency} {amount:,.{minor_units(currency)}f} ({documents})"
        for currency, (documents, amount) in sorted(by_currency.items())
    )
