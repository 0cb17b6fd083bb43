#!/usr/bin/env bash
# Runs each loom model by itself and prints its time. Fails when one fails or takes longer than a minute.
# An argument chooses a test file: `loom.sh task`.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
limit=60
export CARGO_TARGET_DIR=$target/loom RUSTFLAGS="--cfg runtime_loom"
only=(--tests)
[ $# -eq 0 ] || only=(--test "$1")
build=$(cargo test -p loom-tests --release "${only[@]}" --no-run 2>&1) || { echo "$build"; exit 1; }
mapfile -t binaries < <(sed -n 's/^ *Executable tests\/.*(\(.*\))$/\1/p' <<<"$build")

models=0 failed=0
for binary in "${binaries[@]}"; do
    file=$(basename "$binary" | sed 's/-[0-9a-f]*$//')
    while IFS= read -r model; do
        models=$((models + 1))
        start=$(date +%s%N)
        if output=$(timeout "$limit" "$binary" --exact "$model" 2>&1); then
            result=ok
        elif [ $? -eq 124 ]; then
            result="over $limit s" failed=$((failed + 1))
        else
            result=FAILED failed=$((failed + 1))
            echo "$output"
        fi
        printf '%6.1f s  %s::%s  %s\n' "$(($(date +%s%N) - start))e-9" "$file" "$model" "$result"
    done < <("$binary" --list --format terse | sed -n 's/: test$//p')
done
echo "$models models, $failed failed"
[ "$models" -gt 0 ] && [ "$failed" -eq 0 ]
