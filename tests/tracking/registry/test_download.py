"""What a registered model is worth elsewhere."""

import subprocess
import sys

import numpy as np

from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.registry.download import pull


def test_a_pulled_model_needs_nothing_of_this_project(finished, tmp_path):
    """In a process that cannot import it: the same probabilities, to the bit."""
    workspace, _ = finished
    folder = pull(workspace, "Bumps", tmp_path / "pulled")
    series = np.random.default_rng(1).normal(5, 3, (4, 1, 20))
    np.save(tmp_path / "series.npy", series)
    code = f"""
import sys
sys.modules["lstmfcn"] = None
import mlflow, numpy as np
model = mlflow.pyfunc.load_model({str(folder)!r})
np.save({str(tmp_path / "out.npy")!r}, model.predict(np.load({str(tmp_path / "series.npy")!r})))
print(model.metadata.metadata["classes"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['a', 'b', 'c']"
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), load_champion(folder).predict_proba(series))
