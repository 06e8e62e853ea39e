"""What the command line asks of a finance system, whichever it is: is it well, who are its suppliers, what is owed.

Each system has one class that answers, ``systems/<system>/access.py``, built on the client its tap and target use.
It only reads.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t
from decimal import Decimal

import msgspec

from ml_connector.errors import SettingInvalid

__all__ = ["Access", "Health", "InvoiceView", "Party", "Probe", "typed"]

Outcome = t.Literal["ok", "denied", "failed", "absent"]


@dataclasses.dataclass(frozen=True, slots=True)
class Probe:
    """A minimal read that shows whether an operation is allowed.

    Attributes:
        operation: The operation in the system's own words.
        outcome: ``ok``; ``denied``: we may not; ``failed``: something else went wrong; ``absent``: there is no such
            operation.
        rows: How many rows there are, or 1 for "some" where the system does not count; None when it was not answered.
        detail: The system's own words when it is not ``ok``.
        without: What cannot be done without it.
        permission: What the system's administrator would have to grant.
        essential: Whether nothing works without it.
        never_empty: Whether no rows at all cannot be true.
    """

    operation: str
    outcome: Outcome
    rows: int | None = None
    detail: str = ""
    without: str = ""
    permission: str = ""
    essential: bool = True
    never_empty: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """A system that answered.

    Attributes:
        instance: System and instance as the ledger names them (``workday:acme``).
        facts: What is worth knowing, for programs.
        words: The same for people, the most telling first.
        probes: What was tried.
        counted: What the probes are (``operations``, ``lists``).
    """

    instance: str
    facts: t.Mapping[str, str | int | bool | None]
    words: tuple[str, ...]
    probes: tuple[Probe, ...]
    counted: str

    @property
    def ok(self) -> bool:
        """Whether everything essential is allowed."""
        return all(probe.outcome == "ok" for probe in self.probes if probe.essential)


@dataclasses.dataclass(frozen=True, slots=True)
class Party:
    """A vendor or supplier.

    Attributes:
        id: The id mapping tables call it by.
        name: Its name.
        number: The number people use, if it has one beside the id.
        aliases: Its further ids and numbers.
        tax_ids: Its tax numbers, as the system writes them.
        country: ISO 3166-1 alpha-2 code.
        active: Whether documents may refer to it.
        external_id: The id another system's party was noted under when this one was made.
    """

    id: str
    name: str
    number: str | None = None
    aliases: frozenset[str] = frozenset()
    tax_ids: frozenset[str] = frozenset()
    country: str | None = None
    active: bool = True
    external_id: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class InvoiceView:
    """A bill or supplier invoice, credits with a negative total.

    Attributes:
        id: The system's own id.
        number: The number people see in this system.
        supplier_number: The supplier's own number for it.
        supplier_ids: All ids its supplier goes by in this system.
        supplier_name: The supplier's name, for messages.
        external_id: The id it was created under, if the system keeps one.
        date: Invoice date.
        total: What is owed, exact.
        currency: ISO 4217 code; None when the system does not say.
        status: The system's own word.
        stands: Whether it counts: not archived, denied or cancelled.
        draft: Whether it is a draft, which counts once somebody submits or posts it.
        stream: The tap's stream the record would come in.
        record: The record as the tap would give it, for the map; None where there is no map to ask.
    """

    id: str
    number: str | None
    supplier_number: str | None
    supplier_ids: frozenset[str]
    supplier_name: str | None
    external_id: str | None
    date: dt.date | None
    total: Decimal
    currency: str | None
    status: str
    stands: bool
    draft: bool = False
    stream: str = ""
    record: t.Mapping[str, t.Any] | None = dataclasses.field(default=None, repr=False, compare=False)


class Access(t.Protocol):
    """One system, as far as the command line needs it.

    Attributes:
        plugins: The tap and the target whose settings lead to it.
        known_by: Settings of which one at least is there when somebody means to use the system.
    """

    plugins: t.ClassVar[tuple[str, str]]
    known_by: t.ClassVar[tuple[str, ...]]

    @classmethod
    def connect(cls, config: t.Mapping[str, t.Any], *, plugin: str) -> t.Self:
        """Return access by the settings of a plugin; asks nothing yet.

        Raises:
            SettingInvalid: A setting is missing or cannot be used.
        """
        ...

    @property
    def instance(self) -> str:
        """System and instance as the ledger names them."""
        ...

    def ping(self) -> Health:
        """Ask the system how it is and what we may do; refused credentials are tried once.

        Raises:
            SystemFault: It refuses us, or cannot be reached.
        """
        ...

    def suppliers(self) -> t.Iterator[Party]:
        """Yield all suppliers that can be owed money, inactive ones included."""
        ...

    def invoices(self, since: dt.date, until: dt.date) -> t.Iterator[InvoiceView]:
        """Yield everything dated ``since`` to ``until``, both included, and what has no date."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def typed(settings: type, config: t.Mapping[str, t.Any], *, plugin: str) -> dict[str, t.Any]:
    """Return those values of a configuration that are fields of ``settings``, in the fields' types.

    Environment variables are text; ``"3"`` becomes 3 where a number is wanted.

    Raises:
        SettingInvalid: A value is not of its field's type.
    """
    values = {}
    for name, kind in t.get_type_hints(settings).items():
        if (value := config.get(name)) in (None, ""):
            continue
        try:
            values[name] = msgspec.convert(value, kind, strict=False)
        except msgspec.ValidationError as error:
            variable = f"{plugin}_{name}".replace("-", "_").upper()
            raise SettingInvalid(f'setting "{name}" cannot be used: {error}.', f"Correct {variable}.") from None
    return values
