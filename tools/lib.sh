# Shared by the scripts in tools/: where the tree is, how progress is shown, how a preset is built and
# tested. Sourced, never run. Every script that sources it stops at the first error (set -euo pipefail).

KITH_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KITH_JOBS=${KITH_JOBS:-$(nproc)}
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-time_macros}
SECONDS=0

# Progress goes to standard error, so that standard output stays free for a program's own answer.
step() { printf '[%4ds] == %s\n' "$SECONDS" "$*" >&2; }
ok() { printf '[%4ds]    ok: %s\n' "$SECONDS" "$*" >&2; }
note() { printf '[%4ds]    %s\n' "$SECONDS" "$*" >&2; }
fail() {
  printf '[%4ds] !! %s\n' "$SECONDS" "$*" >&2
  exit 1
}

# usage: prints the comment block at the head of the calling script (without the #!) as its help text.
usage() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"; }

# Chooses the compiler of a preset that needs Clang; Debian 12 names it clang++-14, Debian 13 clang++.
clang_options() {
  local version
  for version in -14 ""; do
    if command -v "clang++$version" >/dev/null; then
      printf '%s\n' "-DCMAKE_CXX_COMPILER=clang++$version" "-DCMAKE_C_COMPILER=clang$version"
      return 0
    fi
  done
  return 1
}

# configure PRESET [cmake options]
configure() {
  local preset=$1
  shift
  step "configure $preset"
  local log=$KITH_ROOT/build/configure-$preset.log
  mkdir -p "$KITH_ROOT/build"
  if ! (cd "$KITH_ROOT" && cmake --preset "$preset" "$@") >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    fail "configure failed; the whole output is in $log"
  fi
}

# build PRESET [targets]
build() {
  local preset=$1
  shift
  step "build $preset ($KITH_JOBS jobs)${*:+: $*}"
  (cd "$KITH_ROOT" && cmake --build "build/$preset" -j "$KITH_JOBS" ${*:+--target "$@"}) >&2
  ok "built"
}

# run_tests PRESET [ctest options]: runs, then prints the verdict; the exit status is that of the tests.
run_tests() {
  local preset=$1
  shift
  local junit=$KITH_ROOT/build/$preset/tests.xml reports=$KITH_ROOT/build/$preset/reports status=0
  rm -rf "$junit" "$reports"
  mkdir -p "$reports"
  step "tests of $preset${*:+ ($*)}"
  GTEST_OUTPUT="xml:$reports/" ctest --test-dir "$KITH_ROOT/build/$preset" -j "$KITH_JOBS" --output-on-failure \
    --no-tests=error --output-junit "$junit" "$@" || status=$?
  python3 "$KITH_ROOT/tools/verdict.py" "$junit" "$reports" || status=1
  return "$status"
}
