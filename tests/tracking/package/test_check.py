"""Models that were tampered with are refused before anything of them is loaded."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml

from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.download import pull
from lstmfcn.tracking.package.check import UntrustedModelError, check, checksum
from lstmfcn.tracking.registry import model_name, registered
from lstmfcn.tracking.store import connect

SERIES = np.zeros((2, 1, 20), np.float32)


@pytest.fixture(scope="module")
def pulled(finished, tmp_path_factory):
    """A model as users have it."""
    return pull(finished[0], "Bumps", tmp_path_factory.mktemp("pulled") / "model")


@pytest.fixture
def copy(pulled, tmp_path):
    return shutil.copytree(pulled, tmp_path / "model")


def test_a_model_of_ours_passes_wherever_it_lies(pulled, copy):
    check(pulled, registered=checksum(copy))
    (copy / "registered_model_meta").unlink(missing_ok=True)
    assert checksum(copy) == checksum(pulled)
    assert load_champion(copy).predict_proba(SERIES).shape == (2, 3)


def test_to_look_at_a_model_is_quiet(pulled):
    """TensorFlow, loaded for it, has much to say of processors and missing devices."""
    code = "import sys; from pathlib import Path; from lstmfcn.tracking.package.check import check; "
    code += "check(Path(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, pulled], capture_output=True, text=True, check=True)
    assert done.stderr == done.stdout == ""


def change(folder, **values):
    """Change the description of a model by which MLflow loads it."""
    path = folder / "MLmodel"
    described = yaml.safe_load(path.read_text())
    for place, value in values.items():
        flavor, key = place.split("__")
        described["flavors"].setdefault(flavor, {})[key] = value
    path.write_text(yaml.safe_dump(described))


@pytest.mark.parametrize(
    "values",
    [
        {"python_function__loader_module": "evil"},
        {"python_function__code": "code"},
        {"tensorflow__model_type": "keras"},
        {"tensorflow__saved_model_dir": "../elsewhere"},
        {"keras__data": "model.keras"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_other_code_to_load_is_refused(copy, values):
    """As in a model of Keras with a Lambda layer, or one with a module of its own."""
    (copy / "code").mkdir()
    (copy / "code/evil.py").write_text("raise SystemExit('it ran')")
    change(copy, **values)
    with pytest.raises(UntrustedModelError, match="names other code"):
        load_champion(copy)


class Writes(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((None, 1, 20), tf.float32)])
    def __call__(self, series):
        tf.io.write_file("/tmp/lstmfcn-was-here", "it ran")
        return series[:, 0, :3]


class Reads(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((None, 1, 20), tf.float32)])
    def __call__(self, series):
        return series[:, 0, :3] + tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)


class CallsPython(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((None, 1, 20), tf.float32)])
    def __call__(self, series):
        return tf.py_function(lambda x: x[:, 0, :3], [series], tf.float32)


@pytest.mark.parametrize(
    ("module", "name"), [(Writes, "WriteFile"), (Reads, "ReadFile"), (CallsPython, "EagerPyFunc")]
)
def test_a_graph_that_reaches_outside_is_refused(copy, module, name):
    shutil.rmtree(copy / "tf2model")
    tf.saved_model.save(module(), str(copy / "tf2model"))
    with pytest.raises(UntrustedModelError, match=name):
        load_champion(copy)


def test_a_damaged_graph_is_refused(copy):
    (copy / "tf2model/saved_model.pb").write_bytes(b"\xff\x00 no graph")
    with pytest.raises(UntrustedModelError, match="damaged"):
        load_champion(copy)


def test_weights_that_were_changed_in_the_store_are_refused(finished, tmp_path):
    """By pull and by predict; the registry's own checksum tells."""
    workspace = finished[0]
    (version,) = (v for v in registered(workspace)["Bumps"] if "champion" in v.aliases)
    source = connect(workspace).get_model_version(model_name("Bumps"), str(version.version)).source
    (weights,) = Path(source.removeprefix("file://"), "tf2model/variables").glob("variables.data*")
    content = weights.read_bytes()
    weights.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    try:
        with pytest.raises(UntrustedModelError, match="not the one that was registered"):
            pull(workspace, "Bumps", tmp_path / "model")
        assert not (tmp_path / "model").exists()
        with pytest.raises(UntrustedModelError, match="not the one that was registered"):
            load_champion("Bumps", workspace=workspace.root)
    finally:
        weights.write_bytes(content)
    load_champion("Bumps", workspace=workspace.root)
