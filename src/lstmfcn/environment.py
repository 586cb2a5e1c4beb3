"""The environment of a computation: backend, threads, telemetry, and what the libraries say.

Libraries are loaded here, so that nobody is told what is done, TensorFlow keeps its chatter to itself, and
Keras runs with its own defaults, whatever a user's `keras.json` or program has set: on TensorFlow, or on JAX
where `KERAS_BACKEND` asks for it. In a user's program what is set for a while is set back; a process of our
own (a command, a worker) is set up for good.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lstmfcn.errors import LstmfcnError

BACKEND = "KERAS_BACKEND"

BACKENDS = ("tensorflow", "jax")
"""What networks can be trained on. What serves is TensorFlow's."""

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}

TELEMETRY = {"MLFLOW_DISABLE_TELEMETRY": "true", "GX_ANALYTICS_ENABLED": "false", "DVC_NO_ANALYTICS": "1"}
"""Nobody is told what is done here."""

MLFLOW = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # MLflow's own 7 keep a stage waiting for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}

ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

CARD = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
"""A card's memory is taken as it is needed, not all at once."""

THREADS, MOST_THREADS = "LSTMFCN_THREADS", 1024

PIPELINE = frozenset(
    {
        "aeon",
        "cryptography",
        "dvc",
        "fastapi",
        "great_expectations",
        "grimp",
        "h11",
        "jinja2",
        "keras_tuner",
        "matplotlib",
        "mlflow",
        "psutil",
        "pyarrow",
        "requests",
        "scikit_posthocs",
        "scipy",
        "sqlalchemy",
        "tensorboard",
        "uvicorn",
    }
)
"""What the extra `pipeline` installs, by the names under which it is imported."""

_own_process = False
_asked = ""
"""The backend that a command was asked for, whose own process exports, on TensorFlow, and trains nothing."""

_forked = False
_warm = False
_one_thread = threading.RLock()


def _note_fork() -> None:
    global _forked
    _forked = "tensorflow" in sys.modules


os.register_at_fork(after_in_child=_note_fork)


class BackendError(LstmfcnError):
    """Keras is to run on a backend that does not serve for this, or that is not installed."""


class MissingLibraryError(LstmfcnError):
    """A library of the pipeline is not installed."""


class ForkedProcessError(LstmfcnError, RuntimeError):
    """The process was forked from one that had loaded TensorFlow, which does not work there."""


def prepare_command() -> None:
    """Set up this process, which is the command line's own: its children inherit it.

    Raises
    ------
    BackendError
        See `backend`.
    """
    global _own_process, _asked
    _own_process = True
    _asked = backend()
    os.environ[BACKEND] = "tensorflow"
    for name, value in {**QUIET, **TELEMETRY}.items():
        os.environ.setdefault(name, value)


def prepare_worker() -> None:
    """Set up this process, which does nothing but jobs."""
    global _own_process
    _own_process = True
    os.environ.update(worker_variables())


def n_threads() -> int:
    """Return how many trainings of one job run at once: `LSTMFCN_THREADS`, or one.

    Raises
    ------
    LstmfcnError
        If the variable is no number of threads.
    """
    return number_in(THREADS, MOST_THREADS) or 1


def number_in(name: str, most: int) -> int | None:
    """Return the number from 1 to `most` that a variable of the environment holds; None where it is not set.

    Raises
    ------
    LstmfcnError
        If it holds something else.
    """
    given = os.environ.get(name)
    if not given:
        return None
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise LstmfcnError(f"{name} is {given!r:.50}. Set it to a number from 1 to {most}, or not.")
    return int(given)


def set_out_warm() -> None:
    """Note that this process was forked from one that has loaded the libraries and computed nothing.

    Such a process computes as one that has loaded them itself.
    """
    global _forked, _warm
    _forked, _warm = False, True


def is_warm() -> bool:
    """Return whether `set_out_warm` was called here."""
    return _warm


@contextmanager
def worker_environment() -> Iterator[None]:
    """Give this process the environment of a worker for a while: those it starts inherit it."""
    with _environment(worker_variables()):
        yield


