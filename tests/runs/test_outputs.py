"""What a run left: read as it was, brought back from the cache, or named; never used otherwise."""

import json
from contextlib import suppress
from dataclasses import asdict, replace

import pytest

from lstmfcn.errors import DataError
from lstmfcn.files import hash_of
from lstmfcn.pipeline.stages import evaluate, finetune
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.identity import Identity
from lstmfcn.runs.outputs import check_outputs, check_rows, check_split, load_run, read_output, runs_in
from lstmfcn.runs.run import RUN_FILE, Run
from lstmfcn.workspace import Workspace

ONE = Identity(dataset="D", classifier="fcn", seed=0)
FILES = {"weights.npz": b"weights", "fold-0.npz": b"fold", "oof.csv": b"oof", "history.csv": b"history"}
RUN = Run(
    identity=ONE, job="ab" * 32, protocol="honest", data="cd" * 32, params={}, metrics={"oof_accuracy": 0.5},
    history="history.csv", artifacts=("weights.npz", "history.csv", "oof.csv"),
)  # fmt: skip


def lay_down(workspace, run=RUN, files=FILES, *, cached=True):
    """Write what a run left, as a stage does; return the run and its folder."""
    folder, bundle = run.identity.folder(workspace), run.with_files(files)
    folder.mkdir(parents=True)
    for name, content in bundle.items():
        (folder / name).write_bytes(content)
    if cached:
        inside = (
            f"{run.identity.step_folder}/" if run.identity.tested or run.identity.step == "search" else ""
        )
        Cache(workspace.cache).put(run.job, {inside + name: content for name, content in bundle.items()}, {})
    return Run.load(folder / RUN_FILE), folder


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def flipped(path):
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def gone(path):
    path.unlink()


def another(path):
    path.write_bytes(b"another run's, and just as whole")


def linked(path):
    path.rename(path.with_name("elsewhere"))
    another(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def folder_in_its_place(path):
    path.unlink()
    path.mkdir()


DAMAGE = [flipped, cut, gone, another, linked]


@pytest.mark.parametrize("one", [ONE, ONE.iteration(2), ONE.trial(8), ONE.test(), ONE.iteration(1).test()])
@pytest.mark.parametrize("damage", DAMAGE)
def test_what_was_damaged_is_brought_back_with_a_word(workspace, capsys, damage, one):
    run, folder = lay_down(workspace, replace(RUN, identity=one, key=""))
    for name, content in FILES.items():
        damage(folder / name)
        assert read_output(workspace, run, name) == content
        assert (folder / name).read_bytes() == content
        assert f"{folder / name} is" in (said := capsys.readouterr().err)
        assert "restored from the cache" in said
        read_output(workspace, run, name)
        assert not capsys.readouterr().err


@pytest.mark.parametrize("damage", [*DAMAGE, folder_in_its_place])
@pytest.mark.parametrize("name", FILES)
def test_without_a_cache_it_is_named_with_its_remedy(workspace, damage, name):
    run, folder = lay_down(workspace, cached=False)
    damage(folder / name)
    message = (
        rf"{name} is (missing|not as its run left it).*dvc checkout --force .*{name}.*--single-item train"
    )
    with pytest.raises(DataError, match=message):
        read_output(workspace, run, name)


def test_a_damaged_cache_brings_nothing_back(workspace):
    run, folder = lay_down(workspace)
    for place in (folder, workspace.cache / RUN.job):
        flipped(place / "weights.npz")
    with pytest.raises(DataError, match="not as its run left it"):
        read_output(workspace, run, "weights.npz")
    assert (folder / "weights.npz").read_bytes() != FILES["weights.npz"]


def test_what_dvc_has_linked_is_read(workspace, tmp_path):
    """`cache.type symlink`: the bytes count, which are known."""
    run, folder = lay_down(workspace, cached=False)
    (folder / "weights.npz").rename(tmp_path / "object")
    (folder / "weights.npz").symlink_to(tmp_path / "object")
    assert read_output(workspace, run, "weights.npz") == FILES["weights.npz"]


def of_schema_2(workspace):
    """Lay down a run whose file knows no hashes."""
    _, folder = lay_down(workspace)
    values = asdict(RUN) | {"schema": 2}
    del values["files"]
    (folder / RUN_FILE).write_text(json.dumps(values))
    return Run.load(folder / RUN_FILE), folder


def test_of_a_run_of_an_older_schema_the_cache_knows_the_hashes(workspace, capsys):
    run, folder = of_schema_2(workspace)
    assert run.files == {}
    flipped(folder / "weights.npz")
    assert read_output(workspace, run, "weights.npz") == FILES["weights.npz"]
    assert "restored" in capsys.readouterr().err


def test_where_nobody_knows_a_hash_files_are_taken_as_they_are_but_no_links(workspace, tmp_path):
    run, folder = of_schema_2(workspace)
    (workspace.cache / RUN.job / "manifest.json").unlink()
    flipped(folder / "weights.npz")
    assert read_output(workspace, run, "weights.npz") == b"weight?"
    (tmp_path / "secret").write_text("a secret")
    (folder / "weights.npz").unlink()
    (folder / "weights.npz").symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match="is missing"):
        read_output(workspace, run, "weights.npz")


