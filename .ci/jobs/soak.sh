#!/usr/bin/env bash
# The tests with their full counts, in release. Takes long; not part of .ci/run. Arguments go to `cargo test`.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
RUNTIME_SOAK=1 cargo test --workspace --release "$@"
