#!/usr/bin/env bash
# The tests of scheduler, timer and reactor under the thread sanitizer. The standard library is not rebuilt for it;
# what that hides from the sanitizer is in .ci/tsan.supp, each line with its reason.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
export RUSTC_BOOTSTRAP=1
# Backtraces of tests that panic by intent are made behind a lock of the standard library's, which the sanitizer does not see.
export RUST_BACKTRACE=0
export TSAN_OPTIONS="suppressions=$PWD/.ci/tsan.supp ${TSAN_OPTIONS:-}"
# crossbeam replaces its fences, which the sanitizer does not understand, by operations that it does. One test at a
# time, because the harness's own threads are a noise. Left out are tests that count wake-ups, descriptors or system calls
# of the process, because the sanitizer has its own; those that use up all descriptors, because the symbolizer then
# cannot start, and without symbols nothing is recognized as known; and those that fork, because the sanitizer allows no
# threads in the child of a process that has some.
RUSTFLAGS="-Zsanitizer=thread --cfg crossbeam_sanitize_thread -Cunsafe-allow-abi-mismatch=sanitizer" \
    CARGO_TARGET_DIR=$target/tsan \
    cargo test -p runtime -p timer -p reactor -p reactor-hook --lib --tests --no-fail-fast \
    --target x86_64-unknown-linux-gnu "$@" -- --test-threads=1 \
    --skip idle::an_idle --skip a_storm_of_wakes_writes_at_most_once_a_park \
    --skip a_runtime_that_is_refused_a_thread --skip out_of_descriptors \
    --skip fork:: --skip the_threads_that_serve_where_nobody_else_does
