"""Validation of fetched datasets with Great Expectations (the only module that uses it).

Wide frames are slow to check, so each series becomes one row of a frame: its length, its missing
values, its mean, and so on. Two more frames of one row describe the splits. What each expectation
finds is a finding of `params.yaml`, which says whether it stops the dataset.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lstmfcn.data.catalogue import CatalogueEntry, lookup
from lstmfcn.data.collection import read_dataset
from lstmfcn.data.preprocessing import FLAT
from lstmfcn.data.series import LabelledSeries
from lstmfcn.environment import load_great_expectations
from lstmfcn.errors import DataError

ROWS_NAMED = 20
"""How many rows a finding names."""

WHAT = {
    "missing_values": "missing values",
    "infinite_values": "infinite values",
    "constant_series": "series that are constant",
    "unequal_length": "series of another length than the rest",
    "catalogue_mismatch": "sizes that are not the catalogue's",
    "class_missing_in_train": "labels that the training split lacks",
    "class_missing_in_test": "classes that the test split lacks",
    "single_class": "one class only",
    "rare_class": "classes of a single training series",
    "duplicates_within_split": "series that occur more than once in the split",
    "duplicates_across_splits": "series that occur in both splits",
    "not_normalised": "series whose mean is not 0 or whose spread is not 1",
}

FATAL = frozenset(
    {"missing_values", "infinite_values", "unequal_length", "class_missing_in_train", "single_class"}
)
"""What no network can be trained or judged with: always an error."""


@dataclass(frozen=True)
class Found:
    """Something that validation found.

    Attributes
    ----------
    finding
        Its name in `params.yaml`, or "unreadable".
    severity
        What `params.yaml` makes of it.
    split
        "train" or "test"; empty where it is about both.
    rows
        The lines of the split's file, at most `ROWS_NAMED` of them.
    count
        How many there are in all.
    message
        A sentence for people.
    """

    finding: str
    severity: Literal["error", "warn"]
    split: str
    rows: tuple[int, ...]
    count: int
    message: str


@dataclass(frozen=True)
class Verdict:
    """What validation says of a dataset: "failed" if a finding is an error."""

    dataset: str
    outcome: Literal["passed", "warned", "failed"]
    findings: tuple[Found, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as JSON-able values."""
        return asdict(self)


def check_datasets(
    folders: Iterable[Path], findings: Mapping[str, str], *, docs: Path | None = None
) -> list[Verdict]:
    """Validate fetched datasets, each whatever the others hold.

    Parameters
    ----------
    folders
        One a dataset, as `fetch_dataset` makes them.
    findings
        "error", "warn" or "ignore" for each name of `WHAT`.
    docs
        Where to write Great Expectations' Data Docs; None for nowhere.
    """
    context = _context(docs)
    verdicts = [_check(context, folder, findings) for folder in folders]
    if docs is not None:
        context.build_data_docs()
    return verdicts


def describe(series: LabelledSeries, other: LabelledSeries) -> pd.DataFrame:
    """Return a row for each series.

    Parameters
    ----------
    series, other
        A split, and the other one of the dataset.

    Returns
    -------
    pandas.DataFrame
        Columns row (of the file), length (up to the last value that is not missing), n_missing (before
        that), n_infinite, mean and spread (of the finite values, over all channels), relative_spread (to
        the largest of them; 0 where all are 0), label, copies_within and copies_across (other series with
        the same values in the split, and in the other one).
    """
    values = series.X.astype(np.float64)
    missing: NDArray[np.bool_] = np.isnan(values)
    infinite: NDArray[np.bool_] = np.isinf(values)
    width = values.shape[-1]
    # A series padded at its end is shorter than the others; one of nothing but NaN is missing.
    present = ~np.asarray(missing.all(axis=1))
    ends = width - np.argmax(present[:, ::-1], axis=-1)
    inside = np.less(np.arange(width), ends[:, None, None])
    values[missing | infinite] = np.nan
    with np.errstate(invalid="ignore"):
        filled = np.where(np.isnan(values), 0.0, values)
        count = np.maximum((~np.isnan(values)).sum(axis=(1, 2)), 1)
        mean = filled.sum(axis=(1, 2)) / count
        deviation = np.where(np.isnan(values), 0.0, values - mean[:, None, None])
        spread = np.sqrt(np.square(deviation).sum(axis=(1, 2)) / count)
        largest = np.abs(filled).max(axis=(1, 2))
    prints = [x.tobytes() for x in series.X]
    here, there = Counter(prints), Counter(x.tobytes() for x in other.X)
    return pd.DataFrame(
        {
            "row": series.rows,
            "length": ends,
            "n_missing": (missing & inside).sum(axis=(1, 2)),
            "n_infinite": infinite.sum(axis=(1, 2)),
            "mean": mean,
            "spread": spread,
            "relative_spread": spread / np.where(largest > 0, largest, 1.0),
            "label": series.labels,
            "copies_within": [here[p] - 1 for p in prints],
            "copies_across": [there[p] for p in prints],
        }
    )


