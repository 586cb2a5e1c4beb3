"""The field's files of results: classes as scikit-learn's encoder numbers them, which tsml-eval uses."""

import ast

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelEncoder

from lstmfcn.evaluation.tsml import results_file
from lstmfcn.runs.predictions import Predictions


def test_classes_are_numbered_by_their_labels_as_text():
    """Ours stand by value, 1, 2, ..., 11; as text 10 and 11 come before 2."""
    rng = np.random.default_rng(0)
    classes = tuple(str(k) for k in range(1, 12))
    p = rng.dirichlet(np.ones(11), size=40).astype(np.float32)
    labels = rng.permutation([*classes, *classes, *classes, *classes[:7]])
    made = Predictions(classes=classes, probabilities=p, labels=labels)
    text = results_file(
        made,
        dataset="D",
        classifier="FCN",
        resample=4,
        comment="By hand, twice",
        parameters={"epochs": 3, "rate": None},
        seconds=None,
        estimate="3F-CV",
    )
    encoder = LabelEncoder().fit(labels)
    first, second, third, *lines = text.splitlines()
    assert first.startswith("D,FCN,TEST,4,MILLISECONDS,By hand, twice. Encoder dictionary: {")
    encoding = ast.literal_eval(first[first.index("{") :])
    assert encoding == {label: k for k, label in enumerate(encoder.classes_.tolist())}
    assert second == '{"epochs": 3, "rate": null}'
    predicted = np.array(classes)[p.argmax(axis=1)]
    assert third == f"{accuracy_score(labels, predicted)},-1,-1,-1,-1,11,3F-CV,-1,-1"
    cells = [line.split(",") for line in lines]
    assert [int(cell[0]) for cell in cells] == encoder.transform(labels).tolist()
    assert [int(cell[1]) for cell in cells] == encoder.transform(predicted).tolist()
    assert {cell[2] for cell in cells} == {""}
    given = np.array([cell[3:] for cell in cells], np.float64)
    by_label = p[:, [classes.index(label) for label in encoder.classes_]]
    np.testing.assert_allclose(given, by_label, rtol=1e-6)
