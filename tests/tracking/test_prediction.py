"""Predicting a file: as the whole file at once, in bounded memory, and nothing is harmed where it fails."""

import functools
import gzip
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from lstmfcn.data.layout import Layout
from lstmfcn.errors import DataError, RegistryError
from lstmfcn.runs.predictions import Predictions
from lstmfcn.tracking import prediction
from lstmfcn.tracking.champion import Champion, load_champion
from lstmfcn.tracking.output import OutputError
from lstmfcn.tracking.prediction import predict_file
from untrained import package

CLASSES = ("-1", "=a", "b")


@pytest.fixture(scope="module", autouse=True)
def _models_are_loaded_once():
    """What is done with a model is tested here; loading one takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prediction, "load_champion", functools.cache(load_champion))
        yield


@functools.cache
def graph_of(folder):
    """Return the graph of a package, as TensorFlow alone loads it."""
    return tf.saved_model.load(str(folder / "tf2model"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return package(tmp_path_factory.mktemp("model") / "model", classes=CLASSES)


def write(path, n, *, length=20, labelled=True, seed=0):
    """Write random series; return them and their labels."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, length)).round(4)
    labels = np.array([*CLASSES, "none of these"])[rng.integers(0, 4, n)]
    with path.open("w") as file:
        for label, x in zip(labels, X.tolist(), strict=True):
            file.write("\t".join(([str(label)] if labelled else []) + [str(v) for v in x]) + "\n")
    return X, labels


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("n", [1, 2, 255, 256, 257, 511, 512, 513, 1000])
@pytest.mark.parametrize("labelled", [True, False])
def test_a_file_gets_the_answers_of_all_series_at_once(model, tmp_path, n, labelled):
    """Against the graph alone, loaded by TensorFlow, over all series in one batch."""
    path = tmp_path / "a.tsv"
    X, labels = write(path, n, labelled=labelled, seed=n)
    before = path.read_bytes()
    said = predict_file(model, path)
    expected = graph_of(model)(X[:, None]).numpy()
    made = Predictions.from_csv(tmp_path / "a.predictions.csv")
    np.testing.assert_allclose(made.probabilities, expected, atol=1e-6)
    assert made.classes == CLASSES
    assert made.row.tolist() == list(range(1, n + 1))
    predicted = np.array(CLASSES)[expected.argmax(axis=1)]
    assert made.predicted.tolist() == predicted.tolist()
    table = pd.read_csv(tmp_path / "a.predictions.csv")
    assert table["series"].tolist() == list(range(1, n + 1))
    assert f"{n} series predicted with the champion of Bumps" in said
    if labelled:
        assert made.labels.tolist() == labels.tolist()
        right = int((predicted == labels).sum())
        assert f"accuracy {right / n:.4f} ({right} of {n} labels)" in said
        assert ("does not know none of these" in said) == ("none of these" in labels)
    else:
        assert made.labels is None
        assert "accuracy" not in said
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.predictions.csv", "a.tsv"]


def test_the_file_is_that_of_one_table(model, tmp_path):
    """To the byte, compressed or not."""
    path = tmp_path / "a.tsv"
    X, labels = write(path, 700)
    predict_file(model, path, tmp_path / "one.csv")
    (tmp_path / "b.tsv.gz").write_bytes(gzip.compress(path.read_bytes()))
    predict_file(model, tmp_path / "b.tsv.gz")
    whole = Predictions(
        classes=CLASSES,
        probabilities=load_champion(model).predict_proba(X),
        labels=labels,
        row=np.arange(1, 701),
    )
    assert (tmp_path / "one.csv").read_bytes() == whole.to_csv()
    assert (tmp_path / "b.predictions.csv").read_bytes() == whole.to_csv()


@pytest.mark.parametrize("suffix", [".csv", ".txt", ".ts", ""])
def test_every_format_gets_the_same_answers(model, tmp_path, suffix):
    X, labels = write(tmp_path / "a.tsv", 300)
    predict_file(model, tmp_path / "a.tsv", tmp_path / "tsv.out")
    path = tmp_path / f"b{suffix}"
    if suffix == ".ts":
        lines = [",".join(map(str, x)) + f":{k}" for k, x in zip(labels, X.tolist(), strict=True)]
        path.write_text("@classLabel true\n@data\n" + "\n".join(lines))
    else:
        path.write_text((tmp_path / "a.tsv").read_text().replace("\t", "," if suffix == ".csv" else "\t"))
    predict_file(model, path, tmp_path / "out")
    expected, found = (pd.read_csv(tmp_path / name).drop(columns="row") for name in ("tsv.out", "out"))
    pd.testing.assert_frame_equal(found, expected)


