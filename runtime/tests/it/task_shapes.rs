//! Futures and outputs of every size and alignment.
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use runtime::task::yield_now;

use crate::support::{pool, until_no_tasks, watchdog};

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

const MIB: usize = 1 << 20;

async fn big() -> usize {
    // Lives across the yield, so that it is part of the future.
    let bytes = [1_u8; MIB];
    yield_now().await;
    bytes.iter().map(|byte| usize::from(*byte)).sum()
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
            assert!(size_of_val(&big()) >= MIB);
            let handles: Vec<_> = (0..8).map(|_| runtime.spawn(big())).collect();
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
