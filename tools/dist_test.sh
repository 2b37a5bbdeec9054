#!/usr/bin/env bash
# Test on several processes of one or several machines: tools/dist_test.sh CONFIG CKPT GPUS [test.py's arguments]
# NNODES, NODE_RANK, MASTER_ADDR and PORT describe several machines; alone, a free port is taken.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: $0 CONFIG CKPT GPUS [ARGS]" >&2; exit 2; }
config=$1 checkpoint=$2 gpus=$3
shift 3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/rendezvous.sh"
exec "${PYTHON:-python}" "$here/launch.py" "${rendezvous[@]}" --nproc_per_node="$gpus" \
  "$here/test.py" "$config" "$checkpoint" --launcher pytorch "$@"
