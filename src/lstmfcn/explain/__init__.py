"""What a trained network looks at: functions from a model and series to arrays."""

from lstmfcn.explain.activation import Contributions, class_activation_maps, contributions
from lstmfcn.explain.attention import Attention, attention

__all__ = ["Attention", "Contributions", "attention", "class_activation_maps", "contributions"]
