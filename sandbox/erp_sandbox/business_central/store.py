"""The whole stand-in: environments, credentials, limits; and ways for a test to change data as people would."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from erp_sandbox.business_central.behaviour import Behaviour, CompanySetup
from erp_sandbox.business_central.calls import Answer, Call
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.dispatch import Dispatcher
from erp_sandbox.business_central.environment import Environment
from erp_sandbox.business_central.limits import Limits
from erp_sandbox.business_central.notifications import Notifier
from erp_sandbox.business_central.rules.kinds import INVOICE
from erp_sandbox.business_central.rules.posting_journals import post_batch
from erp_sandbox.business_central.rules.posting_purchases import post_document
from erp_sandbox.business_central.seed import add_vendors
from erp_sandbox.business_central.subscriptions import Subscriptions
from erp_sandbox.business_central.tokens import Entra
from erp_sandbox.business_central.values import Record
from erp_sandbox.clock import Clock

__all__ = ["BusinessCentralStore", "Fill"]

SEEDED_AT = datetime(2026, 10, 31, 18, tzinfo=UTC)
"""When what was not dated otherwise was last changed."""

Fill = Callable[[Environment], None]
"""Puts the companies into an environment when it is asked for the first time."""


class BusinessCentralStore:
    """One tenant. Everything public may be called from any thread while the server runs.

    The helpers work on the main company of the main environment unless they are told another company.

    Args:
        environments: What fills each environment, by name; the first one is the main one.
        clock: The time it lives in.

    Attributes:
        behaviour: Switches; change them at any time.
        entra: The app registration and its tokens.
        limits: Calls so far.
        lock: Held while anything is changed.
    """

    def __init__(self, environments: dict[str, Fill], clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.behaviour = Behaviour()
        self.lock = threading.RLock()
        self.entra = Entra(self.clock, self.behaviour)
        self.limits = Limits(self.behaviour, self.clock)
        self._subscriptions = Subscriptions(self.clock, self.behaviour)
        self._notifier = Notifier(self.clock, self.behaviour, self._subscriptions)
        self.dispatcher = Dispatcher(self.behaviour, self._subscriptions)
        self._fills = environments
        self._environments: dict[str, Environment] = {}

    # What is in it

    def environment(self, name: str) -> Environment | None:
        """An environment by its exact name; it is filled when it is first asked for."""
        with self.lock:
            if name not in self._environments and name in self._fills:
                made = Environment(name, Clock(SEEDED_AT), self._notifier.publish)
                with made.unit():
                    self._fills[name](made)
                self.clock.not_before(made.clock.stamp())
                made.clock = self.clock
                self._environments[name] = made
            return self._environments.get(name)

    @property
    def main(self) -> Environment:
        """The main environment."""
        found = self.environment(next(iter(self._fills)))
        if found is None:
            raise KeyError("there is no environment")
        return found

    def company(self, id_or_name: str | None = None) -> Company:
        """A company of the main environment, the main one unless another is named.

        Raises:
            KeyError: there is none.
        """
        return self.main.company(id_or_name or next(iter(self.main.companies)))

    def records(self, table: str, *, company: str | None = None) -> list[Record]:
        """Copies of all records of a table, in key order.

        Tables are called as the entity sets, but journals are ``batches``, journal lines and payments ``lines``, and
        there are ``vendorLedgerEntries`` with ``_remaining``. Enums are captions, times milliseconds.
        """
        with self.lock:
            return [dict(record) for record in self.company(company).table(table)]

    def record(self, table: str, identifier: str, *, company: str | None = None) -> Record:
        """A copy of one record.

        Raises:
            KeyError: there is none.
        """
        with self.lock:
            found = self.company(company).table(table).get(identifier)
            if found is None:
                raise KeyError(f"{table} has no record {identifier}")
            return dict(found)

    def vendor(self, number: str, *, company: str | None = None) -> Record:
        """A copy of a vendor.

        Raises:
            KeyError: there is none.
        """
        return self._one("vendors", number, company)

    def invoices(self, *, company: str | None = None) -> list[Record]:
        """Copies of all purchase invoices, drafts included, each with its lines as ``lines``."""
        with self.lock:
            where = self.company(company)
            return [
                {**invoice, "lines": [dict(line) for line in where.lines_of("purchaseInvoiceLines", invoice["id"])]}
                for invoice in where.table("purchaseInvoices")
            ]

    def invoice_totals(self, status: str = "Open", *, company: str | None = None) -> dict[str, dict[str, Any]]:
        """Count and amount of purchase invoices with a status by currency."""
        totals: dict[str, dict[str, Any]] = {}
        for invoice in self.records("purchaseInvoices", company=company):
            if invoice["status"] == status:
                total = totals.setdefault(invoice["currencyCode"], {"count": 0, "amount": Decimal(0)})
                total["count"] += 1
                total["amount"] += Decimal(invoice["totalAmountIncludingTax"])
        return totals

    # What people do

    def edit(
        self,
        table: str,
        identifier: str,
        *,
        touch: bool = True,
        company: str | None = None,
        **changes: Any,
    ) -> Record:
        """Change fields of a record as somebody in the client would: no rule of the API stands in the way.

        The etag changes; so does the time of the last change, unless ``touch`` is false.

        Raises:
            KeyError: there is no such record.
        """
        with self.lock, self.main.unit():
            return dict(self.company(company).change(table, identifier, touch=touch, **changes))

    def delete(self, table: str, identifier: str, *, company: str | None = None) -> None:
        """Delete a record as somebody in the client would, without a trace.

        Raises:
            KeyError: there is no such record.
        """
        with self.lock, self.main.unit():
            self.record(table, identifier, company=company)
            self.company(company).table(table).delete(identifier)

    def add(self, table: str, *, company: str | None = None, **values: Any) -> Record:
        """Add a record with an entity set's fields as somebody in the client would; no rule is checked."""
        with self.lock, self.main.unit():
            where = self.company(company)
            return dict(where.save(table, where.blank(table, **values)))

    def post_invoice(self, identifier: str, *, company: str | None = None) -> Record:
        """Post a draft purchase invoice.

        Raises:
            BusinessCentralRefusalError: posting's rules forbid it.
        """
        with self.lock, self.main.unit():
            return dict(post_document(self.company(company), INVOICE, identifier))

    def post_batch(self, code: str, *, company: str | None = None) -> None:
        """Post a journal batch.

        Raises:
            BusinessCentralRefusalError: posting's rules forbid it.
            KeyError: there is none with that code.
        """
        with self.lock, self.main.unit():
            post_batch(self.company(company), self._one("batches", code, company))

    def freeze_replica(self) -> None:
        """From now on reads of the replica miss what is new (sheet 1), until it catches up."""
        with self.lock:
            self.dispatcher.replica = {
                name: environment.counters()[0] for name, environment in self._environments.items()
            }

    def catch_up(self) -> None:
        """Let the replica see everything."""
        with self.lock:
            self.dispatcher.replica = {}

    # What the server asks

    def answer(self, call: Call) -> Answer:
        """Answer one call.

        Raises:
            BusinessCentralRefusalError: it is refused.
        """
        with self.lock:
            return self.dispatcher.answer(call)

    def receiver_of(self, call: Call) -> str | None:
        """Who has to answer a handshake before a call can be answered.

        Raises:
            BusinessCentralRefusalError: the call is refused anyway.
        """
        if call.api != "v2.0" or not call.segments[0].startswith("subscriptions"):
            return None
        with self.lock:
            return self._subscriptions.to_be_asked(call)

    def approve(self, identifier: str, *, company: str | None = None) -> None:
        """Approve what waits for an approval: a draft invoice, or a journal line."""
        with self.lock:
            setup = self.company(company).setup
            setup.approved.add(identifier)
            setup.restricted.discard(identifier)

    def add_vendors(self, count: int, *, first: int = 1, company: str | None = None) -> None:
        """Add many vendors quickly, numbered ``M000001`` and on; for measuring."""
        with self.lock:
            add_vendors(self.company(company), count, first=first)

    def environment_rows(self) -> list[dict[str, str]]:
        """The admin centre's list of environments."""
        return [
            {
                "aadTenantId": self.entra.tenant,
                "applicationFamily": "BusinessCentral",
                "type": "Production" if place == 0 else "Sandbox",
                "name": name,
                "countryCode": "US",
                "ringName": "PROD",
            }
            for place, name in enumerate(self._fills)
        ]

    def stop(self) -> None:
        """End what runs in the background."""
        self._notifier.stop()

    def to_json(self) -> bytes:
        """All data as JSON; tokens, counters of calls and switches are not data."""
        with self.lock:
            return msgspec.json.encode(
                [_keep_environment(environment) for environment in self._environments.values()],
            )

    def from_json(self, text: bytes) -> None:
        """Go on with what :meth:`to_json` kept.

        Raises:
            msgspec.ValidationError: the text is not of that form.
        """
        kept = msgspec.json.Decoder(list[_KeptEnvironment], float_hook=Decimal).decode(text)
        with self.lock:
            for each in kept:
                environment = Environment(each.name, self.clock, self._notifier.publish)
                _restore_environment(environment, each)
                self._environments[each.name] = environment
                self.clock.not_before(each.newest)

    def _one(self, table: str, number: str, company: str | None) -> Record:
        with self.lock:
            key = "number" if table == "vendors" else "code"
            found = self.company(company).table(table).one(key, number)
            if found is None:
                raise KeyError(f"{table} has no {number}")
            return dict(found)


