"""Credentials of the finance systems, encrypted at rest: ``credentials: <name>`` in a tap or target names an entry.

* ``vault.py``: what there is to do with it;
* ``file.py``: how it lies on disk;
* ``keys.py``: where its key comes from;
* ``credentials.py``: how a plugin's configuration is filled from it.
"""

from __future__ import annotations

from ml_connector.vault.file import Listed
from ml_connector.vault.vault import Vault

__all__ = ["Listed", "Vault"]
