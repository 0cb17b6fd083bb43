//! T16, and what a parked task costs.
use super::super::arena::Home;
use super::super::cell::Cell;
use super::*;

#[test]
#[cfg(target_pointer_width = "64")]
fn a_parked_empty_task_takes_eighty_eight_bytes() {
    let size = size_of::<Cell<std::future::Pending<()>, Queue>>();
    assert!(size <= 88, "{size} bytes");
    if !cfg!(runtime_no_recycle) {
        assert_eq!(Cell::<std::future::Pending<()>, Queue>::HOME, Home::Class(super::super::arena::Class(0)));
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn a_task_is_at_most_ninety_six_bytes_beside_its_future() {
    fn overhead<F: Future>(_: &F) -> usize {
        size_of::<Cell<F, Queue>>() - size_of::<F>()
    }
    let large = [0_u64; 40];
    let future = async move {
        std::future::pending::<()>().await;
        large[0]
    };
    assert!(overhead(&future) <= 96, "{}", overhead(&future));
}

/// Runs a future through each way a task can end.
fn ends_every_way<F>(make: impl Fn() -> F, check: impl Fn(F::Output))
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    for worker in [false, true] {
        let executor = Executor::new();
        let body = || {
            let joins = executor.spawn(make());
            drop(executor.spawn(make()));
            let aborted = executor.spawn(make());
            aborted.abort();
            executor.run_all();
            check(joined(joins).unwrap());
            assert!(joined(aborted).err().unwrap().is_cancelled());
            assert_eq!(executor.arena().occupied(), 0);
        };
        if worker {
            executor.as_worker(body)
        } else {
            body()
        }
        assert!(end(executor).upgrade().is_none());
    }
}

/// T16.
#[test]
fn a_zero_sized_future_runs() {
    ends_every_way(|| std::future::ready(()), |()| ());
}

/// T16. The stack is the caller's for the future itself: unoptimized code keeps a copy for each move.
#[test]
fn a_future_of_a_mebibyte_runs() {
    let stack = if cfg!(debug_assertions) { 32 << 20 } else { 8 << 20 };
    let test = || {
        ends_every_way(
            || {
                let bytes = [7_u8; 1 << 20];
                async move {
                    std::future::ready(()).await;
                    bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>()
                }
            },
            |sum| assert_eq!(sum, 7 << 20),
        )
    };
    std::thread::Builder::new().stack_size(stack).spawn(test).unwrap().join().unwrap();
}

/// T16.
#[test]
fn an_output_of_a_mebibyte_arrives() {
    let test =
        || ends_every_way(|| async { [3_u8; 1 << 20] }, |bytes| assert!(bytes.iter().all(|byte| *byte == 3)));
    std::thread::Builder::new().stack_size(32 << 20).spawn(test).unwrap().join().unwrap();
}

/// T16.
#[test]
fn a_future_aligned_to_a_page_is_polled_where_it_is_aligned() {
    #[repr(align(4096))]
    struct Aligned(u8);
    impl Future for Aligned {
        type Output = u8;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u8> {
            assert_eq!(std::ptr::from_ref(&*self).addr() % 4096, 0);
            Poll::Ready(self.0)
        }
    }
    ends_every_way(|| Aligned(9), |byte| assert_eq!(byte, 9));
}

#[test]
fn every_size_around_a_class_runs() {
    fn check<const N: usize>() {
        ends_every_way(
            || {
                let bytes = [N as u8; N];
                async move {
                    std::future::ready(()).await;
                    bytes
                }
            },
            |bytes| assert!(bytes.iter().all(|byte| *byte == N as u8)),
        );
    }
    check::<1>();
    check::<24>();
    check::<32>();
    check::<33>();
    check::<64>();
    check::<128>();
    check::<200>();
    check::<440>();
    check::<700>();
    check::<960>();
    check::<1500>();
    check::<1970>();
    check::<2048>();
}
