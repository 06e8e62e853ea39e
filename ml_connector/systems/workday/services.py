"""The tenant's own description of its services decides how requests look.

Element names differ between versions (docs/systems/workday.md#w4-1), so nothing here knows a version: names are looked
up in the WSDL the tenant serves, and the order of elements is left to it.
"""

from __future__ import annotations

import threading
import typing as t

import zeep.exceptions
from lxml import etree

from ml_connector.errors import CannotBeSent, ConnectorError, SettingInvalid
from ml_connector.systems.workday.errors import no_such_service
from ml_connector.systems.workday.xml import NS
from ml_connector.transport.soap import WsdlStore, describe

__all__ = ["Service", "Services", "Shape"]


class Services:
    """The services of a tenant, each described once.

    Args:
        store: Where descriptions come from.
        url_of: Endpoint of a service; its description stands at ``?wsdl`` of it.
    """

    def __init__(self, store: WsdlStore, url_of: t.Callable[[str], str]) -> None:
        self._store = store
        self._url_of = url_of
        self._lock = threading.Lock()
        self._services: dict[str, Service] = {}

    def get(self, name: str) -> Service:
        """Return a service, reading its description first if need be.

        Raises:
            SettingInvalid: The tenant has no such service in this version.
            Unavailable: The description could not be fetched, and there is no copy.
        """
        with self._lock:
            service = self._services.get(name)
            if service is None:
                service = self._services[name] = self._read(name)
            return service

    def _read(self, name: str) -> Service:
        url = self._url_of(name)
        try:
            description = describe(self._store, f"{url}?wsdl")
        except ConnectorError:
            raise
        except Exception as error:  # zeep fails in many ways on what is no description, or imports itself
            raise no_such_service(f"usable description of {name} ({error})", None) from error
        return Service(name, url, description)


class Service:
    """One web service. The address is always ours, whatever the description says.

    Attributes:
        name: ``Resource_Management``, ``Financial_Management``, ...
        url: Where requests go.
    """

    def __init__(self, name: str, url: str, description: zeep.Client) -> None:
        self.name = name
        self.url = url
        self._description = description
        bindings: list[t.Any] = list(description.wsdl.bindings.values())
        self._operations: dict[str, t.Any] = {
            operation.name: operation for binding in bindings for operation in binding.all().values()
        }

    def offers(self, operation: str) -> bool:
        """Whether the tenant has this operation in this version."""
        return operation in self._operations

    def shape(self, operation: str) -> Shape:
        """Return what a request of the operation may contain.

        Raises:
            SettingInvalid: There is no such operation.
        """
        return Shape(operation, self._root(operation).type, ())

    def build(self, operation: str, body: t.Mapping[str, t.Any]) -> etree._Element:
        """Return the request's element, in the order and under the root name the tenant wants.

        Args:
            operation: Operation; its root element is not always named alike (docs/systems/workday.md#w1).
            body: Nested dicts and lists, attributes among the elements.

        Raises:
            CannotBeSent: The body does not fit the description; Workday was not asked.
        """
        root = self._root(operation)
        parent = etree.Element("parent", nsmap={"wd": NS})
        try:
            root.render(parent, root(**body))
        except zeep.exceptions.ValidationError as error:
            where = ".".join(map(str, error.path))
            words = f"the tenant's description of {operation} does not take it: {error}"
            raise CannotBeSent(f"{words} [{where}]" if where else words) from error
        except (TypeError, ValueError) as error:
            raise CannotBeSent(f"it does not fit the tenant's description of {operation}: {error}") from error
        return parent[0]

    def _root(self, operation: str) -> t.Any:
        found = self._operations.get(operation)
        if found is None:
            raise no_such_service(f"operation {operation} in {self.name}", None)
        return found.input.body


class Shape:
    """What a request, or a part of it, may contain in this tenant's version.

    Fields are put by meaning: several names, newest first, of which the tenant's description has one.
    """

    def __init__(self, operation: str, kind: t.Any, path: tuple[str, ...]) -> None:
        self._operation = operation
        self._path = path
        self._fields: dict[str, t.Any] = dict(getattr(kind, "elements", ()))
        self._fields |= dict(getattr(kind, "attributes", ()))

    def has(self, name: str) -> bool:
        """Whether there is a field of that name."""
        return name in self._fields

    def pick(self, *names: str) -> str | None:
        """Return the first of the names there is."""
        return next((name for name in names if name in self._fields), None)

    def require(self, *names: str) -> str:
        """Return the first of the names there is.

        Raises:
            SettingInvalid: The tenant's version has none of them.
        """
        name = self.pick(*names)
        if name is None:
            where = ".".join((self._operation, *self._path))
            raise SettingInvalid(
                f"Workday's description of {where} has no {' or '.join(names)}.",
                'Another "api_version" of the tenant may have it.',
            )
        return name

    def part(self, *names: str) -> Shape:
        """Return the shape of a nested part."""
        name = self.require(*names)
        return Shape(self._operation, self._fields[name].type, (*self._path, name))

    def put(self, data: dict[str, t.Any], value: t.Any, *names: str) -> None:
        """Put a value under the name this tenant uses; None and empty lists are left out, never sent empty.

        Raises:
            SettingInvalid: The tenant's version has none of the names, so the value would be lost silently.
        """
        if value is None or value in ([], {}):
            return
        name = self.require(*names)
        if isinstance(value, list) and not getattr(self._fields[name], "accepts_multiple", False):
            if len(value) > 1:
                raise SettingInvalid(
                    f"{self._operation} of this tenant takes one {name}, {len(value)} are to be sent.",
                    'Another "api_version" may take several.',
                )
            value = value[0]
        data[name] = value
