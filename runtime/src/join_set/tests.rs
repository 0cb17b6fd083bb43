//! What a `JoinSet` promises, on a runtime.
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use super::JoinSet;
use crate::watchdog::{rounds, watched};
use crate::{Builder, Runtime};

/// Whatever its outputs are, if they can be sent.
const _: () = {
    const fn is<T: Send + Sync + Unpin>() {}
    is::<JoinSet<std::cell::Cell<u8>>>();
};

fn on(test: impl AsyncFnOnce(&Runtime)) {
    watched(std::thread::current().name().unwrap_or_default(), || {
        let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(test(&runtime));
    });
}

/// Counts the drops of a future that holds it.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn every_task_is_returned_once_with_its_id() {
    on(async |_| {
        let count = rounds(100_000);
        let mut set = JoinSet::new();
        let mut ids: Vec<_> =
            (0..count).map(|number| (set.spawn(async move { number }).id(), number)).collect();
        assert_eq!(set.len(), count);
        let mut returned = Vec::new();
        while let Some(result) = set.join_next_with_id().await {
            returned.push(result.unwrap());
        }
        ids.sort_by_key(|(_, number)| *number);
        returned.sort_by_key(|(_, number)| *number);
        assert_eq!(ids, returned);
        assert!(set.is_empty() && set.join_next().await.is_none());
    });
}

#[test]
fn tasks_that_wait_are_returned_in_the_order_of_completion() {
    on(async |_| {
        let mut set = JoinSet::new();
        let gates: Vec<_> = (0..3)
            .map(|number| {
                let (gate, opened) = futures::channel::oneshot::channel::<()>();
                set.spawn(async move {
                    opened.await.unwrap();
                    number
                });
                gate
            })
            .collect();
        assert!(set.try_join_next().is_none());
        for (number, gate) in gates.into_iter().enumerate().rev() {
            gate.send(()).unwrap();
            assert_eq!(set.join_next().await.unwrap().unwrap(), number);
        }
    });
}

#[test]
fn a_panic_and_an_abort_are_each_tasks_own_error() {
    on(async |_| {
        let mut set = JoinSet::<()>::new();
        let panics = set.spawn(async { panic_any("expected by the test") }).id();
        let error = set.join_next().await.unwrap().unwrap_err();
        assert!(error.is_panic() && error.id() == panics);
        let stuck = set.spawn(pending());
        stuck.abort();
        let error = set.join_next_with_id().await.unwrap().unwrap_err();
        assert!(error.is_cancelled() && error.id() == stuck.id());
    });
}

#[test]
fn dropping_the_set_aborts_its_tasks() {
    on(async |_| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let mut set = JoinSet::new();
        for _ in 0..10 {
            let guard = Dropped(Arc::clone(&dropped));
            set.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
        }
        drop(set);
        while dropped.load(Ordering::SeqCst) < 10 {
            crate::task::yield_now().await;
        }
    });
}

#[test]
fn shutdown_returns_when_all_futures_have_been_dropped() {
    on(async |_| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let mut set = JoinSet::new();
        for number in 0..10 {
            let guard = Dropped(Arc::clone(&dropped));
            set.spawn(async move {
                let _guard = guard;
                if number % 2 == 0 {
                    pending::<()>().await;
                }
            });
        }
        set.shutdown().await;
        assert_eq!(dropped.load(Ordering::SeqCst), 10);
        assert!(set.is_empty());
        set.spawn(async {});
        assert!(set.join_next().await.unwrap().is_ok(), "usable afterwards");
    });
}

#[test]
fn detached_tasks_run_on() {
    on(async |_| {
        let (gate, opened) = futures::channel::oneshot::channel::<()>();
        let (to, told) = futures::channel::oneshot::channel();
        let mut set = JoinSet::new();
        set.spawn(async move {
            opened.await.unwrap();
            to.send(()).unwrap();
        });
        set.detach_all();
        assert!(set.is_empty());
        drop(set);
        gate.send(()).unwrap();
        told.await.unwrap();
    });
}

#[test]
fn join_next_given_up_loses_nothing() {
    on(async |_| {
        let mut set = JoinSet::new();
        let (gate, opened) = futures::channel::oneshot::channel::<()>();
        set.spawn(async move {
            opened.await.unwrap();
            4
        });
        {
            let next = pin!(set.join_next());
            assert!(next.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        gate.send(()).unwrap();
        assert_eq!(set.join_next().await.unwrap().unwrap(), 4);
    });
}

#[test]
fn join_all_returns_all_and_passes_a_panic_on() {
    on(async |_| {
        let mut outputs =
            (0..100).map(|number| async move { number }).collect::<JoinSet<_>>().join_all().await;
        outputs.sort_unstable();
        assert_eq!(outputs, (0..100).collect::<Vec<_>>());
    });
    watched("join_all", || {
        let runtime = Runtime::new();
        let mut set = JoinSet::<()>::new();
        set.spawn_on(async { panic_any(17u8) }, runtime.handle());
        set.spawn_on(pending(), runtime.handle());
        let payload = catch_unwind(AssertUnwindSafe(|| runtime.block_on(set.join_all()))).unwrap_err();
        assert_eq!(*payload.downcast::<u8>().unwrap(), 17);
    });
}

#[test]
fn closures_of_the_blocking_pool_join_and_abort() {
    on(async |runtime| {
        let mut set = JoinSet::new();
        let (started, has_started) = mpsc::channel();
        let (gate, opened) = mpsc::channel::<()>();
        set.spawn_blocking(move || {
            started.send(()).unwrap();
            opened.recv().is_ok()
        });
        set.spawn_blocking_on(|| false, runtime.handle());
        assert!(!set.join_next().await.unwrap().unwrap());
        has_started.recv().unwrap();
        set.abort_all();
        gate.send(()).unwrap();
        assert!(set.join_next().await.unwrap().unwrap(), "a closure that has started is not interrupted");
    });
}

#[test]
fn a_set_that_is_always_ready_gives_way() {
    watched("always ready", || {
        // On one thread no task is complete when it is put in: each is charged when it is returned.
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut set: JoinSet<()> = (0..1000).map(|_| async {}).collect();
            while !set.tasks.iter().all(crate::task::JoinHandle::is_finished) {
                crate::spawn(async {}).await.unwrap();
            }
            let mut pauses = 0;
            std::future::poll_fn(|cx| {
                loop {
                    match set.poll_join_next(cx) {
                        Poll::Ready(None) => return Poll::Ready(()),
                        Poll::Ready(Some(result)) => result.unwrap(),
                        Poll::Pending => {
                            pauses += 1;
                            return Poll::Pending;
                        }
                    }
                }
            })
            .await;
            assert!(pauses >= 1000 / usize::from(reactor_hook::budget::PER_POLL), "{pauses}");
        });
    });
}
