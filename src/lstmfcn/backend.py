"""Loading TensorFlow without its chatter."""

from __future__ import annotations

import os
import sys


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
        import tensorflow as tf

        tf.config.list_physical_devices()
        tf.get_logger().setLevel("ERROR")  # it takes one network after another for needless retracing
    finally:
        os.dup2(kept, 2)
        os.close(null)
        os.close(kept)
