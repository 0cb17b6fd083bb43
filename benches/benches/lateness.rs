//! How late are timers?
use benches::Workload;
use criterion::{Criterion, criterion_group, criterion_main};

mod side_by_side;

fn bench(criterion: &mut Criterion) {
    side_by_side::side_by_side(criterion, &[Workload::TimerLateness, Workload::TimerLatenessBusy]);
}

criterion_group!(benches, bench);
criterion_main!(benches);
