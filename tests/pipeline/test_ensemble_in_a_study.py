"""An ensemble in a study: made of what is trained anyway, measured, served and explained as one model."""

import json
from dataclasses import replace

import mlflow
import numpy as np
import pandas as pd
import pytest

from conftest import MINIATURE, copy_of, files_of, run_stages
from lstmfcn import config
from lstmfcn.classifiers.outcome import unpack_weights
from lstmfcn.errors import ParamsError
from lstmfcn.evaluation.evidence import with_evidence
from lstmfcn.evaluation.metrics import metric_named
from lstmfcn.files import read_json
from lstmfcn.pipeline.stages import promote
from lstmfcn.pipeline.stages.promote import standing
from lstmfcn.report.explanation_page import trained
from lstmfcn.report.summary import summarise
from lstmfcn.runs.facts import read_facts, seconds_to
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.outputs import load_run
from lstmfcn.runs.ranking import rank
from lstmfcn.runs.run import members_of
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.explained import registered_subject
from lstmfcn.tracking.registry.versions import registered
from lstmfcn.tracking.rows import CHOSEN_RUN_TAG

ONE = Identity(dataset="Bumps", classifier="ensemble", seed=0)
WITH = MINIATURE.replace("[lstm_fcn, alstm_fcn]", "[lstm_fcn, alstm_fcn, ensemble]")
STAGES = ("train", "finetune", "evaluate", "compare", "promote", "report")


@pytest.fixture(scope="module")
def study(finished, tmp_path_factory):
    """Return a finished study in which its networks vote."""
    workspace = copy_of(finished[0], tmp_path_factory.mktemp("ensemble") / "study")
    workspace.params.write_text(WITH)
    run_stages(workspace, finished[1], *STAGES)
    return workspace


def table(study, one, name="oof.csv"):
    """Return labels and the probabilities of the classes from a table of predictions."""
    frame = pd.read_csv(one.folder(study) / name)
    return frame["label"], frame[[c for c in frame if c.startswith("p:")]].to_numpy()


def alone(name):
    return replace(ONE, classifier=name)


def test_the_networks_stay_as_they_were(study, finished):
    """To the byte: nothing but what is the ensemble's is added."""
    old, new = (files_of(w.search, w.root / "models", w.predictions) for w in (finished[0], study))
    assert {name: new[name] for name in old} == old
    added = new.keys() - old.keys()
    assert all("Bumps/ensemble/seed-0" in name for name in added)
    assert {name.rpartition("/")[2] for name in added} == {
        "run.json",
        "oof.csv",
        "weights.npz",
        "predictions.csv",
    }


def test_it_is_the_mean_of_phase_1(study):
    """Out of fold by what each member left; on the test split by the probabilities that each was given."""
    for one, name in ((ONE, "oof.csv"), (ONE.test(), "predictions.csv")):
        labels, found = table(study, one, name)
        parts = [replace(one, classifier=name) for name in ("lstm_fcn", "alstm_fcn")]
        tables = [table(study, part, name) for part in parts]
        assert all((labels == other).all() for other, _ in tables)
        np.testing.assert_allclose(found, np.mean([p for _, p in tables], axis=0), atol=2e-6)


def test_it_is_measured_and_shown_beside_the_others(study):
    rows = pd.read_csv(study.results_table)
    (own,) = rows[rows["model"] == "ensemble"].to_dict("records")
    labels, probabilities = table(study, ONE.test(), "predictions.csv")
    predicted = np.array(["a", "b", "c"])[probabilities.argmax(axis=1)]
    assert own["accuracy"] == pytest.approx((predicted == labels).mean())
    assert (own["phase"], own["iteration"], own["chosen"]) == ("phase1", 0, True)
    found = summarise(study, config.load(study.params), None)
    (line,) = [line for line in found.evidence if line[1] == "ensemble"]
    assert line[2] == "-"
    assert "Ensemble" in study.report.read_text()
    facts = read_facts(study)
    took = seconds_to(study, load_run(study, ONE), lambda job: facts.get(job, {}))
    runs = [load_run(study, alone(name)) for name in ("lstm_fcn", "alstm_fcn")]
    jobs = {run.job for run in runs} | {load_run(study, r.identity.trial(r.cells)).job for r in runs}
    jobs.add(load_run(study, ONE).job)
    assert took == pytest.approx(sum(facts[job]["seconds"] for job in jobs))
    assert [one.classifier for one in members_of(load_run(study, ONE))] == ["lstm_fcn", "alstm_fcn"]


