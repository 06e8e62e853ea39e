"""What can go wrong, named by situation.

Three families, by what the reader of the message has to do:

* ``UserError``: somebody must change a setting, a file or a credential. Printed as one line what and one line
  cure, never with a traceback.
* ``SystemFault``: a finance system answered, or failed to. Classified once, in the client of the system; the
  class alone decides what happens to the document (held, tried again, looked up first).
* ``Hold``: a document cannot be delivered for a business reason. Never stops a run.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ml_connector.names import display_name
from ml_connector.redaction import without_secrets

__all__ = [
    "AuditKeyMissing",
    "CannotBeSent",
    "Conflict",
    "ConflictFound",
    "ConnectorError",
    "CredentialsRefused",
    "CredentialsUnknown",
    "Hold",
    "KeptBack",
    "LedgerBehind",
    "LedgerDamaged",
    "LedgerDiskFailed",
    "LedgerFault",
    "LedgerReadOnly",
    "LedgerUnavailable",
    "MalformedRecord",
    "NoLongerThere",
    "NotFound",
    "OutcomeUnknown",
    "PermissionDenied",
    "Reason",
    "Rejected",
    "SettingInvalid",
    "SystemFault",
    "Throttled",
    "Unavailable",
    "Unreadable",
    "UserError",
    "VaultDamaged",
    "VaultExists",
    "VaultKeyExposed",
    "VaultKeyInvalid",
    "VaultKeyMissing",
    "VaultKeyWrong",
    "VaultMissing",
    "VaultNotWritable",
    "VaultOlder",
]


class ConnectorError(Exception):
    """Base of everything this package raises on purpose."""


class UserError(ConnectorError):
    """Something only a person can mend.

    Args:
        what: One line: what is wrong and where (setting, file and line, document).
        cure: One line: what to do about it. Ends up on a line of its own below ``what``.
    """

    def __init__(self, what: str, cure: str = "") -> None:
        self.what = without_secrets(what)
        self.cure = without_secrets(cure)
        super().__init__(f"{self.what}\n  {self.cure}" if cure else self.what)


class SettingInvalid(UserError):
    """A setting is missing, malformed or contradicts another one."""


class MalformedRecord(UserError):
    """A Singer message or record does not have the shape its schema or the protocol promises."""


class AuditKeyMissing(UserError):
    """The key this ledger's audit is kept with is not here."""


class LedgerBehind(UserError):
    """The ledger ends before the bookmarks: it was put back from a backup, or is another one."""


class LedgerFault(UserError):
    """The database behind the ledger fails. Nothing can be delivered: what is not written down is not sent."""


class LedgerUnavailable(LedgerFault):
    """It does not answer: restarted, unreachable, held by others, out of connections. Later may be better.

    Attributes:
        again: Whether trying again at once can help; not where it was waited for already.
    """

    def __init__(self, what: str, cure: str = "", *, again: bool = True) -> None:
        self.again = again
        super().__init__(what, cure)


class LedgerDiskFailed(LedgerFault):
    """Its disk is full, or does not read or write."""


class LedgerReadOnly(LedgerFault):
    """It can be read only: a right that is missing, a standby server, a disk that was mounted so."""


class LedgerDamaged(LedgerFault):
    """Its pages are not what was written."""


class CannotBeSent(ConnectorError):
    """No request can be built of a document: nothing was sent, and the target was not asked.

    Args:
        what: What of the document does not fit, continuing "cannot be sent: ".
    """

    def __init__(self, what: str) -> None:
        self.what = without_secrets(what)
        super().__init__(self.what)


class VaultMissing(UserError):
    """There is no vault where one is looked for."""


class VaultOlder(UserError):
    """The vault is not the newest one seen here: an older copy was put in its place, or another one."""


class VaultExists(UserError):
    """A vault is to be made where there is one."""


class VaultDamaged(UserError):
    """The vault's file is cut off, was edited by hand, or was written by a later version."""


class VaultNotWritable(UserError):
    """The vault or its key cannot be read or written: permissions, a full disk, somebody who holds the lock."""


class VaultKeyMissing(UserError):
    """No key is found in any of the places it is looked for."""


class VaultKeyInvalid(UserError):
    """What stands where the key is looked for is no key."""


class VaultKeyExposed(UserError):
    """Others than the owner may read the key file."""


class VaultKeyWrong(UserError):
    """The vault was encrypted with another key."""


class CredentialsUnknown(UserError):
    """The vault has no entry, or no such setting, of this name."""


