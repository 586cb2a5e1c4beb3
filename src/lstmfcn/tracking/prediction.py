"""Predicting the series of a file, however large."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from lstmfcn.data.fitting import read_batches_for
from lstmfcn.data.layout import Layout
from lstmfcn.data.reference import LEVEL
from lstmfcn.data.textfile import GZIP, check_file
from lstmfcn.evaluation.scores import binomial_interval
from lstmfcn.runs.predictions import Predictions
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.drift import sentence
from lstmfcn.tracking.measured import Measured
from lstmfcn.tracking.output import check_output, opened
from lstmfcn.tracking.registry.versions import called

FIRST, PAUSE = 4.0, 10.0
"""Seconds until the first word of progress, and between two."""

NAMED = 10
"""How many labels that the model does not know are named."""


def predict_file(
    source: str | Path,
    file: Path,
    target: Path | None = None,
    *,
    alias: str = "champion",
    version: int | None = None,
    workspace: Path = Path(),
    verify_key: Path | None = None,
    layout: Layout | None = None,
    progress: Callable[[str], None] | None = None,
) -> str:
    """Predict each series of a file and write a CSV of labels and probabilities.

    Series are read, predicted and written batch by batch, in bounded memory.

    Parameters
    ----------
    source, alias, version, workspace, verify_key
        Which model: see `load_champion`.
    file
        Series in any format that `read_series` knows, with or without labels.
    target
        The table of `lstmfcn.runs.predictions`: a row a series, with its line in `file`, its label if
        there is one, the predicted label, whether it looks unlike the training series if the model tells, and
        a column `p:<label>` for each class. It is there when all is done, and not before. None: `<name of the
        file>.predictions.csv` beside it.
    layout
        What is known of the file's layout; the rest is found out.
    progress
        Called with a line of text every few seconds, where it takes longer.

    Returns
    -------
    str
        For people: how many series, and, if there are labels, the accuracy, every other metric with its
        interval, the sensitivity of each class, and whether always naming one class would do as well; and how
        many series look unlike the training series, if the model tells.

    Raises
    ------
    DataError
        If the file is at fault; nothing is written then.
    OutputError
        If the target is.
    RegistryError, TrackingError, UntrustedModelError, KeyFileError
        If the model is, or the key.
    """
    check_file(file)  # what is missing or no file is said at once, not after the model is loaded
    target = target or _beside(file)
    check_output(target, file)
    n_series = n_unlike = 0
    found, unknown = Measured(), set[str]()
    with opened(target) as sink:
        champion = load_champion(
            source, alias=alias, version=version, workspace=workspace, verify_key=verify_key
        )
        began = time.monotonic()
        due = began + FIRST
        whose = f"the model of {champion.dataset}"
        for series, share in read_batches_for(
            file, champion.preprocessing, whose, classes=champion.classes, layout=layout
        ):
            lengths, places = series.lengths, series.places
            predictions = Predictions(
                classes=champion.classes,
                probabilities=champion.predict_proba(series.X, lengths=lengths, places=places),
                unlike=champion.unlike(series.X, lengths=lengths, places=places),
                labels=series.labels,
                row=series.rows,
            )
            sink.write(predictions.to_csv(first=n_series + 1))
            n_series += len(series.X)
            n_unlike += 0 if predictions.unlike is None else int(predictions.unlike.sum())
            if series.labels is not None:
                found.add(predictions)
                if len(unknown) <= NAMED:
                    unknown |= {*series.labels.tolist()} - {*champion.classes}
            if progress and share < 1 and (now := time.monotonic()) >= due:
                due = now + PAUSE
                progress(_told(n_series, share, now - began))
    said = [f"{n_series} series predicted with {called(version or alias)} of {champion.dataset}: {target}"]
    if champion.reference is not None:
        n_known = len(champion.reference.statistics)
        said.append(sentence(n_unlike, n_series, n_known=n_known, level=LEVEL))
    if not found.n:
        return "\n".join(said)
    accuracy = f"accuracy {found.accuracy:.4f} ({found.n_right} of {found.n} labels), "
    accuracy += "95 % interval {:.4f} to {:.4f}".format(*binomial_interval(found.n_right, found.n))
    if unknown:
        more = ", ..." if len(unknown) > NAMED else ""
        accuracy += f"; the model does not know {', '.join(sorted(unknown)[:NAMED])}{more}"
    return "\n".join([*said, accuracy, *found.told(champion.classes, champion.majority_rate)])


def _beside(file: Path) -> Path:
    """Return where the predictions of a file go if nobody says: of `a.tsv.gz` to `a.predictions.csv`."""
    plain = file.with_suffix("") if file.suffix == GZIP else file
    return file.with_name(f"{plain.stem}.predictions.csv")


def _told(n_series: int, share: float, seconds: float) -> str:
    """Return how far it is, and how long it will go on at this pace."""
    left = timedelta(seconds=round(seconds * (1 - share) / share))
    return f"{n_series:,} series ({share:.0%} of the file), {n_series / seconds:,.0f} a second, {left} left"
