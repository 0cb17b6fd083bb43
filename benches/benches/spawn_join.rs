//! What does a task cost whose output is awaited?
use benches::Workload;
use criterion::{Criterion, criterion_group, criterion_main};

mod side_by_side;

fn bench(criterion: &mut Criterion) {
    side_by_side::side_by_side(criterion, &[Workload::SpawnJoin, Workload::SpawnAwait, Workload::Recursive]);
}

criterion_group!(benches, bench);
criterion_main!(benches);
