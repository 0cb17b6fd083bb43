use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crate::{Attendance, DeadlineSource, Driver, Turn, Unpark};

/// Long enough for a thread to end on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(30);

/// Panics as a reactor does whose waker panicked, and reports how it was left.
struct Panicking {
    attendance: Attendance,
    abandoned: Sender<bool>,
}

impl Panicking {
    fn new() -> (Arc<Panicking>, Receiver<bool>) {
        let (abandoned, reports) = channel();
        (Arc::new(Panicking { attendance: Attendance::new(), abandoned }), reports)
    }

    fn abandon(&self) {
        self.abandoned.send(self.attendance.is_attended()).expect("the test waits for this");
    }
}

impl Driver for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }

    fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    fn block(&self, _: Option<Duration>) -> Turn {
        panic!("a panic that is meant to be");
    }

    fn unblock(&self) {}

    fn abandoned(&self) {
        self.abandon();
    }
}

impl DeadlineSource for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }

    fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    fn next_deadline(&self) -> Option<Instant> {
        None
    }

    fn fire(&self, _: Instant) {
        panic!("a panic that is meant to be");
    }

    fn set_unpark(&self, _: Option<Arc<dyn Unpark>>) {}

    fn abandoned(&self) {
        self.abandon();
    }
}

#[test]
fn a_thread_that_panics_leaves_its_driver_to_others() {
    let (driver, reports) = Panicking::new();
    crate::drive(&driver).unwrap();
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(false));
}

#[test]
fn a_thread_that_panics_leaves_its_source_to_others() {
    let (source, reports) = Panicking::new();
    crate::time(&source).unwrap();
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(false));
}
