"""Loading the large libraries: TensorFlow without its chatter, and all of them without garbage collection."""

from __future__ import annotations

import gc
import importlib
import os
import sys


def load_library(*names: str) -> None:
    """Import large modules without collecting garbage meanwhile, nor ever among what they made.

    They make millions of objects that stay, and Python's collector goes through them again and again: it took
    two fifths of the time of `lstmfcn predict`.
    """
    names = tuple(name for name in names if name not in sys.modules)
    if not names:
        return
    enabled = gc.isenabled()
    gc.disable()
    try:
        for name in names:
            importlib.import_module(name)
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def load_backend() -> None:
    """Import TensorFlow, and keep what it writes to stderr on the way (CPU features, missing CUDA).

    No setting of TensorFlow silences these lines: they come before its logging is set up. A failed
    import raises as ever.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        load_library("tensorflow")
        import tensorflow as tf

        tf.config.list_physical_devices()
        tf.get_logger().setLevel("ERROR")  # it takes one network after another for needless retracing
    finally:
        os.dup2(kept, 2)
        os.close(null)
        os.close(kept)
