"""The switches of the BILL stand-in: where reality varies or is not known, both readings can be tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, get_args

from erp_sandbox.bill.events import EventRules

CursorMode = Literal["works", "offset", "stuck", "no_filters", "refuses_filters"]
CURSOR_MODES: tuple[str, ...] = get_args(CursorMode)


@dataclass(slots=True)
class BillRules:
    """May be changed while serving.

    Attributes:
        cursor: How paging behaves (sheet bill 3.3). ``works``: a page of ``sort=updatedTime:asc`` follows the
            last row of the one before, other orders count rows; ``offset``: every order counts rows, so an
            edit meanwhile shifts them; ``stuck``: each next page is the first one again; ``no_filters``: the
            filters are forgotten after the first page; ``refuses_filters``: ``page`` with ``filters`` is a
            400, and without them they are forgotten.
        classifications_by_time: Whether classifications, vendor credits and banks filter by ``updatedTime``
            (sheet bill 3.2: likely, not confirmed; recurring bills never do).
        rate_limit_status: HTTP status of BDC_1144 and BDC_1322: 422 and 429 were both seen (sheet bill 6).
        concurrency: Calls in flight per developer key and organization.
        calls_per_hour: Calls per developer key and clock hour.
        logins_per_hour: Logins per developer key and clock hour.
        expiry_status: 401 answers BDC_1109 for a dead session, 403 answers BDC_1361 (sheet bill 2.3).
        user_idle: How long a user's session lives without a call.
        token_idle: The same for a sync-token session.
        denied: Operations the user has no permission for, such as ``bills.get`` or ``users.list``.
        failed_logins: Wrong passwords in a row before the login is locked.
        lock: How long it stays locked.
        duplicate_numbers: Whether BILL refuses a vendor's second bill with the same number, unless it is told not
            to mind; sent in production, a refusal of a bill was never seen (sheet bill 0.6, 4.1).
        unknown_fields: Fields of a bill the gateway does not know; ``allowDuplicateInvoiceNumber`` stands in no
            contract (sheet bill 4.1).
        patch_clears_coding: Whether a line that is patched without its coding loses it (sheet bill 0.10).
        invoice_number_filter: Whether bills filter by number; in use, not documented (sheet bill 3.2).
        upload_takes: How long a file is on its way before it is a document of its bill (sheet bill 4.6: minutes).
        events: How notifications are sent (sheet bill 5.5).
    """

    cursor: CursorMode = "works"
    classifications_by_time: bool = False
    rate_limit_status: Literal[422, 429] = 429
    concurrency: int = 3
    calls_per_hour: int = 20_000
    logins_per_hour: int = 200
    expiry_status: Literal[401, 403] = 401
    user_idle: timedelta = timedelta(minutes=35)
    token_idle: timedelta = timedelta(hours=48)
    denied: set[str] = field(default_factory=set)
    failed_logins: int = 5
    lock: timedelta = timedelta(minutes=15)
    duplicate_numbers: Literal["refused", "taken"] = "refused"
    unknown_fields: set[str] = field(default_factory=set)
    patch_clears_coding: bool = True
    invoice_number_filter: bool = True
    upload_takes: timedelta = timedelta()
    events: EventRules = field(default_factory=EventRules)
