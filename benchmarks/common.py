"""What the benchmarks share: the archive's splits, and results that say of which commit they are."""

import datetime
import os
from pathlib import Path

import numpy as np

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.readers import read_series
from lstmfcn.pipeline.commit import commit_of

RESULTS = Path(__file__).parent / "results"


def load(dataset, split):
    """Return normalised series and classes of one split, from LSTMFCN_UCR_DIR."""
    found = read_series(Path(os.environ["LSTMFCN_UCR_DIR"], dataset, f"{dataset}_{split}.tsv"))
    _, y = np.unique(found.labels, return_inverse=True)
    return Preprocessing.fit(found.X, normalise="per_series").apply(found.X), y.astype(np.int64)


def keep(table, name):
    """Add a table's rows to `results/NAME.csv`, with commit and date."""
    path = RESULTS / f"{name}.csv"
    RESULTS.mkdir(exist_ok=True)
    marked = table.assign(
        commit=commit_of(RESULTS.parent.parent) or "unknown", date=datetime.date.today().isoformat()
    )
    marked.to_csv(path, mode="a", header=not path.exists(), index=False)
