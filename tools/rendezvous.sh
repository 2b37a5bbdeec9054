# Sourced by dist_train.sh and dist_test.sh: how the processes find each other.
if [ "${NNODES:-1}" = 1 ] && [ -z "${PORT:-}" ]; then
  rendezvous=(--standalone --nnodes=1)
else
  rendezvous=(
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}"
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}"
  )
fi
