"""References in a study: rows of their own, beside networks that stay as they were; and what is left out."""

from dataclasses import replace

import mlflow
import pandas as pd
import pytest
from scipy.stats import binomtest

from conftest import MINIATURE, copy_of, files_of, run_stages
from lstmfcn import config
from lstmfcn.classifiers import table
from lstmfcn.evaluation.paired import level_over_folds
from lstmfcn.files import read_json
from lstmfcn.pipeline.doctor import examine
from lstmfcn.pipeline.jobs import JobsFailedError
from lstmfcn.report.data import load
from lstmfcn.report.sections import references as section
from lstmfcn.report.summary import duration, in_columns, summarise
from lstmfcn.runs.facts import read_facts
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.left_out import LEFT_OUT_FILE
from lstmfcn.runs.outputs import load_run
from toy_references import row

PLACE = "Bumps/centroid/seed-0"
ONE = Identity(dataset="Bumps", classifier="centroid", seed=0)


def run(workspace, ucr, one, *stages):
    """Run stages of a finished study with a reference."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "REFERENCES", (*table.REFERENCES, one))
        text = MINIATURE.replace("references: []", f"references: [{one.name}]")
        workspace.params.write_text(text)
        run_stages(workspace, ucr, *stages)


@pytest.fixture
def known(monkeypatch):
    """Let the table of classifiers have the centroid."""
    monkeypatch.setattr(table, "REFERENCES", (*table.REFERENCES, row()))


@pytest.fixture(scope="module")
def study(finished, tmp_path_factory):
    """Return a finished study in which a reference was run, mistaken in a few of the series."""
    workspace = copy_of(finished[0], tmp_path_factory.mktemp("references") / "study")
    stages = ("train", "finetune", "evaluate", "compare", "promote", "report")
    run(workspace, finished[1], row(above=0.0), *stages)
    return workspace


def test_they_have_rows_of_their_own_and_the_networks_stay_as_they_were(study, finished):
    """Beside the same study without them, to the byte, but for what is added."""
    before = finished[0]
    old, new = (files_of(w.search, w.root / "models", w.predictions) for w in (before, study))
    assert {name: new[name] for name in old} == old
    added = new.keys() - old.keys()
    assert {name.rpartition("/")[2] for name in added} == {"run.json", "oof.csv", "predictions.csv"}
    assert all(PLACE in name for name in added)
    for path in ("promotions.json", "results/metrics.json"):
        assert (study.root / path).read_bytes() == (before.root / path).read_bytes()
    rows = study.results_table.read_text().splitlines()
    assert [r for r in rows if ",centroid," not in r] == before.results_table.read_text().splitlines()
    (own,) = pd.read_csv(study.results_table).query("model == 'centroid'").to_dict("records")
    predicted = pd.read_csv(study.predictions / PLACE / "phase1/predictions.csv")
    assert own["accuracy"] == pytest.approx((predicted["label"] == predicted["predicted"]).mean())
    once = read_json(study.test_metrics)["measured_once"]["Bumps"]
    assert once["centroid"]["phase1"]["accuracy"] == pytest.approx(own["accuracy"])
    assert "Centroid" in (study.plots / "evidence/Bumps.csv").read_text()
    assert "centroid" in {
        method["model"] for method in read_json(study.comparison / "comparison.json")["summary"]
    }
    assert "centroid" not in set(pd.read_csv(study.comparison / "fine_tuning.csv")["model"])


def test_what_is_said_of_them_is_mcnemars_in_summary_and_report(study, known):
    """The counts are taken here from the tables of out-of-fold predictions."""
    (beside,) = pd.read_csv(study.beside).to_dict("records")
    best = read_json(study.promotions)["Bumps"]["best"]
    assert (beside["reference"], beside["network"]) == ("centroid", best["model"])
    theirs = Identity(dataset="Bumps", classifier=best["model"], seed=0).iteration(best["iteration"])
    tables = [pd.read_csv(one.folder(study) / "oof.csv") for one in (ONE, theirs)]
    mine, other = (table["label"] == table["predicted"] for table in tables)
    assert (beside["value"], beside["other"]) == pytest.approx((mine.mean(), other.mean()))
    only = sorted([int((mine & ~other).sum()), int((other & ~mine).sum())])
    assert only[0] != only[1]
    p = binomtest(only[1], sum(only), alternative="greater").pvalue
    assert beside["p"] == pytest.approx(p)
    beyond = p <= 0.05 and beside["p_folds"] <= level_over_folds(0.05, len(mine))
    assert (beside["verdict"] == "as good") == (not beyond)
    found = summarise(study, config.load(study.params), None)
    facts = read_facts(study)
    took = duration(facts[load_run(study, ONE).job]["seconds"])
    line = next(line for line in found.evidence if line[1] == "centroid")
    assert (line[2], line[-2], line[-1]) == ("-", took, "reference")
    assert max(map(len, in_columns(found.evidence).splitlines())) <= 100
    (said,) = [note for note in found.notes if "Centroid" in note]
    assert said.startswith(
        f"Bumps: Centroid does as well here ({mine.mean():.4f} beside {other.mean():.4f} of "
    )
    assert f"), in {took} s beside " in said
    page = study.report.read_text()
    assert said.partition(", in ")[0] in page
    assert took not in page.partition('<section id="references">')[2].partition("</section>")[0]


def test_mlflow_has_their_row_with_rank_and_seconds(study):
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{study.mlruns}/mlflow.db")
    experiment = client.get_experiment_by_name("lstmfcn")
    asked = "tags.`lstmfcn.kind` = 'classifier'"
    rows = {one.data.tags["model"]: one.data for one in client.search_runs([experiment.experiment_id], asked)}
    assert rows["centroid"].tags["chosen"] == "reference, seed 0"
    assert sorted(data.metrics["rank"] for data in rows.values()) == [1, 2, 3]
    facts = read_facts(study)
    assert rows["centroid"].metrics["seconds"] == pytest.approx(facts[load_run(study, ONE).job]["seconds"])
    for model in ("lstm_fcn", "alstm_fcn"):
        first = load_run(study, replace(ONE, classifier=model))
        search = load_run(study, first.identity.trial(first.cells))
        least = sum(facts[one.job]["seconds"] for one in (first, search))
        assert rows[model].metrics["seconds"] >= least * 0.999
    assert "centroid" in experiment.tags["mlflow.note.content"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.0, "0.00"),
        (0.0949, "0.09"),
        (0.31, "0.3"),
        (9.96, "10"),
        (73.6, "74"),
        (3600.0, "3600"),
    ],
)
def test_seconds_have_as_many_digits_as_matter(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("where", "picky"), [("train", row(most=20)), ("evaluate", row(unasked=15))])
def test_what_its_library_refuses_is_left_out_and_fails_nothing(
    finished, tmp_path, known, where, picky, capsys
):
    """The 24 training series are too many; or the 15 test series are not answered."""
    before, ucr = finished
    workspace = copy_of(before, tmp_path / "study")
    run(workspace, ucr, picky, "train", "evaluate", "compare")
    assert f"{where}: [1/1] Bumps centroid seed 0 is left out: Centroid cannot be" in capsys.readouterr().out
    folder = (workspace.phase1 if where == "train" else workspace.predictions) / PLACE
    assert [path.name for path in folder.iterdir()] == [LEFT_OUT_FILE]
    for path in ("results/metrics.json", "results/test.json", "results/results.csv", "comparison/scores.csv"):
        assert (workspace.root / path).read_bytes() == (before.root / path).read_bytes()
    reason = read_json(folder / LEFT_OUT_FILE)["reason"]
    found = summarise(workspace, config.load(workspace.params), None)
    assert f"Bumps: Centroid is left out: {reason}" in found.notes
    assert found.left_out == []
    assert section.section(load(workspace))["left_out"] == [f"Bumps: Centroid was left out. {reason}"]
    (folder / LEFT_OUT_FILE).unlink()  # as DVC does
    run(workspace, ucr, picky, "train", "evaluate")
    assert (folder / LEFT_OUT_FILE).exists()
    assert "is left out" not in capsys.readouterr().out  # it was kept, and is not tried again
    run(workspace, ucr, row(), "train", "evaluate", "compare")
    assert [path for path in workspace.root.rglob(LEFT_OUT_FILE) if path.is_relative_to(workspace.cache)]
    assert not [path for path in workspace.root.rglob(LEFT_OUT_FILE) if path.is_relative_to(folder)]
    found = summarise(workspace, config.load(workspace.params), None)
    assert not [note for note in found.notes if "left out" in note]


def test_a_missing_library_fails_its_job_alone_and_the_doctor_says_so(finished, tmp_path, monkeypatch):
    workspace = copy_of(finished[0], tmp_path / "study")
    dtw = table.references()["dtw"]
    missing = replace(dtw, name="nowhere", source="no_such:Thing", libraries=("no_such",))
    with pytest.raises(JobsFailedError, match=r"(?s)1 of 3 jobs of train failed.*nowhere needs no_such"):
        run(workspace, finished[1], missing, "train")
    assert (workspace.phase1 / "Bumps/lstm_fcn/seed-0/run.json").exists()
    monkeypatch.setattr(table, "REFERENCES", (*table.REFERENCES, missing))
    said = [message for fine, message in examine(workspace) if not fine]
    assert any("nowhere needs no_such, which is missing: `pip install" in message for message in said)
