//! What does a tick cost, among many and alone?
use benches::Workload;
use criterion::{Criterion, criterion_group, criterion_main};

mod side_by_side;

fn bench(criterion: &mut Criterion) {
    side_by_side::side_by_side(criterion, &[Workload::Ticking, Workload::IdleTicker]);
}

criterion_group!(benches, bench);
criterion_main!(benches);
