"""The key of the audit: who has it can write entries that are believed, so it is kept apart from the database.

It is a file only its owner may read, beside the ledger's file (``audit.key``) or in the project where the ledger is
PostgreSQL; or comes from ``ML_CONNECTOR_AUDIT_KEY`` or ``ML_CONNECTOR_AUDIT_KEY_FILE``. Of several keys the first is
used for new entries and all for proving old ones.
"""

from __future__ import annotations

import base64
import hmac
import typing as t
from pathlib import Path

import sqlalchemy as sa

from ml_connector.errors import AuditKeyMissing, UserError
from ml_connector.project import project_root
from ml_connector.vault.keys import EnvironmentKeys, KeyFile, KeyRing, KeySource, variable

__all__ = ["KEY", "KEY_FILE", "AuditKeys", "key_source"]

KEY: t.Final = "ML_CONNECTOR_AUDIT_KEY"
KEY_FILE: t.Final = "ML_CONNECTOR_AUDIT_KEY_FILE"


class AuditKeys:
    """Keys that entries of the audit are sealed with; read when first needed.

    Args:
        source: Where they are.
    """

    def __init__(self, source: KeySource) -> None:
        self._source = source
        self._keys: dict[str, bytes] | None = None

    @property
    def place(self) -> str:
        """Where the keys are, for people."""
        return self._source.place

    def seal(self, key: str, hash_: str) -> str | None:
        """Return the seal of an entry's hash under a key; None when the key is not here."""
        secret = self._known().get(key)
        return None if secret is None else hmac.new(secret, hash_.encode(), "sha256").hexdigest()

    def digest(self, content: str) -> str:
        """Return what tells that a secret has changed, and nothing else of it."""
        first = self.first()
        return hmac.new(self._known()[first], f"noticed {content}".encode(), "sha256").hexdigest()

    def first(self) -> str:
        """Return the id of the key for new entries; one is made where there is none.

        Raises:
            UserError: It cannot be read or made.
        """
        known = self._known()
        if not known:
            if isinstance(self._source, KeyFile):
                self._source.make()
            self._keys = None
            known = self._known()
        return next(iter(known))

    def require(self, key: str) -> None:
        """See that the key a ledger is kept with is here.

        Raises:
            AuditKeyMissing: It is not.
        """
        if key not in self._known():
            raise AuditKeyMissing(
                f"the audit of this ledger is kept with key {key}, which {self.place} has not.",
                f"Copy the file audit.key from where the ledger is used, or set {KEY} or {KEY_FILE}; if it is lost: "
                "`ml-connector audit new-key`.",
            )

    @property
    def known(self) -> bool:
        """Whether there is any key, and we may read it."""
        try:
            return bool(self._known())
        except UserError:
            return False

    def _known(self) -> dict[str, bytes]:
        if self._keys is None:
            keys = self._source.read()
            ring = KeyRing(keys, self._source.place) if keys else None
            self._keys = dict(zip(ring.ids, map(base64.urlsafe_b64decode, keys), strict=True)) if ring else {}
        return self._keys


def key_source(url: sa.URL) -> KeySource:
    """Return where the key of a ledger is.

    Args:
        url: The ledger.
    """
    given = variable(KEY)
    if given:
        return EnvironmentKeys(given)
    named = variable(KEY_FILE)
    if named:
        path = project_root() / Path(named).expanduser()
    elif url.get_backend_name() == "sqlite":
        path = Path(url.database or "").parent / "audit.key"
    else:
        path = project_root() / ".ml-connector" / "audit.key"
    return KeyFile(path.resolve())
