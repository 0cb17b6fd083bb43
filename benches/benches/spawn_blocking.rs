//! How long does the blocking pool take to answer?
use benches::Workload;
use criterion::{Criterion, criterion_group, criterion_main};

mod side_by_side;

fn bench(criterion: &mut Criterion) {
    side_by_side::side_by_side(criterion, &[Workload::BlockingInTurn, Workload::BlockingBurst]);
}

criterion_group!(benches, bench);
criterion_main!(benches);
