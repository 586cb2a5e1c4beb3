"""Which code a result depends on, seen on a package made for the purpose."""

import sys

import pytest

from lstmfcn.runs import code

NEAR = '''"""Says a word."""

from made.far import VALUE


def double():
    """Double it."""
    return 2 * VALUE  # twice
'''

FILES = {
    "__init__.py": "",
    "far.py": "VALUE = 1\n",
    "near.py": NEAR,
    "lazy.py": "def late():\n    from made import near\n\n    return near\n",
    "typed.py": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from made import far\n",
    "page.py": 'TEMPLATE = "page.html.j2"\n',
    "page.html.j2": "{% include 'style.css' %}",
    "style.css": "body {}",
    "other.css": "p {}",
    "found/__init__.py": "import pkgutil\n",
    "found/one.py": "ONE = 1\n",
    "numeric.py": "import numpy\nimport json\n",
}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A package in a folder of its own; called with the name and text of a file, it changes that file."""
    package = tmp_path / "made"
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name, text):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
        for cached in (code._code_of, code._graph, code._hash_of_source, code._named_files):
            cached.cache_clear()
        for module in [m for m in sys.modules if m.partition(".")[0] == "made"]:
            del sys.modules[module]

    for name, text in FILES.items():
        write(name, text)
    yield write
    for cached in (code._code_of, code._graph, code._hash_of_source, code._named_files):
        cached.cache_clear()


def test_what_is_imported_counts_wherever_the_import_stands(made):
    assert set(code.code_of("made.lazy")) == {
        "made/__init__.py",
        "made/far.py",
        "made/lazy.py",
        "made/near.py",
    }
    assert set(code.code_of("made.typed")) == {"made/__init__.py", "made/typed.py"}


def test_a_change_counts_where_it_is_imported_and_nowhere_else(made):
    before = {name: code.code_hash(f"made.{name}") for name in ("near", "lazy", "typed", "far")}
    made("far.py", "VALUE = 2\n")
    after = {name: code.code_hash(f"made.{name}") for name in before}
    assert {name for name in before if before[name] != after[name]} == {"near", "lazy", "far"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Says a word.", "Says another word."),
        ("Double it.", "Multiply it by two."),
        ("# twice", "# two times"),
        ("    return", "\n    return"),
    ],
)
def test_words_and_blank_lines_do_not_count(made, old, new):
    before = code.code_hash("made.near")
    made("near.py", NEAR.replace(old, new))
    assert code.code_hash("made.near") == before


def test_a_text_that_the_code_uses_counts(made):
    before = code.code_hash("made.page")
    made("page.py", 'TEMPLATE = "style.css"\n')
    assert code.code_hash("made.page") != before


def test_files_that_a_module_names_count_and_those_they_name(made):
    assert {"made/page.html.j2", "made/style.css"} <= set(code.code_of("made.page"))
    assert "made/other.css" not in code.code_of("made.page")
    before = code.code_hash("made.page")
    made("style.css", "body { color: red }")
    assert code.code_hash("made.page") != before


def test_a_package_that_finds_its_modules_is_taken_whole(made):
    assert "made/found/one.py" in code.code_of("made.found")


def test_the_versions_of_numerical_libraries_count_and_no_others(made):
    import numpy

    found = code.code_of("made.numeric")
    assert found["numpy"] == numpy.__version__
    assert "json" not in found


def test_no_module_is_imported_to_be_looked_at(made):
    made("near.py", "raise RuntimeError\n")
    code.code_of("made.near")
    assert "made.near" not in sys.modules


def test_a_source_is_parsed_once_as_long_as_its_bytes_are_the_same(made, tmp_path, monkeypatch):
    """What is kept changes no hash: it belongs to bytes, and to the Python and the module that made it."""
    file, parsed, parse = tmp_path / "kept.json", [], code.ast.parse

    def hashes():
        for cached in (code._code_of, code._hash_of_source):
            cached.cache_clear()
        code._kept.clear()
        with code.kept_hashes(file):
            return code.code_of("made.near")

    monkeypatch.setattr(code.ast, "parse", lambda text: parsed.append(text) or parse(text))
    first = hashes()
    assert len(parsed) == 3
    assert hashes() == first
    assert len(parsed) == 3
    made("far.py", "VALUE = 2\n")
    changed = hashes()
    assert len(parsed) == 4
    assert {name for name in first if changed[name] != first[name]} == {"made/far.py"}
    for damaged in ("", "[]", "{}", '{"by": "another Python", "hashes": {}}'):
        file.write_text(damaged)
        assert hashes() == changed
