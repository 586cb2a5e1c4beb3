"""Jobs on a real cluster: the same results as here, whatever of it breaks on the way."""

import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import cluster_jobs
import numpy as np
import psutil
import pytest
from ray_cluster import RayCluster

from conftest import MINIATURE, copy_of, files_of, run_stages
from lstmfcn.environment import THREADS
from lstmfcn.errors import DataError
from lstmfcn.pipeline import jobs as queue
from lstmfcn.pipeline.doctor import examine
from lstmfcn.pipeline.executors import at_once, run_jobs
from lstmfcn.pipeline.executors import ray as cluster_work
from lstmfcn.pipeline.executors.node import OtherCodeError
from lstmfcn.pipeline.executors.ray import ClusterError, JobLostError
from lstmfcn.pipeline.table import STAGES

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="its nodes are made with Linux's namespaces"),
    pytest.mark.slow,
]


def can_hide():
    """Return whether a process here may have its own view of the folders."""
    return subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def study(finished, tmp_path_factory):
    """Return a study that is ready to be searched: its raw and prepared data are those of another."""
    copy = copy_of(finished[0], tmp_path_factory.mktemp("cluster") / "study")
    for folder in (copy.search, copy.root / "models", copy.results, copy.cache, copy.facts):
        subprocess.run(["rm", "-r", str(folder)], check=True)
    return copy


@pytest.fixture(scope="module")
def cluster(study):
    """A cluster of a head and two nodes, of which one does not see the study's folder."""
    made = RayCluster()
    try:
        made.start()
        made.add_node()
        made.add_node(hidden=study.root if can_hide() else None)
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def connected(cluster):
    """A session of this process with the cluster, as of a command: for all its queues."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cluster_work.ADDRESS, cluster.address)
        patch.setenv("LSTMFCN_CHECKPOINT_SECONDS", "0.5")
        patch.setattr(cluster_work, "LOOK", 0.5)
        patch.setenv(THREADS, "2")  # which the nodes have as well; jobs ask for one processor all the same
        cluster_work.check()
        patch.delenv(THREADS)
        yield cluster
    ray.shutdown()
    cluster_work._connected.cache_clear()
    cluster_work._desk.cache_clear()


@pytest.fixture
def session(connected, monkeypatch):
    monkeypatch.setenv(cluster_work.ADDRESS, connected.address)
    return connected


def run(function, jobs, watch=lambda *_: None):
    return dict(cluster_work.run(function, jobs, watch))


def test_two_stages_leave_what_they_leave_here(session, study, finished, monkeypatch):
    """To the byte, be a job done where the study is not; the search hands on what it has trained."""
    monkeypatch.setattr(queue, "run_jobs", run_jobs)
    study.params.write_text(MINIATURE.replace("[lstm_fcn, alstm_fcn]", "[lstm_fcn]"))
    run_stages(study, finished[1], "search", "train")
    here, there = (files_of(w.search / "Bumps", w.phase1 / "Bumps") for w in (finished[0], study))
    assert there == {name: content for name, content in here.items() if "/lstm_fcn/" in name}
    assert len(there) > 4
    assert not list(study.scratch.rglob("*.npz"))


@pytest.mark.exhaustive
def test_a_command_of_all_stages_leaves_what_it_leaves_here(cluster, study, finished):
    """To the byte; some of the jobs were done where the study is not."""
    stages = ("search", "train", "finetune", "evaluate")
    study.params.write_text(MINIATURE)
    code = (
        "import sys; from pathlib import Path; from lstmfcn import config;"
        "from lstmfcn.workspace import Workspace; from lstmfcn.pipeline.stages import run_stages;"
        "here = Workspace(Path(sys.argv[1]));"
        "run_stages(sys.argv[2:], here, config.load(here.params))"
    )
    environment = os.environ | {cluster_work.ADDRESS: cluster.address, "LSTMFCN_UCR_DIR": str(finished[1])}
    command = [sys.executable, "-c", code, str(study.root), *stages]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    here, there = (
        files_of(*(w.root / STAGES[stage].writes[0] for stage in stages)) for w in (finished[0], study)
    )
    assert there == here
    assert not list(study.scratch.rglob("*.npz"))


def test_jobs_give_results_or_errors_and_may_write_to_what_they_are_given(session):
    results = run(cluster_jobs.square, [1, 2, 3, 4])
    assert isinstance(results.pop(2), DataError)
    assert results == {0: (1, "1"), 1: (4, "1"), 3: (16, "1")}
    sums = run(cluster_jobs.add_one, [np.zeros(300_000), np.ones(300_000)])
    assert sums == {0: 300_000, 1: 600_000}


def test_no_node_does_more_at_once_than_it_has_processors(session, tmp_path):
    """A job that waits for an answer of Ray's gives up its processor: none may."""
    until(lambda: at_once() == 2)  # a node that another test has killed no longer counts
    spans = list(run(cluster_jobs.times, [tmp_path / str(i) for i in range(6)]).values())
    together = [sum(begun <= moment < end for begun, end in spans) for moment, _ in spans]
    assert max(together) == 2


