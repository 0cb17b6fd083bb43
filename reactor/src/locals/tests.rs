use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{FEW, Locals, NOBODY};
use crate::cell::ReadinessCell;
use crate::interest::Interest;

/// Two lanes with so many sources each, the first of which has looked on core 0.
fn locals(sources: [usize; 2]) -> (Locals, Vec<std::net::UdpSocket>) {
    let locals = Locals::new(2);
    let mut sockets = Vec::new();
    for (lane, count) in sources.into_iter().enumerate() {
        let selector = locals.get_or_make(lane, |_| Ok(())).unwrap();
        for _ in 0..count {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let fd = std::os::fd::AsRawFd::as_raw_fd(&socket);
            selector.register(fd, Interest::READABLE, &Arc::new(ReadinessCell::new())).unwrap();
            sockets.push(socket);
        }
    }
    locals.cores[0].store(0, Ordering::Relaxed);
    (locals, sockets)
}

#[test]
fn where_there_are_few_all_are_in_the_shared_one() {
    let (locals, _sockets) = locals([0, 0]);
    assert_eq!(locals.of_leader(0, 2 * FEW - 1), None);
    assert_eq!(locals.of_follower(None, 2 * FEW - 1, || Some(0)), None);
    assert_eq!(locals.of_leader(0, 2 * FEW), Some(0));
    assert_eq!(locals.of_follower(None, 2 * FEW, || Some(0)), Some(0));
}

#[test]
fn a_leader_goes_to_who_polls_it_unless_another_has_fewer() {
    let (locals, _sockets) = locals([0, 0]);
    assert_eq!([locals.of_leader(0, 16), locals.of_leader(1, 16)], [Some(0), Some(1)]);
    locals.count_leader(0, true);
    assert_eq!([locals.of_leader(0, 16), locals.of_leader(1, 16)], [Some(1), Some(1)]);
    locals.count_leader(0, false);
    assert_eq!([locals.of_leader(0, 16), locals.of_leader(1, 16)], [Some(0), Some(1)]);
}

#[test]
fn a_spare_has_none() {
    let (locals, _sockets) = locals([0, 0]);
    assert_eq!(locals.of_leader(2, 100), None);
}

#[test]
fn a_follower_goes_to_who_feeds_it_as_long_as_that_has_room() {
    let (within, _within) = locals([16, 0]);
    assert_eq!(within.of_follower(Some(1), 16, || Some(0)), Some(0));
    let (beyond, _beyond) = locals([17, 0]);
    assert_eq!(beyond.of_follower(Some(1), 16, || Some(0)), None);
    // It has been counted there already.
    assert_eq!(beyond.of_follower(Some(0), 16, || Some(0)), Some(0));
}

#[test]
fn a_follower_stays_where_nobody_is_known_to_feed_it() {
    let (locals, _sockets) = locals([0, 0]);
    assert_eq!(locals.of_follower(None, 100, || None), None);
    for core in &locals.cores {
        core.store(NOBODY, Ordering::Relaxed);
    }
    assert_eq!(locals.of_follower(None, 100, || Some(0)), None);
    assert_eq!(locals.of_follower(None, 100, || Some(1_000_000)), None);
}

#[test]
fn who_looks_is_known_by_its_core() {
    let (locals, _sockets) = locals([0, 1]);
    // The thread may be moved to another core in between.
    while {
        locals.look(1, usize::MAX);
        let core = crate::sys::core::here().unwrap();
        locals.of_follower(None, 100, || Some(core)) != Some(1)
    } {}
}
