"""LSTM-FCN and ALSTM-FCN time series classifiers as a tracked, validated, reproducible pipeline."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lstmfcn.classifiers.estimators import ALSTMFCNClassifier, FCNClassifier, LSTMFCNClassifier
    from lstmfcn.tracking.champion import Champion, load_champion
    from lstmfcn.version import __version__

_HOMES = {
    "ALSTMFCNClassifier": "classifiers.estimators",
    "Champion": "tracking.champion",
    "FCNClassifier": "classifiers.estimators",
    "LSTMFCNClassifier": "classifiers.estimators",
    "__version__": "version",
    "load_champion": "tracking.champion",
}

__all__ = [
    "ALSTMFCNClassifier",
    "Champion",
    "FCNClassifier",
    "LSTMFCNClassifier",
    "__version__",
    "load_champion",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import lstmfcn` stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lstmfcn' has no attribute {name!r}")
    return getattr(import_module(f"lstmfcn.{_HOMES[name]}"), name)
