"""Switches: where tenants differ or nobody knows, both readings can be tried while serving."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Behaviour", "CompanySetup"]


@dataclass(slots=True)
class Behaviour:
    """How the service as a whole behaves.

    Attributes:
        token_seconds: How long an access token lives.
        expires_in_as_text: Whether the lifetime is printed as a JSON string, as the older endpoint does (sheet 2).
        stale_status: What a stale etag is answered with; the pairing is not certain (sheet 4, 7).
        requests_per_window: Calls per user in five minutes (sheet 6).
        concurrency: Calls answered at once; more wait (sheet 6).
        queue: How many may wait; more are refused.
        slow_page_rows: Pages of more rows than this run into the time limit; None: none does.
        slow_page_status: 408 is the service's own limit, 504 the gateway's (sheet 6).
        finance_reports: Whether the beta API with vendorLedgerEntries is there.
        analytics_versions: Versions of the API of the Power BI reports that are there; older apps have v0.5 only.
        approval_api: Whether approvalEntries are there; tenants before 2026 lack them.
        reads_touch_drafts: Whether reading drafts changes their etags, as it may for an app that can write (sheet 8.5).
        language: What refusals are worded in for those who do not ask for English (sheet 3).
        locked: So many writes are refused next, because another session holds the table (sheet 7).
        denied: What the app has no permission for: entity sets, or ``POST vendors`` and the like.
        hide_unapplied_payments: Before app 29 vendorPayments hid lines that apply to nothing (sheet 3).
        unfilterable: Fields by which lists cannot be filtered; whether lines can by ``appliesToInvoiceId`` is open,
            for it is no field of their table (sheet 4).
        lists_environments: Whether the app may ask the admin centre for environments.
        notification_delay: Seconds from the first change to its notification.
        notification_retry_seconds: How long after a failed delivery the next one is tried, one after the other.
        collection_from: More changes than this in one window become one notification of the collection.
        subscriptions: The most an environment may have.
    """

    token_seconds: int = 3599
    expires_in_as_text: bool = False
    stale_status: Literal[409, 412] = 409
    requests_per_window: int = 6000
    concurrency: int = 5
    queue: int = 95
    slow_page_rows: int | None = None
    slow_page_status: Literal[408, 504] = 408
    finance_reports: bool = True
    analytics_versions: tuple[str, ...] = ("v1.0", "v0.5")
    approval_api: bool = True
    reads_touch_drafts: bool = False
    language: Literal["en-US", "de-DE"] = "en-US"
    locked: int = 0
    denied: set[str] = field(default_factory=set)
    hide_unapplied_payments: bool = False
    unfilterable: set[str] = field(default_factory=set)
    lists_environments: bool = False
    notification_delay: float = 30.0
    notification_retry_seconds: tuple[float, ...] = (60, 60, 600, 6000, 60_000)
    collection_from: int = 1000
    subscriptions: int = 200

    def offers(self, prefix: str, api: str) -> bool:
        """Whether an API is there."""
        if api == "analytics":
            return prefix.rpartition("/")[2] in self.analytics_versions
        return api != "finance" or self.finance_reports


@dataclass(slots=True)
class CompanySetup:
    """How one company is set up.

    Attributes:
        vat: Whether a line's tax code means a VAT group of the company and every vendor is taxed; otherwise it is a
            sales tax group, and only vendors that are liable are taxed (sheet 8.11).
        manual_vendor_numbers: Whether a vendor's number may be given.
        vendor_template: Whether new vendors get terms, method, address and posting groups from a template.
        external_number_mandatory: Whether posting wants the vendor's invoice number.
        posting_from: The first day on which may be posted; empty: any.
        posting_to: The last one.
        invoice_approval: Whether an approval workflow for purchase invoices refuses posting.
        journal_approval: Whether one for journal lines does.
        post_with_job_queue: Whether purchase documents are posted later, in the background.
        application_between_currencies: Whether a payment may close an invoice in another currency.
        increment_batch_name: Whether posting replaces an emptied batch whose code has a digit by the next one.
        force_posting_report: Whether journals cannot be posted without a screen.
        deletes_posted: Whether posted documents may be deleted.
        broken_dimension: How a document is refused whose dimension value was deleted: 404 as the source of the page
            has it, 400 with the same words, or 404 with words in another language (sheet 8.8).
    """

    vat: bool = False
    manual_vendor_numbers: bool = True
    vendor_template: bool = True
    external_number_mandatory: bool = True
    posting_from: str = ""
    posting_to: str = ""
    invoice_approval: bool = False
    journal_approval: bool = False
    post_with_job_queue: bool = False
    application_between_currencies: bool = False
    increment_batch_name: bool = False
    force_posting_report: bool = False
    deletes_posted: bool = False
    broken_dimension: Literal["404", "400", "translated"] = "404"
    restricted: set[str] = field(default_factory=set)
    """Ids of journal lines that wait for an approval; with the workflow on every line that is written does."""
    approved: set[str] = field(default_factory=set)
    """Ids of purchase documents somebody approved."""
