#!/bin/sh
# scaling.sh BUILD > scaling.jsonl: runs bench_data_parallel on a simulated network, for bench_scaling. Each rank has a
# network namespace of its own, with an interface whose rate is limited (tc tbf), and a bridge between them: what goes
# over it is TCP as between machines. Ranks wait in place of computing, so that they need not have a processor each. Takes
# root, iproute2 and Open MPI; nothing outside a namespace of its own is touched.
set -e
build=$(realpath "$1")
bench=$build/bench/bench_data_parallel
if [ "$2" != inside ]; then
  for batch in 16 64 256 1024; do "$bench" --plain --batch $batch --steps 20; done
  exec unshare --net --mount sh "$0" "$build" inside
fi

mount -t tmpfs tmpfs /run
agent=/run/agent.sh
cat > $agent << 'END'
#!/bin/sh
host=$1
shift
exec ip netns exec "rank${host##*.}" sh -c "$*"
END
chmod +x $agent
ip link set lo up
ip link add bridge0 type bridge
ip addr add 10.99.0.1/24 dev bridge0
ip link set bridge0 up
hosts=
for i in 2 3 4 5 6 7 8 9; do
  ip netns add rank$i
  ip link add port$i type veth peer name net0 netns rank$i
  ip link set port$i master bridge0 up
  ip netns exec rank$i sh -c "ip link set lo up; ip addr add 10.99.0.$i/24 dev net0; ip link set net0 up"
  hosts=$hosts${hosts:+,}10.99.0.$i
done

# measure RANKS MEGABITS OPTION...
measure() {
  ranks=$1 rate=$2
  shift 2
  for i in 2 3 4 5 6 7 8 9; do
    ip netns exec rank$i tc qdisc replace dev net0 root tbf rate "${rate}mbit" burst 64kb latency 400ms
  done
  for attempt in 1 2 3; do # daemons on a busy machine may give up on each other
    mpirun --allow-run-as-root --mca plm_rsh_agent $agent --host "$(echo $hosts | cut -d, -f1-"$ranks")" --bind-to none \
      --mca pml ob1 --mca btl tcp,self --mca btl_tcp_if_include net0 --mca oob_tcp_if_include bridge0,net0 \
      -x PMIX_MCA_gds=hash -np "$ranks" "$bench" --megabits "$rate" --steps 9 "$@" > /run/line 2> /run/errors &&
      grep '^{' /run/line && return
  done
  cat /run/errors >&2
}

wait=400
for ranks in 2 4 8; do
  measure $ranks 1000 --wait-ms $wait --plain
  for rate in 50 100 200 400; do
    measure $ranks $rate --wait-ms $wait
    measure $ranks $rate --wait-ms $wait --bucket-bytes 4000
  done
done
