#!/bin/bash
# Stops what up.sh started in DIR, the gateway first. DIR stays.
#
# usage: down.sh DIR
set -u

for name in client.rgw osd.0 mon.a; do
  file=$1/run/$name.pid
  [ -f "$file" ] || continue
  pid=$(cat "$file")
  # Another process may have this ID by now.
  if grep -qsE '^(radosgw|ceph-)' "/proc/$pid/comm"; then
    # Nothing is kept, so nothing needs an orderly end: the gateway takes six seconds for it.
    kill -9 "$pid" 2>/dev/null
  fi
  rm -f "$file"
done
exit 0
