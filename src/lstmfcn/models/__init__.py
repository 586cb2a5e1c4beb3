"""The networks of the paper's section III, in backend-neutral Keras."""

from lstmfcn.models.networks import MODEL_NAMES, ModelName, build

__all__ = ["MODEL_NAMES", "ModelName", "build"]
