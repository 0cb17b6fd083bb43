//! What do timers cost that are not needed, that are cancelled, and that fire?
use benches::Workload;
use criterion::{Criterion, criterion_group, criterion_main};

mod side_by_side;

fn bench(criterion: &mut Criterion) {
    side_by_side::side_by_side(
        criterion,
        &[Workload::TimeoutReady, Workload::TimeoutCancelled, Workload::Sleeps],
    );
}

criterion_group!(benches, bench);
criterion_main!(benches);
