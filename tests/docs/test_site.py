"""The site is built from what is here: no broken link, nothing from other hosts, and nothing left out."""

import re
from html.parser import HTMLParser

import pytest
import typer
from mkdocs.commands.build import build
from mkdocs.config import load_config

import lstmfcn
from conftest import ROOT
from lstmfcn.cli import app
from lstmfcn.config import Params
from lstmfcn.data.findings import WHAT
from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.training.recipe import Values


class Loads(HTMLParser):
    """Collects what a page loads by itself; a link that is followed by a click is not."""

    def __init__(self):
        super().__init__()
        self.loads = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "link" and given.get("rel") not in ("canonical", "prev", "next"):
            self.loads.append(given["href"])
        if tag in ("script", "img", "iframe", "source", "object") and "src" in given:
            self.loads.append(given["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of the site, built strictly: a link that leads nowhere ends it."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder))
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
        config.plugins.on_shutdown()
    return folder


def words_of(page):
    return set(re.findall(r"[\w-]+", re.sub("<[^>]*>", " ", page.read_text(encoding="utf-8"))))


def test_no_page_loads_anything_from_another_host(site):
    for page in site.rglob("*.html"):
        parser = Loads()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.loads
        assert not [address for address in parser.loads if re.match("(https?:)?//", address)], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*['\"]?(https?:)?//", sheet.read_text(encoding="utf-8")), (
            sheet
        )


def test_the_reference_has_every_command_parameter_metric_finding_and_public_name(site):
    sections = [field.default for field in Params.model_fields.values() if isinstance(field.default, Values)]
    keys = {field.alias or name for name, field in Params.model_fields.items()}
    keys |= {key for section in sections for key in type(section).model_fields}
    wanted = {
        "commands": {*typer.main.get_command(app).commands},
        "params": keys,
        "metrics": {*METRICS},
        "../metrics": {*METRICS},  # the page that says when to use which
        "findings": {*WHAT},
        "python": {*lstmfcn.__all__, "ResNetClassifier"} - {"__version__"},
    }
    for page, names in wanted.items():
        assert names <= words_of(site / f"reference/{page}.html"), page


def test_estimators_show_the_parameters_that_their_code_describes(site):
    text = re.sub(r"<[^>]*>|\s+", " ", (site / "reference/python.html").read_text(encoding="utf-8"))
    assert text.count("validation_share") >= 2 * 4


def test_every_page_is_in_the_navigation(site):
    """MkDocs says so, but builds all the same."""
    menu = (site / "index.html").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f'href="{page.stem}.html"' in menu, page
