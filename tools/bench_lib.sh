# Shared by bench, bars, crowd and growth, after lib.sh: kithd on core 0, kith-bench on core 1. The caller sets bin
# (where the programs are) and out (where its files go), which new_results empties.

servers=()

new_results() {
  [ "$(nproc)" -ge 2 ] || fail "two cores are needed: one for the server, one for the load"
  rm -rf "$out"
  mkdir -p "$out"
  (umask 077 && head -c 32 /dev/urandom | base64 >"$out/secret")
  trap stop_servers EXIT
}

stop_servers() {
  local pid
  for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${servers[@]}"; do wait "$pid" 2>/dev/null || true; done
  servers=()
}

# launch_server NAME [kithd options]: data in $out/NAME.data, log in $out/NAME.log; sets server to its process.
launch_server() {
  local name=$1
  shift
  rm -f "$out/$name.log" # of a server before it, whose port await_server() would find
  taskset -c 0 "${kithd:-$bin/kithd}" --data "$out/$name.data" --token-secret-file "$out/secret" \
    --handshakes-per-s 100000 "$@" >"$out/$name.log" 2>&1 &
  server=$!
  servers+=("$server")
}

# await_server NAME: until it listens; sets url.
await_server() {
  local name=$1
  for _ in $(seq 300); do
    url=$(sed -n 's/^listening on //p' "$out/$name.log" 2>/dev/null || true)
    [ -z "$url" ] || return 0
    sleep 0.1
  done
  fail "$name does not start; see $out/$name.log"
}

# bench_command SCENARIO [options]: sets bench to kith-bench on core 1, against the server at url; it prints a line of
# JSON for each run.
bench_command() {
  bench=("$bin/kith-bench" "$1" --url "$url" --secret-file "$out/secret" --cpu 1 --json "${@:2}")
}
