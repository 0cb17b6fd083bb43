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
failed=0
kinds=$("$target/release/instructions" kinds)
[ -z "$only" ] || kinds=$only
counted=$(mktemp) doctored=$(mktemp)
trap 'rm -f "$counted" "$doctored"' EXIT
for kind in $kinds; do
    figures=$(each "$target" ours "$kind")
    for peer in "${peers[@]}"; do figures+=$'\t'$(each "$target" "$peer" "$kind"); done
    printf '%s\t%s\n' "$kind" "$figures" >>"$counted"
    [ ! -t 2 ] || echo "$kind" >&2
done
if [ $record -eq 1 ]; then
    cut -f 1,2 "$counted" >$recorded
    exit
fi
compare() { "$target/release/instructions" compare $recorded "$1" $only; }
compare "$counted" || failed=1
# That the gate can fail: what is as recorded but for one kind in which it is 6 % dearer.
awk -v OFS='\t' -v only="$only" 'only == "" || $1 == only { print $1, done++ ? $2 : 1.06 * $2 }' $recorded >"$doctored"
! compare "$doctored" >/dev/null || { echo "error: 6 % dearer than recorded, and not told"; failed=1; }
[ -z "$only" ] || exit $failed

# A directory of its own, so that the other build stays.
RUSTFLAGS="${RUSTFLAGS:-} --cfg runtime_unsupervised" build --target-dir "$target/unsupervised"
# The least of three, because it is watched.
watched=$(for _ in 1 2 3; do each "$target" watched spawn; echo; done | sort -n | head -n 1)
never=$(awk '$1 == "spawn" { print $2 }' "$counted")
without=$(each "$target/unsupervised" ours spawn)
echo "spawn: watched $watched, never $never, without a heartbeat $without"
if awk "BEGIN { exit !($watched - $never > $limit) }"; then
    echo "error: being supervised costs a spawn and its poll more than $limit"
    failed=1
fi
exit $failed
