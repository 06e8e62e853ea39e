"""How documents are written into BILL."""

from __future__ import annotations

import dataclasses
import types
import typing as t

from ml_connector.errors import SettingInvalid
from ml_connector.systems.bill.bills import MOST_AT_ONCE
from ml_connector.systems.bill.codings import CODING_LISTS, CodingList

__all__ = ["DEFAULT_LISTS", "DOCUMENT_TYPES", "BillPosting"]

DEFAULT_LISTS: t.Final[t.Mapping[str, CodingList]] = types.MappingProxyType(
    {
        "accounting_class": "accounting_classes",
        "class": "accounting_classes",
        "cost_center": "departments",
        "department": "departments",
        "job": "jobs",
        "location": "locations",
        "project": "jobs",
    }
)
"""Kind of dimension to the BILL list its values stand on."""

DOCUMENT_TYPES: t.Final = (
    "pdf",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "tif",
    "tiff",
    "bmp",
    "doc",
    "docx",
    "xls",
    "xlsx",
    "csv",
)
"""Extensions of files people can be shown. What BILL takes is told by its help pages, not by its API's contract."""


def _option(default: t.Any, doc: str) -> t.Any:
    return dataclasses.field(default=default, metadata={"doc": doc, "secret": False})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BillPosting:
    """Choices of the organization's owner; by default nothing is created that people have not asked for.

    Each field's ``metadata`` has its ``doc``.
    """

    create_missing: tuple[CodingList, ...] = _option((), doc="Lists on which values BILL lacks are created.")
    dimension_lists: t.Mapping[str, CodingList] = dataclasses.field(
        default_factory=dict,
        metadata={"doc": "Further kinds of dimension and the BILL list of their values.", "secret": False},
    )
    bills_per_request: int = _option(20, doc="Bills sent together at most; 1 sends each by itself.")
    document_types: tuple[str, ...] = _option(DOCUMENT_TYPES, doc="Extensions of the files that are put to bills.")
    upload_wait: int = _option(300, doc="Seconds BILL gets to take in a file.")
    tax_account: str | None = _option(None, doc="Account of the line that carries tax, which BILL bills have not.")
    charges_account: str | None = _option(None, doc="Account of the line that carries freight and other charges.")

    @classmethod
    def from_config(cls, config: t.Mapping[str, t.Any]) -> BillPosting:
        """Take the options out of the target's configuration.

        Raises:
            SettingInvalid: A value is none of those allowed.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        given = {name: value for name, value in config.items() if name in known and value is not None}
        types = tuple(str(each).lower().lstrip(".") for each in given.get("document_types", DOCUMENT_TYPES))
        lists = tuple(given.get("create_missing", ()))
        options = cls(**{**given, "create_missing": lists, "document_types": types})
        if not 1 <= options.bills_per_request <= MOST_AT_ONCE:
            raise SettingInvalid(
                f'setting "bills_per_request" is {options.bills_per_request}.',
                f"BILL takes 1 to {MOST_AT_ONCE} bills in one request.",
            )
        for setting, lists in (
            ("create_missing", options.create_missing),
            ("dimension_lists", tuple(options.dimension_lists.values())),
        ):
            if unknown := sorted(set(lists) - set(CODING_LISTS)):
                raise SettingInvalid(
                    f'setting "{setting}" names {", ".join(map(repr, unknown))}.',
                    f"BILL has {', '.join(CODING_LISTS)}.",
                )
        return options

    def list_of(self, dimension: str) -> CodingList | None:
        """Return the list a kind of dimension stands on, None when it stands on none."""
        return self.dimension_lists.get(dimension) or DEFAULT_LISTS.get(dimension)
