"""Many small jobs, a kill every few seconds, and a tracking server that comes and goes: `make soak`.

The same jobs are first run undisturbed: for their weights, and to watch the memory and the open files of
the processes that run them. Prints what it saw; ends with an error if anything was lost or done twice.
"""

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
from mlflow_server import MlflowServer

from conftest import bumps, files_of, make_workspace, run_stages, workers_of
from lstmfcn.runs.cache import Cache
from lstmfcn.runs.run import find_runs
from lstmfcn.tracking.logged import KEY_TAG
from lstmfcn.tracking.store import connect

JOB_TAG = "lstmfcn.job"
N_SEEDS = 10
MODELS = ("fcn", "lstm_fcn", "alstm_fcn")

PARAMS = """
datasets: [{datasets}]
models: [{models}]
references: []
seeds: [{seeds}]
search: {{cells: [2], folds: 2, epochs: 1, batch_size: 8}}
train: {{epochs: 30, batch_size: 8, folds: 2}}
"""

MAIN = [sys.executable, "-c", "from lstmfcn.cli import main; main()"]


def make_ready(root, ucr, datasets):
    """Return a clone that is ready to train."""
    lists = {"datasets": datasets, "models": MODELS, "seeds": map(str, range(N_SEEDS))}
    workspace = make_workspace(root, PARAMS.format(**{k: ", ".join(v) for k, v in lists.items()}))
    run_stages(workspace, ucr, "fetch", "validate", "prepare", "search")
    return workspace


def start(workspace, **environment):
    """Start the stage `train` in a session of its own."""
    return subprocess.Popen(
        [*MAIN, "train", "-w", str(workspace.root)],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def watch(workspace):
    """Run the jobs undisturbed; return the seconds, and what each process held as the jobs went by.

    Returns
    -------
    float, dict of list
        By process: tuples of the number of finished jobs, resident memory in MiB, open files.
    """
    began, process, seen = time.monotonic(), start(workspace), {}
    while process.poll() is None:
        done = len(list(workspace.cache.glob("*/manifest.json")))
        try:
            named = {"stage": psutil.Process(process.pid)}
            named |= {f"worker {i}": worker for i, worker in enumerate(workers_of(process))}
            for name, one in named.items():
                seen.setdefault(name, []).append((done, one.memory_info().rss / 2**20, one.num_fds()))
        except psutil.NoSuchProcess:
            pass  # it ended between the two questions
        time.sleep(0.5)
    assert process.returncode == 0
    return time.monotonic() - began, seen


def print_growth(seen, n_jobs):
    """Print the median of memory and open files over the second and the last fifth of the jobs."""

    def medians(rows, low, high):
        within = [row for row in rows if low * n_jobs <= row[0] <= high * n_jobs]
        return [statistics.median(column) for column in zip(*within, strict=True)][1:]

    for name, rows in sorted(seen.items()):
        (memory, files), (memory_later, files_later) = medians(rows, 0.2, 0.4), medians(rows, 0.8, 1)
        print(
            f"  {name}: {memory:.0f} MiB and {files:.0f} open files from the 20th to the 40th percent of the "
            f"jobs, {memory_later:.0f} MiB and {files_later:.0f} in the last fifth"
        )


class FlappingServer(MlflowServer):
    """A server that is killed and started anew while the block runs, until it is to `settle`."""

    def __init__(self, folder, rng):
        super().__init__(folder)
        self.deaths = 0
        self._rng = rng
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._flap)

    def _flap(self):
        while not self._ending.wait(self._rng.uniform(5, 30)):
            self.kill()
            self.deaths += 1
            self._ending.wait(self._rng.uniform(5, 20))
            self.start()

    def settle(self):
        """Stay up from now on."""
        self._ending.set()
        self._thread.join()

    def __enter__(self):
        self.start()
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self.settle()
        self.kill()


