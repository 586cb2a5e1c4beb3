"""`lstmfcn explain`: the page and the arrays, of the training split or of a file."""

import numpy as np
import pytest

from lstmfcn.data.series import Split
from lstmfcn.errors import DataError, RegistryError
from lstmfcn.report.explanation import draw_attention, sentences
from lstmfcn.report.explanation_page import best_run, explain_run, explain_to_folder


def explained(workspace, target, **options):
    options = {"models": ["lstm_fcn", "alstm_fcn"], "file": None} | options
    said = explain_to_folder(workspace, "Bumps", target, **options)
    return said, dict(np.load(target / "explanation.npz"))


def test_the_training_split_is_explained_by_the_run_with_the_best_evidence(finished, tmp_path):
    workspace, _ = finished
    run, _ = best_run(workspace, "Bumps", ["lstm_fcn", "alstm_fcn"])
    said, arrays = explained(workspace, tmp_path)
    train = Split.load(workspace.train_splits / "Bumps.npz")
    assert said.startswith(f"{run.name}, 24 series")
    np.testing.assert_array_equal(arrays["X"], train.X)
    np.testing.assert_array_equal(arrays["y"], train.y)
    assert arrays["classes"].tolist() == ["a", "b", "c"]
    assert arrays["maps"].shape == (24, 3, 20)
    page = (tmp_path / "index.html").read_text()
    assert run.name in page
    assert "<svg" in page


def test_a_file_is_explained_as_it_would_be_predicted(finished, tmp_path):
    """Raw values, shifted and scaled, without labels: normalised as in training, to the same maps."""
    workspace, ucr = finished
    _, labelled = explained(workspace, tmp_path / "a", file=ucr / "Bumps/Bumps_TEST.tsv")
    assert labelled["y"].shape == (15,)
    bare = tmp_path / "bare.tsv"
    rows = np.loadtxt(ucr / "Bumps/Bumps_TEST.tsv", usecols=range(1, 21))
    np.savetxt(bare, 3 * rows - 7, delimiter="\t")
    _, arrays = explained(workspace, tmp_path / "b", file=bare)
    assert "y" not in arrays
    np.testing.assert_allclose(arrays["maps"], labelled["maps"], atol=1e-3)
    np.testing.assert_array_equal(arrays["predicted"], labelled["predicted"])


def test_one_annotation_is_said_and_not_drawn(finished):
    workspace, _ = finished
    run, _ = best_run(workspace, "Bumps", ["alstm_fcn"])
    explanation = explain_run(workspace, run, Split.load(workspace.train_splits / "Bumps.npz"))
    assert draw_attention(explanation, "attention") == ""
    assert any("weight is 1" in sentence for sentence in sentences(explanation))
    assert explanation.weights.shape == (24, 1, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [("a" + "\t1" * 25 + "\n", "row 1: 26 columns"), ("a" + "\t1" * 19 + "\tnan\n", "row 1: a missing")],
)
def test_a_file_that_does_not_fit_is_refused_and_nothing_written(finished, tmp_path, content, message):
    file = tmp_path / "series.tsv"
    file.write_text(content)
    with pytest.raises(DataError, match=message):
        explained(finished[0], tmp_path / "out", file=file)
    assert not (tmp_path / "out").exists()


def test_what_is_not_trained_is_said(finished, tmp_path):
    with pytest.raises(RegistryError, match="Bumps has no trained fcn"):
        explained(finished[0], tmp_path / "out", models=["fcn"])
