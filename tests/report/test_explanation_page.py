"""`lstmfcn explain`: the page and the arrays, of the training split or of a file, of any model there is."""

import re

import numpy as np
import pytest

from lstmfcn.data.series import Split
from lstmfcn.errors import DataError, RegistryError
from lstmfcn.report import drawn_series
from lstmfcn.report.drawn_series import MOST_POINTS, Drawn, draw_series, thinned
from lstmfcn.report.explanation import draw_attention, sentences
from lstmfcn.report.explanation_page import (
    best_run,
    explain_file,
    explain_run,
    explain_training_split,
    trained,
)
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.explained import registered_subject
from lstmfcn.tracking.registry.download import pull
from untrained import package

NETWORKS = ["lstm_fcn", "alstm_fcn"]


def arrays_of(folder):
    with np.load(folder / "explanation.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def subjects(finished, tmp_path_factory):
    """Return the champion as it is registered, pulled, and as the best run in the study's folders."""
    workspace, _ = finished
    folder = pull(workspace, "Bumps", tmp_path_factory.mktemp("pulled") / "model")
    return {
        "registered": registered_subject("Bumps", workspace=workspace.root),
        "pulled": registered_subject(folder),
        "trained": trained(workspace, "Bumps", NETWORKS),
    }


def test_every_way_to_a_model_gives_the_same_explanation(finished, subjects, tmp_path):
    """The pipeline's champion is the best run: its weights come from the store, a folder, or the study."""
    file = finished[1] / "Bumps/Bumps_TEST.tsv"
    for name, subject in subjects.items():
        said = explain_file(subject, file, tmp_path / name)
        assert said.startswith(f"{subject.name}, 15 series, 3 of them drawn")
    expected = arrays_of(tmp_path / "trained")
    for name in ("registered", "pulled"):
        found = arrays_of(tmp_path / name)
        assert found.keys() == expected.keys()
        for key, array in found.items():
            if array.dtype.kind == "f":
                np.testing.assert_allclose(array, expected[key], atol=1e-5)
            else:
                np.testing.assert_array_equal(array, expected[key])


def test_what_is_explained_is_what_is_predicted(finished, subjects, tmp_path):
    """By the champion; and the means of the maps, with the other branch and the bias, are its log odds."""
    workspace, ucr = finished
    champion = load_champion("Bumps", workspace=workspace.root)
    file = ucr / "Bumps/Bumps_TEST.tsv"
    explain_file(subjects["pulled"], file, tmp_path)
    found = arrays_of(tmp_path)
    X = np.loadtxt(file, usecols=range(1, 21))[:, None]
    probabilities = champion.predict_proba(X)
    np.testing.assert_array_equal(found["predicted"], probabilities.argmax(axis=1))
    bias = subjects["pulled"].network.get_layer("logits").get_weights()[1]
    scores = found["maps"].mean(axis=2) + found["recurrent"] + bias
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), probabilities, atol=1e-5)
    assert found["row"].tolist() == list(range(1, 16))


