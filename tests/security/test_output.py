"""Whatever somebody typed into another system commands neither terminal nor log nor spreadsheet of who reads it."""

from __future__ import annotations

import csv
import io
import json
import logging
import unicodedata

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from ml_connector.cli import main
from ml_connector.cli.output import Column, Output
from ml_connector.files import plain_cell, spreadsheet_cell, table_bytes
from ml_connector.redaction import protect_log
from ml_connector.text import in_json, legible, on_record

COMMANDS = {
    "escape": "\x1b[2J",
    "the clipboard": "\x1b]52;c;cm0gLXJm\x07",
    "a title": "\x1b]0;paid\x07",
    "backspaces": "held\x08\x08\x08\x08paid",
    "the start of the line": "held\rpaid",
    "a control of eight bits": "\x9b2J",
    "text that is read the other way": "\u202e321 DSU",
    "an isolated direction": "\u2066paid\u2069",
    "a mark of direction": "\u200fpaid\u061c",
    "a line of another kind": "one\u2028two\u2029three",
    "a new line of eight bits": "one\x85two",
    "nothing": "\0",
}


def commands(text):
    """Return the characters of a text that command whoever shows it."""
    return [
        char
        for char in text
        if char not in "\n\t" and (unicodedata.category(char) in ("Cc", "Zl", "Zp") or unicodedata.bidirectional(char)
        in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI") or char in "\u200e\u200f\u061c")
    ]  # fmt: skip


@given(st.text())
def test_nothing_that_commands_is_left_of_any_text(text):
    """Not one character, whatever stands around it; lines and tabs stay."""
    assert commands(legible(text)) == []
    assert legible(text).count("\n") == text.count("\n")


@given(st.recursive(st.text() | st.integers(), lambda each: st.lists(each) | st.dictionaries(st.text(), each)))
def test_json_says_the_same_and_commands_nothing(value):
    """A program reads exactly what is there; a terminal it is shown on is left alone."""
    written = in_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert commands(written) == []
    assert json.loads(written) == value


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("as_json", [False, True], ids=["to people", "to programs"])
def test_an_answer_commands_no_terminal(capsys, name, as_json):
    """Lines, tables, and JSON."""
    output = Output(as_json=as_json)
    output.show({"party": COMMANDS[name]}, COMMANDS[name])
    output.table([{"party": COMMANDS[name]}], [Column("party")])
    shown = capsys.readouterr().out
    assert shown
    assert commands(shown) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_mistake_told_commands_no_terminal(tmp_path, monkeypatch, name):
    """The words a person gave, or a file's name, are told back."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    done = CliRunner().invoke(
        main, ["audit", "verify", "--expect", COMMANDS[name], "--ledger-url", "sqlite:///none.db"]
    )
    assert done.exit_code != 0
    assert commands(done.output) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_line_of_the_log_commands_no_terminal(caplog, name):
    """Whoever writes it, and whether it is the message or what is filled in."""
    protect_log()
    logging.getLogger("of.some.library").warning("vendor %s", COMMANDS[name])
    logging.getLogger("of.some.library").warning(COMMANDS[name])
    assert [commands(record.getMessage()) for record in caplog.records] == [[], []]


def test_no_name_passes_for_a_line_of_the_log(caplog):
    """A line within a name is indented, so that nobody takes it for an entry; lines we indent ourselves stay."""
    protect_log()
    logging.getLogger("of.some.library").warning("vendor %s is held\n  mend it", "Acme\n2026-01-01 INFO all is well")
    assert caplog.messages == ["vendor Acme\n  2026-01-01 INFO all is well is held\n  mend it"]
    assert on_record("one\n  two") == "one\n  two"


FORMULAS = [
    "=1+1",
    "+49",
    "-x",
    "@import",
    "  =1+1",
    "\t=1+1",
    "Acme;=HYPERLINK(A1)",
    "Acme, -A1",
    "Acme\n=1+1",
    "Acme\r\n  @x",
    "a|=1",
    '"=1+1',
    "\uff1d1+1",
    "'=quoted",
    "''=quoted twice",
]


@given(st.text(alphabet="'=+-@;,| \t\r\n\"aA1\uff1d", max_size=20))
@example("'=")
def test_a_cell_is_no_formula_in_any_country_and_comes_back_as_it_was(text):
    """Whatever is taken for a separator there, no part of it begins as a formula does."""
    cell = spreadsheet_cell(text)
    assert plain_cell(cell) == text
    for separator in ",;\t|\n\r":
        for part in cell.split(separator):
            assert not part.strip(' "\t\r\n').startswith(("=", "+", "-", "@", "\uff1d"))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_none_in_the_file(text):
    """Read as a spreadsheet reads it, with commas and with semicolons."""
    written = table_bytes(["name"], [{"name": spreadsheet_cell(text)}]).decode("utf-8-sig")
    for separator in ",;":
        cells = [cell for row in csv.reader(io.StringIO(written), delimiter=separator) for cell in row]
        assert not [cell for cell in cells if cell.strip(' "\t\r\n').startswith(("=", "+", "-", "@", "\uff1d"))]


@pytest.mark.parametrize("text", ["O'Neill", "plain", "A - B", "Smith-Jones", "a=b", "x@y.example", "50 + 3", ""])
def test_a_plain_name_stays_as_it_is(text):
    """Nobody reads apostrophes where there is no danger."""
    assert spreadsheet_cell(text) == text
