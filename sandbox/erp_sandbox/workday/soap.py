"""SOAP 1.1 as the tenant speaks it: envelope, credentials, schema, operation, answer or fault."""

from __future__ import annotations

import hmac
import threading
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from lxml import etree

from erp_sandbox.workday import wsdl
from erp_sandbox.workday.codec import Record, write
from erp_sandbox.workday.contract import NAMESPACE, Version, services, version_text
from erp_sandbox.workday.errors import (
    AuthenticationRefusalError,
    Issue,
    NotAuthorizedRefusalError,
    SoapRefusalError,
    ValidationRefusalError,
    invalid_operation,
    xpath_of,
)
from erp_sandbox.workday.rules import HANDLERS, WRITES
from erp_sandbox.workday.rules.call import Call

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from erp_sandbox.workday.contract import Operation
    from erp_sandbox.workday.store import WorkdayStore

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
FILE_DIALECT: Version = (30, 0)
"""The dialect spoken when the WSDL is served from a file (the contracts at hand are of v30 and before)."""

_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_PASSWORD_TEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
_validating = threading.Lock()


@dataclass(frozen=True, slots=True)
class Message:
    """A parsed request: the whole envelope and the element in its body."""

    envelope: etree._Element
    body: etree._Element
    operation: Operation

    @property
    def is_write(self) -> bool:
        """Whether the operation changes something."""
        return self.operation.name in WRITES


def parse(content: bytes, service: str) -> Message:
    """Parse a request to a service.

    Raises:
        SoapRefusalError: not an envelope, or no operation of this service.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        envelope = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise SoapRefusalError("Client", f"The request is not well-formed XML: {error.msg}") from None
    if envelope.getroottree().docinfo.internalDTD is not None:
        raise SoapRefusalError("Client", "A document type declaration is not allowed.")
    body = envelope.find(f"{{{ENVELOPE}}}Body")
    if envelope.tag != f"{{{ENVELOPE}}}Envelope" or body is None:
        raise SoapRefusalError("Client", "The request is not a SOAP 1.1 envelope.")
    content_elements = [child for child in body if isinstance(child.tag, str)]
    if len(content_elements) != 1:
        raise SoapRefusalError("Client", "The SOAP body must hold exactly one element.")
    root = etree.QName(content_elements[0])
    operation = services()[service].operation_of(root.localname) if root.namespace == NAMESPACE else None
    if operation is None:
        raise invalid_operation()
    return Message(envelope, content_elements[0], operation)


def answer(
    store: WorkdayStore,
    tenant: str,
    service: str,
    version: Version,
    *,
    message: Message,
    authorization: str | None,
) -> str:
    """Run an operation and return the envelope of its answer.

    Raises:
        SoapRefusalError: the fault to answer instead.
    """
    with store.lock:
        _authenticate(store, tenant, message.envelope, authorization)
        operation = message.operation
        store.note_request(operation.name)
        if not store.may(operation.name):
            raise NotAuthorizedRefusalError
        try:
            _check_schema(store, service, version, message.body)
            _check_version(message.body, version)
            dialect = FILE_DIALECT if service in store.wsdl_files else version
            request = Record(message.body, f"{operation.request}Type", dialect)
            values = HANDLERS[operation.name](Call(store, operation.name, request, dialect))
        except ValidationRefusalError:
            store.note_invalid()
            raise
        content = write(
            operation.response,
            f"{operation.response}Type",
            dialect,
            {"@version": version_text(version), **values},
            descriptors=_wants_descriptors(message.envelope),
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<env:Envelope xmlns:env="{ENVELOPE}" xmlns:wd="{NAMESPACE}">'
        f"<env:Body>{content}</env:Body></env:Envelope>"
    )


def wsdl_text(store: WorkdayStore, tenant: str, service: str, version: Version) -> bytes:
    """The WSDL this tenant serves."""
    path = store.wsdl_files.get(service)
    return path.read_bytes() if path else wsdl.wsdl(service, version, tenant).encode()


def _authenticate(store: WorkdayStore, tenant: str, envelope: etree._Element, authorization: str | None) -> None:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        known = tenant == store.tenant and store.api_client.is_live(token.strip())
    else:
        known = _is_user(store, tenant, envelope)
    if not known:
        raise AuthenticationRefusalError(store.behaviour.authentication_status)


def _is_user(store: WorkdayStore, tenant: str, envelope: etree._Element) -> bool:
    token = envelope.find(f"{{{ENVELOPE}}}Header/{{{_WSSE}}}Security/{{{_WSSE}}}UsernameToken")
    if token is None:
        return False
    name = (token.findtext(f"{{{_WSSE}}}Username") or "").strip()
    password = token.find(f"{{{_WSSE}}}Password")
    if password is None or password.get("Type", _PASSWORD_TEXT) != _PASSWORD_TEXT:
        return False
    user, _, of_tenant = name.partition("@")
    expected = store.users.get(user)
    return (
        expected is not None
        and tenant == of_tenant == store.tenant
        and hmac.compare_digest((password.text or "").encode(), expected.encode())
    )


def _wants_descriptors(envelope: etree._Element) -> bool:
    text = envelope.findtext(
        f"{{{ENVELOPE}}}Header/{{{NAMESPACE}}}Workday_Common_Header"
        f"/{{{NAMESPACE}}}Include_Reference_Descriptors_In_Response"
    )
    return (text or "").strip() in {"true", "1"}


def _check_version(body: etree._Element, version: Version) -> None:
    stated = body.get(f"{{{NAMESPACE}}}version")
    if stated is not None and stated != version_text(version):
        raise invalid_operation()


def _check_schema(store: WorkdayStore, service: str, version: Version, body: etree._Element) -> None:
    path = store.wsdl_files.get(service)
    schema = _file_schema(path) if path else wsdl.schema(service, version)
    with _validating:
        if schema.validate(body):
            return
        alone = deepcopy(body)
        schema.validate(alone)
        entries = [(entry.message, entry.path or "") for entry in cast("Iterable[Any]", schema.error_log)]
    raise ValidationRefusalError(*(_issue(text, path, alone) for text, path in entries))


def _issue(text: str, path: str, root: etree._Element) -> Issue:
    """A schema error in the tenant's form; ``path`` counts from ``root`` in the prefixes of the request."""
    namespaces = {prefix: uri for element in root.iter("*") for prefix, uri in element.nsmap.items() if prefix}
    found = cast("list[Any]", root.getroottree().xpath(path, namespaces=namespaces)) if path else []
    where = xpath_of(found[0]) if found else ""
    detail = text.replace(f"{{{NAMESPACE}}}", "")
    return Issue("The request does not match the schema of the operation.", where, detail)


@lru_cache(maxsize=8)
def _file_schema(path: Path) -> etree.XMLSchema:
    root = etree.parse(path).getroot()
    embedded = next(root.iter("{http://www.w3.org/2001/XMLSchema}schema"))
    return etree.XMLSchema(etree.fromstring(etree.tostring(embedded)))
