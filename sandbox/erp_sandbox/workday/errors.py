"""What a request can be refused with, as the tenant words it (docs/systems/workday.md#w7)."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_WORKDAY = "urn:com.workday/bsvc"


@dataclass(frozen=True, slots=True)
class Issue:
    """One validation error: what is wrong, in more words, and where."""

    message: str
    xpath: str = ""
    detail: str = ""


class SoapRefusalError(Exception):
    """A SOAP fault: ``code`` without its prefix, ``text``, the detail's XML and the HTTP status."""

    def __init__(self, code: str, text: str, detail: str = "", status: int = 500) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.detail = detail
        self.status = status

    def envelope(self) -> str:
        """The whole answer."""
        detail = f"<detail>{self.detail}</detail>" if self.detail else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{_ENVELOPE}"><SOAP-ENV:Body><SOAP-ENV:Fault>'
            f"<faultcode>SOAP-ENV:{self.code}</faultcode><faultstring>{escape(self.text)}</faultstring>"
            f"{detail}</SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>"
        )


class ValidationRefusalError(SoapRefusalError):
    """The data is not acceptable; ``issues`` says all that is wrong with it."""

    def __init__(self, *issues: Issue) -> None:
        self.issues = issues
        super().__init__(
            "Client.validationError",
            f"Validation error occurred. {issues[0].message}",
            f'<wd:Validation_Fault xmlns:wd="{_WORKDAY}">{"".join(map(_validation_error, issues))}'
            "</wd:Validation_Fault>",
        )


class AuthenticationRefusalError(SoapRefusalError):
    """Nobody this tenant knows sent the request."""

    def __init__(self, status: int) -> None:
        super().__init__("Client.authenticationError", "invalid username or password", status=status)


class NotAuthorizedRefusalError(SoapRefusalError):
    """The caller is known but may not run this operation."""

    def __init__(self) -> None:
        message = "The task submitted is not authorized."
        super().__init__(
            "Server.processingError",
            f"Processing error occurred. {message}",
            f'<wd:Processing_Fault xmlns:wd="{_WORKDAY}"><wd:Detail_Message>{message}</wd:Detail_Message>'
            "</wd:Processing_Fault>",
        )


def invalid_operation() -> ValidationRefusalError:
    """The service, the version or the operation does not exist here."""
    return ValidationRefusalError(Issue("The web service or version is invalid for the requested operation"))


def invalid_id(value: str, id_type: str, xpath: str) -> Issue:
    """The text that means "unknown id", two blanks included."""
    return Issue(f"Invalid ID value.  '{value}' is not a valid ID value for type = '{id_type}'", xpath)


def xpath_of(element: etree._Element) -> str:
    """Where an element of the request stands, counted from the request element."""
    steps: list[str] = []
    node: etree._Element | None = element
    while node is not None and etree.QName(node).namespace != _ENVELOPE:
        before = sum(1 for _ in node.itersiblings(node.tag, preceding=True))
        steps.append(f"wd:{etree.QName(node).localname}[{before + 1}]")
        node = node.getparent()
    return "/" + "/".join(reversed(steps))


def _validation_error(issue: Issue) -> str:
    where = f"<wd:Xpath>{escape(issue.xpath)}</wd:Xpath>" if issue.xpath else ""
    return (
        f"<wd:Validation_Error><wd:Message>{escape(issue.message)}</wd:Message>"
        f"<wd:Detail_Message>{escape(issue.detail or issue.message)}</wd:Detail_Message>{where}"
        "</wd:Validation_Error>"
    )
