#!/usr/bin/env bash
# No feature, each feature alone, and every pair of them compile without a warning.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
check() {
    echo "$1: ${2:-no features}"
    cargo check --quiet -p "$1" --no-default-features --features "$2" --config 'build.rustflags = ["-Dwarnings"]'
}
export CARGO_TARGET_DIR=$target/features
for package in reactor timer runtime; do
    mapfile -t features < <(features_of "$package")
    check "$package" ""
    for ((first = 0; first < ${#features[@]}; first++)); do
        check "$package" "${features[first]}"
        for ((second = first + 1; second < ${#features[@]}; second++)); do
            # All of them at once, and alone above.
            [[ "${features[first]}" == full || "${features[second]}" == full ]] && continue
            check "$package" "${features[first]},${features[second]}"
        done
    done
done
