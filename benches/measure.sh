#!/usr/bin/env bash
# Measures what docs/performance.md and docs/scaling.md have figures of, and writes a markdown file a part into
# `target/measure`: `benches/measure.sh [--rounds N] [--only PART]...`
#
# On a machine that does nothing else; it says so when it finds that something else runs. With 5 rounds, which is usual,
# and when all is built, it ends within 12 minutes (with more, in proportion): each part says how long it took, and what has no
# time left is not begun. What fails is told at the end, and does not keep the rest from being measured.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
out=$target/measure
rounds=5 chosen=()
parts=(glibc mimalloc workers other http memory simulate)

usage() { echo "usage: measure.sh [--rounds N] [--only PART]...; parts: ${parts[*]}"; exit 2; }
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || usage
    case $1 in
        --rounds) rounds=$2 ;;
        --only) [[ " ${parts[*]} " == *" $2 "* ]] || usage; chosen+=("$2") ;;
        *) usage ;;
    esac
    shift 2
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${parts[@]}")
[[ $rounds =~ ^[1-9][0-9]*$ ]] || usage

wants() { [[ " ${chosen[*]} " == *" $1 "* ]]; }
! wants http || command -v wrk >/dev/null || { echo "http needs wrk"; exit 1; }

# All that is run is put aside, since building with another allocator replaces it.
mkdir -p "$out/bin"
export CARGO_TERM_COLOR=never
cargo build -q --release -p benches --bins
cp "$target"/release/{benches,http,memory,simulate} "$out/bin/"
if wants mimalloc; then
    cargo build -q --release -p benches --bin benches --features mimalloc
    cp "$target/release/benches" "$out/bin/benches-mimalloc"
    cargo build -q --release -p benches --bin benches
fi

awk '$1 > 0.5 { print "note: a load of " $1 " before anything is measured" }' /proc/loadavg

failed=()
# part <name> <command as it is written in the documents> <command...>
part() {
    local name=$1 said=$2 began=$SECONDS
    shift 2
    wants "$name" || return 0
    local left=$((limit - SECONDS + start))
    if [ $left -le 0 ]; then
        echo "$name: no time left"
        failed+=("$name")
        return
    fi
    if ! { echo "Measured by \`$said\`:"; echo; timeout "$left" "$@"; } >"$out/$name.md" 2>"$out/$name.log"; then
        failed+=("$name")
        tail -n 3 "$out/$name.log"
    fi
    echo "$name: $((SECONDS - began)) s, $out/$name.md"
}
compare=(compare --rounds "$rounds")
groups=(--group userland --group wake --group kernel)
# Those of which more or fewer workers make another workload, and those that the simulation predicts.
some=()
for workload in spawn spawn_join spawn_await chained recursive spawn_outside yield ping_pong ring ring_one mpsc \
    fork_join foreign_wake echo_64 accept; do
    some+=(--only "$workload")
done
cargo="cargo run --release -p benches"

start=$SECONDS limit=$((720 * (rounds > 5 ? rounds : 5) / 5))
part glibc "$cargo -- ${compare[*]} ${groups[*]}" \
    "$out/bin/benches" "${compare[@]}" "${groups[@]}" --json "$out/glibc.json" --svg "$out/glibc.svg"
part mimalloc "$cargo --features mimalloc -- ${compare[*]} ${groups[*]}" \
    "$out/bin/benches-mimalloc" "${compare[@]}" "${groups[@]}" --json "$out/mimalloc.json"
part workers "$cargo -- ${compare[*]} --workers 1,2,4,8 --only spawn --only … --json FILE" \
    "$out/bin/benches" "${compare[@]}" --workers 1,2,4,8 "${some[@]}" --json "$out/workers.json"
part other "$cargo -- ${compare[*]} --group other" \
    "$out/bin/benches" "${compare[@]}" --group other --json "$out/other.json"
part http "$cargo --bin http -- --rounds $rounds" "$out/bin/http" --rounds "$rounds"
part memory "$cargo --bin memory" "$out/bin/memory"
part simulate "$cargo --bin simulate -- --measured FILE" \
    "$out/bin/simulate" --measured "$out/workers.json"
echo "all: $((SECONDS - start)) s"
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