def test_mlflow_has_its_run_and_row(study):
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{study.mlruns}/mlflow.db")
    experiment = client.get_experiment_by_name("lstmfcn")
    asked = "tags.`lstmfcn.kind` = 'classifier' and tags.model = 'ensemble'"
    (row,) = client.search_runs([experiment.experiment_id], asked)
    assert row.data.tags["chosen"] == "ensemble, seed 0"
    run = client.get_run(row.data.tags[CHOSEN_RUN_TAG])
    assert run.data.params["members"] == load_run(study, ONE).params["members"]
    assert run.data.metrics["oof_accuracy"] == load_run(study, ONE).metrics["oof_accuracy"]


def test_it_serves_as_one_model_that_says_who_votes(study, finished):
    """Its answers are those that were evaluated. What was champion before stays, as nothing is better."""
    best = read_json(study.promotions)["Bumps"]["best"]
    assert best["model"] == "ensemble"
    champion = load_champion("Bumps", version=2, workspace=study.root)
    raw = pd.read_csv(finished[1] / "Bumps/Bumps_TEST.tsv", sep="\t", header=None).to_numpy()[:, 1:]
    _, evaluated = table(study, ONE.test(), "predictions.csv")
    answers = champion.predict_proba(raw[:, np.newaxis].astype(float))
    np.testing.assert_allclose(answers, evaluated, atol=2e-6)
    network = champion.network()
    assert [layer.name for layer in network.layers if layer.name.startswith("member")] == [
        "member0",
        "member1",
    ]
    subject, own = (
        registered_subject("Bumps", version=2, workspace=study.root),
        trained(study, "Bumps", ["ensemble"]),
    )
    X = champion.preprocessing.apply(raw[:, np.newaxis].astype(float))
    np.testing.assert_allclose(subject.network(X), own.network(X), atol=1e-6)


def test_a_single_network_stands_only_beyond_chance(study):
    """Two series of 24 more that are right are chance, twenty are not."""
    metric = metric_named("accuracy")
    vote, single = (load_run(study, alone(name)) for name in ("ensemble", "lstm_fcn"))
    labels, _ = table(study, ONE)

    def left(run, n_right):
        index = {"a": 0, "b": 1, "c": 2}
        frame = pd.read_csv(run.identity.folder(study) / "oof.csv")
        right = np.arange(len(frame)) % 24 < n_right
        chosen = [index[k] if ok else (index[k] + 1) % 3 for k, ok in zip(labels, right, strict=True)]
        frame[[c for c in frame if c.startswith("p:")]] = 0.05 + 0.85 * np.eye(3)[chosen]
        frame["predicted"] = np.array(["a", "b", "c"])[chosen]
        return frame.to_csv(index=False).encode()

    def chosen(n_single, n_vote):
        files = {single.key: left(single, n_single), vote.key: left(vote, n_vote)}
        with pytest.MonkeyPatch.context() as patch:
            for module in ("pipeline.stages.promote", "evaluation.evidence"):
                patch.setattr(f"lstmfcn.{module}.read_output", lambda _, run, __: files[run.key])
            runs = [with_evidence(study, replace(run, metrics={})) for run in (single, vote)]
            return standing(study, rank(runs, metric), metric, 0.05)

    best, reason = chosen(24, 22)
    assert best.key == vote.key
    assert "unless a single network is better beyond chance" in reason
    best, reason = chosen(24, 4)
    assert best.key == single.key
    assert "beyond chance better than the ensemble's" in reason
    best, reason = chosen(20, 24)
    assert best.key == vote.key
    assert "the highest out-of-fold accuracy" in reason


def test_seeds_and_folds_have_voices_of_their_own(finished, tmp_path):
    """A network by two seeds, each with those of two folds; the evidence is the two's alone."""
    study = copy_of(finished[0], tmp_path / "study")
    text = MINIATURE.replace("[lstm_fcn, alstm_fcn]", "[lstm_fcn, ensemble]")
    study.params.write_text(text + "seeds: [0, 3]\nensemble: {folds: true}\n")
    run_stages(study, finished[1], "train")
    run = load_run(study, ONE)
    cells = load_run(study, alone("lstm_fcn")).cells
    assert run.params["members"].split() == [f"lstm_fcn/{cells}"] * 6
    parts = members_of(run)
    assert [(one.classifier, one.seed) for one in parts] == [("lstm_fcn", 0), ("lstm_fcn", 3)]
    _, found = table(study, ONE)
    tables = [pd.read_csv(one.folder(study) / "oof.csv") for one in parts]
    assert (tables[0]["fold"] != tables[1]["fold"]).any()
    np.testing.assert_allclose(found, np.mean([table(study, one)[1] for one in parts], axis=0), atol=1e-6)
    merged = unpack_weights((ONE.folder(study) / "weights.npz").read_bytes())
    own = unpack_weights((parts[1].folder(study) / "fold-1.npz").read_bytes())
    for name, array in own.items():
        np.testing.assert_array_equal(merged[f"member5/{name}"], array)
    assert not (study.phase1 / "Bumps/ensemble/seed-3").exists()


