#!/usr/bin/env bash
# The documentation builds without a warning, with all features and with none.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
export RUSTDOCFLAGS="-D warnings"
cargo doc --workspace --no-deps --all-features
cargo doc -p runtime -p reactor -p timer --no-deps --no-default-features
