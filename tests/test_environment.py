"""What the user's own settings and surroundings may do to us, and we to them: nothing."""

import json
import logging
import os
import subprocess
import sys

import pytest
import tensorflow as tf

from lstmfcn.environment import ONE_THREAD, load_tensorflow

pytestmark = pytest.mark.slow  # each interpreter imports TensorFlow

FIT = """
import hashlib
import numpy as np
import lstmfcn
rng = np.random.default_rng(0)
X, y = rng.normal(size=(12, 1, 20)), np.arange(12) % 2
def digest():
    found = hashlib.sha256()
    estimator = lstmfcn.ALSTMFCNClassifier(epochs=2, cells=3, segments=2).fit(X, y)
    for array in (*estimator.weights_.values(), estimator.predict_proba(X)):
        found.update(str(array.dtype).encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
"""

SETTINGS = """
def settings():
    from keras.src.backend.common import global_state
    policy = global_state.get_global_attribute("dtype_policy")
    return keras.config.floatx(), keras.config.image_data_format(), policy and policy.name
"""


def python(code, **environment):
    """Run code in an interpreter of its own; return what it did."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KERAS", "TF_")) and name not in ONE_THREAD
    }
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=kept | environment
    )


GARBAGE = """
import gc, weakref
class Thing: pass
def garbage():
    thing = Thing(); thing.itself = thing
    return weakref.ref(thing)
def kept(reference):
    gc.collect()
    return [reference() is not None, gc.get_freeze_count()]
gc.set_threshold(100000)
"""

PLAIN = f"""
import json, os
before = dict(os.environ)
{GARBAGE}
reference = garbage()
{FIT}
found = {{"digest": digest(), "collected": gc.isenabled(), "kept": kept(reference)}}
found["set"] = [n for n in {{*before, *os.environ}} if before.get(n) != os.environ.get(n)]
lstmfcn.LSTMFCNClassifier(epochs=2, cells=3).fit(X, y)
lstmfcn.FCNClassifier(epochs=2).fit(X, y)
import keras
keras.config.set_floatx("float64")
found["type"] = keras.layers.Dense(1).compute_dtype
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return what an interpreter did in which nothing is set, and what it found."""
    done = python(PLAIN, KERAS_HOME=str(tmp_path_factory.mktemp("keras")))
    assert done.returncode == 0, done.stderr
    return done, json.loads(done.stdout)


@pytest.fixture
def expected(undisturbed):
    """The digest of weights and predictions where nothing is set."""
    return undisturbed[1]["digest"]


def test_three_fits_in_a_fresh_interpreter_write_nothing(undisturbed):
    done, _ = undisturbed
    assert (done.stderr, done.stdout.count("\n")) == ("", 1)


PROGRAM = [
    'keras.config.set_dtype_policy("mixed_float16"); keras.config.set_image_data_format("channels_first")',
    'keras.config.set_floatx("float64")',
    'keras.config.set_floatx("float16"); keras.config.set_dtype_policy("float64")',
]
"""What a program may set, one after the other, each on top of those before."""


KERAS_JSON = {
    "backend": "torch",
    "floatx": "float64",
    "image_data_format": "channels_first",
    "epsilon": 0.1,
}


@pytest.mark.parametrize(
    ("first", "keras_json"),
    [
        pytest.param("", {}, id="Keras", marks=pytest.mark.exhaustive),
        pytest.param("import lstmfcn.training.loop", KERAS_JSON, id="lstmfcn"),
    ],
)
def test_what_the_user_has_set_in_keras_changes_nothing_and_stays(expected, tmp_path, first, keras_json):
    """In `keras.json` and then in a program, with Keras or lstmfcn imported first."""
    if keras_json:
        (tmp_path / "keras.json").write_text(json.dumps(keras_json))
    code = f"{first}\nimport keras\n{SETTINGS}\n{FIT}\n"
    for setting in ("", *PROGRAM):
        code += f"{setting}\nbefore = settings()\nprint(digest(), settings() == before)\n"
    done = python(code, KERAS_HOME=str(tmp_path))
    assert done.stdout.split() == [expected, "True"] * (1 + len(PROGRAM)), done.stderr


def test_a_policy_that_nobody_has_set_is_still_unset_afterwards(undisturbed):
    """Else a later `set_floatx` of the user's would do nothing."""
    assert undisturbed[1]["type"] == "float64"


