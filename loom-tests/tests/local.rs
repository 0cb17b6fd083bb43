//! The local queue: wakes and aborts from other threads against an owner that goes to sleep, ends its queue, or leaves it to
//! another. `runtime/src/local/README.md`.
//!
//! loom reports a wake that is lost as a deadlock, and a ready queue that two threads touch as a race.
#![cfg(runtime_loom)]

use std::future::poll_fn;
use std::sync::Arc as Untracked;
use std::sync::atomic::AtomicUsize as Count;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Poll, Wake, Waker};

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Mutex, Notify};
use loom::thread;
use runtime::model::local::{Queue, Set};
use runtime::task::JoinHandle;

fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

/// Wakes the thread that drives the set.
struct Driver(Notify);

impl Wake for Driver {
    fn wake(self: Untracked<Self>) {
        self.0.notify();
    }
}

impl Driver {
    /// Polls the set until its tasks are complete, and sleeps meanwhile.
    fn drive(set: &Set) {
        let driver = Untracked::new(Driver(Notify::new()));
        let waker = Waker::from(driver.clone());
        while set.live() > 0 {
            if set.poll(&waker) && set.live() > 0 {
                driver.0.wait();
            }
        }
    }
}

/// Counts its drop, which must be on the thread that made it.
struct Bound(Untracked<Count>, thread::ThreadId);

impl Bound {
    fn new(drops: &Untracked<Count>) -> Bound {
        Bound(drops.clone(), thread::current().id())
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        assert_eq!(thread::current().id(), self.1, "dropped by another thread");
        self.0.fetch_add(1, SeqCst);
    }
}

/// What a waker's thread writes before it wakes; loom sees who reads it when.
struct Told(UnsafeCell<bool>);

// SAFETY: written once, before the wake that it is read after: that this is so is what loom checks.
unsafe impl Sync for Told {}
// SAFETY: as above.
unsafe impl Send for Told {}

impl Told {
    fn new() -> Arc<Told> {
        Arc::new(Told(UnsafeCell::new(false)))
    }

    fn tell(&self) {
        // SAFETY: see above.
        self.0.with_mut(|told| unsafe { *told = true });
    }

    fn heard(&self) -> bool {
        // SAFETY: see above.
        self.0.with(|told| unsafe { *told })
    }
}

/// A task that waits to be woken once, polled so far that it waits; and its waker.
fn waiting(set: &Set, told: &Arc<Told>, drops: &Untracked<Count>) -> (JoinHandle<()>, Waker) {
    let slot = Arc::new(Mutex::new(None));
    let (fill, told, bound) = (slot.clone(), told.clone(), Bound::new(drops));
    let mut first = true;
    let handle = set.spawn(poll_fn(move |cx| {
        let _ = &bound;
        if std::mem::replace(&mut first, false) {
            *fill.lock().unwrap() = Some(cx.waker().clone());
            return Poll::Pending;
        }
        assert!(told.heard(), "polled without what the waker did before");
        Poll::Ready(())
    }));
    assert!(set.poll(Waker::noop()));
    let waker = slot.lock().unwrap().take().unwrap();
    (handle, waker)
}

#[test]
fn a_wake_from_afar_reaches_an_owner_that_goes_to_sleep() {
    model(3, || {
        let (set, told, drops) = (Set::new(), Told::new(), Untracked::default());
        let (handle, waker) = waiting(&set, &told, &drops);
        let thread = thread::spawn(move || {
            told.tell();
            waker.wake();
        });
        Driver::drive(&set);
        assert!(handle.is_finished());
        assert_eq!(drops.load(SeqCst), 1);
        thread.join().unwrap();
    });
}

#[test]
fn of_two_wakes_from_afar_each_reaches_its_task() {
    model(2, || {
        let (set, drops) = (Set::new(), Untracked::default());
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let told = Told::new();
                let (handle, waker) = waiting(&set, &told, &drops);
                drop(handle);
                (told, waker)
            })
            .collect::<Vec<_>>()
            .into_iter()
            .map(|(told, waker)| {
                thread::spawn(move || {
                    told.tell();
                    waker.wake();
                })
            })
            .collect();
        Driver::drive(&set);
        assert_eq!(drops.load(SeqCst), 2);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn an_abort_from_afar_drops_the_future_on_its_owner() {
    model(3, || {
        let (set, told, drops) = (Set::new(), Told::new(), Untracked::default());
        let (handle, waker) = waiting(&set, &told, &drops);
        let abort = handle.abort_handle();
        drop((waker, handle));
        // The last reference goes there too: it frees the cell alone.
        let thread = thread::spawn(move || abort.abort());
        Driver::drive(&set);
        assert_eq!(drops.load(SeqCst), 1);
        thread.join().unwrap();
    });
}

#[test]
fn a_wake_against_the_end_drops_the_future_once_and_touches_nothing_freed() {
    model(3, || {
        let (set, told, drops) = (Set::new(), Told::new(), Untracked::default());
        let (handle, waker) = waiting(&set, &told, &drops);
        drop(handle);
        let thread = thread::spawn(move || waker.wake());
        drop(set);
        assert_eq!(drops.load(SeqCst), 1);
        thread.join().unwrap();
    });
}

#[test]
fn a_wake_and_an_abort_against_the_end_are_clean() {
    model(2, || {
        let (set, told, drops) = (Set::new(), Told::new(), Untracked::default());
        let (handle, waker) = waiting(&set, &told, &drops);
        let threads = [thread::spawn(move || waker.wake()), thread::spawn(move || handle.abort())];
        drop(set);
        assert_eq!(drops.load(SeqCst), 1);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn an_owner_that_steps_down_leaves_the_queue_to_the_next() {
    model(3, || {
        let queue = Queue::new();
        let drops = Untracked::new(Count::new(0));
        let next = {
            let (queue, drops) = (queue.clone(), drops.clone());
            thread::spawn(move || {
                let Some(owner) = queue.own() else { return };
                let bound = Bound::new(&drops);
                drop(owner.spawn(async move { drop(bound) }));
                owner.run();
                owner.step_down();
            })
        };
        if let Some(owner) = queue.own() {
            let bound = Bound::new(&drops);
            drop(owner.spawn(async move {
                let _bound = bound;
                std::future::pending::<()>().await;
            }));
            owner.step_down();
        }
        next.join().unwrap();
        queue.end();
        assert!(matches!(drops.load(SeqCst), 1 | 2), "one of them at least was the owner");
    });
}

#[test]
fn what_is_spawned_from_afar_while_the_owner_steps_down_is_left_or_cancelled() {
    model(3, || {
        let queue = Queue::new();
        let closures = Untracked::new(Count::new(0));
        let owner = queue.own().unwrap();
        let spawner = {
            let (queue, closures) = (queue.clone(), closures.clone());
            thread::spawn(move || {
                let guard = Unbound(closures);
                queue.spawn_made(move || async move { drop(guard) })
            })
        };
        owner.step_down();
        let handle = spawner.join().unwrap();
        assert_eq!(handle.is_finished(), closures.load(SeqCst) == 1);
        queue.end();
        assert_eq!((handle.is_finished(), closures.load(SeqCst)), (true, 1));
    });
}

/// Counts its drop, wherever that is.
struct Unbound(Untracked<Count>);

impl Drop for Unbound {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}
