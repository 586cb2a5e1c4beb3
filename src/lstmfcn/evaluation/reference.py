"""Results to compare with: the paper's printed tables, and what others have published."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import pandas as pd

from lstmfcn.data.catalogue import current_name
from lstmfcn.errors import DataError

TABLE1, TABLE2 = "table1.csv", "table2.csv"
"""The paper's tables, files of this package."""

TABLE1_METHODS = ("existing_sota", "lstm_fcn", "ft_lstm_fcn", "alstm_fcn", "ft_alstm_fcn")

PRINTED_NAME = {
    "lstm_fcn": "LSTM-FCN",
    "ft_lstm_fcn": "F-t LSTM-FCN",
    "alstm_fcn": "ALSTM-FCN",
    "ft_alstm_fcn": "F-t ALSTM-FCN",
}
"""What Table II calls the methods of Table I."""

# The bake-off's names beside the paper's for the same classifiers. Its MLP is another one than the paper's.
BAKE_OFF_NAME = {
    "DTW_R1_1NN": "1-NN DTW",
    "DTW_Rn_1NN": "1-NN DTW CV",
    "LS": "Learning Shapelet",
    "MLP": "MLP (bake-off)",
}


def load_table1(path: Path | None = None) -> pd.DataFrame:
    """Read Table I: accuracies of five methods on 85 datasets.

    Parameters
    ----------
    path
        Another file in place of the package's.

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
    expected = ["dataset", "name_in_paper", "n_classes", *TABLE1_METHODS, "split_sizes_swapped_2015_2018"]
    table = _read(path or _own(TABLE1), expected)
    table["split_sizes_swapped_2015_2018"] = table["split_sizes_swapped_2015_2018"].astype(bool)
    return table.set_index("dataset")


def printed_methods(table1: pd.DataFrame) -> pd.DataFrame:
    """Return Table I's accuracies, the columns named as Table II names the methods."""
    return table1[["existing_sota", *PRINTED_NAME]].rename(
        columns=PRINTED_NAME | {"existing_sota": "existing best"}
    )


def load_table2(path: Path | None = None) -> pd.DataFrame:
    """Read Table II: the printed Wilcoxon p-values (classifier_a, classifier_b, wilcoxon_p).

    Parameters
    ----------
    path
        Another file in place of the package's.

    Raises
    ------
    DataError
        If the file is missing or lacks a column.
    """
    return _read(path or _own(TABLE2), ["classifier_a", "classifier_b", "wilcoxon_p"])


def load_references(sources: Sequence[str], root: Path) -> pd.DataFrame:
    """Read the results of other classifiers.

    Parameters
    ----------
    sources
        Each is "tslearn" (the bake-off of 2017, from the tslearn package if it is installed),
        "aeon:NAME" (aeon's published results of that estimator, over the network), or the path of a
        CSV with the columns dataset (named as in either edition), method and accuracy.
    root
        What paths are relative to.

    Returns
    -------
    pandas.DataFrame
        Accuracies, a row a dataset, a column a method.

    Raises
    ------
    DataError
        Naming the source that cannot be read, and the remedy.
    """
    tables = [pd.DataFrame(index=pd.Index([], name="dataset"))]
    for source in sources:
        kind, _, name = source.partition(":")
        if source == "tslearn":
            table = _bake_off()
        elif kind == "aeon":
            table = _from_aeon(name)
        else:
            table = _from_csv(root / source)
        tables.append(table.rename(index=current_name))
    every = pd.concat(tables, axis=1)
    if doubles := sorted(set(every.columns[every.columns.duplicated()])):
        raise DataError(
            f"compare.references: {', '.join(doubles)} is given by more than one source. Take one out."
        )
    return every


def _from_csv(path: Path) -> pd.DataFrame:
    rows = _read(path, ["dataset", "method", "accuracy"], remedy="See docs/paper.md for its layout.")
    doubles = rows[rows.duplicated(["dataset", "method"])]
    if len(doubles):
        method, dataset = doubles.iloc[0][["method", "dataset"]]
        raise DataError(f"{path}, row {doubles.index[0] + 2}: a second accuracy of {method} on {dataset}.")
    wrong = rows[~pd.to_numeric(rows["accuracy"], errors="coerce").between(0, 1)]
    if len(wrong):
        raise DataError(
            f"{path}, row {wrong.index[0] + 2}: {wrong.iloc[0]['accuracy']!r} is no accuracy between 0 and 1."
        )
    return rows.astype({"accuracy": float}).pivot_table(index="dataset", columns="method", values="accuracy")


def _bake_off() -> pd.DataFrame:
    from importlib.util import find_spec

    found = find_spec("tslearn")
    if found is None or found.origin is None:
        raise DataError("compare.references: tslearn is not installed. Install it: pip install tslearn.")
    path = Path(found.origin).parent / ".cached_datasets/singleTrainTest.csv"
    try:
        table = pd.read_csv(path, sep=";", index_col=0)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}, the bake-off's table in tslearn, cannot be read: {error}.") from error
    return table.rename(columns=BAKE_OFF_NAME).rename_axis(index="dataset")


def _from_aeon(name: str) -> pd.DataFrame:
    try:
        from aeon.benchmarking.results_loaders import get_estimator_results

        results = get_estimator_results(name, num_resamples=1)
    except Exception as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(
            f"compare.references: aeon has no results of {name!r} to give: {reason}. Check the name and the "
            "network, or bring the results as a CSV."
        ) from error
    return pd.DataFrame({f"{name} (aeon)": pd.Series(results[name], dtype=float)}).rename_axis(
        index="dataset"
    )


def _own(name: str) -> Traversable:
    return files("lstmfcn.evaluation").joinpath(name)


def _read(
    path: Path | Traversable, expected: Sequence[str], *, remedy: str = "Install lstmfcn again."
) -> pd.DataFrame:
    try:
        with path.open(encoding="utf-8") as file:
            table = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}. {remedy}") from error
    if missing := sorted(set(expected) - set(table.columns)):
        raise DataError(f"{path} lacks {', '.join(missing)}. {remedy}")
    return table
