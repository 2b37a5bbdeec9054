#!/usr/bin/env bash
# Train on several processes of one or several machines: tools/dist_train.sh CONFIG GPUS [train.py's arguments]
# NNODES, NODE_RANK, MASTER_ADDR and PORT describe several machines; alone, a free port is taken.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: $0 CONFIG GPUS [ARGS]" >&2; exit 2; }
config=$1 gpus=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/rendezvous.sh"
exec "${PYTHON:-python}" "$here/launch.py" "${rendezvous[@]}" --nproc_per_node="$gpus" \
  "$here/train.py" "$config" --launcher pytorch "$@"
