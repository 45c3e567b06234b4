#!/usr/bin/env bash
# symbols_test.sh PROTO_DIR PROGRAM LIBRARY...: checks that Kith clashes with nothing in an application (R-51) and
# stays light (R-50): every symbol of the libraries is in a namespace of Kith, and only protobuf-lite is linked.
set -euo pipefail
protos=$1 program=$2
shift 2

status=0
for library in "$@"; do
  # Strong definitions only: weak ones are inline functions and templates, which every program may share.
  strangers=$(nm --extern-only --defined-only --demangle "$library" 2>/dev/null |
    grep -E '^[0-9a-f]+ [BCDGRST] ' | grep -v 'kith' || true)
  if [ -n "$strangers" ]; then
    printf '%s defines outside of kith:\n%s\n' "$library" "$strangers"
    status=1
  fi
  count=$(nm --extern-only --defined-only "$library" 2>/dev/null | grep -cE '^[0-9a-f]+ [BCDGRST] ' || true)
  [ "$count" -gt 0 ] || { echo "$library defines nothing: this test looks at the wrong file"; status=1; }
done
echo "$# libraries looked at"

heavy=$(grep -L 'optimize_for = LITE_RUNTIME' "$protos"/kith/v1/*.proto || true)
[ -z "$heavy" ] || { printf 'not for the lite runtime:\n%s\n' "$heavy"; status=1; }
needed=$(readelf --dynamic "$program" | grep NEEDED)
grep -q 'libprotobuf-lite\.so' <<<"$needed" || { echo "$program does not link protobuf-lite"; status=1; }
if grep -E 'libprotobuf\.so|grpc|boost|curl' <<<"$needed"; then
  echo "$program links more than a client needs"
  status=1
fi
exit "$status"
