//! How long does the slowest of a hundred requests take when others compute?
use benches::Workload;
use criterion::{Criterion, criterion_group, criterion_main};

mod side_by_side;

fn bench(criterion: &mut Criterion) {
    side_by_side::side_by_side(criterion, &[Workload::Service]);
}

criterion_group!(benches, bench);
criterion_main!(benches);
