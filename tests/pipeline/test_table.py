"""dvc.yaml says what the code does: who reads the test split, on which code and values a stage depends."""

import importlib

import pytest
import yaml

from conftest import ROOT
from lstmfcn.cli import STAGES
from lstmfcn.config import Params

DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def test_the_stages_are_the_commands_in_their_order():
    assert list(DVC) == list(STAGES)
    assert all(stage["cmd"].split()[:2] == ["lstmfcn", name] for name, stage in DVC.items())


def test_only_evaluate_depends_on_the_test_split():
    assert [name for name, stage in DVC.items() if "data/prepared/test" in stage["deps"]] == ["evaluate"]


@pytest.mark.parametrize("stage", ["search", "train", "finetune", "evaluate"])
def test_the_code_that_keys_a_stages_jobs_is_what_dvc_watches(stage):
    """Else a change of the code would rerun jobs without DVC knowing, or the other way round."""
    watched = {dep.removeprefix("src/lstmfcn/") for dep in DVC[stage]["deps"] if dep.startswith("src/")}
    keyed = set(importlib.import_module(f"lstmfcn.pipeline.stages.{stage}").CODE)
    assert keyed == watched


def test_every_file_and_value_that_a_stage_names_is_there():
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    known = {field.alias or name for name, field in Params.model_fields.items()} | {"paper"}
    for stage in DVC.values():
        for dep in stage["deps"]:
            assert not dep.startswith("src/") or (ROOT / dep).exists(), dep
        for key in stage.get("params", []):
            value = values
            for part in key.split("."):
                value = value[part]
            assert key.split(".")[0] in known
