"""What many tests share: a clone in miniature, and the pipeline run once in it."""

import functools
import gc
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from filelock import FileLock
from hypothesis import settings

from lstmfcn import config
from lstmfcn.environment import ONE_THREAD, QUIET
from lstmfcn.errors import LstmfcnError
from lstmfcn.files import hash_bytes, hash_of
from lstmfcn.pipeline import jobs as queue
from lstmfcn.pipeline import stages as pipeline_stages
from lstmfcn.pipeline.table import STAGES
from lstmfcn.workspace import Workspace

ROOT = Path(__file__).parents[1]

os.environ |= ONE_THREAD | QUIET  # before TensorFlow: as a worker has it, and the cores are the tests' own

gc.disable()  # until all is loaded: see `pytest_collection_finish`

# The same examples in each run, so that a change is judged by what it changes; `--hypothesis-profile=default`
# draws new ones.
settings.register_profile("fixed", derandomize=True)
settings.load_profile("fixed")

MINIATURE = """
datasets: [Bumps]
models: [lstm_fcn, alstm_fcn]
references: []
search: {cells: [2, 4], folds: 2, epochs: 3, batch_size: 8}
train: {epochs: 12, batch_size: 8, folds: 2}
finetune: {iterations: 2, epochs: 4, batch_size: 8}
"""


def bumps(folder, name="Bumps", *, change=None, classes=("a", "b", "c")):
    """Write a dataset in the archive's layout: the place of a bump tells the class.

    `change` may alter the lines of each split: it is called with the split's name and its lines.
    """
    rng = np.random.default_rng(0)
    for split, n in (("TRAIN", 24), ("TEST", 15)):
        lines = []
        for i in range(n):
            k = i % len(classes)
            x = 0.3 * rng.normal(size=20)
            x[3 + 5 * k : 6 + 5 * k] += 2
            lines.append("\t".join([classes[k], *(f"{v:.4f}" for v in x)]))
        lines = change(split, lines) if change else lines
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / f"{name}_{split}.tsv").write_text("".join(line + "\n" for line in lines))


def make_workspace(root, text=MINIATURE):
    """Return a clone in miniature: a folder with parameters."""
    (root / "data").mkdir(parents=True)
    (root / "params.yaml").write_text(text)
    return Workspace(root)


def run_stages(workspace, ucr_dir, *stages):
    """Run stages in this process, as the command line does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSTMFCN_UCR_DIR", str(ucr_dir))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        pipeline_stages.run_stages(stages, workspace, config.load(workspace.params))


def make_clone(root, text, *stages):
    """Return a clone in miniature, in `root/clone`, in which these stages have run."""
    bumps(root / "ucr")
    workspace = make_workspace(root / "clone", text)
    run_stages(workspace, root / "ucr", *stages)
    return workspace


def in_this_process(function, jobs, watch=None):
    """Run jobs as an executor does, here: no worker starts, and no network is compiled twice."""
    from lstmfcn.classifiers import phase1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phase1, "_kept_engine", _kept_engines())
        for index, job in enumerate(jobs):
            try:
                yield index, function(job)
            except LstmfcnError as error:
                yield index, error


@functools.cache
def _kept_engines():
    from lstmfcn.classifiers import phase1

    return functools.lru_cache(maxsize=24)(phase1._kept_engine.__wrapped__)


def copy_of(workspace, root):
    """Return a copy of a clone; each test has its own."""
    return Workspace(Path(shutil.copytree(workspace.root, root, symlinks=True)))


def workers_of(process):
    """Return the processes that run the jobs of a stage, itself started by `subprocess`."""
    children = psutil.Process(process.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Files with slow tests come first: begun last, one would keep a worker busy while the other is idle.

    What is exhaustive waits until it is asked for by `-m`.
    """
    if "exhaustive" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("exhaustive")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish():
    """What is loaded by now stays: the collector need not look at millions of objects again and again.

    Nor, for each of the graphs that TensorFlow makes, at what was loaded since.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(10_000, 10, 50)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Whatever the machine's settings are, or MLflow has set in a test before, the tests have theirs.

    Before any fixture: one of a module would be made with what the test before has left.
    """
    for name in ("MLFLOW_TRACKING_URI", "LSTMFCN_RAY_ADDRESS"):
        os.environ.pop(name, None)


