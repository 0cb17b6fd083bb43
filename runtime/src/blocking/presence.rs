//! Which threads of the pool are still there, and what they do: for `join` and its report.
//!
//! The pool's core counts the threads that will look for jobs; here a thread counts until it has run its stop hook.
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

const NOT_RUNNING: u64 = 0;
const RUNNING_UNNAMED: u64 = u64::MAX;

/// The list of those present.
#[derive(Debug, Default)]
pub(super) struct Presence {
    list: Mutex<List>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct List {
    members: Vec<Entry>,
    /// Threads whose end `wait` should see to the last instruction: those that left since the pool was closed.
    ended: Vec<JoinHandle<()>>,
    closed: bool,
}

#[derive(Debug)]
struct Entry {
    member: Arc<Member>,
    /// Some once its creator has kept it.
    handle: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Member {
    name: String,
    /// Set by the thread when it starts.
    thread: OnceLock<ThreadId>,
    /// Relaxed throughout: for reports only.
    running: AtomicU64,
}

/// One thread's presence, from before its creation until this is dropped.
#[derive(Debug)]
pub(super) struct Attendee {
    presence: Arc<Presence>,
    member: Arc<Member>,
}

/// Keeps a thread's handle with its [`Attendee`].
#[derive(Debug)]
pub(super) struct Register {
    presence: Arc<Presence>,
    member: Arc<Member>,
}

/// Threads that had not left when waiting for them ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remaining {
    /// Those that run a closure.
    pub(crate) running: Vec<Running>,
    /// Those that do not: they are on their way in or out, or in a start or stop hook.
    pub(crate) others: usize,
}

/// A closure that still runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    /// The name of its thread.
    pub(crate) thread: String,
    /// What the job was given by `Job::with_id`.
    pub(crate) id: Option<NonZeroU64>,
}

impl Presence {
    /// Counts a thread that is about to be created.
    pub(super) fn expect(self: &Arc<Self>, name: String) -> (Attendee, Register) {
        let member = Arc::new(Member { name, thread: OnceLock::new(), running: AtomicU64::new(NOT_RUNNING) });
        self.list().members.push(Entry { member: Arc::clone(&member), handle: None });
        let attendee = Attendee { presence: Arc::clone(self), member: Arc::clone(&member) };
        (attendee, Register { presence: Arc::clone(self), member })
    }

    /// From now on threads that leave are kept for `wait` to join.
    pub(super) fn close(&self) {
        self.list().closed = true;
    }

    /// Waits until no thread but the calling one is present, at most for `timeout`, and returns those that are.
    pub(super) fn wait(&self, timeout: Option<Duration>) -> Remaining {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let me = thread::current().id();
        let mut list = self.list();
        while list.others(me).next().is_some() {
            match deadline {
                None => self.left.wait(&mut list),
                Some(deadline) => {
                    if self.left.wait_until(&mut list, deadline).timed_out() {
                        break;
                    }
                }
            }
        }
        let remaining = list.report(me);
        let all_left = list.members.is_empty();
        let ended = if all_left { std::mem::take(&mut list.ended) } else { Vec::new() };
        drop(list);
        // They have nothing left to do but their thread-locals' destructors; one of which may be calling here.
        for handle in ended.into_iter().filter(|handle| handle.thread().id() != me) {
            let _ = handle.join();
        }
        remaining
    }

    /// Those present, the calling thread not among them.
    pub(super) fn now(&self) -> Remaining {
        self.list().report(thread::current().id())
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock()
    }
}

impl List {
    fn others(&self, me: ThreadId) -> impl Iterator<Item = &Arc<Member>> {
        let members = self.members.iter().map(|entry| &entry.member);
        members.filter(move |member| member.thread.get() != Some(&me))
    }

    fn position(&self, member: &Arc<Member>) -> Option<usize> {
        self.members.iter().position(|entry| Arc::ptr_eq(&entry.member, member))
    }

    fn report(&self, me: ThreadId) -> Remaining {
        let mut remaining = Remaining::default();
        for member in self.others(me) {
            match member.running.load(Ordering::Relaxed) {
                NOT_RUNNING => remaining.others += 1,
                id => remaining.running.push(Running {
                    thread: member.name.clone(),
                    id: NonZeroU64::new(id).filter(|id| id.get() != RUNNING_UNNAMED),
                }),
            }
        }
        remaining
    }

    /// Keeps the handle of a thread that has left for `wait`, or gives it back to be dropped, which detaches it.
    fn keep(&mut self, handle: JoinHandle<()>) -> Option<JoinHandle<()>> {
        if self.closed {
            self.ended.push(handle);
            return None;
        }
        Some(handle)
    }
}

impl Attendee {
    /// By the new thread, first of all.
    pub(super) fn started(&self) {
        let _ = self.member.thread.set(thread::current().id());
    }

    /// A closure starts.
    pub(super) fn runs(&self, id: Option<NonZeroU64>) {
        self.member.running.store(id.map_or(RUNNING_UNNAMED, NonZeroU64::get), Ordering::Relaxed);
    }

    /// The closure has ended.
    pub(super) fn rests(&self) {
        self.member.running.store(NOT_RUNNING, Ordering::Relaxed);
    }
}

impl Drop for Attendee {
    fn drop(&mut self) {
        let mut list = self.presence.list();
        let place = list.position(&self.member).expect("only this removes the entry");
        let handle = list.members.swap_remove(place).handle;
        let detached = handle.and_then(|handle| list.keep(handle));
        drop(list);
        drop(detached);
        self.presence.left.notify_all();
    }
}

impl Register {
    /// The thread was created.
    pub(super) fn keep(self, handle: JoinHandle<()>) {
        let mut list = self.presence.list();
        let detached = match list.position(&self.member) {
            Some(place) => list.members[place].handle.replace(handle),
            None => list.keep(handle),
        };
        drop(list);
        drop(detached);
    }
}
