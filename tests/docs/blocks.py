"""The fenced blocks of a page, and what they say of themselves."""

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

COMMANDS, PYTHON, PARAMS = {"sh", "bash", "console"}, {"python"}, {"yaml"}

NOT_RUN = re.compile(r"# Not run by the tests: (?P<reason>.+)\n")
"""The first line of a block that cannot run in a test; readers see it too."""


@dataclass(frozen=True)
class Block:
    """A fenced block: where its text begins, in which language it is, and why it is not run, if so."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def reason(self):
        marked = NOT_RUN.match(self.text)
        return marked and marked["reason"]

    @property
    def place(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page, languages):
    """Return the blocks of a page in these languages, in their order."""
    return [
        Block(page, token.map[0] + 2, token.info.split()[0], token.content)
        for token in MarkdownIt().parse(page.read_text(encoding="utf-8"))
        if token.type == "fence" and token.info and token.info.split()[0] in languages
    ]
