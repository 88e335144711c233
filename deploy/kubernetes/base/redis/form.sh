#!/bin/sh
# Makes one Cluster of the six: three primaries, a replica for each. Does nothing where there is one.
set -eu
nodes=
for node in 0 1 2 3 4 5; do
  host="redis-$node.redis"
  until redis-cli -h "$host" ping | grep -q PONG; do sleep 1; done
  nodes="$nodes $(getent hosts "$host" | cut -d ' ' -f 1):6379"
done
if [ "$(redis-cli -h redis-0.redis cluster info | grep -c 'cluster_slots_assigned:16384')" = 0 ]; then
  redis-cli --cluster create $nodes --cluster-replicas 1 --cluster-yes
fi
until redis-cli -h redis-0.redis cluster info | grep -q 'cluster_state:ok'; do sleep 1; done
