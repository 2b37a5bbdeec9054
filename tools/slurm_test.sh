#!/usr/bin/env bash
# Test under Slurm: tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [test.py's arguments]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK, GRES, SRUN_ARGS and PY_ARGS say on what; see slurm.sh.
set -euo pipefail
[ $# -ge 4 ] || { echo "usage: $0 PARTITION JOB_NAME CONFIG CHECKPOINT [ARGS]" >&2; exit 2; }
partition=$1 job_name=$2 config=$3 checkpoint=$4
shift 4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/slurm.sh"
exec srun --partition="$partition" --job-name="$job_name" "${resources[@]}" ${srun_args[@]+"${srun_args[@]}"} \
  "${PYTHON:-python}" -u "$here/test.py" "$config" "$checkpoint" --launcher slurm ${py_args[@]+"${py_args[@]}"} "$@"
