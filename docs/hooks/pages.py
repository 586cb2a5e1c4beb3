"""The pages of the site that do not lie in `docs`: those of the repository's root, and the reference.

They are added while the site is built; nothing that is made is committed.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from reference import INSIDE, MADE

FROM_ROOT = {
    "README.md": "index.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "deploy/README.md": "deploy/README.md",
    "benchmarks/README.md": "benchmarks/README.md",
    "benchmarks/results/accuracy.png": "benchmarks/results/accuracy.png",
    "benchmarks/results/growth.png": "benchmarks/results/growth.png",
}
"""What the site shows of the repository beside `docs`: where it lies from its root, and where on the site."""


def on_config(config: MkDocsConfig) -> None:
    """Put the pages of the package under the entry `Inside`."""
    (chapter,) = (entry["Reference"] for entry in config.nav if "Reference" in entry)
    (inside,) = (entry for entry in chapter if "Inside" in entry)
    inside["Inside"] = [{f"lstmfcn.{name}": f"reference/inside/{name}.md"} for name in INSIDE]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere or are made."""
    root = Path(config.config_file_path).parent
    for source, target in FROM_ROOT.items():
        files.append(File.generated(config, target, abs_src_path=str(root / source)))
    for target, make in MADE.items():
        files.append(File.generated(config, target, content=make()))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Let links between the repository's pages lead to where these are on the site."""
    here = {target: source for source, target in FROM_ROOT.items()}
    source = here.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def moved(match: re.Match[str]) -> str:
        path, anchor = match["path"], match["anchor"] or ""
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        target = FROM_ROOT.get(wanted) or wanted.removeprefix("docs/")
        return f"]({posixpath.relpath(target, posixpath.dirname(page.file.src_uri) or '.')}{anchor})"

    return re.sub(r"\]\((?P<path>[^)#:\s]+\.md)(?P<anchor>#[^)]*)?\)", moved, markdown)
