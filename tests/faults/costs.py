"""What each fault costs in time: the same jobs undisturbed, then once with each fault: `make faults`.

Every fault is done for real, with the default settings, and the results are compared to the byte.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from mlflow_server import MlflowServer
from test_full_disk import mount
from test_kill import start, wait_for_progress
from test_server import Proxy, drop, refuse

from conftest import copy_of, files_of, make_clone, workers_of
from lstmfcn.workspace import Workspace

PARAMS = """
datasets: [Bumps]
models: [lstm_fcn]
references: []
seeds: [0, 1, 2, 3]
search: {cells: [4, 8, 16], folds: 2}
train: {epochs: 500, batch_size: 4, schedule: cosine, folds: 2}
finetune: {iterations: 1, epochs: 2, batch_size: 4}
"""

DEFAULT = {"LSTMFCN_CHECKPOINT_SECONDS": "5"}


def run(clone, stage="train", **environment):
    """Run a stage to its end."""
    process = start(clone, stage, **DEFAULT, **environment)
    _, said = process.communicate()
    assert process.returncode == 0, said


def disturb(stop):
    """Return a fault that stops the stage `train` after its first checkpoint, and then runs it again."""

    def fault(clone):
        process = start(clone, **DEFAULT)
        wait_for_progress(clone, process)
        stop(process)
        process.communicate()
        run(clone)

    return fault


def kill_worker(process):
    """Kill the first of its workers."""
    workers_of(process)[0].kill()


def kill_all(process):
    """Kill it with its workers."""
    os.killpg(process.pid, signal.SIGKILL)


def interrupt(process):
    """Press Ctrl-C."""
    os.killpg(process.pid, signal.SIGINT)


def fill_disk(clone):
    """Train on a disk that is full after some checkpoints; then make space and run it again."""
    with tempfile.TemporaryDirectory() as folder:
        mount(folder, 8)
        try:
            left = shutil.ignore_patterns("mlruns", "docs")
            small = Workspace(shutil.copytree(clone.root, Path(folder) / "clone", symlinks=True, ignore=left))
            process = start(small, **DEFAULT)
            _, said = process.communicate()
            assert process.returncode == 1
            assert "disk is full" in said
            mount(folder, 500, again=True)
            run(small)
            shutil.copytree(small.phase1, clone.phase1)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def with_server(proxy, answer):
    """Return a fault that trains with a tracking server that answers so, and logs all when it is well."""

    def fault(clone):
        proxy.well, proxy.answer = False, answer
        run(clone, MLFLOW_TRACKING_URI=proxy.address)
        proxy.well = True
        run(clone, "sync", MLFLOW_TRACKING_URI=proxy.address)

    return fault


def hang(handler):
    """Answer nothing for longer than anybody waits."""
    time.sleep(60)
    refuse(handler)


def kill_search_twice(clone):
    """Kill a search in its second trial and in its third, its state torn."""
    for cells in (8, 16):
        process = start(clone, "search", **DEFAULT)
        while not any(clone.scratch.rglob(f"cells-{cells}/*")):
            time.sleep(0.02)
        kill_all(process)
        process.communicate()
        for state in clone.scratch.rglob("oracle.json"):
            state.write_text("{")
    run(clone, "search")


def seconds_of(work, clone):
    """Return how long some work takes in a clone."""
    begun = time.monotonic()
    work(clone)
    return time.monotonic() - begun


def main():
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="faults with this text in their name")
    only = parser.parse_args().only
    with tempfile.TemporaryDirectory(prefix="costs-") as scratch:
        root = Path(scratch)
        ready = make_clone(root, PARAMS, "fetch", "validate", "prepare")
        server = MlflowServer(root)
        server.start()
        proxy = Proxy(server.address)
        for stage, faults in {
            "search": {"killed twice, its state torn": kill_search_twice},
            "train": {
                "a worker killed": disturb(kill_worker),
                "the stage killed": disturb(lambda process: process.kill()),
                "the stage and its workers killed": disturb(kill_all),
                "Ctrl-C": disturb(interrupt),
                "the disk full": fill_disk,
                "the tracking server hangs (with `lstmfcn sync`)": with_server(proxy, hang),
                "the tracking server answers 500 (with `lstmfcn sync`)": with_server(proxy, refuse),
                "the tracking server drops connections (with `lstmfcn sync`)": with_server(proxy, drop),
            },
        }.items():
            undisturbed = copy_of(ready, root / f"undisturbed-{stage}")
            usual = seconds_of(lambda clone, stage=stage: run(clone, stage), undisturbed)
            sys.stdout.write(f"| `{stage}`, undisturbed | {usual:.0f} s | |\n")
            chosen = [(name, fault) for name, fault in faults.items() if only in name]
            for count, (name, fault) in enumerate(chosen):
                clone = copy_of(ready, root / f"{stage}-{count}")
                took = seconds_of(fault, clone)
                folder = "search" if stage == "search" else "phase1"
                same = files_of(getattr(clone, folder)) == files_of(getattr(undisturbed, folder))
                assert same, f"{name}: other results"
                sys.stdout.write(f"| {name} | {took:.0f} s | {took - usual:+.0f} s |\n")
                sys.stdout.flush()
            ready = undisturbed
        proxy.shutdown()
        server.kill()


if __name__ == "__main__":
    main()