class SystemFault(ConnectorError):
    """A finance system refused or failed to carry out an operation.

    Attributes:
        system: ``bill``, ``workday``, ...
        operation: The operation in the system's own words (``GET /v3/bills``, ``Submit_Supplier_Invoice``).
        message: The system's own words, quoted.
        code: The system's own error code, if it has one (``BDC_1109``, ``Client.validationError``).
        status: HTTP status, if there was an answer.
        field: The field or XPath the system blames, if it names one.
        cure: One line: what a person can do about it; empty when nobody knows.
    """

    answered: t.ClassVar[bool] = True
    """Whether these are the system's words; else they are ours, of what we found in it before anything was sent."""

    def __init__(
        self,
        system: str,
        operation: str,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        field: str | None = None,
        cure: str = "",
    ) -> None:
        self.system = system
        self.operation = operation
        self.message = without_secrets(message)
        self.code = code if code is None else without_secrets(code)
        self.status = status
        self.field = field if field is None else without_secrets(field)
        self.cure = without_secrets(cure)
        super().__init__(str(self))

    def __str__(self) -> str:
        if not self.answered:
            return f"{display_name(self.system)}: {self.message}"
        label = f" ({self.code})" if self.code else ""
        where = f" [{self.field}]" if self.field else ""
        return f"{display_name(self.system)} answered {self.operation}{label}: {self.message}{where}"


class CredentialsRefused(SystemFault):
    """The system does not accept who we are. Stops the run; never repeated, a repeat can lock the account."""

    def __init__(self, *args: t.Any, cure: str = "Check the credentials in the settings.", **kwargs: t.Any) -> None:
        super().__init__(*args, cure=cure, **kwargs)


class PermissionDenied(SystemFault):
    """The system knows us but does not allow this operation. Stops the stream or document kind."""


class NotFound(SystemFault):
    """The thing asked for does not exist."""


class Conflict(SystemFault):
    """The thing exists already (duplicate number or id, create-only refusal), or changed meanwhile."""


class Rejected(SystemFault):
    """The system understood the request and refuses its content. Repeating it cannot help."""


class ConflictFound(Conflict):
    """We found it there already, or changed meanwhile, and so have not sent what would have collided with it."""

    answered = False


class NoLongerThere(NotFound):
    """We looked for what is to be changed, and it is gone; nothing was sent."""

    answered = False


class KeptBack(Rejected):
    """What we found in the system says that it would not take this, or has not taken it as it was meant."""

    answered = False


class Unreadable(Rejected):
    """An answer nobody can read, however often it is asked for: too large, or nested too deeply."""


class Throttled(SystemFault):
    """The system asks to come back later; the request was not processed.

    Attributes:
        retry_after: Seconds until the system will listen again, when it says so.
    """

    def __init__(self, *args: t.Any, retry_after: float | None = None, **kwargs: t.Any) -> None:
        self.retry_after = retry_after
        super().__init__(*args, **kwargs)


class Unavailable(SystemFault):
    """A technical failure of a read, or of a write that certainly was not processed."""

    def __init__(
        self, *args: t.Any, cure: str = "Run it again later; it goes on where it was.", **kwargs: t.Any
    ) -> None:
        super().__init__(*args, cure=cure, **kwargs)


class OutcomeUnknown(SystemFault):
    """A write may or may not have been processed (timeout, dropped connection, 5xx after sending).

    Nobody may repeat the write before the system has been asked whether it happened.
    """


@dataclasses.dataclass(frozen=True, slots=True)
class Reason:
    """Why a document is held, in a form both a clerk and a program can act on.

    Attributes:
        code: Machine name of the situation: ``unmapped``, ``inactive``, ``unbalanced``,
            ``changed_after_posting``, ``rejected``, ``duplicate``, ``missing_supplier``, ...
        what: One sentence in a clerk's words, naming the thing.
        cure: One sentence: what to do so that the document goes out by itself.
        kind: Kind of the reference concerned (``supplier``, ``cost_center``), if any.
        value: The reference's value, so that ``--held-by supplier:S-00031`` can find it.
    """

    code: str
    what: str
    cure: str
    kind: str | None = None
    value: str | None = None

    def __post_init__(self) -> None:
        """Keep no secret, whoever's words it was made of."""
        for name in ("what", "cure", "value"):
            text = getattr(self, name)
            if text is not None and (safe := without_secrets(text)) != text:
                object.__setattr__(self, name, safe)

    @property
    def key(self) -> str:
        """Group key: documents held for the same cause share it."""
        return f"{self.kind}:{self.value}" if self.kind and self.value else self.code

    def to_dict(self) -> dict[str, str | None]:
        """Return the plain form stored in the ledger."""
        return dataclasses.asdict(self)


class Hold(ConnectorError):
    """A document cannot be delivered for business reasons, all of which are listed at once."""

    def __init__(self, reasons: t.Sequence[Reason]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(reason.what for reason in self.reasons))
