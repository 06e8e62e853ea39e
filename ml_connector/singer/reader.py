"""Reading Singer messages from standard input: exact numbers, and one bad line never stops the others.

Lines are bytes until they are read here: a tap writes UTF-8, whatever this machine's locale says.
"""

from __future__ import annotations

import collections
import sys
import typing as t

from singer_sdk.singerlib.encoding.base import GenericSingerReader

from ml_connector import exact_json
from ml_connector.errors import MalformedRecord
from ml_connector.text import storable

__all__ = ["MessageReader", "Unreadable"]

_FIELDS: t.Final[t.Mapping[str, t.Mapping[str, type]]] = {
    "SCHEMA": {"stream": str, "schema": dict},
    "RECORD": {"stream": str, "record": dict},
    "STATE": {"value": dict},
    "ACTIVATE_VERSION": {"stream": str},
    "BATCH": {"stream": str, "encoding": dict, "manifest": list},
}
"""What each message must carry, and of which type; what else there is is not looked at."""
_BOM: t.Final = b"\xef\xbb\xbf"
_UTF_16: t.Final = (b"\xff\xfe", b"\xfe\xff")
_NUL: t.Final = r"\u0000"
_STRAY: t.Final = "A tap may print Singer messages only to standard output; look for a stray print or a cut file."
_WORDS: t.Final[t.Mapping[type, str]] = {str: "a text", dict: "an object", list: "a list"}


class Unreadable(t.NamedTuple):
    """A line of which no record can be made.

    Attributes:
        what: What is wrong with it, after "input line 7".
        text: The line, with the mark for what cannot be read.
        cure: What to do about it.
    """

    what: str
    text: str
    cure: str = _STRAY


class MessageReader(GenericSingerReader[str]):
    """Reads one message a line.

    Attributes:
        line: Number of the line read last, from 1.
        wrong: What is wrong with the record of the message read last though it can be read, in words.
        keep: Makes durable what was given out so far, before an error ends the reading.
        set_aside: Takes lines of which no record can be made; without it they end the run.
    """

    def __init__(self) -> None:
        super().__init__()
        self.line = 0
        self.wrong: tuple[str, ...] = ()
        self.keep: t.Callable[[], None] | None = None
        self.set_aside: t.Callable[[Unreadable], None] | None = None
        self._announced: set[str] = set()

    @property
    def default_input(self) -> t.IO[str]:
        """Standard input."""
        return sys.stdin

    def process_lines(
        self, file_input: t.IO[str] | None, callbacks: dict[str, t.Callable[[dict[str, t.Any]], None]]
    ) -> t.Counter[str]:
        """Give each message to its callback; blank lines say nothing.

        Returns:
            Messages by type.

        Raises:
            MalformedRecord: A message breaks the protocol, or the last line is cut off.
        """
        counts: t.Counter[str] = collections.Counter()
        opened = file_input or self.default_input
        try:
            for raw in getattr(opened, "buffer", opened):
                self.line += 1
                message = self._message(raw)
                if message is not None:
                    callback = callbacks.get(message["type"])
                    (callback or self._process_unknown_message)(message)
                    counts[message["type"]] += 1
        except MalformedRecord:
            if self.keep is not None:
                self.keep()
            raise
        return counts

    def deserialize_json(self, line: str) -> dict[str, t.Any]:
        """Return the message of a line.

        Raises:
            MalformedRecord: The line is no Singer message.
        """
        self.line += 1
        message = self._message(line)
        if message is None:
            raise self.refused("is blank")
        return message

    def refused(self, what: str) -> MalformedRecord:
        """Return the error for a message that breaks the protocol."""
        return MalformedRecord(
            f"input line {self.line}: {what}.", "The tap does not follow the Singer specification; report it there."
        )

    def read(self, raw: bytes | str) -> tuple[t.Any, tuple[str, ...]] | Unreadable:
        """Return the JSON value of a line and what is wrong with it, in words, though it can be read."""
        text, wrong = _decoded(raw)
        try:
            value = exact_json.loads(text)
            return (storable(value) if _NUL in text else value), tuple(wrong)
        except (ValueError, RecursionError) as error:
            why = error
        try:
            value, further = exact_json.loads_leniently(text)
        except RecursionError:
            return Unreadable("is nested too deeply", text)
        except ValueError:
            what = f"is not JSON ({why})"
            return Unreadable(f"{what}; {', '.join(wrong)}" if wrong else what, text)
        return value, (*wrong, *further)

    def _message(self, raw: bytes | str) -> dict[str, t.Any] | None:
        if not raw.strip():
            return None
        if self.line == 1 and isinstance(raw, bytes) and raw.startswith(_UTF_16):
            raise MalformedRecord("the input is UTF-16.", "Singer messages are UTF-8; have the tap write that.")
        found = self.read(raw)
        if isinstance(found, Unreadable):
            if self.set_aside is not None and raw[-1:] not in (b"\n", "\n"):
                raise MalformedRecord(
                    f"input line {self.line} {found.what}: the input is cut off there.",
                    "Look why the tap ended; the next run reads on after what was acknowledged last.",
                )
            self._aside(found)
            return None
        message, self.wrong = found
        if not isinstance(message, dict):
            text, _ = _decoded(raw)
            self._aside(Unreadable("is not a Singer message", text, "Each line must be an object."))
            return None
        if message.get("type") == "RECORD" and self.set_aside is not None and not _has_record(message):
            text, _ = _decoded(raw)
            self._aside(Unreadable("is a RECORD message whose record is missing or not an object", text))
            return None
        self._check(message)
        if self.wrong and message["type"] != "RECORD":
            raise self.refused(", ".join(self.wrong))
        return message

    def _aside(self, found: Unreadable) -> None:
        if self.set_aside is None:
            raise MalformedRecord(f"input line {self.line} {found.what}.", found.cure)
        self.set_aside(found)

    def _check(self, message: t.Mapping[str, t.Any]) -> None:
        kind = message.get("type")
        for name, expected in {"type": str, **_FIELDS.get(str(kind), {})}.items():
            if name not in message:
                raise self.refused(f"the {kind or 'Singer'} message lacks {name}")
            if not isinstance(message[name], expected):
                raise self.refused(f"the {name} of the {kind} message is not {_WORDS[expected]}")
        if kind == "SCHEMA":
            self._announced.add(message["stream"])
        elif kind in ("RECORD", "BATCH") and message["stream"] not in self._announced:
            what = "a record" if kind == "RECORD" else "a batch"
            raise self.refused(f"{what} of stream {message['stream']!r} came before the stream's schema")

    def _process_unknown_message(self, message_dict: dict[str, t.Any]) -> None:
        raise MalformedRecord(
            f"input line {self.line}: unknown message type {message_dict['type']!r}.",
            "Singer knows SCHEMA, RECORD, STATE, ACTIVATE_VERSION and BATCH.",
        )


def _decoded(raw: bytes | str) -> tuple[str, list[str]]:
    """Return a line as text, and what was no text in it."""
    if isinstance(raw, str):
        return raw.removeprefix("\ufeff"), []
    raw = raw.removeprefix(_BOM)
    try:
        return raw.decode("utf-8"), []
    except UnicodeDecodeError as error:
        wrong = f"byte {error.start + 1} (0x{raw[error.start]:02X}) is not UTF-8"
        return raw.decode("utf-8", errors="replace"), [wrong]


def _has_record(message: t.Mapping[str, t.Any]) -> bool:
    return isinstance(message.get("record"), dict)