@pytest.fixture(scope="session", autouse=True)
def _stores_are_laid_out_once(tmp_path_factory):
    """MLflow lays out a new store by all the migrations of its history, 2 s each: one is copied instead."""
    from mlflow.store.db import utils
    from sqlalchemy import create_engine

    made, lay_out = tmp_path_factory.mktemp("store") / "mlflow.db", utils._initialize_tables

    def copy(engine):
        if engine.url.get_backend_name() != "sqlite":
            return lay_out(engine)
        if not made.exists():
            lay_out(create_engine(f"sqlite:///{made}"))
        with closing(sqlite3.connect(made)) as source, closing(engine.raw_connection()) as target:
            source.backup(target.driver_connection)
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "_initialize_tables", copy)
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_waits_for_the_disk():
    """What tests write here need not outlive a power cut, and MLflow's store waits for the disk at each step.

    What is asked of the disk is `faults/test_power_loss.py`'s.
    """

    def connected(*arguments, **options):
        connection = connect(*arguments, **options)
        with suppress(sqlite3.Error):  # damaged, or locked: whoever asks it something else is told so
            connection.execute("PRAGMA synchronous = OFF")
        return connection

    connect = sqlite3.connect
    with pytest.MonkeyPatch.context() as patch:
        for module in (sqlite3, sqlite3.dbapi2):  # ours, and SQLAlchemy's
            patch.setattr(module, "connect", connected)
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _jobs_run_here():
    """Workers are for the tests of executors, and for stages in processes of their own.

    What else a worker or an estimator does compiles no network twice, either.
    """
    from lstmfcn.classifiers import engines, phase1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue, "run_jobs", in_this_process)
        patch.setattr(phase1, "_kept_engine", _kept_engines())
        patch.setattr(engines, "KEPT", 100)
        yield


@pytest.fixture(scope="session", autouse=True)
def _runs_are_drawn_and_packed_once(tmp_path_factory):
    """What a promotion makes of a run takes seconds; of copies of the run it is the same, to the byte."""
    from lstmfcn.pipeline import figures
    from lstmfcn.tracking.registry import registration

    root, drawn, packed = tmp_path_factory.mktemp("packed"), {}, {}
    draw, pack = figures.figures, registration._pack

    def draw_once(workspace, run, train):
        what = hash_of(run.key, run.name, dict(run.files))
        if what not in drawn:
            drawn[what] = draw(workspace, run, train)
        return drawn[what]

    def pack_once(package, run, folder, contents):
        reference = contents.reference and contents.reference.read_bytes().hex()
        given = vars(contents) | {"reference": reference, "example": contents.example.tolist()}
        weights = (folder / "weights.npz").read_bytes()
        what = hash_of(run.key, run.name, str(run.params), hash_bytes(weights), str(given))
        if what not in packed:
            packed[what] = root / str(len(packed))
            pack(packed[what], run, folder, contents)
        shutil.copytree(packed[what], package)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "figures", draw_once)
        patch.setattr(registration, "_pack", pack_once)
        yield


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """Return a workspace in which all stages have run, and the folder its data came from.

    Made once; each process of the tests has a copy.
    """
    base = tmp_path_factory.getbasetemp()
    made = (base if worker_id == "master" else base.parent) / "made-once"
    with FileLock(f"{made}.lock"):
        if not (made / "whole").exists():
            make_clone(made, MINIATURE, *STAGES)
            (made / "whole").touch()
    return copy_of(Workspace(made / "clone"), tmp_path_factory.mktemp("finished") / "clone"), made / "ucr"


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """Return where packages lie that were made so far: to make one takes seconds, to promote it none."""
    return tmp_path_factory.mktemp("packages"), {}


@pytest.fixture
def unregistered(finished, packages, tmp_path, monkeypatch):
    """Return a copy of the finished workspace with a store of its own that holds no model yet.

    Packages of equal contents are made once, whatever run they are of, and copied from then on.
    """
    from lstmfcn.tracking.registry import registration

    (root, made), pack = packages, registration._pack

    def pack_once(package, run, folder, contents):
        given = vars(contents) | {"reference": contents.reference is not None}
        what = tuple(map(str, given.values()))
        if what not in made:
            made[what] = root / str(len(made))
            pack(made[what], run, folder, contents)
        shutil.copytree(made[what], package)

    monkeypatch.setattr(registration, "_pack", pack_once)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/registry.db")
    return copy_of(finished[0], tmp_path / "study")


def files_of(*folders):
    """Return the content of each file under the folders, by its path in them."""
    return {
        str(path.relative_to(folder.parent)): path.read_bytes()
        for folder in folders
        for path in sorted([folder] if folder.is_file() else folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def tiny(monkeypatch):
    """Give the estimators a network that compiles in no time: what surrounds it is the same for all."""
    from lstmfcn.classifiers import estimators
    from tiny.row import TINY

    monkeypatch.setattr(estimators, "network_named", lambda name: TINY)


@pytest.fixture(scope="session")
def bumped():
    """Return 30 series of shape (1, 20), and which of three places has a bump."""
    rng = np.random.default_rng(0)
    y = np.arange(30) % 3
    X = 0.3 * rng.normal(size=(30, 1, 20))
    for i, k in enumerate(y):
        X[i, 0, 3 + 5 * k : 6 + 5 * k] += 2
    return X, y
