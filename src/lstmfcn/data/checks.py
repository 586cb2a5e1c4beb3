"""Validation of fetched datasets with Great Expectations (the only module that uses it).

Wide frames are slow to check, so each series becomes one row of a frame: its length, its missing
values, its mean, and so on. Two more frames of one row describe the splits. What each expectation
finds is a finding of `params.yaml`, which says whether it stops the dataset. What is about a dataset as a
whole is no expectation but a doubt of `lstmfcn.data.doubts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from lstmfcn.data.catalogue import CatalogueEntry, lookup
from lstmfcn.data.collection import read_dataset
from lstmfcn.data.description import describe, summarise
from lstmfcn.data.doubts import doubts
from lstmfcn.data.findings import (
    Found,
    Verdict,
    found_in_dataset,
    found_in_series,
    found_in_split,
    labels_at_fault,
    unreadable,
)
from lstmfcn.data.looked_at import Check, expected_of, of_doubts, seen_in
from lstmfcn.data.normalisation import FLAT
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.series import LabelledSeries
from lstmfcn.environment import load_great_expectations
from lstmfcn.errors import DataError


def check_datasets(
    folders: Iterable[Path],
    findings: Mapping[str, str],
    *,
    preparing: Callable[[str], Mapping[str, Any]] = lambda _: {"normalise": "per_series"},
) -> list[Verdict]:
    """Validate fetched datasets, each whatever the others hold.

    Parameters
    ----------
    folders
        One a dataset, as `fetch_dataset` makes them.
    findings
        "error", "warn" or "ignore" for each name of `WHAT`.
    preparing
        Called with the name of a dataset; returns the options of `Preprocessing.fit`. What they take care of
        is no finding.
    """
    context = _context()
    return [_check(context, folder, findings, preparing(folder.name)) for folder in folders]


def _check(context: Any, folder: Path, findings: Mapping[str, str], preparing: Mapping[str, Any]) -> Verdict:
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
        return unreadable(name, str(error))
    reasons = {finding: f"validate.{finding} is ignore" for finding in findings}
    handled = _taken_care_of(preparing, train, test)
    findings, reasons = {**findings, **dict.fromkeys(handled, "ignore")}, reasons | handled
    entry = lookup(name)
    length = train.X.shape[-1]  # another length than the catalogue's is for catalogue_mismatch to say
    labels = {"train": set(map(str, train.labels)), "test": set(map(str, test.labels))}
    found: list[Found] = []
    odd = []
    if entry is None:  # the archive is known
        normalised = preparing["normalise"] == "per_series"
        odd = [d for d in doubts((train, test), normalised=normalised) if findings[d.finding] != "ignore"]
        found += [found_in_dataset(doubt, findings, train.path) for doubt in odd]
    looks = {doubt.finding: doubt.message for doubt in odd}
    checks = list(of_doubts(looks, findings, reasons, of_archive=entry is not None))
    for split, series, other in (("train", train, test), ("test", test, train)):
        summary, at_fault = summarise(series, labels), labels_at_fault(series, labels)
        rows, looked = _run(
            context,
            (name, split, "series"),
            describe(series, other),
            _series_expectations(length, sorted(labels["train"]), split),
            findings,
            reasons,
        )
        checks += looked
        found += [found_in_series(f, findings, split, series.path, at, at_fault) for f, at in rows.items()]
        of_split = _split_expectations(split, entry)
        whole, looked = _run(context, (name, split, "split"), summary, of_split, findings, reasons)
        checks += looked
        found += [found_in_split(f, findings, split, series.path, summary, entry, at_fault) for f in whole]
    if not any(f.severity == "error" for f in found):
        found += _unprepared(train, test, preparing)
    severities = {f.severity for f in found}
    outcome: Literal["passed", "warned", "failed"] = (
        "failed" if "error" in severities else "warned" if severities else "passed"
    )
    return Verdict(name, outcome, tuple(found), tuple(checks))


def _taken_care_of(
    preparing: Mapping[str, Any], train: LabelledSeries, test: LabelledSeries
) -> dict[str, str]:
    """Return the findings that the preprocessing of a dataset takes care of, and how."""
    found = {}
    if (missing := preparing.get("missing", "refuse")) != "refuse":
        found["missing_values"] = f"prepare.missing is {missing}"
        if train.lengths is None and test.lengths is None:  # what is missing at the end is filled in too
            found["unequal_length"] = found["missing_values"]
    if (lengths := preparing.get("lengths", "refuse")) != "refuse":
        found["unequal_length"] = f"prepare.lengths is {lengths}"
    return found


def _unprepared(train: LabelledSeries, test: LabelledSeries, preparing: Mapping[str, Any]) -> Iterator[Found]:
    """Yield what the policies refuse, which would stop `prepare`."""
    try:
        preprocessing = Preprocessing.fit(train.X, **preparing)
        for series in () if preprocessing.strict else (train, test):
            preprocessing.equalise(series.X, lengths=series.lengths, places=series.places)
    except DataError as error:
        yield Found("unprepared", "error", "", (), 1, str(error))


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
            ("groups_across_splits", between(column="group_across", max_value=0)),
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


def _run(
    context: Any,
    name: tuple[str, str, str],
    frame: pd.DataFrame,
    expectations: list[tuple[str, Any]],
    findings: Mapping[str, str],
    reasons: Mapping[str, str],
) -> tuple[dict[str, list[int]], list[Check]]:
    """Run the expectations that `findings` does not ignore.

    Returns
    -------
    dict of str to list of int
        The rows of each that is not met, by finding.
    list of Check
        All of them, and what `reasons` says of those that were ignored.
    """
    import great_expectations as gx

    title, split = " ".join(name), name[1]
    suite = gx.ExpectationSuite(name=title)
    for at, (finding, expectation) in enumerate(expectations):
        if findings[finding] != "ignore":
            expectation.meta = {"at": at}
            expectation.severity = "critical" if findings[finding] == "error" else "warning"
            suite.add_expectation(expectation)
    results: dict[int, Any] = {}
    if suite.expectations:
        source = context.data_sources.add_pandas(title)
        batch = source.add_dataframe_asset(title).add_batch_definition_whole_dataframe("all")
        definition = context.validation_definitions.add(
            gx.ValidationDefinition(name=title, data=batch, suite=context.suites.add(suite))
        )
        outcome = definition.run(batch_parameters={"dataframe": frame}, result_format="COMPLETE")
        results = {result.expectation_config.meta["at"]: result for result in outcome.results}
    broken: dict[str, list[int]] = {}
    checks: list[Check] = []
    for at, (finding, expectation) in enumerate(expectations):
        verdict: Any = "left out"
        expected = expected_of(expectation)
        if (result := results.get(at)) is None:
            seen = reasons[finding]
        elif result.exception_info.get("raised_exception"):
            raise RuntimeError(f"{title}: Great Expectations failed: {result.exception_info}")
        else:
            positions = [] if result.success else result.result["unexpected_index_list"]
            seen = seen_in(frame[expectation.column], len(positions))
            verdict = "met" if result.success else findings[finding]
        if verdict in ("error", "warn"):
            rows = frame["row"].iloc[positions].tolist() if "row" in frame else []
            broken[finding] = sorted({*broken.get(finding, []), *rows})
        checks.append(Check(finding=finding, split=split, expected=expected, seen=seen, outcome=verdict))
    return broken, checks


def _context() -> Any:
    load_great_expectations()
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context
