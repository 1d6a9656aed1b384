#!/bin/sh
# Installs what Ceph's object gateway needs to run on this machine, from Debian's packages: the
# gateway, a monitor and a storage daemon. No manager: the tests do not need one.
#
# usage: install.sh        exit 3: this machine cannot (not root, or no apt)
set -eu

if ! command -v apt-get >/dev/null; then
  echo "install.sh: no apt-get here; install radosgw, ceph-mon and ceph-osd by other means" >&2
  exit 3
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "install.sh: only root can install packages; run it with sudo" >&2
  exit 3
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends radosgw ceph-mon ceph-osd >/dev/null
radosgw --version
