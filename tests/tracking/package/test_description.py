"""`MLmodel`: what this project writes is read, and everything else is refused before anything is loaded."""

import copy
import json
import random

import pytest
import yaml
from making import make, write_yaml

from lstmfcn.tracking.package.contents import UntrustedModelError
from lstmfcn.tracking.package.description import parse, read_description

FREE = {
    ("metadata", "dataset"): "Other",
    ("metadata", "key"): "cd" * 32,
    ("mlflow_version",): "3.17.0",
    ("model_uuid",): "ef" * 16,
    ("utc_time_created",): "2027-01-01 00:00:00.5",
    ("flavors", "python_function", "python_version"): "3.12.1",
    ("metadata", "classes", 0): "another",
}
"""What may have another value of its kind: nothing is loaded by it."""

LABELS = [("metadata", "classes", i) for i in range(3)]

VALUES = [None, True, False, 0, -1, 1, 24, 1.5, "", "x", "inner", "../x", "0x1F", [], {}, ["x"], {"x": "y"}]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return make(tmp_path_factory.mktemp("described") / "model")


@pytest.fixture
def text(package):
    """Return the text of the description; what a test writes instead is undone."""
    path = package / "MLmodel"
    kept = path.read_text()
    yield kept
    path.write_text(kept)


def places(value, path=()):
    """Yield the path of each value in a description, and of each mapping and list."""
    if path:
        yield path
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        yield from places(inner, (*path, key))


def changed(description, path, change):
    """Return a copy in which `change(container, key)` was done at a path."""
    result = copy.deepcopy(description)
    container = result
    for key in path[:-1]:
        container = container[key]
    change(container, path[-1])
    return result


def take_out(container, key):
    del container[key]


def put(value):
    """Return a change that puts a value in the place of another."""
    return lambda container, key: container.__setitem__(key, value)


def add(extra):
    """Return a change that puts a key beside another."""
    return lambda container, _key: container.setdefault(extra, "inner")


def sentence(package):
    """Return what is said to a description that is refused; it must be one sentence or two, on one line."""
    with pytest.raises(UntrustedModelError) as caught:
        read_description(package)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(f"{package}/MLmodel ")
    assert "Nothing of the model was loaded" in said
    return said


def test_what_this_project_writes_is_read(package):
    description = read_description(package)
    assert description.classes == ("a", "b", "c")
    assert description.dataset == "Bumps"
    assert description.preprocessing.length == 20
    assert description.content == yaml.safe_load((package / "MLmodel").read_text())


def test_every_key_is_needed_and_none_may_be_added(package, text):
    """Each key is taken out, and others are put beside it; MLflow reads some that we never write."""
    description = yaml.safe_load(text)
    keys = [path for path in places(description) if isinstance(path[-1], str)]
    assert len(keys) > 30
    for path in keys:
        write_yaml(package, changed(description, path, take_out))
        said = sentence(package)
        assert f"lacks {'.'.join(path)}" in said or path[:2] == ("metadata", "preprocessing")
        for extra in ("data", "code", "config", "extra_files", "resources", "x"):
            other = changed(description, path, add(extra))
            if other != description:  # one of the mappings has a key `code`
                write_yaml(package, other)
                assert extra in sentence(package)


def test_another_value_is_refused_or_loads_nothing_else(package, text):
    """Some hundred values of other types and kinds: none passes but a label or a name."""
    description = yaml.safe_load(text)
    tried = 0
    for path in places(description):
        for value in VALUES:
            other = changed(description, path, put(value))
            if json.dumps(other) == json.dumps(description):
                continue
            tried += 1
            write_yaml(package, other)
            if path in {("metadata", "dataset"), *LABELS} and value in ("x", "inner", "../x", "0x1F"):
                continue
            sentence(package)
    assert tried > 400


