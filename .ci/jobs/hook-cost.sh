#!/usr/bin/env bash
# Counts the instructions that offering the driver which is there already adds to a poll that returns `Pending`: the
# example `cost` of reactor-hook under callgrind, each mode with two numbers of polls. Fails above 5.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
install valgrind valgrind
limit=5
few=10000 many=110000
cargo build -q --release -p reactor-hook --example cost

# instructions <mode> <polls>: of a whole run.
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$target/release/examples/cost" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : *//p'
}
# Tenths of an instruction for one poll: what starts and ends the process is the same in both runs.
per_poll() { echo $(((10 * ($(instructions "$1" $many) - $(instructions "$1" $few)) + (many - few) / 2) / (many - few))); }
tenths() { printf '%d.%d' $(($1 / 10)) $(($1 % 10)); }

nothing=$(per_poll nothing)
failed=0
echo "a poll that offers nothing: $(tenths "$nothing") instructions"
for mode in driver local address; do
    added=$(($(per_poll $mode) - nothing))
    printf '%-8s adds %s\n' "$mode" "$(tenths $added)"
    [ $added -le $((10 * limit)) ] || failed=1
done
[ $failed -eq 0 ] || echo "more than $limit"
exit $failed
