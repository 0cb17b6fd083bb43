//! A workload on every host, as a criterion group.
use std::time::Duration;

use benches::{Measure, WORKERS, Workload, contenders};
use criterion::{Criterion, Throughput};

/// The time that criterion is told is what the workload is judged by: of some not the wall's, but CPU time or a tail.
pub(crate) fn side_by_side(criterion: &mut Criterion, workloads: &[Workload]) {
    let contenders = contenders(WORKERS);
    for &workload in workloads {
        let measure = workload.measure();
        let mut group = criterion.benchmark_group(workload.name());
        group.sample_size(10);
        if measure != Measure::P99 {
            group.throughput(Throughput::Elements(u64::from(workload.operations())));
        }
        for contender in &contenders {
            group.bench_function(contender.name(), |bencher| {
                bencher.iter_custom(|runs| {
                    (0..runs).map(|_| measure.of(&contender.run(workload))).sum::<Duration>()
                });
            });
        }
        group.finish();
    }
}
