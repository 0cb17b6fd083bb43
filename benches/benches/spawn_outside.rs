//! What does a spawn from outside cost, and how soon does the task run?
use benches::Workload;
use criterion::{Criterion, criterion_group, criterion_main};

mod side_by_side;

fn bench(criterion: &mut Criterion) {
    side_by_side::side_by_side(
        criterion,
        &[Workload::SpawnOutside, Workload::SpawnOutsideBusy, Workload::SpawnLatency],
    );
}

criterion_group!(benches, bench);
criterion_main!(benches);
