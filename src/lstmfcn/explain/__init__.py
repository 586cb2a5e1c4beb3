"""What a trained network looks at: functions from a model and series to arrays."""

from lstmfcn.explain.activation import Contributions, class_activation_maps, contributions
from lstmfcn.explain.attention import Attention, attention, has_attention
from lstmfcn.explain.explanation import Explanation, explain
from lstmfcn.explain.subject import Subject

__all__ = [
    "Attention",
    "Contributions",
    "Explanation",
    "Subject",
    "attention",
    "class_activation_maps",
    "contributions",
    "explain",
    "has_attention",
]
