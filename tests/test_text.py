"""Characters that break what comes after them."""

from __future__ import annotations

import pytest
from lxml import etree

from ml_connector.cli.output import Column, Output
from ml_connector.text import legible, sendable

ODD = [
    "a\r\nb",
    "a\rb",
    "a\n\rb",
    "\r",
    "a\x0bb",
    "a\x00b",
    "a\ud800b",
    "a\ufffeb",
    "a\x85b",
    "a\u2028b",
    "]]>",
    "&#x1;",
    "\t",
]


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_what_is_sent_comes_back_as_it_was_sent(text):
    """XML reads every end of a line as a line feed and has no control characters: what is sent has neither."""
    sent = sendable(text)
    written = f"<a>{sent.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</a>".encode()
    assert (etree.fromstring(written).text or "") == sent


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\x08", "\r", "\x7f", "\x9b", "\u202e", "\u2066"], ids=ascii)
def test_a_name_does_not_command_the_terminal_it_is_read_on(char, capsys):
    """Whoever sends invoices writes names and ids: what is shown of them has no control characters."""
    name = f"Birch{char}]0;x Freight"
    output = Output()
    output.say(name)
    output.table([{"vendor": name}], [Column("vendor")])
    said = capsys.readouterr().out
    assert char not in said
    assert said.count("Birch\ufffd]0;x Freight") == 2
    assert legible("two\nlines\tand a zürich") == "two\nlines\tand a zürich"
