"""The command line: what a user sees when something is not as it should be."""

import csv
import socket
import subprocess
import sys

import numpy as np
import pytest
import requests

from conftest import MINIATURE, bumps, copy_of, make_workspace
from lstmfcn import cli
from lstmfcn.errors import TrackingError
from lstmfcn.evaluation.metrics import METRICS
from lstmfcn.files import read_json, write_json
from lstmfcn.pipeline.table import STAGES
from lstmfcn.report import summary
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.registry import standing


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs a command: its exit status, and what it wrote."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["lstmfcn", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        written = capsys.readouterr()
        return caught.value.code, written.out + written.err

    return call


def test_help_names_every_command_and_imports_nothing_heavy():
    code = "import sys; sys.argv = ['lstmfcn', '--help']\nfrom lstmfcn import cli\n"
    code += "try:\n cli.main()\nexcept SystemExit: pass\n"
    code += "print({'tensorflow', 'mlflow', 'pandas', 'great_expectations'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("set()")
    others = (
        "init",
        "champions",
        "pull",
        "predict",
        "drift",
        "explain",
        "serve",
        "sync",
        "summary",
        "doctor",
    )
    for command in (*STAGES, *others):
        assert f" {command} " in done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIATURE.replace("Bumps", "GunPont"), "Did you mean 'GunPoint'"),
        (MINIATURE + "trian: {epochs: 3}\n", "trian is not a known parameter. Did you mean 'train'"),
        (MINIATURE.replace("folds: 2, epochs: 3", "fold: 2"), "search.fold is not a known"),
        ("datasets: [Bumps\n", "not valid YAML"),
    ],
)
def test_a_name_that_is_not_known_comes_with_the_nearest(run, tmp_path, text, message):
    workspace = make_workspace(tmp_path / "clone", text)
    status, written = run("fetch", "-w", workspace.root)
    assert status == 1
    assert message in written
    assert "Traceback" not in written
    assert {path.name for path in workspace.raw.glob("*")} <= {"notes.json"}


FILE_FAULTS = {
    "a file that is missing": (None, "lacks Bad_TRAIN.tsv"),
    "a file cut short": (lambda lines: [*lines[:-1], lines[-1][:40]], "row 24: "),
    "text in a number's place": (lambda lines: [lines[0], lines[1] + "x", *lines[2:]], "row 2, column 21: "),
    "unequal columns": (lambda lines: [*lines[:4], lines[4] + "\t1.0", *lines[5:]], "row 5: 22 columns"),
    "an empty split": (lambda lines: [], "holds no series"),
}


@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_a_damaged_file_is_named_with_its_row_and_nothing_is_half_written(run, tmp_path, monkeypatch, fault):
    spoil, message = FILE_FAULTS[fault]
    change = (lambda s, x: spoil(x) if s == "TRAIN" else x) if spoil else None
    bumps(tmp_path / "ucr", "Bad", change=change)
    bumps(tmp_path / "ucr", "Good")
    if spoil is None:
        (tmp_path / "ucr/Bad/Bad_TRAIN.tsv").unlink()
    monkeypatch.setenv("LSTMFCN_UCR_DIR", str(tmp_path / "ucr"))
    workspace = make_workspace(tmp_path / "clone", MINIATURE.replace("[Bumps]", "[Bad, Good]"))
    status, written = run("fetch", "-w", workspace.root)
    assert status == 1
    assert message in written
    assert "Bad_TRAIN.tsv" in written
    assert {p.name for p in workspace.raw.iterdir()} == {"Good", "notes.json"}


def test_a_stage_before_its_time_says_what_to_run(run, tmp_path):
    workspace = make_workspace(tmp_path / "clone")
    for stage, before in (("train", "prepare"), ("compare", "evaluate")):
        status, written = run(stage, "-w", workspace.root)
        assert status == 1
        assert f"dvc repro {before}" in written


