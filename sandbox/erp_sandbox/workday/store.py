"""One Workday tenant: its master data, what was written to it, and how it behaves.

Everything here may be called from any thread while the server runs; ``lock`` guards every change.
"""

from __future__ import annotations

import threading
from collections import deque
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from erp_sandbox import credentials
from erp_sandbox.clock import Clock
from erp_sandbox.workday.currencies import CURRENCIES
from erp_sandbox.workday.documents import AdHocPayment, Adjustment, Invoice, SupplierRecord, TaxId
from erp_sandbox.workday.instances import WORKTAG_ID_TYPES, Instance, Instances
from erp_sandbox.workday.ledger import DocumentLedger
from erp_sandbox.workday.oauth import ApiClient
from erp_sandbox.workday.orders import Payment, PurchaseOrder, Remittance
from erp_sandbox.workday.results import ResultSets
from erp_sandbox.workday.snapshot import Snapshot
from erp_sandbox.workday.tenant_data import REFERENCE_VALUES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from erp_sandbox.workday.documents import Status
    from erp_sandbox.workday.records import Seed, Supplier

    Report = Callable[["WorkdayStore"], list[Mapping[str, Any]]]

SEEDED_AT = datetime(2026, 1, 1, tzinfo=UTC)
"""When seeded master data was entered and last changed."""

DEFAULT_REPORT = ("ap_admin", "Active_Suppliers")
"""Owner and name of the report every tenant serves."""

Trap = Literal["error_exception", "not_written", "no_reference"]
"""What the next submit does instead of its work, always with HTTP 200 and without a fault.

``error_exception``: answers a reference and an exception classified Error, nothing written;
``not_written``: answers only the Error exception; ``no_reference``: answers nothing at all, nothing written.
"""


@dataclass(slots=True)
class Behaviour:
    """Switches for what differs between tenants or is not known for sure.

    ``authentication_status`` is the HTTP status of an authentication fault (500, some tenants 401).
    ``duplicate_number`` says whether a supplier's invoice number already in use is refused or only warned
    about. ``refused_lookup_types`` are id types that are printed in answers but not accepted in
    Request_References (the trap of docs/systems/workday.md#w4-1). ``invalid_requests_per_minute`` lets the tenant
    answer 429 to everything once so many validation faults were given within a minute; None never does.
    ``approved_suppliers_only`` refuses invoices of suppliers that are still being approved. ``omitted_blocks`` says
    what becomes of repeated blocks that a change of a supplier leaves out: nobody has shown which it is.
    """

    authentication_status: Literal[500, 401] = 500
    duplicate_number: Literal["refuse", "warn"] = "refuse"
    refused_lookup_types: set[str] = field(default_factory=set)
    invalid_requests_per_minute: int | None = None
    approved_suppliers_only: bool = False
    omitted_blocks: Literal["kept", "cleared"] = "kept"


