# Trains on two "machines" of one: two network namespaces with an address each, and a wire between.
# Run by: unshare --user --map-root-user --net --mount sh two_machines.sh TOOL ARGUMENTS
# Leaves what each printed in first.txt and second.txt, and their exit statuses in statuses.txt.
set -eu
ip link set lo up
unshare --net sleep 600 &
other=$!
trap 'kill $other' EXIT
until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
ip link add wire0 type veth peer name wire1
ip link set wire1 netns $other
ip addr add 10.99.0.1/24 dev wire0
ip link set wire0 up
there="nsenter --target $other --net"
$there ip link set lo up
$there ip addr add 10.99.0.2/24 dev wire1
$there ip link set wire1 up

export NNODES=2 MASTER_ADDR=10.99.0.1 PORT=29500
first=0 second=0
NODE_RANK=1 $there "$@" >second.txt 2>&1 &
that=$!
NODE_RANK=0 "$@" >first.txt 2>&1 || first=$?
wait $that || second=$?
echo $first $second >statuses.txt
