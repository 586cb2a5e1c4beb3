"""LSTM-FCN and ALSTM-FCN time series classifiers as a tracked, validated, reproducible pipeline."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lstmfcn.classifiers.estimators import ALSTMFCNClassifier, FCNClassifier, LSTMFCNClassifier
    from lstmfcn.tracking.champion import Champion, load_champion
    from lstmfcn.tracking.fits import register, track
    from lstmfcn.version import __version__

_HOMES = {
    "Champion": "tracking.champion",
    "load_champion": "tracking.champion",
    "register": "tracking.fits",
    "track": "tracking.fits",
    "__version__": "version",
}

__all__ = [
    "ALSTMFCNClassifier",
    "Champion",
    "FCNClassifier",
    "LSTMFCNClassifier",
    "__version__",
    "load_champion",
    "register",
    "track",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import lstmfcn` stays quick, and no result depends on all.

    Besides those of `__all__`, each network of the table of classifiers has its estimator here.
    """
    home = _HOMES.get(name) or ("classifiers.estimators" if name.endswith("Classifier") else None)
    if home is None:
        raise AttributeError(f"module 'lstmfcn' has no attribute {name!r}")
    return getattr(import_module(f"lstmfcn.{home}"), name)
