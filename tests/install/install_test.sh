#!/usr/bin/env bash
# install_test.sh BUILD_DIR COMPILER GENERATOR: the installed tree is enough for a consumer, found by CMake and by
# pkg-config.
set -euo pipefail
build=$1 compiler=$2 generator=$3
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/prefix
cd "$scratch"
launcher=()
! command -v ccache >/dev/null || launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

cmake --install "$build" --prefix "$prefix" >"$scratch/install.log" || { cat "$scratch/install.log"; exit 1; }
# The tree must not need the place where it was built: moved, it still works.
mv "$prefix" "$scratch/moved"
prefix=$scratch/moved
if grep -rlF -e "$build" --include='*.cmake' --include='*.pc' "$prefix"; then
  echo "the files above name the build directory"
  exit 1
fi
# Programs built with a sanitizer or a launcher need the same compiler, and a clean machine has no other build program;
# nothing else is carried over.
cmake -G "$generator" -S "$here/consumer" -B "$scratch/cmake" -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_CXX_COMPILER="$compiler" >"$scratch/configure.log" 2>&1 || { cat "$scratch/configure.log"; exit 1; }
cmake --build "$scratch/cmake"
"$scratch/cmake/consumer"
echo "find_package: ok"

# An engine of a stranger's own: the suites, and messages through a server on it.
cmake -G "$generator" -S "$here/../../examples/own_engine" -B "$scratch/own_engine" -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_CXX_COMPILER="$compiler" "${launcher[@]}" >"$scratch/configure.log" 2>&1 ||
  { cat "$scratch/configure.log"; exit 1; }
cmake --build "$scratch/own_engine"
ctest --test-dir "$scratch/own_engine" --output-on-failure --no-tests=error
echo "own engine: ok"

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name kith-client.pc)")
export PKG_CONFIG_PATH
# Word splitting is what pkg-config's answer is made for.
# shellcheck disable=SC2046
"$compiler" -std=c++20 "$here/consumer/consumer.cc" -o "$scratch/consumer" $(pkg-config --cflags --libs kith-client kith-server)
"$scratch/consumer"
echo "pkg-config: ok"

for program in kithd kith kith-replay; do
  [ ! -e "$build/bin/$program" ] || "$prefix/bin/$program" --help >/dev/null
done
echo "programs: ok"
