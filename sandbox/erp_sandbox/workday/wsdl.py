"""The WSDL and XSD of a service, generated from the description in :mod:`.contract`.

Document/literal SOAP 1.1; elements and attributes are qualified; every service has a target namespace of its
own while all types live in ``urn:com.workday/bsvc`` (docs/systems/workday.md#w1).
"""

from __future__ import annotations

from functools import cache
from xml.sax.saxutils import quoteattr

from lxml import etree

from erp_sandbox.workday.contract import (
    NAMESPACE,
    SIMPLE_TYPES,
    Choice,
    ComplexType,
    Element,
    Service,
    Version,
    complex_types,
    is_reference,
    is_simple,
    reference_kind,
    services,
    version_text,
)

PRINTED_HOST = "https://wd5-impl-services1.workday.com"
"""The host in ``soap:address``, as a tenant prints it: a client must go to its own base URL instead."""

_XSD = "http://www.w3.org/2001/XMLSchema"
_HEADER = "Workday_Common_Header"
_FAULTS = ("Validation_Fault", "Processing_Fault")
_PARENTED = frozenset({"Purchase_Order_Line", "Ledger_Account"})
"""Kinds whose ids may need the id of the instance they belong to."""


@cache
def wsdl(service_name: str, version: Version, tenant: str) -> str:
    """The WSDL text of a service in a version, as ``tenant`` would serve it."""
    service = services()[service_name]
    return "".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>\n',
            (
                f'<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:xsd="{_XSD}"'
                f' xmlns:soapbind="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:wd="{NAMESPACE}"'
                f' xmlns:wd-wsdl="{NAMESPACE}/{service_name}" name="{service_name}"'
                f' targetNamespace="{NAMESPACE}/{service_name}">'
            ),
            "<wsdl:types>",
            xsd(service_name, version),
            "</wsdl:types>",
            *_messages(service),
            *_port(service),
            *_binding(service),
            (
                f'<wsdl:service name="{service_name}Service"><wsdl:port name="{service_name}"'
                f' binding="wd-wsdl:{service_name}Binding"><soapbind:address'
                f' location="{PRINTED_HOST}/ccx/service/{tenant}/{service_name}/{version_text(version)}"/>'
                "</wsdl:port></wsdl:service></wsdl:definitions>"
            ),
        )
    )


@cache
def xsd(service_name: str, version: Version) -> str:
    """The schema of a service in a version: one element per message, and the types they reach."""
    service = services()[service_name]
    roots = [_HEADER, *_FAULTS]
    for operation in service.operations:
        roots += [operation.request, operation.response]
    names, kinds = _reachable([f"{root}Type" for root in roots], version)
    types = complex_types()
    return "".join(
        (
            (
                f'<xsd:schema xmlns:xsd="{_XSD}" xmlns:wd="{NAMESPACE}" targetNamespace="{NAMESPACE}"'
                ' elementFormDefault="qualified" attributeFormDefault="qualified">'
            ),
            '<xsd:attribute name="version" type="xsd:string"/>',
            *(f'<xsd:element name="{root}" type="wd:{root}Type"/>' for root in roots),
            *(_complex(types[name], version) for name in names),
            *(_reference(kind) for kind in kinds),
            "</xsd:schema>",
        )
    )


@cache
def schema(service_name: str, version: Version) -> etree.XMLSchema:
    """The compiled schema, for checking requests."""
    return etree.XMLSchema(etree.fromstring(xsd(service_name, version).encode()))


def _reachable(roots: list[str], version: Version) -> tuple[list[str], list[str]]:
    types = complex_types()
    names: dict[str, None] = {}
    kinds: dict[str, None] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop(0)
        if name in names:
            continue
        names[name] = None
        for element in types[name].elements(version):
            if is_reference(element):
                kinds[reference_kind(element)] = None
            elif not is_simple(element):
                waiting.append(element.type)
    return list(names), list(kinds)


def _complex(each: ComplexType, version: Version) -> str:
    attributes = [_attribute(attribute.name, attribute.type) for attribute in each.attributes]
    if each.versioned:
        attributes.append('<xsd:attribute ref="wd:version"/>')
    if each.base:
        return (
            f'<xsd:complexType name="{each.name}"><xsd:simpleContent><xsd:extension base="xsd:{each.base}">'
            f"{''.join(attributes)}</xsd:extension></xsd:simpleContent></xsd:complexType>"
        )
    content = "".join(_particle(particle, version) for particle in each.content)
    sequence = f"<xsd:sequence>{content}</xsd:sequence>" if content else ""
    return f'<xsd:complexType name="{each.name}">{sequence}{"".join(attributes)}</xsd:complexType>'


