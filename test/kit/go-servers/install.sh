#!/bin/sh
# Builds real S3 servers, MinIO and the Versity gateway, for the tests that use them, unless they are in the path.
# Their sources come unmodified from the Go module proxy; no copy of them is kept here.
#
# usage: install.sh [minio|versitygw]...       both by default; exit 3: there is no Go here
#
# Both together take about six minutes on two cores with nothing in Go's caches, MinIO alone five, the
# gateway alone two to three; a moment where they are built already. MinIO is under the AGPL: it is run here, and not distributed.
set -eu

# Their last releases; MinIO tags none for Go, so that a commit stands for it.
minio=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
versitygw=github.com/versity/versitygw/cmd/versitygw@v1.8.0

bin=${XDG_CACHE_HOME:-$HOME/.cache}/bucket-brigade/bin

mkdir -p "$bin"
for program in ${*:-minio versitygw}; do
  case $program in
    minio) module=$minio ;;
    versitygw) module=$versitygw ;;
    *) echo "install.sh: no such server: $program" >&2; exit 2 ;;
  esac
  if command -v "$program" >/dev/null || grep -qsxF "$module" "$bin/$program.built"; then continue; fi
  if ! command -v go >/dev/null; then
    echo "install.sh: $program is built with Go, which is not in the path: https://go.dev/dl" >&2
    exit 3
  fi
  echo "install.sh: $program is built, which takes minutes"
  # A build that is cut off leaves nothing that looks like a program.
  CGO_ENABLED=0 GOBIN=$bin/building nice go install -trimpath -ldflags='-s -w' "$module" \
    2>"$bin/building.log" || { cat "$bin/building.log" >&2; exit 1; }
  mv "$bin/building/$program" "$bin/$program"
  echo "$module" >"$bin/$program.built"
done
