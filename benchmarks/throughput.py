"""How far workers keep to what they could do: stand-in jobs that sleep, on this machine or a cluster.

Prints the share of the ideal time, which is that of jobs without any cost beside their sleep, and what a job
costs more than that. With `--ray` a cluster of so many processors is made up on this machine.
"""

import argparse
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial

import pandas as pd
from common import keep

from lstmfcn.pipeline.executors import run_jobs

PORT = 6399


@contextmanager
def cluster(processors):
    """Start a cluster on this machine, and end it."""
    ray = partial(subprocess.run, check=True, capture_output=True)
    options = ["--head", f"--port={PORT}", "--node-ip-address=127.0.0.1", f"--num-cpus={processors}"]
    options += [f"--memory={processors * 2**31}"]  # jobs ask for more than those that sleep need
    ray(["ray", "start", *options, "--include-dashboard=false", "--disable-usage-stats"])
    os.environ["LSTMFCN_RAY_ADDRESS"] = f"127.0.0.1:{PORT}"
    try:
        yield
    finally:
        del os.environ["LSTMFCN_RAY_ADDRESS"]
        ray(["ray", "stop", "--force"])


def run_all(jobs):
    """Run jobs that sleep for so many seconds each; none may fail."""
    failed = [result for _, result in run_jobs(time.sleep, jobs) if result is not None]
    if failed:
        raise SystemExit(f"{len(failed)} jobs failed: {failed[0]}")


def measure(workers, arguments):
    """Return the row of one number of workers."""
    run_all([max(3.0, float(workers))] * workers)  # all are started, and meet: on few cores it takes long
    count = arguments.each * workers
    begun = time.perf_counter()
    run_all([arguments.seconds] * count)
    seconds, ideal = time.perf_counter() - begun, arguments.each * arguments.seconds
    more = 1000 * (seconds - ideal) / arguments.each
    return [workers, count, arguments.seconds, ideal / seconds, more, "ray" if arguments.ray else "here"]


def main():
    """Measure each number of workers and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 8, 64])
    parser.add_argument("--seconds", type=float, default=2.0, help="that a job sleeps")
    parser.add_argument("--each", type=int, default=8, help="jobs for each worker")
    parser.add_argument("--ray", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for workers in arguments.workers:
        if arguments.ray:
            command = [sys.executable, __file__, "--workers", str(workers)]
            options = ["--seconds", str(arguments.seconds), "--each", str(arguments.each)]
            if len(arguments.workers) > 1:  # a process has one session with a cluster
                subprocess.run([*command, *options, "--ray"], check=True)
                continue
            with cluster(workers):
                rows.append(measure(workers, arguments))
        else:
            os.environ["LSTMFCN_WORKERS"] = str(workers)
            rows.append(measure(workers, arguments))
    if rows:
        table = pd.DataFrame(
            rows, columns=["workers", "jobs", "seconds", "of_ideal", "ms_more_a_job", "where"]
        )
        keep(table, "throughput")
        sys.stdout.write(table.to_string(index=False) + "\n")


if __name__ == "__main__":
    main()
