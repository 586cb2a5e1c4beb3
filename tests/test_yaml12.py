"""What is read is what DVC reads; what two readers would take for different things is refused."""

import os
import tracemalloc

import pytest
from dvc.utils.serialize import parse_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmfcn import yaml12
from lstmfcn.errors import ParamsError


@pytest.fixture
def read(tmp_path):
    def read_text(text):
        path = tmp_path / "params.yaml"
        path.write_text(text, encoding="utf-8")
        return yaml12.read(path)

    return read_text


@pytest.mark.parametrize(
    "text",
    [
        "seeds: [010, 0o10, 0x1F, 1_000, +7]",
        "rates: [1e-3, 1E-3, .5, 1., 1.e-3, 1e+3]",
        "others: [1:30, 2020-01-01, ~, Null, null, true, False, 'No', \"off\", nothing]",
        "base: &base {a: 1}\nmore:\n  <<: *base\n  b: *base",
    ],
)
def test_a_file_is_read_as_dvc_reads_it(read, text):
    assert read(text) == parse_yaml(text, "params.yaml")


def test_a_leading_zero_means_nothing(read):
    assert read("seeds: [010]") == {"seeds": [10]}


def test_a_key_that_stands_twice_is_refused_with_both_lines(read):
    text = "train:\n  epochs: 3\n  epochs: 4\n\nsearch: {}\ntrain:\n  epochs: 5\n"
    with pytest.raises(ParamsError) as error:
        read(text)
    assert "params.yaml is not understood:" in str(error.value)
    assert "\n  - train stands twice, in lines 1 and 6. Keep one of them." in str(error.value)
    assert "\n  - train.epochs stands twice, in lines 2 and 3. Keep one of them." in str(error.value)


