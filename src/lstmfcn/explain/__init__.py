"""What a trained network looks at: functions from a model and series to arrays."""

from lstmfcn.environment import load_backend

load_backend()  # before a module imports Keras

from lstmfcn.explain.activation import Contributions, class_activation_maps, contributions  # noqa: E402
from lstmfcn.explain.attention import Attention, attention  # noqa: E402

__all__ = ["Attention", "Contributions", "attention", "class_activation_maps", "contributions"]
