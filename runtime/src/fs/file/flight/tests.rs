use std::task::Wake;

use parking_lot::Condvar;

use super::*;

/// Panics when it is woken.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        std::panic::resume_unwind(Box::new("a waker that panics"));
    }
}

#[test]
fn a_waker_that_panics_costs_nobody_else_his_wake() {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let entrance = Arc::clone(&gate);
    let flight = Flight::begin(move || {
        let mut open = entrance.0.lock();
        entrance.1.wait_while(&mut open, |open| !*open);
    })
    .unwrap();
    let panics = Waker::from(Arc::new(Panics));
    assert!(flight.poll_ended(&mut Context::from_waker(&panics)).is_pending());
    let mut opened = false;
    futures::executor::block_on(std::future::poll_fn(|cx| {
        let ended = flight.poll_ended(cx);
        if !std::mem::replace(&mut opened, true) {
            assert!(ended.is_pending());
            *gate.0.lock() = true;
            gate.1.notify_all();
        }
        ended
    }));
    assert_eq!(flight.take(), Some(()));
}
