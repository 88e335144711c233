#!/bin/sh
# Runs in each Redis pod after its start: meets the others at the addresses they have now. A pod
# comes back with another address, and when all come back at once, none knows where the others are.
# A node that has never known another is left alone: form.sh wants it empty.
set -eu
until redis-cli ping | grep -q PONG; do sleep 1; done
known=$(redis-cli cluster info | tr -d '\r' | sed -n 's/^cluster_known_nodes://p')
[ "$known" -gt 1 ] || exit 0
# More than once, since the others' names may still stand for the addresses that they had.
for _ in 1 2 3 4 5; do
  for peer in 0 1 2 3 4 5; do
    address=$(getent hosts "redis-$peer.redis" | cut -d ' ' -f 1)
    [ -z "$address" ] || redis-cli cluster meet "$address" 6379
  done
  sleep 2
done
