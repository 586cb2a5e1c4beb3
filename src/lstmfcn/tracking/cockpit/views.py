"""What the experiment opens on in MLflow's user interface: saved views of its runs, and links to them.

A saved view is a tag of the experiment that holds the state of the table as JSON: its filter, its order, its
columns. A link opens it by its key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from lstmfcn.evaluation.measurement import ends_of
from lstmfcn.evaluation.metrics import DEFAULT, Metric
from lstmfcn.tracking.compared import BEHIND, BEHIND_P, CHANCE_P, GAIN, RANK, SECONDS
from lstmfcn.tracking.logged import CHOSEN_TAG, CLASSIFIER, KIND_TAG, RESAMPLED

TAG = "mlflow.sharedViewState."
ALIAS_TAG = "lstmfcn.alias"

TRAINING = {"workflowType": "machine_learning"}
"""Opens the user interface on model training, where it would begin with generative AI."""

WIDTH, NAME_WIDTH = 150, 290
"""Of columns, in pixels: names such as `oof_accuracy_high`, and those of runs, are to be read in full."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A saved view.

    Attributes
    ----------
    key
        Names it in links.
    title
        What people read.
    filter_
        Which runs, as MLflow's search takes it.
    columns
        `metrics.x`, `params.x`, `tags.x` or `attributes.x`, in their order, after the run's name.
    order, ascending
        By which column.
    charts
        The metrics of which the view draws the curves; a table is shown where there are none.
    """

    key: str
    title: str
    filter_: str
    columns: Sequence[str] = ()
    order: str = "attributes.run_name"
    ascending: bool = True
    charts: Sequence[str] = ()

    @property
    def state(self) -> dict[str, Any]:
        """The state of the table, as the user interface keeps it."""
        name, *columns = (_quoted(column) for column in ("attributes.Run Name", *self.columns))
        state: dict[str, Any] = {
            "searchFilter": self.filter_,
            "orderByKey": _quoted(self.order),
            "orderByAsc": self.ascending,
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "modelVersionFilter": "All Runs",
            "datasetsFilter": [],
            "selectedColumns": columns,
            "columnOrder": [name, *columns],
            "columnWidths": {name: NAME_WIDTH, **dict.fromkeys(columns, WIDTH)},
            "runsHiddenMode": "FIRST_20_RUNS",
            "hideEmptyCharts": True,
            "viewMaximized": not self.charts,
        }
        if self.charts:
            section = f"{self.key}-curves"
            state["compareRunSections"] = [
                {"uuid": section, "name": "Learning curves", "display": True, "isReordered": False}
            ]
            state["compareRunCharts"] = [_chart(metric, section) for metric in self.charts]
        return state

    def tag(self, now: int) -> tuple[str, str]:
        """Return name and value of the tag that keeps the view; `now` is in milliseconds."""
        envelope = {"name": self.title, "createdAt": now, "updatedAt": now, "state": json.dumps(self.state)}
        return TAG + self.key, json.dumps(envelope)

    def link(self, address: str, experiment: str) -> str:
        """Return where a server shows the view of an experiment, which is given by its id."""
        mode = {"compareRunsMode": "CHART"} if self.charts else {}
        query = urlencode({**TRAINING, "viewStateShareKey": self.key, **mode})
        return f"{address.rstrip('/')}/#/experiments/{experiment}/runs?{query}"


def views(metric: Metric) -> tuple[View, ...]:
    """Return the views of a study whose runs a metric chooses among; the first answers which is better."""
    chosen = f"oof_{metric.name}"
    evidence = [chosen, *(ends_of(chosen) if metric.interval else ())]
    if metric.name != DEFAULT:
        evidence.append(f"oof_{DEFAULT}")
    shown = [f"metrics.{name}" for name in evidence]
    test = f"metrics.test_{metric.name}"
    compared = [f"metrics.{name}" for name in ("majority_rate", CHANCE_P, BEHIND, BEHIND_P, GAIN)]
    trained = "tags.phase != 'search' AND tags.phase != 'evaluation'"
    return (
        View(
            key="which-is-better",
            title="Which is better",
            filter_=f"tags.`{KIND_TAG}` = '{CLASSIFIER}'",
            columns=[
                f"metrics.{RANK}",
                *shown,
                *compared,
                f"metrics.{SECONDS}",
                f"tags.{CHOSEN_TAG}",
                "tags.cells",
                test,
                "tags.recipe",
            ],
        ),
        View(
            key="champions",
            title="Champions",
            filter_=f"tags.`{ALIAS_TAG}` LIKE '%champion%'",
            columns=["attributes.Models", *shown, "metrics.majority_rate", "metrics.oof_log_loss", test],
        ),
        View(
            key="search",
            title="Search",
            filter_="tags.phase = 'search'",
            columns=["params.cells", f"metrics.{chosen}", "metrics.oof_log_loss", "params.folds"],
        ),
        View(
            key="fine-tuning",
            title="Fine-tuning, step by step",
            filter_=trained,
            columns=[*shown, "metrics.oof_log_loss", test, "params.cells", "params.epochs"],
        ),
        View(
            key="learning-curves",
            title="Learning curves",
            filter_=trained,
            columns=[f"metrics.{chosen}"],
            order="attributes.start_time",
            ascending=False,
            charts=("train_loss", "train_accuracy", "learning_rate"),
        ),
        View(
            key="resamples",
            title="Resamples",
            filter_=f"tags.`{KIND_TAG}` = '{RESAMPLED}'",
            columns=["tags.resample", f"metrics.{RANK}", *shown, f"tags.{CHOSEN_TAG}", "tags.cells", test],
        ),
    )


def _quoted(column: str) -> str:
    """Return a column as the user interface names it: metrics.`x`."""
    kind, _, name = column.partition(".")
    return f"{kind}.`{name}`"


def _chart(metric: str, section: str) -> Mapping[str, Any]:
    return {
        "type": "LINE",
        "uuid": f"{section}-{metric}",
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": False,
        "runsCountToCompare": 20,
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "xAxisScaleType": "linear",
        "scaleType": "log" if metric == "train_loss" else "linear",
        "lineSmoothness": 0,
        "useGlobalLineSmoothing": False,
        "useGlobalXaxisKey": False,
        "yAxisKey": "metric",
        "range": {},
    }
