"""What Workday's answers mean, decided once (docs/systems/workday.md#w7).

The parsed fault decides first; the HTTP status only when there is no fault.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from lxml import etree

from ml_connector.errors import (
    Conflict,
    ConnectorError,
    CredentialsRefused,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    SettingInvalid,
    SystemFault,
    Throttled,
    Unavailable,
    Unreadable,
)
from ml_connector.systems.workday.xml import Node
from ml_connector.transport.http import quoted
from ml_connector.transport.soap import SOAP_ENV, AnswerLate, AnswerLost, AnswerTooLarge, NotSent, Reply

__all__ = [
    "SYSTEM",
    "AlreadyExists",
    "Fault",
    "Issue",
    "NumberInUse",
    "ProcessingFailed",
    "TooSlow",
    "from_reply",
    "from_rest",
    "from_transport",
    "no_such_service",
    "read_fault",
]

SYSTEM: t.Final = "workday"

_ADD_ONLY = re.compile(r"set to add only|cannot be resubmitted|\balready exists?\b", re.IGNORECASE)
_IN_USE = re.compile(r"\balready in use\b|\bnumber\b.*\balready (been )?used\b", re.IGNORECASE)
_TASK_NOT_AUTHORIZED = re.compile(r"task submitted is not authori[sz]ed", re.IGNORECASE)
_NOT_AUTHORIZED = re.compile(r"\bnot authori[sz]ed\b", re.IGNORECASE)
_BAD_LOGIN = re.compile(r"invalid user\s?name or password", re.IGNORECASE)
_BAD_VERSION = re.compile(r"service or version is invalid", re.IGNORECASE)
_PERMISSION_CURE: t.Final = (
    "Grant the ISU's security group the domain of this operation (for posting: Process: Supplier Invoice, and the web "
    "service of the Supplier Invoice Event policy), then run Activate Pending Security Policy Changes."
)
_LOGIN_CURE = (
    "Check the ISU's name and password (or the API client and refresh token), and whether its authentication "
    "policy and IP ranges allow this machine."
)
_INVALID_ID = re.compile(r"'(?P<value>.*?)' is not a valid ID value for type = '(?P<type>[^']*)'", re.IGNORECASE)


class AlreadyExists(Conflict):
    """An Add_Only request met an object that exists under the same id."""


class NumberInUse(Conflict):
    """The supplier's invoice number is already used by another invoice of the supplier."""


class ProcessingFailed(Unavailable):
    """Workday says it failed to process a read, without saying why; worth few repeats only."""


class TooSlow(Unavailable):
    """A read was not answered in time; a smaller one may be."""


@dataclasses.dataclass(frozen=True, slots=True)
class Issue:
    """One Validation_Error: what is wrong and the XPath of the element blamed."""

    message: str
    xpath: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP 1.1 fault.

    Attributes:
        code: The fault code without its prefix (``Client.validationError``).
        text: The fault string.
        issues: The validation errors of the detail, or its one detail message.
        validation: Whether the detail says that it is about the request's content.
    """

    code: str
    text: str
    issues: tuple[Issue, ...] = ()
    validation: bool = False

    @property
    def words(self) -> str:
        """All of Workday's words, each once."""
        return " | ".join(dict.fromkeys(issue.message for issue in self.issues)) or self.text

    @property
    def xpaths(self) -> str | None:
        """The elements blamed."""
        return ", ".join(dict.fromkeys(issue.xpath for issue in self.issues if issue.xpath)) or None

    @property
    def everything(self) -> str:
        """Fault string and details, for matching."""
        return " ".join((self.text, *(issue.message for issue in self.issues)))

    @property
    def is_validation(self) -> bool:
        """Whether it is about the request's content; its words may then be the tenant's own."""
        return self.validation or "validationerror" in self.code.lower()

    @property
    def is_login_refused(self) -> bool:
        """Whether Workday does not accept who we are."""
        if self.is_validation:
            return False
        return "authenticationerror" in self.code.lower() or _BAD_LOGIN.search(self.everything) is not None

    @property
    def is_permission_denied(self) -> bool:
        """Whether we may not do this; the task's own text counts under any code (docs/systems/workday.md#w7)."""
        if _TASK_NOT_AUTHORIZED.search(self.everything):
            return True
        return not self.is_validation and _NOT_AUTHORIZED.search(self.everything) is not None


def read_fault(root: etree._Element) -> Fault | None:
    """Return the fault in an envelope, if it carries one."""
    element = root.find(f"{{{SOAP_ENV}}}Body/{{{SOAP_ENV}}}Fault")
    if element is None:
        return None
    parts = {etree.QName(part).localname: part for part in element}
    code = _text(parts.get("faultcode")).rpartition(":")[2]
    text = _text(parts.get("faultstring"))
    detail = parts.get("detail")
    if detail is None:
        return Fault(code, text)
    node = Node(detail)
    errors = node.below("Validation_Error") or node.below("Validation_Fault") or node.below("Processing_Fault")
    issues = tuple(issue for issue in map(_issue, errors) if issue.message)
    return Fault(code, text, issues, bool(node.below("Validation_Fault")))


