//! What does a task cost that nobody waits for?
use benches::Workload;
use criterion::{Criterion, criterion_group, criterion_main};

mod side_by_side;

fn bench(criterion: &mut Criterion) {
    side_by_side::side_by_side(criterion, &[Workload::Spawn, Workload::Chained]);
}

criterion_group!(benches, bench);
criterion_main!(benches);
