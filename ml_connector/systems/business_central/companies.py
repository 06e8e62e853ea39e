"""The companies of an environment: which one is meant, and how its things are addressed."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ml_connector.errors import SettingInvalid
from ml_connector.sameness import same_name
from ml_connector.systems.business_central.settings import BusinessCentralSettings

__all__ = ["Company", "choose", "instance_of", "without_company"]

_COMPANY = re.compile(r"companies\([^)]*\)/")


@dataclasses.dataclass(frozen=True, slots=True)
class Company:
    """A company.

    Attributes:
        id: Its GUID.
        name: Its name, unique in the environment.
        display_name: What people call it; its name where it has none (sheet 1).
        fields: The object as Business Central answers it, decoded.
    """

    id: str
    name: str
    display_name: str
    fields: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, fields: t.Mapping[str, t.Any]) -> Company:
        """Return the company of an object."""
        name = str(fields.get("name") or fields["id"])
        return cls(str(fields["id"]), name, str(fields.get("displayName") or name), fields)

    @property
    def path(self) -> str:
        """Path of its things, below the service root."""
        return f"companies({self.id})"

    def is_called(self, text: str) -> bool:
        """Whether somebody means it: by id, name or display name, in upper or lower case."""
        return same_name(text) in {same_name(each) for each in (self.id, self.name, self.display_name)}


def choose(companies: t.Sequence[Company], id_or_name: str | None) -> Company:
    """Return the company that is meant; the only one when nothing is said.

    Raises:
        SettingInvalid: There is none, or more than one.
    """
    known = ", ".join(f'"{each.name}"' for each in companies) or "none"
    if not id_or_name:
        if len(companies) == 1:
            return companies[0]
        raise SettingInvalid(f'setting "company" is missing; there are: {known}.', "Set it to an id or a name.")
    meant = [each for each in companies if each.is_called(id_or_name)]
    if len(meant) != 1:
        what = "is that of several companies" if meant else "is no company the app may see"
        raise SettingInvalid(f'setting "company": "{id_or_name}" {what}; there are: {known}.', "Set it to an id.")
    return meant[0]


def instance_of(settings: BusinessCentralSettings, company_id: str) -> str:
    """Return how the ledger tells companies apart, copies of an environment included, where ids are the same."""
    return f"{settings.tenant_id}/{settings.environment}/{company_id}".lower()


def without_company(path: str) -> str:
    """Return a path as messages name it: every path names the same company."""
    return _COMPANY.sub("", path)