def disturb(workspace, address, every):
    """Run the jobs to their end under kills, of the stage and of one worker in turn.

    Returns
    -------
    int
        How many kills.
    """
    kills, process = 0, start(workspace, MLFLOW_TRACKING_URI=address)
    while True:
        try:
            if process.wait(every) == 0:
                return kills
        except subprocess.TimeoutExpired:
            workers = workers_of(process)
            if kills % 2 and workers:
                workers[0].kill()
                process.wait(60)
            else:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            kills += 1
            done = len(list(workspace.cache.glob("*/weights.npz")))
            print(f"  kill {kills}: {done} jobs done", flush=True)
        process = start(workspace, MLFLOW_TRACKING_URI=address)


def check(undisturbed, workspace, n_jobs, address):
    """Compare what the disturbed jobs left with the undisturbed ones, in the clone and in MLflow."""
    os.environ["MLFLOW_TRACKING_URI"] = address
    subprocess.run([*MAIN, "sync", "-w", str(workspace.root)], check=True, stdout=subprocess.DEVNULL)
    expected, found = files_of(undisturbed.phase1), files_of(workspace.phase1)
    assert expected == found, "the weights or the metrics differ"
    cache = Cache(workspace.cache)
    jobs = [path.parent.name for path in cache.root.glob("*/weights.npz")]
    assert len(jobs) == n_jobs, f"{len(jobs)} jobs"
    assert not list(workspace.scratch.rglob("*.npz")), "checkpoints are left"
    client = connect(workspace)
    experiment = client.get_experiment_by_name("lstmfcn").experiment_id
    runs, token = [], None
    while token != "":
        page = client.search_runs([experiment], max_results=1000, page_token=token)
        runs, token = [*runs, *page], page.token or ""
    finished = [run.data.tags[KEY_TAG] for run in runs if run.info.status == "FINISHED"]
    assert len(finished) == len(set(finished)), "a run is in MLflow twice"
    of_jobs = {
        run.data.tags[KEY_TAG] for run in runs if run.info.status == "FINISHED" and JOB_TAG in run.data.tags
    }
    assert of_jobs == {run.key for _, run in find_runs(workspace.search, workspace.phase1)}
    closed = [run for run in runs if run.info.status == "KILLED"]
    assert len(finished) + len(closed) == len(runs), {run.info.status for run in runs}
    print(
        f"  MLflow: {len(of_jobs)} runs of jobs, each once; {len(closed)} half-logged ones closed as KILLED"
    )


def main():
    """Run it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=300, help="a multiple of 30 (default: 300)")
    parser.add_argument("--every", type=float, default=20, help="seconds between kills (default: 20)")
    arguments = parser.parse_args()
    per_dataset = len(MODELS) * N_SEEDS
    datasets = [f"Bumps{i}" for i in range(max(1, arguments.jobs // per_dataset))]
    n_jobs = len(datasets) * per_dataset
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        root = Path(scratch)
        for i, name in enumerate(datasets):  # another last digit: another dataset
            bumps(root / "ucr", name, change=lambda _split, lines, i=i: [f"{line}{i}" for line in lines])
        undisturbed = make_ready(root / "undisturbed", root / "ucr", datasets)
        disturbed = make_ready(root / "disturbed", root / "ucr", datasets)
        seconds, seen = watch(undisturbed)
        print(f"{n_jobs} jobs undisturbed: {seconds:.0f} s")
        print_growth(seen, n_jobs)
        (root / "server").mkdir()
        began = time.monotonic()
        with FlappingServer(root / "server", random.Random(0)) as server:
            kills = disturb(disturbed, server.address, arguments.every)
            took = time.monotonic() - began
            server.settle()
            print(
                f"the same under {kills} kills and {server.deaths} deaths of the server: {took:.0f} s"
                + (f", {(took - seconds) / kills:.1f} s a kill" if kills else "")
            )
            check(undisturbed, disturbed, n_jobs, server.address)
    print("nothing lost, nothing done twice, the same bytes")


if __name__ == "__main__":
    main()
