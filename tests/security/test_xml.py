"""Answers in XML under attack: no file is read, nobody is called, nothing grows."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ml_connector.transport.soap import parse_xml

SECRET = "words of a file"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
UTF16 = '<?xml version="1.0" encoding="UTF-16"?>'


def documents(file):
    """Return hostile documents by name; ``file`` is one that they would like to read."""
    system = f'SYSTEM "{file.as_uri()}"'
    return {
        "a file": f"<!DOCTYPE a [<!ENTITY x {system}>]><a>&x;</a>",
        "a file in an attribute": f'<!DOCTYPE a [<!ENTITY x {system}>]><a b="&x;"/>',
        "a file by parameter": f"<!DOCTYPE a [<!ENTITY % x {system}> %x;]><a/>",
        "a file by parameter in parameter": f"<!DOCTYPE a [<!ENTITY % x {system}><!ENTITY % y '%x;'> %y;]><a/>",
        "a file as definition": f"<!DOCTYPE a {system}><a/>",
        "a public one": f'<!DOCTYPE a PUBLIC "x" "{file.as_uri()}"><a/>',
        "a file as text": f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{file.as_uri()}" parse="text"/></a>',
        "a file as XML": f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{file.as_uri()}"/></a>',
        "a style": f'<?xml-stylesheet type="text/xsl" href="{file.as_uri()}"?><a/>',
        "a schema": f'<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:noNamespaceSchemaLocation="{file.as_uri()}"/>',
        "a notation": f"<!DOCTYPE a [<!NOTATION n {system}><!ENTITY x {system} NDATA n>]><a/>",
        "a call": '<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]><a>&x;</a>',
        "a call for a definition": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
        "a call by ftp": '<!DOCTYPE a [<!ENTITY % x SYSTEM "ftp://127.0.0.1:9/x"> %x;]><a/>',
        "a billion laughs": f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>',
        "laughs by parameter": '<!DOCTYPE a [<!ENTITY % x "<!ENTITY y &#39;z&#39;>"> %x;]><a>&y;</a>',
        "quadratic": f'<!DOCTYPE a [<!ENTITY x "{"x" * 50_000}">]><a>{"&x;" * 5_000}</a>',
        "in a circle": '<!DOCTYPE a [<!ENTITY x "&y;"><!ENTITY y "&x;">]><a>&x;</a>',
        "a default": '<!DOCTYPE a [<!ATTLIST a b CDATA "planted">]><a/>',
        "a replaced name": '<!DOCTYPE a [<!ENTITY amp "planted">]><a>&amp;</a>',
        "an element of its own": "<!DOCTYPE a [<!ELEMENT a (b*)>]><a/>",
        "in two bytes": f"{UTF16}<!DOCTYPE a [<!ENTITY x {system}>]><a>&x;</a>".encode("utf-16"),
        "behind blanks": f"\n\n<!DOCTYPE a [<!ENTITY x {system}>]><a>&x;</a>",
        "damaged as well": f"<!DOCTYPE a [<!ENTITY x {system}>]><a>&x;</a>".encode() + b"\x00\xff",
        "deep": "<a>" * 100_000 + "</a>" * 100_000,
        "deep and open": "<a>" * 100_000,
        "an unknown name": "<a>&unknown;</a>",
        "another encoding": b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>',
    }


NAMES = list(documents(Path("/nowhere")))


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_answer_is_refused_or_read_without_what_it_refers_to(name, tmp_path, monkeypatch):
    """SOAP forbids definitions of its own, so they are refused; what refers to something else gets nothing of it."""
    file = tmp_path / "secret.txt"
    file.write_text(SECRET, "utf-8")

    def called(*args):
        raise AssertionError(f"somebody was called: {args}")

    monkeypatch.setattr(socket.socket, "connect", called)
    content = documents(file)[name]
    content = content if isinstance(content, bytes) else content.encode()
    try:
        root = parse_xml(content)
    except ValueError as error:
        text = str(error)
    else:
        text = "".join(root.itertext()) + "".join(str(each.attrib) for each in root.iter())
    assert SECRET not in text
    assert "planted" not in text
    assert len(text) < 1_000


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name.startswith(("a file", "a billion", "in two", "behind"))][:3]
)
def test_definitions_of_its_own_are_told(name, tmp_path):
    """The line says what was wrong with the answer."""
    content = documents(tmp_path / "x")[name].encode()
    with pytest.raises(ValueError, match=r"document type|Entity|entity"):
        parse_xml(content)
