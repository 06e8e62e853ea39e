"""How much BILL takes at once and per hour (sheet bill 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from erp_sandbox.bill import errors
from erp_sandbox.bill.rules import BillRules
from erp_sandbox.clock import Clock


class Limits:
    """Counts calls in flight per key and organization, and calls and logins per key and clock hour."""

    def __init__(self, rules: BillRules, clock: Clock) -> None:
        self._rules = rules
        self._clock = clock
        self._in_flight: Counter[tuple[str, str]] = Counter()
        self._hour = ""
        self._calls: Counter[str] = Counter()
        self._logins: Counter[str] = Counter()
        self.most_in_flight = 0

    def count_call(self, dev_key: str) -> None:
        """Count a call.

        Raises:
            BillRefusalError: BDC_1144, the key's hour is used up.
        """
        self._turn_the_hour()
        if self._calls[dev_key] >= self._rules.calls_per_hour:
            raise errors.hourly_quota(self._rules.rate_limit_status)
        self._calls[dev_key] += 1

    def count_login(self, dev_key: str) -> None:
        """Count a login, also a failed one.

        Raises:
            BillRefusalError: BDC_1144, the key has logged in too often this hour.
        """
        self._turn_the_hour()
        if self._logins[dev_key] >= self._rules.logins_per_hour:
            raise errors.hourly_quota(self._rules.rate_limit_status)
        self._logins[dev_key] += 1

    @contextmanager
    def in_flight(self, dev_key: str, organization_id: str) -> Iterator[None]:
        """Hold one of the few places of an organization.

        Raises:
            BillRefusalError: BDC_1322, all are taken.
        """
        key = (dev_key, organization_id)
        if self._in_flight[key] >= self._rules.concurrency:
            raise errors.too_many_at_once(self._rules.rate_limit_status)
        self._in_flight[key] += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight[key])
        try:
            yield
        finally:
            self._in_flight[key] -= 1

    def _turn_the_hour(self) -> None:
        hour = self._clock.now().strftime("%Y-%m-%dT%H")
        if hour != self._hour:
            self._hour = hour
            self._calls.clear()
            self._logins.clear()
