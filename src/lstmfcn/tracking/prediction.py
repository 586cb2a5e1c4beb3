"""Predicting the series of a file, however large."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

from lstmfcn.data.fitting import read_batches_for
from lstmfcn.data.layout import Layout
from lstmfcn.data.textfile import GZIP, kind_of, opened
from lstmfcn.errors import LstmfcnError
from lstmfcn.evaluation.scores import binomial_interval
from lstmfcn.files import atomic_path
from lstmfcn.runs.predictions import Predictions
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.measured import Measured

FIRST, PAUSE = 4.0, 10.0
"""Seconds until the first word of progress, and between two."""

NAMED = 10
"""How many labels that the model does not know are named."""


class OutputError(LstmfcnError):
    """Predictions cannot be written to where they are to go."""


def predict_file(
    source: str | Path,
    file: Path,
    target: Path | None = None,
    *,
    alias: str = "champion",
    workspace: Path = Path(),
    verify_key: Path | None = None,
    layout: Layout | None = None,
    progress: Callable[[str], None] | None = None,
) -> str:
    """Predict each series of a file and write a CSV of labels and probabilities.

    Series are read, predicted and written batch by batch, in bounded memory.

    Parameters
    ----------
    source, alias, workspace, verify_key
        Which model: see `load_champion`.
    file
        Series in any format that `read_series` knows, with or without labels.
    target
        The table of `lstmfcn.runs.predictions`: a row a series, with its line in `file`, its label if
        there is one, the predicted label, and a column `p:<label>` for each class. It is there when all is
        done, and not before. None: `<name of the file>.predictions.csv` beside it.
    layout
        What is known of the file's layout; the rest is found out.
    progress
        Called with a line of text every few seconds, where it takes longer.

    Returns
    -------
    str
        For people: how many series, and, if there are labels, the accuracy, every other metric with its
        interval, the sensitivity of each class, and whether always naming one class would do as well.

    Raises
    ------
    DataError
        If the file is at fault; nothing is written then.
    OutputError
        If the target is.
    RegistryError, TrackingError, UntrustedModelError, KeyFileError
        If the model is, or the key.
    """
    with opened(file):  # what is missing or no file is said at once, not after the model is loaded
        pass
    target = target or _beside(file)
    _check_output(target, file)
    n_series = 0
    found, unknown = Measured(), set[str]()
    with _opened(target) as sink:
        champion = load_champion(source, alias=alias, workspace=workspace, verify_key=verify_key)
        began = time.monotonic()
        due = began + FIRST
        whose = f"the model of {champion.dataset}"
        for series, share in read_batches_for(
            file, champion.preprocessing, whose, classes=champion.classes, layout=layout
        ):
            predictions = Predictions(
                classes=champion.classes,
                probabilities=champion.predict_proba(series.X, lengths=series.lengths, places=series.places),
                labels=series.labels,
                row=series.rows,
            )
            sink.write(predictions.to_csv(first=n_series + 1))
            n_series += len(series.X)
            if series.labels is not None:
                found.add(predictions)
                if len(unknown) <= NAMED:
                    unknown |= {*series.labels.tolist()} - {*champion.classes}
            if progress and share < 1 and (now := time.monotonic()) >= due:
                due = now + PAUSE
                progress(_told(n_series, share, now - began))
    sentence = f"{n_series} series predicted with the {alias} of {champion.dataset}: {target}"
    if not found.n:
        return sentence
    sentence += f"\naccuracy {found.accuracy:.4f} ({found.n_right} of {found.n} labels), "
    sentence += "95 % interval {:.4f} to {:.4f}".format(*binomial_interval(found.n_right, found.n))
    if unknown:
        more = ", ..." if len(unknown) > NAMED else ""
        sentence += f"; the model does not know {', '.join(sorted(unknown)[:NAMED])}{more}"
    return "\n".join([sentence, *found.told(champion.classes, champion.majority_rate)])


def _beside(file: Path) -> Path:
    """Return where the predictions of a file go if nobody says: of `a.tsv.gz` to `a.predictions.csv`."""
    plain = file.with_suffix("") if file.suffix == GZIP else file
    return file.with_name(f"{plain.stem}.predictions.csv")


def _told(n_series: int, share: float, seconds: float) -> str:
    """Return how far it is, and how long it will go on at this pace."""
    left = timedelta(seconds=round(seconds * (1 - share) / share))
    return f"{n_series:,} series ({share:.0%} of the file), {n_series / seconds:,.0f} a second, {left} left"


def _check_output(target: Path, source: Path) -> None:
    """Refuse a target that is no file, may not be written, or is what is read, by whatever name."""
    try:
        kind = kind_of(target)
        same = target.samefile(source)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror}. Name another file.") from None
    if kind is not None:
        raise OutputError(f"{target} is {kind}. Name a file for the predictions.")
    if same:
        raise OutputError(f"{target} is the file of series itself. Name another file for the predictions.")
    if not os.access(target, os.W_OK):
        raise OutputError(f"{target} may not be written. Name another file, or change its permissions.")


@contextmanager
def _opened(target: Path) -> Iterator[BinaryIO]:
    """Open a file that gets its name at the end; where it does not come to that, nothing is left of it."""
    real = Path(os.path.realpath(target))  # a link stays one
    new: list[Path] = []
    try:
        with ExitStack() as stack:
            try:
                new += takewhile(lambda folder: not folder.exists(), real.parents)
                sink = stack.enter_context(stack.enter_context(atomic_path(real)).open("wb"))
            except OSError as error:
                raise OutputError(
                    f"{target} cannot be written: {error.strerror}. Name a file in a folder where you may."
                ) from None
            yield sink
    except BaseException:
        for folder in new:
            with suppress(OSError):
                folder.rmdir()
        raise
