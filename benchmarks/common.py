"""What the benchmarks share: the archive's splits, and results that say of which commit they are."""

import datetime
import os
from pathlib import Path

import numpy as np
import pandas as pd

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.readers import read_series
from lstmfcn.pipeline.commit import commit_of
from lstmfcn.runs.run import WEIGHTS_FILE, Run

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


def made_up(identity, job, *, epochs, size):
    """Return the files of a run as `train` leaves it: metrics, a history, so many bytes of weights."""
    rng = np.random.default_rng(identity.seed)
    columns = {name: rng.random(epochs) for name in ("loss", "accuracy", "learning_rate")}
    history = pd.DataFrame(columns, index=pd.RangeIndex(1, epochs + 1, name="epoch")).to_csv().encode()
    run = Run(
        identity=identity,
        job=job,
        protocol="honest",
        data="0" * 64,
        params={f"p{i}": i for i in range(25)},
        metrics={f"oof_{name}": 0.5 for name in ("accuracy", "log_loss", "macro_f1", "auroc")},
        history="history.csv",
        artifacts=(WEIGHTS_FILE, "history.csv"),
    )
    return run.with_files({WEIGHTS_FILE: rng.bytes(size), "history.csv": history})
