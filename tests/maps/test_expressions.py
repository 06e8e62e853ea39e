"""Expressions: exact, tolerant of holes in records, strict about what they name."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_connector.errors import UserError
from ml_connector.mapping.expressions import UNRESOLVED, Evaluator, Expression, Vocabulary
from ml_connector.mapping.functions import FUNCTIONS, LOOKUP_FUNCTIONS, Functions, ValueProblem
from ml_connector.money import inexact, minor_units

VOCABULARY = Vocabulary(FUNCTIONS, LOOKUP_FUNCTIONS, frozenset({"header_coding", "kinds"}))
SCOPE = {
    "settings": {"header_coding": True},
    "header_coding": True,
    "kinds": ["A", "B"],
    "document": {"currency": "JPY"},
}
SCALARS = st.sampled_from(
    [None, True, 0, -1, 1.5, float("nan"), "", "x", Decimal("1.50"), Decimal("NaN"), dt.date(2026, 1, 1)]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def value_of(text, **fields):
    """Return the value of an expression over a record."""
    evaluator = Evaluator(Functions(None, "BILL", None).bound())
    evaluator.item = fields
    evaluator.scope = {**SCOPE, "record": fields}
    return evaluator.value(Expression(text, "here", VOCABULARY))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("invoice.number", "INV-1"),
        ("invoice.missing", None),
        ("missing.further.down", None),
        ("nothing.further", None),
        ("name.further", None),
        ("record.invoice.number", "INV-1"),
        ("lines[1].id", "b"),
        ("lines[7].id", None),
        ("missing[0]", None),
        ("name[:3]", "Nor"),
        ("settings.header_coding", True),
        ("kinds", ["A", "B"]),
        ("document.currency", "JPY"),
        ("'A' in kinds", True),
        ("name in ['Northwind', 'x']", True),
        ("missing in kinds", False),
        ("'x' in missing", False),
        ("missing not in kinds", True),
        ("1 in name", False),
        ("0.1 + 0.2 == 0.3", True),
        ("amount * 3", Decimal("0.30")),
        ("price * amount", Decimal("0.010")),
        ("missing * 3", None),
        ("amount - missing", None),
        ("after('-', 'USA-CA-1')", "CA-1"),
        ("after('BILL-', name)", None),
        ("after('-', 'USA-')", None),
        ("after('-', missing)", None),
        ("starts(name, ['Nord', 'North'])", True),
        ("starts(missing, ['x'])", False),
        ("where(lines, 'id', 'b').id", "b"),
        ("where(lines, 'id', 'z')", None),
        ("where(missing, 'id', 'b')", None),
        ("where(name, 'id', 'b')", None),
        ("primary(missing)", None),
        ("primary(lines).id", "a"),
        ("-amount", Decimal("-0.10")),
        ("-missing", None),
        ("amount / 2", Decimal("0.05")),
        ("amount > 0.05 and not (amount >= 1)", True),
        ("missing > 1", False),
        ("name < 'Z'", True),
        ("amount == 0.1", True),
        ("amount != 0.1", False),
        ("name + '!'", "Northwind!"),
        ("missing or name", "Northwind"),
        ("'yes' if nothing is None else 'no'", "yes"),
        ("first(missing, '', name)", "Northwind"),
        ("join(', ', name, missing, ' ', amount)", "Northwind, 0.10"),
        ("join(' ', missing)", None),
        ("upper(name)", "NORTHWIND"),
        ("lower(name)", "northwind"),
        ("strip(' x ')", "x"),
        ("upper(missing)", None),
        ("text(amount)", "0.10"),
        ("date('2026-12-15T00:00:00.000Z')", dt.date(2026, 12, 15)),
        ("date(missing)", None),
        ("number('1.50')", Decimal("1.50")),
        ("number(price)", Decimal("0.1")),
        ("every(lines, 'id', ['a', 'b'])", True),
        ("every(lines, 'id', ['a'])", False),
        ("every(missing, 'id', ['a'])", False),
        ("required(missing, 'x', when=False)", None),
        ("required(name, 'x')", "Northwind"),
        ("money(amount, 'USD')", Decimal("0.10")),
        ("money('100.00', 'JPY')", Decimal("100.00")),
        ("money_text('3259.3', 'USD')", "USD 3,259.30"),
        ("money_text(4410000, 'JPY')", "JPY 4,410,000"),
        ("money_text('3259.305', 'USD')", "USD 3,259.305"),
        ("money_text('3259.3', None)", "3,259.3"),
        ("money_text(None, 'USD')", None),
        (True, True),
        (5, 5),
    ],
)
def test_an_expression_has_its_value(text, value):
    """Paths tolerate what is missing; numbers are exact; functions do what the guide says."""
    record = {
        "name": "Northwind",
        "invoice": {"number": "INV-1"},
        "nothing": None,
        "amount": Decimal("0.10"),
        "price": 0.1,
        "lines": [{"id": "a"}, {"id": "b"}],
    }
    assert value_of(text, **record) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("costcenter(x)", 'here: unknown function "costcenter". Did you mean cost_center()?'),
        ("quarkxyz(x)", 'here: unknown function "quarkxyz".'),
        (
            "settings.header_codin",
            'here: unknown setting "header_codin". Did you mean settings.header_coding?',
        ),
        ("header_codin", 'here: unknown setting "header_codin". Did you mean header_coding?'),
        ("cost_center", "here: cost_center is a function."),
        ("document", "here: document is the whole document."),
        ("name.upper()", "here: only functions can be called, not name.upper()."),
        ("[x for x in lines]", "here: ListComp cannot be used in an expression."),
        ("lambda: 1", "here: Lambda cannot be used in an expression."),
        ("2 ** 9", "here: Pow cannot be used in an expression."),
        ("f'{name}'", "here: JoinedStr cannot be used in an expression."),
        ("{'a': 1}", "here: Dict cannot be used in an expression."),
        ("name ==", "here: 'name ==' is not an expression"),
        ("", "here: '' is not an expression"),
        ("import os", "here: 'import os' is not an expression"),
        ("upper(*lines)", "here: Starred cannot be used in an expression."),
        ("__import__('os')", 'here: unknown function "__import__".'),
    ],
)
def test_what_cannot_be_named_is_refused_when_parsed(text, message):
    """A misspelt function or setting, or Python beyond the language, is an error before the first record."""
    with pytest.raises(UserError) as error:
        Expression(text, "here", VOCABULARY)
    assert error.value.what.startswith(message)


def test_fields_named_like_functions_can_be_read():
    """A native field called supplier or number is a field wherever it cannot be taken for a call."""
    assert value_of("supplier.id", supplier={"id": 7}) == 7
    assert value_of("record.supplier", supplier=7) == 7
    assert value_of("number", number="N-1") == "N-1"


@pytest.mark.parametrize(
    "text", ["x.y", "x or 'USD'", "x * 2", "2 + x", "-x", "x[0]", "upper(x)", "date(x)", "money(x, 'USD')"]
)
def test_what_could_not_be_found_out_stays_so(text):
    """An unresolved value passes through everything; no fallback takes its place."""
    assert value_of(text, x=UNRESOLVED) is UNRESOLVED


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("money('1.005', 'USD')", "1.005 has more decimals than USD has (2)"),
        ("money(1.5, 'JPY')", "1.5 has more decimals than JPY has (0)"),
        ("money('1.0005', 'KWD')", "1.0005 has more decimals than KWD has (3)"),
        ("money('ten', 'USD')", "is not a number: 'ten'"),
        ("money(True, 'USD')", "is not a number: True"),
        ("number('NaN')", "is not a number: 'NaN'"),
        ("number('Infinity')", "is not a number: 'Infinity'"),
        ("date('31.12.2026')", "is not a date: '31.12.2026'"),
        ("date(20261231)", "is not a date: 20261231"),
    ],
)
def test_a_value_that_cannot_be_used_says_why(text, problem):
    """Money with too many decimals, and what is no number or date, is a problem in words, never rounded."""
    with pytest.raises(ValueProblem) as error:
        value_of(text)
    assert str(error.value) == problem


@UNHURRIED
@given(
    amount=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=4),
    currency=st.sampled_from(["JPY", "USD", "EUR", "KWD"]),
)
def test_money_is_exact_or_refused(amount, currency):
    """Money comes out as it went in, or is refused because the currency cannot hold it."""
    fits = amount == round(amount, minor_units(currency))
    assert inexact(amount, minor_units(currency)) is not fits
    if fits:
        assert value_of(f"money(x, '{currency}')", x=amount) == amount
        assert value_of(f"money(x, '{currency}')", x=str(amount)) == amount
    else:
        with pytest.raises(ValueProblem):
            value_of(f"money(x, '{currency}')", x=amount)


@UNHURRIED
@given(cents=st.integers(-(10**11), 10**11))
def test_a_json_number_read_as_float_is_the_number_it_shows(cents):
    """An amount that passed through a float is the decimal that stood in the JSON."""
    exact = Decimal(cents).scaleb(-2)
    assert value_of("money(x, 'USD')", x=float(exact)) == exact


@UNHURRIED
@given(
    a=st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9),
    b=st.integers(-(10**9), 10**9),
)
def test_products_and_sums_are_exact(a, b):
    """Quantity times price is the exact product, whatever the precision of the process."""
    assert value_of("a * b + a", a=a, b=b) == Decimal(str(a)) * b + a


@UNHURRIED
@given(record=st.dictionaries(st.sampled_from("abc"), JSON, max_size=3))
def test_a_path_never_fails(record):
    """Whatever a record holds, a path has a value."""
    for text in ("a", "a.b", "a.b.c", "a[0].b", "record.a.b", "first(a, b)", "join(' ', a.b, c)"):
        value_of(text, **record)
