"""What somebody should look at before a dataset is added: odd values, lengths and classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lstmfcn.data.series import LabelledSeries
from lstmfcn.data.slips import alike, shown

USUAL = 0.25
"""Up to this share of series of another length is odd; more are series of unequal lengths."""


def odd_values(splits: Sequence[LabelledSeries]) -> list[str]:
    """Say which values are odd: infinite or constant ones, the same series in both splits."""
    odd = []
    for split in splits:
        infinite = np.flatnonzero(np.isinf(split.X).any(axis=(1, 2)))
        if len(infinite):
            odd.append(
                f"{split.places[infinite[0]]}: an infinite value ({len(infinite)} such series). Correct it."
            )
        known = np.isfinite(split.X)
        low = np.where(known, split.X, np.inf).min(axis=-1)
        high = np.where(known, split.X, -np.inf).max(axis=-1)
        flat = np.flatnonzero((low >= high).all(axis=1))
        if len(flat) and split.X.shape[-1] > 1:
            odd.append(f"{split.places[flat[0]]}: a series without change ({len(flat)} such series).")
    here, there = ({x.tobytes() for x in split.X} for split in splits)
    if both := len(here & there):
        odd.append(
            f"{both} series stand in both splits: what is measured on them is too good. Take them out of one."
        )
    return odd


def odd_lengths(splits: Sequence[LabelledSeries]) -> list[str]:
    """Say which series is not as long as nearly all others: it may be cut short.

    In a wide table the cells after its end say so themselves.
    """
    if all(split.lengths is None for split in splits):
        return []
    places = [place for split in splits for place in split.places]
    lengths = np.concatenate([split.ends() for split in splits])
    values, counts = np.unique(lengths, return_counts=True)
    usual = values[counts.argmax()]
    other = np.flatnonzero(lengths != usual)
    if not len(other) or len(other) > USUAL * len(lengths):
        return []
    return [
        f"{places[other[0]]}: {lengths[other[0]]} values, where {counts.max()} of {len(lengths)} series "
        f"have {usual}. Correct it if it is cut short or too long."
    ]


def odd_classes(train: LabelledSeries, test: LabelledSeries) -> list[str]:
    """Say which classes are odd: rare ones, those that look alike, those of the test split alone."""
    assert train.labels is not None
    assert test.labels is not None
    names, counts = np.unique(train.labels, return_counts=True)
    odd = []
    if len(names) == 1:
        odd.append(f"All training series are of one class, {names[0]}: nothing can be learned from them.")
    elif rare := [str(name) for name, n in zip(names, counts, strict=True) if n == 1]:
        odd.append(f"Classes of a single training series: {', '.join(rare[:10])}.")
    every = sorted({*train.labels.tolist(), *test.labels.tolist()})
    if pair := alike(every, numbers=False):
        odd.append(
            f"The labels {shown(pair[0])} and {shown(pair[1])} look alike, but for case, blanks or the "
            "form of letters. If they are one class, spell them alike."
        )
    if lost := [label for label in every if "\ufffd" in label]:
        odd.append(
            f"The label {lost[0]!r} holds U+FFFD, the mark of lost letters. Export the file in UTF-8 from "
            "where it came from."
        )
    if strange := sorted({*test.labels.tolist()} - {*names.tolist()}):
        odd.append(f"{test.path}: labels that {train.path.name} lacks: {', '.join(strange[:10])}.")
    return odd
