"""The page that explains a trained network: a registered model, or the best run in a study's folders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lstmfcn.classifiers.table import architecture_of
from lstmfcn.data.fitting import read_for
from lstmfcn.data.layout import Layout
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.series import Split
from lstmfcn.environment import load_backend
from lstmfcn.errors import DataError, RegistryError
from lstmfcn.evaluation.evidence import with_evidence
from lstmfcn.evaluation.metrics import DEFAULT, metric_named
from lstmfcn.files import member, write_arrays, write_text
from lstmfcn.report.drawn_series import (
    MOST_CHANNELS,
    MOST_SERIES,
    Drawn,
    caption,
    draw_series,
    typical_series,
)
from lstmfcn.report.explanation import draw_attention, sentences
from lstmfcn.report.html import render
from lstmfcn.runs.outputs import check_split, read_output, trained_on
from lstmfcn.runs.ranking import rank
from lstmfcn.runs.run import WEIGHTS_FILE, Run
from lstmfcn.workspace import Workspace

if TYPE_CHECKING:  # Keras comes with it
    import keras

    from lstmfcn.explain import Explanation, Subject


def best_run(
    workspace: Workspace, dataset: str, models: Iterable[str] | None = None, *, metric: str = DEFAULT
) -> tuple[Run, Path]:
    """Return the run with the best evidence among those trained on a dataset's own split, and its folder.

    Parameters
    ----------
    workspace, dataset
        Whose runs.
    models
        Of which classifiers; None for all.
    metric
        By which metric, out of fold.

    Raises
    ------
    RegistryError
        If none of them is trained.
    """
    wanted = None if models is None else set(models)
    found = {
        run.key: (with_evidence(workspace, run), run.identity.folder(workspace))
        for run in trained_on(workspace, dataset)
        if (wanted is None or run.identity.classifier in wanted) and WEIGHTS_FILE in run.artifacts
    }
    if not found:
        named = " or ".join(sorted(wanted or ())) or "model"
        raise RegistryError(f"{dataset} has no trained {named} in {workspace.root}. Run `dvc repro`.")
    return found[rank((run for run, _ in found.values()), metric_named(metric))[0].key]


def explain_run(workspace: Workspace, run: Run, train: Split) -> Explanation:
    """Explain what the network of a run does with the series it was trained on.

    Parameters
    ----------
    workspace, run
        The run, and where it lies with its weights.
    train
        The prepared training split.

    Raises
    ------
    DataError
        If the weights are not as the run left them, and the cache does not hold them.
    """
    preprocessing = Preprocessing.load(workspace.preprocessing(run.identity.dataset))
    network = _network(workspace, run, train)
    from lstmfcn.explain import Subject

    return _explained(Subject(run.name, train.classes, preprocessing, network), train.X, y=train.y)


def _network(workspace: Workspace, run: Run, train: Split) -> keras.Model:
    load_backend("tensorflow")
    from lstmfcn.classifiers.outcome import unpack_weights
    from lstmfcn.classifiers.phase1 import network_for
    from lstmfcn.training.weights import set_weights

    weights = unpack_weights(read_output(workspace, run, WEIGHTS_FILE))
    architecture = architecture_of(run.identity.classifier, run.params)
    model = network_for(train, architecture, seed=run.identity.seed)
    set_weights(model, weights)
    return model


def trained(workspace: Workspace, dataset: str, models: Iterable[str], *, metric: str = DEFAULT) -> Subject:
    """Return the best trained network of a dataset in the study's own folders; see `best_run`.

    Raises
    ------
    RegistryError
        If none of the networks is trained.
    DataError
        If what it left was changed.
    """
    run, _ = best_run(workspace, dataset, models, metric=metric)
    train = _training_split(workspace, dataset)
    check_split(workspace, run, train.hash)
    network = _network(workspace, run, train)
    preprocessing = Preprocessing.load(workspace.preprocessing(dataset))
    from lstmfcn.explain import Subject

    return Subject(run.name, train.classes, preprocessing, network, train.hash)


def explain_training_split(subject: Subject, workspace: Workspace, dataset: str, target: Path) -> str:
    """Explain what a network does with the series it was trained on; write `index.html`, `explanation.npz`.

    A typical series of each class is drawn. Returns a sentence for people.

    Raises
    ------
    RegistryError, DataError
        If the study does not hold these series. Nothing is written then.
    """
    path = member(workspace.train_splits, f"{dataset}.npz")
    if subject.data is None or not path.exists():
        raise RegistryError(
            f"The series that {subject.name} was trained on are not here. Name a file of series."
        )
    train = Split.load(path)
    if train.hash != subject.data:
        raise DataError(
            f"{path} is not what {subject.name} was trained on: its SHA-256 differs. Name a file of series."
        )
    explanation = _explained(subject, train.X, y=train.y)
    drawn = [Drawn(i) for i in typical_series(explanation)]
    return _write(subject, explanation, drawn, target, f"the training split of {dataset}")


def explain_file(
    subject: Subject,
    file: Path,
    target: Path,
    *,
    rows: Sequence[int] = (),
    layout: Layout | None = None,
) -> str:
    """Explain what a network does with the series of a file; write `index.html` and `explanation.npz`.

    Parameters
    ----------
    subject
        The network.
    file
        Series in any format that `read_series` knows.
    target
        The folder to write to.
    rows
        The lines of the file whose series are drawn, at most `MOST_SERIES`; none: a typical one a class.
    layout
        What is known of the file's layout; the rest is found out.

    Returns
    -------
    str
        A sentence for people.

    Raises
    ------
    DataError
        If the file is at fault, or has no such rows. Nothing is written then.
    """
    if len(rows) > MOST_SERIES:
        raise DataError(f"{len(rows)} series are more than a page draws: name {MOST_SERIES} at most.")
    preprocessing = subject.preprocessing
    given = read_for(file, preprocessing, subject.name, classes=subject.classes, layout=layout)
    at = {int(row): i for i, row in enumerate(given.rows)}
    if unknown := [row for row in rows if row not in at]:
        raise DataError(
            f"{file} has no series in row {unknown[0]}: its {len(at)} series stand in the rows {min(at)} to "
            f"{max(at)}."
        )
    equal = preprocessing.equalise(given.X, lengths=given.lengths, places=given.places)
    X = preprocessing.apply(equal, places=given.places)
    y = None
    if given.labels is not None:
        index = {label: k for k, label in enumerate(subject.classes)}
        y = np.array([index.get(label, -1) for label in given.labels.tolist()], np.int64)
    answers = None if subject.answer is None else subject.answer(equal)
    explanation = _explained(subject, X, y=y, answers=answers, row=given.rows)
    ends = given.ends()
    picked = [at[row] for row in rows] or typical_series(explanation)
    drawn = [Drawn(i, given.X[i, :, : ends[i]]) for i in picked]
    return _write(subject, explanation, drawn, target, file.name)


def _explained(
    subject: Subject,
    X: NDArray[np.float32],
    *,
    y: NDArray[np.int64] | None,
    answers: NDArray[np.float32] | None = None,
    row: NDArray[np.int64] | None = None,
) -> Explanation:
    from lstmfcn.explain import explain

    predicted = None if answers is None else answers.argmax(axis=1)
    return explain(subject.network, X, classes=subject.classes, predicted=predicted, y=y, row=row)


def _write(
    subject: Subject, explanation: Explanation, drawn: Sequence[Drawn], target: Path, source: str
) -> str:
    limit = max((float(np.abs(explanation.maps[one.index]).max()) for one in drawn), default=0) or 1
    page = render(
        "explanation.html.j2",
        name=subject.name,
        n_series=len(explanation.X),
        source=source,
        sentences=sentences(explanation),
        figures=[
            (caption(explanation, one.index), draw_series(explanation, one, limit=limit)) for one in drawn
        ],
        n_channels=subject.preprocessing.n_channels,
        most_channels=MOST_CHANNELS,
        attention=draw_attention(explanation, f"{subject.name}: attention by class"),
        arrays=list(explanation.arrays()),
    )
    write_arrays(target / "explanation.npz", explanation.arrays())
    write_text(target / "index.html", page)
    return (
        f"{subject.name}, {len(explanation.X)} series, {len(drawn)} of them drawn: {target / 'index.html'} "
        f"and {target / 'explanation.npz'}"
    )


def _training_split(workspace: Workspace, dataset: str) -> Split:
    return Split.load(member(workspace.train_splits, f"{dataset}.npz"))
