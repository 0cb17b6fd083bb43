// A whole reactor: timers that the kernel keeps (timerfd), and `epoll` to wait for them.
//
// What a future does: it leaves its waker with the reactor, looks once more, and asks for somebody to drive the
// reactor. What the reactor does: it blocks, and wakes.
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use reactor_hook::{Attendance, Driver, Turn, drive};
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};

/// A future that is ready after `after`, counted from its first poll.
pub(crate) fn sleep(after: Duration) -> Sleep {
    Sleep { after, timer: None }
}

/// See [`sleep`].
pub(crate) struct Sleep {
    after: Duration,
    timer: Option<OwnedFd>,
}

impl Future for Sleep {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let reactor = Reactor::of_process()?;
        if self.timer.is_none() {
            self.timer = Some(reactor.timer(self.after)?);
        }
        let timer = self.timer.as_ref().expect("made above");
        let waker = cx.waker().clone();
        let former = reactor.waiting.lock().insert(timer.as_raw_fd() as u64, waker);
        drop(former);
        // Only now that the waker is there: what has happened before is seen here, what happens later wakes.
        match rustix::io::read(timer, &mut [0; 8]) {
            Err(rustix::io::Errno::AGAIN) => {}
            expired => return Poll::Ready(expired.map(drop).map_err(Into::into)),
        }
        drive(reactor)?;
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let (Some(timer), Ok(reactor)) = (&self.timer, Reactor::of_process()) {
            let mut waiting = reactor.waiting.lock();
            let former = waiting.remove(&(timer.as_raw_fd() as u64));
            let is_unused = waiting.is_empty();
            drop(waiting);
            drop(former);
            // Nobody is to go on blocking for nothing: a thread that drives only this may then end.
            if is_unused {
                reactor.unblock();
            }
        }
    }
}

/// One for the process: whoever asks first drives it, for all.
pub(crate) struct Reactor {
    attendance: Attendance,
    epoll: OwnedFd,
    /// In the epoll, to end a wait.
    knock: OwnedFd,
    /// Who waits for which timer.
    waiting: Mutex<HashMap<u64, Waker>>,
}

const KNOCK: u64 = u64::MAX;

impl Reactor {
    /// The reactor of all who sleep.
    pub(crate) fn of_process() -> io::Result<&'static Arc<Reactor>> {
        static REACTOR: OnceLock<Arc<Reactor>> = OnceLock::new();
        match REACTOR.get() {
            Some(reactor) => Ok(reactor),
            None => {
                let reactor = Reactor::new()?;
                Ok(REACTOR.get_or_init(|| Arc::new(reactor)))
            }
        }
    }

    fn new() -> io::Result<Reactor> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let knock = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &knock, epoll::EventData::new_u64(KNOCK), epoll::EventFlags::IN)?;
        Ok(Reactor { attendance: Attendance::new(), epoll, knock, waiting: Mutex::default() })
    }

    fn timer(&self, after: Duration) -> io::Result<OwnedFd> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
        // The kernel takes zero for "never".
        let after = timespec(after.max(Duration::from_nanos(1)));
        let once = Itimerspec { it_interval: timespec(Duration::ZERO), it_value: after };
        rustix::time::timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
        // Reported once: an expired timer that nobody reads does not keep the wait from blocking.
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&self.epoll, &timer, epoll::EventData::new_u64(timer.as_raw_fd() as u64), flags)?;
        Ok(timer)
    }
}

impl Driver for Reactor {
    fn name(&self) -> &'static str {
        "timerfd"
    }

    fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    fn block(&self, timeout: Option<Duration>) -> Turn {
        let mut events = Vec::with_capacity(64);
        let timeout = timeout.map(timespec);
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("epoll_wait failed: {error}"),
        }
        let mut woken = Vec::new();
        let mut waiting = self.waiting.lock();
        for event in events {
            match event.data.u64() {
                KNOCK => drop(rustix::io::read(&self.knock, &mut [0; 8])),
                timer => woken.extend(waiting.remove(&timer)),
            }
        }
        let turn = if waiting.is_empty() { Turn::Unused } else { Turn::Used };
        drop(waiting);
        // With no lock held: a waker may do anything.
        woken.into_iter().for_each(Waker::wake);
        turn
    }

    fn unblock(&self) {
        // It stays readable until a wait has read it, so that an early knock is not lost. It fails if it is full.
        let _ = rustix::io::write(&self.knock, &1_u64.to_ne_bytes());
    }

    fn abandoned(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        waiting.into_values().for_each(Waker::wake);
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
