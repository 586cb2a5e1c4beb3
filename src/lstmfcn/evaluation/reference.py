"""The paper's printed tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lstmfcn.errors import DataError

TABLE1_METHODS = ("existing_sota", "lstm_fcn", "ft_lstm_fcn", "alstm_fcn", "ft_alstm_fcn")

PAPER_COLUMN = {
    ("lstm_fcn", "phase1"): "lstm_fcn",
    ("lstm_fcn", "finetuned"): "ft_lstm_fcn",
    ("alstm_fcn", "phase1"): "alstm_fcn",
    ("alstm_fcn", "finetuned"): "ft_alstm_fcn",
}
"""The column of Table I for a model and phase of ours; it has none for `fcn`."""


def load_table1(path: Path) -> pd.DataFrame:
    """Read Table I: accuracies of five methods on 85 datasets.

    Returns
    -------
    pandas.DataFrame
        By dataset (name of the 2018 edition): name_in_paper, n_classes, the `TABLE1_METHODS`, and
        split_sizes_swapped_2015_2018 (bool).

    Raises
    ------
    DataError
        If the file is missing or lacks a column.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}. Restore it: git checkout {path}.") from error
    expected = ["dataset", "name_in_paper", "n_classes", *TABLE1_METHODS, "split_sizes_swapped_2015_2018"]
    if missing := sorted(set(expected) - set(table.columns)):
        raise DataError(f"{path} lacks {', '.join(missing)}. Restore it: git checkout {path}.")
    table["split_sizes_swapped_2015_2018"] = table["split_sizes_swapped_2015_2018"].astype(bool)
    return table.set_index("dataset")
