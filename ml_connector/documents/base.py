"""What all documents share: exact numbers, texts any system takes, and where they come from."""

from __future__ import annotations

import datetime as dt
import typing as t
from decimal import Decimal

import pydantic
from babel.core import get_global
from pydantic import AfterValidator, BeforeValidator, ConfigDict, StringConstraints

from ml_connector.currencies import MINOR_UNITS
from ml_connector.decimals import exact_decimal
from ml_connector.moments import parse_moment
from ml_connector.money import inexact, minor_units
from ml_connector.text import sendable

__all__ = ["UNKNOWN", "Currency", "Document", "DocumentSource", "Frozen", "Number", "Text", "inexact_of"]

UNKNOWN: t.Final = object()
"""Stands among the fields of a part of a document for a number or a date that is not known."""

Number = t.Annotated[Decimal, BeforeValidator(exact_decimal)]

Text = t.Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _known_currency(code: str) -> str:
    if code not in MINOR_UNITS and code not in get_global("all_currencies"):
        raise ValueError(f"{code!r} is not an ISO 4217 currency code")
    return code


Currency = t.Annotated[str, AfterValidator(_known_currency)]


class Frozen(pydantic.BaseModel):
    """What cannot be changed once it is made, and has no fields but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, str_strip_whitespace=True)

    @pydantic.field_validator("*", mode="before")
    @classmethod
    def _without_control_characters(cls, value: t.Any) -> t.Any:
        """Leave out what no system takes in a text, whichever field it stands in."""
        if isinstance(value, str):
            return sendable(value)
        if isinstance(value, list | tuple):
            return tuple(sendable(item) if isinstance(item, str) else item for item in value)
        return value


class DocumentSource(Frozen):
    """Where a document comes from: the identity the ledger keeps, plus the version read.

    Attributes:
        system: System name (``bill``).
        instance: The organization, tenant or company within it.
        stream: Native stream the record came from (``bills``).
        id: The record's own id, stable for ever.
        version: What the source says about its version (``updatedTime``), for people to read.
        created_at: When the source created it; decides whether a lost ledger could have posted it.
    """

    system: Text
    instance: Text
    stream: Text
    id: Text
    version: str | None = None
    created_at: dt.datetime | None = None

    @pydantic.field_validator("created_at", mode="before")
    @classmethod
    def _possible(cls, value: t.Any) -> dt.datetime | None:
        """Take what is no moment in UTC for not known: the target is asked then, and the document is not lost."""
        try:
            return parse_moment(value.isoformat() if isinstance(value, dt.datetime) else value)
        except ValueError:
            return None


class Document(Frozen):
    """What all documents share.

    Attributes:
        source: Where it comes from.
        external_id: The id it is created under in the target; deterministic, so that it can be found again.
        number: The human number people search for.
        withdrawn: Why the source no longer stands by it (archived, denied), if so. Never a reason to delete.
    """

    kind: t.ClassVar[str]
    bulky: t.ClassVar[frozenset[str]] = frozenset()
    """Fields that are neither shown nor kept a second time beside the native record."""
    checked_in_part: t.ClassVar[bool] = False
    """Whether a target can say what it has against the rest while texts of it could not be mapped."""
    can_be_reduced: t.ClassVar[bool] = False
    """Whether a part of it may be paid before it is delivered, and only the rest is asked for."""

    source: DocumentSource
    external_id: Text
    number: str | None = None
    withdrawn: str | None = None

    @classmethod
    def reckoned(cls, fields: t.Mapping[str, t.Any]) -> dict[str, t.Any] | None:
        """Return the fields of a part with numbers and dates that nothing speaks against, for those that are not known.

        Args:
            fields: By name, ``UNKNOWN`` for what is not known.

        Returns:
            The fields; None where too little is left to be checked.
        """
        return None if UNKNOWN in fields.values() else dict(fields)

    def reduced(self, left: Decimal, memo: str) -> t.Self:
        """Return the document for what is left of it to be paid.

        Args:
            left: What is left, in its currency.
            memo: What it says of that.

        Raises:
            ValueError: No part of its total is left, or more than all of it; continues "what is left ".
        """
        raise AssertionError(f"{type(self).__name__} cannot be reduced to {left:f} ({memo})")

    @property
    def currency_code(self) -> str | None:
        """Currency of the total, for documents that carry money."""
        return None

    @property
    def total_amount(self) -> Decimal | None:
        """Total, for documents that carry money."""
        return None

    @property
    def party(self) -> str | None:
        """Name of the supplier as the source writes it, for people to read."""
        return None

    @property
    def booking_date(self) -> dt.date | None:
        """The date a target can be searched by, for documents that have one."""
        return None


def inexact_of(amounts: t.Iterable[Decimal], currency: str) -> tuple[Decimal, ...]:
    """Return the amounts with more decimals than a currency has."""
    digits = minor_units(currency)
    return tuple(amount for amount in amounts if inexact(amount, digits))
