"""Lines of standard input as messages."""

from __future__ import annotations

import json

import pytest

from ml_connector.singer.reader import MessageReader


def announced(reader):
    """Tell a reader of the stream ``bills``."""
    reader.deserialize_json('{"type": "SCHEMA", "stream": "bills", "schema": {}}')
    return reader


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"id": "7", "number": "INV\0-1"}, {"id": "7", "number": "INV\ufffd-1"}),
        ({"lines": [{"te\0xt": ["\0"]}]}, {"lines": [{"te\ufffdxt": ["\ufffd"]}]}),
        ({"text": r"a path \u0000, spelt out"}, {"text": r"a path \u0000, spelt out"}),
        ({"amount": 5, "archived": False, "note": None}, {"amount": 5, "archived": False, "note": None}),
    ],
)
def test_what_no_database_keeps_is_marked_as_illegible(given, read):
    """A zero character in a name would otherwise end every run on PostgreSQL; nothing else is touched."""
    line = json.dumps({"type": "RECORD", "stream": "bills", "record": given})
    assert announced(MessageReader()).deserialize_json(line)["record"] == read
