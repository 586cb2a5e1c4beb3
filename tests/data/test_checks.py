import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from lstmfcn.config import ValidateParams
from lstmfcn.data import checks
from lstmfcn.data.checks import check_datasets
from lstmfcn.data.collection import fetch_dataset, read_dataset
from lstmfcn.data.description import describe
from lstmfcn.data.findings import FATAL, WHAT
from lstmfcn.data.normalisation import FLAT
from lstmfcn.data.series import LabelledSeries
from lstmfcn.files import to_json

ALL = dict.fromkeys(ValidateParams.model_fields, "error")


def sound():
    """Return both splits of a dataset without fault: z-normalised, no two series alike."""
    rng = np.random.default_rng(0)
    splits = []
    for n in (6, 4):
        X = rng.normal(size=(n, 12))
        X = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
        splits.append([[str(1 + i % 2), *(repr(float(np.float32(v))) for v in x)] for i, x in enumerate(X)])
    return splits


def put(folder, train, test):
    folder.mkdir(parents=True)
    for split, rows in (("TRAIN", train), ("TEST", test)):
        text = "".join("\t".join(row) + "\n" for row in rows)
        (folder / f"{folder.name}_{split}.tsv").write_text(text)
    return folder


def check(folder, findings=ALL, **policies):
    preparing = {"normalise": "per_series", **policies}
    (verdict,) = check_datasets([folder], findings, preparing=lambda _: preparing)
    return verdict


def labelled(X):
    return LabelledSeries(X, np.array(["1"] * len(X)), np.arange(1, len(X) + 1), Path("x"))


def test_the_findings_are_those_of_the_parameters():
    assert set(WHAT) == set(ValidateParams.model_fields)


def test_what_nothing_can_be_made_of_cannot_be_let_through():
    """A training would fail hours later, or, with NaN among the test series, the evaluation."""
    for finding in WHAT:
        accepted = []
        for setting in ("error", "warn", "ignore"):
            with suppress(ValidationError):
                accepted.append(getattr(ValidateParams(**{finding: setting}), finding))
        assert accepted == (["error"] if finding in FATAL else ["error", "warn", "ignore"])


def test_splits_of_different_channels_are_no_dataset(tmp_path):
    folder = put(tmp_path / "Mine", *sound())
    head = (
        "@problemName Mine\n@univariate false\n@dimension 2\n@equalLength true\n@classLabel true 1 2\n@data\n"
    )
    rows = [":".join([",".join(row[1:])] * 2) + f":{row[0]}\n" for row in sound()[0]]
    (folder / "Mine_TRAIN.tsv").unlink()
    (folder / "Mine_TRAIN.ts").write_text(head + "".join(rows))
    (found,) = check(folder).findings
    assert found.finding == "unreadable"
    assert "Mine_TEST.tsv has series of 1 channel, Mine_TRAIN.ts of 2" in found.message


def test_small_units_are_not_constant(tmp_path):
    """Currents in ampere, say."""
    small = [[[row[0], *(repr(1e-9 * float(v)) for v in row[1:])] for row in rows] for rows in sound()]
    assert "constant_series" not in {f.finding for f in check(put(tmp_path / "Mine", *small)).findings}


def test_no_unit_and_no_offset_makes_series_constant_or_a_constant_vary():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4, 1, 30))
    X[3] = 0.1
    plain = describe(labelled(X), labelled(X))
    assert (plain["relative_spread"] >= FLAT).tolist() == [True, True, True, False]
    for unit in (1e-250, 1e-160, 1e160, 1e300):
        scaled = describe(labelled(unit * X), labelled(X))
        np.testing.assert_allclose(scaled["relative_spread"], plain["relative_spread"], atol=1e-15)
        np.testing.assert_allclose(scaled["mean"] / unit, plain["mean"], rtol=1e-9)
    shifted = describe(labelled(1e8 + X), labelled(X))
    assert (shifted["relative_spread"] >= FLAT).tolist() == [True, True, True, False]


