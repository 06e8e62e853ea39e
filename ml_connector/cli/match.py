"""``ml-connector match``: which of one system's suppliers is which of another's, for a person to decide."""

from __future__ import annotations

import collections
import typing as t
from pathlib import Path

import click

from ml_connector.cli.common import Cli, common_options
from ml_connector.cli.connections import SYSTEMS, config_of, opened
from ml_connector.cli.ledger_access import open_known_ledger, record
from ml_connector.cli.output import count
from ml_connector.crosswalk.rows import NewRow, add_rows
from ml_connector.crosswalk.table_files import read_table_file
from ml_connector.crosswalk.tables import Crosswalk, Match
from ml_connector.errors import UserError
from ml_connector.files import plain_cell, replace_file, spreadsheet_cell, table_bytes
from ml_connector.ledger.audit import Step
from ml_connector.ledger.outcomes import linked
from ml_connector.matching import LEAST_SCORE, Proposal, match_parties
from ml_connector.names import display_name
from ml_connector.project import project_root
from ml_connector.sameness import same_name, visible
from ml_connector.system.access import Party

__all__ = ["match"]

TABLE: t.Final = "suppliers"
COLUMNS: t.Final = (
    "source",
    "target",
    "decision",
    "how",
    "score",
    "source_name",
    "target_name",
    "source_country",
    "target_country",
    "note",
)
_REVIEWED: t.Final = ("source", "target", "decision")


@click.group()
def match() -> None:
    """Match what two systems both have, before the first run."""


@match.command()
@click.option("--source", required=True, type=click.Choice(list(SYSTEMS)), help="System whose vendors are matched.")
@click.option("--target", required=True, type=click.Choice(list(SYSTEMS)), help="System they are looked for in.")
@click.option(
    "--file",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Review file to write; match-<source>-<target>.csv when not given.",
)
@click.option("--overwrite", is_flag=True, help="Replace a review file that is there.")
@click.option("--mapped", is_flag=True, help="List vendors that are mapped or linked already, too.")
@click.option("--archived", is_flag=True, help="List vendors that are archived or inactive in the source, too.")
@click.option(
    "--least-score",
    default=LEAST_SCORE,
    show_default=True,
    type=click.IntRange(50, 100),
    help="Similarity of names from which on a supplier is suggested.",
)
@click.option(
    "--apply",
    "review",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take a reviewed file: rows whose decision is yes go into the mapping table.",
)
@common_options
def suppliers(
    cli: Cli,
    *,
    source: str,
    target: str,
    file: Path | None,
    overwrite: bool,
    mapped: bool,
    archived: bool,
    least_score: int,
    review: Path | None,
) -> None:
    """Write a file that says which supplier each vendor probably is, or take one that was reviewed.

    A shared id, number or tax number that nothing speaks against is proposed with the decision yes. Similar names are
    suggestions without a decision. Review the file, write yes where it is right, then give it to --apply. Nothing is
    mapped before that, and nothing is written to either system.
    """
    if source == target:
        raise click.UsageError("--source and --target are the same system.")
    if review is not None:
        _apply(cli, source, target, review)
        return
    path = file or Path(f"match-{source}-{target}.csv")
    if path.exists() and not overwrite:
        raise UserError(f"{path} is there already.", "Give another --file, or --overwrite when nobody has reviewed it.")
    left_out: collections.Counter[str] = collections.Counter()
    with opened(source, "tap") as there, opened(target, "target") as here:
        vendors = list(there.suppliers())
        candidates = list(here.suppliers())
        links = _links(cli, here.instance, there.instance)
    crosswalk = Crosswalk.load(_directory(target), source, target)
    wanted: list[Party] = []
    known: list[dict[str, t.Any]] = []
    for vendor in vendors:
        row = _known_row(vendor, crosswalk, links)
        if row is not None:
            left_out["mapped"] += 1
            known.append(row)
        elif not vendor.active and not archived:
            left_out["archived"] += 1
        else:
            wanted.append(vendor)
    taken = {row["target"]: row["source"] for row in known}
    proposals = match_parties(wanted, candidates, taken=taken, least_score=least_score)
    rows = sorted(map(_row, proposals), key=_order) + (known if mapped else [])
    replace_file(path, table_bytes(COLUMNS, rows))
    _tell_proposals(
        cli,
        source=source,
        target=target,
        path=path,
        proposals=proposals,
        candidates=len(candidates),
        left_out=left_out,
    )


