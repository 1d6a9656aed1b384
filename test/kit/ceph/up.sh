#!/bin/bash
# Starts a Ceph of one node with an object gateway, on 127.0.0.1, all in memory.
#
# usage: up.sh DIR PORT
#   DIR          a folder of its own: what is in it is removed
#   PORT         of the gateway, over HTTP
# environment:
#   MON_PORT     of the monitor; PORT + 1 by default
#   ACCESS_KEY, SECRET_KEY   of the one user; testkey and testsecret by default
#   MEMORY_GB    what the store may hold; 4 by default
#   WATCH_PID    a process: when it is gone, everything is stopped and DIR removed
set -euo pipefail

mkdir -p "$1"
dir=$(cd "$1" && pwd)
port=$2
mon_port=${MON_PORT:-$((port + 1))}
access_key=${ACCESS_KEY:-testkey}
secret_key=${SECRET_KEY:-testsecret}
here=$(cd "$(dirname "$0")" && pwd)

rm -rf "${dir:?}"/*
mkdir -p "$dir"/mon "$dir"/osd "$dir"/run "$dir"/log

# The library's folder is named for the machine. Some builds know it only relative to their own.
classes=$(echo /usr/lib/*/rados-classes)
erasure=$(echo /usr/lib/*/ceph/erasure-code)
fsid=$(cat /proc/sys/kernel/random/uuid)
osd_uuid=$(cat /proc/sys/kernel/random/uuid)
# Thirty-two bytes that encrypt nothing of worth.
kms_key=$(printf 'a key of thirty-two bytes, no more' | head -c 32 | base64)

cat > "$dir/ceph.conf" <<CONF
[global]
fsid = $fsid
mon_host = v2:127.0.0.1:$mon_port
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
# Nobody but us is on this loopback: the daemons trust each other. S3 signatures are checked.
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
keyring = /dev/null
run_dir = $dir/run
pid_file = $dir/run/\$name.pid
admin_socket = $dir/run/\$name.asok
log_file = $dir/log/\$name.log
log_to_stderr = false
err_to_stderr = false
erasure_code_dir = $erasure
# One daemon holds everything, once.
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
# The machine's disk may be full; this store is not on it.
mon_data_avail_warn = 1
mon_data_avail_crit = 0
mon_osd_nearfull_ratio = 0.90
mon_osd_backfillfull_ratio = 0.95
mon_osd_full_ratio = 0.97
# Logging costs a third of the processor.
debug_ms = 0/0
debug_mon = 0/0
debug_monc = 0/0
debug_paxos = 0/0
debug_auth = 0/0
debug_osd = 0/0
debug_objecter = 0/0
debug_objclass = 0/0
debug_optracker = 0/0
debug_rados = 0/0
debug_rgw = 0/0
debug_tp = 0/0
osd_enable_op_tracker = false

[mon]
mon_data = $dir/mon
mon_cluster_log_file = $dir/log/cluster.log
mon_osd_min_in_ratio = 0
paxos_propose_interval = 0.05
paxos_min_wait = 0.01

[osd]
osd_data = $dir/osd
osd_objectstore = memstore
osd_class_dir = $classes
osd_max_object_name_len = 2048
memstore_device_bytes = $((${MEMORY_GB:-4} << 30))

[client]
# "secure" is the gateway's default; without keys it would retry for ever.
ms_mon_client_mode = crc
ms_mon_service_mode = crc
# Without tcp_nodelay every small answer waits 40 ms for the other side's acknowledgement.
rgw_frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw_dns_name = localhost
rgw_relaxed_region_enforcement = true
rgw_enable_usage_log = false
rgw_run_sync_thread = false
rgw_override_bucket_index_max_shards = 1
rgw_crypt_require_ssl = false
rgw_crypt_s3_kms_backend = testing
rgw_crypt_s3_kms_encryption_keys = testkey-1=$kms_key
# Deleted bytes are kept for two hours by default: memory would not hold them.
rgw_gc_obj_min_wait = 1
rgw_gc_processor_period = 5
rgw_gc_processor_max_time = 5
CONF

export CEPH_CONF=$dir/ceph.conf CEPH_ARGS="-c $dir/ceph.conf"

give_up() {
  echo "up.sh: $1; see $dir/log" >&2
  bash "$here/down.sh" "$dir"
  exit 1
}

if [ -n "${WATCH_PID:-}" ]; then
  setsid bash -c '
    while kill -0 "$1" 2>/dev/null && [ -d "$2/run" ]; do sleep 1; done
    [ -d "$2/run" ] || exit 0
    bash "$3/down.sh" "$2"
    rm -rf "$2"
  ' watch "$WATCH_PID" "$dir" "$here" </dev/null >/dev/null 2>&1 &
fi

monmaptool --create --clobber --fsid "$fsid" --addv a "[v2:127.0.0.1:$mon_port]" \
  "$dir/monmap" >"$dir/log/monmap.out" 2>&1
ceph-mon --mkfs -i a --monmap "$dir/monmap" >"$dir/log/mon.out" 2>&1 || give_up 'no monitor'
ceph-mon -i a >>"$dir/log/mon.out" 2>&1 || give_up 'no monitor'

ceph osd new "$osd_uuid" >"$dir/log/osd.out" 2>&1 || give_up 'the monitor does not answer'
ceph-osd -i 0 --mkfs --osd-uuid "$osd_uuid" >>"$dir/log/osd.out" 2>&1 || give_up 'no storage'
ceph-osd -i 0 >>"$dir/log/osd.out" 2>&1 || give_up 'no storage'
for _ in $(seq 100); do
  ceph osd stat 2>/dev/null | grep -q '1 up' && break
  sleep 0.2
done

# The user comes first: making it makes the zone, which the storage classes are added to.
radosgw-admin user create --uid=test --display-name=test \
  --access-key="$access_key" --secret="$secret_key" >"$dir/log/user.out" 2>&1 || give_up 'no user'
for class in STANDARD_IA GLACIER; do
  radosgw-admin zonegroup placement add --rgw-zonegroup default \
    --placement-id default-placement --storage-class $class
  radosgw-admin zone placement add --rgw-zone default \
    --placement-id default-placement --storage-class $class --data-pool default.rgw.buckets.data
done >"$dir/log/classes.out" 2>&1 || give_up 'no storage classes'

radosgw -n client.rgw >"$dir/log/rgw.out" 2>&1 || give_up 'no gateway'
for _ in $(seq 300); do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then exit 0; fi
  sleep 0.1
done
give_up 'the gateway does not listen'
