#!/usr/bin/env bash
# Runs the examples against real clients: bash for echo, curl, wrk and h2load for http; the others are their own.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
install curl curl
install wrk wrk
install h2load nghttp2-client
cargo build --release -p runtime --examples

server=
log=$(mktemp)
stop() { [ -z "$server" ] || { kill "$server" && wait "$server" || true; server=; }; }
trap 'stop; rm -f "$log"' EXIT

# serve <example>: starts it on a free port and sets `port`.
serve() {
    # Emptied here: the server's own start may come after the first look.
    : >"$log"
    "$target/release/examples/$1" 0 >>"$log" 2>&1 &
    server=$!
    wait_until 10 grep -q 'listening on' "$log"
    port=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$log")
}

echo "--- echo"
serve echo
exec 3<>"/dev/tcp/127.0.0.1/$port"
for line in first second third; do
    echo "$line" >&3
    IFS= read -r -t 10 answer <&3
    [ "$answer" = "$line" ]
done
exec 3>&-
stop

echo "--- http"
serve http
[ "$(curl -sS --max-time 10 "http://127.0.0.1:$port/")" = "Hello from the runtime." ]
[ "$(curl -sS --max-time 10 --http2-prior-knowledge "http://127.0.0.1:$port/")" = "Hello from the runtime." ]
report=$(wrk -t1 -c64 -d5s "http://127.0.0.1:$port/")
echo "$report"
if grep -E 'Socket errors|Non-2xx' <<<"$report"; then exit 1; fi
report=$(h2load -n50000 -c8 -m16 "http://127.0.0.1:$port/" | grep -E '^(finished|requests|status)')
echo "$report"
grep -q ' 50000 succeeded, 0 failed, 0 errored, 0 timeout' <<<"$report"
stop

echo "--- showcase"
cargo run --release --example showcase

echo "--- the small executor and the small reactor"
cargo run --release -p reactor-hook --example small_executor
cargo run --release -p reactor-hook --example small_reactor
