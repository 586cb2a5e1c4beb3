"""Bringing one's own data into a study: understood first, then laid down, versioned and listed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from lstmfcn import config, yaml12
from lstmfcn.data.catalogue import lookup
from lstmfcn.data.doubts import doubts
from lstmfcn.data.holdout import held_out
from lstmfcn.data.layout import Layout, Reading
from lstmfcn.data.names import checked_name
from lstmfcn.data.own import lay_down
from lstmfcn.data.portrait import portrait
from lstmfcn.data.preprocessing import DEFAULT, Normalise
from lstmfcn.data.readers import arrays, is_text, read_series
from lstmfcn.data.series import LabelledSeries
from lstmfcn.data.textfile import encoding_of
from lstmfcn.errors import DataError
from lstmfcn.files import hash_file, write_text
from lstmfcn.study.new import call
from lstmfcn.study.oddities import odd_classes, odd_lengths, odd_values
from lstmfcn.study.policies import needs, prepared
from lstmfcn.wording import counted
from lstmfcn.workspace import Workspace

SEED = 0
"""Of the split, where there is no test file."""


@dataclass(frozen=True)
class Understood:
    """What was made of some files.

    Attributes
    ----------
    train, test
        The splits.
    told
        Sentences on how the files were understood.
    odd
        Sentences on what somebody should look at, each with its remedy.
    """

    train: LabelledSeries
    test: LabelledSeries
    told: Sequence[str]
    odd: Sequence[str]


def understand(
    files: Sequence[Path],
    layout: Layout,
    *,
    share: float,
    normalise: Normalise = DEFAULT,
    policies: Mapping[str, Any] | None = None,
) -> Understood:
    """Read one file, and split it, or a training and a test file.

    Parameters
    ----------
    files
        One or two.
    layout
        What is known of them.
    share
        The share of the test split, where there is no test file.
    normalise
        As in `params.yaml`.
    policies
        What becomes of unequal lengths and missing values: options of `Preprocessing.fit`.

    Raises
    ------
    DataError
        If a file cannot be read, or they do not fit together.
    """
    policies = policies or {}
    normalised = normalise == "per_series"
    any_length = policies.get("lengths", "refuse") != "refuse"
    told: list[str] = []
    odd: list[str] = []
    sources = [(path, layout) for path in files]
    if len(files) == 1 and not layout.values and (keys := arrays.splits_in(files[0])):
        sources = [(files[0], replace(layout, values=(X,), label=y)) for X, y in keys]
    splits = []
    for path, known in sources:
        lines: list[str] = []
        splits.append(_read(path, known, lines.append, odd.append, any_length=any_length))
        told.append(f"{path}: {'; '.join(lines)}" if lines else str(path))
    for split in splits:
        if split.labels is None:
            lacking = (
                f"{split.path} holds no labels: a dataset needs one for each series. Name their column or "
                "array with --label; in .ts and .arff the header says of them."
            )
            raise DataError(" ".join([*odd[:1], lacking]))
    if len(splits) == 2:
        train, test = splits
    else:
        try:
            train, test = _split(splits[0], share)
        except DataError as error:  # the labels may be none
            causes = [*odd, *(doubt.message for doubt in doubts(splits, normalised=normalised))]
            raise DataError(" ".join([*causes[:3], str(error)])) from None
        told.append(f"{len(test.X)} of {len(splits[0].X)} series are the test split (--test-share {share:g})")
    if train.X.shape[1] != test.X.shape[1]:
        raise DataError(
            f"{test.path} has series of {test.X.shape[1]} channels, {train.path} of {train.X.shape[1]}. Give "
            "both splits the same."
        )
    needed = needs((train, test), policies)
    odd += needed
    if not needed and not {*policies.values()} <= {"refuse", None}:
        try:
            told.append(prepared((train, test), normalise, policies))
        except DataError as error:  # here they are options
            odd.append(re.sub(r"prepare\.(lengths?|missing)( in params\.yaml)?", r"--\1", str(error)))
    odd += [doubt.message for doubt in doubts((train, test), normalised=normalised)]
    odd += [] if any_length else odd_lengths((train, test))
    odd += odd_values((train, test)) + odd_classes(train, test)
    return Understood(train, test, told, list(dict.fromkeys(odd)))


def add(
    workspace: Workspace,
    name: str,
    files: Sequence[Path],
    layout: Layout,
    *,
    share: float = 0.25,
    policies: Mapping[str, Any] | None = None,
    replacing: bool = False,
    dry_run: bool = False,
    agree: Callable[[str], bool],
    say: Callable[[str], None],
    terminal: str = "utf-8",
) -> None:
    """Add a dataset to a study.

    Parameters
    ----------
    workspace
        The study.
    name
        What the dataset is to be called.
    files, layout, share
        See `understand`.
    policies
        What becomes of unequal lengths and missing values in this dataset: values of `PolicyParams`, which
        are written to `prepare.datasets`. None, or without any: as the study has it.
    replacing
        Whether a dataset of that name may be replaced.
    dry_run
        Whether to stop before anything is written.
    agree
        Asked whether to go on where something is odd.
    say
        Called with what was understood and done.
    terminal
        The encoding of where that is shown.

    Raises
    ------
    DataError
        If the name or a file is at fault, or nobody agrees.
    ParamsError
        If the folder is no study, or the policies are none.
    """
    params = config.load(workspace.params)
    folder = workspace.own / name
    _check_name(name, folder, replacing=replacing)
    text = _listed(workspace.params, name, params, policies or {})
    prepare = config.parse(yaml12.parsed(text), source=str(workspace.params)).prepare
    found = understand(
        files, layout, share=share, normalise=prepare.normalise, policies=prepare.policies(name)
    )
    for line in (*found.told, *portrait((found.train, found.test), encoding=terminal)):
        say(line)
    if found.odd:
        say("Odd:\n" + "\n".join(f"  - {line}" for line in found.odd))
    if dry_run:
        say("Nothing is written: --dry-run.")
        return
    if found.odd and not agree(f"Add {name} all the same?"):
        raise DataError(
            f"{name} is not added: {counted(len(found.odd), 'odd thing')}, see above. Correct what is wrong, "
            "or say --yes if all is as it should be."
        )
    about = {
        "dataset": name,
        "added": datetime.now(UTC).isoformat(timespec="seconds"),
        "sources": [{"file": path.name, "sha256": hash_file(path)} for path in dict.fromkeys(files)],
        "layout": {key: value for key, value in asdict(layout).items() if value not in (None, (), False)},
        "test_share": share if len(files) == 1 else None,
        "seed": SEED,
        "understood": [line.replace(f"{path.parent}/", "") for line in found.told for path in files[:1]],
        "odd": [line.replace(f"{path.parent}/", "") for line in found.odd for path in files[:1]],
    }
    lay_down(folder, found.train, found.test, about)
    say(f"Written: {folder}")
    tracked = _under_dvc(workspace, name, say)
    if text != workspace.params.read_text(encoding="utf-8"):
        write_text(workspace.params, text)
        also = ", with what becomes of its series" if policies else ""
        say(f"{name} is listed in {workspace.params}{also}.")
    say(f"Next: {'git add ' + ' '.join(tracked) + '; ' if tracked else ''}dvc repro")


def _listed(path: Path, name: str, params: config.Params, policies: Mapping[str, Any]) -> str:
    """Return the parameters with a dataset in their list, and its policies under `prepare.datasets`."""
    text = path.read_text(encoding="utf-8")
    if name not in params.datasets:
        text = yaml12.with_item(text, "datasets", name)
    if policies:
        own = params.prepare.datasets.get(name, config.PolicyParams()).model_dump(exclude_none=True)
        text = yaml12.with_entry(text, ["prepare", "datasets", name], own | dict(policies))
    return text


def _read(
    path: Path,
    layout: Layout,
    tell: Callable[[str], None],
    doubt: Callable[[str], None],
    *,
    any_length: bool,
) -> LabelledSeries:
    if is_text(path) and layout.encoding is None:
        encoding = encoding_of(path)
        if encoding == "cp1252":
            doubt(
                f"{path} is not UTF-8: it is read as Windows-1252 (Latin-1). If letters look wrong, name its "
                "encoding with --encoding."
            )
        layout = replace(layout, encoding=encoding)
    reading = Reading(layout=layout, any_length=any_length, whole=True, tell=tell, doubt=doubt)
    return read_series(path, reading=reading)


def _split(series: LabelledSeries, share: float) -> tuple[LabelledSeries, LabelledSeries]:
    assert series.labels is not None
    test = held_out(series.labels, groups=series.groups, share=share, seed=SEED)
    return series.take(np.flatnonzero(~test)), series.take(np.flatnonzero(test))


def _check_name(name: str, folder: Path, *, replacing: bool) -> None:
    if lookup(checked_name(name)) is not None:
        raise DataError(f"{name} is a dataset of the archive. Choose another name for your own.")
    if folder.exists() and not replacing:
        raise DataError(f"{folder} is there already. Choose another name, or say --replace.")


def _under_dvc(workspace: Workspace, name: str, say: Callable[[str], None]) -> list[str]:
    """Put a dataset under DVC if the study is; return the files that git should have."""
    if not (workspace.root / ".dvc").is_dir():
        say("The study is not under DVC (`lstmfcn init .` would put it there): the data is not versioned.")
        return []
    if find_spec("dvc") is None:
        say(
            f"dvc is not installed: run `dvc add data/own/{name}` where it is, so that the data is versioned."
        )
        return []
    call(sys.executable, "-m", "dvc", "add", "--quiet", f"data/own/{name}", folder=workspace.root)
    say(f"DVC keeps data/own/{name}.")
    return [f"data/own/{name}.dvc", "data/own/.gitignore", "params.yaml"]