def test_a_sound_dataset_passes(tmp_path):
    verdict = check(put(tmp_path / "Mine", *sound()))
    assert (verdict.dataset, verdict.outcome, verdict.findings) == ("Mine", "passed", ())


def blank(train, test):
    train[2][5] = "?"


def infinite(train, test):
    test[1][5] = "-inf"


def constant(train, test):
    train[3][1:] = ["0.25"] * 12


def padded(train, test):
    test[2][-3:] = ["NaN"] * 3


def stranger(train, test):
    test[3][0] = "7"


def absentee(train, test):
    train[5][0] = train[4][0] = "7"


def single(train, test):
    for row in train + test:
        row[0] = "1"


def lone(train, test):
    train[1][0] = train[3][0] = "1"


def twins(train, test):
    train[4][1:] = train[1][1:]


def leak(train, test):
    test[2][1:] = train[0][1:]


def shifted(train, test):
    train[5][1:] = [repr(float(v) + 3) for v in train[5][1:]]


@pytest.mark.parametrize(
    ("spoil", "findings"),
    [
        (blank, {("missing_values", "train", (3,))}),
        (infinite, {("infinite_values", "test", (2,))}),
        (constant, {("constant_series", "train", (4,))}),
        (padded, {("unequal_length", "test", (3,))}),
        (stranger, {("class_missing_in_train", "test", (4,))}),
        (absentee, {("class_missing_in_test", "test", ())}),
        (single, {("single_class", "train", ())}),
        (lone, {("rare_class", "train", ())}),
        (twins, {("duplicates_within_split", "train", (2, 5))}),
        (leak, {("duplicates_across_splits", "test", (3,))}),
        (shifted, {("not_normalised", "train", (6,))}),
    ],
)
def test_each_fault_is_found_alone_and_in_its_row(tmp_path, spoil, findings):
    """A dataset spoilt in one place; only `not_normalised` may come with a fault of the values."""
    train, test = sound()
    spoil(train, test)
    verdict = check(put(tmp_path / "Mine", train, test))
    side_effect = {"not_normalised"} - {finding for finding, *_ in findings}
    found = {(f.finding, f.split, f.rows) for f in verdict.findings if f.finding not in side_effect}
    assert found == findings
    assert verdict.outcome == "failed"
    for f in verdict.findings:
        assert f.count == max(len(f.rows), 1)
        assert f"Mine_{f.split.upper()}.tsv" in f.message
        assert (f"validate.{f.finding}" in f.message) is (f.finding not in FATAL)
        assert all(str(row) in f.message for row in f.rows)


def test_rows_are_lines_of_the_file_and_many_are_counted(tmp_path):
    train, test = sound()
    train = [[*row] for row in train * 5]
    for row in train:
        row[3] = "NaN"
    folder = put(tmp_path / "Mine", train, test)
    path = folder / "Mine_TRAIN.tsv"
    path.write_text("\n\n" + path.read_text())
    findings = ALL | {"duplicates_within_split": "ignore", "not_normalised": "ignore"}
    (found,) = check(folder, findings).findings
    assert found.finding == "missing_values"
    assert found.count == 30
    assert found.rows == tuple(range(3, 23))


@pytest.mark.parametrize(
    ("setting", "outcome"), [("error", "failed"), ("warn", "warned"), ("ignore", "passed")]
)
def test_the_parameters_say_what_a_finding_does(tmp_path, setting, outcome):
    train, test = sound()
    twins(train, test)
    verdict = check(put(tmp_path / "Mine", train, test), ALL | {"duplicates_within_split": setting})
    assert verdict.outcome == outcome
    assert [f.severity for f in verdict.findings] == ([] if setting == "ignore" else [setting])


def test_all_may_be_ignored(tmp_path):
    train, test = sound()
    blank(train, test)
    assert check(put(tmp_path / "Mine", train, test), dict.fromkeys(ALL, "ignore")).outcome == "passed"


