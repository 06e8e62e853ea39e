"""How documents are posted into Workday."""

from __future__ import annotations

import dataclasses
import types
import typing as t

from ml_connector.documents import Reference
from ml_connector.errors import SettingInvalid

__all__ = ["DEFAULT_WORKTAG_TYPES", "WorkdayPosting"]

DEFAULT_WORKTAG_TYPES: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "business_unit": "Business_Unit_ID",
        "cost_center": "Cost_Center_Reference_ID",
        "custom_organization": "Custom_Organization_Reference_ID",
        "fund": "Fund_ID",
        "grant": "Grant_ID",
        "location": "Location_ID",
        "program": "Program_ID",
        "project": "Project_ID",
        "region": "Region_Reference_ID",
    }
)
"""Kind of dimension to the ID type of its worktag (docs/systems/workday.md#w4-5)."""


def _option(default: t.Any, doc: str) -> t.Any:
    return dataclasses.field(default=default, metadata={"doc": doc, "secret": False})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkdayPosting:
    """Choices of the tenant's owner; the defaults bypass no approval and lock nobody out.

    Each field's ``metadata`` has its ``doc``.
    """

    submit: bool = _option(True, doc="Send invoices into the approval process; false leaves drafts.")
    auto_complete: bool = _option(False, doc="Skip all approvals of what is posted. Only where Workday is not asked.")
    locked_in_workday: bool = _option(False, doc="Nobody can correct or cancel the invoice inside Workday.")
    on_hold: bool = _option(False, doc="Post invoices on hold, so that no settlement run pays them.")
    adjustment_reason: str = _option("OTHER_TERMS", doc="Adjustment_Reason_ID of credits.")
    tax_option: str | None = _option(None, doc="Tax_Option_ID of invoices, such as ENTER_TAX_DUE.")
    invoice_number_from: t.Literal["external_id", "workday"] = _option(
        "external_id", doc="Number invoices by the id they are found by, or leave it to Workday's sequence."
    )
    override_payment_type: str | None = _option(
        None, doc="Payment_Type_ID invoices are posted with, one that no settlement run selects."
    )
    payment_recording: t.Literal["none", "ad_hoc_payment"] = _option(
        "none", doc="Whether payments made elsewhere are recorded as ad hoc payments; they settle no invoice."
    )
    payment_bank_account: str | None = _option(None, doc="Bank_Account_ID recorded payments were made from.")
    payment_clearing_category: str | None = _option(
        None, doc="Spend_Category_ID recorded payments are coded to; its posting rule must hit AP clearing."
    )
    payment_type: str | None = _option(None, doc="Payment_Type_ID of recorded payments, such as MANUAL.")
    payment_worktags: t.Mapping[str, str] = dataclasses.field(
        default_factory=dict,
        metadata={"doc": "Kinds of dimension and their value, put on recorded payments.", "secret": False},
    )
    worktag_types: t.Mapping[str, str] = dataclasses.field(
        default_factory=dict,
        metadata={"doc": "Further kinds of dimension and the ID type of their worktag.", "secret": False},
    )
    supplier_category: str | None = _option(None, doc="Supplier_Category_ID of suppliers that are created.")
    supplier_payment_terms: str | None = _option(None, doc="Payment_Terms_ID of suppliers that are created.")
    supplier_payment_type: str | None = _option(None, doc="Payment_Type_ID of suppliers that are created.")
    supplier_phone_device_type: str | None = _option(
        None, doc="Phone_Device_Type_ID of suppliers' phones; without it phones are left out."
    )

    @classmethod
    def from_config(cls, config: t.Mapping[str, t.Any]) -> WorkdayPosting:
        """Take the options out of the target's configuration.

        Raises:
            SettingInvalid: A value is none of those allowed.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        options = cls(**{name: value for name, value in config.items() if name in known and value is not None})
        if options.invoice_number_from not in ("external_id", "workday"):
            raise SettingInvalid(
                f'setting "invoice_number_from" is {options.invoice_number_from!r}.',
                "It is external_id or workday.",
            )
        options._check_payments()
        if options.auto_complete and not options.submit:
            raise SettingInvalid(
                'settings "submit" (false) and "auto_complete" (true) contradict each other.',
                "A draft cannot be approved; drop auto_complete.",
            )
        return options

    @property
    def records_payments(self) -> bool:
        """Whether payments made elsewhere are recorded."""
        return self.payment_recording == "ad_hoc_payment"

    @property
    def bank_account(self) -> str:
        """Where recorded payments were made from; set wherever payments are recorded."""
        return self.payment_bank_account or ""

    @property
    def clearing_category(self) -> str:
        """What recorded payments are coded to; set wherever payments are recorded."""
        return self.payment_clearing_category or ""

    @property
    def payment_tags(self) -> tuple[Reference, ...]:
        """The worktags of recorded payments."""
        return tuple(Reference(kind=kind, value=value) for kind, value in self.payment_worktags.items())

    def _check_payments(self) -> None:
        if self.payment_recording not in ("none", "ad_hoc_payment"):
            raise SettingInvalid(
                f'setting "payment_recording" is {self.payment_recording!r}.',
                "It is none or ad_hoc_payment.",
            )
        if not self.records_payments:
            return
        for name, kind in (("bank_account", "Bank_Account_ID"), ("clearing_category", "Spend_Category_ID")):
            if not getattr(self, name):
                raise SettingInvalid(
                    f'setting "payment_{name}" is missing, and payments are to be recorded in Workday.',
                    f"Set TARGET_WORKDAY_PAYMENT_{name.upper()} to a {kind}, or payment_recording to none.",
                )
        for kind, value in self.payment_worktags.items():
            if self.worktag_type(kind) is None or not str(value).strip():
                raise SettingInvalid(
                    f'setting "payment_worktags" has {kind!r}: {value!r}.',
                    "It takes kinds of dimension and an id each; add the ID type of a further kind to worktag_types.",
                )
        if not (self.on_hold or self.override_payment_type):
            raise SettingInvalid(
                'settings "on_hold" (false) and "override_payment_type" (not set) leave invoices open that were paid.',
                "Recording a payment settles no invoice, so a settlement run would pay it again: set one of the two.",
            )

    def worktag_type(self, kind: str) -> str | None:
        """Return the ID type of a kind of dimension, None when it has none."""
        return self.worktag_types.get(kind) or DEFAULT_WORKTAG_TYPES.get(kind)

    def require_for_new_suppliers(self) -> None:
        """Refuse to create suppliers without what Workday wants of each.

        Raises:
            SettingInvalid: An option is missing.
        """
        for name in ("supplier_category", "supplier_payment_terms", "supplier_payment_type"):
            if getattr(self, name) is None:
                raise SettingInvalid(
                    f'setting "{name}" is missing, and a supplier is to be created in Workday.',
                    f"Set TARGET_WORKDAY_{name.upper()} to a tenant's id, or missing_suppliers to hold.",
                )