def from_reply(
    reply: Reply, fault: Fault | None, operation: str, *, write: bool, sought: tuple[str, str] | None = None
) -> ConnectorError:
    """Return the error an answer that is not a success stands for.

    Args:
        reply: The HTTP answer.
        fault: The fault in it, if any.
        operation: Workday's name of the operation.
        write: Whether the request would have changed something.
        sought: ID type and id the request asked for; only if the fault says of exactly this pair that it is
            not valid is it a ``NotFound``.
    """
    if fault is not None:
        return _from_fault(reply, fault, operation, write=write, sought=sought)
    status = reply.status
    if status == 429:
        words = "too many requests (HTTP 429)"
        return Throttled(SYSTEM, operation, words, status=status, retry_after=reply.retry_after)
    if 300 <= status < 400:
        return SettingInvalid(
            f"Workday redirects {operation} to {reply.headers.get('location', 'another address')}.",
            'Check "base_url": it must be the web services host, not the host people log in at.',
        )
    if status in (404, 410):
        return no_such_service(operation, status)
    refused = {401: CredentialsRefused, 403: PermissionDenied}.get(status, Rejected)
    lost = OutcomeUnknown if write else Unavailable
    kind: type[SystemFault] = refused if 400 <= status < 500 and status != 408 else lost
    return kind(SYSTEM, operation, f"HTTP {status} without a SOAP answer", status=status)


def from_transport(error: NotSent | AnswerLost, operation: str, *, write: bool) -> ConnectorError:
    """Return the error of a failed exchange: a write counts as failed only if it certainly did not leave."""
    if write and isinstance(error, AnswerLost):
        return OutcomeUnknown(SYSTEM, operation, str(error))
    if isinstance(error, AnswerTooLarge):
        return Unreadable(SYSTEM, operation, str(error))
    return (TooSlow if isinstance(error, AnswerLate) else Unavailable)(SYSTEM, operation, str(error))


def from_rest(reply: Reply, what: str) -> ConnectorError:
    """Return the error of a REST, RaaS or WQL read that is not a success (docs/systems/workday.md#w6 and #w7).

    Args:
        reply: The HTTP answer.
        what: What was read, for the message (``the report Open_Items``).
    """
    if reply.status in (404, 410):
        return SettingInvalid(
            f"Workday has no {what} at this address (HTTP {reply.status}).",
            "Check its name and owner, that it is enabled as a web service and shared with the ISU, and the address.",
        )
    words = _rest_words(reply)
    if reply.status == 401:
        return CredentialsRefused(SYSTEM, what, words, status=401, cure=_LOGIN_CURE)
    if words and reply.status in (400, 403, 409, 422):
        return (PermissionDenied if reply.status == 403 else Rejected)(SYSTEM, what, words, status=reply.status)
    return from_reply(reply, None, what, write=False)


def no_such_service(what: str, status: int | None) -> SettingInvalid:
    """Return the error for a service or version the tenant does not have (docs/systems/workday.md#w1)."""
    label = f" (HTTP {status})" if status else ""
    return SettingInvalid(
        f"Workday has no {what} at this address{label}.",
        'Check "base_url", "tenant" and "api_version"; the tenant may offer an older or newer version.',
    )


def _from_fault(
    reply: Reply, fault: Fault, operation: str, *, write: bool, sought: tuple[str, str] | None
) -> ConnectorError:
    kind: type[SystemFault]
    context: dict[str, t.Any] = {"code": fault.code, "status": reply.status}
    if fault.is_permission_denied:
        kind, context["cure"] = PermissionDenied, _PERMISSION_CURE
    elif fault.is_login_refused:
        kind, context["cure"] = CredentialsRefused, _LOGIN_CURE
    elif _BAD_VERSION.search(fault.everything):
        return no_such_service(f"{operation} ({fault.words})", reply.status)
    elif fault.is_validation or fault.code.lower().startswith("client"):
        kind, context["field"] = _of_validation(fault, sought), fault.xpaths
    elif reply.status == 429:
        kind, context["retry_after"] = Throttled, reply.retry_after
    elif not fault.code.lower().startswith("server"):
        kind = Rejected
    else:
        kind = OutcomeUnknown if write else ProcessingFailed
    return kind(SYSTEM, operation, fault.words, **context)


def _of_validation(fault: Fault, sought: tuple[str, str] | None) -> type[SystemFault]:
    if sought is not None and _names_only(fault, *sought):
        return NotFound
    if _ADD_ONLY.search(fault.everything):
        return AlreadyExists
    if _IN_USE.search(fault.everything):
        return NumberInUse
    return Rejected


def _names_only(fault: Fault, kind: str, value: str) -> bool:
    messages = [issue.message for issue in fault.issues] or [fault.text]
    wanted = (_collapse(value).casefold(), kind.casefold())
    return all(
        (match := _INVALID_ID.search(message)) is not None
        and (match["value"].strip().casefold(), match["type"].strip().casefold()) == wanted
        for message in messages
    )


def _issue(node: Node) -> Issue:
    message = _collapse(node.text("Message") or "")
    detail = _collapse(node.text("Detail_Message") or "")
    if detail and detail != message:
        message = f"{message} ({detail})" if message else detail
    return Issue(message, node.text("Xpath"))


def _rest_words(reply: Reply) -> str:
    try:
        body = json.loads(reply.content)
    except ValueError:
        return f"HTTP {reply.status}"
    errors = body.get("errors") if isinstance(body, dict) else None
    details = [one.get("error") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    words = [body.get("error") if isinstance(body, dict) else None, *details]
    return quoted(" | ".join(dict.fromkeys(str(word) for word in words if word))) or f"HTTP {reply.status}"


def _text(element: etree._Element | None) -> str:
    return "" if element is None else _collapse(element.text or "")


def _collapse(text: str) -> str:
    return " ".join(text.split())
