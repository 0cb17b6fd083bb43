#!/usr/bin/env bash
# Where the time of a workload goes on this runtime's threads: in code that all the runtimes share (the workload itself, its
# channel, the allocator that the channel calls, the clock), in the kernel, or in the runtime. By perf's samples of the
# processor's clock. Arguments name workloads of `compare`; without any, those that shared code decides.
. "$(dirname "${BASH_SOURCE[0]}")/../.ci/lib.sh"
install perf linux-perf
[ $# -gt 0 ] || set -- ring ring_one mpsc
cargo build --release -q -p benches --bin benches
samples=$(mktemp)
trap 'rm -f "$samples"' EXIT

printf '| %-18s | %7s | %9s | %6s | %7s |\n' workload shared allocator kernel runtime
printf '|%s|%s|%s|%s|%s|\n' -------------------- --------: ----------: -------: --------:
for workload; do
    perf record -q -e cpu-clock -F 4000 -o "$samples" \
        "$target/release/benches" compare --only "$workload" --rounds 60 >/dev/null 2>&1
    perf script -i "$samples" --comm runtime-worker -F ip,sym,dso 2>/dev/null | awk -v workload="$workload" '
        NF == 0 { next }
        /\[kernel/ { kernel++; next }
        /\[vdso\]/ { shared++; next }
        /libc\.so/ || $2 ~ /^(_?mi_|__rustc::__r)/ { allocator++; next }
        # A generic function of the runtime names the workload in its parameters: what it is called begins the name.
        $2 ~ /^<?(futures|tokio|async_channel|smol|benches|event_listener|concurrent_queue)/ { shared++; next }
        { own++ }
        END {
            all = shared + allocator + kernel + own
            printf "| %-18s | %5.1f %% | %7.1f %% | %4.1f %% | %5.1f %% |\n", workload, 100 * shared / all,
                100 * allocator / all, 100 * kernel / all, 100 * own / all
        }'
done
