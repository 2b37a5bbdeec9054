# Sourced by slurm_train.sh and slurm_test.sh: how many processes, on what, as arguments of srun.
# GPUS (8), GPUS_PER_NODE (8, or GPUS if that is less) and CPUS_PER_TASK (5); GRES= (empty) asks for no GPU.
# SRUN_ARGS and PY_ARGS are words for srun and for the tool.
. "$here/numbers.sh"
need_numbers GPUS GPUS_PER_NODE CPUS_PER_TASK
gpus=${GPUS:-8}
per_node=${GPUS_PER_NODE:-$([ "$gpus" -lt 8 ] && echo "$gpus" || echo 8)}
read -ra srun_args <<<"${SRUN_ARGS:-}"
read -ra py_args <<<"${PY_ARGS:-}"
resources=(
  --ntasks="$gpus" --ntasks-per-node="$per_node" --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1
)
gres=${GRES-gpu:$per_node}
[ -z "$gres" ] || resources+=(--gres="$gres")
