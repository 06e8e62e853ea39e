"""From a call to its answer: finds what the path means and hands it to reading or to the rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from erp_sandbox.business_central import companies, errors, metadata
from erp_sandbox.business_central.answers import json_answer, list_answer
from erp_sandbox.business_central.behaviour import Behaviour
from erp_sandbox.business_central.calls import Answer, Call
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.entities import ANALYTICS_SETS, FINANCE_SETS, SETS, EntitySet
from erp_sandbox.business_central.errors import BusinessCentralRefusalError
from erp_sandbox.business_central.odata.paths import Segment, read_segment
from erp_sandbox.business_central.odata.query import ENTITY_OPTIONS, LIST_OPTIONS, parse_query
from erp_sandbox.business_central.odata.reading import Parent, Reader, etag_of
from erp_sandbox.business_central.rules.applications import ApplicationRules
from erp_sandbox.business_central.rules.attachments import AttachmentRules
from erp_sandbox.business_central.rules.batches import BatchRules
from erp_sandbox.business_central.rules.dimensions import DefaultDimensionRules, DimensionLineRules
from erp_sandbox.business_central.rules.headers import HeaderRules
from erp_sandbox.business_central.rules.journal_lines import JournalLineRules, PaymentRules
from erp_sandbox.business_central.rules.kinds import CREDIT_MEMO, INVOICE, KINDS
from erp_sandbox.business_central.rules.lines import LineRules
from erp_sandbox.business_central.rules.lookups import currency_setters
from erp_sandbox.business_central.rules.masters import CodedRules, CompanyInformationRules, VendorRules
from erp_sandbox.business_central.rules.posting_journals import post_batch
from erp_sandbox.business_central.rules.posting_purchases import (
    cancel_credit_memo,
    post_document,
    receive_and_invoice,
)
from erp_sandbox.business_central.subscriptions import Subscriptions
from erp_sandbox.business_central.values import Record, decode

__all__ = ["Dispatcher"]

MAX_PAGE = 20_000

_PAGE_SIZE = re.compile(r"odata\.maxpagesize=(\d+)")
_JSON = "application/json"


class _Rules(Protocol):
    def modify(self, company: Company, record: Record, body: object) -> Record: ...


_PLAIN = (
    "items",
    "paymentTerms",
    "paymentMethods",
    "currencies",
    "taxGroups",
    "taxAreas",
    "unitsOfMeasure",
    "locations",
)
_RULES: Mapping[str, Any] = {
    **{name: CodedRules(name) for name in _PLAIN},
    "bankAccounts": CodedRules("bankAccounts", currency_setters()),
    "vendors": VendorRules(),
    "companyInformation": CompanyInformationRules(),
    "defaultDimensions": DefaultDimensionRules(),
    "documentAttachments": AttachmentRules(),
    **{kind.headers: HeaderRules(kind) for kind in KINDS.values()},
    **{kind.lines: LineRules(kind) for kind in KINDS.values()},
    "journals": BatchRules("journals"),
    "vendorPaymentJournals": BatchRules("vendorPaymentJournals"),
    "journalLines": JournalLineRules(),
    "vendorPayments": PaymentRules(),
}
_DIMENSIONS = DimensionLineRules()
_APPLICATIONS = ApplicationRules()


@dataclass(slots=True)
class _Target:
    """What a path means."""

    entity: EntitySet
    record: Record | None = None
    parent: Parent | None = None
    action: str = ""
    stream: bool = False


class Dispatcher:
    """Answers calls, one at a time."""

    def __init__(self, behaviour: Behaviour, subscriptions: Subscriptions) -> None:
        self._behaviour = behaviour
        self._subscriptions = subscriptions
        self._positions: dict[str, dict[tuple[str, str], tuple[Any, ...]]] = {}
        self.replica: dict[str, int] = {}
        """Up to which version the replica of an environment has caught up, where it lags."""

    def answer(self, call: Call) -> Answer:
        """Answer a call that is allowed to be made.

        Raises:
            BusinessCentralRefusalError: it is refused.
        """
        _check_headers(call)
        head = read_segment(call.segments[0]) if call.segments else Segment("", None)
        if call.api == "runtime":
            return self._runtime(call)
        if head.name == "companies":
            return self._companies(call, head)
        if call.api == "v2.0" and head.name == "subscriptions":
            return self._subscriptions.answer(call, head)
        if call.api == "v2.0" and head.name == "$metadata" and len(call.segments) == 1:
            return Answer(200, metadata.document(), {}, "application/xml")
        if call.api == "v2.0" and head.name == "entityDefinitions" and len(call.segments) == 1:
            return json_answer(
                200, {"@odata.context": f"{call.root}/$metadata#entityDefinitions", "value": metadata.captions()}
            )
        raise errors.no_segment(call.segments[0] if call.segments else "")

    def _companies(self, call: Call, head: Segment) -> Answer:
        if head.guid is None:
            return companies.listed(call, _page_size(call.headers.get("prefer", "")))
        company = call.environment.companies.get(head.guid)
        if company is None:
            raise errors.no_company(head.guid)
        if len(call.segments) == 1:
            return companies.single(call, company)
        url = f"{call.root}/companies({company.id})"
        reader = Reader(
            company,
            url,
            self._newest(call),
            self._positions.setdefault(f"{call.environment.name}:{company.id}", {}),
            self._behaviour.hide_unapplied_payments,
        )
        target = self._resolve(call, reader)
        self._check_permission(call, target)
        if call.is_read:
            return self._read(call, reader, target)
        with call.environment.unit():
            return self._write(call, reader, target)

    def _check_permission(self, call: Call, target: _Target) -> None:
        names = {target.entity.name, f"{call.method} {target.entity.name}"}
        if names & self._behaviour.denied:
            raise BusinessCentralRefusalError(
                403,
                "Authorization_RequestDenied",
                f"Sorry, the current permissions prevented the action. ({target.entity.caption})",
            )
        if self._behaviour.locked and not call.is_read:
            self._behaviour.locked -= 1
            raise errors.dialog(
                f"The operation could not complete because a record in the {target.entity.caption} table was locked by "
                "another user. Please retry the activity or try again later."
            )

    def _resolve(self, call: Call, reader: Reader) -> _Target:
        sets = SETS if call.api == "v2.0" else ANALYTICS_SETS if call.api == "analytics" else FINANCE_SETS
        target: _Target | None = None
        for text in call.segments[1:]:
            segment = read_segment(text)
            target = self._first(segment, sets) if target is None else _next(target, segment)
            if segment.guid is not None and not target.action:
                target.record = reader.find(target.entity, target.parent, segment.guid)
        if target is None:
            raise errors.no_segment("")
        return target

    def _first(self, segment: Segment, sets: Mapping[str, EntitySet]) -> _Target:
        entity = sets.get(segment.name)
        hidden = segment.name in ("approvalEntries", "postedApprovalEntries") and not self._behaviour.approval_api
        if entity is None or hidden:
            raise errors.no_segment(segment.name)
        return _Target(entity)

    def _newest(self, call: Call) -> int | None:
        """What the replica knows: queries read it unless told otherwise, the rest only when told so (sheet 1, 3)."""
        intent = call.headers.get("data-access-intent", "")
        own = call.api in ("finance", "analytics") or "approvalEntries" in call.segments[-1]
        if intent == "ReadWrite" or not (own or intent == "ReadOnly"):
            return None
        return self.replica.get(call.environment.name)

    def _read(self, call: Call, reader: Reader, target: _Target) -> Answer:
        if target.action:
            raise errors.not_allowed("GET")
        if target.stream and target.record is not None:
            content = reader.company.files.get(target.record["id"], b"")
            return Answer(200, content, {}, "application/octet-stream")
        context = f"{call.root}/$metadata#{'/'.join(call.segments)}"
        if target.record is not None:
            query = parse_query(call.query, target.entity, ENTITY_OPTIONS)
            return json_answer(
                200, {"@odata.context": f"{context}/$entity", **reader.shown(target.entity, target.record, query)}
            )
        query = parse_query(call.query, target.entity, LIST_OPTIONS)
        for name in self._behaviour.unfilterable & (query.filter.fields if query.filter is not None else set()):
            raise errors.unknown_query_property(name, target.entity.kind)
        size = _page_size(call.headers.get("prefer", ""))
        page = reader.page(target.entity, target.parent, query, size)
        if self._behaviour.reads_touch_drafts and target.entity.name == "purchaseInvoices":
            with call.environment.unit():
                _touch_drafts(reader.company)
        slow = self._behaviour.slow_page_rows
        if slow is not None and len(page.rows) > slow:
            raise BusinessCentralRefusalError(
                self._behaviour.slow_page_status, "Internal_ServerError", "The operation has timed out."
            )
        return list_answer(call, context, page)

    def _write(self, call: Call, reader: Reader, target: _Target) -> Answer:
        if target.action:
            return self._act(call, reader, target)
        if call.method not in target.entity.verbs and not target.stream:
            raise errors.not_allowed(call.method)
        if call.method == "POST":
            return self._insert(call, reader, target)
        if target.record is None:
            raise errors.not_allowed(call.method)
        self._check_etag(call, target.record)
        if target.stream:
            AttachmentRules().fill(reader.company, target.record, call.body)
            return Answer(204)
        if call.method == "DELETE":
            self._delete(reader, target)
            return Answer(204)
        body = decode(call.body)
        query = parse_query(call.query, target.entity, ENTITY_OPTIONS)
        record = self._modify(reader, target, body)
        context = f"{call.root}/$metadata#{'/'.join(call.segments)}/$entity"
        return json_answer(200, {"@odata.context": context, **reader.shown(target.entity, record, query)})

    def _insert(self, call: Call, reader: Reader, target: _Target) -> Answer:
        if target.record is not None or target.stream:
            raise errors.not_allowed("POST")
        query = parse_query(call.query, target.entity, ENTITY_OPTIONS)
        company, parent = reader.company, target.parent
        body = decode(call.body)
        if target.entity.name == "dimensionSetLines":
            if parent is None:
                raise errors.dialog("The dimensionSetLines can only be written through their parent.")
            if "POST" not in parent.entity.verbs:
                raise errors.not_allowed("POST")
            record = _DIMENSIONS.insert(company, parent.entity, parent.record, body)
        else:
            rules = _RULES[target.entity.name]
            record = rules.insert(company, parent.entity if parent else None, parent.record if parent else None, body)
        path = "/".join(call.segments)
        context = f"{call.root}/$metadata#{path}/$entity"
        return json_answer(
            201,
            {"@odata.context": context, **reader.shown(target.entity, record, query)},
            {"Location": f"{call.root}/{path}({record['id']})"},
        )

    def _modify(self, reader: Reader, target: _Target, body: object) -> Record:
        record, parent = target.record, target.parent
        if record is None:
            raise errors.not_allowed("PATCH")
        if target.entity.name == "dimensionSetLines" and parent is not None:
            if "PATCH" not in parent.entity.verbs:
                raise errors.not_allowed("PATCH")
            return _DIMENSIONS.modify(reader.company, parent.entity, parent.record, record, body)
        if target.entity.name == "applyVendorEntries" and parent is not None:
            return _APPLICATIONS.modify(reader.company, parent.record, record, body)
        rules: _Rules = _RULES[target.entity.name]
        return rules.modify(reader.company, record, body)

    def _delete(self, reader: Reader, target: _Target) -> None:
        parent = target.parent
        if target.entity.name == "dimensionSetLines" and parent is not None and target.record is not None:
            if "DELETE" not in parent.entity.verbs:
                raise errors.not_allowed("DELETE")
            _DIMENSIONS.delete(reader.company, parent.entity, parent.record, target.record)
        else:
            _RULES[target.entity.name].delete(reader.company, target.record)

    def _act(self, call: Call, reader: Reader, target: _Target) -> Answer:
        if call.method != "POST" or target.record is None:
            raise errors.not_allowed(call.method)
        if call.body and decode(call.body) not in ({}, None):
            raise errors.bad_request("The action takes no parameters.")
        company, record = reader.company, target.record
        match target.entity.name, target.action:
            case "purchaseInvoices", "post":
                post_document(company, INVOICE, record["id"])
            case "purchaseCreditMemos", "post":
                post_document(company, CREDIT_MEMO, record["id"])
            case "purchaseCreditMemos", "cancel":
                cancel_credit_memo(company, record)
            case "purchaseOrders", _:
                receive_and_invoice(company, record)
            case _:
                post_batch(company, record)
        return Answer(204, b"", {"Location": f"{call.root}/{'/'.join(call.segments[:-1])}"})

    def _check_etag(self, call: Call, record: Record) -> None:
        given = call.headers.get("if-match", "")
        if given != "*" and not re.fullmatch(r'W/"[A-Za-z0-9+/=]+"', given):
            raise errors.precondition_missing()
        if given not in ("*", etag_of(record)):
            raise errors.entity_changed(self._behaviour.stale_status)

    def _runtime(self, call: Call) -> Answer:
        names = [read_segment(text).name for text in call.segments]
        if names != ["companies", "webhookSupportedResources"] or not call.is_read:
            raise errors.no_segment(call.segments[-1])
        company = read_segment(call.segments[0]).guid
        if company not in call.environment.companies:
            raise errors.no_company(str(company))
        rows = [{"resource": f"/api/v2.0/companies({company})/{each.name}"} for each in SETS.values() if each.webhook]
        context = f"{call.root}/$metadata#{'/'.join(call.segments)}"
        return json_answer(200, {"@odata.context": context, "value": rows})


def _next(target: _Target, segment: Segment) -> _Target:
    """What a further segment means below an entity."""
    if target.record is None or target.action or target.stream:
        raise errors.no_segment(segment.name)
    if segment.name.startswith("Microsoft.NAV."):
        action = segment.name.removeprefix("Microsoft.NAV.")
        if action not in target.entity.actions or segment.key is not None:
            raise errors.no_segment(segment.name)
        target.action = action
        return target
    if segment.name == "attachmentContent" and target.entity.name == "documentAttachments" and segment.key is None:
        target.stream = True
        return target
    if segment.name not in target.entity.navs:
        raise errors.no_segment(segment.name)
    return _Target(SETS[segment.name], None, Parent(target.entity, target.record))


def _touch_drafts(company: Company) -> None:
    """Reading works the discounts of drafts out anew; the time of their last change stays."""
    for invoice in company.table("purchaseInvoices"):
        if not invoice["_posted"]:
            company.save("purchaseInvoices", dict(invoice), touch=False)


def _check_headers(call: Call) -> None:
    intent = call.headers.get("data-access-intent")
    if intent is not None and (not call.is_read or intent not in ("ReadOnly", "ReadWrite")):
        raise errors.bad_request(f"The Data-Access-Intent '{intent}' is not valid for {call.method}.")
    content = call.headers.get("content-type", "").partition(";")[0].strip()
    stream = call.segments and call.segments[-1] == "attachmentContent"
    if call.method in ("POST", "PATCH") and not stream and call.body and content != _JSON:
        raise BusinessCentralRefusalError(
            415, "BadRequest", f"The content type '{content}' is not supported; use {_JSON}."
        )


def _page_size(prefer: str) -> int:
    found = _PAGE_SIZE.search(prefer)
    if found is None:
        return MAX_PAGE
    size = int(found[1])
    if size > MAX_PAGE:
        raise BusinessCentralRefusalError(413, "BadRequest", f"The page size {size} exceeds the maximum {MAX_PAGE}.")
    if size == 0:
        raise errors.bad_request("The page size must be greater than zero.")
    return size
