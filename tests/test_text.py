"""Characters that break what comes after them."""

from __future__ import annotations

import pytest
from lxml import etree

from ml_connector.text import sendable

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
