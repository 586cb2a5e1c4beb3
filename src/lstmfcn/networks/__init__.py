"""The networks of the paper's section III, in backend-neutral Keras."""

from lstmfcn.networks.build import build

__all__ = ["build"]
