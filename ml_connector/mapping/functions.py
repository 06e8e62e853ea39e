"""The functions expressions can call."""

from __future__ import annotations

import datetime as dt
import typing as t
from collections.abc import Mapping
from decimal import Decimal

from ml_connector.descriptor import Descriptor
from ml_connector.errors import Reason
from ml_connector.mapping.expressions import UNRESOLVED, decimal_of
from ml_connector.mapping.lookups import Lookups, Resolution
from ml_connector.money import inexact, minor_units, money

__all__ = ["FUNCTIONS", "LOOKUP_FUNCTIONS", "Functions", "ValueProblem"]


class ValueProblem(ValueError):
    """A value of the source cannot be used; the message continues a sentence that names the field."""


class Functions:
    """All functions, bound to one record at a time.

    Args:
        lookups: Where references are looked up.
        system: The source, as people call it.
        target: The target.

    Attributes:
        instance: The organization the record belongs to.
        source_form: Whether look-ups answer with what the source says instead of the target's value.
        reasons: Where look-ups report what they could not find; keyed, so that each is told once.
        label: How to call the record (``BILL bill INV-1``).
        place: Where in the record we are (``line 2``), empty outside of lines.
    """

    def __init__(self, lookups: Lookups, system: str, target: Descriptor | None) -> None:
        self._lookups = lookups
        self._system = system
        self._target = target
        self._answers: dict[t.Hashable, Resolution] = {}
        self.instance = ""
        self.source_form = False
        self.reasons: dict[t.Hashable, Reason] = {}
        self.label = ""
        self.place = ""

    def begin(self, instance: str, label: str) -> None:
        """Point the functions at the next record."""
        self.instance = instance
        self.label = label
        self.place = ""
        self.source_form = False
        self.reasons = {}
        self._answers = {}

    def bound(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the functions by the names maps use."""
        return {name: getattr(self, f"_{name}") for name in FUNCTIONS}

    def report(self, reason: Reason) -> None:
        """Keep a reason; the same one again is not told twice."""
        if not self.source_form:
            self.reasons.setdefault((reason.code, reason.key, reason.what), reason)

    # Look-ups

    def _supplier(self, value: t.Any, stream: str | None = None) -> t.Any:
        return self._dimension("supplier", value, stream)

    def _gl_account(self, value: t.Any, stream: str | None = None) -> t.Any:
        return self._dimension("gl_account", value, stream)

    def _spend_category(self, value: t.Any, stream: str | None = None) -> t.Any:
        return self._dimension("spend_category", value, stream)

    def _cost_center(self, value: t.Any, stream: str | None = None) -> t.Any:
        return self._dimension("cost_center", value, stream)

    def _company(self, value: t.Any, stream: str | None = None) -> t.Any:
        return self._dimension("company", value, stream)

    def _invoice(self, value: t.Any, stream: str | None = None) -> t.Any:
        if value is UNRESOLVED or self.source_form:
            return _in_source_form("supplier_invoice", value)
        answer = self._answer("supplier_invoice", value, stream, self._lookups.delivered)
        if answer.reason is not None:
            self.report(answer.reason)
            return UNRESOLVED
        return answer.target

    def _dimension(self, kind: str, value: t.Any, stream: str | None = None) -> t.Any:
        if value is UNRESOLVED or self.source_form:
            return _in_source_form(kind, value)
        answer = self._answer(kind, value, stream, self._lookups.resolve)
        if answer.reason is not None:
            self.report(answer.reason)
            return UNRESOLVED
        return answer.target

    def _known_supplier(self, value: t.Any, stream: str | None = None) -> t.Any:
        return self._known("supplier", value, stream)

    def _known(self, kind: str, value: t.Any, stream: str | None = None) -> t.Any:
        if value is UNRESOLVED or self.source_form:
            return _in_source_form(kind, value)
        answer = self._answer(kind, value, stream, self._lookups.known)
        if answer.reason is not None:
            self.report(answer.reason)
            return UNRESOLVED
        return answer.target

    def _expected_account(self, value: t.Any, stream: str | None = None) -> t.Any:
        if value is UNRESOLVED or self.source_form:
            return _in_source_form("expected_account", value)
        expected = self._answer("spend_category", value, stream, self._lookups.resolve).extras.get(
            "expected_ledger_account"
        )
        return expected if expected is not None else self._known("gl_account", value, stream)

    def _related(self, stream: str, value: t.Any) -> t.Any:
        if value is UNRESOLVED:
            return value
        record_id = str(value).strip() if value is not None else ""
        if not record_id:
            return None
        record = self._lookups.record(self.instance, stream, record_id)
        if record is None:
            self.report(self._lookups.unread(stream, record_id))
            return UNRESOLVED
        return record

    # Values

    @staticmethod
    def _money(value: t.Any, currency: t.Any) -> t.Any:
        amount = Functions._number(value)
        if isinstance(amount, Decimal) and isinstance(currency, str):
            digits = minor_units(currency)
            if inexact(amount, digits):
                raise ValueProblem(f"{amount:f} has more decimals than {currency} has ({digits})")
        return amount

    @staticmethod
    def _money_text(value: t.Any, currency: t.Any) -> t.Any:
        amount = Functions._number(value)
        if not isinstance(amount, Decimal):
            return amount
        return money(amount, currency) if isinstance(currency, str) and currency else f"{amount:,f}"

    @staticmethod
    def _number(value: t.Any) -> t.Any:
        if value is None or value is UNRESOLVED or value == "":
            return value or None
        try:
            return decimal_of(value)
        except ValueError as error:
            raise ValueProblem(str(error)) from None

    @staticmethod
    def _sum_of(items: t.Any, field: str) -> t.Any:
        if items is None or items is UNRESOLVED:
            return items
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise ValueProblem(f"is not a list of records: {items!r}")
        return sum((Functions._number(item.get(field)) or Decimal(0) for item in items), Decimal(0))

    @staticmethod
    def _date(value: t.Any) -> t.Any:
        if value is None or value is UNRESOLVED or value == "":
            return value or None
        if isinstance(value, dt.datetime):
            return value.date()
        if isinstance(value, dt.date):
            return value
        try:
            # Calendar dates are cut, never converted between zones (sheet bill 8).
            return dt.date.fromisoformat(value[:10])
        except (TypeError, ValueError):
            raise ValueProblem(f"is not a date: {value!r}") from None

    def _required(self, value: t.Any, what: str, cure: str = "", *, when: t.Any = True) -> t.Any:
        if not when or (value is not None and value != ""):
            return value
        place = f" on {self.place}" if self.place else ""
        text = f"{self.label} has no {what}{place}"
        self.report(Reason("missing", text, cure or f"complete it in {self._system}", kind="field", value=what))
        return UNRESOLVED

    # Text

    @staticmethod
    def _first(*values: t.Any) -> t.Any:
        return next((value for value in values if value is not None and value != ""), None)

    @staticmethod
    def _join(separator: str, *values: t.Any) -> t.Any:
        texts = [str(value).strip() for value in values if value is not None and value is not UNRESOLVED]
        return separator.join(text for text in texts if text) or None

    @staticmethod
    def _text(value: t.Any) -> t.Any:
        return value if value is None or value is UNRESOLVED else str(value)

    @staticmethod
    def _upper(value: t.Any) -> t.Any:
        return value.upper() if isinstance(value, str) else value

    @staticmethod
    def _lower(value: t.Any) -> t.Any:
        return value.lower() if isinstance(value, str) else value

    @staticmethod
    def _strip(value: t.Any) -> t.Any:
        return value.strip() if isinstance(value, str) else value

    @staticmethod
    def _after(mark: str, value: t.Any) -> t.Any:
        if not isinstance(value, str):
            return value if value is UNRESOLVED else None
        _, found, rest = value.partition(mark)
        return rest.strip() or None if found else None

    @staticmethod
    def _starts(value: t.Any, beginnings: t.Sequence[str]) -> bool:
        return isinstance(value, str) and value.startswith(tuple(beginnings))

    # Lists of records

    @staticmethod
    def _where(items: t.Any, field: str, wanted: t.Any) -> t.Any:
        return next((item for item in _records(items) if item.get(field) == wanted), None)

    def _id_in_target(self, value: t.Any) -> t.Any:
        if value is UNRESOLVED or value is None or self._target is None:
            return value if value is UNRESOLVED else None
        return self._target.id_within(str(value).strip())

    @staticmethod
    def _primary(items: t.Any) -> t.Any:
        newest_first = sorted(_records(items), key=lambda item: str(item.get("effective_date") or ""), reverse=True)
        return next((item for item in newest_first if _is_primary(item)), next(iter(newest_first), None))

    @staticmethod
    def _every(items: t.Any, field: str, allowed: t.Sequence[t.Any]) -> bool:
        if not isinstance(items, list):
            return False
        return all(isinstance(item, Mapping) and item.get(field) in allowed for item in items)

    def _answer(self, kind: str, value: t.Any, stream: str | None, ask: t.Callable[..., Resolution]) -> Resolution:
        key = (kind, None if value is None else str(value), stream, ask.__name__)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = ask(kind, self.instance, value, stream)
        return answer


LOOKUP_FUNCTIONS: t.Final = frozenset(
    {
        "company",
        "cost_center",
        "dimension",
        "expected_account",
        "gl_account",
        "invoice",
        "known",
        "known_supplier",
        "spend_category",
        "supplier",
    }
)
"""Functions whose answer depends on mapping tables or learned links."""

FUNCTIONS: t.Final = LOOKUP_FUNCTIONS | {
    "after",
    "date",
    "every",
    "first",
    "id_in_target",
    "join",
    "lower",
    "money",
    "money_text",
    "number",
    "primary",
    "related",
    "required",
    "starts",
    "strip",
    "sum_of",
    "text",
    "upper",
    "where",
}
"""All functions of the language."""


def _records(items: t.Any) -> list[t.Mapping[str, t.Any]]:
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _is_primary(item: t.Mapping[str, t.Any]) -> bool:
    """Whether an address, phone or e-mail of Workday's is the first of one of its usages."""
    kinds = [kind for usage in _records(item.get("usage_data")) for kind in _records(usage.get("type_data"))]
    return any(kind.get("primary") in ("1", "true", True) for kind in kinds)


def _in_source_form(kind: str, value: t.Any) -> t.Any:
    if value is None or value is UNRESOLVED:
        return value
    return f"{kind}:{str(value).strip()}"
