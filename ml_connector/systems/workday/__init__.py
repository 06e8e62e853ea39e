"""Workday Financial Management: one client for tap and target (docs/systems/workday.md)."""

from __future__ import annotations

from ml_connector.systems.workday.client import Answer, WorkdayClient
from ml_connector.systems.workday.errors import AlreadyExists, NumberInUse
from ml_connector.systems.workday.references import References
from ml_connector.systems.workday.settings import WorkdaySettings

__all__ = ["AlreadyExists", "Answer", "NumberInUse", "References", "WorkdayClient", "WorkdaySettings"]
