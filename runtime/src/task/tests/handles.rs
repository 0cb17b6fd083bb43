//! T14, T15: join handles and abort handles.
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::task::Wake;

use super::super::AbortHandle;
use super::*;

struct Flag(AtomicUsize);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn flag() -> (Arc<Flag>, Waker) {
    let flag = Arc::new(Flag(AtomicUsize::new(0)));
    (flag.clone(), Waker::from(flag))
}

/// T14.
#[test]
fn a_replaced_join_waker_is_dropped_and_the_latest_is_woken() {
    let executor = Executor::new();
    let mut handle = executor.spawn(async { 5 });
    let (old, old_waker) = flag();
    let (new, new_waker) = flag();
    for waker in [&old_waker, &old_waker, &new_waker, &new_waker] {
        assert!(Pin::new(&mut handle).poll(&mut Context::from_waker(waker)).is_pending());
    }
    drop((old_waker, new_waker));
    assert_eq!(Arc::strong_count(&old), 1, "the replaced waker is dropped");
    executor.run_all();
    assert_eq!((old.0.load(Ordering::SeqCst), new.0.load(Ordering::SeqCst)), (0, 1));
    assert_eq!(Arc::strong_count(&new), 1);
    assert_eq!(joined(handle).unwrap(), 5);
    assert!(end(executor).upgrade().is_none());
}

/// T14.
#[test]
fn tasks_that_join_each_other_leak_nothing_when_aborted() {
    let executor = Executor::new();
    let slots: [Arc<Mutex<Option<JoinHandle<()>>>>; 2] = Default::default();
    let mut aborters = Vec::new();
    for (mine, other) in [(0, 1), (1, 0)] {
        let other = slots[other].clone();
        let handle = executor.spawn(async move {
            std::future::poll_fn(|cx| match other.lock().as_mut() {
                Some(handle) => Pin::new(handle).poll(cx).map(drop),
                None => panic!("the handles are handed out before the tasks run"),
            })
            .await;
        });
        aborters.push(handle.abort_handle());
        *slots[mine].lock() = Some(handle);
    }
    executor.run_all();
    assert_eq!(executor.live(), 2, "each waits for the other");
    aborters[0].abort();
    executor.run_all();
    assert_eq!(executor.live(), 0, "the other one's join resolved");
    drop((aborters, slots));
    assert_eq!(executor.arena().occupied(), 0);
    assert!(end(executor).upgrade().is_none());
}

#[test]
fn tasks_that_own_each_others_handles_are_freed_by_the_closing() {
    let executor = Executor::new();
    let swap: Arc<Mutex<Vec<JoinHandle<()>>>> = Arc::default();
    for _ in 0..2 {
        let get = swap.clone();
        let handle = executor.spawn(async move {
            let other = get.lock().remove(0);
            other.await.unwrap();
        });
        swap.lock().insert(0, handle);
    }
    drop(swap);
    executor.run_all();
    assert_eq!(executor.live(), 2);
    assert!(end(executor).upgrade().is_none());
}

#[test]
fn a_dropped_handle_drops_its_join_waker() {
    let executor = Executor::new();
    let (kept, waker) = flag();
    let (seen, future) = Counted::new(1);
    let mut handle = executor.spawn(future);
    assert!(Pin::new(&mut handle).poll(&mut Context::from_waker(&waker)).is_pending());
    drop((handle, waker));
    assert_eq!(Arc::strong_count(&kept), 1);
    executor.run_all();
    seen.waker.lock().take().unwrap().wake();
    executor.run_all();
    assert_eq!(kept.0.load(Ordering::SeqCst), 0);
    assert_eq!(seen.counts(), (2, 1, 1));
    assert!(end(executor).upgrade().is_none());
}

#[test]
fn a_join_waker_that_panics_harms_nobody() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("waker"));
        }
    }
    let executor = Executor::new();
    let mut handle = executor.spawn(async { 3 });
    let waker = Waker::from(Arc::new(Bomb));
    assert!(Pin::new(&mut handle).poll(&mut Context::from_waker(&waker)).is_pending());
    executor.run_all();
    assert_eq!(joined(handle).unwrap(), 3);
    assert_eq!(executor.arena().occupied(), 0);
    assert!(end(executor).upgrade().is_none());
}

#[test]
fn polling_a_handle_that_resolved_says_what_to_do() {
    let executor = Executor::new();
    let mut handle = executor.spawn(async {});
    executor.run_all();
    assert!(poll_once(&mut handle).is_ready());
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll_once(&mut handle).is_ready()));
    let text = panic.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(text.matches("help: ").count(), 2, "{text}");
    drop(handle);
    assert!(end(executor).upgrade().is_none());
}

#[test]
fn an_abort_handle_outlives_everything_and_tells_the_truth() {
    let executor = Executor::new();
    let handle = executor.spawn(std::future::pending::<()>());
    let id = handle.id();
    let first = handle.abort_handle();
    let second = first.clone();
    drop((handle, first));
    executor.run_all();
    assert!(!second.is_finished());
    second.abort();
    assert!(!second.is_finished(), "the future has not been dropped yet");
    assert_eq!(executor.run_all(), 1);
    assert!(second.is_finished());
    second.abort();
    assert_eq!(executor.run_all(), 0);
    let weak = end(executor);
    assert_eq!(second.id(), id);
    second.abort();
    assert!(second.is_finished());
    drop(second);
    assert!(weak.upgrade().is_none());
}

#[test]
fn ids_differ_across_blocks_and_threads() {
    let executor = Executor::new();
    let mut ids = std::collections::HashSet::new();
    executor.as_worker(|| {
        for _ in 0..3000 {
            assert!(ids.insert(executor.spawn(async {}).id()));
        }
        executor.run_all();
    });
    assert!(ids.insert(executor.spawn(async {}).id()));
    executor.run_all();
    assert!(end(executor).upgrade().is_none());
}

#[test]
fn a_notified_that_is_cancelled_drops_its_future() {
    let executor = Executor::new();
    let (seen, future) = Counted::new(0);
    let handle = executor.spawn(future);
    executor.next().unwrap().cancel();
    assert_eq!(seen.counts(), (0, 1, 0));
    assert!(joined(handle).unwrap_err().is_cancelled());
    assert!(end(executor).upgrade().is_none());
}

/// T15: what a public type may be used for does not change by accident.
#[test]
fn public_types_have_the_auto_traits_they_promise() {
    fn everything<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    everything::<JoinHandle<std::cell::Cell<u8>>>();
    everything::<AbortHandle>();
    everything::<JoinError>();
    everything::<Id>();

    // `Send` only if the output is: two blanket impls make the call ambiguous, and the build fail, if `Rc`'s is.
    trait Ambiguous<A> {
        fn some() {}
    }
    struct IsSend;
    impl<T: ?Sized> Ambiguous<()> for T {}
    impl<T: ?Sized + Send> Ambiguous<IsSend> for T {}
    <JoinHandle<Rc<u8>> as Ambiguous<_>>::some();
}