def test_another_backend_in_the_environment_is_refused_in_one_sentence():
    code = "import os, lstmfcn\nfrom lstmfcn.errors import LstmfcnError\n"
    code += "for os.environ['KERAS_BACKEND'] in ('torch', 'openvino'):\n"
    code += " try: lstmfcn.LSTMFCNClassifier().fit([[0.0, 1.0]] * 4, [0, 1, 0, 1])\n"
    done = python(code + " except LstmfcnError as error: print(error)")
    refused = "KERAS_BACKEND is {}, and lstmfcn trains on tensorflow or jax: unset it.\n"
    assert done.stdout == refused.format("torch") + refused.format("openvino"), done.stderr


def test_keras_on_another_backend_is_refused_in_one_sentence():
    """Which one it is, a module of Keras's says; PyTorch is not installed here."""
    code = "import sys, types\nmade_up = types.SimpleNamespace(backend=lambda: 'torch')\n"
    code += "sys.modules['keras.src.backend.config'] = made_up\n"
    code += "from lstmfcn.errors import LstmfcnError\ntry:\n import lstmfcn.training.loop\n"
    done = python(code + "except LstmfcnError as error: print(error)")
    assert done.stdout.startswith("Keras was imported with the backend torch, and lstmfcn trains"), (
        done.stderr
    )
    assert done.stdout.count("\n") == 1


def test_jax_trains_where_the_environment_asks_for_it_and_exports_nothing():
    """An estimator fits on it; what serves is made by TensorFlow, in another process."""
    code = "import sys, lstmfcn\nfrom lstmfcn.environment import load_backend\n"
    code += "from lstmfcn.errors import LstmfcnError\nimport lstmfcn.training.loop as loop\n"
    code += "print(loop.backend.__name__, load_backend())\ntry: load_backend('tensorflow')\n"
    done = python(code + "except LstmfcnError as error: print(error)", KERAS_BACKEND="jax")
    first, second = done.stdout.splitlines()
    assert first == "lstmfcn.training.jax jax", done.stderr
    assert second.startswith("Keras was imported with the backend jax, and what serves is made by tensorflow")


def test_a_backend_that_is_missing_is_told_of_with_its_extra():
    code = "import sys\nsys.modules['jax'] = None\nfrom lstmfcn.environment import load_backend\n"
    code += "from lstmfcn.errors import LstmfcnError\ntry: load_backend()\n"
    done = python(code + "except LstmfcnError as error: print(error)", KERAS_BACKEND="jax")
    assert done.stdout == "KERAS_BACKEND is jax, which is not installed: pip install 'lstmfcn[jax]'.\n"


def test_what_is_set_for_an_import_is_not_set_afterwards(undisturbed):
    named = ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "THREADS")
    assert not [name for name in undisturbed[1]["set"] if name.endswith(named)]


def test_a_fit_keeps_nothing_of_the_users_and_leaves_the_collector_on(undisturbed):
    """It imports TensorFlow, with the collector off and what it has found put aside."""
    assert undisturbed[1]["collected"] is True
    assert undisturbed[1]["kept"] == [False, 0]


def test_loading_keeps_nothing_of_the_users_and_leaves_the_collector_off(finished):
    code = f"""{GARBAGE}
gc.disable()
reference = garbage()
import lstmfcn; lstmfcn.load_champion("Bumps", workspace={str(finished[0].root)!r})
print(gc.isenabled(), kept(reference))
"""
    done = python(code)
    assert done.stdout == "False [False, 0]\n", done.stderr


def test_a_warning_about_the_users_own_functions_is_still_said():
    said, heard = [], logging.Handler()
    heard.emit = lambda record: said.append(record.getMessage())
    load_tensorflow()
    logging.getLogger("tensorflow").addHandler(heard)
    try:
        for i in range(8):
            tf.function(lambda x: x + 1)(tf.constant(i))
    finally:
        logging.getLogger("tensorflow").removeHandler(heard)
    assert "triggered tf.function retracing" in "".join(said)
