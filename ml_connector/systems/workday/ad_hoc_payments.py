"""Reading ad hoc payments: records of money that left, which settle no invoice (docs/systems/workday.md#w4-6)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import re
import typing as t
from decimal import Decimal

from ml_connector.errors import NotFound, PermissionDenied, Rejected, SettingInvalid
from ml_connector.systems.workday.client import FINANCE, WorkdayClient
from ml_connector.systems.workday.errors import SYSTEM
from ml_connector.systems.workday.reads import DatesBetween, Reader, Source
from ml_connector.systems.workday.windows import DateWindow
from ml_connector.systems.workday.xml import Node, Ref, reference

__all__ = ["CASH", "GET", "PAYMENTS", "SUBMIT", "AdHocPayment", "AdHocPaymentReader"]

_LOG = logging.getLogger(__name__)

CASH: t.Final = "Cash_Management"
SUBMIT: t.Final = "Submit_Ad_Hoc_Payment"
GET: t.Final = "Get_Ad_Hoc_Payments"

PAYMENTS: t.Final = Source(
    ((FINANCE, "Get_Payments"), (CASH, "Get_Payments"), ("Settlement_Services", "Get_Payments")),
    "Payment",
    "Payment_Reference",
    dates=DatesBetween(
        ("Payment_Date_on_Date_Or_After",), ("Payment_Date_on_Date_Or_Before",), within="General_Payment_Criteria"
    ),
)
"""All payments of a tenant, ad hoc ones among them; only here a status is told."""

_REFERENCE: t.Final = "Ad_hoc_Payment_Reference"
_ID: t.Final = "Ad_hoc_Payment_Reference_ID"
_UNDONE: t.Final = re.compile("cancel|void|revers|return|denied", re.IGNORECASE)
_MOST_REFERENCES = 100


@dataclasses.dataclass(frozen=True, slots=True)
class AdHocPayment:
    """An ad hoc payment as it stands in the tenant.

    Attributes:
        wid: Its Workday id.
        external_id: The id it was recorded under.
        source_reference: What it is called where it was made.
        draft: Whether it was never submitted.
        total: What was paid.
        bank_account: What it was paid from.
        status: Its status among all payments, in the tenant's words; None where that was not read or is not told.
    """

    wid: str
    external_id: str | None
    source_reference: str | None
    draft: bool
    company: Ref | None
    payee: Ref | None
    currency: str | None
    date: dt.date | None
    total: Decimal
    bank_account: Ref | None = None
    status: str | None = None

    @property
    def cancelled(self) -> bool:
        """Whether its status says that it was undone."""
        return self.status is not None and _UNDONE.search(self.status) is not None


class AdHocPaymentReader:
    """Finds ad hoc payments; thread-safe."""

    def __init__(self, client: WorkdayClient) -> None:
        self._client = client
        self._blind = False

    def window(self, first: dt.date, last: dt.date) -> t.Iterator[AdHocPayment]:
        """Read everything paid ``first`` to ``last``, both included, as it stands now."""
        shape = self._client.service(CASH).shape(GET).part("Request_Criteria")
        criteria: dict[str, t.Any] = {}
        shape.put(criteria, first, "Payment_Date_on_Date_or_After", "Payment_Date_On_or_After")
        shape.put(criteria, last, "Payment_Date_on_Date_or_Before", "Payment_Date_On_or_Before")
        body = {"Request_Criteria": criteria, **self._group()}
        for page in self._client.pages(CASH, GET, body, pinned=False):
            yield from _payments(page)

    def by_wids(self, wids: t.Sequence[str]) -> dict[str, AdHocPayment]:
        """Read several in few calls, with their status, keyed by WID; what does not exist is left out."""
        found: dict[str, AdHocPayment] = {}
        for start in range(0, len(wids), _MOST_REFERENCES):
            found |= {each.wid: each for each in self._some(wids[start : start + _MOST_REFERENCES])}
        statuses = self._statuses(list(found.values()))
        return {wid: dataclasses.replace(each, status=statuses.get(wid)) for wid, each in found.items()}

    def is_there(self, wid: str) -> bool:
        """Whether a payment exists under a WID Workday has just named.

        Raises:
            SystemFault: Workday cannot tell.
        """
        try:
            found = self._by_wids([wid])
        except NotFound:
            return False
        if not any(each.wid == wid for each in found):
            raise Rejected(SYSTEM, GET, f"the answer for WID {wid} does not contain it")
        return True

    def _statuses(self, payments: t.Sequence[AdHocPayment]) -> dict[str, str]:
        """Return statuses by WID; Get_Ad_Hoc_Payments tells none (contract), Get_Payments does."""
        days = [each.date for each in payments if each.date is not None]
        if not days or self._blind:
            return {}
        wid_of = {name: each.wid for each in payments for name in (each.wid, each.external_id) if name}
        found: dict[str, str] = {}
        try:
            reader = Reader(self._client, PAYMENTS)
            criteria = reader.dated(DateWindow(min(days), max(days), dt.datetime.now(dt.UTC))) or {}
            if accounts := _accounts(payments):
                for part in criteria.get("General_Payment_Criteria", ()):
                    part["Bank_Account_Reference"] = accounts
            for row in reader.rows(criteria):
                ref, status = row.ref(PAYMENTS.reference), row.text("Payment_Data", "Payment_Status")
                names = [] if ref is None else [ref.wid, ref.pick(_ID)]
                wid = next((wid_of[name] for name in names if name in wid_of), None)
                if wid and status:
                    found[wid] = status
        except (PermissionDenied, Rejected, SettingInvalid) as error:
            self._blind = True
            why = str(error).splitlines()[0]
            _LOG.warning("whether recorded payments were cancelled cannot be seen: %s", why)
            return {}
        return found

    def _some(self, wids: t.Sequence[str]) -> t.Iterator[AdHocPayment]:
        try:
            yield from self._by_wids(wids)
        except (NotFound, Rejected):
            if len(wids) > 1:  # one unknown reference fails the whole call (docs/systems/workday.md#w3-1)
                for wid in wids:
                    yield from self._some([wid])

    def _by_wids(self, wids: t.Sequence[str]) -> list[AdHocPayment]:
        body = {
            "Request_References": {_REFERENCE: [reference("WID", wid) for wid in wids]},
            "Response_Filter": {"Count": _MOST_REFERENCES},
            **self._group(),
        }
        sought = ("WID", wids[0]) if len(wids) == 1 else None
        node = self._client.call(CASH, GET, body, sought=sought).node
        return [each for page in node.nodes("Response_Data") for each in _payments(page)]

    def _group(self) -> dict[str, t.Any]:
        shape = self._client.service(CASH).shape(GET)
        return {"Response_Group": {"Include_Reference": True}} if shape.has("Response_Group") else {}


def _payments(page: Node) -> t.Iterator[AdHocPayment]:
    for node in page.nodes("Ad_hoc_Payment"):
        ref = node.ref(_REFERENCE)
        for data in node.nodes("Ad_hoc_Payment_Data")[:1]:
            if ref is not None and ref.wid:
                yield _payment(ref.wid, ref, data)


def _payment(wid: str, ref: Ref, data: Node) -> AdHocPayment:
    currency = data.ref("Currency_Reference")
    lines = [line.amount("Extended_Amount") for line in data.nodes("Invoice_Line_Replacement_Data")]
    return AdHocPayment(
        wid,
        data.text("Ad_hoc_Payment_ID") or ref.pick(_ID),
        data.text("External_Reference_as_Text"),
        data.flag("Submit") is False,
        data.ref("Company_Reference"),
        data.ref("Payee_Reference"),
        (currency.pick("Currency_ID") or currency.descriptor) if currency else None,
        data.date("Payment_Date"),
        data.amount("Control_Total_Amount") or sum((line for line in lines if line is not None), Decimal(0)),
        data.ref("Bank_Account_Reference"),
    )


def _accounts(payments: t.Sequence[AdHocPayment]) -> list[dict[str, t.Any]]:
    """Return the bank accounts to ask for, none when one is not known: then all are."""
    wids = {each.bank_account.wid if each.bank_account else None for each in payments}
    return [] if None in wids else [reference("WID", wid) for wid in sorted(filter(None, wids))]