def _check(context: Any, folder: Path, findings: Mapping[str, str]) -> Verdict:
    name = folder.name
    try:
        train, test = read_dataset(folder)
        if train.labels is None or test.labels is None:
            raise DataError(f"{folder} holds series without labels; training needs them.")
        if train.X.shape[1] != test.X.shape[1]:
            raise DataError(
                f"{test.path.name} has series of {_channels(test)}, {train.path.name} of {train.X.shape[1]}. "
                "Give both splits the same."
            )
    except DataError as error:
        found = [Found("unreadable", "error", "", (), 1, str(error))]
        return Verdict(name, "failed", tuple(found))
    entry = lookup(name)
    length = train.X.shape[-1]  # another length than the catalogue's is for catalogue_mismatch to say
    labels = {"train": set(map(str, train.labels)), "test": set(map(str, test.labels))}
    found = []
    for split, series, other in (("train", train, test), ("test", test, train)):
        rows = _run(
            context,
            f"{name} {split} series",
            describe(series, other),
            _series_expectations(length, sorted(labels["train"]), split),
            findings,
        )
        at_fault = _labels_at_fault(series, labels)
        found += [_found(f, findings, split, series.path, at, at_fault) for f, at in rows.items()]
        summary = _summary(series, labels)
        whole = _run(context, f"{name} {split} split", summary, _split_expectations(split, entry), findings)
        found += [_about_split(f, findings, split, series.path, summary, entry, at_fault) for f in whole]
    severities = {f.severity for f in found}
    outcome: Literal["passed", "warned", "failed"] = (
        "failed" if "error" in severities else "warned" if severities else "passed"
    )
    return Verdict(name, outcome, tuple(found))


def _channels(series: LabelledSeries) -> str:
    n = series.X.shape[1]
    return f"{n} channel{'s' if n > 1 else ''}"


def _series_expectations(length: int, classes: list[str], split: str) -> list[tuple[str, Any]]:
    from great_expectations import expectations as gxe

    between = gxe.ExpectColumnValuesToBeBetween
    expectations: list[tuple[str, Any]] = [
        ("missing_values", between(column="n_missing", max_value=0)),
        ("infinite_values", between(column="n_infinite", max_value=0)),
        ("constant_series", between(column="relative_spread", min_value=FLAT)),
        ("unequal_length", gxe.ExpectColumnValuesToBeInSet(column="length", value_set=[length])),
        ("duplicates_within_split", between(column="copies_within", max_value=0)),
        ("not_normalised", between(column="mean", min_value=-0.05, max_value=0.05)),
        ("not_normalised", between(column="spread", min_value=0.9, max_value=1.1)),
    ]
    if split == "test":
        expectations += [
            ("duplicates_across_splits", between(column="copies_across", max_value=0)),
            ("class_missing_in_train", gxe.ExpectColumnValuesToBeInSet(column="label", value_set=classes)),
        ]
    return expectations


def _split_expectations(split: str, entry: CatalogueEntry | None) -> list[tuple[str, Any]]:
    from great_expectations import expectations as gxe

    between = gxe.ExpectColumnValuesToBeBetween
    if split == "train":
        expectations: list[tuple[str, Any]] = [
            ("single_class", between(column="n_classes", min_value=2)),
            ("rare_class", between(column="n_rare", max_value=0)),
        ]
    else:
        expectations = [("class_missing_in_test", between(column="n_absent", max_value=0))]
    if entry is not None:
        known = {"n_series": entry.n_train if split == "train" else entry.n_test, "length": entry.length}
        if split == "train":
            known["n_classes"] = entry.n_classes
        expectations += [
            ("catalogue_mismatch", gxe.ExpectColumnValuesToBeInSet(column=column, value_set=[value]))
            for column, value in known.items()
        ]
    return expectations


