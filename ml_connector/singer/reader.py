"""Reading Singer messages from standard input: exact numbers, errors that name the line and never its content."""

from __future__ import annotations

import sys
import typing as t

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerReader

from ml_connector import exact_json
from ml_connector.errors import MalformedRecord

__all__ = ["MessageReader"]

_FIELDS: t.Final[t.Mapping[str, t.Mapping[str, type]]] = {
    "SCHEMA": {"stream": str, "schema": dict},
    "RECORD": {"stream": str, "record": dict},
    "STATE": {"value": dict},
    "ACTIVATE_VERSION": {"stream": str},
    "BATCH": {"stream": str},
}
"""What each message must carry, and of which type; what else there is is not looked at."""
_NUL: t.Final = r"\u0000"
_WORDS: t.Final[t.Mapping[type, str]] = {str: "a text", dict: "an object"}


class MessageReader(GenericSingerReader[str]):
    """Reads one message a line.

    Attributes:
        line: Number of the line read last, from 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.line = 0
        self._announced: set[str] = set()

    @property
    def default_input(self) -> t.IO[str]:
        """Standard input."""
        return sys.stdin

    def deserialize_json(self, line: str) -> dict[str, t.Any]:
        """Return the message.

        Raises:
            MalformedRecord: The line is no Singer message.
        """
        self.line += 1
        try:
            message = exact_json.loads(line)
        except msgspec.DecodeError as error:
            raise MalformedRecord(
                f"input line {self.line} is not JSON ({error}).",
                "A tap may print Singer messages only to standard output; look for a stray print or a cut file.",
            ) from None
        if _NUL in line:
            message = _legible(message)
        if not isinstance(message, dict):
            raise MalformedRecord(f"input line {self.line} is not a Singer message.", "Each line must be an object.")
        self._check(message)
        return message

    def refused(self, what: str) -> MalformedRecord:
        """Return the error for a message that breaks the protocol."""
        return MalformedRecord(
            f"input line {self.line}: {what}.", "The tap does not follow the Singer specification; report it there."
        )

    def _check(self, message: t.Mapping[str, t.Any]) -> None:
        kind = message.get("type")
        for name, expected in {"type": str, **_FIELDS.get(str(kind), {})}.items():
            if name not in message:
                raise self.refused(f"the {kind or 'Singer'} message lacks {name}")
            if not isinstance(message[name], expected):
                raise self.refused(f"the {name} of the {kind} message is not {_WORDS[expected]}")
        if kind == "SCHEMA":
            self._announced.add(message["stream"])
        elif kind == "RECORD" and message["stream"] not in self._announced:
            raise self.refused(f"a record of stream {message['stream']!r} came before the stream's schema")

    def _process_unknown_message(self, message_dict: dict[str, t.Any]) -> None:
        raise MalformedRecord(
            f"input line {self.line}: unknown message type {message_dict['type']!r}.",
            "Singer knows SCHEMA, RECORD, STATE, ACTIVATE_VERSION and BATCH.",
        )


def _legible(value: t.Any) -> t.Any:
    """Return a value with the mark for what cannot be read in place of NUL, which PostgreSQL keeps in no text."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {_legible(name): _legible(item) for name, item in value.items()}
    return [_legible(item) for item in value] if isinstance(value, list) else value
