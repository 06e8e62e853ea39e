"""``ml-connector audit``: prove that the record of what was done is complete."""

from __future__ import annotations

import typing as t
from pathlib import Path

import click

from ml_connector.actor import actor
from ml_connector.cli.common import Cli, ExitCode, common_options
from ml_connector.cli.ledger_access import open_ledger
from ml_connector.cli.output import count
from ml_connector.errors import UserError
from ml_connector.kept_files import read_bytes
from ml_connector.ledger.audit import new_key as change_key
from ml_connector.ledger.proof import Anchor, ChainBroken, Proof, anchor_of, check_pages
from ml_connector.ledger.proof import verify as prove

__all__ = ["audit"]


@click.group()
def audit() -> None:
    """Look after the record of everything that was done."""


@audit.command()
@click.option(
    "--expect",
    "expected",
    multiple=True,
    metavar="ANCHOR|FILE",
    help="An end of the chain that was kept elsewhere, or a file of them: it must still be in the chain.",
)
@common_options
def verify(cli: Cli, expected: tuple[str, ...]) -> None:
    """Prove that no entry of the audit was changed, removed or put in, and that the documents are as it says.

    Looks at every page of a SQLite file first. Exits with 3 when anything does not hold. That the end of the chain was
    not cut off, by whoever has the ledger and its key, is proved only with --expect.
    """
    with open_ledger(cli) as ledger, ledger.read() as connection:
        check_pages(connection)
        anchors = _anchors(expected, ledger.id)
        try:
            proof = prove(connection, anchors=anchors)
        except ChainBroken as broken:
            cli.output.show({"intact": False, "entry": broken.seq, "why": broken.why}, f"broken: {broken}")
            raise click.exceptions.Exit(ExitCode.ATTENTION) from None
        lines = list(_lines(proof, ledger.keys.place))
    cli.output.show(
        {
            "intact": proof.holds,
            "entries": proof.entries,
            "last_hash": proof.last_hash,
            "sealed": proof.sealed,
            "hashes_only": proof.plain,
            "keys_not_here": dict(proof.unproved),
            "anchors": len(anchors),
            "documents": proof.documents,
            "documents_not_covered": proof.uncovered,
            "differing": list(proof.differing),
        },
        "\n".join(lines),
    )
    if not proof.holds:
        raise click.exceptions.Exit(ExitCode.ATTENTION)


@audit.command()
@common_options
def anchor(cli: Cli) -> None:
    """Print the end of the chain in one line, to be kept where nobody can change it who can write the ledger."""
    with open_ledger(cli) as ledger, ledger.read() as connection:
        end = anchor_of(connection, ledger.id)
    cli.output.show({"ledger": end.ledger, "entries": end.seq, "hash": end.hash, "anchor": str(end)}, str(end))


@audit.command("new-key")
@common_options
def new_key(cli: Cli) -> None:
    """Seal entries with another key from now on: the first that is found, made if there is none.

    For a key that is lost, or that somebody has seen. Put the new one before the old one in its file or variable; then
    old entries can still be proved.
    """
    with open_ledger(cli) as ledger:
        key = ledger.write(lambda connection: change_key(connection, actor=actor()))
        cli.output.show({"key": key, "place": ledger.keys.place}, f"kept with key {key} in {ledger.keys.place}")


def _lines(proof: Proof, place: str) -> t.Iterator[str]:
    yield f"chain of {count(proof.entries)} entries intact, last hash {proof.last_hash}"
    if proof.plain:
        yield f"  {count(proof.plain)} from before there was a key are proved by their hashes only"
    for key, entries in proof.unproved.items():
        yield f"  not proved: {count(entries)} are sealed with key {key}, which cannot be read here ({place})"
    yield f"  {count(proof.documents)} documents are as the audit says, {count(proof.uncovered)} it has yet to cover"
    for line in proof.differing:
        yield f"  differs: {line}"


def _anchors(expected: t.Sequence[str], ledger: str) -> list[Anchor]:
    """Return the anchors meant, of this ledger.

    Raises:
        UserError: One is none, or all are of another ledger.
    """
    found: list[Anchor] = []
    for each in expected:
        one = Anchor.parse(each)
        if one is None:
            try:
                lines = read_bytes(Path(each)).decode("utf-8-sig").splitlines()
            except (OSError, ValueError):
                raise UserError(
                    f"{each} is neither an anchor nor a file that can be read.",
                    "Give what `ml-connector audit anchor` printed, a hash of 64 letters, or a file of such lines.",
                ) from None
            parsed = [anchor for line in lines if (anchor := Anchor.parse(line)) is not None]
            found += [anchor for anchor in parsed if anchor.ledger in (None, ledger)]
            if not found:
                raise UserError(f"{each} has no anchor of this ledger ({ledger}).", "Is it the right file, or ledger?")
        elif one.ledger not in (None, ledger):
            raise UserError(
                f"the anchor is of ledger {one.ledger}, this one is {ledger}.",
                "A ledger that was wiped and made anew has another id; else name the right one with --ledger-url.",
            )
        else:
            found.append(one)
    return found
