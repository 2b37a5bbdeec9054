#!/usr/bin/env bash
# Train under Slurm: tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [train.py's arguments]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK, GRES, SRUN_ARGS and PY_ARGS say on what; see slurm.sh.
set -euo pipefail
[ $# -ge 4 ] || { echo "usage: $0 PARTITION JOB_NAME CONFIG WORK_DIR [ARGS]" >&2; exit 2; }
partition=$1 job_name=$2 config=$3 work_dir=$4
shift 4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/slurm.sh"
exec srun --partition="$partition" --job-name="$job_name" "${resources[@]}" ${srun_args[@]+"${srun_args[@]}"} \
  "${PYTHON:-python}" -u "$here/train.py" "$config" --work-dir "$work_dir" --launcher slurm ${py_args[@]+"${py_args[@]}"} "$@"
