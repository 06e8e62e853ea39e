"""Expressions of a map: parsed and checked once, evaluated for every record.

The language is that of the Singer SDK's stream maps (simpleeval), made safe for records with holes: a
dotted path through a missing key is ``None``, so is arithmetic with ``None``. Numbers are calculated as exact
decimals. What an expression may name is known when it is parsed, so that a misspelt function fails at load,
not at month end.
"""

from __future__ import annotations

import ast
import decimal
import difflib
import operator
import types
import typing as t
from collections.abc import Mapping
from decimal import Decimal

import simpleeval  # type: ignore[import-untyped]

from ml_connector.decimals import exact_decimal
from ml_connector.errors import UserError

__all__ = ["UNRESOLVED", "Evaluator", "Expression", "Vocabulary", "decimal_of", "suggestion"]

Names = t.Mapping[str, t.Any]

_EXACT: t.Final = decimal.Context(prec=80, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow])
_DIVISION: t.Final = decimal.Context(prec=28, traps=[decimal.InvalidOperation, decimal.DivisionByZero])


@t.final
class _Unresolved:
    """The value of something that could not be found out and is reported already.

    True in conditions, so that ``related(...).currency or 'USD'`` does not fall back to a guess.
    """

    def __repr__(self) -> str:
        return "UNRESOLVED"


UNRESOLVED: t.Final = _Unresolved()


class Vocabulary(t.NamedTuple):
    """What expressions of one map may name.

    Attributes:
        functions: Functions that can be called.
        lookups: Those of them whose results depend on mapping tables or links.
        settings: Settings of the map, usable by their bare names too.
    """

    functions: frozenset[str]
    lookups: frozenset[str]
    settings: frozenset[str]


class Expression:
    """One parsed expression.

    Attributes:
        text: As written.
        where: Map, stream and field, for messages.
        path: The parts of the path when the expression is nothing but a dotted path.
        functions: Functions it calls.
        document_fields: Fields of the document under construction it refers to (``document.currency``).
        fields: First parts of the paths into the record or line it reads.
        named_fields: The same of paths that say which of the two is meant (``record.amount``), by that word.
    """

    __slots__ = ("constant", "document_fields", "fields", "functions", "named_fields", "node", "path", "text", "where")

    def __init__(self, source: t.Any, where: str, vocabulary: Vocabulary) -> None:
        self.text = source if isinstance(source, str) else repr(source)
        self.where = where
        self.node: ast.expr = ast.Constant(source) if not isinstance(source, str) else _parse(source, where)
        checker = _Checker(where, vocabulary)
        checker.visit(self.node)
        self.functions = frozenset(checker.functions)
        self.document_fields = frozenset(checker.document_fields)
        self.fields = frozenset(checker.fields)
        self.named_fields = {scope: frozenset(names) for scope, names in checker.named_fields.items()}
        self.path = _path(self.node)
        self.constant = isinstance(self.node, ast.Constant)

    @property
    def reads(self) -> frozenset[str]:
        """First parts of all paths into the record, those that go by way of ``record`` too."""
        return self.fields | self.named_fields["record"]

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


class Evaluator(simpleeval.SimpleEval):  # type: ignore[misc, unused-ignore]
    """Evaluates expressions against the scope it is pointed at.

    Attributes:
        item: The record or line whose fields are bare names.
        scope: Further names (``record``, ``line``, ``settings``, the settings themselves ...); they win.
    """

    def __init__(self, functions: t.Mapping[str, t.Callable[..., t.Any]]) -> None:
        super().__init__(operators=_OPERATORS, functions=dict(functions), names={})
        self.item: Names = {}
        self.scope: Names = {}
        self.nodes.update(
            {
                ast.Name: self._name,
                ast.Attribute: self._attribute,
                ast.Subscript: self._subscript,
                ast.List: self._list,
                ast.Tuple: self._list,
            }
        )

    def value(self, expression: Expression) -> t.Any:
        """Return the value of an expression; raises whatever its functions raise."""
        if expression.constant:
            return t.cast("ast.Constant", expression.node).value
        if expression.path is not None:
            first, *rest = expression.path
            value = self.scope[first] if first in self.scope else self.item.get(first)
            for part in rest:
                value = _member(value, part)
            return value
        return self._eval(expression.node)

    def _check_disallowed_items(self, item: t.Any) -> None:
        # Values are JSON and results of our own functions: there is nothing forbidden to find in them, and
        # searching each record for it on every step is what made evaluation slow.
        del item

    def _name(self, node: ast.Name) -> t.Any:
        return self.scope[node.id] if node.id in self.scope else self.item.get(node.id)

    def _attribute(self, node: ast.Attribute) -> t.Any:
        return _member(self._eval(node.value), node.attr)

    def _subscript(self, node: ast.Subscript) -> t.Any:
        container, key = self._eval(node.value), self._eval(node.slice)
        if container is UNRESOLVED or container is None:
            return container
        try:
            return container[key]
        except (LookupError, TypeError):
            return None

    def _list(self, node: ast.List | ast.Tuple) -> list[t.Any]:
        return [self._eval(element) for element in node.elts]


