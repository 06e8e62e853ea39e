"""Segments of a path: names, keys and actions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.values import GUID

__all__ = ["Segment", "read_segment"]

_SEGMENT = re.compile(r"(?P<name>[$A-Za-z_][\w.$]*)(?:\((?P<key>[^()]*)\))?")


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; ``key`` is as it stands between the brackets, None without any."""

    name: str
    key: str | None

    @property
    def guid(self) -> str | None:
        """The key as an id.

        Raises:
            BusinessCentralRefusalError: a key that is no bare id; quoted ones are refused.
        """
        if self.key is None:
            return None
        if not GUID.fullmatch(self.key):
            raise errors.bad_request(f"Error in URI: the key '{self.key}' of '{self.name}' is not an Edm.Guid.")
        return self.key.lower()


def read_segment(text: str) -> Segment:
    """Take a segment apart.

    Raises:
        BusinessCentralRefusalError: it is none.
    """
    found = _SEGMENT.fullmatch(text)
    if found is None:
        raise errors.no_segment(text)
    return Segment(found["name"], found["key"])
