"""`lstmfcn drift`, and the marks of `predict`, the champion and the server: by what a folder brings along."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from lstmfcn.data.reference import Reference
from lstmfcn.errors import DataError, RegistryError
from lstmfcn.serving import answer
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.drift import drift_file
from lstmfcn.tracking.output import OutputError
from lstmfcn.tracking.package.contents import REFERENCE, UntrustedModelError
from lstmfcn.tracking.prediction import predict_file
from untrained import package


def drawn(seed, n):
    rng = np.random.default_rng(seed)
    return rng.normal(10, 1, size=(n, 1)) + np.sin(np.arange(20) / 3 + rng.normal(size=(n, 1)))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "m"
    return package(folder, series=drawn(0, 60)[:, None])


def write(path, X, labels=None):
    lines = ["\t".join(map(repr, x)) for x in X.tolist()]
    path.write_text(
        "".join(("" if labels is None else f"{labels[i]}\t") + x + "\n" for i, x in enumerate(lines))
    )
    return path


def test_a_file_like_the_training_series_has_about_the_level_marked(model, tmp_path):
    said = drift_file(model, write(tmp_path / "a.tsv", drawn(1, 300)), tmp_path / "a.csv")
    table = pd.read_csv(tmp_path / "a.csv")
    marked = int(table["unlike"].sum())
    assert marked < 0.15 * 300
    assert said.startswith(
        f"{marked} of 300 series are unlike the training series (by chance 14.8 at a level"
    )
    assert "no more than chance gives" in said
    assert "in none of 3 statistics" in said
    assert table["row"].tolist() == list(range(1, 301))


def test_what_has_shifted_is_named_by_row_and_as_a_whole(model, tmp_path):
    """The shift is one that normalisation hides: the answers are the same."""
    X = drawn(2, 40)
    X[[3, 17]] += 50
    said = drift_file(model, write(tmp_path / "a.tsv", X))
    assert "row 4: p = 0.0164, farthest out in level" in said
    assert "row 18: p = 0.0164, farthest out in level" in said
    said = drift_file(model, write(tmp_path / "b.tsv", drawn(3, 40) + 5), level=0.1)
    assert "differs from the training split in:\n  level: median " in said
    assert "and 20 others, less far out" in said
    np.testing.assert_allclose(
        load_champion(model).predict_proba(X), load_champion(model).predict_proba(X - 50), atol=1e-5
    )


def test_predict_marks_what_the_champion_marks(model, tmp_path):
    """In its table and in a sentence; in the server's answer too. A series is marked by itself."""
    X = drawn(4, 600)
    X[::100] *= -1
    champion = load_champion(model)
    marks = champion.unlike(X)
    assert marks[::100].all()
    np.testing.assert_array_equal(marks, champion.p_values(X) <= 0.05)
    np.testing.assert_array_equal(np.concatenate([champion.unlike(x[None]) for x in X[:120]]), marks[:120])
    said = predict_file(model, write(tmp_path / "a.tsv", X))
    table = pd.read_csv(tmp_path / "a.predictions.csv")
    assert table["unlike"].tolist() == marks.astype(int).tolist()
    assert f"{marks.sum()} of 600 series are unlike the training series" in said
    found = json.loads(answer.whole([answer.predictions(champion.classes, champion.predict_proba(X), marks)]))
    assert [one["unlike"] for one in found["predictions"]] == marks.tolist()


def test_a_model_that_does_not_tell_marks_nothing(tmp_path):
    folder = package(tmp_path / "m")
    file = write(tmp_path / "a.tsv", drawn(5, 5))
    assert load_champion(folder).unlike(drawn(5, 5)) is None
    assert "unlike" not in predict_file(folder, file)
    assert "unlike" not in pd.read_csv(tmp_path / "a.predictions.csv")
    with pytest.raises(RegistryError, match="does not say what its training series look like"):
        drift_file(folder, file, tmp_path / "b.csv")
    assert not (tmp_path / "b.csv").exists()


def test_too_few_training_series_say_so(tmp_path):
    folder = package(tmp_path / "m", series=drawn(6, 10)[:, None])
    said = drift_file(folder, write(tmp_path / "a.tsv", drawn(7, 30) + 100))
    assert said.startswith(
        "10 training series are too few to mark a series at a level of 0.05: 19 are needed"
    )
    assert "level: median" in said


def test_what_cannot_be_read_or_written_leaves_nothing(model, tmp_path):
    file = write(tmp_path / "a.tsv", drawn(8, 5))
    with file.open("a") as more:
        more.write("1\t2\n")
    with pytest.raises(DataError, match="row 6"):
        drift_file(model, file, tmp_path / "out.csv")
    with pytest.raises(OutputError, match="the file of series itself"):
        drift_file(model, file, file)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tsv"]


def test_a_reference_that_was_changed_is_refused(model, tmp_path):
    copy = shutil.copytree(model, tmp_path / "m")
    content = bytearray((copy / REFERENCE).read_bytes())
    content[500] ^= 1
    (copy / REFERENCE).write_bytes(content)
    with pytest.raises(UntrustedModelError, match="is damaged"):
        load_champion(copy)
    other = load_champion(package(tmp_path / "other", shape=(1, 21), series=np.ones((4, 1, 21))))
    other.reference.save(copy / REFERENCE)
    with pytest.raises(UntrustedModelError, match="is damaged"):
        load_champion(copy)


def test_a_registered_champion_brings_what_its_training_split_looks_like(finished):
    """Level and spread against NumPy, from the raw file."""
    workspace, ucr = finished
    champion = load_champion("Bumps", workspace=workspace.root)
    raw = np.loadtxt(ucr / "Bumps/Bumps_TRAIN.tsv", usecols=range(1, 21))
    made = champion.reference
    assert len(made.statistics) == len(made.farthest) == 24
    typical = np.median(raw.std(axis=1))
    level = (raw.mean(axis=1) - np.median(raw.mean(axis=1))) / typical
    np.testing.assert_allclose(made.statistics[:, 0], level, atol=0.006)
    np.testing.assert_allclose(made.statistics[:, 1], np.log(raw.std(axis=1) / typical), atol=0.006)
    again = Reference.load(workspace.reference("Bumps"), champion.preprocessing)
    np.testing.assert_array_equal(again.statistics, made.statistics)
