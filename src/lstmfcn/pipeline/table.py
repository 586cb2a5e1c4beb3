"""The table of stages: their commands, parameters, what they read and write, and the code they depend on.

`dvc.yaml` and the command line are made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstmfcn.workspace import Workspace

PLACES = Workspace(Path())


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage.

    Attributes
    ----------
    name
        Its name in `dvc.yaml` and on the command line; `lstmfcn.pipeline.stages` holds its module.
    summary
        What `--help` says.
    params
        What of `params.yaml` it depends on.
    reads, writes, metrics
        Files and folders of a study.
    keeps
        What of `writes` DVC is not to delete before the stage runs.
    always
        Whether it runs each time, since DVC cannot see all that it depends on.
    options
        What `dvc.yaml` adds to its command.
    jobs
        The modules whose code keys its jobs; empty for a stage that has none. The code of classifiers comes
        to it.
    groups
        The groups of entry points by which other packages bring what it uses, besides classifiers.
    """

    name: str
    summary: str
    params: tuple[str, ...] = ()
    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    metrics: tuple[Path, ...] = ()
    keeps: tuple[Path, ...] = ()
    always: bool = False
    options: str = ""
    jobs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The module that runs the stage."""
        return f"lstmfcn.pipeline.stages.{self.name}"

    @property
    def code_file(self) -> Path:
        """Where the stage `code` writes down what this one depends on."""
        return PLACES.code / f"{self.name}.json"


GRID = ("datasets", "models", "seeds")
READERS, METRICS = ("lstmfcn.readers",), ("lstmfcn.metrics",)

STAGES: Mapping[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage(
            name="code",
            summary="Write down which code, and which files that parameters name, each stage depends on.",
            writes=(PLACES.code,),
            always=True,
        ),
        Stage(
            name="fetch",
            summary="Put each dataset of params.yaml under data/raw/.",
            params=("datasets",),
            reads=(PLACES.own,),
            writes=(PLACES.raw,),
            keeps=(PLACES.raw,),  # what is whole is not fetched again
            always=True,  # DVC does not see the folder that LSTMFCN_UCR_DIR names
            options="--keep-going",
        ),
        Stage(
            name="validate",
            summary="Check the fetched data with Great Expectations.",
            params=("datasets", "resamples", "validate", "prepare"),
            reads=(PLACES.raw,),
            writes=(PLACES.verdicts, PLACES.validation_page),
            options="--keep-going",
            groups=READERS,
        ),
        Stage(
            name="prepare",
            summary="Encode labels, normalise series, draw resamples, write the splits.",
            params=("datasets", "resamples", "prepare", "protocol", "paper.train.criterion"),
            reads=(PLACES.raw, PLACES.verdicts),
            writes=(PLACES.references, PLACES.selection_splits, PLACES.train_splits, PLACES.test_splits),
            groups=READERS,
        ),
        Stage(
            name="search",
            summary="Find the number of LSTM cells by cross-validation on the training split.",
            params=(*GRID, "protocol", "search", "train", "promote.metric", "paper.search", "paper.train"),
            reads=(PLACES.selection_splits, PLACES.train_splits),
            writes=(PLACES.search, PLACES.facts_of("search")),
            jobs=("lstmfcn.classifiers.jobs.search",),
        ),
        Stage(
            name="train",
            summary="Phase 1 of each dataset, classifier and seed, and the vote of what was trained.",
            params=(
                *GRID,
                "references",
                "protocol",
                "train",
                "finetune.iterations",  # which starts from what the folds leave
                "ensemble",
                "promote.metric",
                "paper.train",
                "paper.finetune.iterations",
            ),
            reads=(PLACES.selection_splits, PLACES.train_splits, PLACES.search),
            writes=(PLACES.phase1, PLACES.facts_of("train")),
            jobs=("lstmfcn.classifiers.jobs.train",),
        ),
        Stage(
            name="finetune",
            summary="Algorithm 1: fine-tune in iterations.",
            params=(
                *GRID,
                "protocol",
                "finetune",
                "train",
                "promote.metric",
                "paper.train",
                "paper.finetune",
            ),
            reads=(PLACES.selection_splits, PLACES.train_splits, PLACES.phase1),
            writes=(PLACES.finetuned, PLACES.facts_of("finetune")),
            jobs=("lstmfcn.classifiers.jobs.finetune",),
        ),
        Stage(
            name="evaluate",
            summary="Open the test split, once, and write results/.",
            params=(
                *GRID,
                "references",
                "protocol",
                "prepare.edition",
                "finetune.iterations",
                "promote.metric",
                "paper.finetune.iterations",
            ),
            reads=(PLACES.train_splits, PLACES.test_splits, PLACES.phase1, PLACES.finetuned),
            writes=(
                PLACES.predictions,
                PLACES.results_table,
                PLACES.test_metrics,
                PLACES.facts_of("evaluate"),
            ),
            metrics=(PLACES.metrics,),
            jobs=("lstmfcn.classifiers.jobs.evaluate",),
            groups=METRICS,
        ),
        Stage(
            name="compare",
            summary="Ranks, Wilcoxon tests, references beside networks, the paper's Table I beside ours.",
            params=("compare", "promote.metric", "promote.level"),
            reads=(PLACES.phase1, PLACES.finetuned, PLACES.results_table),
            writes=(PLACES.comparison,),
            groups=METRICS,
        ),
        Stage(
            name="promote",
            summary="Register the best run of each dataset on out-of-fold evidence.",
            params=(*GRID, "finetune.iterations", "paper.finetune.iterations", "prepare", "promote"),
            reads=(PLACES.references, PLACES.train_splits, PLACES.phase1, PLACES.finetuned),
            writes=(PLACES.promotions,),
            groups=METRICS,
        ),
        Stage(
            name="report",
            summary="Write reports/index.html, and what `dvc plots` draws.",
            params=("datasets",),
            reads=(
                PLACES.verdicts,
                PLACES.train_splits,
                PLACES.search,
                PLACES.phase1,
                PLACES.finetuned,
                PLACES.results_table,
                PLACES.predictions,
                PLACES.comparison,
                PLACES.promotions,
            ),
            writes=(PLACES.report, PLACES.plots),
            groups=METRICS,
        ),
    )
}

PLOTS: Mapping[str, Mapping[str, str]] = {
    "evidence": {
        "template": "evidence",
        "x": "oof",
        "x_label": "out of fold, by the metric that chooses, with its 95 % interval",
        "y": "classifier",
    },
    "confusion": {
        "template": "confusion",
        "x": "predicted",
        "x_label": "predicted out of fold",
        "y": "actual",
    },
    "curves": {"template": "curves", "x": "epoch", "y": "loss", "y_label": "training loss"},
}
"""How `dvc plots` draws the files of each folder under `reports/plots`."""

HEADER = """\
# Written by `lstmfcn init`: change nothing here. A stage is one command over all datasets and classifiers
# of params.yaml. Inside it, finished jobs are kept in a cache (.lstmfcn/), so a change reruns just what
# depends on it. `code` notes which code each stage depends on. Only `evaluate` reads data/prepared/test.
"""


def dvc_yaml() -> str:
    """Return the text of a study's `dvc.yaml`."""
    from io import StringIO

    from ruamel.yaml import YAML

    plots = [{(PLACES.plots / kind).as_posix(): dict(how)} for kind, how in PLOTS.items()]
    document = {"stages": {name: _entry(stage) for name, stage in STAGES.items()}, "plots": plots}
    stream = StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(document, stream)
    return HEADER + stream.getvalue()


def _entry(stage: Stage) -> dict[str, Any]:
    entry: dict[str, Any] = {"cmd": f"lstmfcn {stage.name} {stage.options}".strip()}
    if stage.always:
        entry["always_changed"] = True
    if stage.params:
        entry["params"] = list(stage.params)
    own = [] if stage.name == "code" else [stage.code_file]
    if deps := [*own, *stage.reads]:
        entry["deps"] = _texts(deps)
    entry["outs"] = [
        {text: {"persist": True}} if path in stage.keeps else text
        for path, text in zip(stage.writes, _texts(stage.writes), strict=True)
    ]
    if stage.metrics:
        entry["metrics"] = _texts(stage.metrics)
    return entry


def _texts(paths: Iterable[Path]) -> list[str]:
    return [path.as_posix() for path in paths]
