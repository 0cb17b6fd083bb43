#!/usr/bin/env bash
# Counts the instructions of spawn, poll, wake and yield on one worker, by callgrind: each kind with two numbers of
# times, so that what starts and ends the process is the same in both. Three ways: watched by the supervisor as it is by
# default; switched off by a stall threshold that never comes; and, to be looked at, compiled without the heartbeat. Fails
# when a spawn and its poll are more than 4 instructions dearer watched than switched off.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
install valgrind valgrind
limit=4
few=8192 many=73728

build() { cargo build -q --release -p benches --bin instructions "$@"; }
build
# A directory of its own, so that the other build stays.
RUSTFLAGS="${RUSTFLAGS:-} --cfg runtime_unsupervised" build --target-dir "$target/unsupervised"

# instructions <directory> <kind> <times> <threshold>: of a whole run; the least of three, because the supervisor samples by
# the clock, and so the more often the slower the machine is.
instructions() {
    for _ in 1 2 3; do
        valgrind --tool=callgrind --callgrind-out-file=/dev/null "$1/release/instructions" "$2" "$3" "$4" 2>&1 |
            sed -n 's/.*Collected : *//p'
    done | sort -n | head -n 1
}
# Tenths of an instruction for one time.
each() { echo $((10 * ($(instructions "$1" "$2" $many "$3") - $(instructions "$1" "$2" $few "$3")) / (many - few))); }
tenths() { awk "BEGIN { printf \"%.1f\", $1 / 10 }"; }

failed=0
printf '%-12s %9s %9s %9s\n' '' watched never without
for kind in spawn spawn_join spawn_await spawn_many yield ping_pong; do
    watched=$(each "$target" $kind default)
    never=$(each "$target" $kind never)
    without=$(each "$target/unsupervised" $kind never)
    printf '%-12s %9s %9s %9s\n' $kind "$(tenths "$watched")" "$(tenths "$never")" "$(tenths "$without")"
    [ $kind = spawn ] || continue
    [ $((watched - never)) -le $((10 * limit)) ] || failed=1
done
[ $failed -eq 0 ] || echo "being supervised costs a spawn and its poll more than $limit"
exit $failed