def test_the_training_split_is_explained_where_it_is_the_models_own(finished, subjects, tmp_path):
    workspace, _ = finished
    train = Split.load(workspace.train_splits / "Bumps.npz")
    for name in ("registered", "trained"):
        explain_training_split(subjects[name], workspace, "Bumps", tmp_path / name)
        found = arrays_of(tmp_path / name)
        np.testing.assert_array_equal(found["X"], train.X)
        np.testing.assert_array_equal(found["y"], train.y)
        assert found["classes"].tolist() == ["a", "b", "c"]
        assert found["maps"].shape == (24, 3, 20)
    with pytest.raises(RegistryError, match=r"are not here\. Name a file"):
        explain_training_split(subjects["pulled"], workspace, "Bumps", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_series_has_its_explanation_whatever_stands_beside_it(finished, subjects, tmp_path):
    """Raw values, shifted and scaled, in another order, without labels: the same maps, by their rows."""
    file = finished[1] / "Bumps/Bumps_TEST.tsv"
    explain_file(subjects["pulled"], file, tmp_path / "a")
    X = np.loadtxt(file, usecols=range(1, 21))
    order = np.random.default_rng(0).permutation(15)[:11]
    np.savetxt(tmp_path / "bare.tsv", 3 * X[order] - 7, delimiter="\t")
    explain_file(subjects["pulled"], tmp_path / "bare.tsv", tmp_path / "b")
    whole, part = arrays_of(tmp_path / "a"), arrays_of(tmp_path / "b")
    assert "y" not in part
    np.testing.assert_allclose(part["maps"], whole["maps"][order], atol=1e-3)
    np.testing.assert_array_equal(part["predicted"], whole["predicted"][order])


def test_the_rows_that_are_named_are_drawn_and_no_others(finished, subjects, tmp_path):
    lines = (finished[1] / "Bumps/Bumps_TEST.tsv").read_text().splitlines()
    file = tmp_path / "gaps.csv"  # empty lines: rows are those of the file
    file.write_text("\n\n".join(lines).replace("\t", ",").replace("b,", "strange,"))
    explain_file(subjects["pulled"], file, tmp_path / "page", rows=[5, 1, 3])
    page = (tmp_path / "page/index.html").read_text()
    captions = re.findall("<h2>(.*?)</h2>", page)
    assert [caption.split(":")[0] for caption in captions] == ["Row 5", "Row 1", "Row 3"]
    assert captions[2].endswith("with a label that is no class")
    assert captions[1].endswith("labelled a")
    assert arrays_of(tmp_path / "page")["row"].tolist() == list(range(1, 30, 2))
    assert arrays_of(tmp_path / "page")["y"][:3].tolist() == [0, -1, 2]


def test_a_page_does_not_grow_with_the_file(subjects, tmp_path):
    """1,000 series: six of them are drawn at most, and the arrays have all."""
    rng = np.random.default_rng(0)
    pages = []
    for n in (30, 1000):
        np.savetxt(tmp_path / "many.csv", rng.normal(size=(n, 20)), delimiter=",")
        explain_file(subjects["pulled"], tmp_path / "many.csv", tmp_path / str(n))
        pages.append((tmp_path / str(n) / "index.html").stat().st_size)
        assert len(arrays_of(tmp_path / str(n))["maps"]) == n
    assert max(pages) < 200_000
    with pytest.raises(DataError, match="21 series are more than a page draws: name 20 at most"):
        explain_file(subjects["pulled"], tmp_path / "many.csv", tmp_path / "x", rows=range(1, 22))


def test_a_long_line_keeps_its_peaks_and_few_points():
    values = np.random.default_rng(0).normal(size=100_000)
    values[[0, 54_321]] = [-50, 50]
    values[20_000:30_000] = np.nan
    steps, kept = thinned(values)
    assert len(steps) <= MOST_POINTS
    assert (np.diff(steps) > 0).all()
    np.testing.assert_array_equal(kept, values[steps])
    assert (np.nanmin(kept), np.nanmax(kept)) == (-50, 50)
    assert np.isnan(kept).any()
    np.testing.assert_array_equal(thinned(values[:9])[1], values[:9])


@pytest.mark.parametrize(
    ("policies", "series", "panels"),
    [
        ({}, lambda X: X, 6),
        ({"missing": "mask"}, lambda X: np.where(np.arange(20) == 7, np.nan, X), 9),
        ({"lengths": "pad"}, lambda X: np.where(np.arange(20) > 12, np.nan, X), 6),
        *(
            pytest.param(*given, 6, marks=pytest.mark.exhaustive)
            for given in (
                ({"missing": "interpolate"}, lambda X: np.where(np.arange(20) == 7, np.nan, X)),
                ({"lengths": "resample"}, lambda X: np.repeat(X, 2, axis=-1)),
            )
        ),
    ],
    ids=["strict", "mask", "pad", "interpolate", "resample"],
)
def test_every_channel_is_drawn_as_given_and_as_prepared(tmp_path, monkeypatch, policies, series, panels):
    """Three channels, by each policy: on the left the lines of the file, on the right the prepared ones."""
    figures = []
    monkeypatch.setattr(drawn_series, "svg_of", lambda figure, _: figures.append(figure) or "<svg></svg>")
    folder = package(tmp_path / "model", shape=(3, 20), policies=policies)
    X = series(np.random.default_rng(0).normal(5, 2, size=(6, 3, 20)))
    np.savez(tmp_path / "x.npz", X=X, y=np.array(list("abcabc")))
    subject = registered_subject(folder)
    explain_file(subject, tmp_path / "x.npz", tmp_path / "page", rows=[2])
    prepared = subject.preprocessing.apply(X)[1]
    np.testing.assert_array_equal(arrays_of(tmp_path / "page")["X"][1], prepared)
    (figure,) = figures
    *shown, _bar = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == panels
    raw = [axes.lines[0].get_ydata() for axes in shown if axes.lines]
    coloured = [axes.collections[0].get_segments() for axes in shown if axes.collections]
    given = ~np.isnan(X[1, 0]) if "lengths" in policies else slice(None)
    np.testing.assert_array_equal(raw, X[1][:, given])
    for pieces, line in zip(coloured, prepared, strict=True):
        points = [pieces[0][0], *(piece[-1] for piece in pieces)]
        np.testing.assert_allclose(np.array(points)[:, 1], line[~np.isnan(line)], atol=1e-6)


def test_what_was_given_as_the_network_sees_it_is_drawn_once(tmp_path):
    folder = package(tmp_path / "model", normalise="none")
    np.savetxt(tmp_path / "x.csv", np.random.default_rng(0).normal(size=(3, 20)), delimiter=",")
    explain_file(registered_subject(folder), tmp_path / "x.csv", tmp_path / "page", rows=[1])
    assert "as given" not in (tmp_path / "page/index.html").read_text()


def test_one_annotation_is_said_and_not_drawn(finished):
    workspace, _ = finished
    run, _ = best_run(workspace, "Bumps", ["alstm_fcn"])
    explanation = explain_run(workspace, run, Split.load(workspace.train_splits / "Bumps.npz"))
    assert draw_attention(explanation, "attention") == ""
    assert any("weight is 1" in sentence for sentence in sentences(explanation))
    assert explanation.weights.shape == (24, 1, 1)
    assert draw_series(explanation, Drawn(0), limit=1.0).startswith("<svg")


@pytest.mark.parametrize(
    ("content", "rows", "message"),
    [
        ("a" + "\t1" * 25 + "\n", [], "row 1: 26 columns"),
        ("a" + "\t1" * 19 + "\tnan\n", [], "row 1: a missing"),
        ("a" + "\t1" * 20 + "\n", [2], "has no series in row 2: its 1 series stand in the rows 1 to 1"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_and_nothing_written(subjects, tmp_path, content, rows, message):
    file = tmp_path / "series.tsv"
    file.write_text(content)
    with pytest.raises(DataError, match=message):
        explain_file(subjects["pulled"], file, tmp_path / "out", rows=rows)
    assert not (tmp_path / "out").exists()


def test_what_is_not_trained_is_said(finished):
    with pytest.raises(RegistryError, match="Bumps has no trained fcn"):
        trained(finished[0], "Bumps", ["fcn"])
