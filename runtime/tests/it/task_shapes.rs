//! Futures and outputs of every size and alignment.
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use runtime::Runtime;
use runtime::task::{Builder, Cancelled, JoinSet, LocalSet, scope, spawn_local, spawn_pinned, yield_now};

use crate::support::{child, pool, until_no_tasks, watchdog};

struct Nothing;

impl Future for Nothing {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

#[repr(align(4096))]
struct Page([u8; 4096]);

/// Checks its alignment at each poll: the future may be moved before the first and never after.
struct Aligned {
    page: Page,
    polls: usize,
    seen_at: usize,
}

impl Future for Aligned {
    type Output = Page;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Page> {
        let address = (&raw const self.page).addr();
        assert_eq!(address % 4096, 0);
        if self.polls == 0 {
            self.seen_at = address;
        }
        assert_eq!(self.seen_at, address, "a pinned future does not move");
        self.polls += 1;
        if self.polls < 10 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Page([7; 4096]))
    }
}

// T16
#[test]
fn zero_sized_futures_run() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    assert_eq!(size_of::<Nothing>(), 0);
    let handles: Vec<_> = (0..1_000).map(|_| runtime.spawn(Nothing)).collect();
    runtime.block_on(async {
        for handle in handles {
            handle.await.unwrap();
        }
    });
    until_no_tasks(&runtime);
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

async fn of<const SIZE: usize>() -> usize {
    // Lives across the yield, so that it is part of the future.
    let bytes = [1_u8; SIZE];
    yield_now().await;
    bytes.iter().map(|byte| usize::from(*byte)).sum()
}

const HALF: usize = 512 * KIB;

/// Its own future, and not one around it: that would hold it twice.
fn half() -> impl Future<Output = usize> {
    of::<HALF>()
}

/// Without optimization each call on the way copies it: where it comes in it is put into a box, or the stack overflows.
// T16
#[test]
fn a_task_of_half_a_mebibyte_is_spawned_in_a_task_with_the_default_stack() {
    child::run("task_shapes::a_task_of_half_a_mebibyte_is_spawned_in_a_task_with_the_default_stack", || {
        let _watchdog = watchdog();
        let runtime = pool(1);
        let handle = runtime.handle().clone();
        // Each by a task of its own, so that no frame holds more than one.
        let spawned = [
            runtime.spawn(async { runtime::spawn(half()).await.unwrap() }),
            runtime.spawn({
                let handle = handle.clone();
                async move { handle.spawn(half()).await.unwrap() }
            }),
            runtime.spawn(async { Builder::new().spawn(half()).unwrap().await.unwrap() }),
            runtime.spawn(async {
                let mut set = JoinSet::new();
                set.spawn(half());
                set.join_next().await.unwrap().unwrap()
            }),
            runtime.spawn(async {
                let mut set = JoinSet::new();
                set.build_task().spawn(half()).unwrap();
                set.join_next().await.unwrap().unwrap()
            }),
            runtime.spawn(async {
                let all =
                    scope(
                        |group| async move { group.spawn(async { Ok::<_, Cancelled>(half().await) }).await },
                    );
                all.await.unwrap()
            }),
            runtime.spawn(async { spawn_pinned(half).await.unwrap() }),
            handle.spawn_pinned(|| async { spawn_local(half()).await.unwrap() }),
        ];
        for (way, task) in spawned.into_iter().enumerate() {
            assert_eq!(runtime.block_on(task).unwrap(), HALF, "way {way}");
        }
    });
}

// T16
#[test]
fn block_on_takes_a_future_of_a_mebibyte_on_the_stack_of_a_main_thread() {
    child::run("task_shapes::block_on_takes_a_future_of_a_mebibyte_on_the_stack_of_a_main_thread", || {
        let _watchdog = watchdog();
        let ways: [fn(&Runtime) -> usize; 4] = [
            |_| runtime::block_on(of::<MIB>()),
            |runtime| runtime.block_on(of::<MIB>()),
            |runtime| runtime.handle().block_on(of::<MIB>()),
            |runtime| LocalSet::new().block_on(runtime, of::<MIB>()),
        ];
        let threads = ways.into_iter().map(|way| {
            std::thread::Builder::new()
                .stack_size(8 * MIB)
                .spawn(move || assert_eq!(way(&pool(1)), MIB))
                .unwrap()
        });
        threads.for_each(|thread| thread.join().unwrap());
    });
}

// T16
#[test]
fn futures_of_a_mebibyte_run_on_small_stacks() {
    let _watchdog = watchdog();
    // Not the workers' stacks, nor the 2 MiB of a test's thread, may hold it more than once or twice.
    let runtime = runtime::Runtime::builder().worker_threads(2).build().unwrap();
    std::thread::Builder::new()
        .stack_size(64 * MIB)
        .spawn(move || {
            assert!(size_of_val(&of::<MIB>()) >= MIB);
            let handles: Vec<_> = (0..8).map(|_| runtime.spawn(of::<MIB>())).collect();
            runtime.block_on(async {
                for handle in handles {
                    assert_eq!(handle.await.unwrap(), MIB);
                }
            });
            // Dropped where they lie, too.
            let handles: Vec<_> = (0..8)
                .map(|_| {
                    runtime.spawn(async {
                        let bytes = [1_u8; MIB];
                        std::future::pending::<()>().await;
                        std::hint::black_box(&bytes);
                    })
                })
                .collect();
            handles.iter().for_each(|handle| handle.abort());
            runtime.block_on(async {
                for handle in handles {
                    assert!(handle.await.unwrap_err().is_cancelled());
                }
            });
            until_no_tasks(&runtime);
        })
        .unwrap()
        .join()
        .unwrap();
}

// T16
#[test]
fn futures_aligned_to_a_page_stay_aligned_and_where_they_are() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let handles: Vec<_> =
        (0..32).map(|_| runtime.spawn(Aligned { page: Page([0; 4096]), polls: 0, seen_at: 0 })).collect();
    runtime.block_on(async {
        for handle in handles {
            let page = handle.await.unwrap();
            assert_eq!((&raw const page).addr() % 4096, 0);
            assert!(page.0.iter().all(|byte| *byte == 7));
        }
    });
    until_no_tasks(&runtime);
}
