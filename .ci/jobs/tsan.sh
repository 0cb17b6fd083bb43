#!/usr/bin/env bash
# The tests of scheduler, timer and reactor under the thread sanitizer. The standard library is not rebuilt for it;
# what that hides from the sanitizer is in .ci/tsan.supp, each line with its reason.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
export RUSTC_BOOTSTRAP=1
export TSAN_OPTIONS="suppressions=$PWD/.ci/tsan.supp halt_on_error=1 ${TSAN_OPTIONS:-}"
# crossbeam replaces its fences, which the sanitizer does not understand, by operations that it does.
RUSTFLAGS="-Zsanitizer=thread --cfg crossbeam_sanitize_thread -Cunsafe-allow-abi-mismatch=sanitizer" \
    CARGO_TARGET_DIR=$target/tsan \
    cargo test -p runtime -p timer -p reactor -p reactor-hook --lib --tests --target x86_64-unknown-linux-gnu "$@"