def test_predict_writes_labels_probabilities_and_the_accuracy(run, finished, tmp_path):
    workspace, ucr = finished
    labelled = ucr / "Bumps/Bumps_TEST.tsv"
    status, written = run("predict", "Bumps", labelled, "-o", tmp_path / "a.csv", "-w", workspace.root)
    assert status == 0
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    right = sum(r["label"] == r["predicted"] for r in rows)
    assert f"accuracy {right / 15:.4f} ({right} of 15 labels)" in written
    for metric in METRICS.values():
        assert f"{metric.title} " in written
    assert "sensitivity of each class: a " in written
    for row in rows:
        by_label = {label: float(row[f"p:{label}"]) for label in "abc"}
        assert sum(by_label.values()) == pytest.approx(1, abs=1e-5)
        assert row["predicted"] == max(by_label, key=by_label.get)
    bare = tmp_path / "bare.csv"
    bare.write_text(
        labelled.read_text().replace("\t", ",").replace("a,", "").replace("b,", "").replace("c,", "")
    )
    status, written = run("predict", "Bumps", bare, "-w", workspace.root)
    assert status == 0
    assert "accuracy" not in written
    with (tmp_path / "bare.predictions.csv").open() as file:
        assert [r["predicted"] for r in csv.DictReader(file)] == [r["predicted"] for r in rows]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a" + "\t1" * 19 + "\n", "so a series has 19 values, not 20"),
        ("a" + "\t1" * 25 + "\n", "row 1: 26 columns, but a series has 20 values"),
        ("a" + "\t1" * 19 + "\tnan\n", "row 1: a missing or infinite value"),
        ("a" + "\t1" * 19 + "\tone\n", "column 1 and column 21"),
        ("", "holds no series"),
        ("@classLabel true a\n@data\n1,2,3:a\n", "row 3: a series of 1 channel"),
    ],
)
def test_predict_refuses_a_file_that_does_not_fit(run, finished, tmp_path, content, message):
    file = tmp_path / ("series.ts" if content.startswith("@") else "series.tsv")
    file.write_text(content)
    status, written = run("predict", "Bumps", file, "-w", finished[0].root)
    assert message in written
    assert status == 1
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


def test_explain_and_drift_take_the_options_of_predict(run, finished, tmp_path):
    """A model by its name or folder, and a file whose layout has to be told."""
    workspace, ucr = finished
    rows = [line.split("\t") for line in (ucr / "Bumps/Bumps_TEST.tsv").read_text().splitlines()]
    file = tmp_path / "odd.csv"
    file.write_text("".join(";".join([*row[1:], "x", row[0]]).replace(".", ",") + "\n" for row in rows))
    known = (str(file), "--label", "22", "--drop", "21", "--decimal", ",", "--no-header")
    assert run("pull", "Bumps", "--to", str(tmp_path / "m"), "-w", workspace.root)[0] == 0
    for source in (("-w", str(workspace.root)), ("--model", str(tmp_path / "m"))):
        target = tmp_path / source[0].strip("-")
        status, said = run("explain", "Bumps", *known, *source, "--to", str(target), "--series", "2,5")
        assert (status, "15 series, 2 of them drawn" in said) == (0, True)
        assert sorted(path.name for path in target.iterdir()) == ["explanation.npz", "index.html"]
        status, said = run("drift", "Bumps", *known, *source, "--output", str(tmp_path / "d.csv"))
        assert (status, " of 15 series are unlike the training series" in said) == (0, True)
        assert len((tmp_path / "d.csv").read_text().splitlines()) == 16
    status, error = run("explain", "Bumps", "-w", workspace.root, "--series", "1")
    assert (status, "names rows of FILE" in error) == (2, True)


def test_serve_answers_on_this_machine_alone_and_ends_when_told_to(finished):
    root = finished[0].root
    champion = load_champion("Bumps", workspace=root)
    series = np.random.default_rng(0).normal(size=(3, *champion.shape)).astype(np.float32)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "lstmfcn", "serve", "Bumps", "--port", str(port), "-w", root]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert any(line.startswith(f"    curl http://127.0.0.1:{port}/inv") for line in server.stdout)
            address = f"http://127.0.0.1:{port}"
            answer = requests.post(
                f"{address}/invocations", json={"inputs": series.tolist()}, timeout=60
            ).json()
            assert requests.get(f"{address}/model", timeout=60).json()["alias"] == "champion"
        finally:
            server.terminate()
        assert server.wait(10) == 0
        assert server.stderr.read() == ""
    found = [[*one["probabilities"].values()] for one in answer["predictions"]]
    np.testing.assert_allclose(found, champion.predict_proba(series), atol=1e-6)
    assert [one["label"] for one in answer["predictions"]] == champion.predict(series).tolist()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0  # nobody is left behind