def test_what_waits_for_a_processor_is_told_of_until_it_has_one(session, monkeypatch):
    """The third job on two processors: at growing intervals, and when it has begun."""
    monkeypatch.setattr(cluster_work, "LIMIT", 0.3)
    until(lambda: at_once() == 2)
    told = []
    done = run(cluster_jobs.span, [2.0] * 3, lambda *what: told.append(what))
    (third,) = (i for i, (begun, _) in done.items() if begun >= min(end for _, end in done.values()))
    *waiting, last = ((seconds, cause) for index, seconds, cause in told if index == third)
    assert last == (0.0, "")
    assert len(waiting) >= 2
    assert all(later > 2 * earlier > 0.6 for (earlier, _), (later, _) in itertools.pairwise(waiting))
    assert all(c.startswith("the processors of the cluster are all at work. `ray") for _, c in waiting)


def test_a_job_with_threads_waits_for_a_node_that_has_as_many_processors(session, monkeypatch):
    """With the node that joins it is done, and has as many threads there as it would here."""
    monkeypatch.setattr(cluster_work, "LIMIT", 0.3)
    monkeypatch.setenv(THREADS, "2")
    told, nodes = [], []
    assert at_once() is None

    def watch(_index, _seconds, cause):
        told.append(cause)
        if not nodes:
            nodes.append(session.add_node(cpus=2))

    assert run(cluster_jobs.threads, [0], watch) == {0: ["2", "1"]}
    assert told[0].startswith("no node of the cluster has 2 processors, which a job asks for. `ray")
    session.kill(*nodes)


@pytest.mark.parametrize("dies", ["raises", "killed"])
def test_what_breaks_goes_on_from_its_checkpoint_and_the_others_go_on(session, tmp_path, dies):
    """Wherever it is tried again; its folder there is not the one here, and nothing is left in it."""
    folder = tmp_path / "scratch/job"
    job = cluster_jobs.Counting(folder, tmp_path / "told", end=20, dies=dies)
    found = run(cluster_jobs.count, [job])
    begun, end, there = found[0]
    assert (begun, end) == (10, 20)
    assert there != str(folder)
    assert not Path(there).exists()
    assert (folder / "inner/count").read_text() == "20"


@pytest.mark.parametrize(
    ("how", "reason"), [("raises", "broken"), ("killed", "was killed, perhaps for want")]
)
def test_what_breaks_each_time_has_failed_with_its_reason(session, how, reason):
    (found,) = run(cluster_jobs.never, [how]).values()
    assert isinstance(found, JobLostError)
    assert "tried 3 times" in str(found)
    assert reason in str(found)
    assert "\n" not in str(found)


def test_other_code_is_refused_with_both_named(session, monkeypatch):
    ours = cluster_work.vouchers()
    monkeypatch.setattr(cluster_work, "vouchers", lambda: ours | {"tensorflow": "1.0", "toys": "2"})
    (found,) = run(cluster_jobs.square, [1]).values()
    assert isinstance(found, OtherCodeError)
    assert f"tensorflow: {ours['tensorflow']}, not 1.0" in str(found)
    assert "toys: none, not 2" in str(found)


