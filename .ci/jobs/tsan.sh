#!/usr/bin/env bash
# The tests of scheduler, timer and reactor under the thread sanitizer. The standard library is not rebuilt for it;
# what that hides from the sanitizer is in .ci/tsan.supp, each line with its reason.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
export RUSTC_BOOTSTRAP=1
export TSAN_OPTIONS="suppressions=$PWD/.ci/tsan.supp ${TSAN_OPTIONS:-}"
# crossbeam replaces its fences, which the sanitizer does not understand, by operations that it does. One test at a
# time, because the harness's own threads are a noise. A process out of descriptors cannot start the symbolizer, and
# without symbols nothing is recognized as known. The sanitizer has a thread of its own that wakes up ten times a second,
# so an idle process is not idle.
RUSTFLAGS="-Zsanitizer=thread --cfg crossbeam_sanitize_thread -Cunsafe-allow-abi-mismatch=sanitizer" \
    CARGO_TARGET_DIR=$target/tsan \
    cargo test -p runtime -p timer -p reactor -p reactor-hook --lib --tests --no-fail-fast \
    --target x86_64-unknown-linux-gnu "$@" -- --test-threads=1 --skip out_of_descriptors --skip idle::an_idle
