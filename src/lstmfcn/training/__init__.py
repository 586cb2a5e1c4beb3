"""How a network is trained."""

from lstmfcn.environment import load_backend

load_backend()  # before a module imports Keras
