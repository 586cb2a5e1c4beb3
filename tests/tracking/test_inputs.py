"""The data of a run in MLflow: from it to DVC's object, and from that to the runs."""

import dataclasses
import hashlib
import json

from mlflow.data.schema import TensorDatasetSchema

from lstmfcn.runs.run import find_runs
from lstmfcn.tracking.inputs import dvc_md5, input_of
from lstmfcn.tracking.store import connect


def test_the_digest_is_the_name_of_dvcs_object(finished):
    """DVC names an object by the MD5 of its bytes; MLflow finds the runs by it."""
    workspace, _ = finished
    path = workspace.train_splits / "Bumps.npz"
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    _, run = next(find_runs(workspace.phase1))
    given = input_of(workspace, run).dataset
    assert given.digest == md5
    assert json.loads(given.source) == {
        "path": "data/prepared/train/Bumps.npz",
        "md5": md5,
        "object": f"files/md5/{md5[:2]}/{md5[2:]}",
    }
    client = connect(workspace)
    experiment = client.get_experiment_by_name("lstmfcn").experiment_id
    found = client.search_runs([experiment], f"dataset.digest = '{md5}'")
    assert {run.data.tags["phase"] for run in found} == {"search", "phase1", "finetuned"}


def test_a_file_that_holds_another_split_is_not_named(finished):
    workspace, _ = finished
    _, run = next(find_runs(workspace.phase1))
    other = input_of(workspace, dataclasses.replace(run, data="f" * 64)).dataset
    assert other.digest == "f" * 32
    assert "md5" not in json.loads(other.source)
    assert dvc_md5(workspace.train_splits / "None.npz", run.data) is None


def test_the_schema_is_one_that_mlflow_reads(finished):
    workspace, _ = finished
    _, run = next(find_runs(workspace.phase1))
    schema = TensorDatasetSchema.from_dict(json.loads(input_of(workspace, run).dataset.schema))
    assert schema.features.inputs[0].shape == (-1, 1, 20)
    assert str(schema.targets.inputs[0].type) == "int64"