def test_a_node_that_is_lost_costs_only_what_it_was_at(session, tmp_path):
    """A third node joins, is used, and is lost; its job goes on where there is room."""
    node = session.add_node()
    until(lambda: "3 processors" in cluster_work.check())
    jobs = [cluster_jobs.Counting(tmp_path / f"scratch/{i}", tmp_path / f"told{i}", 30) for i in range(3)]
    within = {process.pid for process in psutil.Process(node.pid).children(recursive=True)}

    def lose():
        end = time.monotonic() + 60
        while time.monotonic() < end:
            now = psutil.Process(node.pid).children(recursive=True)
            pids = [int(job.told.read_text().split()[0]) for job in jobs if job.told.exists()]
            if {process.pid for process in now} - within and set(pids) & {process.pid for process in now}:
                break
            time.sleep(0.2)
        time.sleep(1.5)
        session.kill(node)

    thread = threading.Thread(target=lose)
    thread.start()
    found = run(cluster_jobs.count, jobs)
    thread.join()
    assert {end for _, end, _ in found.values()} == {30}
    assert sum(begun > 0 for begun, _, _ in found.values()) == 1


def test_with_a_killed_driver_its_jobs_end(cluster, tmp_path):
    told = tmp_path / "pid"
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from lstmfcn.pipeline.executors import run_jobs\nimport cluster_jobs\n"
        f"list(run_jobs(cluster_jobs.wait_here, [{str(told)!r}]))\n"
    )
    environment = os.environ | {cluster_work.ADDRESS: cluster.address}
    driver = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        worker = psutil.Process(int(until(lambda: told.exists() and told.read_text())))
    finally:
        driver.kill()
        driver.wait()
    assert until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def until(found, seconds=60):
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return value


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:1", "Connection refused"),
        ("127.0.0.1", "which is no address"),
        ("ray://127.0.0.1:1", "Connection refused"),
        ("host.invalid:6379", "No cluster at host.invalid:6379"),
        ("of another kind", "is not Ray's"),
    ],
)
def test_without_a_cluster_a_sentence_says_so_within_seconds(monkeypatch, address, reason):
    monkeypatch.setattr(cluster_work, "_connected", cluster_work._connected.__wrapped__)
    monkeypatch.setattr(cluster_work, "PATIENCE", 1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        if address == "of another kind":
            address = f"127.0.0.1:{other.getsockname()[1]}"
        monkeypatch.setenv(cluster_work.ADDRESS, address)
        begun = time.monotonic()
        with pytest.raises(ClusterError, match=reason) as refused:
            cluster_work.check()
    assert time.monotonic() - begun < 10
    assert cluster_work.ADDRESS in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.exhaustive
def test_a_cluster_that_asks_for_a_token_serves_those_alone_who_have_it():
    code = "from lstmfcn.pipeline.executors import check; print(check())"
    made, own = RayCluster(), {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "right" * 8}
    try:
        made.begin(**own)
        asking = [
            subprocess.Popen(
                [sys.executable, "-c", code],
                env=os.environ | {cluster_work.ADDRESS: made.address} | given,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for given in (own, own | {"RAY_AUTH_TOKEN": "wrong" * 8})
        ]
        (served, _), (_, refused) = (each.communicate(timeout=60) for each in asking)
    finally:
        made.stop()
    assert served == f"the cluster at {made.address} answers: 0 processors\n"
    assert "does the work: it asks for a token: RAY_AUTH_MODE=token and RAY_AUTH_TOKEN" in refused


def test_the_doctor_says_once_that_no_cluster_answers_and_estimates_nothing(finished, tmp_path, monkeypatch):
    study = copy_of(finished[0], tmp_path / "study")
    assert "all together about" in "".join(text for _, text in examine(study))
    monkeypatch.setattr(cluster_work, "_connected", cluster_work._connected.__wrapped__)
    monkeypatch.setenv(cluster_work.ADDRESS, "127.0.0.1:1")
    said = list(examine(study))
    assert [fine for fine, text in said if "No cluster at 127.0.0.1:1" in text] == [False]
    assert "all together about" not in "".join(text for _, text in said)
