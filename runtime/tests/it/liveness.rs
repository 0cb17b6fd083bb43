//! Nobody waits for ever: hangs that a reading of the protocols found, each with the interleaving that made it.
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use runtime::time::{sleep, timeout};
use runtime::{Builder, Runtime, UnhandledPanic};

use crate::support::{panic_silently, pool, pool_without_spares, watchdog};

fn sole() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// A timer wakes a task and the root in one turn of the guest; the root, which is polled first, blocks for the task.
#[test]
fn a_task_queued_on_the_thread_in_block_on_runs_while_its_root_blocks_in_place() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    for _ in 0..20 {
        let (tx, rx) = mpsc::channel();
        runtime.block_on(async {
            runtime::spawn(async move {
                sleep(Duration::from_millis(5)).await;
                tx.send(()).unwrap();
            });
            sleep(Duration::from_millis(5)).await;
            runtime::task::block_in_place(|| rx.recv()).unwrap();
        });
    }
}

/// Nobody can stand in for the thread that polls the root.
#[test]
fn a_task_that_blocks_until_the_root_says_something_is_told() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    for round in 0..100 {
        let (tx, rx) = mpsc::channel();
        runtime.block_on(async {
            let task = runtime::spawn(async move {
                if round % 2 == 0 { rx.recv() } else { runtime::task::block_in_place(|| rx.recv()) }
            });
            // The thread in `block_on` has nothing else to do meanwhile.
            sleep(Duration::from_millis(1)).await;
            tx.send(round).unwrap();
            assert_eq!(task.await.unwrap(), Ok(round));
        });
    }
}

/// Nobody else is left to turn the driver.
#[test]
fn a_root_that_sleeps_is_woken_while_every_worker_is_blocked() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    let (tx, rx) = mpsc::channel();
    let (blocks, blocked) = mpsc::channel();
    let task = runtime.spawn(async move {
        blocks.send(()).unwrap();
        rx.recv()
    });
    blocked.recv().unwrap();
    runtime.block_on(async {
        for _ in 0..5 {
            sleep(Duration::from_millis(5)).await;
        }
        tx.send(()).unwrap();
        assert_eq!(task.await.unwrap(), Ok(()));
    });
}

/// The root never leaves a moment in which nothing is ready.
#[test]
fn a_root_that_wakes_itself_leaves_the_tasks_their_turn() {
    let _watchdog = watchdog();
    for runtime in [sole(), pool(1)] {
        let flag = Arc::new(AtomicBool::new(false));
        runtime.block_on(async {
            let set = Arc::clone(&flag);
            runtime::spawn(async move { set.store(true, Ordering::Release) });
            while !flag.load(Ordering::Acquire) {
                runtime::task::yield_now().await;
            }
        });
    }
}

#[test]
fn a_root_that_wakes_itself_leaves_the_timers_their_turn() {
    let _watchdog = watchdog();
    for runtime in [sole(), pool(1)] {
        runtime.block_on(async {
            let forever = async {
                loop {
                    runtime::task::yield_now().await;
                }
            };
            timeout(Duration::from_millis(10), forever).await.unwrap_err();
        });
    }
}

/// The runtime closes while its owner is inside `block_on` and cannot drop it.
#[test]
fn a_shutdown_by_a_panic_cancels_what_block_on_waits_for() {
    let _watchdog = watchdog();
    let runtime = Runtime::builder()
        .worker_threads(2)
        .unhandled_panic(UnhandledPanic::ShutdownRuntime)
        .build()
        .unwrap();
    let waited = runtime.block_on(async {
        let never = runtime::spawn(pending::<()>());
        runtime::spawn(async { panic_silently() });
        never.await
    });
    assert!(waited.unwrap_err().is_cancelled());
}

/// The thread that drops it is one of those that the drop would wait for, however deep in other contexts.
#[test]
fn dropping_a_runtime_on_its_own_thread_waits_for_nobody_in_whatever_context() {
    let _watchdog = watchdog();
    let in_place = Arc::new(pool(1));
    let (sent, received) = mpsc::channel();
    let own = Arc::clone(&in_place);
    in_place.spawn(async move {
        sent.send(()).unwrap();
        while Arc::strong_count(&own) > 1 {
            runtime::task::yield_now().await;
        }
        runtime::task::block_in_place(|| drop(own));
    });
    received.recv().unwrap();
    drop(in_place);

    let entered = Arc::new(pool(1));
    let (ended, ends) = mpsc::channel();
    let own = Arc::clone(&entered);
    entered.spawn(async move {
        while Arc::strong_count(&own) > 1 {
            runtime::task::yield_now().await;
        }
        let handle = own.handle().clone();
        let _guard = handle.enter();
        drop(own);
        ended.send(()).unwrap();
    });
    drop(entered);
    ends.recv().unwrap();
}

