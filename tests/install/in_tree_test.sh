#!/usr/bin/env bash
# in_tree_test.sh SOURCE SCRATCH COMPILER GENERATOR: Kith as a part of another project's tree, by add_subdirectory and by
# FetchContent. The build directory SCRATCH stays, so that another run compiles what has changed.
set -euo pipefail
source=$1 scratch=$2 compiler=$3 generator=$4
here=$(cd "$(dirname "$0")" && pwd)
launcher=()
! command -v ccache >/dev/null || launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
mkdir -p "$scratch"

for by in add_subdirectory FetchContent; do
  cmake -G "$generator" -S "$here/in_tree" -B "$scratch" -DKITH_BY="$by" -DKITH_SOURCE="$source" -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_CXX_COMPILER="$compiler" "${launcher[@]}" >"$scratch/configure.log" 2>&1 || { cat "$scratch/configure.log"; exit 1; }
  cmake --build "$scratch" --target consumer -j 2 >"$scratch/build.log" 2>&1 || { tail -n 40 "$scratch/build.log"; exit 1; }
  consumer=$(find "$scratch/app" -name consumer -type f)
  (work=$(mktemp -d) && cd "$work" && "$consumer" && rm -rf "$work")
  echo "$by: ok"
done
