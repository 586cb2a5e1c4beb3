"""`prepare`: encode the labels and preprocess the series of each dataset that passed validation.

Each further resample is prepared like the dataset's own split: by what its own training series say.

Here alone the exception to the rule of evidence is opened: where the recipe selects on the test split
(`protocol: paper`), the test splits are laid out a second time, for the stages that train and choose.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lstmfcn.config import Params
from lstmfcn.data.catalogue import lookup
from lstmfcn.data.collection import read_dataset
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.reference import Reference
from lstmfcn.data.resamples import obstacle, resampled
from lstmfcn.data.series import LabelledSeries, Split, encode_labels
from lstmfcn.errors import DataError
from lstmfcn.files import read_json, write_text
from lstmfcn.pipeline.progress import say
from lstmfcn.workspace import Workspace

HONEST = "Nothing is selected on the test split: this folder is empty.\n"
SELECTED = "Test splits. Weights and cells are selected on them, as the paper did: never promoted.\n"


def run(workspace: Workspace, params: Params) -> None:
    """Write the splits of each dataset, and what its own first looks like, into the folder of their kind."""
    selects = params.train.criterion == "test_accuracy"
    write_text(workspace.selection_splits / "README", SELECTED if selects else HONEST)
    try:
        outcomes = {verdict["dataset"]: verdict["outcome"] for verdict in read_json(workspace.verdicts)}
    except FileNotFoundError:
        raise DataError(f"{workspace.verdicts} is missing. Run `dvc repro validate`.") from None
    sound = [dataset for dataset in params.datasets if outcomes.get(dataset) in ("passed", "warned")]
    if not sound:
        raise DataError(f"No dataset passed validation: {workspace.verdicts} says why.")
    splits = workspace.train_splits, workspace.test_splits, workspace.selection_splits
    for kind in (*splits, workspace.references):
        _clear(kind, () if kind == workspace.selection_splits and not selects else sound)
    for dataset in sound:
        raw = read_dataset(workspace.raw / dataset)
        entry = lookup(dataset)
        if params.prepare.edition == 2015 and entry is not None and entry.split_sizes_swapped:
            raw = raw[::-1]
        policies = params.prepare.policies(dataset)
        why_not = obstacle(*raw, policies) if params.resamples > 1 else ""
        for number in range(1 if why_not else params.resamples):
            series = resampled(*raw, number)
            train, test, preprocessing = split(*series, normalise=params.prepare.normalise, **policies)
            preprocessing.save(workspace.preprocessing(dataset, number))
            train.save(workspace.train_split(dataset, number))
            test.save(workspace.test_split(dataset, number))
            if selects:
                test.save(workspace.selection_split(dataset, number))
            if not number:
                equal = preprocessing.equalise(raw[0].X, lengths=raw[0].lengths)
                Reference.fit(equal, preprocessing).save(workspace.reference(dataset))
                _tell(dataset, train, test, preprocessing)
        if why_not:
            say(f"prepare: {dataset} has its own split alone: {why_not}")
        elif params.resamples > 1:
            say(f"prepare: {dataset}, {params.resamples} resamples")


def _clear(kind: Path, sound: Sequence[str]) -> None:
    """Remove what an earlier run has left that is not written anew; DVC has, `lstmfcn prepare` has not."""
    for path in kind.glob("*"):
        if path.is_dir():  # of resamples
            shutil.rmtree(path)
        elif "." in path.name and path.name.split(".")[0] not in sound:
            path.unlink()


def _tell(dataset: str, train: Split, test: Split, preprocessing: Preprocessing) -> None:
    n_train, n_channels, length = train.X.shape
    say(
        f"prepare: {dataset}, {n_train} + {len(test.y)} series of {length} values"
        + (f" in {n_channels} channels" if n_channels > 1 else "")
        + f", {len(train.classes)} classes"
        + ("" if preprocessing.lengths == "refuse" else f"; lengths: {preprocessing.lengths}")
        + ("" if preprocessing.missing == "refuse" else f"; missing values: {preprocessing.missing}")
    )


def split(train: LabelledSeries, test: LabelledSeries, **options: Any) -> tuple[Split, Split, Preprocessing]:
    """Return both splits as models take them, and what was done to their series.

    Labels are encoded by the classes of the training split; the preprocessing is fitted on it, with the
    options of `Preprocessing.fit`.

    Raises
    ------
    DataError
        If the test split has a label that the training split lacks: no model can learn to predict it.
        If the series of the splits differ in shape, or cannot be prepared.
    """
    if train.labels is None or test.labels is None:
        raise DataError(f"{train.path.parent} holds series without labels; training needs them.")
    y, classes = encode_labels(train.labels)
    index = {label: i for i, label in enumerate(classes)}
    for row, label in zip(test.rows, test.labels, strict=True):
        if str(label) not in index:
            raise DataError(
                f"{test.path}, row {row}: the label {label} does not occur in {train.path.name}, whose "
                f"labels are {', '.join(classes[:20])}. Correct the label, or take the series out."
            )
    preprocessing = Preprocessing.fit(train.X, **options)
    X, test_X = (preprocessing.apply(s.X, lengths=s.lengths, places=s.places) for s in (train, test))
    test_y = np.array([index[str(label)] for label in test.labels], dtype=np.int64)
    return (
        Split(X, y, classes, train.groups),
        Split(test_X, test_y, classes, test.groups),
        preprocessing,
    )
