"""The page that explains the best trained network of a dataset."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lstmfcn.classifiers.table import network_named
from lstmfcn.data.fitting import read_for
from lstmfcn.data.layout import Layout
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.series import Split
from lstmfcn.environment import load_backend
from lstmfcn.errors import RegistryError
from lstmfcn.evaluation.evidence import with_evidence
from lstmfcn.evaluation.metrics import DEFAULT, metric_named
from lstmfcn.files import member, write_arrays, write_text
from lstmfcn.report.explanation import draw_activation, draw_attention, sentences
from lstmfcn.report.html import render
from lstmfcn.runs.identity import folders_of
from lstmfcn.runs.outputs import check_split, read_output, runs_in
from lstmfcn.runs.ranking import rank
from lstmfcn.runs.run import WEIGHTS_FILE, Run
from lstmfcn.workspace import Workspace

if TYPE_CHECKING:  # Keras comes with it
    from lstmfcn.explain import Explanation


def best_run(
    workspace: Workspace, dataset: str, models: Iterable[str] | None = None, *, metric: str = DEFAULT
) -> tuple[Run, Path]:
    """Return the run with the best evidence among the trained ones of a dataset, and its folder.

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
        for run in runs_in(workspace, *folders_of(workspace, dataset))
        if (wanted is None or run.identity.classifier in wanted) and WEIGHTS_FILE in run.artifacts
    }
    if not found:
        named = " or ".join(sorted(wanted or ())) or "model"
        raise RegistryError(f"{dataset} has no trained {named} in {workspace.root}. Run `dvc repro`.")
    return found[rank((run for run, _ in found.values()), metric_named(metric))[0].key]


def explain_run(workspace: Workspace, run: Run, series: Split, *, labelled: bool = True) -> Explanation:
    """Explain what the network of a run does with series.

    Parameters
    ----------
    workspace, run
        The run, and where it lies with its weights.
    series
        Prepared series with the dataset's classes.
    labelled
        Whether the classes of the series are known.

    Raises
    ------
    DataError
        If the weights are not as the run left them, and the cache does not hold them.
    """
    load_backend()
    from lstmfcn.classifiers.outcome import unpack_weights
    from lstmfcn.classifiers.phase1 import new_engine
    from lstmfcn.explain import explain
    from lstmfcn.training.weights import set_weights

    weights = unpack_weights(read_output(workspace, run, WEIGHTS_FILE))
    architecture = network_named(run.identity.classifier).architecture_of(run.params)
    engine = new_engine(series, architecture, seed=run.identity.seed)
    set_weights(engine.model, weights)
    return explain(
        engine.model,
        series.X,
        classes=series.classes,
        predicted=engine.predict(series.X).argmax(axis=1),
        y=series.y if labelled else None,
    )


def explain_to_folder(
    workspace: Workspace,
    dataset: str,
    target: Path,
    *,
    models: Iterable[str],
    file: Path | None,
    layout: Layout | None = None,
    metric: str = DEFAULT,
) -> str:
    """Explain the best trained network of a dataset; write `index.html` and `explanation.npz`.

    Parameters
    ----------
    workspace, dataset
        Whose networks.
    target
        The folder to write to.
    models
        Which of them.
    file
        Series in any format that `read_series` knows; None for the training split.
    layout
        What is known of the file's layout; the rest is found out.
    metric
        By which metric the best is chosen.

    Returns
    -------
    str
        A sentence for people.

    Raises
    ------
    DataError, RegistryError
        If the file is at fault, or nothing is trained. Nothing is written then.
    """
    run, _ = best_run(workspace, dataset, models, metric=metric)
    train = Split.load(member(workspace.train_splits, f"{dataset}.npz"))
    check_split(workspace, run, train.hash)
    if file is None:
        series, labelled = train, True
    else:
        series, labelled = _read(file, train, Preprocessing.load(workspace.preprocessing(dataset)), layout)
    explanation = explain_run(workspace, run, series, labelled=labelled)
    page = render(
        "explanation.html.j2",
        name=run.name,
        n_series=len(series.X),
        source=f"the training split of {dataset}" if file is None else file.name,
        sentences=sentences(explanation),
        activation=draw_activation(explanation, f"{run.name}: class activation maps"),
        attention=draw_attention(explanation, f"{run.name}: attention by class"),
        arrays=list(explanation.arrays()),
    )
    write_arrays(target / "explanation.npz", explanation.arrays())
    write_text(target / "index.html", page)
    return f"{run.name}, {len(series.X)} series: {target / 'index.html'} and {target / 'explanation.npz'}"


def _read(
    file: Path, train: Split, preprocessing: Preprocessing, layout: Layout | None
) -> tuple[Split, bool]:
    """Read series and prepare them as the training split was; return whether all labels are known."""
    given = read_for(file, preprocessing, "the network", classes=train.classes, layout=layout)
    index = {label: i for i, label in enumerate(train.classes)}
    labels = [] if given.labels is None else given.labels.tolist()
    known = bool(labels) and all(label in index for label in labels)
    y = np.array([index[label] for label in labels] if known else [0] * len(given.X), dtype=np.int64)
    X = preprocessing.apply(given.X, lengths=given.lengths, places=given.places)
    return Split(X, y, train.classes), known
