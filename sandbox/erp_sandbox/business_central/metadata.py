"""``$metadata`` and ``entityDefinitions``, made from the same facts as everything else."""

from __future__ import annotations

from functools import cache
from typing import Any
from xml.sax.saxutils import quoteattr

from erp_sandbox.business_central.entities import SETS, EntitySet
from erp_sandbox.business_central.values import edm_type

__all__ = ["captions", "document"]

_EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM = "http://docs.oasis-open.org/odata/ns/edm"


@cache
def document() -> bytes:
    """The EDMX document: types, their properties and collections, and the sets."""
    types = "".join(_type(entity) for entity in SETS.values())
    sets = "".join(
        f"<EntitySet Name={quoteattr(entity.name)} EntityType={quoteattr(f'Microsoft.NAV.{entity.kind}')}/>"
        for entity in SETS.values()
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="4.0" xmlns:edmx="{_EDMX}"><edmx:DataServices>'
        f'<Schema Namespace="Microsoft.NAV" xmlns="{_EDM}">{types}'
        f'<EntityContainer Name="NAV">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>'
    ).encode()


def captions() -> list[dict[str, Any]]:
    """What each entity set and its properties are called."""
    return [
        {
            "entityName": entity.kind,
            "entitySetName": entity.name,
            "entityCaptions": [{"languageCode": 1033, "caption": entity.caption}],
            "properties": [{"name": field.name} for field in entity.fields],
        }
        for entity in SETS.values()
    ]


def _type(entity: EntitySet) -> str:
    properties = "".join(
        f"<Property Name={quoteattr(field.name)} Type={quoteattr(edm_type(field))}"
        + (f' MaxLength="{field.length}"' if field.length else "")
        + "/>"
        for field in entity.fields
    )
    navigation = "".join(
        f"<NavigationProperty Name={quoteattr(name)} Type={quoteattr(f'Collection(Microsoft.NAV.{SETS[name].kind})')}/>"
        for name in entity.navs
    )
    return (
        f'<EntityType Name={quoteattr(entity.kind)}><Key><PropertyRef Name="id"/></Key>{properties}{navigation}'
        "</EntityType>"
    )
