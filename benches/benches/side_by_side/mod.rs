//! A workload on every host, as a criterion group.
use std::time::Duration;

use benches::{WORKERS, Workload, contenders};
use criterion::{Criterion, Throughput};

pub(crate) fn side_by_side(criterion: &mut Criterion, workloads: &[Workload]) {
    let contenders = contenders(WORKERS);
    for &workload in workloads {
        let mut group = criterion.benchmark_group(workload.name());
        group.throughput(Throughput::Elements(u64::from(workload.operations()))).sample_size(10);
        for contender in &contenders {
            group.bench_function(contender.name(), |bencher| {
                bencher.iter_custom(|runs| (0..runs).map(|_| contender.run(workload).wall).sum::<Duration>());
            });
        }
        group.finish();
    }
}
