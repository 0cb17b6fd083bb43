#!/usr/bin/env bash
# Every kind of future on every kind of executor, with the threads that each pairing takes.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cargo run --release -p runtime --example matrix