def as_table(X, labels):
    return pd.DataFrame(X[:, 0], columns=[f"t{i}" for i in range(X.shape[-1])]).assign(label=labels)


def as_long(X, labels):
    table = as_table(X, labels).reset_index(names="name")
    return table.melt(["name", "label"], var_name="step").assign(step=lambda t: t["step"].str[1:].astype(int))


WRITERS = {
    "pandas.csv": lambda path, X, y: as_table(X, y).to_csv(path),
    "german.csv": lambda path, X, y: as_table(X, y).to_csv(path, sep=";", decimal=",", index=False),
    "utf16.csv.gz": lambda path, X, y: as_table(X, y).to_csv(path, encoding="utf-16", index=False),
    "table.parquet": lambda path, X, y: as_table(X, y).to_parquet(path),
    "arrays.npz": lambda path, X, y: np.savez(path, X=X, y=y),
    "long.csv": lambda path, X, y: as_long(X, y).to_csv(path, index=False),
}


@pytest.mark.parametrize("name", WRITERS)
def test_files_of_ones_own_get_the_same_answers(model, tmp_path, name):
    """In every guise that `lstmfcn add` reads, and their table is read back by pandas."""
    X, labels = write(tmp_path / "a.tsv", 60)
    predict_file(model, tmp_path / "a.tsv", tmp_path / "tsv.out")
    WRITERS[name](tmp_path / name, X[:, None], labels)
    layout = Layout(id="name", time="step", values=("value",), label="label") if name == "long.csv" else None
    said = predict_file(model, tmp_path / name, tmp_path / "out", layout=layout)
    expected, found = (pd.read_csv(tmp_path / file).drop(columns="row") for file in ("tsv.out", "out"))
    pd.testing.assert_frame_equal(found, expected)
    assert "of 60 labels" in said


def series_of(kind, n=14):
    """Return series of one channel: of 10 to 20 values, of 20 to 26, or of 20; with gaps or without."""
    rng = np.random.default_rng(3)
    shortest, longest = {"shorter": (10, 20), "longer": (20, 26)}.get(kind.split()[0], (20, 20))
    series = [rng.normal(size=shortest + i % (longest - shortest + 1)).round(4) for i in range(n)]
    for one in series if "gaps" in kind else []:
        one[rng.integers(1, 9, 2)] = np.nan
    return series


def with_nan(series, width):
    return np.array(
        [np.pad(one[:width], (0, max(0, width - len(one))), constant_values=np.nan) for one in series]
    )


def on_the_line(one, at):
    steps = np.arange(len(one))
    return np.interp(at, steps[~np.isnan(one)], one[~np.isnan(one)])


# What each policy is given, and what is made of that by hand for the graph of a model without one; where a
# model's own graph has to do it (pad, mask), NaN stays.
POLICIES = {
    "pad": ("shorter", {"lengths": "pad"}, lambda one: with_nan([one], 20)[0]),
    "resample": (
        "shorter",
        {"lengths": "resample"},
        lambda one: on_the_line(one, np.linspace(0, len(one) - 1, 20)),
    ),
    "truncate": ("longer", {"lengths": "truncate"}, lambda one: one[:20]),
    "interpolate": ("gaps", {"missing": "interpolate"}, lambda one: on_the_line(one, np.arange(20))),
    "mask": ("gaps", {"missing": "mask"}, lambda one: one),
    "pad-mask": ("shorter gaps", {"lengths": "pad", "missing": "mask"}, lambda one: with_nan([one], 20)[0]),
}


def text_of(value):
    return "" if np.isnan(value) else repr(float(value))


def short_rows(path, series, labels):
    rows = [[label, *map(text_of, one)] for label, one in zip(labels, series, strict=True)]
    path.write_text("".join(",".join(row) + "\n" for row in rows))


def empty_cells(path, series, labels):
    table = pd.DataFrame(with_nan(series, 26)).dropna(axis=1, how="all")
    table.add_prefix("t").assign(label=labels).to_csv(path, index=False)


def a_row_a_step(path, series, labels):
    pd.DataFrame(
        [
            (f"s{i}", label, step, value)
            for i, (label, one) in enumerate(zip(labels, series, strict=True))
            for step, value in enumerate(one)
        ],
        columns=["name", "state", "step", "value"],
    ).to_csv(path, index=False)


