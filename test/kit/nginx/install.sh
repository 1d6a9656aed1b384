#!/bin/sh
# Installs nginx from the distribution's packages, for the tests that read through it.
#
# usage: install.sh        exit 3: this machine cannot (not root, or no apt)
set -eu

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "install.sh: needs apt-get and root; install nginx by other means" >&2
  exit 3
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends nginx-light >/dev/null
nginx -v
