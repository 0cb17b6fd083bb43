//! What do a million timers cost?
use benches::Workload;
use criterion::{Criterion, criterion_group, criterion_main};

mod side_by_side;

fn bench(criterion: &mut Criterion) {
    side_by_side::side_by_side(
        criterion,
        &[Workload::TimersInserted, Workload::TimersCancelled, Workload::TimersExpired],
    );
}

criterion_group!(benches, bench);
criterion_main!(benches);