/// B is torn down by a worker of A, and a task of B owns A.
#[test]
fn a_runtime_owned_by_a_task_of_another_goes_with_it() {
    let _watchdog = watchdog();
    let a = pool(1);
    let handle = a.handle().clone();
    let b = sole();
    let (ended, ends) = mpsc::channel();
    b.spawn(async move {
        let _a = a;
        pending::<()>().await;
    });
    handle.spawn(async move {
        drop(b);
        ended.send(()).unwrap();
    });
    ends.recv().unwrap();
}

/// On the one thread of a runtime, `block_on` under `enter` would wait for itself.
#[test]
fn entering_a_context_inside_a_task_does_not_permit_blocking_there() {
    let _watchdog = watchdog();
    let runtime = sole();
    let handle = runtime.handle().clone();
    let refused = runtime.block_on(async {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _guard = handle.enter();
            handle.block_on(async {});
        }))
    });
    refused.unwrap_err();
    runtime.block_on(async {});
}

/// All workers are parked, nobody waits in the driver, and the supervisor has gone to sleep over it.
#[test]
fn a_timer_of_a_thread_that_merely_entered_fires_on_a_runtime_long_idle() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    for _ in 0..3 {
        // The guest takes the driver from the workers, and leaves when nobody needs it.
        runtime.block_on(async {
            runtime::spawn(sleep(Duration::from_millis(2))).await.unwrap();
            sleep(Duration::from_millis(2)).await;
        });
    }
    // Longer than the supervisor takes to settle: what is tested is what comes after.
    std::thread::sleep(Duration::from_millis(1_300));
    let _guard = runtime.enter();
    futures::executor::block_on(sleep(Duration::from_millis(1)));
}

#[test]
fn what_the_park_callback_spawns_is_run() {
    let _watchdog = watchdog();
    static RUN: AtomicUsize = AtomicUsize::new(0);
    for mut builder in [Runtime::builder(), Builder::new_current_thread()] {
        RUN.store(0, Ordering::Relaxed);
        let (sent, received) = mpsc::channel();
        let runtime = builder
            .on_thread_park(move || {
                let sent = sent.clone();
                if RUN.fetch_add(1, Ordering::Relaxed) < 3 {
                    runtime::spawn(async move { sent.send(()).unwrap() });
                }
            })
            .build()
            .unwrap();
        runtime.block_on(async {
            sleep(Duration::from_millis(2)).await;
        });
        received.recv().unwrap();
    }
}

/// The guard outlives the `block_on` that it was made in, and is dropped after it.
#[test]
fn guards_may_outlive_the_context_they_were_made_in() {
    let _watchdog = watchdog();
    let (runtime, other) = (pool(1), pool(1));
    let guard = runtime.block_on(async { other.enter() });
    assert_eq!(runtime.block_on(async { 1 }), 1);
    let task = runtime::spawn(async { 2 });
    drop(guard);
    assert_eq!(other.block_on(task).unwrap(), 2);
    runtime::Handle::try_current().unwrap_err();
}

/// A combinator's waker has the task's data under a table of its own, and notes which child was woken.
#[test]
#[allow(unsafe_code)]
fn a_yield_under_a_wrapped_waker_of_the_same_address_wakes_the_wrapper() {
    use std::pin::pin;
    use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

    static WOKEN: AtomicBool = AtomicBool::new(false);
    static WRAPPER: RawWakerVTable =
        RawWakerVTable::new(|data| RawWaker::new(data, &WRAPPER), |_| note(), |_| note(), |_| {});
    fn note() {
        WOKEN.store(true, Ordering::Release);
    }

    let _watchdog = watchdog();
    let runtime = pool(1);
    let task = runtime.spawn(std::future::poll_fn(|cx| {
        // SAFETY: none of the functions of the table uses the address.
        let waker = unsafe { Waker::new(cx.waker().data(), &WRAPPER) };
        let polled = pin!(runtime::task::yield_now()).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        Poll::Ready(WOKEN.load(Ordering::Acquire))
    }));
    assert!(runtime.block_on(task).unwrap());
}