def test_what_may_have_another_value_loads_nothing(package, text):
    description = yaml.safe_load(text)
    for path, value in FREE.items():
        write_yaml(package, changed(description, path, put(value)))
        read = read_description(package).content
        assert read["flavors"]["tensorflow"] == description["flavors"]["tensorflow"]
        assert read["flavors"]["python_function"]["loader_module"] == "mlflow.tensorflow"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("prompts: null\n", "prompts: null\nprompts: null\n"),
        ("    code: null\n", "    code: null\n    code: code\n"),
        ("    code: null\n", "    code: 'null'\n"),
        ("    code: null\n", "    code: ~\n"),
        ("    code: null\n", "    code:\n"),
        ("    code: null\n", "    code: &anchor null\n"),
        ("    code: null\n", "    code: !!null null\n"),
        ("    code: null\n", "    code: !!python/object/apply:os.system [id]\n"),
        ("prompts: null\n", "prompts: *anchor\n"),
        ("prompts: null\n", "<<: {prompts: null}\n"),
        ("prompts: null\n", "? [prompts]\n: null\n"),
        ("prompts: null\n", "prompts: null\n---\nflavors: {}\n"),
        ("prompts: null\n", "prompts: null\n...\n%YAML 1.1\n---\nflavors: {}\n"),
        ("prompts: null\n", "# a comment\u2028code: inner\nprompts: null\n"),
        ("prompts: null\n", "# a comment\x85code: inner\nprompts: null\n"),
        ("prompts: null\n", "# a comment\rcode: inner\nprompts: null\n"),
        ("prompts: null\n", "\ufeffprompts: null\n"),
        ("prompts: null\n", "prompts: " + "[" * 5000 + "]" * 5000 + "\n"),
        ("prompts: null\n", "prompts: {" * 3000 + "\n"),
        ("prompts: null\n", "prompts: 'no end\n"),
        ("prompts: null\n", "\tprompts: null\n"),
        ("prompts: null\n", "prompts: " + "9" * 5000 + "\n"),
    ],
    ids=repr,
)
def test_yaml_that_mlflow_does_not_write_is_refused(package, text, old, new):
    """What two readers could take for different things, and what would keep a reader busy."""
    assert old in text
    (package / "MLmodel").write_text(text.replace(old, new), encoding="utf-8")
    sentence(package)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"null\n", b"[]\n", b"%YAML 1.1\n---\n{}\n", b"\0"])
def test_what_is_no_description_is_refused(package, text, content):
    (package / "MLmodel").write_bytes(content)
    sentence(package)


PIECES = [
    *"abc:-[]{}&*!|>'\"%@`#,? \n0~.\t\\",
    *("\n  ", "- ", ": ", "code: x\n", "    data: inner\n", "null", "''", "|\n", "---\n", "...\n", "<<: "),
    *("&a ", "*a", "!!str ", "? ", "# "),
]


def test_what_is_read_is_what_mlflow_reads(package, text):
    """Random changes of the text: each is refused, or PyYAML reads the same, and nothing else loads."""
    rng = random.Random(0)
    passed = refused = 0
    for _ in range(800):
        other = text
        for _ in range(rng.choice([1, 1, 2])):
            at = rng.randrange(len(other))
            other = other[:at] + rng.choice(PIECES) + other[at + rng.choice([0, 0, 1, 1, 5, 20]) :]
        (package / "MLmodel").write_text(other)
        try:
            content = read_description(package).content
        except UntrustedModelError:
            refused += 1
            continue
        passed += 1
        assert yaml.safe_load(other) == content
        assert content["flavors"]["tensorflow"] == yaml.safe_load(text)["flavors"]["tensorflow"]
        assert content["flavors"]["python_function"].keys() == {"env", "loader_module", "python_version"}
    assert passed > 5
    assert refused > 300


