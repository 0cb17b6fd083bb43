#!/usr/bin/env bash
# Everything is formatted.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cargo fmt --all --check
