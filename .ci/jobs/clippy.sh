#!/usr/bin/env bash
# No warning in any target, with default and with all features, and in the loom models.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cargo clippy --workspace --all-targets -- -D warnings
cargo clippy --workspace --all-targets --all-features -- -D warnings
RUSTFLAGS="--cfg runtime_loom" CARGO_TARGET_DIR=$target/loom cargo clippy -p loom-tests --release --all-targets -- -D warnings