@pytest.mark.parametrize(
    ("word", "truth"), [("No", "false"), ("yes", "true"), ("ON", "true"), ("n", "false")]
)
def test_a_word_that_some_readers_take_for_a_truth_value_needs_quotes(read, word, truth):
    message = rf"datasets\.1, line 3: write '{word}' in quotes: some readers of YAML take it for {truth}\."
    with pytest.raises(ParamsError, match=message):
        read(f"datasets:\n  - GunPoint\n  - {word}\n")
    assert read(f"datasets: ['{word}']") == {"datasets": [word]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not valid YAML: .*line 1"),
        ("a: !!python/object:os.system x", "is not valid YAML"),
        ("a: 1\n---\nb: 2", "is not valid YAML: .*single document"),
        ("a: " + "9" * 5000, "is not valid YAML"),
        ("a: " + "[" * 3000 + "]" * 3000, "nested too deeply"),
        ("a: &a [*a]", r"a\.0, line 1: holds itself"),
        (
            "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 99)),
            "values",
        ),
    ],
)
def test_what_cannot_be_read_is_answered_in_one_error(read, text, message):
    with pytest.raises(ParamsError, match=f"(?s){message}"):
        read(text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [" + b"*a, " * 2_500_000 + b"]", "larger than 200,000 bytes"),
        (b"k: 1\n" * 1_000_000, "larger than 200,000 bytes"),
        (b"".join(b"k%d: 1\n" % (i % 1100) for i in range(2200)), "and 1,080 more"),
        (b"? " + b"k" * 90_000 + b"\n: yes", r"kkk\.\.\.$"),
        (b"- " * 3000, "nested too deeply"),
        ("datasets: [A]".encode("utf-16"), "not UTF-8 text .* at byte 0"),
        ("datasets: [\xfc]".encode("latin-1"), "not UTF-8 text .* at byte 11"),
        (b"a: \0", "not valid YAML"),
        (b"\x7fELF\x02\x01\x01\0\0", "not valid YAML"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8 text"),
        (b"a:\n\tb: 1", "not valid YAML"),
        (b"a: &a {b: *a}", "holds itself"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_file_of_parameters_is_answered_in_one_short_error(tmp_path, content, message):
    """In bounded memory: no more than a bound is read, and nothing written out that stands for more."""
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(ParamsError, match=f"(?s){message}") as raised:
        yaml12.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(str(raised.value)) < 20_000
    assert peak < 100e6


def test_a_folder_or_a_pipe_in_place_of_the_file_is_told_as_such(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ParamsError, match="is no file"):
            yaml12.read(path)


def test_an_empty_file_holds_nothing(read):
    assert read("# nothing\n") is None


VALUES = st.recursive(
    st.text(st.characters(codec="utf-8")) | st.booleans() | st.none() | st.integers() | st.floats(),
    st.lists,
)


@settings(deadline=None)
@given(VALUES.filter(lambda value: "nan" not in repr(value) and "inf" not in repr(value)))
def test_what_is_written_is_read_the_same_by_dvc(value):
    assert parse_yaml(f"key: {yaml12.inline(value)}", "params.yaml") == {"key": value}


@pytest.mark.parametrize("word", ["No", "yes", "null", "True", "1e3", "010", "", "a b", "- a", "a: b", "#a"])
def test_words_that_could_be_misread_are_written_in_quotes(word):
    assert yaml12.inline(word) == f'"{word}"'


def test_comments_stand_behind_a_value_where_there_is_room_and_above_it_otherwise():
    assert yaml12.entry("a", 1, "Short.") == ["a: 1 # Short."]
    long = "word " * 30
    assert yaml12.entry("a", 1, long) == [*yaml12.comment(long), "a: 1"]
    assert yaml12.entry("a", {"b": [1, 2]}, "A.", {"b": "B."}) == ["a: # A.", "  b: [1, 2] # B."]
    names = [f"Name{i}" for i in range(30)]
    assert yaml12.entry("a", names) == ["a:", *(f"  - {name}" for name in names)]
    assert yaml12.comment("One\ntwo.\n\nThree.") == ["# One two.", "# Three."]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("datasets: [A, B] # two\nx: 1\n", "datasets: [A, B, New] # two\nx: 1\n"),
        ("datasets:\n  - A   # one\n\n# end\n", "datasets:\n  - A   # one\n  - New\n\n# end\n"),
        ("datasets:\n- A\n- 'B'", "datasets:\n- A\n- 'B'\n- New"),
        ("# top\ndatasets: [\n  A,\n  B\n  ]\n", "# top\ndatasets: [\n  A,\n  B, New\n  ]\n"),
    ],
)
def test_an_item_is_added_and_all_else_stays(before, after):
    assert yaml12.with_item(before, "datasets", "New") == after


@pytest.mark.parametrize(
    "text", ["x: 1\n", "datasets: []\n", "datasets: A\n", "a: &l [A]\ndatasets: *l\n", ""]
)
def test_a_list_that_cannot_be_extended_is_left_to_its_owner(text):
    with pytest.raises(ParamsError, match="Add New to it by hand"):
        yaml12.with_item(text, "datasets", "New")


LAYOUTS = {
    "nothing of it": "datasets: [A]\n",
    "no section": "datasets: [A]  # one\ntrain: {epochs: 3}\n",
    "an empty section": "prepare:\n\ntrain: {epochs: 3}\n",
    "a section on one line": "prepare: {normalise: none} # x\ntrain: {}\n",
    "a section": "# top\nprepare:\n  normalise: none # x\n\n# next\ntrain:\n  epochs: 3\n",
    "a section at the end": "prepare:\n    normalise: none # x",
    "an empty mapping": "prepare:\n  datasets: {} # x\n  normalise: none\n",
    "an empty mapping in one line": "prepare: {datasets: {}, normalise: none}\n",
    "nothing behind the key": "prepare:\n  datasets: # x\n  normalise: none\n",
    "others on one line": "prepare:\n  datasets: {A: {missing: mask}} # x\n",
    "others, a line each": "prepare:\n  datasets:\n    A: {missing: mask} # x\n\n  # y\n  normalise: none\n",
    "others, deeper": "prepare:\n  datasets:\n    A:\n      missing: mask # x\n\ntrain: {}\n",
    "the same, on one line": "prepare:\n  datasets: {Pumps: {lengths: pad}, A: {missing: mask}}\n",
    "the same, a line": "prepare:\n  datasets:\n    Pumps: {lengths: pad} # x\n    A: {missing: mask}\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_entry_is_added_and_all_else_stays(layout):
    """Against the values that are read; every comment and every other line is there as it was."""
    text, entry = LAYOUTS[layout], {"lengths": "resample", "length": 9}
    made = yaml12.with_entry(text, ["prepare", "datasets", "Pumps"], entry)
    expected = yaml12.parsed(text)
    section = expected["prepare"] = expected.get("prepare") or {}
    section["datasets"] = (section.get("datasets") or {}) | {"Pumps": entry}
    assert yaml12.parsed(made) == expected
    changed = [line for line in text.splitlines() if line not in made.splitlines()]
    assert len(changed) <= 1
    assert [part for part in text.split() if "#" in part] == [part for part in made.split() if "#" in part]


@pytest.mark.parametrize(
    "text",
    ["- a\n", "prepare: [1]\n", "prepare:\n  datasets:\n    Pumps:\n      lengths: pad\n", "prepare: word\n"],
)
def test_an_entry_that_does_not_fit_is_to_be_added_by_hand(text):
    with pytest.raises(
        ParamsError, match=r"prepare\.datasets could not be extended\. Add Pumps: \{lengths: pad\}"
    ):
        yaml12.with_entry(text, ["prepare", "datasets", "Pumps"], {"lengths": "pad"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1 # one\nb: 2\n", "a: 1 # one\nnew: [x]\nb: 2\n"),
        ("a:\n  - 1\n  - 2 # two\n\n# of b\nb: 2\n", "a:\n  - 1\n  - 2 # two\nnew: [x]\n\n# of b\nb: 2\n"),
        ("b: 2\na: {c: 1}", "b: 2\na: {c: 1}\nnew: [x]"),
        ("a:\n\nb: 2\n", "a:\nnew: [x]\n\nb: 2\n"),
    ],
)
def test_a_top_level_entry_is_added_behind_another(before, after):
    assert yaml12.with_block(before, ["new: [x]"], after="a") == after
    first = yaml12.with_block(before, ["# told", "new: [x]"], after=None)
    assert first == f"\n# told\nnew: [x]\n{before}"


@pytest.mark.parametrize("text", ["- a\n", "{a: 1}\n", "b: 1\n", ""])
def test_a_top_level_entry_that_does_not_fit_is_to_be_added_by_hand(text):
    with pytest.raises(ParamsError, match=r"Add this by hand:\nnew: \[x\]"):
        yaml12.with_block(text, ["new: [x]"], after="a")
