//! What does a message over TCP cost, over how many connections, and what a connection?
use benches::Workload;
use criterion::{Criterion, criterion_group, criterion_main};

mod side_by_side;

fn bench(criterion: &mut Criterion) {
    let workloads =
        [Workload::EchoOne, Workload::EchoMany, Workload::EchoCrowd, Workload::EchoLarge, Workload::Accept];
    side_by_side::side_by_side(criterion, &workloads);
}

criterion_group!(benches, bench);
criterion_main!(benches);