def test_another_runs_file_in_its_place_is_noticed(workspace):
    """Whole, and consistent with the weights beside it."""
    _, folder = lay_down(workspace)
    other = replace(ONE, dataset="E")
    lay_down(workspace, replace(RUN, identity=other, job="ef" * 32, key=""))
    for name in (RUN_FILE, *FILES):
        (folder / name).write_bytes((other.folder(workspace) / name).read_bytes())
    for read in (lambda: load_run(workspace, ONE), lambda: list(runs_in(workspace, workspace.phase1))):
        with pytest.raises(DataError, match=r"phase1/D/.* is the file of another run, E fcn phase 1"):
            read()


def forged(values):
    """Return the file of a run with other values, its hash as it should be."""
    values = json.loads(RUN.with_files(FILES)[RUN_FILE]) | values
    values.pop("sha256")
    return json.dumps(values | {"sha256": hash_of(values)})


SECRET = "../../../../../secret"


NAMES = ("..", "../D", "/tmp", "a/b", "a\\b", "", None, 3, ["D"], "D\0", ".D")
STEPS = (
    {"step": "../x"},
    {"step": None},
    {"seed": -1},
    {"seed": "../x"},
    {"number": -1},
    {"resample": 1.5},
    {"x": 1},
)
FORGED = [
    *({"artifacts": [name]} for name in (*NAMES, SECRET, "run.json")),
    *({"files": {name: "00"}} for name in (*(n for n in NAMES if isinstance(n, str)), SECRET, "run.json")),
    *({"history": name} for name in (*(n for n in NAMES if n is not None), SECRET)),
    *({"identity": ONE.as_json() | {field: name}} for field in ("dataset", "classifier") for name in NAMES),
    *({"identity": ONE.as_json() | change} for change in STEPS),
    *({"identity": value} for value in (None, [], "D", {})),
    {"files": {"A": "0", "a": "0"}},
    {"files": []},
    {"artifacts": "ab"},
    {"params": [1]},
    {"metrics": {"a": "x"}},
    {"more": 1},
]


@pytest.mark.parametrize("values", FORGED)
def test_a_run_whose_names_lead_elsewhere_is_none(workspace, tmp_path, values):
    (tmp_path / "secret").write_text("a secret")
    _, folder = lay_down(workspace)
    (folder / RUN_FILE).write_text(forged(values))
    with pytest.raises(DataError, match="is not the file of a run") as caught:
        check_outputs(workspace, load_run(workspace, ONE))
    assert "a secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_byte_of_a_runs_file_counts(workspace):
    """One flipped: refused, or the run as it was."""
    run, folder = lay_down(workspace)
    content = (folder / RUN_FILE).read_bytes()
    for at in range(0, len(content), 3):
        (folder / RUN_FILE).write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with suppress(DataError):
            assert Run.load(folder / RUN_FILE) == run


def test_jobs_take_what_is_whole_and_name_what_is_not(workspace, capsys):
    """The files that `evaluate` and `finetune` send to their workers."""
    run, folder = lay_down(workspace)
    flipped(folder / "weights.npz")
    gone(folder / "fold-0.npz")
    rest = {"classifier": None, "train": None, "test": None}
    job = evaluate._with_files(workspace, [run], key="", **rest)
    assert job.trained == ((run, {name: FILES[name] for name in ("weights.npz", "oof.csv")}),)
    rest = dict.fromkeys(("key", "identity", "classifier", "network", "recipe", "protocol", "train"))
    rest |= dict.fromkeys(("selection", "n_folds", "progress", "scratch", "upstream"))
    job = finetune._with_weights(workspace, run, **rest)
    assert job.weights == {name: FILES[name] for name in ("weights.npz", "fold-0.npz")}
    assert capsys.readouterr().err.count("restored") == 2
    workspace.cache.rename(workspace.cache.with_name("away"))
    flipped(folder / "oof.csv")
    gone(folder / "fold-0.npz")
    with pytest.raises(DataError, match=r"oof\.csv is not as"):
        evaluate._with_files(workspace, [run])
    with pytest.raises(DataError, match=r"fold-0\.npz is missing"):
        finetune._with_weights(workspace, run)


def test_a_split_that_a_run_was_not_trained_on_is_refused(workspace):
    check_split(workspace, RUN, RUN.data)
    with pytest.raises(DataError, match=r"D\.npz is not what D fcn phase 1, seed 0 was trained on"):
        check_split(workspace, RUN, "00" * 32)


def test_a_row_of_results_is_what_its_run_measured(workspace):
    metrics = {"test_accuracy": 2 / 3, "oof_accuracy": None}
    lay_down(
        workspace,
        replace(RUN, identity=ONE.test(), metrics=metrics, upstream="up", sizes={"n_test": 3}, key=""),
    )
    row = {"dataset": "D", "model": "fcn", "seed": 0, "iteration": 0, "accuracy": 0.666666667, "key": "up",
           "oof_accuracy": float("nan"), "n_test": 3, "chosen": True}  # fmt: skip
    elsewhere = row | {"dataset": "E", "accuracy": 0.1}  # its run is not at hand
    check_rows(workspace, [row, elsewhere])
    for name, value in {
        "accuracy": 0.666666668,
        "key": "down",
        "oof_accuracy": 0.5,
        "n_test": "three",
    }.items():
        with pytest.raises(DataError, match=f"results.csv, row 3: {name} is not what D fcn phase 1"):
            check_rows(workspace, [row, row | {name: value}])
    for change in ({"dataset": "../D"}, {"seed": "x"}, {"model": None}):
        with pytest.raises(DataError, match="is about no run"):
            check_rows(workspace, [row | change])
