#!/usr/bin/env bash
# The real programs of runtime/examples/programs: each checks itself, offline; those that are servers are asked by curl
# too, and the one on somebody else's executor by wrk and h2load.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
install curl curl
install wrk wrk
install h2load nghttp2-client
cargo build --release -p programs --examples
programs=$target/release/examples

server=
log=$(mktemp)
stop() { [ -z "$server" ] || { kill "$server" && wait "$server" || true; server=; }; }
trap 'stop; rm -f "$log"' EXIT

# check <program> [argument...]
check() {
    echo "--- $1"
    timeout 120 "$programs/$1" "${@:2}"
}

# serve <program>: starts it on a free port and sets `site`.
serve() {
    echo "--- $1, from outside"
    # Emptied here: the server's own start may come after the first look.
    : >"$log"
    "$programs/$1" 0 >>"$log" 2>&1 &
    server=$!
    wait_until 10 grep -q 'listening on' "$log"
    site=$(sed -n 's/^listening on //p' "$log")
}

check axum --check
check reqwest
check rustls
check foreign_executor --check

serve axum
[ "$(curl -sS --max-time 10 "$site/hello/you")" = '{"hello":"you"}' ]
[ "$(curl -sS --max-time 10 --json '[1, 2, 39]' "$site/sum")" = 42 ]
stop

serve foreign_executor
[ "$(curl -sS --max-time 10 "$site/")" = "Hello from the runtime." ]
[ "$(curl -sS --max-time 10 --http2-prior-knowledge "$site/")" = "Hello from the runtime." ]
report=$(timeout 60 wrk -t1 -c64 -d2s "$site/")
echo "$report"
if grep -E 'Socket errors|Non-2xx' <<<"$report"; then exit 1; fi
report=$(timeout 60 h2load -n20000 -c8 -m16 "$site/" | grep -E '^(finished|requests|status)')
echo "$report"
grep -q ' 20000 succeeded, 0 failed, 0 errored, 0 timeout' <<<"$report"
stop
