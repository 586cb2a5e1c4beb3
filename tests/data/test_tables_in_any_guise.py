"""Tables in every guise and with every damage: read as what they were made from, doubted, or refused."""

import itertools
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from lstmfcn.data.doubts import doubts
from lstmfcn.data.fields import spelled_alike
from lstmfcn.data.layout import Reading
from lstmfcn.data.readers import read_series
from lstmfcn.errors import DataError

LABELS = {
    "words": ["walk", "run", "sit"],
    "phrases": ["to walk, fast", "to run; slowly", "sit"],
    "letters": ["Größe", "Höhe", "Maß"],
    "integers": ["1", "2", "3"],
    "signed": ["-1", "1"],
    "floats": ["1.0", "2.0"],
    "scientific": ["1.0000000e+00", "2.0000000e+00"],
    "zeros": ["01", "1", "001"],
    "versions": ["1.1", "1.10", "1.2"],
    "exponents": ["1e1", "10", "2e1"],
    "large": ["9007199254740992", "9007199254740993"],
    "sodium": ["Na", "K", "Cl"],
}
VALUES = ("normal", "integers", "tiny", "large", "with missing", "with missing ends")
DAMAGES = (
    "none",
    "a cell too few",
    "a cell too many",
    "a word",
    "a local number",
    "a number with a unit",
    "a shifted header",
    "a second text column",
    "an open quote",
    "cut short",
    "labels lacking",
)


@dataclass(frozen=True)
class Case:
    """How a table is written."""

    seed: int = 0
    n: int = 12
    length: int = 7
    labels: str = "words"
    values: str = "normal"
    delimiter: str = ","
    decimal: str = "."
    header: str = "none"
    index: bool = False
    label_at: str = "first"
    quoted: bool = False
    trailing: bool = False
    newline: str = "\n"
    encoding: str = "utf-8"
    damage: str = "none"


def truth(case):
    """Return the series and labels that a case is made from."""
    rng = np.random.default_rng(case.seed)
    X = rng.normal(size=(case.n, case.length)).round(4)
    if case.values == "integers":
        X = rng.integers(-50, 50, size=X.shape).astype(float)
    if case.values == "tiny":
        X *= 1e-9
    if case.values == "large":
        X = X * 1e6 + 5e6
    if case.values == "with missing":
        X[rng.random(X.shape) < 0.1] = np.nan
    if case.values == "with missing ends":
        for x in X[1:]:
            x[rng.integers(2, case.length) :] = np.nan
    names = LABELS[case.labels]
    labels = [names[i % len(names)] for i in range(case.n)]
    rng.shuffle(labels)
    return X, labels


