"""What Business Central tells of itself."""

from __future__ import annotations

import typing as t

from ml_connector.descriptor import Descriptor

__all__ = ["DESCRIPTOR"]

DESCRIPTOR: t.Final = Descriptor(name="business_central", label="Business Central", prefix="BC")
