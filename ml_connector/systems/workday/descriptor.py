"""What Workday tells of itself."""

from __future__ import annotations

import typing as t

from ml_connector.descriptor import Descriptor

__all__ = ["DESCRIPTOR"]

DESCRIPTOR: t.Final = Descriptor(name="workday", label="Workday", prefix="WORKDAY")
