#!/usr/bin/env bash
# The whole test suite under the address and leak sanitizers: once with every task cell from the allocator, once with
# cells recycled and poisoned while they are free. Doc tests are left out, and `benches` and `programs`, which have none.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# Sanitizers are behind a switch of the compiler's that the stable one takes when told so.
export RUSTC_BOOTSTRAP=1
# Tests that panic by intent would take a second each.
export RUST_BACKTRACE=0
failed=0
for cells in runtime_no_recycle runtime_poison; do
    echo "--cfg $cells"
    RUSTFLAGS="-Zsanitizer=address --cfg $cells" CARGO_TARGET_DIR=$target/asan \
        cargo test --workspace --exclude benches --exclude programs --exclude runtime-macros --lib --tests --no-fail-fast \
        --target x86_64-unknown-linux-gnu || failed=1
done
exit $failed