def _tell_proposals(
    cli: Cli,
    *,
    source: str,
    target: str,
    path: Path,
    proposals: t.Sequence[Proposal],
    candidates: int,
    left_out: t.Mapping[str, int],
) -> None:
    best: dict[str, str] = {}
    for each in proposals:
        kind = "matched" if each.certain else "suggested" if each.target is not None else "unmatched"
        if best.get(each.source.id) != "matched":
            best[each.source.id] = kind
    counts = collections.Counter(best.values())
    numbers = {
        "targets": candidates,
        "matched": counts["matched"],
        "suggested": counts["suggested"],
        "without_candidate": counts["unmatched"],
        "mapped_already": left_out.get("mapped", 0),
        "archived": left_out.get("archived", 0),
    }
    there, here = display_name(source), display_name(target)
    cli.output.show(
        {"file": path, **numbers},
        f"{count(len(best))} vendors of {there} to match, {count(candidates)} suppliers in {here}\n"
        f"  {count(numbers['matched']):>7}  matched by id, number or tax number; their decision is yes\n"
        f"  {count(numbers['suggested']):>7}  with suggestions to decide\n"
        f"  {count(numbers['without_candidate']):>7}  that resemble nobody\n"
        f"  {count(numbers['mapped_already']):>7}  mapped already, {count(numbers['archived'])} archived: left out\n"
        f"Review {path}, then: ml-connector match suppliers --source {source} --target {target} --apply {path}",
    )


def _apply(cli: Cli, source: str, target: str, review: Path) -> None:
    rows, undecided, refused = _reviewed(review)
    added = add_rows(_directory(target), source, target, TABLE, rows)
    taken = [f"{row.source} -> {row.target}" for row in rows]
    step = Step(
        "matched", f"{added.added} rows of {review.name} went into {_shown(added.path)}", detail={"rows": taken}
    )
    record(step, cli.ledger_url)
    data = {
        "table": added.path,
        "added": added.added,
        "present": added.present,
        "refused": refused,
        "undecided": undecided,
    }
    cli.output.show(
        data,
        f"{count(added.added)} added to {_shown(added.path)}, {count(added.present)} stood there already; "
        f"{count(refused)} refused, {count(undecided)} undecided.",
    )


def _reviewed(path: Path) -> tuple[list[NewRow], int, int]:
    """Return the rows decided with yes, how many are undecided, and how many were refused.

    Raises:
        UserError: The file is no review file, or a row cannot be understood; names the line.
    """
    rows = read_table_file(path, path.name, columns=_REVIEWED).rows(path.name)
    line, names = next(rows, (1, []))
    header = {same_name(name): at for at, name in reversed(list(enumerate(names)))}
    if not set(_REVIEWED) <= set(header):
        raise UserError(
            f"{path} line {line}: there are no columns source, target and decision.", "Is it the review file?"
        )

    def cell(row: t.Sequence[str], name: str) -> str:
        at = header.get(name, len(row))
        return visible(row[at]) if at < len(row) else ""

    chosen, undecided, refused = [], 0, 0
    for line, row in rows:
        where = f"{path.name} line {line}"
        decision = cell(row, "decision").casefold()
        if decision in ("", "mapped"):
            undecided += decision == ""
        elif decision == "no":
            refused += 1
        elif decision != "yes":
            raise UserError(f'{where}: the decision is "{cell(row, "decision")}".', "Write yes, no, or nothing.")
        elif not cell(row, "source") or not cell(row, "target"):
            missing = "target" if cell(row, "source") else "source"
            raise UserError(f"{where}: the decision is yes, but there is no {missing}.", "Fill it in, or write no.")
        else:
            name = plain_cell(cell(row, "source_name"))
            chosen.append(NewRow(cell(row, "source"), cell(row, "target"), name, where))
    return chosen, undecided, refused


def _row(proposal: Proposal) -> dict[str, t.Any]:
    source, target = proposal.source, proposal.target
    return {
        "source": source.id,
        "target": target.id if target else "",
        "decision": "yes" if proposal.certain else "",
        "how": proposal.how,
        "score": "" if proposal.score is None else proposal.score,
        "source_name": spreadsheet_cell(source.name),
        "target_name": spreadsheet_cell(target.name) if target else "",
        "source_country": source.country or "",
        "target_country": (target.country or "") if target else "",
        "note": proposal.note,
    }


def _known_row(vendor: Party, crosswalk: Crosswalk, links: t.Mapping[str, str]) -> dict[str, t.Any] | None:
    found = crosswalk.lookup(TABLE, [vendor.id, *filter(None, (vendor.number, vendor.name))])
    target = found.target if isinstance(found, Match) else links.get(vendor.id)
    if target is None:
        return None
    how = "mapping table" if isinstance(found, Match) else "delivered before"
    return _row(Proposal(vendor)) | {"target": target, "decision": "mapped", "how": how}


def _order(row: t.Mapping[str, t.Any]) -> tuple[t.Any, ...]:
    return (row["source_name"].casefold(), row["source"], row["decision"] != "yes", -(row["score"] or 0))


def _links(cli: Cli, target: str, source: str) -> dict[str, str]:
    with open_known_ledger(cli) as ledger:
        if ledger is None:
            return {}
        with ledger.read() as connection:
            return linked(connection, target=target, source=source, kind=TABLE)


def _directory(target: str) -> Path:
    plugin = SYSTEMS[target].plugins[1]
    return project_root() / (config_of(plugin).get("crosswalk_dir") or "transforms/crosswalk")


def _shown(path: Path) -> str:
    root = project_root()
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
