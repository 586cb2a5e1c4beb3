"""Predicting the series of a file."""

from __future__ import annotations

from pathlib import Path

from lstmfcn.data.readers import read_fitting
from lstmfcn.errors import DataError
from lstmfcn.files import write_bytes
from lstmfcn.runs.predictions import Predictions
from lstmfcn.tracking.champion import load_champion


def predict_file(
    source: str | Path, file: Path, target: Path, *, alias: str = "champion", workspace: Path = Path()
) -> str:
    """Predict each series of a file and write a CSV of labels and probabilities.

    Parameters
    ----------
    source, alias, workspace
        Which model: see `load_champion`.
    file
        Series in any format that `read_series` knows, with or without labels.
    target
        The table of `lstmfcn.runs.predictions`: a row a series, with its line in `file`, its label if
        there is one, the predicted label, and a column `p:<label>` for each class.

    Returns
    -------
    str
        A sentence for people: how many series, and the accuracy if there are labels.

    Raises
    ------
    DataError
        If the file is at fault; nothing is written then.
    RegistryError, TrackingError
        If the model is.
    """
    if not file.is_file():
        raise DataError(f"{file} is missing: name a file of series.")
    champion = load_champion(source, alias=alias, workspace=workspace)
    series = read_fitting(file, champion.shape, f"the model of {champion.dataset}")
    predictions = Predictions(
        classes=champion.classes,
        probabilities=champion.predict_proba(series.X),
        labels=series.labels,
        row=series.rows,
    )
    write_bytes(target, predictions.to_csv())
    n = len(series.X)
    sentence = f"{n} series predicted with the {alias} of {champion.dataset}: {target}"
    if series.labels is not None:
        right = int((predictions.predicted == series.labels).sum())
        sentence += f"\naccuracy {right / n:.4f} ({right} of {n} labels)"
        unknown = sorted(set(series.labels) - set(champion.classes))
        if unknown:
            sentence += f"; the model does not know {', '.join(unknown)}"
    return sentence