def ts(path, series, labels):
    lines = [f"{','.join(text_of(v) or '?' for v in one)}:{k}" for k, one in zip(labels, series, strict=True)]
    path.write_text("@classLabel true\n@data\n" + "\n".join(lines))


def npz(path, series, labels):
    np.savez(path, X=with_nan(series, max(map(len, series)))[:, None], y=labels)


def parquet(path, series, labels):
    table = pd.DataFrame(with_nan(series, max(map(len, series)))).add_prefix("t")
    table.assign(label=labels).to_parquet(path)


PLAIN = ("1", "2", "30")  # a number may be a label as well as a value

LONG = Layout(id="name", time="step", values=("value",), label="state")
HOLDERS = {
    "short.csv": (short_rows, None),
    "cells.csv": (empty_cells, None),
    "long.csv": (a_row_a_step, LONG),
    "a.ts": (ts, None),
    "a.npz": (npz, None),
    "a.parquet": (parquet, None),
}


@pytest.fixture(scope="module")
def lenient(tmp_path_factory):
    """Return a model of each policy, all of one network, and the graph by which its answers are known."""
    root = tmp_path_factory.mktemp("lenient")
    strict = graph_of(package(root / "strict", classes=PLAIN))
    made = {}
    for name, (_, policies, _) in POLICIES.items():
        folder = package(root / name, classes=PLAIN, policies=policies)
        by_itself = name in ("pad", "mask", "pad-mask")
        made[name] = folder, graph_of(folder) if by_itself else strict
    return made


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("policy", POLICIES)
def test_files_of_unequal_series_are_answered_as_if_prepared_by_hand(lenient, tmp_path, policy, holder):
    """In every format, by every policy; pandas reads back labels and probabilities, and metrics agree."""
    kind, _, by_hand = POLICIES[policy]
    write_file, layout = HOLDERS[holder]
    series = series_of(kind)
    labels = np.array(PLAIN)[np.arange(len(series)) % 3]
    folder, graph = lenient[policy]
    write_file(tmp_path / holder, series, labels)
    said = predict_file(folder, tmp_path / holder, tmp_path / "out.csv", layout=layout)
    expected = graph(np.array([by_hand(one) for one in series])[:, None]).numpy()
    assert np.isfinite(expected).all()
    table = pd.read_csv(tmp_path / "out.csv")
    np.testing.assert_allclose(table[[f"p:{label}" for label in PLAIN]], expected, atol=1e-6)
    predicted = np.array(PLAIN)[expected.argmax(axis=1)]
    assert table["predicted"].astype(str).tolist() == predicted.tolist()
    assert table["label"].astype(str).tolist() == labels.tolist()
    right = int((predicted == labels).sum())
    assert f"accuracy {right / 14:.4f} ({right} of 14 labels)" in said


def test_arrays_of_objects_are_refused_with_what_to_save_in_their_place(lenient, tmp_path):
    """They may hold code."""
    X = np.empty(3, object)
    X[:] = series_of("shorter", 3)
    np.savez(tmp_path / "a.npz", X=X)
    with pytest.raises(DataError, match=r"Arrays of objects are not read.* NaN after the end of a shorter"):
        predict_file(lenient["pad"][0], tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("policy", "row", "message"),
    [
        ("pad", ["b", *["1"] * 21], "row 15: longer than the 20 values .* Set prepare.length to 21 or more"),
        ("pad", ["b", "1", "", "1"], "row 15: a missing .* prepare.missing"),
        ("truncate", ["b", *["1"] * 19], "row 15: shorter than the 20 values"),
        ("resample", ["b", "1", "x"], "row 15, column 3: 'x'"),
        ("resample", ["b"], "row 15: no value at all"),
        ("interpolate", ["b", *["1"] * 19], "row 15: 20 columns"),
        ("interpolate", ["b", *[""] * 20], "row 15: no value at all"),
    ],
)
def test_what_a_policy_does_not_take_is_named_by_its_row(lenient, tmp_path, policy, row, message):
    path = tmp_path / "a.csv"
    short_rows(path, series_of(POLICIES[policy][0]), ["b"] * 14)
    with path.open("a") as file:
        file.write(",".join(row) + "\n")
    with pytest.raises(DataError, match=message):
        predict_file(lenient[policy][0], path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def bad_outputs(folder, path):
    """Return what predictions must not be written to, each with what is said."""
    (folder / "folder").mkdir()
    (folder / "link.csv").symlink_to(path)
    (folder / "hard.csv").hardlink_to(path)
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "device").symlink_to("/dev/null")
    return {
        path: "is the file of series itself",
        folder / "folder" / ".." / path.name: "is the file of series itself",
        folder / "link.csv": "is the file of series itself",
        folder / "hard.csv": "is the file of series itself",
        folder / "folder": "is a folder",
        folder / "pipe": "is a pipe",
        folder / "device": "is a device",
        Path("/dev/null"): "is a device",
        folder / "loop": "cannot be written: .*symbolic links",
        path / "below.csv": "cannot be written",
        folder / ("x" * 250): "cannot be written: File name too long",
        folder / ("x" * 300): "cannot be written: File name too long",
        Path("/proc/none/a.csv"): "cannot be written",
    }


