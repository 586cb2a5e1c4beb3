"""The table of stages, dvc.yaml and the command line say one and the same."""

import importlib
from pathlib import Path

import pytest
from dvc_render.vega_templates import TEMPLATES
from ruamel.yaml import YAML
from typer.main import get_command

from conftest import ROOT
from lstmfcn.cli import app
from lstmfcn.config import Params
from lstmfcn.pipeline.table import STAGES, dvc_yaml
from lstmfcn.study.new import files_of

DVC = YAML(typ="safe").load(dvc_yaml())["stages"]


def test_the_committed_file_is_what_the_table_gives():
    """To mend: lstmfcn init ."""
    assert (ROOT / "dvc.yaml").read_text() == dvc_yaml()


def test_the_stages_are_the_commands_in_their_order():
    assert list(DVC) == list(STAGES)
    commands = list(get_command(app).commands)
    assert [name for name in commands if name in STAGES] == list(STAGES)
    for name, stage in DVC.items():
        assert stage["cmd"].split()[:2] == ["lstmfcn", name]
        assert callable(importlib.import_module(STAGES[name].module).run)


def test_every_plot_has_a_folder_that_is_written_and_a_template():
    """DVC's own, or one that `lstmfcn init` lays down."""
    known = {template.DEFAULT_NAME for template in TEMPLATES}
    known |= {Path(name).stem for name in files_of("x") if name.startswith(".dvc/plots/")}
    for plot in YAML(typ="safe").load(dvc_yaml())["plots"]:
        ((folder, how),) = plot.items()
        assert folder.startswith("reports/plots/")
        assert how["template"] in known


def test_only_evaluate_depends_on_the_test_split():
    assert [name for name, stage in DVC.items() if "data/prepared/test" in stage.get("deps", [])] == [
        "evaluate"
    ]


def test_every_stage_but_the_first_depends_on_its_code():
    for name, stage in list(DVC.items())[1:]:
        assert stage["deps"][0] == f"code/{name}.json"


def test_no_path_of_the_package_is_a_dependency():
    """A study need not lie in a clone of this repository."""
    assert not [dep for stage in DVC.values() for dep in stage.get("deps", []) if dep.startswith("src")]


def test_whatever_a_stage_reads_an_earlier_one_writes():
    written = {"code", "data/own"}  # the latter by `lstmfcn add`
    for name, stage in DVC.items():
        for dep in stage.get("deps", []):
            assert dep in written or dep.partition("/")[0] in written, (name, dep)
        for out in [*stage["outs"], *stage.get("metrics", [])]:
            written.add(out if isinstance(out, str) else next(iter(out)))


@pytest.mark.parametrize("stage", list(DVC))
def test_every_parameter_that_a_stage_names_is_there(stage):
    values = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
    known = {field.alias or name for name, field in Params.model_fields.items()} | {"paper"}
    for key in DVC[stage].get("params", []):
        value = values
        for part in key.split("."):
            value = value[part]
        assert key.split(".")[0] in known
