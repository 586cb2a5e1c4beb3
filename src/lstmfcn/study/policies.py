"""Which policies the series of a dataset need, and whether those that it has are enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstmfcn.data.preprocessing import Normalise, Preprocessing
from lstmfcn.data.series import LabelledSeries

MANY = 0.1
"""More missing values than this share may say something by themselves."""


def needs(splits: Sequence[LabelledSeries], policies: Mapping[str, Any]) -> list[str]:
    """Say which policies are lacking, and propose one."""
    lengths = np.concatenate([split.ends() for split in splits])
    missing = sum(_n_missing(split) for split in splits)
    of_any_length = policies.get("lengths", "refuse") != "refuse"
    fills = policies.get("missing", "refuse") != "refuse"
    found = []
    # Where no length is given, and missing values are taken, those at the end are missing, too.
    whole = all(split.lengths is None for split in splits) and fills
    if lengths.min() < lengths.max() and not of_any_length and not whole:
        found.append(
            f"The series have {lengths.min()} to {lengths.max()} values, and validation refuses unequal "
            "lengths: say --lengths resample, or pad or truncate (docs/unequal-lengths.md)."
        )
    if missing and not fills:
        policy = (
            "interpolate" if missing < MANY * sum(int(np.isfinite(s.X).sum()) for s in splits) else "mask"
        )
        other = "mask" if policy == "interpolate" else "interpolate"
        found.append(
            f"{missing} value{'s are' if missing > 1 else ' is'} missing, and validation refuses that: say "
            f"--missing {policy}, or {other} (docs/missing-values.md)."
        )
    return found


def prepared(splits: Sequence[LabelledSeries], normalise: Normalise, policies: Mapping[str, Any]) -> str:
    """Make series ready as `prepare` will, fitted on the first split; say what becomes of them."""
    fitted = Preprocessing.fit(splits[0].X, normalise=normalise, **policies)
    for split in splits:
        fitted.equalise(split.X, lengths=split.lengths, places=split.places)
    lengths = "" if fitted.lengths == "refuse" else f"; lengths: {fitted.lengths}, to {fitted.length} values"
    return f"prepared{lengths}" + (
        "" if fitted.missing == "refuse" else f"; missing values: {fitted.missing}"
    )


def _n_missing(split: LabelledSeries) -> int:
    inside = np.arange(split.X.shape[-1]) < split.ends()[:, None, None]
    return int((np.isnan(split.X) & inside).sum())
