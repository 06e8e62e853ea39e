"""How the command line shows things."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import io
import json
import pathlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ml_connector.cli.output import Column, Output, age, count, to_json
from ml_connector.money import money

NOW = dt.datetime(2026, 10, 31, 12, tzinfo=dt.UTC)
ROWS = [
    {
        "number": "INV-1",
        "amount": Decimal("1840.00"),
        "currency": "USD",
        "why": "supplier inactive:\nS-00031",
    },
    {"number": "INV-20931", "amount": Decimal(5), "currency": "JPY", "why": None},
]
COLUMNS = [
    Column("number"),
    Column("amount", lambda row: money(row["amount"], row["currency"]), right=True),
    Column("why"),
]


def console(*, terminal=False):
    """Return a console that writes into memory."""
    return Console(file=io.StringIO(), force_terminal=terminal, width=60, soft_wrap=True, color_system=None)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1840", "USD", "USD 1,840.00"),
        ("4410000", "JPY", "JPY 4,410,000"),
        ("1204.375", "KWD", "KWD 1,204.375"),
        ("1204.3", "KWD", "KWD 1,204.300"),
        ("1.5000", "USD", "USD 1.50"),
        ("1.23456", "USD", "USD 1.23456"),
        ("0.5", "JPY", "JPY 0.5"),
        ("-0.5", "EUR", "EUR -0.50"),
        ("1E+6", "JPY", "JPY 1,000,000"),
        ("123456789012345678901234567890.12", "USD", "USD 123,456,789,012,345,678,901,234,567,890.12"),
    ],
)
def test_money_reads_as_people_write_it(amount, currency, text):
    """Amounts have thousands separators and the decimals of their currency, or more if they really have more."""
    assert money(Decimal(amount), currency) == text


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=4),
    st.sampled_from(["USD", "JPY", "KWD", "EUR"]),
)
def test_money_is_never_rounded(amount, currency):
    """What is shown is exactly the amount."""
    assert Decimal(money(amount, currency).removeprefix(currency).replace(",", "").strip()) == amount


def test_counts_have_thousands_separators():
    """Large counts are readable."""
    assert count(48113) == "48,113"


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (dt.timedelta(days=2, hours=23), "2 d"),
        (dt.timedelta(hours=5, minutes=59), "5 h"),
        (dt.timedelta(minutes=12), "12 min"),
        (dt.timedelta(seconds=59), "now"),
        (dt.timedelta(seconds=-5), "now"),
    ],
)
def test_ages_are_told_in_their_largest_unit(ago, text):
    """How long a document waits is told in one unit, rounded down."""
    assert age(NOW - ago, NOW) == text


def test_ages_compare_moments_not_clocks():
    """Times of different zones are compared as moments."""
    zone = dt.timezone(dt.timedelta(hours=9))
    assert age((NOW - dt.timedelta(hours=3)).astimezone(zone), NOW) == "3 h"


class _State(enum.Enum):
    HELD = "held"


@dataclasses.dataclass
class _Pair:
    left: Decimal
    right: dt.date


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (Decimal("100.00"), "100.00"),
        (Decimal("1E+3"), "1000"),
        (dt.date(2026, 10, 31), "2026-10-31"),
        (NOW, "2026-10-31T12:00:00Z"),
        (NOW.astimezone(dt.timezone(dt.timedelta(hours=-5))), "2026-10-31T12:00:00Z"),
        (dt.timedelta(minutes=2), 120.0),
        (_State.HELD, "held"),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        ({"b", "a"}, ["a", "b"]),
        (_Pair(Decimal("0.10"), dt.date(2026, 1, 2)), {"left": "0.10", "right": "2026-01-02"}),
        (["Müller", None, 3], ["Müller", None, 3]),
    ],
)
def test_json_keeps_values_exact(value, encoded):
    """Amounts are exact strings, times UTC, dates dates."""
    assert json.loads(to_json({"value": value})) == {"value": encoded}


@pytest.mark.parametrize("value", [NOW.replace(tzinfo=None), object(), b"raw"])
def test_json_refuses_what_has_no_one_meaning(value):
    """A time without zone and unknown objects are refused instead of guessed."""
    with pytest.raises(TypeError):
        to_json(value)


def test_a_program_gets_the_rows_complete(capsys):
    """With --json the rows come as they are, with every key, and nothing else."""
    output = Output(as_json=True)
    output.say("7 invoices are held")
    output.table(ROWS, COLUMNS[:1])
    answer = json.loads(capsys.readouterr().out)
    assert [row["amount"] for row in answer] == ["1840.00", "5"]
    assert answer[1]["why"] is None


def test_no_rows_are_an_empty_list_to_a_program(capsys):
    """A program that asks for nothing held gets a list."""
    Output(as_json=True).table([], COLUMNS)
    assert json.loads(capsys.readouterr().out) == []


def test_no_rows_are_a_word_to_a_person():
    """A person reads a word instead of an empty table."""
    screen = console()
    Output(console=screen).table([], COLUMNS, empty="nothing is held")
    assert screen.file.getvalue() == "nothing is held\n"


def test_a_pipe_gets_one_line_per_row():
    """Away from a terminal rows are aligned text, never wrapped, cut or coloured."""
    screen = console()
    Output(console=screen).table(ROWS, COLUMNS)
    assert screen.file.getvalue().splitlines() == [
        "number           amount  why",
        "INV-1      USD 1,840.00  supplier inactive: S-00031",
        "INV-20931         JPY 5",
    ]


def test_a_long_line_is_not_wrapped_in_a_pipe():
    """A row longer than the console stays on its line."""
    screen = console()
    Output(console=screen).table([{"why": "word " * 40}], [Column("why")])
    assert len(screen.file.getvalue().splitlines()) == 2


def test_a_terminal_gets_every_word():
    """On a narrow terminal a cell is folded, not cut."""
    screen = console(terminal=True)
    Output(console=screen).table([{"number": "INV-1", "why": "x" * 100}], [Column("number"), Column("why")])
    assert screen.file.getvalue().count("x") == 100


@pytest.mark.parametrize("terminal", [True, False])
def test_brackets_are_text(terminal):
    """A vendor called [bold] keeps its name: data is never taken for markup."""
    screen = console(terminal=terminal)
    output = Output(console=screen)
    output.table([{"vendor": "[bold]Ann[/bold]"}], [Column("vendor")])
    output.say("[red]x")
    assert "[bold]Ann[/bold]" in screen.file.getvalue()
    assert "[red]x" in screen.file.getvalue()


def test_an_answer_has_two_forms(capsys):
    """One answer reads as text for a person and as data for a program."""
    Output(as_json=True).show({"intact": True}, "chain intact")
    assert json.loads(capsys.readouterr().out) == {"intact": True}
    screen = console()
    Output(console=screen).show({"intact": True}, "chain intact")
    assert screen.file.getvalue() == "chain intact\n"
