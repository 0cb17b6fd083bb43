//! Tasks that split their work.
use super::load::compute;
use crate::host::Host;
use crate::stopwatch::{Sample, Stopwatch};

const NUMBER: u32 = 24;
/// Below this a number is computed by its task alone.
const ALONE: u32 = 10;
/// The tasks that one number takes: each of those that split makes two.
pub(super) const TASKS: u32 = 3_193;

/// The children of one fan-out.
const FAN: u32 = 100;

pub(super) async fn fibonacci<H: Host>(host: &'static H, count: u32) -> Sample {
    let watch = Stopwatch::start();
    for _ in 0..count / TASKS {
        let (number, tasks) = forked(host, NUMBER).await;
        assert_eq!((number, tasks), (46_368, TASKS));
    }
    watch.stop()
}

/// The Fibonacci number, and how many tasks have computed it.
fn forked<H: Host>(host: &'static H, n: u32) -> H::Join<(u64, u32)> {
    host.spawn(async move {
        if n < ALONE {
            return (alone(n), 1);
        }
        let (left, right) = (forked(host, n - 1), forked(host, n - 2));
        let ((left, tasks), (right, more)) = (left.await, right.await);
        (left + right, tasks + more + 1)
    })
}

fn alone(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { alone(n - 1) + alone(n - 2) }
}

pub(super) async fn fan<H: Host>(host: &'static H, count: u32) -> Sample {
    let mut children = Vec::with_capacity(FAN as usize);
    let mut returned = 0;
    let watch = Stopwatch::start();
    for _ in 0..count / FAN {
        children.extend((0..FAN).map(|_| {
            host.spawn(async {
                compute(1);
                1
            })
        }));
        for child in children.drain(..) {
            returned += child.await;
        }
    }
    let sample = watch.stop();
    assert_eq!(returned, count / FAN * FAN);
    sample
}