@pytest.mark.slow
def test_mini_rocket_has_a_voice_and_serves_by_itself_where_it_may(finished, tmp_path):
    """Its figures are those of its own weights, and of the mean; its package answers as it was measured."""
    study = copy_of(finished[0], tmp_path / "study")
    text = WITH.replace("references: []", "references: [mini_rocket]")
    study.params.write_text(
        text + "promote: {references: true}\nensemble: {members: [mini_rocket, lstm_fcn]}\n"
    )
    run_stages(study, finished[1], "train", "finetune", "evaluate", "promote")
    voices = ("lstm_fcn", "mini_rocket")
    assert [one.classifier for one in members_of(load_run(study, ONE))] == list(voices)
    _, found = table(study, ONE.test(), "predictions.csv")
    own = [table(study, alone(name).test(), "predictions.csv")[1] for name in voices]
    loud = own[1] ** 4 / (own[1] ** 4).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, (own[0] + loud) / 2, atol=2e-5)
    (made,) = (
        one for one in read_json(study.promotions)["Bumps"]["candidates"] if one["model"] == "mini_rocket"
    )
    assert made["oof_log_loss"] < 1
    params = config.load(study.params)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promote, "standing", lambda _, ranked, *__: (of_mini_rocket(ranked), ""))
        promote.register(study, params)
    (version,) = (v for v in registered(study)["Bumps"] if v.model == "mini_rocket")
    champion = load_champion("Bumps", version=version.version, workspace=study.root)
    raw = pd.read_csv(finished[1] / "Bumps/Bumps_TEST.tsv", sep="\t", header=None).to_numpy()[:, 1:]
    np.testing.assert_allclose(champion.predict_proba(raw[:, np.newaxis].astype(float)), own[1], atol=2e-6)
    assert champion.network().get_layer("conv0").kernel.shape == (9, 1, 84)


def of_mini_rocket(ranked):
    return next(run for run in ranked if run.identity.classifier == "mini_rocket")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"models": ["ensemble"]}, "an ensemble of 0 networks has nothing to average"),
        ({"models": ["fcn", "ensemble"]}, "an ensemble of 1 network has nothing to average"),
        (
            {"models": ["fcn", "lite", "ensemble"], "ensemble": {"members": ["fcn", "resnet"]}},
            "ensemble.members names resnet, which is none that can vote among models and ref.*: fcn, lite",
        ),
        (
            {"models": ["fcn", "lite", "ensemble"], "ensemble": {"members": ["ensemble", "fcn"]}},
            "ensemble.members names ensemble, which is none that can vote",
        ),
        (
            {"models": ["fcn", "lite", "ensemble"], "ensemble": {"members": ["fcn", "fcn"]}},
            "ensemble.members names fcn more than once",
        ),
    ],
)
def test_a_vote_of_nobody_is_refused(given, said):
    with pytest.raises(ParamsError, match=said):
        config.parse({"datasets": ["A"], "references": [], **given})


def test_who_votes_is_what_the_parameters_say():
    given = {"datasets": ["A"], "models": ["fcn", "lite", "ensemble"], "references": []}
    assert config.parse(given).members == ("fcn", "lite")
    assert config.parse(given | {"ensemble": {"members": ["lite", "fcn"]}}).members == ("lite", "fcn")
    assert config.parse(given | {"models": ["fcn", "ensemble"], "ensemble": {"folds": True}}).members == (
        "fcn",
    )
    assert config.parse(given | {"references": ["dtw", "mini_rocket"]}).members == (
        "fcn",
        "lite",
        "mini_rocket",
    )
    paper = config.parse(given | {"protocol": "paper", "paper": json.loads(json.dumps(config.PAPER))})
    assert paper.classifiers == ("fcn", "lite")