@pytest.mark.parametrize("n_train", [6, 50])
def test_an_archive_name_promises_the_archives_sizes(tmp_path, n_train):
    """Of GunPoint the catalogue says 50 and 150 series of 150 values in 2 classes."""
    rng = np.random.default_rng(0)
    rows = [
        [str(1 + i % 2), *map(repr, x.tolist())] for i, x in enumerate(rng.normal(size=(n_train + 150, 150)))
    ]
    verdict = check(
        put(tmp_path / "GunPoint", rows[:n_train], rows[n_train:]), ALL | {"not_normalised": "ignore"}
    )
    if n_train == 50:
        assert verdict.findings == ()
    else:
        (found,) = verdict.findings
        assert (found.finding, found.split) == ("catalogue_mismatch", "train")
        assert "6 series" in found.message
        assert "50" in found.message


def test_another_length_than_the_archives_is_a_mismatch_alone(tmp_path):
    """All series are equally long, only not as long as the catalogue says."""
    rng = np.random.default_rng(0)
    rows = [[str(1 + i % 2), *map(repr, x.tolist())] for i, x in enumerate(rng.normal(size=(200, 140)))]
    verdict = check(put(tmp_path / "GunPoint", rows[:50], rows[50:]), ALL | {"not_normalised": "ignore"})
    assert {f.finding for f in verdict.findings} == {"catalogue_mismatch"}


def test_splits_of_two_lengths_are_unequal(tmp_path):
    train, test = sound()
    verdict = check(
        put(tmp_path / "Mine", train, [row[:-2] for row in test]), ALL | {"not_normalised": "ignore"}
    )
    assert [(f.finding, f.split, f.rows) for f in verdict.findings] == [
        ("unequal_length", "test", (1, 2, 3, 4))
    ]


def test_a_file_that_cannot_be_read_fails_its_dataset_and_no_other(tmp_path):
    train, test = sound()
    good = put(tmp_path / "Good", *sound())
    train[1][4] = "oops"
    bad = put(tmp_path / "Bad", train, test)
    none = tmp_path / "None"
    verdicts = check_datasets([bad, none, good], ALL)
    assert [(v.dataset, v.outcome) for v in verdicts] == [
        ("Bad", "failed"),
        ("None", "failed"),
        ("Good", "passed"),
    ]
    (found,) = verdicts[0].findings
    assert (found.finding, found.severity) == ("unreadable", "error")
    assert "Bad_TRAIN.tsv, row 2, column 5: 'oops'" in found.message
    assert "None_TRAIN.tsv is missing" in verdicts[1].findings[0].message


def test_equal_data_gives_equal_verdicts_in_every_clone(tmp_path):
    train, test = sound()
    twins(train, test)
    folders = [put(tmp_path / clone / "data/raw/Mine", train, test) for clone in ("one", "two/deeper")]
    texts = [to_json(check(folder).as_json()) for folder in folders]
    assert texts[0] == texts[1]
    assert '"duplicates_within_split"' in texts[0]
    assert "data/raw/Mine/Mine_TRAIN.tsv, row" in texts[0]


def looked_at(verdict, finding, split="train"):
    (found,) = [one for one in verdict.checks if (one.finding, one.split) == (finding, split)]
    return found.expected, found.seen, found.outcome


def test_what_was_looked_at_is_told_whether_it_is_as_expected_or_not(tmp_path):
    """Against counts by hand: 6 training series of 12 values, one with missing values, 3 of each class."""
    train, test = sound()
    train[2][3:5] = ["?"] * 2
    verdict = check(put(tmp_path / "Mine", train, test), ALL | {"not_normalised": "ignore"})
    missing = ("missing values in a series: 0", "0 to 2; 1 of 6 series otherwise", "error")
    assert looked_at(verdict, "missing_values") == missing
    assert looked_at(verdict, "missing_values", "test") == ("missing values in a series: 0", "0", "met")
    assert looked_at(verdict, "unequal_length") == ("length: 12", "12", "met")
    assert looked_at(verdict, "single_class") == ("number of classes: at least 2", "2", "met")
    assert looked_at(verdict, "class_missing_in_train", "test") == ("label: 1, 2", "1, 2", "met")
    assert looked_at(verdict, "doubtful_labels", "")[1:] == ("nothing odd", "met")
    left_out = [one.seen for one in verdict.checks if one.finding == "not_normalised"]
    assert left_out == ["validate.not_normalised is ignore"] * 4
    assert "checks" not in verdict.as_json()


