//! What it costs a poll that returns `Pending` to offer the driver that is there already. `.ci/jobs/hook-cost.sh` counts
//! the instructions of two runs that differ in the number of polls alone.
use std::hint::black_box;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use reactor_hook::{
    Attendance, DriveError, Driver, Frame, LocalDriver, Turn, Unpark, drive, drive_local, is_driven_here,
};

/// Offers nothing.
struct Nothing;
/// Offers its driver.
struct Offers(Arc<Idle>);
/// Offers its local driver.
struct OffersLocal(Rc<Idle>);
/// Compares the address of its driver first, as our sockets do, which may move from one reactor to another.
struct Compares(AtomicPtr<()>, Mutex<Arc<Idle>>);

impl Future for Nothing {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl Future for Offers {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        drive(&self.0)?;
        Poll::Pending
    }
}

impl Future for OffersLocal {
    type Output = Result<(), DriveError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), DriveError>> {
        drive_local(&self.0)?;
        Poll::Pending
    }
}

impl Future for Compares {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !is_driven_here(self.0.load(Ordering::Relaxed)) {
            self.settle()?;
        }
        Poll::Pending
    }
}

impl Compares {
    #[cold]
    #[inline(never)]
    fn settle(&self) -> io::Result<()> {
        let driver = self.1.lock().expect("nothing panics under this lock");
        drive(&*driver)?;
        self.0.store(Arc::as_ptr(&driver).cast_mut().cast(), Ordering::Relaxed);
        Ok(())
    }
}

/// A driver to which nothing happens.
struct Idle(Attendance);

impl Driver for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn attendance(&self) -> &Attendance {
        &self.0
    }

    fn block(&self, _: Option<Duration>) -> Turn {
        Turn::Unused
    }

    fn unblock(&self) {}

    fn abandoned(&self) {}
}

impl LocalDriver for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn block(&self, _: Option<Duration>) -> Turn {
        Turn::Unused
    }

    fn unblocker(&self) -> Arc<dyn Unpark> {
        struct Nobody;
        impl Unpark for Nobody {
            fn unpark(&self) {}
        }
        Arc::new(Nobody)
    }

    fn abandoned(&self) {}
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_else(|| "driver".into());
    let polls: u32 = arguments.next().map_or(1000, |polls| polls.parse().expect("a number of polls"));

    let frame = Frame::open().build();
    let _entered = frame.enter();
    let idle = Idle(Attendance::new());
    match what.as_str() {
        "nothing" => poll_often(pin!(Nothing), polls),
        "driver" => poll_often(pin!(Offers(Arc::new(idle))), polls),
        "local" => poll_often(pin!(OffersLocal(Rc::new(idle))), polls),
        "address" => {
            let nobody = AtomicPtr::new(std::ptr::null_mut());
            poll_often(pin!(Compares(nobody, Mutex::new(Arc::new(idle)))), polls);
        }
        _ => panic!("cost nothing|driver|local|address [POLLS]"),
    }
}

#[inline(never)]
fn poll_often<T>(mut future: Pin<&mut dyn Future<Output = T>>, polls: u32) {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        assert!(black_box(future.as_mut()).poll(&mut cx).is_pending());
    }
}
