"""The note that the experiment opens with: what is best on each dataset, by how much, and what serves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from lstmfcn.evaluation.measurement import ends_of
from lstmfcn.evaluation.metrics import Metric
from lstmfcn.tracking.cockpit.views import TRAINING, View
from lstmfcn.tracking.compared import BEHIND, BEHIND_P, CHANCE_P, GAIN, RANK
from lstmfcn.tracking.logged import CHOSEN_RUN_TAG, CHOSEN_TAG
from lstmfcn.tracking.registry.versions import Version, model_name

NOTE_TAG = "mlflow.note.content"

TITLE = "**Which classifier is best?**"
"""How the note begins: one that begins otherwise is a person's, and is left alone."""

LONGEST = 5000
"""Characters that every version of MLflow takes."""

FIRST = 3
"""So many datasets are named in the first line."""

COLUMNS = (
    "Dataset",
    "Best",
    "Out of fold",
    "More than chance?",
    "Next, and how far behind",
    "Fine-tuning",
    "Serves",
)


def note(
    rows: Sequence[Any],
    registered: Mapping[str, Sequence[Version]],
    *,
    views: Sequence[View],
    experiment: str,
    metric: Metric,
    significance: float,
) -> str:
    """Return the note, as Markdown.

    Parameters
    ----------
    rows
        MLflow's runs of the classifiers (`lstmfcn.tracking.compared`), of this study's recipes alone.
    registered
        The versions of each dataset's model.
    views
        What it links to.
    experiment
        The experiment's id.
    metric
        What chooses.
    significance
        Below which p-value something is more than chance.
    """
    by_dataset: dict[str, list[Any]] = {}
    for row in rows:
        if f"oof_{metric.name}" in row.data.metrics:
            by_dataset.setdefault(row.data.tags["dataset"], []).append(row)
    lines, bests = [], []
    for dataset, found in sorted(by_dataset.items()):
        found.sort(key=lambda row: row.data.metrics.get(RANK, float("inf")))
        best = found[0].data
        bests.append(f"{dataset}: {best.tags['model']} {metric.text(best.metrics[f'oof_{metric.name}'])}")
        serving = _serving(dataset, registered.get(dataset, ()), metric)
        lines.append(_row([dataset, *_answers(found, experiment, metric, significance), serving]))
    more = ["..."] if len(bests) > FIRST else []
    links = " · ".join(f"[{view.title}]({view.link('', experiment).lstrip('/')})" for view in views)
    head = [
        # Folded, the user interface shows no more than this line.
        f"{TITLE} {', '.join([*bests[:FIRST], *more])} (unfold for more)",
        "",
        f"By {metric.title}, out of fold: on the training split, each series predicted by a model that has "
        "not seen it. In brackets: 95 % intervals, p-values. Something is more than chance where "
        f"p < {significance:g}.",
        "",
        _row(COLUMNS),
        _row(["---"] * len(COLUMNS)),
    ]
    tail = ["", f"Views: {links}", "", "Written by lstmfcn; a text that begins otherwise is left alone."]
    return "\n".join([*head, *_that_fit(lines, LONGEST - sum(map(len, head + tail)) - 200), *tail])


def _answers(found: Sequence[Any], experiment: str, metric: Metric, significance: float) -> list[str]:
    """Return the cells of a dataset; the best classifier comes first."""
    best, *others = found
    numbers, name = best.data.metrics, f"oof_{metric.name}"
    value = metric.text(numbers[name])
    if set(ends_of(name)) <= numbers.keys():
        value += " ({} to {})".format(*(metric.text(numbers[end]) for end in ends_of(name)))
    chance = "–"
    if CHANCE_P in numbers:
        rate = numbers["majority_rate"]
        chance = f"{_verdict(numbers[CHANCE_P], significance)}; always the largest class: {rate:.4f}"
    following = "–"
    if others:
        after = others[0].data
        following = after.tags["model"]
        if BEHIND in after.metrics:
            p = after.metrics.get(BEHIND_P, 1.0)
            following += f", {metric.text(after.metrics[BEHIND])}: {_verdict(p, significance)}"
        if link := _comparison(found, experiment):
            following += f" ([their parameters]({link}))"
    gain = f"{numbers[GAIN]:+.4f}" if GAIN in numbers else "–"
    chosen = best.data.tags.get(CHOSEN_TAG, "")
    return [f"**{best.data.tags['model']}**, {chosen}", value, chance, following, gain]


def _verdict(p: float, significance: float) -> str:
    shown = f"p = {p:.2g}"
    return f"**yes** ({shown})" if p < significance else f"**may be chance** ({shown})"


def _comparison(found: Iterable[Any], experiment: str) -> str:
    """Return the link at which MLflow compares the chosen runs, parameter by parameter."""
    runs = [row.data.tags[CHOSEN_RUN_TAG] for row in found if CHOSEN_RUN_TAG in row.data.tags]
    if len(runs) < 2:
        return ""
    asked = {**TRAINING, "runs": json.dumps(runs), "experiments": json.dumps([experiment])}
    return f"#/compare-runs?{urlencode(asked, quote_via=quote)}"


def _serving(dataset: str, versions: Iterable[Version], metric: Metric) -> str:
    champion = next((version for version in versions if "champion" in version.aliases), None)
    if champion is None:
        return "nothing"
    link = f"#/models/{model_name(dataset)}/versions/{champion.version}?{urlencode(TRAINING)}"
    evidence = metric.text(champion.evidence.get(f"oof_{metric.name}"))
    return f"[version {champion.version}]({link}): {champion.model}, {evidence}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _that_fit(lines: Sequence[str], room: int) -> list[str]:
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return [*kept, "", f"And {len(lines) - len(kept)} more: see the view."]
        kept.append(line)
    return kept
