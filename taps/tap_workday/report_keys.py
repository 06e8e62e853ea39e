"""What rows of a custom report are known by: columns somebody named, else all that a row says."""

from __future__ import annotations

import typing as t

from ml_connector import exact_json
from ml_connector.errors import SettingInvalid
from tap_workday.seen import content_key

__all__ = ["ReportKeys"]

_BETWEEN: t.Final = "|"
_ESCAPED: t.Final = str.maketrans({"\\": "\\\\", _BETWEEN: f"\\{_BETWEEN}"})

Row = t.Mapping[str, t.Any]


class ReportKeys:
    """Gives the keys of one report's rows.

    Args:
        report: Name of the report, for messages.
        columns: Columns whose values together tell rows apart; none: the whole row does.
        rows: The rows of the report.

    Attributes:
        without: How many rows have none of the columns; such a row is known by all it says.
        shared: How many rows have the key of another that says something else.

    Raises:
        SettingInvalid: There are rows, and none has any of the columns: a name is misspelt. One of several may be
            missing, since Workday leaves out what is empty.
    """

    def __init__(self, report: str, columns: t.Sequence[str], rows: t.Sequence[Row]) -> None:
        self._columns = columns
        self._given: dict[str, str] = {}
        self.without = 0
        self.shared = 0
        found = dict.fromkeys(name for row in rows for name in row)
        if rows and columns and not any(name in found for name in columns):
            raise SettingInvalid(
                f'setting "custom_reports": report {report} has no column {" or ".join(columns)} in any of its '
                f"{len(rows)} rows; it has {', '.join(found) or 'none'}.",
                'Correct "key", or leave it out: then the whole row tells rows apart.',
            )

    def of(self, row: Row) -> str:
        """Return the key of a row: different for rows whose values in the columns differ."""
        content = content_key(row)
        if not self._columns:
            return content
        # Workday leaves a column out where it is empty.
        values = [row.get(column) for column in self._columns]
        if all(value in (None, "") for value in values):
            self.without += 1
            return content
        several = len(values) > 1
        key = _BETWEEN.join(_text(value).translate(_ESCAPED) if several else _text(value) for value in values)
        if self._given.setdefault(key, content) != content:
            self.shared += 1
        return key


def _text(value: t.Any) -> str:
    if value is None:
        return ""
    return exact_json.dumps(value) if isinstance(value, dict | list) else str(value)