def test_serve_says_that_the_port_is_taken_before_it_loads_a_model(run):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, written = run("serve", "NoSuchModel", "--port", str(port))
    assert status == 1
    assert f"port {port}: address already in use" in written


def test_serve_takes_no_path_for_a_name(run, finished):
    status, written = run("serve", "../../elsewhere", "-w", str(finished[0].root))
    assert status == 1
    assert "is not a folder that `lstmfcn pull` made" in written


def test_champions_lists_the_evidence(run, finished):
    status, written = run("champions", "-w", finished[0].root)
    champion = read_json(finished[0].promotions)["Bumps"]["best"]
    assert status == 0
    assert f"{champion['oof_accuracy']:.4f}" in written
    assert "measured once" in written
    assert "no better" not in written
    assert champion["model"] in written


def test_summary_fails_where_a_dataset_was_left_out(run, finished, monkeypatch):
    workspace, _ = finished
    status, written = run("summary", "-w", workspace.root)
    assert status == 0
    assert "Bumps" in written
    assert written.index("champion v1") < written.index("measured once") < written.index("BALANCED ACCURACY")
    assert "majority rate" not in written
    status, written = run("summary", "--metrics", "-w", workspace.root)
    for metric in METRICS.values():
        assert f"Bumps    {metric.title}" in written
    assert "sensitivity of c" in written
    verdicts = read_json(workspace.verdicts)
    found = {"severity": "error", "message": "Bumps_TEST.tsv, row 4: missing values."}
    monkeypatch.setattr(
        summary,
        "read_json",
        lambda path: (
            [verdicts[0] | {"outcome": "failed", "findings": [found]}]
            if path == workspace.verdicts
            else read_json(path)
        ),
    )
    status, written = run("summary", "-w", workspace.root)
    assert status == 1
    assert "Left out" in written
    assert "row 4: missing values" in written


def test_summary_says_so_where_the_registry_does_not_answer(run, finished, monkeypatch):
    def refuse(*_arguments, **_keywords):
        raise TrackingError("The store does not answer.")

    monkeypatch.setattr(standing, "serving", refuse)
    status, written = run("summary", "-w", finished[0].root)
    assert status == 0
    assert "What serves is not known: The store does not answer." in written
    assert "candidate" in written
    assert "champion" not in written


def test_summary_shows_what_is_asked_for_and_nothing_else(run, finished, tmp_path):
    """Another list of datasets, on files of before."""
    workspace = copy_of(finished[0], tmp_path / "copy")
    workspace.params.write_text(workspace.params.read_text().replace("[Bumps]", "[Other]"))
    status, written = run("summary", "-w", workspace.root)
    assert status == 1
    assert "Bumps" not in written
    assert "Other: has not been run yet" in written
    workspace.params.write_text(workspace.params.read_text().replace("[Other]", "[Bumps]"))
    verdicts = read_json(workspace.verdicts)
    gone = {"finding": "source_gone", "severity": "warn", "message": "Bumps is the copy of 2001-09-09."}
    write_json(workspace.verdicts, [verdicts[0] | {"outcome": "warned", "findings": [gone]}])
    status, written = run("summary", "-w", workspace.root)
    assert status == 1
    assert "Bumps is the copy of 2001-09-09" in written
    assert "Out of fold" in written


def test_doctor_mends_an_emptied_lock_and_names_what_it_cannot(run, tmp_path):
    workspace = make_workspace(tmp_path / "clone", "datasets: 3\n")
    git = ["git", "-C", str(workspace.root), "-c", "user.name=x", "-c", "user.email=x"]
    (workspace.root / "dvc.lock").write_text("schema: '2.0'\n")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "dvc.lock"], check=True)
    subprocess.run([*git, "commit", "-qm", "lock"], check=True)
    (workspace.root / "dvc.lock").write_text("")
    status, written = run("doctor", "-w", workspace.root)
    assert status == 1
    assert "restored from git" in written
    assert (workspace.root / "dvc.lock").read_text() == "schema: '2.0'\n"
    assert "BAD" in written
    assert "datasets" in written


def test_a_sync_of_nothing_says_so(run, tmp_path):
    workspace = make_workspace(tmp_path / "clone")
    write_json(workspace.root / "data/none.json", {})
    status, written = run("sync", "-w", workspace.root)
    assert status == 0
    assert "until now: 0 runs." in written