def decimal_of(value: t.Any) -> Decimal:
    """Return a JSON number, or a number written as text, as the exact decimal it shows.

    Raises:
        ValueError: It is not a finite number.
    """
    return exact_decimal(value)


def suggestion(word: str, known: t.Iterable[str], form: str = "{}") -> str:
    """Return `` Did you mean x?`` when something known is spelt nearly so, else an empty text."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f" Did you mean {form.format(near[0])}?" if near else ""


_SCOPES: t.Final = frozenset({"record", "line", "document", "settings"})

_ALLOWED: t.Final = (
    ast.Attribute,
    ast.BinOp,
    ast.BoolOp,
    ast.Call,
    ast.Compare,
    ast.Constant,
    ast.IfExp,
    ast.List,
    ast.Name,
    ast.Slice,
    ast.Subscript,
    ast.Tuple,
    ast.UnaryOp,
    ast.boolop,
    ast.cmpop,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
)


class _Checker(ast.NodeVisitor):
    """Finds what an expression names and refuses what it cannot name."""

    def __init__(self, where: str, vocabulary: Vocabulary) -> None:
        self.where = where
        self.vocabulary = vocabulary
        self.functions: set[str] = set()
        self.document_fields: set[str] = set()
        self.fields: set[str] = set()
        self.named_fields: dict[str, set[str]] = {"record": set(), "line": set()}

    def generic_visit(self, node: ast.AST) -> None:
        operation = getattr(node, "op", None)
        if not isinstance(node, _ALLOWED) or (operation and type(operation) not in _KNOWN_OPERATIONS):
            self._refuse(type(operation or node).__name__)
        super().generic_visit(node)

    def _refuse(self, what: str) -> t.NoReturn:
        raise UserError(
            f"{self.where}: {what} cannot be used in an expression.", "docs/mapping.md lists what expressions can do."
        )

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bytes | complex | types.EllipsisType):
            self._refuse(ast.unparse(node))

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg is None:
            self._refuse(ast.unparse(node))
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if not isinstance(node.func, ast.Name):
            raise UserError(
                f"{self.where}: only functions can be called, not {ast.unparse(node.func)}().",
                f"Functions: {', '.join(sorted(self.vocabulary.functions))}.",
            )
        name = node.func.id
        if name not in self.vocabulary.functions:
            near = suggestion(name, self.vocabulary.functions, "{}()")
            raise UserError(
                f'{self.where}: unknown function "{name}".{near}',
                "" if near else f"Functions: {', '.join(sorted(self.vocabulary.functions))}.",
            )
        self.functions.add(name)
        for argument in (*node.args, *node.keywords):
            self.visit(argument)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name):
            if node.value.id == "settings" and node.attr not in self.vocabulary.settings:
                raise UserError(
                    f'{self.where}: unknown setting "{node.attr}".'
                    f"{suggestion(node.attr, self.vocabulary.settings, 'settings.{}')}",
                    "Settings are declared under settings: in the map file.",
                )
            if node.value.id == "document":
                self.document_fields.add(node.attr)
            if node.value.id in self.named_fields:
                self.named_fields[node.value.id].add(node.attr)
            if node.value.id in _SCOPES:
                return
            if node.value.id in self.vocabulary.functions:
                self.fields.add(node.value.id)
                return
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self.vocabulary.lookups:
            raise UserError(
                f"{self.where}: {node.id} is a function.",
                f"Write {node.id}(...), or record.{node.id} (line.{node.id}) for the field of that name.",
            )
        if node.id == "document":
            raise UserError(f"{self.where}: document is the whole document.", "Write document.<field>.")
        if node.id not in _SCOPES and node.id not in self.vocabulary.settings:
            self._refuse_misspelt_setting(node.id)
            self.fields.add(node.id)

    def _refuse_misspelt_setting(self, name: str) -> None:
        near = difflib.get_close_matches(name, sorted(self.vocabulary.settings), n=1, cutoff=0.8)
        if near and "_" in name and name == name.lower():
            raise UserError(
                f'{self.where}: unknown setting "{name}". Did you mean {near[0]}?',
                f"If {name} is a field of the record, write record.{name}.",
            )


_DEEPEST: t.Final = 100
"""How deep an expression may be nested; Python itself gives up soon after."""


def _parse(text: str, where: str) -> ast.expr:
    """Return what a text says, if that is an expression.

    Raises:
        UserError: It is none, or nested too deeply.
    """
    try:
        parsed = ast.parse(text.strip(), mode="eval").body
        deep = _depth(parsed) > _DEEPEST
    except (MemoryError, RecursionError):
        deep = True
    except (SyntaxError, ValueError) as error:
        raise UserError(
            f"{where}: {_short(text)!r} is not an expression ({error.args[0]}).",
            "Text needs quotes of its own inside the YAML value: \"'USD'\".",
        ) from error
    if deep:
        raise UserError(
            f"{where}: an expression may be nested {_DEEPEST} deep.", "Say it in several fields, or in a mapping table."
        )
    return parsed


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."


def _depth(node: ast.AST) -> int:
    depth, level = 0, [node]
    while level:
        depth += 1
        level = [inner for each in level for inner in ast.iter_child_nodes(each)]
    return depth


def _path(node: ast.expr) -> tuple[str, ...] | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else None


def _member(value: t.Any, name: str) -> t.Any:
    if isinstance(value, dict):
        return value.get(name)
    if value is UNRESOLVED:
        return value
    return value.get(name) if isinstance(value, Mapping) else None


def _arithmetic(
    operation: t.Callable[[Decimal, Decimal], Decimal],
) -> t.Callable[[t.Any, t.Any], t.Any]:
    def calculate(left: t.Any, right: t.Any) -> t.Any:
        if left is UNRESOLVED or right is UNRESOLVED:
            return UNRESOLVED
        if left is None or right is None:
            return None
        return operation(decimal_of(left), decimal_of(right))

    return calculate


_numeric_add = _arithmetic(_EXACT.add)


def _add(left: t.Any, right: t.Any) -> t.Any:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    return _numeric_add(left, right)


def _ordered(comparison: t.Callable[[t.Any, t.Any], bool]) -> t.Callable[[t.Any, t.Any], t.Any]:
    def compare(left: t.Any, right: t.Any) -> t.Any:
        if left is None or right is None or left is UNRESOLVED or right is UNRESOLVED:
            return False
        if isinstance(left, str) and isinstance(right, str):
            return comparison(left, right)
        return comparison(decimal_of(left), decimal_of(right))

    return compare


def _equal(left: t.Any, right: t.Any) -> bool:
    if isinstance(left, float) or isinstance(right, float):
        left, right = (decimal_of(value) if isinstance(value, float) else value for value in (left, right))
    return bool(left == right)


def _contained(left: t.Any, right: t.Any) -> bool:
    if right is None or right is UNRESOLVED or (isinstance(right, str) and not isinstance(left, str)):
        return False
    return left in right


def _negative(value: t.Any) -> t.Any:
    return value if value is None or value is UNRESOLVED else _EXACT.minus(decimal_of(value))


_OPERATORS: t.Final[dict[type[ast.AST], t.Callable[..., t.Any]]] = {
    ast.Add: _add,
    ast.Sub: _arithmetic(_EXACT.subtract),
    ast.Mult: _arithmetic(_EXACT.multiply),
    ast.Div: _arithmetic(_DIVISION.divide),
    ast.Eq: _equal,
    ast.NotEq: lambda left, right: not _equal(left, right),
    ast.Gt: _ordered(operator.gt),
    ast.Lt: _ordered(operator.lt),
    ast.GtE: _ordered(operator.ge),
    ast.LtE: _ordered(operator.le),
    ast.Not: operator.not_,
    ast.USub: _negative,
    ast.In: _contained,
    ast.NotIn: lambda left, right: not _contained(left, right),
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}

_KNOWN_OPERATIONS: t.Final = frozenset({*_OPERATORS, ast.And, ast.Or})
