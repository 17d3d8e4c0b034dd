#!/bin/bash
# One leave-one-subject-out study on several machines of a SLURM cluster:
#
#   sbatch experiments/cluster/slurm.sh --config experiments/samm_lv.yaml --gpus-per-fold 0.25
#
# Passes all arguments to `memodule loso`, starts Ray on the machines of the job, runs the study there and stops Ray.
# Adapt the lines below, and submit the script in the checkout. All machines must see the checkout, with its data/, runs/
# and .venv, under the same path. Finished folds are kept: requeued or submitted again, the study resumes.
#
#SBATCH --job-name=memodule
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1         # one Ray per machine, which starts the folds
#SBATCH --cpus-per-task=16
#SBATCH --gpus-per-node=4           # remove this on machines without GPUs
#SBATCH --time=24:00:00
#SBATCH --requeue                   # after preemption or the loss of a machine
#SBATCH --signal=B:USR1@120         # two minutes before the time limit: stop cleanly and requeue
#SBATCH --output=memodule-%j.log

set -euo pipefail
[ $# -gt 0 ] || { echo "usage: sbatch $0 --config experiments/x.yaml [options of memodule loso]" >&2; exit 2; }
[ -d .venv ] && export PATH="$PWD/.venv/bin:$PATH"
for program in ray memodule; do
    command -v $program >/dev/null && continue
    echo "$program is not installed here: submit in the checkout after \`make install\`, or activate its environment" >&2
    exit 2
done

# SLURM runs this script on the first machine of the job: Ray's head. With several networks, choose the address here.
HEAD=$(hostname -I | cut -d' ' -f1)
PORT=$((20000 + SLURM_JOB_ID % 12000)) # this job's own, below those that the system assigns
TEMP=/tmp/ray-$SLURM_JOB_ID
export HEAD PORT TEMP

# Anyone who reaches Ray's port could run code as you, so Ray requires a token that only this job's environment holds.
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN

# What runs on every machine. `--block` waits until Ray ends; SIGTERM ends both and removes their files in /tmp.
# shellcheck disable=SC2016  # expanded by the shells of the machines
on_each_machine='
    start="ray start --block --disable-usage-stats --num-cpus=$SLURM_CPUS_PER_TASK"
    trap "kill -TERM \$ray; wait \$ray; rm -rf $TEMP; exit" TERM
    if [ "$SLURM_NODEID" = 0 ]; then
        $start --head --node-ip-address="$HEAD" --port="$PORT" --temp-dir="$TEMP" --include-dashboard=false & ray=$!
    else
        until ray status --address="$HEAD:$PORT"; do sleep 1; done >/dev/null 2>&1
        $start --address="$HEAD:$PORT" & ray=$!
    fi
    wait $ray'
srun --kill-on-bad-exit=0 --cpus-per-task="$SLURM_CPUS_PER_TASK" bash -c "$on_each_machine" &
cluster=$!

study=
stop=
again=
end_study() { stop=yes; [ -z "$study" ] || kill -TERM "$study" 2>/dev/null || true; } # it may have just ended
trap end_study TERM              # scancel: stop cleanly
trap 'again=yes; end_study' USR1 # the time limit is near
trap 'kill -TERM $cluster 2>/dev/null || true; wait $cluster || true' EXIT

tries=0
until ray status --address="$HEAD:$PORT" >/dev/null 2>&1; do
    [ -z "$stop" ] || break
    kill -0 $cluster 2>/dev/null && [ $((tries += 1)) -lt 120 ] || { echo "Ray does not start; see above" >&2; exit 1; }
    sleep 1 || true # a signal to all processes of the job interrupts it
done

status=130 # that of an interrupted study
if [ -z "$stop" ]; then
    memodule loso --address "$HEAD:$PORT" "$@" &
    study=$!
    [ -z "$stop" ] || end_study # a signal came before the study had started
    status=0
    wait $study || status=$?
    while kill -0 $study 2>/dev/null; do # a signal has interrupted the wait while the study shuts down
        status=0
        wait $study || status=$?
    done
fi
[ -z "$again" ] || scontrol requeue "$SLURM_JOB_ID"
exit $status