def test_what_cannot_be_written_is_refused_before_anything_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(prediction, "load_champion", lambda *_, **__: pytest.fail("loaded"))
    path = tmp_path / "a.tsv"
    write(path, 3)
    before = path.read_bytes()
    outputs = bad_outputs(tmp_path, path)
    names = sorted(p.name for p in tmp_path.iterdir())
    for output, message in outputs.items():
        with pytest.raises(OutputError, match=message) as caught:
            predict_file("any", path, output)
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith(str(output))
        assert path.read_bytes() == before
        assert sorted(p.name for p in tmp_path.iterdir()) == names
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="is the file of series itself"):
        predict_file("any", path, Path("a.tsv"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_permissions_are_respected(model, tmp_path):
    write(tmp_path / "a.tsv", 3)
    (tmp_path / "kept.csv").write_text("kept")
    (tmp_path / "kept.csv").chmod(0o444)
    with pytest.raises(OutputError, match="may not be written"):
        predict_file(model, tmp_path / "a.tsv", tmp_path / "kept.csv")
    (tmp_path / "closed").mkdir(mode=0o555)
    with pytest.raises(OutputError, match="cannot be written: Permission denied"):
        predict_file(model, tmp_path / "a.tsv", tmp_path / "closed/a.csv")


def test_what_is_no_file_of_series_is_named_before_anything_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(prediction, "load_champion", lambda *_, **__: pytest.fail("loaded"))
    os.mkfifo(tmp_path / "pipe.tsv")
    (tmp_path / "loop.tsv").symlink_to(tmp_path / "loop.tsv")
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{short}/s")
        for path, message in (
            (tmp_path, "it is a folder"),
            (Path("/"), "it is a folder"),
            (tmp_path / "pipe.tsv", "it is a pipe"),
            (Path("/dev/zero"), "it is a device"),
            (Path(short, "s"), "it is a socket"),
            (tmp_path / "loop.tsv", "symbolic links"),
            (tmp_path / "none.tsv", "is missing"),
        ):
            with pytest.raises(DataError, match=message):
                predict_file("any", path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b" + "\t1" * 19 + "\tx\n", "row 601, column 21: 'x'"),
        ("b" + "\t1" * 19 + "\tnan\n", "row 601: a missing or infinite value"),
        ("b" + "\t1" * 19 + "\t1e999\n", "row 601: a missing or infinite value"),
        ("b" + "\t1" * 10 + "\n", "row 601: 11 columns"),
        ("\xff", "row 601"),
    ],
)
def test_a_fault_at_the_end_leaves_what_was_there(model, tmp_path, line, message):
    path = tmp_path / "a.tsv"
    write(path, 600)
    with path.open("a") as file:
        file.write(line)
    (tmp_path / "old.csv").write_text("what was there")
    before = files_of(tmp_path)
    with pytest.raises(DataError, match=message):
        predict_file(model, path, tmp_path / "old.csv")
    with pytest.raises(DataError, match=message):
        predict_file(model, path, tmp_path / "new/folders/a.csv")
    assert files_of(tmp_path) == before


def test_a_missing_model_leaves_no_file(tmp_path):
    write(tmp_path / "a.tsv", 3)
    with pytest.raises(RegistryError):
        predict_file(tmp_path / "none", tmp_path / "a.tsv")
    assert [p.name for p in tmp_path.iterdir()] == ["a.tsv"]


def test_new_folders_are_made_and_a_link_stays_one(model, tmp_path):
    write(tmp_path / "a.tsv", 3)
    predict_file(model, tmp_path / "a.tsv", tmp_path / "new/folders/a.csv")
    (tmp_path / "link.csv").symlink_to("new/folders/b.csv")
    predict_file(model, tmp_path / "a.tsv", tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "new/folders/b.csv").read_bytes() == (tmp_path / "new/folders/a.csv").read_bytes()


def test_what_the_model_cannot_hold_is_named_by_its_row(tmp_path):
    """In the second batch: the place is the file's, not the batch's."""
    folder = package(tmp_path / "model", classes=CLASSES, normalise="none")
    for value, message in (("1e39", "row 401: a value beyond"), ("1e20", "row 401: a value beyond")):
        write(tmp_path / "a.tsv", 400)
        with (tmp_path / "a.tsv").open("a") as file:
            file.write("b" + "\t1" * 19 + f"\t{value}\n")
        with pytest.raises(DataError, match=rf"a\.tsv, {message}"):
            predict_file(folder, tmp_path / "a.tsv")


def test_progress_is_told_only_where_it_takes_long(model, tmp_path, monkeypatch):
    write(tmp_path / "a.tsv", 1000)
    told = []
    predict_file(model, tmp_path / "a.tsv", progress=told.append)
    assert told == []
    monkeypatch.setattr(prediction, "FIRST", 0)
    monkeypatch.setattr(prediction, "PAUSE", 0)
    predict_file(model, tmp_path / "a.tsv", progress=told.append)
    assert [line.split(" series")[0] for line in told] == ["256", "512", "768"]
    assert all(" a second, 0:0" in line and line.endswith(" left") for line in told)


def test_a_batch_follows_the_length(tmp_path, monkeypatch):
    sizes = []
    answer = Champion.predict_proba
    monkeypatch.setattr(
        Champion, "predict_proba", lambda self, X, **rest: sizes.append(len(X)) or answer(self, X, **rest)
    )
    folder = package(tmp_path / "model", shape=(1, 40_000))
    write(tmp_path / "a.tsv", 7, length=40_000)
    predict_file(folder, tmp_path / "a.tsv")
    assert sizes == [3, 3, 1]


# A shell ignores Ctrl-C for what it runs behind itself, and so do the children: the tests may be run so.
MAIN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from lstmfcn.cli import main
main()
"""


def command(model, path):
    return [sys.executable, "-c", MAIN, "predict", "Bumps", path, "--model", model]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing(model, tmp_path, number):
    """Ctrl-C, and what `kill`, systemd and schedulers send."""
    write(tmp_path / "a.tsv", 1000)
    (tmp_path / "a.tsv").write_text(100 * (tmp_path / "a.tsv").read_text())
    before = files_of(tmp_path)
    process = subprocess.Popen(command(model, tmp_path / "a.tsv"), stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 120
        while not any(p.stat().st_size > 10_000 for p in tmp_path.glob(".a.predictions.csv.*")):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        while process.poll() is None:  # one may fall into a finalizer of TensorFlow's, which swallows it
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(2)
        assert process.returncode == (143 if number == signal.SIGTERM else 130)
    finally:
        process.kill()
        said = process.communicate()[1]
    assert "Traceback" not in said
    assert files_of(tmp_path) == before


PEAKS = """
import re, sys
from pathlib import Path
from lstmfcn.tracking.prediction import predict_file
model, *files = map(Path, sys.argv[1:])
for file in files:
    predict_file(model, file)
    # not ru_maxrss: that of a child begins with its parent's
    print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(model, tmp_path):
    """20,000 compressed series, under 1 GiB and within 100 MiB of what 2,000 plain ones took before."""
    write(tmp_path / "small.tsv", 2000)
    rest = "".join(f"\t{v}" for v in np.random.default_rng(0).normal(size=20).round(4)) + "\n"
    with gzip.open(tmp_path / "large.tsv.gz", "wt", compresslevel=1) as file:
        for i in range(20_000):
            file.write(f"{'ab'[i % 2]}{rest}")
    files = [tmp_path / "small.tsv", tmp_path / "large.tsv.gz"]
    done = subprocess.run(
        [sys.executable, "-c", PEAKS, model, *files], capture_output=True, text=True, check=True
    )
    small, large = map(float, done.stdout.split())
    assert large < min(1024, small + 100)
    assert sum(1 for _ in (tmp_path / "large.predictions.csv").open()) == 20_001
