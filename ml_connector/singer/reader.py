"""Reading Singer messages from standard input: exact numbers, errors that name the line and never its content."""

from __future__ import annotations

import sys
import typing as t

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerReader

from ml_connector import exact_json
from ml_connector.errors import MalformedRecord

__all__ = ["MessageReader"]


class MessageReader(GenericSingerReader[str]):
    """Reads one message a line.

    Attributes:
        line: Number of the line read last, from 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.line = 0

    @property
    def default_input(self) -> t.IO[str]:
        """Standard input."""
        return sys.stdin

    def deserialize_json(self, line: str) -> dict[str, t.Any]:
        """Return the message.

        Raises:
            MalformedRecord: The line is not a JSON object.
        """
        self.line += 1
        try:
            message = exact_json.loads(line)
        except msgspec.DecodeError as error:
            raise MalformedRecord(
                f"input line {self.line} is not JSON ({error}).",
                "A tap may print Singer messages only to standard output; look for a stray print or a cut file.",
            ) from None
        if not isinstance(message, dict):
            raise MalformedRecord(f"input line {self.line} is not a Singer message.", "Each line must be an object.")
        return message

    def require(self, message: t.Mapping[str, t.Any], *names: str) -> None:
        """Refuse a message that lacks a field.

        Raises:
            MalformedRecord: One of ``names`` is missing.
        """
        missing = [name for name in names if name not in message]
        if missing:
            raise MalformedRecord(
                f"input line {self.line}: the {message.get('type', 'Singer')} message lacks {', '.join(missing)}.",
                "The tap does not follow the Singer specification; report it there.",
            )

    @staticmethod
    def assert_line_requires(line_dict: dict[str, t.Any], requires: set[str]) -> None:
        """Refuse a message that lacks a field; the SDK's own version would print its content."""
        missing = sorted(requires - set(line_dict))
        if missing:
            raise MalformedRecord(
                f"a Singer message lacks {', '.join(missing)}.",
                "The tap does not follow the Singer specification; report it there.",
            )

    def _process_unknown_message(self, message_dict: dict[str, t.Any]) -> None:
        raise MalformedRecord(
            f"input line {self.line}: unknown message type {message_dict['type']!r}.",
            "Singer knows SCHEMA, RECORD, STATE, ACTIVATE_VERSION and BATCH.",
        )
