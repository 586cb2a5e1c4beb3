"""The estimators as aeon's: the same networks and parameters, behind aeon's `BaseClassifier`.

They take every collection that aeon knows, and stand in its pipelines and ensembles. The fitted scikit-learn
estimator is their attribute `estimator_`. Without aeon, `import lstmfcn.aeon` says what to install.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from numpy.typing import NDArray

from lstmfcn.classifiers import estimators
from lstmfcn.classifiers.base import NetworkClassifier
from lstmfcn.classifiers.table import classifiers
from lstmfcn.environment import load_library

load_library("aeon.classification")
from aeon.classification import BaseClassifier  # noqa: E402

CAPABILITIES = {"lengths": "capability:unequal_length", "missing": "capability:missing_values"}
"""What aeon calls it that each policy takes such series."""


class _Composed(BaseClassifier):
    """An aeon classifier that hands its work to one of ours."""

    _ours: ClassVar[Any]
    _tags: ClassVar[dict[str, Any]] = {
        "X_inner_type": ["numpy3D", "np-list"],
        "capability:multivariate": True,
        "algorithm_type": "deeplearning",
    }

    def get_tags(self) -> Any:
        """Return the tags; what becomes of lengths and missing values is a parameter."""
        tags = super().get_tags()
        for name in ("lengths", "missing"):
            tags[CAPABILITIES[name]] = getattr(self, name) != "refuse"
        return tags

    def _fit(self, X: Any, y: NDArray[Any]) -> Any:
        self.estimator_ = self._ours(**self.get_params(deep=False)).fit(X, y)
        return self

    def _predict(self, X: Any) -> NDArray[Any]:
        labels: NDArray[Any] = self.estimator_.predict(X)
        return labels

    def _predict_proba(self, X: Any) -> NDArray[Any]:
        probabilities: NDArray[Any] = self.estimator_.predict_proba(X)
        return probabilities

    @classmethod
    def _get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:  # noqa: ARG003
        """Return what aeon's checks construct it with."""
        quick = {"epochs": 2, "batch_size": 8}
        return [quick, quick | {"lengths": "resample", "missing": "interpolate"}]


def _composed(ours: Any) -> type[_Composed]:
    """Return the aeon classifier of one of our estimators, with its parameters and their descriptions."""

    def __init__(self: _Composed, **parameters: Any) -> None:  # noqa: N807
        self.__dict__.update(ours(**parameters).get_params(deep=False))
        BaseClassifier.__init__(self)

    __init__.__signature__ = inspect.signature(ours.__init__)  # type: ignore[attr-defined]
    before, _, _ = ours.__doc__.partition("Attributes\n----------")
    attributes = """Attributes
----------
estimator_
    The fitted estimator of `lstmfcn`, with the weights and all else that it has found."""
    members = {"__init__": __init__, "__doc__": before + attributes, "__module__": __name__, "_ours": ours}
    return type(ours.__name__, (_Composed,), members)


_rows = [row for row in classifiers().values() if isinstance(row, NetworkClassifier) and row.estimator]
globals().update((row.estimator, _composed(getattr(estimators, row.estimator))) for row in _rows)
__all__ = [row.estimator for row in _rows]
