"""What the answer of a Submit operation proves (docs/systems/workday.md#w4-1)."""

from __future__ import annotations

import dataclasses

from ml_connector.systems.workday.client import Answer

__all__ = ["Submission", "read_submission"]


@dataclasses.dataclass(frozen=True, slots=True)
class Submission:
    """An answer without a fault, which alone proves nothing.

    Attributes:
        wid: WID of what was created or changed, if the answer names one.
        errors: Exceptions of classification Error, in Workday's words.
        warnings: All other exceptions.
    """

    wid: str | None
    errors: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether the document is posted: a WID came back and no error with it."""
        return self.wid is not None and not self.errors

    @property
    def words(self) -> str:
        """The errors in one line."""
        return " | ".join(self.errors) or "an answer that names nothing as created"


def read_submission(answer: Answer, reference: str) -> Submission:
    """Return what the answer says; ``reference`` is the element that names what was created."""
    ref = answer.node.ref(reference)
    errors: list[str] = []
    warnings: list[str] = []
    for exception in answer.node.below("Exception_Data"):
        words = exception.text("Message") or "no message"
        wrong = (exception.text("Classification") or "").strip().casefold() == "error"
        (errors if wrong else warnings).append(words)
    return Submission(ref.wid if ref else None, tuple(errors), tuple(warnings))
