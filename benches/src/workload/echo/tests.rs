use super::{Floor, Shape, echo, raw};
use crate::host::{Host, Ours, Smol, Tokio};
use crate::stopwatch::Sample;

/// One connection; more than workers; messages of many segments.
const SHAPES: [Shape; 3] = [
    Shape { connections: 1, bytes: 64, round_trips: 20 },
    Shape { connections: 9, bytes: 64, round_trips: 45 },
    Shape { connections: 3, bytes: 65_536, round_trips: 6 },
];

fn check(sample: Sample, shape: Shape) {
    let latency = sample.latency.expect("each round trip is timed");
    assert_eq!(latency.count, shape.round_trips as usize);
    assert!(latency.p50 <= latency.p99 && latency.p99 <= latency.max && latency.max <= sample.wall);
}

/// The clients themselves compare each byte.
fn on<H: Host>() {
    let host: &'static H = Box::leak(Box::new(H::start(2)));
    for shape in SHAPES {
        check(host.block_on(host.spawn_outside(echo(host, shape))), shape);
    }
}

#[test]
fn what_is_sent_comes_back_on_ours() {
    on::<Ours>();
}

#[test]
fn what_is_sent_comes_back_on_tokio() {
    on::<Tokio>();
}

#[test]
fn what_is_sent_comes_back_on_smol() {
    on::<Smol>();
}

#[test]
fn what_is_sent_comes_back_from_raw_threads() {
    for floor in Floor::ALL {
        for threads in [1, 2, 3] {
            for shape in SHAPES {
                check(raw(threads, shape, floor), shape);
            }
        }
    }
}

/// More than a socket takes at once. A raw client reads while it writes; the others write first, and would wait for ever.
#[test]
fn what_has_no_room_is_sent_later_by_raw_threads() {
    let shape = Shape { connections: 3, bytes: 8 << 20, round_trips: 6 };
    for floor in Floor::ALL {
        check(raw(2, shape, floor), shape);
    }
}

#[test]
fn neighbours_send_different_bytes() {
    let shape = SHAPES[0];
    assert_ne!(shape.message(1), shape.message(2));
    assert_eq!(shape.message(1).len(), shape.bytes);
}
