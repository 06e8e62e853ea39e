"""The API's entity sets: what each is called, which table it shows, and what may be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from erp_sandbox.business_central.facts import ledgers, masters, purchasing
from erp_sandbox.business_central.facts.attachments import DOCUMENT_ATTACHMENT
from erp_sandbox.business_central.fields import Field
from erp_sandbox.business_central.values import Record

__all__ = ["ANALYTICS_SETS", "COMPANIES", "FINANCE_SETS", "SETS", "EntitySet"]

GENERAL = "GENERAL"
PAYMENT = "PAYMENT"
"""The first general and the first payment template: the only ones whose batches are listed (sheet 3, 4)."""

_SHOWN_ACCOUNTS = ("G/L Account", "Customer", "Vendor", "Bank Account")


@dataclass(frozen=True)
class EntitySet:
    """A set of entities below a company.

    Attributes:
        name: In the path.
        kind: Its type, without the namespace.
        caption: What the service's texts call a record.
        fields: Its properties in order.
        table: The table it shows; empty when its rows are worked out from their parent.
        navs: Collections below one entity: name, and the field of their records that names the parent (empty: they
            are worked out).
        verbs: What may be done beside reading: POST, PATCH, DELETE.
        actions: Bound actions of one entity.
        needs: Fields one of which a list without a parent must be filtered by; ``parent`` means no filter helps.
        admits: Which records of the table belong to it.
        webhook: Whether subscriptions take it (sheet 5).
    """

    name: str
    kind: str
    caption: str
    fields: tuple[Field, ...]
    table: str
    navs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    verbs: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()
    admits: Callable[[Record], bool] | None = None
    webhook: bool = False

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The properties by name."""
        return {each.name: each for each in self.fields}

    @cached_property
    def plan(self) -> tuple[tuple[str, Field | None], ...]:
        """The properties in order, each with itself if its value looks different on the wire."""
        return tuple((each.name, each if each.kind in ("instant", "choice") else None) for each in self.fields)


def _set(
    name: str,
    kind: str,
    caption: str,
    fields: tuple[Field, ...],
    table: str | None = None,
    *,
    navs: Mapping[str, str] | None = None,
    verbs: str = "",
    actions: str = "",
    needs: str = "",
    admits: Callable[[Record], bool] | None = None,
    webhook: bool = False,
) -> EntitySet:
    return EntitySet(
        name,
        kind,
        caption,
        fields,
        name if table is None else table,
        MappingProxyType(dict(navs or {})),
        frozenset(verbs.split()),
        frozenset(actions.split()),
        tuple(needs.split()),
        admits,
        webhook,
    )


_ALL = "POST PATCH DELETE"
_DIMENSIONS = {"dimensionSetLines": ""}
_FILES = {"documentAttachments": "parentId"}

_MASTER_SETS = (
    _set("accounts", "account", "G/L Account", masters.ACCOUNT, webhook=True),
    _set(
        "vendors",
        "vendor",
        "Vendor",
        masters.VENDOR,
        navs={"defaultDimensions": "parentId", **_FILES},
        verbs=_ALL,
        webhook=True,
    ),
    _set("items", "item", "Item", masters.ITEM, navs={"defaultDimensions": "parentId"}, verbs=_ALL, webhook=True),
    _set("bankAccounts", "bankAccount", "Bank Account", masters.BANK_ACCOUNT, verbs=_ALL, webhook=True),
    _set("paymentTerms", "paymentTerm", "Payment Terms", masters.PAYMENT_TERM, verbs=_ALL, webhook=True),
    _set("paymentMethods", "paymentMethod", "Payment Method", masters.PAYMENT_METHOD, verbs=_ALL, webhook=True),
    _set("currencies", "currency", "Currency", masters.CURRENCY, verbs=_ALL, webhook=True),
    _set("taxGroups", "taxGroup", "Tax Group", masters.TAX_GROUP, verbs=_ALL),
    _set("taxAreas", "taxArea", "Tax Area", masters.TAX_AREA, verbs=_ALL),
    _set("unitsOfMeasure", "unitOfMeasure", "Unit of Measure", masters.UNIT_OF_MEASURE, verbs=_ALL, webhook=True),
    _set("locations", "location", "Location", masters.LOCATION, verbs=_ALL),
    _set(
        "companyInformation",
        "companyInformation",
        "Company Information",
        masters.COMPANY_INFORMATION,
        verbs="PATCH",
        webhook=True,
    ),
    _set(
        "dimensions",
        "dimension",
        "Dimension",
        masters.DIMENSION,
        navs={"dimensionValues": "dimensionId"},
        webhook=True,
    ),
    _set("dimensionValues", "dimensionValue", "Dimension Value", masters.DIMENSION_VALUE),
    _set(
        "defaultDimensions",
        "defaultDimension",
        "Default Dimension",
        masters.DEFAULT_DIMENSION,
        verbs=_ALL,
        needs="parent",
    ),
    _set(
        "documentAttachments",
        "documentAttachment",
        "Document Attachment",
        DOCUMENT_ATTACHMENT,
        verbs=_ALL,
        needs="parent",
    ),
)