class _KeptCompany(msgspec.Struct):
    profile: dict[str, Any]
    local_currency: str
    setup: CompanySetup
    series: dict[str, int]
    files: dict[str, bytes]
    tables: dict[str, list[dict[str, Any]]]


class _KeptEnvironment(msgspec.Struct):
    name: str
    versions: int
    ids: int
    newest: int
    companies: list[_KeptCompany]
    subscriptions: dict[str, dict[str, Any]]


def _keep_environment(environment: Environment) -> _KeptEnvironment:
    versions, ids = environment.counters()
    companies = [
        _KeptCompany(
            company.profile,
            company.local_currency,
            company.setup,
            company.series,
            company.files,
            {table.name: [_jsonable(record) for record in table] for table in company.all_tables()},
        )
        for company in environment.companies.values()
    ]
    newest = environment.clock.stamp()
    return _KeptEnvironment(environment.name, versions, ids, newest, companies, environment.subscriptions)


def _restore_environment(environment: Environment, kept: _KeptEnvironment) -> None:
    for each in kept.companies:
        company = Company(environment, each.profile, each.local_currency, each.setup)
        environment.companies[company.id] = company
        company.series = each.series
        company.files = each.files
        for table in company.all_tables():
            for record in each.tables[table.name]:
                table.restore(record["id"], {name: _valued(value) for name, value in record.items()})
    environment.subscriptions.update(kept.subscriptions)
    environment.go_on_from(kept.versions, kept.ids)


def _jsonable(record: Record) -> dict[str, Any]:
    """Decimals as text that says so: 1250.00 and 1250 are not the same to whoever reads them."""
    return {name: _told(value) for name, value in record.items()}


def _told(value: Any) -> Any:
    if isinstance(value, list):
        return [_told(each) for each in value]
    return f"\0{value}" if isinstance(value, Decimal) else value


def _valued(value: Any) -> Any:
    if isinstance(value, list):
        return [_valued(each) for each in value]
    return Decimal(value[1:]) if isinstance(value, str) and value.startswith("\0") else value