def _particle(particle: Element | Choice, version: Version) -> str:
    if isinstance(particle, Choice):
        inner = "".join(_particle(element, version) for element in particle.elements)
        return f'<xsd:choice minOccurs="0">{inner}</xsd:choice>' if inner else ""
    if not particle.lives_in(version):
        return ""
    most = "unbounded" if particle.max is None else str(particle.max)
    head = f'<xsd:element name="{particle.name}" minOccurs="{particle.min}" maxOccurs="{most}"'
    if is_reference(particle):
        return f'{head} type="wd:{reference_kind(particle)}ObjectType"/>'
    if not is_simple(particle):
        return f'{head} type="wd:{particle.type}"/>'
    restriction = _restriction(particle.type)
    return f"{head}>{restriction}</xsd:element>" if restriction else f"{head} {_builtin(particle.type)}/>"


def _attribute(name: str, simple: str) -> str:
    restriction = _restriction(simple)
    if restriction:
        return f'<xsd:attribute name="{name}">{restriction}</xsd:attribute>'
    return f'<xsd:attribute name="{name}" {_builtin(simple)}/>'


def _builtin(simple: str) -> str:
    return f'type="xsd:{SIMPLE_TYPES[simple].base}"'


def _restriction(simple: str) -> str:
    described = SIMPLE_TYPES[simple]
    if not described.facets:
        return ""
    facets = "".join(f"<xsd:{facet} value={quoteattr(value)}/>" for facet, value in described.facets)
    return f'<xsd:simpleType><xsd:restriction base="xsd:{described.base}">{facets}</xsd:restriction></xsd:simpleType>'


def _reference(kind: str) -> str:
    parent = ""
    if kind in _PARENTED:
        parent = (
            '<xsd:attribute name="parent_id" type="xsd:string"/><xsd:attribute name="parent_type" type="xsd:string"/>'
        )
    return (
        f'<xsd:complexType name="{kind}ObjectType"><xsd:sequence><xsd:element name="ID"'
        f' type="wd:{kind}ObjectIDType" minOccurs="0" maxOccurs="unbounded"/></xsd:sequence>'
        '<xsd:attribute name="Descriptor" type="xsd:string"/></xsd:complexType>'
        f'<xsd:complexType name="{kind}ObjectIDType"><xsd:simpleContent><xsd:extension base="xsd:string">'
        f'<xsd:attribute name="type" type="xsd:string" use="required"/>{parent}'
        "</xsd:extension></xsd:simpleContent></xsd:complexType>"
    )


def _messages(service: Service) -> list[str]:
    def message(name: str, part: str, element: str) -> str:
        return f'<wsdl:message name="{name}"><wsdl:part name="{part}" element="wd:{element}"/></wsdl:message>'

    texts = [message(f"{_HEADER}Msg", "header", _HEADER)]
    texts += [message(f"{fault}Msg", "body", fault) for fault in _FAULTS]
    for operation in service.operations:
        texts.append(message(f"{operation.request}InputMsg", "body", operation.request))
        texts.append(message(f"{operation.response}OutputMsg", "body", operation.response))
    return texts


def _port(service: Service) -> list[str]:
    faults = "".join(f'<wsdl:fault name="{fault}" message="wd-wsdl:{fault}Msg"/>' for fault in _FAULTS)
    operations = [
        f'<wsdl:operation name="{operation.name}">'
        f'<wsdl:input name="{operation.name}Input" message="wd-wsdl:{operation.request}InputMsg"/>'
        f'<wsdl:output name="{operation.name}Output" message="wd-wsdl:{operation.response}OutputMsg"/>'
        f"{faults}</wsdl:operation>"
        for operation in service.operations
    ]
    return [f'<wsdl:portType name="{service.name}Port">', *operations, "</wsdl:portType>"]


def _binding(service: Service) -> list[str]:
    faults = "".join(
        f'<wsdl:fault name="{fault}"><soapbind:fault name="{fault}" use="literal"/></wsdl:fault>' for fault in _FAULTS
    )
    operations = [
        f'<wsdl:operation name="{operation.name}"><soapbind:operation soapAction="" style="document"/>'
        f'<wsdl:input name="{operation.name}Input"><soapbind:body use="literal"/>'
        f'<soapbind:header message="wd-wsdl:{_HEADER}Msg" part="header" use="literal"/></wsdl:input>'
        f'<wsdl:output name="{operation.name}Output"><soapbind:body use="literal"/></wsdl:output>'
        f"{faults}</wsdl:operation>"
        for operation in service.operations
    ]
    return [
        f'<wsdl:binding name="{service.name}Binding" type="wd-wsdl:{service.name}Port">',
        '<soapbind:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>',
        *operations,
        "</wsdl:binding>",
    ]
