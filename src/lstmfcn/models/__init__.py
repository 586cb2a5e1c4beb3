"""The networks of the paper's section III, in backend-neutral Keras."""

from lstmfcn.models.networks import build

__all__ = ["build"]
