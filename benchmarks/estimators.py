"""Time a grid search of 12 small fits: compiled networks reused, and compiled anew, turn by turn."""

import argparse
import statistics
import time

import pandas as pd
from common import keep, load
from sklearn.model_selection import GridSearchCV

from lstmfcn import LSTMFCNClassifier
from lstmfcn.classifiers import engines

GRID = {"learning_rate": [1e-3, 2e-3], "batch_size": [16, 64]}


class CompiledAnew(LSTMFCNClassifier):
    """The same, without the compiled networks of other fits."""

    def fit(self, X, y, sample_weight=None):
        engines._idle.clear()
        engines.initial_weights.cache_clear()
        return super().fit(X, y, sample_weight)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    X, y = load("ItalyPowerDemand", "TRAIN")
    kinds = {"reused": LSTMFCNClassifier, "compiled anew": CompiledAnew}
    ways = [(name, kind, jobs) for jobs in (None, 2) for name, kind in kinds.items()]
    rows, predictions = [], []
    for repeat in range(arguments.repeats):
        for name, kind, jobs in ways:
            engines._idle.clear()
            search = GridSearchCV(kind(cells=8, epochs=20), GRID, cv=3, n_jobs=jobs, refit=False)
            begun = time.perf_counter()
            search.fit(X, y)
            seconds = time.perf_counter() - begun
            rows.append({"repeat": repeat, "networks": name, "jobs": jobs or 1, "seconds": round(seconds, 2)})
            predictions.append(search.cv_results_["mean_test_score"].tolist())
    assert all(scores == predictions[0] for scores in predictions), "the scores differ"
    fitted = LSTMFCNClassifier(cells=8, epochs=1).fit(X, y)
    fitted.predict(X[:1])
    latencies = []
    for _ in range(200):
        begun = time.perf_counter()
        fitted.predict(X[:1])
        latencies.append(time.perf_counter() - begun)
    table = pd.DataFrame(rows)
    print(table.groupby(["jobs", "networks"]).seconds.agg(["median", "min", "max"]).to_string())
    print(f"predict of one series: {1000 * statistics.median(latencies):.2f} ms")
    keep(table, "estimators")


if __name__ == "__main__":
    main()
