"""How documents are written into Business Central."""

from __future__ import annotations

import dataclasses
import types
import typing as t

from ml_connector.errors import SettingInvalid
from ml_connector.systems.business_central.vendor_payments import LONGEST_JOURNAL_CODE

__all__ = ["DEFAULT_DIMENSIONS", "VENDOR_NUMBERS", "BusinessCentralPosting", "VendorNumbers"]

VendorNumbers = t.Literal["ours", "series"]
VENDOR_NUMBERS: t.Final[tuple[VendorNumbers, ...]] = t.get_args(VendorNumbers)

DEFAULT_DIMENSIONS: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "cost_center": "DEPARTMENT",
        "department": "DEPARTMENT",
        "job": "PROJECT",
        "location": "LOCATION",
        "project": "PROJECT",
    }
)
"""Kind of dimension to the code it usually has in Business Central."""


def _option(default: t.Any, doc: str) -> t.Any:
    return dataclasses.field(default=default, metadata={"doc": doc, "secret": False})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BusinessCentralPosting:
    """Choices of the company's owner; by default nothing is posted and no journal is made.

    Each field's ``metadata`` has its ``doc``.
    """

    payment_journal: str = _option("BILL", doc="Code of the vendor payment journal that payments go into.")
    create_payment_journal: bool = _option(False, doc="Make that journal if there is none.")
    balancing_account: str | None = _option(None, doc="Number of the ledger account a journal made so is balanced to.")
    post_payments: bool = _option(False, doc="Post that journal at the end of a run, if all its lines are ours.")
    post_invoices: bool = _option(False, doc="Post purchase invoices; otherwise they stay drafts.")
    vendor_numbers: VendorNumbers = dataclasses.field(
        default="ours", metadata={"doc": "Whose numbers new vendors get.", "secret": False}
    )
    dimension_codes: t.Mapping[str, str] = dataclasses.field(
        default_factory=dict,
        metadata={"doc": "Further kinds of dimension and their codes in Business Central.", "secret": False},
    )
    tax_account: str | None = _option(None, doc="Account of the line that carries tax which stands on no line.")
    charges_account: str | None = _option(None, doc="Account of the line that carries freight and other charges.")

    @classmethod
    def from_config(cls, config: t.Mapping[str, t.Any]) -> BusinessCentralPosting:
        """Take the options out of the target's configuration.

        Raises:
            SettingInvalid: A value is none of those allowed.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        given = {name: value for name, value in config.items() if name in known and value not in (None, "")}
        code = str(given.get("payment_journal") or "BILL").strip().upper()
        options = cls(**{**given, "payment_journal": code})
        if len(code) > LONGEST_JOURNAL_CODE or any(char.isdigit() for char in code):
            # After posting Business Central may replace BILL1 by BILL2 (sheet business-central 4).
            raise SettingInvalid(
                f'setting "payment_journal" is "{code}".',
                f"Choose a code of at most {LONGEST_JOURNAL_CODE} characters without a digit: Business Central may "
                "count a digit up when it posts, and the next payments would go nowhere.",
            )
        if options.create_payment_journal and not options.balancing_account:
            raise SettingInvalid(
                'setting "balancing_account" is missing.',
                "A journal that is made needs the number of the ledger account that payments are taken from.",
            )
        if options.vendor_numbers not in VENDOR_NUMBERS:
            raise SettingInvalid(
                f'setting "vendor_numbers" is "{options.vendor_numbers}".',
                f"Choose one of {', '.join(VENDOR_NUMBERS)}.",
            )
        return options

    @property
    def codes(self) -> frozenset[str]:
        """Codes of all dimensions that are sent."""
        return frozenset(code.upper() for code in {**DEFAULT_DIMENSIONS, **self.dimension_codes}.values())

    def code_of(self, dimension: str) -> str | None:
        """Return the code of the dimension a kind stands for, None when it stands for none."""
        code = self.dimension_codes.get(dimension) or DEFAULT_DIMENSIONS.get(dimension)
        return code.upper() if code else None