def _summary(series: LabelledSeries, labels: Mapping[str, set[str]]) -> pd.DataFrame:
    counts = Counter(map(str, series.labels if series.labels is not None else ()))
    return pd.DataFrame(
        {
            "n_series": [len(series.rows)],
            "length": [series.X.shape[-1]],
            "n_classes": [len(counts)],
            "n_rare": [sum(n == 1 for n in counts.values())],
            "n_absent": [len(labels["train"] | labels["test"]) - len(counts)],
        }
    )


def _run(
    context: Any,
    name: str,
    frame: pd.DataFrame,
    expectations: list[tuple[str, Any]],
    findings: Mapping[str, str],
) -> dict[str, list[int]]:
    """Run the expectations that `findings` does not ignore; return the rows of each that is not met."""
    import great_expectations as gx

    suite = gx.ExpectationSuite(name=name)
    for finding, expectation in expectations:
        if findings[finding] != "ignore":
            expectation.meta = {"finding": finding}
            expectation.severity = "critical" if findings[finding] == "error" else "warning"
            suite.add_expectation(expectation)
    if not suite.expectations:
        return {}
    source = context.data_sources.add_pandas(name)
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=name, data=batch, suite=context.suites.add(suite))
    )
    outcome = definition.run(batch_parameters={"dataframe": frame}, result_format="COMPLETE")
    broken: dict[str, list[int]] = {}
    for result in outcome.results:
        if result.success:
            continue
        if result.exception_info.get("raised_exception"):
            raise RuntimeError(f"{name}: Great Expectations failed: {result.exception_info}")
        positions = result.result["unexpected_index_list"]
        rows = frame["row"].iloc[positions].tolist() if "row" in frame else []
        finding = result.expectation_config.meta["finding"]
        broken[finding] = sorted({*broken.get(finding, []), *rows})
    return broken


def _labels_at_fault(series: LabelledSeries, labels: Mapping[str, set[str]]) -> dict[str, str]:
    """Return, for the findings about classes, which labels they are about."""
    counts = Counter(map(str, series.labels if series.labels is not None else ()))
    names = {
        "class_missing_in_train": labels["test"] - labels["train"],
        "class_missing_in_test": labels["train"] - labels["test"],
        "rare_class": {label for label, n in counts.items() if n == 1},
    }
    return {finding: f" ({', '.join(sorted(found)[:10])})" for finding, found in names.items()}


def _found(
    finding: str,
    findings: Mapping[str, str],
    split: str,
    path: Path,
    rows: list[int],
    at_fault: Mapping[str, str],
) -> Found:
    named = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    what = WHAT[finding] + at_fault.get(finding, "")
    message = f"{_place(path)}, row {named}: {what}.{_remedy(finding, findings[finding])}"
    return Found(finding, _severity(findings[finding]), split, tuple(rows[:ROWS_NAMED]), len(rows), message)


def _about_split(
    finding: str,
    findings: Mapping[str, str],
    split: str,
    path: Path,
    summary: pd.DataFrame,
    entry: CatalogueEntry | None,
    at_fault: Mapping[str, str],
) -> Found:
    (row,) = summary.to_dict("records")
    message = f"{_place(path)}: {WHAT[finding]}{at_fault.get(finding, '')}"
    if finding == "catalogue_mismatch" and entry is not None:
        expected = entry.n_train if split == "train" else entry.n_test
        message += (
            f": {row['n_series']} series of {row['length']} values in {row['n_classes']} classes, not "
            f"{expected} of {entry.length} in {entry.n_classes}"
        )
    message += f".{_remedy(finding, findings[finding])}"
    return Found(finding, _severity(findings[finding]), split, (), 1, message)


def _place(path: Path) -> str:
    """Return the path as seen from the clone: the same in every clone."""
    return "/".join(path.parts[-4:])


def _severity(setting: str) -> Literal["error", "warn"]:
    return "error" if setting == "error" else "warn"


def _remedy(finding: str, setting: str) -> str:
    if setting != "error":
        return ""
    if finding in FATAL:
        return " Correct it at its source."
    return f" Correct it at its source, or set validate.{finding} to warn in params.yaml."


def _context(docs: Path | None) -> Any:
    load_great_expectations()
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    if docs is not None:
        for site in list(context.list_data_docs_sites()):
            context.delete_data_docs_site(site)
        backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())}
        context.add_data_docs_site(
            site_name="lstmfcn",
            site_config={
                "class_name": "SiteBuilder",
                "store_backend": backend,
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            },
        )
    return context
