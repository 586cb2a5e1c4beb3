"""LSTM-FCN and ALSTM-FCN time series classifiers as a tracked, validated, reproducible pipeline."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lstmfcn.version import __version__

if TYPE_CHECKING:
    from lstmfcn.classifiers.estimators import ALSTMFCNClassifier, FCNClassifier, LSTMFCNClassifier
    from lstmfcn.tracking.champion import Champion, load_champion

_CHAMPION = ("Champion", "load_champion")

__all__ = [
    "ALSTMFCNClassifier",
    "Champion",
    "FCNClassifier",
    "LSTMFCNClassifier",
    "__version__",
    "load_champion",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import lstmfcn` stays quick.

    Besides those of `__all__`, each network of the table of classifiers has its estimator here.
    """
    home = "tracking.champion" if name in _CHAMPION else "classifiers.estimators"
    if name.startswith("_") or (home != "tracking.champion" and not name.endswith("Classifier")):
        raise AttributeError(f"module 'lstmfcn' has no attribute {name!r}")
    return getattr(import_module(f"lstmfcn.{home}"), name)
