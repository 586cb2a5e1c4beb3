"""The networks of the paper's section III, in backend-neutral Keras."""

from lstmfcn.environment import load_backend

load_backend()  # before a module imports Keras

from lstmfcn.networks.build import build  # noqa: E402

__all__ = ["build"]