_PURCHASE_SETS = (
    _set(
        "purchaseInvoices",
        "purchaseInvoice",
        "Purchase Invoice",
        purchasing.PURCHASE_INVOICE,
        navs={"purchaseInvoiceLines": "documentId", **_DIMENSIONS, **_FILES},
        verbs=_ALL,
        actions="post",
        webhook=True,
    ),
    _set(
        "purchaseInvoiceLines",
        "purchaseInvoiceLine",
        "Purchase Invoice Line",
        purchasing.PURCHASE_INVOICE_LINE,
        navs=_DIMENSIONS,
        verbs=_ALL,
        needs="id documentId",
    ),
    _set(
        "purchaseCreditMemos",
        "purchaseCreditMemo",
        "Purchase Credit Memo",
        purchasing.PURCHASE_CREDIT_MEMO,
        navs={"purchaseCreditMemoLines": "documentId", **_DIMENSIONS, **_FILES},
        verbs=_ALL,
        actions="post cancel",
    ),
    _set(
        "purchaseCreditMemoLines",
        "purchaseCreditMemoLine",
        "Purchase Credit Memo Line",
        purchasing.PURCHASE_CREDIT_MEMO_LINE,
        navs=_DIMENSIONS,
        verbs=_ALL,
        needs="id documentId",
    ),
    _set(
        "purchaseOrders",
        "purchaseOrder",
        "Purchase Order",
        purchasing.PURCHASE_ORDER,
        navs={"purchaseOrderLines": "documentId", **_DIMENSIONS, **_FILES},
        verbs=_ALL,
        actions="receiveAndInvoice",
    ),
    _set(
        "purchaseOrderLines",
        "purchaseOrderLine",
        "Purchase Order Line",
        purchasing.PURCHASE_ORDER_LINE,
        navs=_DIMENSIONS,
        verbs=_ALL,
        needs="id documentId",
    ),
    _set(
        "dimensionSetLines",
        "dimensionSetLine",
        "Dimension Set Entry",
        purchasing.DIMENSION_SET_LINE,
        "",
        verbs=_ALL,
        needs="parent",
    ),
)

_LEDGER_SETS = (
    _set(
        "journals",
        "journal",
        "Gen. Journal Batch",
        ledgers.JOURNAL,
        "batches",
        navs={"journalLines": "journalId"},
        verbs=_ALL,
        actions="post",
        webhook=True,
    ),
    _set(
        "journalLines",
        "journalLine",
        "Gen. Journal Line",
        ledgers.JOURNAL_LINE,
        "lines",
        navs=_DIMENSIONS,
        verbs=_ALL,
        needs="id journalId",
        admits=lambda line: line["_documentType"] == " " and line["accountType"] in _SHOWN_ACCOUNTS,
    ),
    _set(
        "vendorPaymentJournals",
        "vendorPaymentJournal",
        "Gen. Journal Batch",
        ledgers.PAYMENT_JOURNAL,
        "batches",
        navs={"vendorPayments": "journalId"},
        verbs=_ALL,
        admits=lambda batch: batch["templateDisplayName"] == PAYMENT,
    ),
    _set(
        "vendorPayments",
        "vendorPayment",
        "Gen. Journal Line",
        ledgers.VENDOR_PAYMENT,
        "lines",
        navs={**_DIMENSIONS, "applyVendorEntries": ""},
        verbs=_ALL,
        needs="id journalId",
        admits=lambda line: line["_documentType"] == "Payment" and line["accountType"] == "Vendor",
    ),
    _set(
        "applyVendorEntries",
        "applyVendorEntry",
        "Vendor Ledger Entry",
        ledgers.APPLY_VENDOR_ENTRY,
        "",
        verbs="PATCH",
        needs="parent",
    ),
    _set(
        "generalLedgerEntries",
        "generalLedgerEntry",
        "G/L Entry",
        ledgers.GENERAL_LEDGER_ENTRY,
        navs=_DIMENSIONS,
        webhook=True,
    ),
    _set("approvalEntries", "approvalEntry", "Approval Entry", ledgers.APPROVAL_ENTRY),
    _set("postedApprovalEntries", "postedApprovalEntry", "Posted Approval Entry", ledgers.POSTED_APPROVAL_ENTRY),
)

COMPANIES = _set("companies", "company", "Company", masters.COMPANY)
SETS: Mapping[str, EntitySet] = MappingProxyType(
    {each.name: each for each in (*_MASTER_SETS, *_PURCHASE_SETS, *_LEDGER_SETS)}
)
FINANCE_SETS: Mapping[str, EntitySet] = MappingProxyType(
    {
        "vendorLedgerEntries": _set(
            "vendorLedgerEntries",
            "vendorLedgerEntry",
            "Vendor Ledger Entry",
            ledgers.VENDOR_LEDGER_ENTRY,
        )
    }
)
"""What the API of the finance reports offers (sheet 1)."""

ANALYTICS_SETS: Mapping[str, EntitySet] = MappingProxyType(
    {
        "vendorLedgerEntries": _set(
            "vendorLedgerEntries",
            "vendorLedgerEntry",
            "Vendor Ledger Entry",
            ledgers.VENDOR_LEDGER_DETAIL,
            "",
        )
    }
)
"""What the API of the Power BI reports offers of payables (sheet 1)."""
