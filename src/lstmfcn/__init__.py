"""LSTM-FCN and ALSTM-FCN time series classifiers as a tracked, validated, reproducible pipeline."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lstmfcn.champion import Champion, load_champion
    from lstmfcn.estimator import ALSTMFCNClassifier, FCNClassifier, LSTMFCNClassifier

__version__ = "0.1.0"

_HOMES = {
    "ALSTMFCNClassifier": "estimator",
    "Champion": "champion",
    "FCNClassifier": "estimator",
    "LSTMFCNClassifier": "estimator",
    "load_champion": "champion",
}

__all__ = ["ALSTMFCNClassifier", "Champion", "FCNClassifier", "LSTMFCNClassifier", "load_champion"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import lstmfcn` stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lstmfcn' has no attribute {name!r}")
    return getattr(import_module(f"lstmfcn.{_HOMES[name]}"), name)
