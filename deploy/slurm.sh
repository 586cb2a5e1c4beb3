#!/usr/bin/env bash
# Runs a study on a SLURM allocation, by a Ray cluster that lasts as long as the job. From the study's folder:
#
#   sbatch --account=ACCOUNT path/to/deploy/slurm.sh
#
# A job that ran out of time, or was killed, goes on from its checkpoints when it is submitted again.
# What to edit is marked EDIT; options of sbatch on the command line win over those here.

#SBATCH --job-name=lstmfcn
#SBATCH --nodes=4                 # EDIT: how many machines
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16        # EDIT: of each
#SBATCH --mem-per-cpu=3G          # a training takes 1 to 2 GB
#SBATCH --time=12:00:00           # EDIT
#SBATCH --signal=B:TERM@120       # two minutes before the time is up, this script is told
#SBATCH --dependency=singleton    # never two jobs of this name at once: a study is one job's
#SBATCH --no-kill                 # a node that fails costs what it was at, and not the job
#SBATCH --output=slurm-%j.log

set -euo pipefail
set -m # each command in the background is a process group, which can be told to end as a whole

venv=${VENV:-$HOME/lstmfcn} # EDIT: where lstmfcn[pipeline,cluster] is installed, on a file system of all nodes
PATH=$venv/bin:$PATH

cpus=$SLURM_CPUS_PER_TASK
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
n_nodes=${#nodes[@]}
head_node=${nodes[0]} # where this script runs, too
address=
for each in $(hostname --ip-address); do
  [[ -n $address || $each == 127.* || $each == *:* ]] || address=$each
done
if [[ -z $address ]]; then
  echo "$head_node knows itself by no address that others reach: write the right one into this script." >&2
  exit 1
fi
port=$((20000 + SLURM_JOB_ID % 6000)) # of this job alone, should two share a node
scratch=/tmp/ray-$SLURM_JOB_ID        # short: Ray's sockets lie there
on_each=(--nodes="$n_nodes" --ntasks="$n_nodes" --ntasks-per-node=1 --overlap)

# Other users reach the ports: Ray serves those alone who have this token. Ray 2.52 is the first to ask for one.
RAY_AUTH_TOKEN=$(python3 -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN RAY_USAGE_STATS_ENABLED=0
export RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S=0 # when Ray is told to end, no job is left to wait for

dvc=
ray=()

# The stage is told first, and has half a minute to clear up; Ray's processes end with their steps.
# shellcheck disable=SC2329 # the traps call it
end() {
  trap - EXIT TERM INT
  if [[ -n $dvc ]]; then
    kill -TERM -- "-$dvc" 2> /dev/null || true
    for _ in {1..150}; do
      kill -0 -- "-$dvc" 2> /dev/null || break
      sleep 0.2
    done
  fi
  for step in "${ray[@]}"; do
    kill -TERM -- "-$step" 2> /dev/null || true
  done
  wait
  srun "${on_each[@]}" rm -rf -- "$scratch" || true
}
trap 'end; exit 143' TERM INT
trap end EXIT

# One processor of the head's node is for the stage itself. Jobs come and go as bytes: the store of Ray's is small.
ray_start=(ray start --object-store-memory=1000000000 --block)
srun --nodes=1 --ntasks=1 --nodelist="$head_node" --cpus-per-task="$cpus" --overlap \
  "${ray_start[@]}" --head --node-ip-address="$address" --port="$port" --ray-client-server-port=$((port + 6000)) \
  --include-dashboard=false --temp-dir="$scratch" --num-cpus=$((cpus > 1 ? cpus - 1 : 1)) &
ray+=($!)
until ray status --address="$address:$port" > /dev/null 2>&1; do
  kill -0 "${ray[0]}" 2> /dev/null || { echo "Ray's head did not start on $head_node: see above." >&2; exit 1; }
  sleep 0.3
done

# They may join at any time, and the study does not wait for them.
if ((n_nodes > 1)); then
  srun --nodes=$((n_nodes - 1)) --ntasks=$((n_nodes - 1)) --exclude="$head_node" --cpus-per-task="$cpus" \
    --no-kill --kill-on-bad-exit=0 "${ray_start[@]}" --address="$address:$port" --num-cpus="$cpus" &
  ray+=($!)
fi

cd "$SLURM_SUBMIT_DIR"
export LSTMFCN_RAY_ADDRESS=$address:$port
rm -f .dvc/tmp/rwlock # DVC's note of a killed job names processes of another node, which may exist here
lstmfcn doctor || true # what it says is in the log; it mends a dvc.lock that a kill has emptied
dvc repro &
dvc=$!
status=0
wait "$dvc" || status=$?
dvc=
exit "$status"