class WorkdayStore:
    """The tenant. Everything public is for tests and for the seeds; the rules use it as well.

    Args:
        seed: The master data to start with.
        clock: The time it lives in.
    """

    def __init__(self, seed: Seed, *, clock: Clock | None = None) -> None:
        self.tenant = seed.tenant
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.behaviour = Behaviour()
        self.api_client = ApiClient(clock=self.clock)
        self.users: dict[str, str] = {credentials.WORKDAY_ISU_USERNAME: credentials.WORKDAY_ISU_PASSWORD}
        self.suppliers = {each.supplier_id: _supplier_record(each) for each in seed.suppliers}
        self.suppliers_created: list[SupplierRecord] = []
        self.companies = {each.company_id: each for each in seed.companies}
        self.cost_centers = {each.cost_center_id: each for each in seed.cost_centers}
        self.spend_categories = {each.spend_category_id: each for each in seed.spend_categories}
        self.ledger_accounts = list(seed.ledger_accounts)
        self.payment_terms = {each.payment_terms_id: each for each in seed.payment_terms}
        self.projects = {each.project_id: each for each in seed.projects}
        self.employees = {each.employee_id: each for each in seed.employees}
        # Copies: what a seed holds may be shared by several tenants, and what is in here can be changed.
        self.purchase_orders = {each.purchase_order_id: deepcopy(each) for each in seed.purchase_orders}
        self.payments = {each.payment_id: deepcopy(each) for each in seed.payments}
        self.journals = {each.journal_id: deepcopy(each) for each in seed.journals}
        self.reports: dict[tuple[str, str], Report] = {DEFAULT_REPORT: _suppliers_report}
        self.invoice_ledger: DocumentLedger[Invoice] = DocumentLedger()
        self.adjustment_ledger: DocumentLedger[Adjustment] = DocumentLedger()
        self.ad_hoc_payments: dict[str, AdHocPayment] = {}
        self.closed_periods: set[tuple[int, int]] = set()
        self.requests: dict[str, int] = {}
        self.wsdl_files: dict[str, Path] = {}
        self.revision = 0
        self.results = ResultSets()
        self._changed: dict[tuple[str, str], datetime] = {}
        self._sequences: dict[str, int] = {}
        self._forbidden: set[str] = set()
        self._blind: set[str] = set()
        self._traps: deque[Trap] = deque()
        self._invalid: deque[datetime] = deque()
        self._added: list[tuple[str, str, str]] = []
        self._know_all()

    # What was written

    @property
    def invoices(self) -> list[Invoice]:
        """All supplier invoices, in the order they were written, canceled ones included."""
        return self.invoice_ledger.all

    @property
    def adjustments(self) -> list[Adjustment]:
        """All supplier invoice adjustments, in the order they were written."""
        return self.adjustment_ledger.all

    def count(self) -> int:
        """How many invoices there are that are not canceled."""
        with self.lock:
            return sum(1 for invoice in self.invoices if not invoice.canceled)

    def totals(self) -> dict[str, Decimal]:
        """The exact total of all invoices that are not canceled, per currency."""
        with self.lock:
            totals: dict[str, Decimal] = {}
            for invoice in self.invoices:
                if not invoice.canceled:
                    totals[invoice.currency] = totals.get(invoice.currency, Decimal(0)) + invoice.total
            return totals

    def invoice(self, supplier_invoice_id: str) -> Invoice:
        """The invoice with this reference id (or WID).

        Raises:
            KeyError: there is none.
        """
        found = self.instances.find(("Supplier_Invoice",), "Supplier_Invoice_Reference_ID", supplier_invoice_id)
        return self.invoice_ledger.by_wid(found.wid if found else supplier_invoice_id)

    # What other people in the company do

    def inactivate_supplier(self, supplier_id: str) -> None:
        """Make a supplier inactive."""
        with self.lock:
            self.suppliers[supplier_id].status = "INACTIVE"
            self.suppliers[supplier_id].updated_at = self.clock.now()
            self.touch()

    def activate_supplier(self, supplier_id: str) -> None:
        """Make a supplier active (and approved) again."""
        with self.lock:
            supplier = self.suppliers[supplier_id]
            supplier.status, supplier.approval, supplier.updated_at = "ACTIVE", "APPROVED", self.clock.now()
            self.touch()

    def edit_supplier(self, supplier_id: str, **changes: object) -> None:
        """Change fields of a supplier inside Workday, as a clerk would.

        Raises:
            AttributeError: a supplier has no such field.
        """
        with self.lock:
            supplier = self.suppliers[supplier_id]
            for name, value in changes.items():
                getattr(supplier, name)
                setattr(supplier, name, value)
            supplier.updated_at = self.clock.now()
            self.touch()

    def inactivate_cost_center(self, cost_center_id: str) -> None:
        """Make a cost center inactive."""
        with self.lock:
            self.cost_centers[cost_center_id] = replace(self.cost_centers[cost_center_id], active=False)
            self._mark("Cost_Center", cost_center_id)

    def inactivate_spend_category(self, spend_category_id: str) -> None:
        """Make a spend category inactive."""
        with self.lock:
            self.spend_categories[spend_category_id] = replace(self.spend_categories[spend_category_id], inactive=True)
            self._mark("Spend_Category", spend_category_id)

    def retire_ledger_account(self, account_set_id: str, ledger_account_id: str) -> None:
        """Retire a ledger account."""
        with self.lock:
            self.ledger_accounts = [
                replace(each, retired=True)
                if (each.account_set_id, each.ledger_account_id) == (account_set_id, ledger_account_id)
                else each
                for each in self.ledger_accounts
            ]
            self.touch()

    def close_period(self, year: int, month: int) -> None:
        """Close an accounting period: nothing can be posted into it any more."""
        with self.lock:
            self.closed_periods.add((year, month))

    def open_period(self, year: int, month: int) -> None:
        """Open an accounting period again."""
        with self.lock:
            self.closed_periods.discard((year, month))

    def cancel_invoice(self, supplier_invoice_id: str) -> None:
        """Cancel an invoice inside Workday, as an AP clerk would.

        Raises:
            ValueError: the invoice is locked in Workday.
        """
        self.edit_invoice(supplier_invoice_id, status="CANCELED")

    def approve_invoice(self, supplier_invoice_id: str) -> None:
        """Approve an invoice."""
        with self.lock:
            self._set_status(self.invoice(supplier_invoice_id), "APPROVED")

    def edit_invoice(self, supplier_invoice_id: str, **changes: object) -> None:
        """Change fields of an invoice inside Workday, as an AP clerk would.

        Raises:
            ValueError: the invoice is locked in Workday.
        """
        with self.lock:
            invoice = self.invoice(supplier_invoice_id)
            if invoice.locked:
                raise ValueError(f"{supplier_invoice_id} is locked in Workday; only the web service can change it")
            self.invoice_ledger.change(invoice, changes)
            invoice.updated_at = self.clock.now()
            self.touch()

    def add_worktag(self, id_type: str, value: str, descriptor: str = "") -> None:
        """Know one more worktag, for instance ``("Project_ID", "PRJ-12")``."""
        self.add_reference_value(WORKTAG_ID_TYPES[id_type], value, descriptor)

    def add_reference_value(self, kind: str, value: str, descriptor: str = "") -> None:
        """Know one more tenant value of a kind, for instance ``("Payment_Type", "CARD")``."""
        with self.lock:
            self._added.append((kind, value, descriptor or value))
            self.instances.add(kind, value, descriptor or value)

    def change_purchase_order(self, purchase_order_id: str, **changes: Any) -> None:
        """Keep a changed (or new) version of a purchase order, as a buyer would save it."""
        with self.lock:
            order = replace(self.purchase_orders[purchase_order_id], **{"updated_at": self.clock.now(), **changes})
            self.purchase_orders[order.purchase_order_id] = order
            self._know_order(order)
            self.touch()

    def change_payment(self, payment_id: str, **changes: Any) -> None:
        """Keep a changed version of a payment (``status="Voided"``), or with a new ``payment_id`` another one."""
        with self.lock:
            payment = replace(self.payments[payment_id], **changes)
            self.payments[payment.payment_id] = payment
            self.instances.add("Payment", payment.payment_id, f"Payment {payment.reference_number}")
            self.touch()

    def pay_invoice(self, supplier_invoice_id: str, amount: Decimal, **changes: Any) -> Payment:
        """Pay an invoice, or a part of it, as a settlement run would."""
        with self.lock:
            invoice = self.invoice(supplier_invoice_id)
            number = self.next_number("SUPPLIER_PAYMENT-3")
            name = f"SUPPLIER_PAYMENT-3-{number}"
            paid = Remittance(
                invoice.invoice_number, invoice.suppliers_invoice_number, invoice.invoice_date, invoice.total, amount
            )
            fields: dict[str, Any] = {
                "payment_id": name,
                "reference_number": f"SETTLED-{number}",
                "date": invoice.invoice_date,
                "status": "Complete",
                "category": "SUPPLIER_PAYMENT",
                "payment_type": "ACH",
                "company": invoice.company,
                "currency": invoice.currency,
                "payee_kind": "Supplier",
                "payee": invoice.supplier,
                "account_number": "",
                "remittances": [paid],
            }
            payment = self.payments[name] = Payment(**{**fields, **changes})
            self.instances.add("Payment", name, f"Payment {payment.reference_number}")
            self.touch()
            return payment

    def paid_of(self, invoice: Invoice) -> Decimal:
        """What payments have settled of an invoice, discounts included."""
        return sum(
            (
                each.paid + each.discount
                for payment in self.payments.values()
                if payment.status != "Voided"
                for each in payment.remittances
                if each.document_id == invoice.invoice_number
            ),
            Decimal(0),
        )

    def rename_supplier(self, supplier_id: str, name: str) -> None:
        """Give a supplier another name."""
        with self.lock:
            self.suppliers[supplier_id].name = name
            self.suppliers[supplier_id].updated_at = self.clock.now()
            self.touch()

    # What the tenant's administrator does

    def publish_report(self, owner: str, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Serve a custom report; every column can be asked for as a prompt."""
        self.reports[owner, name] = lambda _: list(rows)

    def forbid(self, operation: str) -> None:
        """Take the permission for an operation away: it answers "not authorized"."""
        self._forbidden.add(operation)

    def blind(self, operation: str) -> None:
        """Let a Get answer nothing, as after a security change that is not activated (docs/systems/workday.md#w2-4)."""
        self._blind.add(operation)

    def allow(self, operation: str) -> None:
        """Give the permission back."""
        self._forbidden.discard(operation)
        self._blind.discard(operation)

    def may(self, operation: str) -> bool:
        """Whether the caller may run an operation."""
        return operation not in self._forbidden

    def is_blind(self, operation: str) -> bool:
        """Whether a Get finds nothing whatever there is."""
        return operation in self._blind

    def arm(self, trap: Trap) -> None:
        """Let the next submit fall into a trap (several queue up)."""
        self._traps.append(trap)

    def next_trap(self) -> Trap | None:
        """The trap of this submit."""
        return self._traps.popleft() if self._traps else None

    def serve_wsdl(self, directory: Path, files: Mapping[str, str] | None = None) -> None:
        """Serve WSDL files instead of the generated ones, and check requests against their schemas.

        Args:
            directory: Where the files lie.
            files: File name per service; by default ``<service>.wsdl`` or ``<service>.reconstructed.wsdl``.

        Raises:
            FileNotFoundError: a named file does not exist.
        """
        names = files or {
            name: path.name
            for name in ("Resource_Management", "Financial_Management", "Integrations", "Cash_Management")
            for path in (directory / f"{name}.wsdl", directory / f"{name}.reconstructed.wsdl")
            if path.is_file()
        }
        for service, name in names.items():
            path = directory / name
            if not path.is_file():
                raise FileNotFoundError(path)
            self.wsdl_files[service] = path

    # Keeping it

    def to_json(self) -> bytes:
        """Everything the tenant knows, as JSON: master data, documents, sequences, the live refresh token.

        Switches, permissions and access tokens are not part of it.
        """
        with self.lock:
            return msgspec.json.encode(
                Snapshot(
                    companies=list(self.companies.values()),
                    cost_centers=list(self.cost_centers.values()),
                    spend_categories=list(self.spend_categories.values()),
                    ledger_accounts=self.ledger_accounts,
                    payment_terms=list(self.payment_terms.values()),
                    suppliers=list(self.suppliers.values()),
                    created=[each.supplier_id for each in self.suppliers_created],
                    invoices=self.invoices,
                    adjustments=self.adjustments,
                    closed_periods=sorted(self.closed_periods),
                    sequences=self._sequences,
                    changed=[(kind, value, moment) for (kind, value), moment in self._changed.items()],
                    added=self._added,
                    ad_hoc_payments=list(self.ad_hoc_payments.values()),
                    refresh_token=self.api_client.refresh_token,
                    projects=list(self.projects.values()),
                    employees=list(self.employees.values()),
                    purchase_orders=list(self.purchase_orders.values()),
                    payments=list(self.payments.values()),
                    journals=list(self.journals.values()),
                )
            )

    def from_json(self, text: bytes) -> None:
        """Go on with what :meth:`to_json` kept, in place of everything known now.

        Raises:
            msgspec.ValidationError: the text is not a snapshot.
        """
        kept = msgspec.json.decode(text, type=Snapshot)
        with self.lock:
            self.companies = {each.company_id: each for each in kept.companies}
            self.cost_centers = {each.cost_center_id: each for each in kept.cost_centers}
            self.spend_categories = {each.spend_category_id: each for each in kept.spend_categories}
            self.ledger_accounts = kept.ledger_accounts
            self.payment_terms = {each.payment_terms_id: each for each in kept.payment_terms}
            self.suppliers = {each.supplier_id: each for each in kept.suppliers}
            self.suppliers_created = [self.suppliers[each] for each in kept.created]
            self.invoice_ledger = DocumentLedger(kept.invoices)
            self.adjustment_ledger = DocumentLedger(kept.adjustments)
            self.ad_hoc_payments = {each.payment_id: each for each in kept.ad_hoc_payments}
            self.closed_periods = set(kept.closed_periods)
            self._sequences = kept.sequences
            self._changed = {(kind, value): moment for kind, value, moment in kept.changed}
            self._added = kept.added
            self.api_client.refresh_token = kept.refresh_token
            self.projects = {each.project_id: each for each in kept.projects}
            self.employees = {each.employee_id: each for each in kept.employees}
            self.purchase_orders = {each.purchase_order_id: each for each in kept.purchase_orders}
            self.payments = {each.payment_id: each for each in kept.payments}
            self.journals = {each.journal_id: each for each in kept.journals}
            self._know_all()
            self.touch()

    # For the rules

    def touch(self) -> None:
        """Note that something changed, so that no remembered result set is used for a new question."""
        self.revision += 1

    def changed_at(self, kind: str, value: str) -> datetime:
        """When reference data was changed last."""
        return self._changed.get((kind, value), SEEDED_AT)

    def next_number(self, sequence: str) -> int:
        """The next number of a sequence generator."""
        self._sequences[sequence] = self._sequences.get(sequence, 0) + 1
        return self._sequences[sequence]

    def add_invoice(self, invoice: Invoice) -> Instance:
        """Keep an invoice; it must have an id no other invoice has. Its WID is set."""
        with self.lock:
            instance = self.instances.add("Supplier_Invoice", invoice.supplier_invoice_id, invoice.supplier_invoice_id)
            invoice.wid = instance.wid
            self.invoice_ledger.add(invoice)
            self.touch()
            return instance

    def add_adjustment(self, adjustment: Adjustment) -> Instance:
        """Keep an adjustment; it must have an id no other adjustment has. Its WID is set."""
        with self.lock:
            instance = self.instances.add(
                "Supplier_Invoice_Adjustment", adjustment.supplier_invoice_id, adjustment.supplier_invoice_id
            )
            adjustment.wid = instance.wid
            self.adjustment_ledger.add(adjustment)
            self.touch()
            return instance

    def add_ad_hoc_payment(self, payment: AdHocPayment) -> Instance:
        """Keep an ad hoc payment; it must have an id no other has. Its WID is set."""
        with self.lock:
            instance = self.instances.add("Ad_Hoc_Payment", payment.payment_id, payment.payment_id)
            payment.wid = instance.wid
            self.ad_hoc_payments[payment.payment_id] = payment
            self.touch()
            return instance

    def replace_ad_hoc_payment(self, existing: AdHocPayment, payment: AdHocPayment) -> Instance:
        """Replace an ad hoc payment by what it says now."""
        with self.lock:
            payment.wid, payment.created_at = existing.wid, existing.created_at
            self.ad_hoc_payments[existing.payment_id] = payment
            self.touch()
            return self.instances.get("Ad_Hoc_Payment", existing.payment_id)

    def cancel_ad_hoc_payment(self, payment_id: str) -> None:
        """Cancel an ad hoc payment, as somebody would inside Workday."""
        with self.lock:
            self.ad_hoc_payments[payment_id].status = "Canceled"
            self.touch()

    def add_supplier(self, supplier: SupplierRecord) -> Instance:
        """Know a supplier; its WID is set."""
        instance = self.instances.add("Supplier", supplier.supplier_id, supplier.name)
        supplier.wid = instance.wid
        self.suppliers[supplier.supplier_id] = supplier
        self.touch()
        return instance

    def note_request(self, operation: str) -> None:
        """Count a request that reached an operation."""
        self.requests[operation] = self.requests.get(operation, 0) + 1

    def note_invalid(self) -> None:
        """Remember a validation fault, for throttling."""
        self._invalid.append(self.clock.now())

    def too_many_invalid(self) -> bool:
        """Whether so many invalid requests came within a minute that all are refused for a while."""
        limit = self.behaviour.invalid_requests_per_minute
        if limit is None:
            return False
        now = self.clock.now()
        while self._invalid and (now - self._invalid[0]).total_seconds() > 60:
            self._invalid.popleft()
        return len(self._invalid) >= limit

    def _set_status(self, invoice: Invoice, status: Status) -> None:
        invoice.status = status
        invoice.updated_at = self.clock.now()
        self.touch()

    def _mark(self, kind: str, value: str) -> None:
        self._changed[kind, value] = self.clock.now()
        self.touch()

    def _know_all(self) -> None:
        """Make an instance of everything there is."""
        self.instances = Instances(self.tenant)
        for kind, value, descriptor in (*_tenant_values(), *self._master_data(), *self._books(), *self._added):
            self.instances.add(kind, value, descriptor)
        for code, (numeric, _) in CURRENCIES.items():
            self.instances.add("Currency", code, code, other={"Currency_Numeric_Code": numeric})
        for supplier in self.suppliers.values():
            supplier.wid = self.instances.add("Supplier", supplier.supplier_id, supplier.name).wid
        for account in self.ledger_accounts:
            parent = ("Account_Set_ID", account.account_set_id)
            self.instances.add("Ledger_Account", account.ledger_account_id, account.name, parent=parent)
        for order in self.purchase_orders.values():
            self._know_order(order)
        written: tuple[tuple[str, Sequence[Invoice]], ...] = (
            ("Supplier_Invoice", self.invoices),
            ("Supplier_Invoice_Adjustment", self.adjustments),
        )
        for payment in self.ad_hoc_payments.values():
            self.instances.add("Ad_Hoc_Payment", payment.payment_id, payment.payment_id)
        for kind, documents in written:
            for document in documents:
                self.instances.add(kind, document.supplier_invoice_id, document.supplier_invoice_id)

    def _know_order(self, order: PurchaseOrder) -> None:
        self.instances.add(
            "Purchase_Order",
            order.purchase_order_id,
            order.document_number,
            other={"Document_Number": order.document_number},
        )
        for line in order.lines:
            self.instances.add(
                "Purchase_Order_Line",
                line.line_id,
                f"{order.document_number} line {line.number}",
                other={"Line_Number": str(line.number)},
                parent=("Document_Number", order.document_number),
            )

    def _master_data(self) -> Iterator[tuple[str, str, str]]:
        """Kind, id and descriptor of everything seeded but suppliers, and of unlisted currencies in use."""
        used = [company.currency for company in self.companies.values()]
        used += [supplier.currency for supplier in self.suppliers.values() if supplier.currency]
        for currency in dict.fromkeys(used):
            if currency not in CURRENCIES:
                yield "Currency", currency, currency
        for company in self.companies.values():
            yield "Company", company.company_id, company.name
        for center in self.cost_centers.values():
            yield "Cost_Center", center.cost_center_id, f"{center.code} {center.name}"
        for category in self.spend_categories.values():
            yield "Spend_Category", category.spend_category_id, category.name
        for terms in self.payment_terms.values():
            yield "Payment_Terms", terms.payment_terms_id, terms.name
        for account_set in dict.fromkeys(account.account_set_id for account in self.ledger_accounts):
            yield "Account_Set", account_set, account_set

    def _books(self) -> Iterator[tuple[str, str, str]]:
        """Kind, id and descriptor of what nobody writes through the web services, but purchase orders."""
        for project in self.projects.values():
            yield "Project", project.project_id, project.name
        for employee in self.employees.values():
            yield "Employee", employee.employee_id, employee.name
        for payment in self.payments.values():
            yield "Payment", payment.payment_id, f"Payment {payment.reference_number}"
        for journal in self.journals.values():
            yield "Journal_Entry", journal.journal_id, journal.number


def _tenant_values() -> Iterator[tuple[str, str, str]]:
    for kind, values in REFERENCE_VALUES.items():
        for value, descriptor in values.items():
            yield kind, value, descriptor


def _supplier_record(supplier: Supplier) -> SupplierRecord:
    return SupplierRecord(
        wid="",
        supplier_id=supplier.supplier_id,
        name=supplier.name,
        status=supplier.status,
        approval="APPROVED",
        external_entity_id=supplier.external_entity_id,
        tax_ids=[TaxId(supplier.tax_id, "USA-EIN", primary=True)] if supplier.tax_id else [],
        currency=supplier.currency,
        worktag_only=supplier.worktag_only,
        created_at=SEEDED_AT,
        updated_at=SEEDED_AT,
        bank_accounts=[supplier.bank_account] if supplier.bank_account else [],
    )


def _suppliers_report(store: WorkdayStore) -> list[Mapping[str, Any]]:
    return [
        {"Supplier_ID": each.supplier_id, "Supplier_Name": each.name, "Currency": each.currency}
        for each in store.suppliers.values()
        if each.status == "ACTIVE"
    ]