def worker_variables() -> dict[str, str]:
    """Return the environment of a worker.

    An operation takes one thread, since its result depends on how many it is split over. Several trainings
    at once only need as many of them to be begun at a time, which changes no result.
    """
    own = {BACKEND: backend(), "TF_NUM_INTEROP_THREADS": str(n_threads())}
    return {**QUIET, **TELEMETRY, **ONE_THREAD, **CARD, **_unset(programs_kept()), **own}


def programs_kept() -> dict[str, str]:
    """Return what lets JAX keep its programs for the next process: compiling takes longer than training."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return {
        "JAX_COMPILATION_CACHE_DIR": str(Path(home, "lstmfcn", "jax")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.5",
    }


def backend() -> str:
    """Return what networks are trained on: "tensorflow", or "jax" where `KERAS_BACKEND` asks for it.

    Raises
    ------
    BackendError
        If it asks for another one, or Keras was imported with another one.
    """
    config = sys.modules.get("keras.src.backend.config")  # there even where Keras could not find its backend
    used = config.backend() if config is not None and not _asked else ""
    found = _asked or used or os.environ.get(BACKEND) or BACKENDS[0]
    if found in BACKENDS:
        return found
    known = " or ".join(BACKENDS)
    if used:
        raise BackendError(
            f"Keras was imported with the backend {used}, and lstmfcn trains on {known}: set {BACKEND} to "
            "one of them before, or use another process."
        )
    raise BackendError(f"{BACKEND} is {found}, and lstmfcn trains on {known}: unset it.")


def load_library(*names: str) -> None:
    """Import large modules without collecting garbage meanwhile.

    They make millions of objects that stay, and Python's collector goes through them again and again: it took
    two fifths of the time of `lstmfcn predict`. In a process of our own it never looks at them again; in a
    user's it goes on as it was, since freezing would keep the garbage of the user too.

    Raises
    ------
    MissingLibraryError
        If a library of the pipeline is not installed.
    """
    names = tuple(name for name in names if name not in sys.modules)
    if not names:
        return
    for name, value in TELEMETRY.items():
        os.environ.setdefault(name, value)
    enabled = gc.isenabled()
    gc.disable()
    try:
        for name in names:
            importlib.import_module(name)
    except ModuleNotFoundError as error:
        if missing := missing_library(error):
            raise missing from error
        raise
    finally:
        if _own_process:
            gc.freeze()
        if enabled:
            gc.enable()


def missing_library(error: ModuleNotFoundError) -> MissingLibraryError | None:
    """Return the error that names the remedy, where a library of the pipeline is missing; else None."""
    library = (error.name or "").partition(".")[0]
    if library not in PIPELINE:
        return None
    return MissingLibraryError(
        f"{library} is not installed: it is one of the pipeline's libraries, which this needs. `pip install "
        "'lstmfcn[pipeline]'` installs them."
    )


def refuse_fork() -> None:
    """Refuse to compute in a process that was forked from one with TensorFlow, which would wait for ever.

    Raises
    ------
    ForkedProcessError
        If it was.
    """
    if _forked:
        raise ForkedProcessError(
            "This process was forked from one that had loaded TensorFlow, whose threads are missing here. "
            'Start it by multiprocessing.get_context("spawn"), or use joblib\'s default backend, loky.'
        )


def load_tensorflow() -> None:
    """Import TensorFlow, and keep what it writes to stderr on the way (CPU features, missing CUDA).

    No setting of TensorFlow silences these lines: they come before its logging is set up. A failed
    import raises as ever. TensorFlow imports Keras, so the backend is decided here.

    Raises
    ------
    ForkedProcessError
        See `refuse_fork`.
    """
    refuse_fork()
    with _one_thread:
        if _is_no_complaint_of_ours in logging.getLogger("tensorflow").filters:
            return
        unset = _unset({BACKEND: BACKENDS[0], **QUIET, **CARD})
        with _muted_stderr(), _environment(unset), _without_jax():
            load_library("tensorflow")
            import tensorflow as tf

            tf.config.list_physical_devices()
        logging.getLogger("tensorflow").addFilter(_is_no_complaint_of_ours)


def load_backend(wanted: str | None = None) -> str:
    """Import Keras, and what it runs on; return that.

    Parameters
    ----------
    wanted
        "tensorflow" for what exports and serves; None for what trains, which is as `backend` says.

    Raises
    ------
    BackendError
        If Keras was imported with another backend, or the one asked for is not installed.
    """
    config = sys.modules.get("keras.src.backend.config")
    chosen = wanted or (config.backend() if config is not None else os.environ.get(BACKEND) or backend())
    if config is not None and config.backend() != chosen:
        raise BackendError(
            f"Keras was imported with the backend {config.backend()}, and what serves is made by {chosen}: "
            f"set {BACKEND}={chosen} before, or use another process."
        )
    if chosen not in BACKENDS:
        backend()  # says why not
    with _environment({BACKEND: chosen}):
        if chosen == "jax":
            _load_jax()
        else:
            load_tensorflow()
        load_library("keras")
    return chosen


def _load_jax() -> None:
    refuse_fork()
    try:
        with _one_thread, _environment(_unset({**QUIET, **CARD})):
            load_library("jax", "keras")
            import jax

            jax.devices()
            if _own_process:  # or Keras imports TensorFlow, when it first copies a layer
                from keras.src.utils import module_utils

                module_utils.tensorflow._available = False
    except ModuleNotFoundError as error:
        raise BackendError(
            f"{BACKEND} is jax, which is not installed: pip install 'lstmfcn[jax]'."
        ) from error
    except RuntimeError as error:  # its card, or its driver
        raise BackendError(f"JAX does not start here: {str(error).splitlines()[0]}") from error


@contextmanager
def _without_jax() -> Iterator[None]:
    """Keep TensorFlow from importing JAX where it is there: for a converter that nobody needs here."""
    hidden = _own_process and "jax" not in sys.modules
    if hidden:
        sys.modules["jax"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if hidden:
            del sys.modules["jax"]


def _unset(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if not os.environ.get(name)}


@contextmanager
def keras_defaults() -> Iterator[None]:
    """Give Keras its own defaults while layers or models are made; then the user's settings again.

    They are the dtype policy, `floatx` and the format of images, from `keras.json` or set by the program: a
    layer takes them when it is made, and keeps them. Some are the whole process's: one thread at a time.
    """
    import keras
    from keras.src.backend.common import global_state

    config = keras.config
    with _one_thread:
        floatx, image_data_format = config.floatx(), config.image_data_format()
        # Not by keras.config: asked for a policy that nobody has set, it sets one; floatx has no effect then.
        policy = global_state.get_global_attribute("dtype_policy")
        try:
            config.set_floatx("float32")
            config.set_image_data_format("channels_last")
            config.set_dtype_policy("float32")
            yield
        finally:
            config.set_floatx(floatx)
            config.set_image_data_format(image_data_format)
            global_state.set_global_attribute("dtype_policy", policy)


def load_mlflow(*modules: str) -> None:
    """Import MLflow, and modules of it by their full names.

    Raises
    ------
    MissingLibraryError
        If it is not installed.
    """
    for name, value in MLFLOW.items():
        os.environ.setdefault(name, value)
    load_library("mlflow", *modules)
    for name in ("mlflow", "alembic"):  # they narrate each table they make
        logging.getLogger(name).setLevel(logging.ERROR)


def load_great_expectations() -> None:
    """Import Great Expectations.

    Raises
    ------
    MissingLibraryError
        If it is not installed.
    """
    load_library("great_expectations.expectations")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _muted_stderr() -> Iterator[None]:
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (AttributeError, OSError, ValueError):  # the process has no stderr
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(null)
        os.close(kept)


def _is_no_complaint_of_ours(record: logging.LogRecord) -> bool:
    """Whether a record of TensorFlow's is none about the networks of this package.

    It takes one network after another for needless retracing of one and the same.
    """
    if "retracing" not in record.getMessage():
        return True
    frame: Any = sys._getframe()
    while (frame := frame.f_back) is not None:
        if frame.f_globals.get("__name__", "").startswith("lstmfcn."):
            return False
    return True
