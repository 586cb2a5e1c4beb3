"""Models that were tampered with are refused before anything of them is loaded."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.package.check import UntrustedModelError, check
from lstmfcn.tracking.package.contents import DATA, MANIFEST, OF_THE_DOWNLOAD, checksum
from lstmfcn.tracking.registry.download import pull
from lstmfcn.tracking.registry.versions import model_name, registered
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
    assert check(pulled, registered=checksum(copy)).dataset == "Bumps"
    assert load_champion(copy).predict_proba(SERIES).shape == (2, 3)


def test_to_look_at_a_model_is_quiet(pulled):
    """TensorFlow, loaded for it, has much to say of processors and missing devices."""
    code = "import sys; from pathlib import Path; from lstmfcn.tracking.package.check import check; "
    code += "check(Path(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, pulled], capture_output=True, text=True, check=True)
    assert done.stderr == done.stdout == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("python_function.loader_module", "evil"),
        ("python_function.code", "code"),
        ("python_function.data", "inner"),
        ("tensorflow.code", "code"),
        ("tensorflow.model_type", "keras"),
        ("tensorflow.saved_model_dir", "../elsewhere"),
        ("keras.data", "model.keras"),
    ],
)
def test_other_code_to_load_is_refused(copy, key, value):
    """As in a model of Keras with a Lambda layer, one with a module of its own, or another one within it."""
    path = copy / "MLmodel"
    described = yaml.safe_load(path.read_text())
    flavor, name = key.split(".")
    described["flavors"].setdefault(flavor, {})[name] = value
    path.write_text(yaml.safe_dump(described))
    with pytest.raises(UntrustedModelError, match="MLmodel is not what was pulled"):
        load_champion(copy)
    (copy / MANIFEST).unlink()
    with pytest.raises(UntrustedModelError, match=flavor if flavor == "keras" else key):
        load_champion(copy)


def test_a_pulled_folder_is_checked_by_its_own_manifest(pulled, copy, finished):
    """Without the store; a folder of before, which has none and MLflow's own file, loads too."""
    (version,) = (v for v in registered(finished[0])["Bumps"] if "champion" in v.aliases)
    assert json.loads((pulled / MANIFEST).read_text())["sha256"] == version.sha256
    content = (copy / DATA).read_bytes()
    (copy / DATA).write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    with pytest.raises(UntrustedModelError, match=f"{DATA} is not what was pulled"):
        load_champion(copy)
    (copy / DATA).write_bytes(content)
    (copy / MANIFEST).unlink()
    (copy / OF_THE_DOWNLOAD).write_text("model_name: lstmfcn.Bumps\nmodel_version: '1'\n")
    assert load_champion(copy).predict_proba(SERIES).shape == (2, 3)


def test_a_file_that_is_hidden_in_the_store_is_noticed(finished, tmp_path):
    """One of the name that MLflow gives to its own was no part of the checksum, at any depth."""
    workspace = finished[0]
    source = source_of(workspace)
    hidden = source / "tf2model" / OF_THE_DOWNLOAD
    hidden.write_text("it was never looked at")
    try:
        with pytest.raises(UntrustedModelError, match="not the one that was registered"):
            pull(workspace, "Bumps", tmp_path / "model")
    finally:
        hidden.unlink()


def source_of(workspace):
    """Return where the store keeps the files of the champion."""
    (version,) = (v for v in registered(workspace)["Bumps"] if "champion" in v.aliases)
    source = connect(workspace).get_model_version(model_name("Bumps"), str(version.version)).source
    return Path(source.removeprefix("file://"))


def test_weights_that_were_changed_in_the_store_are_refused(finished, tmp_path):
    """By pull and by predict; the registry's own checksum tells."""
    workspace = finished[0]
    weights = source_of(workspace) / DATA
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
