#!/usr/bin/env bash
# Runs each loom model by itself and prints its time. Fails when one fails or takes longer than the limit.
# An argument chooses a test file: `loom.sh task`.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
limit=60
export CARGO_TARGET_DIR=$target/loom RUSTFLAGS="--cfg runtime_loom"
only=(--tests)
[ $# -eq 0 ] || only=(--test "$1")
build=$(cargo test -p loom-tests --release "${only[@]}" --no-run 2>&1) || { echo "$build"; exit 1; }
mapfile -t binaries < <(sed -n 's/^ *Executable tests\/.*(\(.*\))$/\1/p' <<<"$build")

# one <binary> <model>
one() {
    local file result output start
    file=$(basename "$1" | sed 's/-[0-9a-f]*$//')
    start=$(date +%s%N)
    if output=$(timeout "$limit" "$1" --exact "$2" 2>&1); then
        result=ok
    elif [ $? -eq 124 ]; then
        result="over $limit s"
    else
        result=FAILED
        echo "$output"
    fi
    printf '%6.1f s  %s::%s  %s\n' "$(($(date +%s%N) - start))e-9" "$file" "$2" "$result"
}
export -f one
export limit

# A model has one thread at a time: as many models at once as there are cores.
list=$(mktemp)
results=$(mktemp)
trap 'rm -f "$list" "$results"' EXIT
for binary in "${binaries[@]}"; do
    "$binary" --list --format terse | sed -n 's/: test$//p' | while IFS= read -r model; do
        printf '%s\n%s\n' "$binary" "$model"
    done
done >"$list"
xargs -r -d '\n' -n 2 -P "$(nproc)" bash -c 'one "$@"' one <"$list" | tee "$results"
models=$(($(wc -l <"$list") / 2))
ok=$(grep -c '  ok$' "$results" || true)
echo "$models models, $((models - ok)) failed"
[ "$models" -gt 0 ] && [ "$ok" -eq "$models" ]
