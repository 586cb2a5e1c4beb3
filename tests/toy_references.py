"""References that are no library's: they are quick, and do what a test asks for."""

from typing import ClassVar

import numpy as np

from lstmfcn.classifiers.base import ReferenceClassifier


class Centroid:
    """The nearest mean. It keeps the shapes and the seeds that it was given in `seen`.

    It takes so many series at `most`, is not to be asked about `unasked`, and is mistaken in those that begin
    `above` a value.
    """

    seen: ClassVar = []

    def __init__(self, *, random_state=None, most=None, unasked=None, above=None):
        self.random_state, self.most, self.unasked, self.above = random_state, most, unasked, above

    def get_params(self):
        return dict(vars(self))

    def set_params(self, **values):
        vars(self).update(values)

    def fit(self, X, y):
        assert np.isfinite(X).all()
        if self.most is not None and len(X) > self.most:
            raise ZeroDivisionError("too many\nFile /somewhere")
        self.seen.append((X.shape, self.random_state))
        self.classes_ = np.unique(y)
        self.means = np.array([X[y == k].mean(axis=0) for k in self.classes_])
        return self

    def predict_proba(self, X):
        if len(X) == self.unasked:
            raise MemoryError
        distance = ((X[:, None] - self.means[None]) ** 2).sum(axis=(2, 3))
        nearest = distance.argmin(axis=1)
        if self.above is not None:
            nearest = np.where(X[:, 0, 0] > self.above, (nearest + 1) % len(self.classes_), nearest)
        return np.eye(len(self.classes_))[nearest]


def row(**options):
    """Return the centroid's row."""
    return ReferenceClassifier(
        name="centroid", title="Centroid", source="toy_references:Centroid", options=options
    )
