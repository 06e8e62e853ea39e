"""One call and its answer, whether it came alone or inside a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from erp_sandbox.business_central.environment import Environment

__all__ = ["Answer", "Call"]

Api = Literal["v2.0", "finance", "analytics", "runtime"]


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked.

    Attributes:
        method: GET, POST, PATCH or DELETE.
        environment: Where.
        api: Which of the environment's APIs.
        root: The URL of that API, without a slash at its end.
        segments: The path behind the root.
        query: Its options.
        headers: With names in lower case.
        body: As it came.
    """

    method: str
    environment: Environment
    api: Api
    root: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def is_read(self) -> bool:
        """Whether it only reads."""
        return self.method == "GET"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json; odata.metadata=minimal; odata.streaming=true"
