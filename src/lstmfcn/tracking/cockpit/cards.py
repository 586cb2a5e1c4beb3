"""The card of a registered version: what it is, on which data, how good, how to load it, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lstmfcn.classifiers.table import classifiers
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.evaluation.calibration import TEMPERATURE
from lstmfcn.evaluation.measurement import ends_of
from lstmfcn.evaluation.metrics import headline_metrics, metric_named
from lstmfcn.tracking.registry.versions import PREFIX

TITLE = "# Model card: "
"""How a card begins: a description that begins otherwise is a person's, and is left alone."""


def card(version: Any, run: Any, metadata: Mapping[str, Any]) -> str:
    """Return the card, as Markdown.

    Parameters
    ----------
    version, run
        MLflow's records of the version and of its run.
    metadata
        Of the package: see `lstmfcn.tracking.package.description`.
    """
    tags, params = run.data.tags, run.data.params
    classifier = params.get("model", "")
    title = classifiers()[classifier].title if classifier in classifiers() else classifier
    sections = {
        "Evidence": _evidence(run.data.metrics),
        "Data": _data(run, metadata),
        "Recipe": _recipe(tags, params),
        "Calibration": _calibration(run.data.metrics, metadata),
        "Load it": _loading(version),
        "What it refuses": _refused(metadata),
    }
    body = "\n\n".join(f"## {name}\n\n{text}" for name, text in sections.items())
    return f"{TITLE}{title} on {params.get('dataset', '')}, version {version.version}\n\n{body}\n"


def _evidence(found: Mapping[str, float]) -> str:
    lines = ["| | out of fold | test split, measured once |", "|---|---|---|"]
    for metric in dict.fromkeys([*headline_metrics(), metric_named("log_loss")]):
        cells = []
        for name in (f"oof_{metric.name}", f"test_{metric.name}"):
            low, high = (found.get(end) for end in ends_of(name))
            text = metric.text(found.get(name))
            if low is not None and high is not None:
                text += f" ({metric.text(low)} to {metric.text(high)})"
            cells.append(text)
        lines.append(f"| {metric.title} | {cells[0]} | {cells[1]} |")
    if (rate := found.get("majority_rate")) is not None:
        lines.append(f"| always the largest class | {rate:.4f} | |")
    return "\n".join([*lines, "", "In brackets: 95 % intervals. Chosen by the first column alone."])


def _data(run: Any, metadata: Mapping[str, Any]) -> str:
    given = next(iter(run.inputs.dataset_inputs), None)
    sizes = json.loads(given.dataset.profile or "{}") if given else {}
    counts = metadata.get("counts") or []
    classes = ", ".join(
        f"{label} ({count})" for label, count in zip(metadata.get("classes", ()), counts, strict=False)
    )
    text = (
        f"{sizes.get('n_train', '?')} training series of {sizes.get('n_channels', '?')} channel(s), "
        f"{sizes.get('length', '?')} values each. Classes, with their training series: {classes}."
    )
    source = json.loads(given.dataset.source) if given and given.dataset.source_type == "dvc" else {}
    if "md5" in source:
        commit = run.data.tags.get("mlflow.source.git.commit", "REVISION")
        text += (
            f" `{source['path']}` is DVC's object `{source['md5']}`: "
            f"`dvc get . {source['path']} --rev {commit}`."
        )
    return f"{text} SHA-256 of what it holds: `{run.data.tags.get('lstmfcn.data', 'unknown')}`."


def _recipe(tags: Mapping[str, str], params: Mapping[str, str]) -> str:
    told = {"dataset", "model"}
    values = ", ".join(f"{name} {value}" for name, value in sorted(params.items()) if name not in told)
    return (
        f"{tags.get('phase', '')} {tags.get('iteration', '')} of protocol {tags.get('protocol', '')}, by "
        f"lstmfcn {tags.get('lstmfcn.version', '')} at commit "
        f"{tags.get('mlflow.source.git.commit', 'unknown')}: {values}."
    )


def _calibration(found: Mapping[str, float], metadata: Mapping[str, Any]) -> str:
    error = metric_named("calibration_error")
    told = f" Out of fold, the {error.title} is {error.text(found.get(f'oof_{error.name}'))}."
    if temperature := metadata.get("temperature"):
        return f"Its probabilities are calibrated by the temperature {temperature}, fitted out of fold.{told}"
    if TEMPERATURE in found:
        told += f" The temperature that would mend it is {found[TEMPERATURE]:.3f}."
    return f"Its probabilities are as the network gives them.{told}"


def _loading(version: Any) -> str:
    dataset, uri = version.name.removeprefix(PREFIX), f"models:/{version.name}/{version.version}"
    return (
        f'```python\nimport mlflow\n\nmodel = mlflow.pyfunc.load_model("{uri}")\nmodel.predict(X)\n```\n\n'
        f"Or `lstmfcn predict {dataset} FILE`, `lstmfcn serve {dataset}`, `lstmfcn pull {dataset} --to DIR`; "
        f'from Python `lstmfcn.load_champion("{dataset}")`.'
    )


def _refused(metadata: Mapping[str, Any]) -> str:
    told = metadata.get("preprocessing")
    if not told:
        return "Series of another shape than it was trained on."
    preprocessing = Preprocessing(**told)
    takes = f"It takes {preprocessing.takes}. "
    if preprocessing.strict:
        takes += "A series of another length, with a missing or an infinite value, is named and not answered."
    else:
        takes += "An infinite value is named and not answered."
    return f"{takes} A series unlike the training series is answered, and named as such."
