#!/bin/sh
# Runs the packed GPU suite (pack-gpu-suite.mjs) on a machine that has a GPU and little else. Arguments are those of
# test/gpu-real/run.mjs. What it finds goes to $OUT: results.json, results.md, raw-buffers.tar.gz.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${GPU_SUITE_WORK:-${TMPDIR:-/tmp}/opscope-gpu-suite}
out=${OUT:-$PWD/gpu-suite-results}

unxz_to() {
  if command -v xz >/dev/null; then
    xz -dc "$1" >"$2"
  else
    python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' "$1" "$2"
  fi
}

# A machine that is called several times unpacks once.
stamp=$(cksum "$here/suite.tar.xz" "$here/node.xz" | cksum)
if [ "$(cat "$work/stamp" 2>/dev/null)" != "$stamp" ]; then
  rm -rf "$work"
  mkdir -p "$work/suite"
  unxz_to "$here/node.xz" "$work/node"
  unxz_to "$here/suite.tar.xz" "$work/suite.tar"
  tar -xf "$work/suite.tar" -C "$work/suite"
  rm "$work/suite.tar"
  chmod +x "$work/node"
  echo "$stamp" >"$work/stamp"
fi

# Where no toolkit has a CUPTI, PyTorch's own will do.
if [ -z "${OPSCOPE_CUPTI_PATH:-}" ] && ! ls /usr/local/cuda*/extras/CUPTI/lib64/libcupti.so* /usr/local/cuda*/lib64/libcupti.so* >/dev/null 2>&1; then
  found=$(find / -xdev -name 'libcupti.so.1[0-9]*' 2>/dev/null | sort | tail -1)
  if [ -n "$found" ]; then export OPSCOPE_CUPTI_PATH="$found"; fi
fi

mkdir -p "$out"
results="$work/results"
code=0
"$work/node" "$work/suite/test/gpu-real/run.mjs" --out "$results" --seconds 560 "$@" || code=$?
if [ -f "$results/results.json" ]; then
  cp "$results/results.json" "$results/results.md" "$out/"
  if ls "$results"/raw-* >/dev/null 2>&1; then tar -czf "$out/raw-buffers.tar.gz" -C "$results" $(cd "$results" && ls | grep '^raw-'); fi
fi
exit "$code"
