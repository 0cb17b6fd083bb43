#!/usr/bin/env bash
# The README's command; doc tests are part of it.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cargo test --workspace
