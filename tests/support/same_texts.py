"""Pairs of texts that people cannot tell apart, or tell apart by case alone."""

from __future__ import annotations

ALIKE = {
    "case": ("CAFÉ ZÜRICH AG", "café zürich ag"),
    "decomposed": ("Café Zürich AG", "Cafe\u0301 Zu\u0308rich AG"),
    "zero-width space": ("Café Zürich AG", "Café Zü\u200brich AG"),
    "zero-width joiners": ("Café Zürich AG", "Café\u200d Zür\u200cich AG"),
    "byte order mark": ("Café Zürich AG", "\ufeffCafé Zürich AG"),
    "soft hyphen": ("Café Zürich AG", "Café Zü\u00adrich AG"),
    "direction marks": ("Café Zürich AG", "\u200eCafé Zürich AG\u200f"),
    "direction isolates": ("Café Zürich AG", "\u2068Café Zürich AG\u2069"),
    "variation selector": ("Café Zürich AG", "Café Zürich\ufe0f AG"),
    "combining grapheme joiner": ("Café Zürich AG", "Cafe\u034f\u0301 Zürich AG"),
    "something unseen before the accent": ("Café Zürich AG", "Cafe\u200b\u0301 Zürich AG"),
    "full width": ("Acme 77", "\uff21\uff43\uff4d\uff45\u3000\uff17\uff17"),
    "ligature": ("Office", "O\ufb03ce"),
    "no-break blank": ("Acme AG", "Acme\u00a0AG"),
    "blanks": ("Acme AG", "  Acme \t\n AG "),
    "control character": ("Acme AG", "Ac\x02me AG"),
    "sharp s": ("Straße AG", "STRASSE AG"),
    "final sigma": ("ΟΔΟΣ", "οδος"),
    "hyphens": ("Smith-Jones", "Smith\u2011Jones"),
    "dash": ("Smith-Jones", "Smith\u2013Jones"),
    "apostrophes": ("O'Neill", "O\u2019Neill"),
    "order of marks": ("a\u0323\u0307", "a\u0307\u0323"),
}
