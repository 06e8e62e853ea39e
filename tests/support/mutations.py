"""Good records made bad in the ways real sources do it, each with what has to become of it."""

from __future__ import annotations

import copy
import dataclasses
import json
import random

JUNK = [
    None, True, False, 0, -1, 7, 1.5, "", " ", "x", "\x00", "\x0b", "\ud800", "\uff21", "ß" * 300, "0026-10-01", "9999-12-31",
    "1_000", "NaN", [], {}, [1], {"a": 1}, [[]], 10**40, "2026-02-30", "null", "'; drop table entries; --", "<a>&b;",
]  # fmt: skip
HUGE = ["1e-9999999999", "1e1000000", "1e99999999999999999999", "9" * 5000, '"1_000"', "NaN", "-Infinity"]
IMPOSSIBLE_DAYS = ["0001-01-01", "0026-10-01", "9999-12-31", "2026-02-30", "soon", "1.10.2026"]
HARMLESS = ["a\x0bb", "half \ud83d", "nul \x00", "zero\u200bwidth", "Café", "a\u2028b", "tab\tand\nbreak", "\ufffe"]


@dataclasses.dataclass(frozen=True)
class Shape:
    """Where in a target's records what stands; paths of keys and list indexes.

    Attributes:
        stream: The records' stream.
        ids: Paths without any of which nobody knows which document it is.
        needed: Paths whose value may be of no other kind.
        days: Dates.
        numbers: Numbers.
        texts: Texts in which any character may stand.
    """

    stream: str
    ids: tuple
    needed: tuple
    days: tuple
    numbers: tuple
    texts: tuple


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A line, and what has to become of it: ``posted``, ``held``, ``aside`` (held without an identity) or ``either``."""

    line: bytes
    fate: str


class Mutations:
    """Makes mutants, the same for the same seed."""

    def __init__(self, shape, seed):
        self._shape = shape
        self._random = random.Random(seed)
        self._number = 0

    def of(self, record):
        """Return a mutant of a record that would be delivered as it is."""
        self._number += 1
        ways = [self._harmless, self._huge, self._day, self._wrong_kind, self._nameless, self._cut, self._garbled,
                self._byte, self._nested, self._no_record, self._anything, self._anything, self._twice, self._marked]  # fmt: skip
        return self._random.choice(ways)(copy.deepcopy(record))

    def whole(self, record):
        """Return the line of a record as it is."""
        return Mutant(self._line(record), "posted")

    def _line(self, record, **more):
        message = {"type": "RECORD", "stream": self._shape.stream, "n": self._number, "record": record, **more}
        return json.dumps(message).encode()

    def _harmless(self, record):
        put(record, self._random.choice(self._shape.texts), self._random.choice(HARMLESS))
        return Mutant(self._line(record), "posted")

    def _huge(self, record):
        put(record, self._random.choice(self._shape.numbers), 4711.4711)
        return Mutant(self._line(record).replace(b"4711.4711", self._random.choice(HUGE).encode()), "held")

    def _day(self, record):
        put(record, self._random.choice(self._shape.days), self._random.choice(IMPOSSIBLE_DAYS))
        return Mutant(self._line(record), "held")

    def _wrong_kind(self, record):
        put(record, self._random.choice(self._shape.needed), self._random.choice([{}, {"a": []}, True, [["x"]]]))
        return Mutant(self._line(record), "held")

    def _nameless(self, record):
        put(record, self._random.choice(self._shape.ids), self._random.choice([None, "", {}, []]))
        return Mutant(self._line(record), "aside")

    def _cut(self, record):
        line = self._line(record)
        return Mutant(line[: self._random.randrange(60, len(line) - 1)], "aside")

    def _garbled(self, record):
        line = self._line(record)
        return Mutant(
            line.replace(b'"record": {', self._random.choice([b'"record": {{', b'"record" {', b'"record": {,'])),
            "aside",
        )

    def _byte(self, record):
        put(record, self._random.choice(self._shape.texts), "caf@@")
        return Mutant(self._line(record).replace(b"@@", self._random.choice([b"\xe9", b"\xff\xfe", b"\xc3("])), "held")

    def _nested(self, record):
        put(record, self._random.choice(self._shape.texts), "@@")
        depth = self._random.choice([2_000, 100_000])
        return Mutant(self._line(record).replace(b'"@@"', b"[" * depth + b"]" * depth), "aside")

    def _no_record(self, record):
        return Mutant(self._line(self._random.choice([None, [], [record], "text", 7])), "aside")

    def _twice(self, record):
        return Mutant(self._line(record) + b"\r\n\n" + self._line(record), "posted")

    def _marked(self, record):
        return Mutant(b"\xef\xbb\xbf  " + self._line(record) + b"  ", "posted")

    def _anything(self, record):
        put(record, self._random.choice(list(paths(record))), self._random.choice(JUNK))
        return Mutant(self._line(record), "either")


def put(value, path, new):
    """Put a value at a path."""
    *before, last = path
    for part in before:
        value = value[part]
    value[last] = new


def paths(value, before=()):
    """Yield all paths within a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, element in pairs:
        yield (*before, key)
        yield from paths(element, (*before, key))
