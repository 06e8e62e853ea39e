"""What taps and targets take from a system at most, settings of both."""

from __future__ import annotations

import typing as t

from singer_sdk import typing as th

from ml_connector.transport.http import DEEPEST_ANSWER, LARGEST_ANSWER_MB, LONGEST_CALL_SECONDS

__all__ = ["BOUNDS"]

BOUNDS: t.Final[tuple[th.Property[t.Any], ...]] = (
    th.Property(
        "largest_answer_mb",
        th.IntegerType(minimum=1),
        default=LARGEST_ANSWER_MB,
        title="Largest answer",
        description="Megabytes, unpacked, up to which an answer is read",
        examples=[LARGEST_ANSWER_MB],
    ),
    th.Property(
        "deepest_answer",
        th.IntegerType(minimum=10, maximum=500),
        default=DEEPEST_ANSWER,
        title="Deepest answer",
        description="Levels of lists and objects, or of elements, within each other up to which an answer is read",
        examples=[DEEPEST_ANSWER],
    ),
    th.Property(
        "longest_call_seconds",
        th.NumberType(minimum=1),
        default=LONGEST_CALL_SECONDS,
        title="Longest call",
        description="Seconds a call may take as a whole, its answer included, however steadily it comes",
        examples=[LONGEST_CALL_SECONDS],
    ),
)
"""Settings of every tap and target."""