def render(case):
    """Return the bytes of a case, and what must be read from it."""
    rng = np.random.default_rng(case.seed + 1)
    X, labels = truth(case)

    def number(v):
        return "" if np.isnan(v) else repr(float(v)).replace(".", case.decimal)

    body = [[number(v) for v in x] for x in X]
    at = rng.integers(case.n), rng.integers(case.length)
    if case.damage == "a word":
        body[at[0]][at[1]] = "abc"
    if case.damage == "a local number":
        body[at[0]][at[1]] = "1.234,5" if case.decimal == "." else "1,234.5"
    if case.damage == "a number with a unit":
        body[at[0]][at[1]] += " mV"
    if case.damage == "a cell too few":
        body[at[0]].pop()
    if case.damage == "a cell too many":
        body[at[0]].append(number(1.5))
    shown = [
        "" if case.damage == "labels lacking" and i == at[0] else label for i, label in enumerate(labels)
    ]
    rows = [[y, *x] if case.label_at == "first" else [*x, y] for x, y in zip(body, shown, strict=True)]
    if case.damage == "a second text column":
        rows = [[f"id{i}", *row] for i, row in enumerate(rows)]
    if case.index:
        rows = [[str(i), *row] for i, row in enumerate(rows)]
    titles = {"t": [f"t{i}" for i in range(case.length)], "count": [str(i) for i in range(case.length)]}
    if case.header in titles:
        names = titles[case.header]
        head = ["activity", *names] if case.label_at == "first" else [*names, "activity"]
        head = (["id"] if case.damage == "a second text column" else []) + head
        head = ([""] if case.index else []) + head
        rows.insert(0, head[1:] if case.damage == "a shifted header" and case.index else head)

    def field(text):
        special = case.quoted or case.delimiter in text or '"' in text
        return f'"{text}"' if special and case.delimiter != " " else text

    lines = [case.delimiter.join(map(field, row)) + case.delimiter * case.trailing for row in rows]
    if case.damage == "an open quote":
        lines[-2] = '"' + lines[-2]
    text = case.newline.join(lines) + case.newline
    if case.damage == "cut short":
        text = text[: -len(lines[-1]) // 2]
    return text.encode(case.encoding), X, spelled_alike(labels)


def sensible(case):
    """Whether a case can be written down at all: blanks part nothing that is empty or has blanks itself."""
    if case.decimal == case.delimiter and not case.quoted:
        return False
    if case.delimiter == " ":
        return not (case.quoted or case.index or case.trailing or "missing" in case.values) and (
            case.labels != "phrases" and case.damage not in ("labels lacking", "a number with a unit")
        )
    return case.encoding != "latin-1" or case.labels == "letters"


CASES = st.builds(
    Case,
    seed=st.integers(0, 99),
    n=st.integers(9, 14),
    length=st.integers(4, 9),
    labels=st.sampled_from(list(LABELS)),
    values=st.sampled_from(VALUES),
    delimiter=st.sampled_from(["\t", ";", ",", "|", " "]),
    decimal=st.sampled_from([".", ".", ","]),
    header=st.sampled_from(["none", "t", "count"]),
    index=st.booleans(),
    label_at=st.sampled_from(["first", "last"]),
    quoted=st.booleans(),
    trailing=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    damage=st.sampled_from(["none"] * 10 + list(DAMAGES)),
).filter(sensible)


def check(case, *, whole):
    """Read a case; return "read" where that gave what it was made from, else "doubted" or "refused"."""
    content, X, labels = render(case)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        path.write_bytes(content)
        try:
            series = read_series(path, reading=Reading(whole=whole, doubt=found.append))
        except DataError as error:
            return f"refused: {str(error).removeprefix(str(path))}"
        odd = [*found, *(doubt.message for doubt in doubts([series]) if doubt.finding == "doubtful_labels")]
        if odd:
            return f"doubted: {odd[0]}"
    assert case.damage in ("none", "a shifted header", "a second text column") or (
        case.damage == "cut short" and len(series.X) < case.n
    ), f"damage passed unseen: {content[:300]}"
    assert series.X[:, 0].shape[1] == X.shape[1]
    np.testing.assert_array_equal(series.X[:, 0], X[: len(series.X)])
    assert series.labels.tolist() == labels[: len(series.X)]
    return "read"


@settings(max_examples=300, deadline=None)
@given(case=CASES, whole=st.booleans())
def test_no_table_is_misread(case, whole):
    event(check(case, whole=whole).split(":")[0])


@pytest.mark.parametrize("labels", list(LABELS))
def test_sound_tables_are_read_and_not_merely_refused(labels):
    """All guises with titles, with labels of text, or with the labels first."""
    base = replace(Case(), labels=labels)
    outcomes = {}
    guises = itertools.product("\t;,|", ".,", ("none", "t"), ("first", "last"))
    for delimiter, decimal, header, label_at in guises:
        case = replace(base, delimiter=delimiter, decimal=decimal, header=header, label_at=label_at)
        numeric_last = (
            label_at == "last"
            and header == "none"
            and labels not in ("words", "phrases", "letters", "sodium")
        )
        if sensible(case) and not numeric_last:
            for whole in (False, True):
                outcomes[case, whole] = check(case, whole=whole)
    allowed = {"read"}
    if labels in ("versions", "exponents"):  # fractions are looked at by somebody, then read
        allowed = {outcome for outcome in outcomes.values() if "look like values" in outcome}
    assert set(outcomes.values()) == allowed, {k: v for k, v in outcomes.items() if v != "read"}