def test_what_the_preprocessing_takes_care_of_is_left_out_for_that_reason(tmp_path):
    train, test = sound()
    train[2][3] = "?"
    verdict = check(put(tmp_path / "Mine", train, test), missing="interpolate")
    assert looked_at(verdict, "missing_values")[1:] == ("prepare.missing is interpolate", "left out")


def test_several_channels_are_checked(tmp_path):
    """The wheel's BasicMotions: 6 channels, raw movements, so not normalised and else sound."""
    verdict = check(fetch_dataset("BasicMotions", tmp_path, ucr_dir=None))
    assert {f.finding for f in verdict.findings} == {"not_normalised"}


@pytest.mark.parametrize(
    ("dataset", "known"),
    [
        ("GunPoint", set()),
        ("ItalyPowerDemand", set()),
        ("ECG200", set()),
        ("MiddlePhalanxTW", set()),
        ("ArrowHead", {("duplicates_within_split", "test", (139, 144))}),
    ],
)
def test_the_archives_datasets_are_sound(tmp_path, dataset, known):
    """But for ArrowHead: lines 139 and 144 of its test file are the same, letter by letter."""
    given = os.environ.get("LSTMFCN_UCR_DIR")
    if not given:
        pytest.skip("LSTMFCN_UCR_DIR is unset: no copy of the archive")
    verdict = check(fetch_dataset(dataset, tmp_path, ucr_dir=Path(given)), ValidateParams().model_dump())
    assert {(f.finding, f.split, f.rows) for f in verdict.findings} == known
    assert verdict.outcome == ("warned" if known else "passed")
    for f in verdict.findings:
        lines = Path(given, dataset, f"{dataset}_{f.split.upper()}.tsv").read_text().splitlines()
        assert len({lines[row - 1] for row in f.rows}) == 1


def blank_channel(train, test):
    train[2][1:] = ["?"] * 12


@pytest.mark.parametrize(
    ("spoil", "policies", "expected"),
    [
        (blank, {"missing": "interpolate"}, {}),
        (blank, {"lengths": "resample"}, {"missing_values": r"row 3: missing values.*prepare\.missing"}),
        (padded, {"lengths": "resample"}, {}),
        (padded, {"lengths": "truncate", "length": 9}, {}),
        (padded, {"lengths": "truncate"}, {"unprepared": r"TEST\.tsv, row 3: shorter than the 12 values"}),
        (padded, {"missing": "interpolate"}, {}),
        (padded, {}, {"unequal_length": r"row 3: series of another length.*prepare\.lengths"}),
        (blank_channel, {"missing": "interpolate"}, {"unprepared": r"TRAIN\.tsv, row 3: no value at all"}),
    ],
)
def test_what_a_policy_takes_care_of_is_no_finding(tmp_path, spoil, policies, expected):
    splits = sound()
    spoil(*splits)
    ignored = dict.fromkeys(("not_normalised", "constant_series"), "ignore")
    found = check(put(tmp_path / "Mine", *splits), ALL | ignored, **policies).findings
    assert [f.finding for f in found] == [*expected]
    for f in found:
        assert re.search(expected[f.finding], f.message), f.message
        assert f.severity == "error"


def test_a_group_in_both_splits_is_found(tmp_path, monkeypatch):
    def with_groups(folder):
        train, test = read_dataset(folder)
        return (
            replace(train, groups=np.array(["p1", "p1", "p2", "p2", "p3", "p3"])),
            replace(test, groups=np.array(["p4", "p3", "p4", "p1"])),
        )

    monkeypatch.setattr(checks, "read_dataset", with_groups)
    (found,) = check(put(tmp_path / "Mine", *sound())).findings
    assert (found.finding, found.split, found.rows) == ("groups_across_splits", "test", (2, 4))
