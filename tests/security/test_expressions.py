"""Expressions of maps under attack: whoever can write one reads records, and reaches nothing else."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from ml_connector.errors import UserError
from ml_connector.mapping.expressions import Evaluator, Expression, Vocabulary
from ml_connector.mapping.functions import FUNCTIONS, LOOKUP_FUNCTIONS, Functions, ValueProblem

VOCABULARY = Vocabulary(FUNCTIONS, LOOKUP_FUNCTIONS, frozenset({"kinds"}))
RECORD = {"name": "Northwind", "lines": [{"id": "a"}], "amount": Decimal("1.50")}

REFUSED = [
    "''.__class__.__mro__[1].__subclasses__()",
    "settings.__class__",
    "getattr(name, 'upper')",
    "setattr(record, 'a', 1)",
    "eval('1')",
    "exec('1')",
    "open('file')",
    "compile('1', 'a', 'eval')",
    "globals()",
    "locals()",
    "vars()",
    "dir()",
    "type(name)",
    "object()",
    "print(name)",
    "input()",
    "breakpoint()",
    "help()",
    "exit()",
    "__import__('os').system('true')",
    "[].append(1)",
    "(lambda: 1)()",
    "[x for x in record]",
    "{x for x in record}",
    "{x: x for x in record}",
    "(x for x in record)",
    "{**record}",
    "(yield name)",
    "(await name)",
    "(x := 1)",
    "name.format(name)",
    "'{0.__class__}'.format(name)",
    "f'{name.__class__}'",
    "'%s' % name",
    "name % 1",
    "2 ** 99999999",
    "9 << 99999999",
    "~1",
    "1 if exit() else 2",
    "name; exit()",
    "name\nexit()",
    "import os",
    "del record",
    "record.name = 1",
    "assert 0",
    "raise 1",
    "...",
    "b'a'",
    "1j",
    "required(name, **record)",
    "upper(*name)",
    "date.today()",
    "name @ name",
    "upper(name)(name)",
    "record.name()",
    "(" * 5_000 + "name" + ")" * 5_000,
    "-" * 50_000 + "1",
    "-" * 2_000 + "1",
    "name" + ".a" * 3_000,
    "name + " * 3_000 + "name",
]
EMPTY = [
    "().__class__",
    "name.__class__",
    "name.__class__.__init__.__globals__",
    "record.__class__",
    "record.__dict__",
    "record['__class__']",
    "lines[0].__class__",
    "lines.append",
    "upper.__globals__",
    "upper.__globals__['os']",
    "first.__self__",
    "document.__class__.__base__",
    "name['__class__']",
    "__builtins__",
    "__builtins__['eval']",
    "__loader__",
    "__file__",
    "__name__",
    "amount.as_tuple",
    "kinds.__class__",
    "where(lines, '__class__', name)",
    "where(record, '__dict__', name)",
    "lines[-99999999999]",
]
BOUNDED = [
    "'a' * 99999999",
    "name * 99999999",
    "[0] * 99999999",
    "lines * 99999999",
    "99999999999999999999999999999999 * 99999999999999999999999999999999",
    "number('1e999999999') + 1",
    "number('9' * 99999999)",
    "1e999999999 * 1e999999999",
    "lines[::0]",
    "name[:99999999999]",
    "name < record",
    "amount / 0",
]


def value_of(text):
    """Return the value of an expression over the record."""
    evaluator = Evaluator(Functions(None, "BILL", None).bound())
    evaluator.item = RECORD
    evaluator.scope = {"record": RECORD, "settings": {"kinds": ["A"]}, "kinds": ["A"], "document": {}}
    return evaluator.value(Expression(text, "here", VOCABULARY))


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: f"{text[:40]} {len(text)}")
def test_what_is_more_than_the_language_is_refused_before_the_first_record(text):
    """Python's own names, calls of anything else, and whatever has an effect: one line that says so."""
    with pytest.raises(UserError, match=r"^here: ") as error:
        value_of(text)
    assert len(error.value.what) < 300


@pytest.mark.parametrize("text", EMPTY)
def test_what_an_object_has_beside_its_data_is_not_there(text):
    """Attributes of Python are no members of a record."""
    assert value_of(text) is None


@pytest.mark.parametrize("text", BOUNDED)
def test_nothing_grows_beyond_what_a_record_can_hold(text):
    """Repetition and powers are no arithmetic of money: a plain value, or a problem of this document."""
    try:
        value = value_of(text)
    except (ValueProblem, ValueError, TypeError, ArithmeticError):
        return
    assert value is None or isinstance(value, str | bool | Decimal | dt.date | float)
    assert len(str(value)) < 1_000
