#!/usr/bin/env bash
# Counts the instructions of spawn, poll, wake, message and timeout on one worker, by callgrind: each kind with two numbers
# of times, so that what starts and ends the process is the same in both. Fails
#
# - when a kind takes more than 5 % more than `benches/instructions.tsv` says. What takes more than 5 % less is told: then
#   `.ci/jobs/instructions.sh --record` writes the file anew;
# - when a spawn and its poll are more than 4 instructions dearer watched by the supervisor, as they are by default, than
#   with a stall threshold that never comes. All else is counted with that threshold: the supervisor samples by the clock,
#   and so the more often the slower the machine is. The same without the heartbeat, which is compiled out, is told.
#
# `--peers` counts tokio and smol as well, and prints how many times ours they take. `--only KIND` counts that alone.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
install valgrind valgrind
limit=4
few=8192 many=40960
recorded=benches/instructions.tsv

peers=() record=0 only=
while [ $# -gt 0 ]; do
    case $1 in
        --peers) peers=(tokio smol) ;;
        --record) record=1 ;;
        --only) only=$2; shift ;;
        *) echo "usage: instructions.sh [--peers] [--record] [--only KIND]"; exit 2 ;;
    esac
    shift
done

[ $record -eq 0 ] || [ -z "$only" ] || { echo "all kinds are recorded together"; exit 2; }

build() { cargo build -q --release -p benches --bin instructions "$@"; }
build

# instructions <directory> <host> <kind> <times>: of a whole run.
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$1/release/instructions" "$2" "$3" "$4" 2>&1 |
        sed -n 's/.*Collected : *//p'
}
# each <directory> <host> <kind>: instructions for one time, with a decimal.
each() {
    local long short
    long=$(instructions "$@" $many)
    short=$(instructions "$@" $few)
    awk "BEGIN { printf \"%.1f\", ($long - $short) / ($many - $few) }"
}
# percent <figure> <of>: how much more it is, in whole percents.
percent() { awk "BEGIN { printf \"%.0f\", 100 * ($1 / $2 - 1) }"; }

failed=0
kinds=$("$target/release/instructions" kinds)
[ -z "$only" ] || kinds=$only
counted=$(mktemp)
trap 'rm -f "$counted"' EXIT
printf '%-14s %9s %9s %6s' kind ours recorded change
[ ${#peers[@]} -eq 0 ] || printf ' %9s %6s' tokio ratio smol ratio
echo
for kind in $kinds; do
    ours=$(each "$target" ours "$kind")
    printf '%s\t%s\n' "$kind" "$ours" >>"$counted"
    before=$([ ! -f $recorded ] || awk -v kind="$kind" '$1 == kind { print $2 }' $recorded)
    change=$([ -z "$before" ] || percent "$ours" "$before")
    printf '%-14s %9s %9s %6s' "$kind" "$ours" "${before:--}" "${change:+$change %}"
    for peer in "${peers[@]}"; do
        its=$(each "$target" "$peer" "$kind")
        printf ' %9s %6s' "$its" "$(awk "BEGIN { printf \"%.2f\", $its / $ours }")"
    done
    echo
    if [ $record -eq 1 ]; then continue; fi
    if [ -z "$before" ]; then
        echo "  no figure of it is recorded: .ci/jobs/instructions.sh --record"
        failed=1
    elif awk "BEGIN { exit !($ours > 1.05 * $before) }"; then
        echo "  error: more than 5 % dearer than recorded"
        failed=1
    elif awk "BEGIN { exit !($ours < 0.95 * $before) }"; then
        echo "  more than 5 % cheaper than recorded: .ci/jobs/instructions.sh --record"
    fi
done
if [ $record -eq 1 ]; then
    cp "$counted" $recorded
    exit
fi
[ -z "$only" ] || exit $failed

# A directory of its own, so that the other build stays.
RUSTFLAGS="${RUSTFLAGS:-} --cfg runtime_unsupervised" build --target-dir "$target/unsupervised"
# The least of three, because it is watched.
watched=$(for _ in 1 2 3; do each "$target" watched spawn; done | sort -n | head -n 1)
never=$(awk '$1 == "spawn" { print $2 }' "$counted")
without=$(each "$target/unsupervised" ours spawn)
echo "spawn: watched $watched, never $never, without a heartbeat $without"
if awk "BEGIN { exit !($watched - $never > $limit) }"; then
    echo "error: being supervised costs a spawn and its poll more than $limit"
    failed=1
fi
exit $failed