def lie(classes=None, inputs=None, outputs=None, **preprocessing):
    """Return a change of a description: other metadata, and a signature to match unless it is given."""

    def change(description):
        metadata = description["metadata"]
        metadata["classes"] = metadata["classes"] if classes is None else classes
        metadata["preprocessing"].update(preprocessing)
        for key, value in (("inputs", inputs), ("outputs", outputs)):
            if value is not None:
                description["signature"][key] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lie(classes=[]), "classes"),
        (lie(classes=["a", "b"]), "outputs"),
        (lie(classes=["a", "b", "c", "d"]), "outputs"),
        (lie(classes=["a", "b", "a"]), "'a' twice"),
        (lie(classes=["a", "b", "c\x07"]), "no text to print"),
        (lie(classes=["a", "b", "\x1b[31mc"]), "no text to print"),
        (lie(classes=["a", "b", "c\nd"]), "no text to print"),
        (lie(classes=["a", "b", "c\u202ed"]), "no text to print"),
        (lie(classes=["a", "b", ""]), "no text to print"),
        (lie(classes=["a", "b", " "]), "no text to print"),
        (lie(classes=["a", "b", 3]), "classes.2"),
        (lie(classes="abc"), "classes"),
        (lie(length=-1), "1 x -1"),
        (lie(length=0), "1 x 0"),
        (lie(length=21), "inputs"),
        (lie(length="20"), "preprocessing"),
        (lie(n_channels=2), "inputs"),
        (lie(n_channels=0), "0 x 20"),
        (lie(n_channels=True), "preprocessing"),
        (lie(normalise="all"), "normalise"),
        (lie(more=1), "more"),
        (lie(inputs=""), "inputs"),
        (lie(inputs="[]"), "inputs"),
        (lie(outputs="null"), "outputs"),
        (
            lie(inputs='[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 1, 20]}}]'),
            "inputs",
        ),
        (
            lie(inputs='[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, -1, 20]}}]'),
            "inputs",
        ),
        (lambda description: description.update(signature=None), "signature"),
        (lambda description: description.update(model_size_bytes=1), "bytes"),
    ],
)
def test_a_description_that_lies_is_refused(package, text, change, said):
    description = yaml.safe_load(text)
    change(description)
    write_yaml(package, description)
    assert said in sentence(package)


def test_labels_that_look_like_something_else_stay_text():
    """As PyYAML writes them, by whose rules MLflow does."""
    labels = [
        "1",
        "1e3",
        "1.0",
        ".5",
        "0o14",
        "0x1F",
        "1_000",
        "12:30:45",
        "2026-01-31",
        "No",
        "null",
        "~",
        "=",
    ]
    labels += ["ä", "a: b", " x", "- y", "#z", "", "&a", "*a", "!a", "<<", "a" * 500, "\u2028"]
    labels += ["-1", "+5", "0b1", "1:30", "1.5e+3", ".inf", ".nan", "2026-01-31 10:00:00", "<<", "On", "TRUE"]
    content = {"classes": labels, "signature": "[1,\n 2]", "none": None, "yes": True, "size": 12}
    assert parse(yaml.safe_dump(content, default_flow_style=False)) == content


@pytest.mark.parametrize(
    "word", ["yes", "~", "1.5", "+1", "0x1F", "010", "1_000", "12:30", ".5", ".inf", "2026-01-31", "=", ""]
)
def test_what_pyyaml_takes_for_no_text_needs_quotes(word):
    with pytest.raises(ValueError, match="without quotes"):
        parse(f"a: {word}\n")


def test_counts_and_temperature_are_read_where_they_stand(package, text):
    """Packages of before have neither."""
    assert (read_description(package).counts, read_description(package).temperature) == (None, None)
    description = yaml.safe_load(text)
    description["metadata"] |= {"counts": [5, 0, 7], "temperature": "1.250000"}
    write_yaml(package, description)
    assert read_description(package).counts == (5, 0, 7)
    assert read_description(package).temperature == 1.25


@pytest.mark.parametrize(
    "given",
    [
        *({"counts": value} for value in ([1, 2], [1, 2, 3, 4], [0, 0, 0], [-1, 2, 3], ["1", 2, 3], 3)),
        *({"temperature": value} for value in ("inf", "-1.000000", "1e3", 1, "1.5", "100.000000")),
    ],
    ids=str,
)
def test_counts_and_temperatures_that_this_project_does_not_write_are_refused(package, text, given):
    description = yaml.safe_load(text)
    description["metadata"] |= given
    write_yaml(package, description)
    assert f"metadata.{next(iter(given))}" in sentence(package)


SAID = {"classifier": "lstm_fcn", "cells": 8, "dimension_shuffle": True, "segments": 1}


def test_an_architecture_is_read_where_it_stands(package, text):
    assert read_description(package).architecture is None
    description = yaml.safe_load(text)
    description["metadata"]["architecture"] = SAID
    write_yaml(package, description)
    assert read_description(package).architecture == SAID


@pytest.mark.parametrize(
    "lie", [*({key: "../x"} for key in SAID), {"cells": 0}, {"segments": 0}, {"more": 1}], ids=str
)
def test_an_architecture_that_this_project_does_not_write_is_refused(package, text, lie):
    description = yaml.safe_load(text)
    description["metadata"]["architecture"] = SAID | lie
    write_yaml(package, description)
    assert "metadata.architecture" in sentence(package)
