"""A new study: what `lstmfcn init` writes, and that this repository is one."""

import re
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from conftest import ROOT
from lstmfcn import config
from lstmfcn.errors import LstmfcnError, ParamsError
from lstmfcn.pipeline.table import STAGES
from lstmfcn.study.new import files_of, make

DVC = [sys.executable, "-m", "dvc"]


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies") / "pumps"
    make(folder)
    return folder


def test_it_is_understood_by_us_by_git_and_by_dvc(new):
    assert config.load(new / "params.yaml").datasets == config.DATASETS
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    untracked = subprocess.run(command, cwd=new, capture_output=True, text=True, check=True)
    names = {line[3:] for line in untracked.stdout.splitlines()}
    assert {"params.yaml", "dvc.yaml", "README.md", "data/README.md", "mlruns/README.md"} <= names
    dag = subprocess.run([*DVC, "dag", "--dot"], cwd=new, capture_output=True, text=True, check=True).stdout
    edges = set(re.findall(r'"(\w+)" -> "(\w+)"', dag))
    assert {("code", name) for name in STAGES if name != "code"} <= edges
    assert {
        ("fetch", "validate"),
        ("prepare", "search"),
        ("train", "finetune"),
        ("finetune", "promote"),
    } <= edges


def test_no_file_speaks_of_a_clone_or_of_a_make_target(new):
    for name, text in files_of("x").items():
        assert "make " not in text or name.endswith(".yaml"), name
        assert "clone" not in text, name


def test_what_the_stages_write_is_left_to_dvc(new):
    stages = YAML(typ="safe").load((new / "dvc.yaml").read_text())["stages"]
    for stage in stages.values():
        for out in stage["outs"]:
            path = out if isinstance(out, str) else next(iter(out))
            ignored = subprocess.run(["git", "check-ignore", "-q", path], cwd=new).returncode == 0
            assert ignored, path


def test_called_again_it_leaves_what_is_the_users_and_renews_what_is_ours(tmp_path):
    new = tmp_path / "pumps"
    make(new)
    (new / "params.yaml").write_text(config.as_yaml(datasets=("Pumps",)))
    (new / "dvc.yaml").write_text("stages: {}\n")
    (new / "data/README.md").unlink()
    assert sorted(make(new)) == ["data/README.md", "dvc.yaml"]
    assert config.load(new / "params.yaml").datasets == ("Pumps",)
    assert make(new) == []


def test_an_older_study_gets_the_keys_that_are_new(tmp_path):
    """DVC knows no defaults: it stops at a stage whose parameter is missing. What was there stays."""
    new = tmp_path / "pumps"
    make(new)
    text = (new / "params.yaml").read_text()
    older = re.sub(r"(?m)^# Estimators.*\n# .*\nreferences:.*\n\n", "", text) + "# mine\n"
    assert len(older) < len(text)
    (new / "params.yaml").write_text(older)
    assert make(new) == ["params.yaml"]
    assert all(line in (new / "params.yaml").read_text().splitlines() for line in older.splitlines())
    values = YAML(typ="safe").load(new / "params.yaml")
    assert {name.split(".")[0] for stage in STAGES.values() for name in stage.params} <= values.keys()
    assert config.load(new / "params.yaml") == config.parse(YAML(typ="safe").load(text))
    assert make(new) == []
    (new / "params.yaml").write_text("models: [")
    with pytest.raises(ParamsError, match=r"params\.yaml"):
        make(new)
    assert (new / "params.yaml").read_text() == "models: ["


def test_an_older_study_gets_the_page_of_its_plots(tmp_path):
    new = tmp_path / "pumps"
    make(new)
    (new / ".dvc/config").write_text("[cache]\n    type = copy\n")
    (new / ".dvc/plots/curves.json").write_text("{}")
    assert sorted(make(new)) == [".dvc/config", ".dvc/plots/curves.json"]
    text = (new / ".dvc/config").read_text()
    assert "type = copy" in text
    assert "html_template = ../reports/plots/page.html" in text


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(LstmfcnError, match=r"holds other things \(thesis\.tex\)"):
        make(tmp_path)
    with pytest.raises(LstmfcnError, match="is a file"):
        make(tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_study_may_lie_in_a_repository(tmp_path):
    """As a folder of a larger project."""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    make(tmp_path / "models/pumps")
    assert not (tmp_path / "models/pumps/.git").exists()
    subprocess.run([*DVC, "status"], cwd=tmp_path / "models/pumps", check=True, capture_output=True)


def test_this_repository_is_a_study():
    """Its parameters and stages are held by the tests of config and of the table of stages."""
    files = files_of("lstmfcn")
    for name in (".dvcignore", ".dvc/config", ".dvc/plots/evidence.json", ".dvc/plots/curves.json"):
        assert (ROOT / name).read_text() == files[name]
    assert set(files[".gitignore"].splitlines()) <= set((ROOT / ".gitignore").read_text().splitlines())


def test_an_older_study_gets_the_parameters_that_its_stages_depend_on_now(tmp_path):
    """DVC refuses a stage with a parameter that the file does not name; the values of before stay."""
    new = tmp_path / "pumps"
    make(new)
    whole = config.as_yaml(datasets=("Pumps",), seeds=(4,))
    lines = whole.splitlines(keepends=True)
    at = lines.index("resamples: 1\n")
    (new / "params.yaml").write_text("".join(lines[: at - 2] + lines[at + 2 :]))
    assert "resamples" not in (new / "params.yaml").read_text()
    assert make(new) == ["params.yaml"]
    assert (new / "params.yaml").read_text() == whole
    assert make(new) == []
