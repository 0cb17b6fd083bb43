//! Reactors to which things happen when a test says so, and which see who blocks. Of use to other crates' tests too.
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use reactor_hook::{Attendance, Driver, LocalDriver, Turn, Unpark, drive, drive_local};

/// What happens, who waits for it, and who blocks until it does.
pub(crate) struct Events {
    name: &'static str,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    told: bool,
    happened: usize,
    seen: usize,
    waiting: Vec<Waker>,
    inside: Option<ThreadId>,
    /// The threads that have blocked, in order, each once in a row.
    blocked: Vec<ThreadId>,
    abandoned: usize,
}

impl Events {
    fn new(name: &'static str) -> Events {
        Events { name, state: Mutex::default(), changed: Condvar::new() }
    }

    /// From any thread.
    pub(crate) fn happen(&self) {
        self.state.lock().happened += 1;
        self.changed.notify_all();
    }

    /// When somebody waits for it, from another thread. Whoever begins to wait after an event does not see that one.
    pub(crate) fn happen_soon(self: &Arc<Self>) {
        let events = Arc::clone(self);
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            while events.waiting() == 0 && Arc::strong_count(&events) > 1 {
                std::thread::sleep(Duration::from_millis(1));
            }
            events.happen();
        });
    }

    pub(crate) fn waiting(&self) -> usize {
        self.state.lock().waiting.len()
    }

    pub(crate) fn abandoned(&self) -> usize {
        self.state.lock().abandoned
    }

    /// The threads that have blocked for it, in order.
    pub(crate) fn threads(&self) -> Vec<ThreadId> {
        self.state.lock().blocked.clone()
    }

    /// Ready when something has happened since the first poll. `drive` is called when it is not.
    pub(crate) async fn next(&self, mut drive: impl FnMut() -> io::Result<()>) -> io::Result<()> {
        let start = self.state.lock().happened;
        let mut waiter = Waiter { events: self, waker: None };
        poll_fn(move |cx| {
            waiter.leave();
            {
                let mut state = self.state.lock();
                if state.happened > start {
                    return Poll::Ready(Ok(()));
                }
                state.waiting.push(cx.waker().clone());
                waiter.waker = Some(cx.waker().clone());
            }
            match drive() {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            }
        })
        .await
    }

    fn block(&self, timeout: Option<Duration>) -> Turn {
        let this = std::thread::current().id();
        let end = timeout.map(|timeout| Instant::now() + timeout);
        let mut state = self.state.lock();
        assert_eq!(state.inside.replace(this), None, "two threads are inside of `block`");
        if state.blocked.last() != Some(&this) {
            state.blocked.push(this);
        }
        while !state.told && state.happened == state.seen {
            match end {
                None => self.changed.wait(&mut state),
                Some(end) => {
                    if self.changed.wait_until(&mut state, end).timed_out() {
                        break;
                    }
                }
            }
        }
        state.told = false;
        let mut woken = Vec::new();
        if state.seen != state.happened {
            state.seen = state.happened;
            woken.append(&mut state.waiting);
        }
        state.inside = None;
        let turn = if state.waiting.is_empty() { Turn::Unused } else { Turn::Used };
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        turn
    }

    fn tell(&self) {
        self.state.lock().told = true;
        self.changed.notify_all();
    }

    fn abandon(&self) {
        let mut state = self.state.lock();
        state.abandoned += 1;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// Leaves when it is dropped.
struct Waiter<'a> {
    events: &'a Events,
    waker: Option<Waker>,
}

impl Waiter<'_> {
    fn leave(&mut self) {
        if let Some(waker) = self.waker.take() {
            let mut state = self.events.state.lock();
            let waiting = state.waiting.iter().position(|known| known.will_wake(&waker));
            let left = waiting.map(|index| state.waiting.swap_remove(index));
            drop(state);
            drop(left);
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Unpark for Events {
    fn unpark(&self) {
        self.tell();
    }
}

/// A reactor that any thread may drive.
pub(crate) struct Anywhere {
    attendance: Attendance,
    pub(crate) events: Arc<Events>,
}

impl Anywhere {
    pub(crate) fn new(name: &'static str) -> Arc<Anywhere> {
        Arc::new(Anywhere { attendance: Attendance::new(), events: Arc::new(Events::new(name)) })
    }

    pub(crate) async fn next(self: &Arc<Self>) -> io::Result<()> {
        self.events.next(|| drive(self).map(drop)).await
    }
}

impl Driver for Anywhere {
    fn name(&self) -> &'static str {
        self.events.name
    }

    fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    fn block(&self, timeout: Option<Duration>) -> Turn {
        self.events.block(timeout)
    }

    fn unblock(&self) {
        self.events.tell();
    }

    fn abandoned(&self) {
        self.events.abandon();
    }
}

/// A reactor that is bound to its thread.
pub(crate) struct Here {
    pub(crate) events: Arc<Events>,
}

impl Here {
    pub(crate) fn new(name: &'static str) -> Rc<Here> {
        Rc::new(Here { events: Arc::new(Events::new(name)) })
    }

    pub(crate) async fn next(self: &Rc<Self>) -> io::Result<()> {
        self.events.next(|| Ok(drive_local(self)?)).await
    }
}

impl LocalDriver for Here {
    fn name(&self) -> &'static str {
        self.events.name
    }

    fn block(&self, timeout: Option<Duration>) -> Turn {
        self.events.block(timeout)
    }

    fn unblocker(&self) -> Arc<dyn Unpark> {
        Arc::clone(&self.events) as Arc<dyn Unpark>
    }

    fn abandoned(&self) {
        self.events.abandon();
    }
}
