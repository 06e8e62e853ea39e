"""The commands printed in the guides: what people copy."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

OURS = ("ml-connector", "erp-sandbox", "map-finance", r"tap-[a-z-]+", r"target-[a-z-]+")
OTHERS = (
    "meltano",
    "make",
    "pip",
    "cp",
    "cd",
    "openssl",
    "kubectl",
    "chmod",
    "curl",
    "docker",
    "git",
    "pg_dump",
    "pg_restore",
    "psql",
    "createdb",
    "python3?",
    "sqlite3",
    "jq",
    "mkdir",
    "tar",
    r"\.ci/[a-z]+",
    r"\.",
)
_START = re.compile(
    r"(?:\$ )?(?:[*0-9]+ [*0-9]+ \* \* \*\s+)?(?:[A-Z][A-Z0-9_]*=\S+ )*(?:\.venv/bin/)?"
    rf"(?:{'|'.join((*OURS, *OTHERS))})(?= |$)"
)
_SPAN = re.compile(r"(?!t(?:ap|arget)-\S+ t(?:ap|arget)-).* ")  # `tap-bill target-workday` names two plugins
_CRON = re.compile(r"[*0-9]+ [*0-9]+ \* \* \*\s+")


@dataclasses.dataclass(frozen=True)
class Printed:
    """A printed command.

    Attributes:
        page: Where.
        text: As it is printed, without prompt, comment or explanation beside it.
        block: Whether it stands in a block, to be copied as it is; else in a sentence, maybe cut short.
    """

    page: str
    text: str
    block: bool

    def __str__(self) -> str:
        return f"{self.page}: {self.text}"


def printed() -> list[Printed]:
    """Return every command printed anywhere, in blocks and in sentences; one printed twice on a page once."""
    found: dict[tuple[str, str], Printed] = {}
    for each in (one for page in PAGES for one in _on(page)):
        if each.block or (each.page, each.text) not in found:
            found[each.page, each.text] = each
    return list(found.values())


def pieces(text: str) -> list[list[str]]:
    """Return the single commands of a line, without redirections; variables that are set first stay in front."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    redirected = False
    for word in lexer:
        if redirected:
            redirected = False
        elif set(word) <= set("|&;"):
            found.append([])
        elif set(word) <= set("<>"):
            redirected = True
        else:
            found[-1].append(word)
    return [each for each in found if each]


def _on(page: Path) -> list[Printed]:
    found = []
    fenced = False
    name = str(page.relative_to(ROOT))
    for line in page.read_text("utf-8").splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        stripped = line.strip()
        if (fenced or line.startswith("    ")) and _START.match(stripped):
            bare = _CRON.sub("", stripped.removeprefix("$ "))
            found.append(Printed(name, re.split(r"\s{2,}|\s+# ", bare)[0], block=True))
        elif not fenced:
            spans = re.findall(r"`([^`]+)`", line)
            found += [Printed(name, span, block=False) for span in spans if _SPAN.match(span) and _START.match(span)]
    return found
