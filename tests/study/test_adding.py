"""From a file of one's own to data/own, and on to data/raw and the verdict."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from conftest import make_workspace, run_stages
from lstmfcn import config, yaml12
from lstmfcn.cli import app
from lstmfcn.data.collection import read_dataset
from lstmfcn.data.portrait import PLAIN, portrait, sparkline
from lstmfcn.data.series import LabelledSeries, Split
from lstmfcn.errors import LstmfcnError
from lstmfcn.study import adding

PARAMS = """\
# mine
datasets:
  - Bumps   # the first
models: [fcn]   # one
prepare:
  normalise: per_series
"""


def frame(n=40, length=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, length)).round(5)
    X[::2, 3:6] += 3
    table = pd.DataFrame(X, columns=[f"t{i}" for i in range(length)])
    return table.assign(state=["good" if i % 2 else "bad" for i in range(n)])


@pytest.fixture
def study(tmp_path):
    return make_workspace(tmp_path / "study", PARAMS)


def run(study, *arguments, yes=False):
    """Return the status and what was printed."""
    options = ["--yes"] if yes else []
    done = CliRunner().invoke(app, ["add", *map(str, arguments), "-w", str(study.root), *options])
    if isinstance(done.exception, LstmfcnError):
        return 1, f"{done.output}{done.exception}"
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def own(study, name):
    return read_dataset(study.own / name)


def test_a_file_becomes_two_splits_that_hold_it_all(study, tmp_path):
    table = frame()
    table.to_csv(tmp_path / "pumps.csv")
    status, said = run(study, "Pumps", tmp_path / "pumps.csv")
    assert status == 0
    assert "40 series of 1 channel and 12 values" in said
    assert "is the label" in said
    train, test = own(study, "Pumps")
    assert (len(train.X), len(test.X)) == (30, 10)
    assert pd.Series(test.labels).value_counts().to_dict() == {"bad": 5, "good": 5}
    origins = [pd.read_csv(study.own / f"Pumps/Pumps_{split}.origin.csv") for split in ("TRAIN", "TEST")]
    for split, origin in zip((train, test), origins, strict=True):
        at = origin["row"].to_numpy() - 2
        np.testing.assert_array_equal(split.X[:, 0], table.iloc[at, :12].to_numpy())
        assert split.labels.tolist() == table["state"].iloc[at].tolist()
    assert sorted(pd.concat(origins)["row"]) == list(range(2, 42))
    about = json.loads((study.own / "Pumps/source.json").read_text())
    assert about["sources"][0]["file"] == "pumps.csv"
    assert str(tmp_path) not in (study.own / "Pumps/source.json").read_text()
    assert study.params.read_text() == PARAMS.replace("first\n", "first\n  - Pumps\n")


def test_the_split_is_the_same_each_time_and_a_name_is_taken_once(study, tmp_path):
    frame().to_csv(tmp_path / "a.csv", index=False)
    assert run(study, "A", tmp_path / "a.csv")[0] == 0
    assert run(study, "B", tmp_path / "a.csv")[0] == 0
    assert (study.own / "A/A_TRAIN.tsv").read_bytes() == (study.own / "B/B_TRAIN.tsv").read_bytes()
    status, said = run(study, "A", tmp_path / "a.csv")
    assert status == 1
    assert "--replace" in said
    frame(seed=1).to_csv(tmp_path / "a.csv", index=False)
    before = study.params.read_text()
    assert run(study, "A", tmp_path / "a.csv", "--replace")[0] == 0
    assert (study.own / "A/A_TRAIN.tsv").read_bytes() != (study.own / "B/B_TRAIN.tsv").read_bytes()
    assert study.params.read_text() == before
    assert not [path for path in study.own.iterdir() if path.name.startswith(".")]


def test_two_files_are_the_splits_and_groups_stay_together(study, tmp_path):
    table = frame(60).assign(patient=[f"p{i // 5}" for i in range(60)])
    table[:40].to_csv(tmp_path / "train.csv", index=False)
    table[40:].to_csv(tmp_path / "test.csv", index=False)
    table.to_csv(tmp_path / "all.csv.gz", index=False, compression="gzip")
    assert run(study, "Two", tmp_path / "train.csv", tmp_path / "test.csv", "--group", "patient")[0] == 0
    assert [len(split.X) for split in own(study, "Two")] == [40, 20]
    assert run(study, "One", tmp_path / "all.csv.gz", "--group", "patient")[0] == 0
    train, test = own(study, "One")
    assert len(train.X) + len(test.X) == 60
    assert not {*train.groups} & {*test.groups}


ODD = {
    "labels that count": ({"label": lambda t: range(len(t))}, "count"),
    "classes of one level": ({"t0": lambda t: 0.0, "shift": True}, "prepare.normalise to none"),
    "series twice": ({"twice": True}, "stand in both splits"),
    "infinity": ({"t3": lambda t: [np.inf, *[0.5] * (len(t) - 1)]}, "infinite value"),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_odd_is_asked_and_without_a_terminal_stopped(study, tmp_path, odd):
    changes, message = ODD[odd]
    table = frame()
    if "shift" in changes:
        rng = np.random.default_rng(0)
        values = rng.normal(size=(40, 12)) + 9 * (table[["state"]] == "good").to_numpy()
        table = pd.DataFrame(values, columns=table.columns[:12]).assign(state=table["state"])
    elif "twice" in changes:
        table = pd.concat([table.iloc[:2]] * 20)
    else:
        (column, make), *_ = changes.items()
        table = table.drop(columns="state") if column == "label" else table
        table = table.assign(**{column: make(table)})
    table.to_csv(tmp_path / "a.csv", index=False)
    options = ["--label", "label"] if "label" in changes else []
    # An odd label may leave no class with two series: a test file of its own then
    table.to_csv(tmp_path / "b.csv", index=False)
    files = [tmp_path / "a.csv", *([tmp_path / "b.csv"] if "label" in changes else [])]
    status, said = run(study, "A", *files, *options)
    assert status == 1
    assert message in said
    assert "--yes" in said
    assert not study.own.exists()
    assert study.params.read_text() == PARAMS
    assert run(study, "A", *files, *options, yes=True)[0] == 0
    assert (study.own / "A").is_dir()


def test_patients_in_place_of_labels_are_the_cause_that_is_named(study, tmp_path):
    frame().assign(state=[f"p{i}" for i in range(40)]).to_csv(tmp_path / "a.csv", index=False)
    status, said = run(study, "A", tmp_path / "a.csv", yes=True)
    assert status == 1
    assert "names of the series, it seems, not labels" in said
    assert not study.own.exists()


def test_a_dry_run_writes_nothing(study, tmp_path):
    frame().to_csv(tmp_path / "a.csv", index=False)
    status, said = run(study, "A", tmp_path / "a.csv", "--dry-run")
    assert status == 0
    assert "Nothing is written" in said
    assert not study.own.exists()


def unequal(folder, *, gap=True):
    """Write a table whose fourth series ends early, and of whose fifth a value is missing."""
    table = frame()
    table.iloc[3, 9:12] = np.nan
    if gap:
        table.iloc[4, 2] = np.nan
    table.to_csv(folder / "a.csv", index=False)
    return folder / "a.csv"


def test_unequal_lengths_and_missing_values_are_doubts_with_the_option_that_settles_them(study, tmp_path):
    status, said = run(study, "A", unequal(tmp_path))
    assert status == 1
    assert (
        "The series have 9 to 12 values, and validation refuses unequal lengths: say --lengths resample"
        in said
    )
    assert "1 value is missing, and validation refuses that: say --missing interpolate" in said
    assert not study.own.exists()
    assert run(study, "A", tmp_path / "a.csv", yes=True)[0] == 0
    assert study.params.read_text() == PARAMS.replace("first\n", "first\n  - A\n")
    ends = np.concatenate([split.ends() for split in own(study, "A")])
    assert sorted(ends) == [9, *[12] * 39]


def test_the_policies_that_are_said_are_written_beside_the_name_and_hold(study, tmp_path):
    """All else of the file stays; the stages that follow make series of the one length."""
    options = ("--lengths", "resample", "--missing", "interpolate", "--length", "8")
    status, said = run(study, "A", unequal(tmp_path), *options)
    assert status == 0, said
    assert "prepared; lengths: resample, to 8 values; missing values: interpolate" in said
    own_entry = "  datasets: {A: {lengths: resample, length: 8, missing: interpolate}}\n"
    expected = PARAMS.replace("first\n", "first\n  - A\n") + own_entry
    assert yaml12.parsed(study.params.read_text()) == yaml12.parsed(expected)
    assert study.params.read_text().startswith(expected.removesuffix(own_entry))
    status, said = run(study, "A", tmp_path / "a.csv", "--replace", "--length", "9")
    assert status == 0, said  # what is not said again stays
    assert config.load(study.params).prepare.policies("A") == {
        "lengths": "resample",
        "missing": "interpolate",
        "length": 9,
    }
    study.params.write_text(study.params.read_text().replace("  - Bumps   # the first\n", ""))
    run_stages(study, tmp_path, "fetch", "validate", "prepare")
    assert Split.load(study.train_splits / "A.npz").X.shape == (30, 1, 9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lengths", "cut"], "prepare.datasets.A.lengths"),
        (["--length", "9"], "prepare.lengths refuses to change lengths"),
        (["--lengths", "pad", "--length", "0"], "prepare.datasets.A.length"),
        (
            ["--lengths", "truncate", "--length", "10"],
            "--length is 10, but the shortest training series has 9 values",
        ),
        (["--lengths", "pad"], "say --missing interpolate"),
    ],
)
def test_policies_that_cannot_be_are_refused_before_anything_is_written(study, tmp_path, options, message):
    status, said = run(study, "A", unequal(tmp_path, gap="pad" in options), *options)
    assert status == 1
    assert message in said
    assert not study.own.exists()
    assert study.params.read_text() == PARAMS


def test_rows_that_end_early_are_read_where_a_policy_is_said(study, tmp_path):
    rows = [
        ["good" if i % 2 else "bad", *map(str, np.sin(np.arange(5 + i % 4) + i).round(4))] for i in range(40)
    ]
    (tmp_path / "a.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    assert run(study, "A", tmp_path / "a.csv", yes=True)[0] == 1
    status, said = run(study, "A", tmp_path / "a.csv", "--lengths", "pad")
    assert status == 0, said
    assert (
        sorted(np.concatenate([split.ends() for split in own(study, "A")]))
        == [5] * 10 + [6] * 10 + [7] * 10 + [8] * 10
    )


@pytest.mark.parametrize("name", ["GunPoint", "a/b", "..", "-x", ""])
def test_names_that_cannot_be_are_refused(study, tmp_path, name):
    frame().to_csv(tmp_path / "a.csv", index=False)
    status, said = (
        run(study, "--", name, tmp_path / "a.csv") if name == "-x" else run(study, name, tmp_path / "a.csv")
    )
    assert status in (1, 2)
    assert not study.own.exists()
    assert said


def test_arrays_of_both_splits_in_one_file(study, tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2, 8)), np.arange(30) % 2
    np.savez(tmp_path / "a.npz", X_train=X[:20], y_train=y[:20], X_test=X[20:], y_test=y[20:])
    assert run(study, "A", tmp_path / "a.npz")[0] == 0
    train, test = own(study, "A")
    np.testing.assert_array_equal(train.X, X[:20])
    np.testing.assert_array_equal(test.X, X[20:])
    assert test.labels.tolist() == [str(k) for k in y[20:]]


def test_what_was_added_is_fetched_validated_and_kept_with_its_groups(study, tmp_path):
    frame().assign(patient=[f"p{i // 4}" for i in range(40)]).to_csv(tmp_path / "a.csv", index=False)
    run(study, "Mine", tmp_path / "a.csv", "--group", "patient")
    study.params.write_text(study.params.read_text().replace("  - Bumps   # the first\n", ""))
    assert "Bumps" not in study.params.read_text()
    run_stages(study, tmp_path, "fetch", "validate", "prepare")
    train, _ = read_dataset(study.raw / "Mine")
    assert {*train.groups} <= {f"p{i}" for i in range(10)}
    assert (study.train_splits / "Mine.npz").exists()


def test_dvc_keeps_what_was_added(study, tmp_path):
    subprocess.run(["git", "init", "-q", str(study.root)], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=study.root, check=True)
    frame().to_csv(tmp_path / "a.csv", index=False)
    status, said = run(study, "Mine", tmp_path / "a.csv")
    assert status == 0
    assert "git add data/own/Mine.dvc" in said
    assert (study.own / "Mine.dvc").is_file()
    assert "/Mine" in (study.own / ".gitignore").read_text()


def test_a_missing_dvc_is_named(study, monkeypatch):
    (study.root / ".dvc").mkdir()
    monkeypatch.setattr(adding, "find_spec", lambda name: None)
    said = []
    assert adding._under_dvc(study, "Mine", said.append) == []
    assert "dvc is not installed: run `dvc add data/own/Mine`" in said[0]


def test_series_are_drawn_in_blocks_or_in_ascii():
    assert sparkline(np.arange(8.0)) == "▁▂▃▄▅▆▇█"
    assert sparkline(np.arange(8.0), encoding="ascii") == PLAIN
    assert sparkline(np.array([0, np.nan, 1, 1e308, -1e308])).count(" ") == 1
    assert len(sparkline(np.zeros(5000))) == 40
    assert sparkline(np.array([np.nan, np.nan])) == ""
    X = np.zeros((30, 1, 4))
    labels = np.array([f"c{i}" for i in range(30)])
    lines = portrait([LabelledSeries(X, labels, np.arange(30), Path("a"))])
    assert lines[-1].strip() == "and 10 more classes"
