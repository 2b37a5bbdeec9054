# Sourced by dist_train.sh and dist_test.sh: which machine this is, and how it finds the others.
. "$here/numbers.sh"
need_numbers gpus NNODES NODE_RANK PORT JOIN_SECONDS STOP_SECONDS
rendezvous=(--nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}")
if [ "${NNODES:-1}" != 1 ]; then
  rendezvous+=(--master_addr="${MASTER_ADDR:-127.0.0.1}")
fi
[ -z "${PORT:-}" ] || rendezvous+=(--master_port="$PORT")
[ -z "${JOIN_SECONDS:-}" ] || rendezvous+=(--join_seconds="$JOIN_SECONDS")
[ -z "${STOP_SECONDS:-}" ] || rendezvous+=(--stop_seconds="$STOP_SECONDS")
