"""Query options: ``$select``, ``$expand``, ``$orderby`` and the rest; what is not known is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.entities import SETS, EntitySet
from erp_sandbox.business_central.odata.filters import Filter, parse_filter

__all__ = ["Query", "parse_query"]

LIST_OPTIONS = frozenset(
    {"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count", "$skiptoken", "aid", "$schemaversion"}
)
ENTITY_OPTIONS = frozenset({"$select", "$expand", "$schemaversion"})
NESTED_OPTIONS = frozenset({"$select", "$expand", "$filter", "$orderby"})


@dataclass(frozen=True, slots=True)
class Query:
    """What a call wants to see of an entity set.

    Attributes:
        select: Names of properties; None: all.
        expand: Collections to show with each entity, by name.
        filter: Which rows.
        order: (field, descending) pairs; empty: by key.
        top: At most so many rows altogether.
        skip: Leave out so many first.
        count: Whether to tell how many there are.
        token: The row behind which a page begins.
    """

    select: tuple[str, ...] | None = None
    expand: Mapping[str, Query] = field(default_factory=dict)
    filter: Filter | None = None
    order: tuple[tuple[str, bool], ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    token: str = ""


def parse_query(options: Mapping[str, str], entity: EntitySet, known: frozenset[str]) -> Query:
    """Read query options.

    Raises:
        BusinessCentralRefusalError: an unknown option, property or value.
    """
    for name in options:
        if name not in known:
            raise errors.bad_request(f"The query parameter '{name}' is not supported.")
    expand = _expand(options.get("$expand", ""), entity)
    return Query(
        _select(options.get("$select"), entity, expand),
        expand,
        _filter(options, entity),
        _order(options.get("$orderby", ""), entity),
        _count(options, "$top"),
        _count(options, "$skip") or 0,
        _flag(options),
        options.get("$skiptoken", ""),
    )


def _filter(options: Mapping[str, str], entity: EntitySet) -> Filter | None:
    version = options.get("$schemaversion", "2.0")
    if version not in ("1.0", "2.0", "2.1"):
        raise errors.bad_request(f"The schema version '{version}' is not supported.")
    return parse_filter(options["$filter"], entity, lists=version == "2.1") if "$filter" in options else None


def _select(text: str | None, entity: EntitySet, expand: Mapping[str, Query]) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in entity.by_name and name not in expand:
            raise errors.unknown_query_property(name, entity.kind)
    return names


def _expand(text: str, entity: EntitySet) -> dict[str, Query]:
    wanted = {}
    for item in _split(text, ","):
        name, bracket, rest = item.partition("(")
        name = name.strip()
        if name not in entity.navs:
            raise errors.unknown_query_property(name, entity.kind)
        if bracket and not rest.endswith(")"):
            raise errors.bad_request(f"Syntax error in '{item}'.")
        options = {}
        for option in _split(rest[:-1], ";") if bracket else ():
            key, equals, value = option.partition("=")
            if not equals:
                raise errors.bad_request(f"Syntax error in '{item}'.")
            options[key.strip()] = value
        wanted[name] = parse_query(options, SETS[name], NESTED_OPTIONS)
    return wanted


def _split(text: str, mark: str) -> list[str]:
    """Split where no bracket and no quotation is open."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted and letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == mark and depth == 0 and not quoted:
            parts.append(text[start:place])
            start = place + 1
    parts.append(text[start:])
    if depth or quoted:
        raise errors.bad_request(f"Syntax error in '{text}'.")
    return [part for part in parts if part.strip()]


def _order(text: str, entity: EntitySet) -> tuple[tuple[str, bool], ...]:
    order = []
    for item in _split(text, ","):
        name, *rest = item.split()
        if name not in entity.by_name:
            raise errors.unknown_query_property(name, entity.kind)
        if rest not in ([], ["asc"], ["desc"]):
            raise errors.bad_request(f"Syntax error in '{text}'.")
        order.append((name, rest == ["desc"]))
    return tuple(order)


def _count(options: Mapping[str, str], name: str) -> int | None:
    if name not in options:
        return None
    if not options[name].isdecimal():
        raise errors.bad_request(f"Invalid value '{options[name]}' for {name} query option found.")
    return int(options[name])


def _flag(options: Mapping[str, str]) -> bool:
    wanted = options.get("$count", "false")
    if wanted not in ("true", "false"):
        raise errors.bad_request(f"Invalid value '{wanted}' for $count query option found.")
    return wanted == "true"
