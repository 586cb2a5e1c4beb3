"""The figures that a candidate's run has in MLflow."""

import re
from xml.etree import ElementTree

import numpy as np

from lstmfcn.pipeline.figures import draw_confusion, standalone
from lstmfcn.runs.predictions import Predictions
from lstmfcn.tracking.registry.versions import model_name
from lstmfcn.tracking.store import connect

SVG = "{http://www.w3.org/2000/svg}"


def test_a_champions_run_has_its_figures(finished):
    """Each is a picture of its own: XML, with a size."""
    workspace, _ = finished
    client = connect(workspace)
    run_id = client.get_model_version_by_alias(model_name("Bumps"), "champion").run_id
    places = {file.path for file in client.list_artifacts(run_id, "figures")}
    assert places == {
        f"figures/{name}.svg" for name in ("confusion", "learning-curve", "class-activation-maps")
    }
    for place in places:
        root = ElementTree.parse(workspace.mlruns / "artifacts" / run_id / "artifacts" / place).getroot()
        assert root.tag == f"{SVG}svg"
        assert float(root.get("width")) > 100
        assert float(root.get("height")) > 100


def test_a_confusion_counts_what_was_held_out():
    """By hand: two of class a are right, one is taken for b; the fourth was not held out."""
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [np.nan, np.nan]], np.float32)
    predictions = Predictions(
        classes=("a", "b"),
        probabilities=probabilities,
        labels=np.array(["a", "a", "a", "b"]),
        fold=np.array([0, 1, 0, -1]),
    )
    svg = standalone(draw_confusion(predictions, "confusion"))
    texts = [text.strip() for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]
    assert "3 series, out of fold" in texts
    assert sorted(text for text in texts if text.isdigit()) == ["0", "0", "1", "2"]
