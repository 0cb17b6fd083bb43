#!/usr/bin/env bash
# The real programs of runtime/examples/programs: each checks itself, offline; the one that is a server on somebody
# else's executor is asked by curl, wrk and h2load too.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
install curl curl
install wrk wrk
install h2load nghttp2-client
cargo build --release -p programs --examples
programs=$target/release/examples

# check <program> [argument...]
check() {
    echo "--- $1"
    timeout 120 "$programs/$1" "${@:2}"
}
check axum --check
check reqwest
check rustls
check foreign_executor --check

echo "--- foreign_executor, from outside"
log=$(mktemp)
"$programs/foreign_executor" 0 >"$log" 2>&1 &
server=$!
trap 'kill "$server"; wait "$server" || true; rm -f "$log"' EXIT
wait_until 10 grep -q 'listening on' "$log"
site=$(sed -n 's/^listening on //p' "$log")
[ "$(curl -sS --max-time 10 "$site/")" = "Hello from the runtime." ]
[ "$(curl -sS --max-time 10 --http2-prior-knowledge "$site/")" = "Hello from the runtime." ]
report=$(timeout 60 wrk -t1 -c64 -d2s "$site/")
echo "$report"
if grep -E 'Socket errors|Non-2xx' <<<"$report"; then exit 1; fi
report=$(timeout 60 h2load -n20000 -c8 -m16 "$site/" | grep -E '^(finished|requests|status)')
echo "$report"
grep -q ' 20000 succeeded, 0 failed, 0 errored, 0 timeout' <<<"$report"
