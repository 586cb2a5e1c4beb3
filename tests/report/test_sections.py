"""A section is a module and a template: one more stands on the page without any other change."""

from pathlib import Path

import pytest

from conftest import make_workspace
from lstmfcn.report import sections
from lstmfcn.report.page import build_report
from lstmfcn.report.sections import all_sections
from lstmfcn.runs.code import code_of

TOY = '''"""How many datasets there are."""

TITLE = "Toy"
ORDER = 15
TEMPLATE = "toy.html.j2"


def section(data):
    return {"count": len(data.datasets)}
'''


def test_each_section_has_its_template_beside_it():
    for name, module in all_sections():
        assert f"{name}.html.j2" == module.TEMPLATE
        assert Path(module.__file__).with_name(module.TEMPLATE).is_file()
        assert module.TITLE


def test_the_report_depends_on_every_section_and_template():
    code = code_of("lstmfcn.report.page")
    folder = Path(sections.__file__).parent
    files = {path.name for path in folder.iterdir() if path.suffix in (".py", ".j2")}
    assert {f"lstmfcn/report/sections/{name}" for name in files} <= set(code)
    assert {"lstmfcn/report/page.html.j2", "lstmfcn/report/style.css"} <= set(code)


def test_the_sections_stand_in_their_order():
    assert [name for name, _ in all_sections()] == [
        "champions",
        "references",
        "own",
        "comparison",
        "pairs",
        "paper",
        "dataset",
        "use",
    ]


@pytest.mark.parametrize(("returned", "there"), [('{"count": len(data.datasets)}', True), ("None", False)])
def test_a_new_section_is_two_files(tmp_path, monkeypatch, returned, there):
    folder = tmp_path / "more"
    folder.mkdir()
    name = f"toy_{there}".lower()
    text = TOY.replace("toy.html", f"{name}.html").replace('{"count": len(data.datasets)}', returned)
    (folder / f"{name}.py").write_text(text)
    (folder / f"{name}.html.j2").write_text(f'<section id="{name}">{{{{ count }}}} & more</section>')
    monkeypatch.setattr(sections, "__path__", [*sections.__path__, str(folder)])
    page = build_report(make_workspace(tmp_path / "study").root)
    assert (f'<section id="{name}">0 & more</section>' in page) == there
    assert (f'<a href="#{name}">Toy</a>' in page) == there
    if there:
        assert page.index('id="champions"') < page.index(f'id="{name}"') < page.index('id="comparison"')
