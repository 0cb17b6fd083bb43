//! Scopes of tasks: nothing outlives them, and no failure is lost.
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use runtime::task::{Cancelled, ChildHandle, ScopeError, ScopeFailure, TaskGroup, scope, yield_now};
use runtime::time::{sleep, timeout};

use crate::support::{
    Deliberate, Gate, OnDrop, Rng, Tally, WORKERS, assert_helpful, count, panic_message, panic_silently,
    pool, until, until_no_tasks, watchdog,
};

type Failed<T> = Result<T, ScopeError<u32>>;

fn errors(error: ScopeError<u32>) -> Vec<u32> {
    let value = |failure| match failure {
        ScopeFailure::Error(value) => value,
        other => panic!("{other:?}"),
    };
    error.into_failures().map(value).collect()
}

/// A child that holds what `dropped` counts, and never ends.
fn forever(dropped: &Tally) -> impl Future<Output = Result<(), u32>> + Send + use<> {
    let guard = dropped.on_drop();
    async move {
        let _guard = guard;
        pending().await
    }
}

#[test]
fn children_have_been_dropped_when_a_scope_resolves() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        for _ in 0..count(50, 5_000) {
            let dropped = Tally::default();
            let children = dropped.clone();
            let result: Failed<u32> = runtime.block_on(scope(|group| async move {
                for n in 0..10 {
                    let guard = children.on_drop();
                    group.spawn(async move {
                        let _guard = guard;
                        for _ in 0..n {
                            yield_now().await;
                        }
                        Ok(())
                    });
                }
                Ok(7)
            }));
            assert_eq!(result.unwrap(), 7);
            assert_eq!(dropped.get(), 10);
        }
        until_no_tasks(&runtime);
    }
}

#[test]
fn ten_thousand_children_all_give_their_outputs() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let task = runtime.spawn(scope(|group| async move {
            let children: Vec<ChildHandle<u64>> = (0..10_000)
                .map(|n| {
                    group.spawn(async move {
                        if n % 3 == 0 {
                            yield_now().await;
                        }
                        Ok(n)
                    })
                })
                .collect();
            let mut sum = 0;
            for child in children {
                sum += child.await?;
            }
            Ok::<_, Cancelled>(sum)
        }));
        assert_eq!(runtime.block_on(task).unwrap().unwrap(), 9_999 * 10_000 / 2);
        until_no_tasks(&runtime);
    }
}

#[test]
fn the_first_error_cancels_the_rest() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        for _ in 0..count(50, 5_000) {
            let dropped = Tally::default();
            let (children, body) = (dropped.clone(), dropped.on_drop());
            let result: Failed<()> = runtime.block_on(scope(|group| async move {
                let _body = body;
                for _ in 0..8 {
                    group.spawn(forever(&children));
                }
                group.spawn(async {
                    yield_now().await;
                    Err::<(), _>(3)
                });
                pending().await
            }));
            assert_eq!(errors(result.unwrap_err()), [3]);
            assert_eq!(dropped.get(), 9);
        }
    }
}

#[test]
fn the_first_panic_cancels_the_rest() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let dropped = Tally::default();
    let children = dropped.clone();
    let result: Failed<()> = runtime.block_on(scope(|group| async move {
        group.spawn(forever(&children));
        group.spawn(async {
            yield_now().await;
            if true {
                panic_silently();
            }
            Ok(())
        });
        pending().await
    }));
    let error = result.unwrap_err();
    assert!(error.others().is_empty());
    let ScopeFailure::Join(error) = error.into_first() else { panic!("a panic") };
    assert!(error.into_panic().is::<Deliberate>());
    assert_eq!(dropped.get(), 1);
}

#[test]
fn an_error_of_the_body_cancels_the_children() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let dropped = Tally::default();
    let children = dropped.clone();
    let result: Failed<()> = runtime.block_on(scope(|group| async move {
        group.spawn(forever(&children));
        Err(4)
    }));
    assert_eq!(errors(result.unwrap_err()), [4]);
    assert_eq!(dropped.get(), 1);
}

#[test]
fn a_panic_of_the_body_is_a_failure_and_the_children_are_over() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    for at_once in [false, true] {
        let dropped = Tally::default();
        let children = dropped.clone();
        let result: Failed<()> = runtime.block_on(scope(|group| {
            group.spawn(forever(&children));
            if at_once {
                panic_silently();
            }
            async move {
                yield_now().await;
                panic_silently()
            }
        }));
        let ScopeFailure::Join(error) = result.unwrap_err().into_first() else { panic!("a panic") };
        assert!(error.is_panic());
        assert_eq!(dropped.get(), 1);
    }
}

#[test]
fn no_failure_is_lost() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        for _ in 0..count(50, 5_000) {
            let (gate, entered) = (Gate::default(), Tally::default());
            let (held, seen) = (gate.clone(), entered.clone());
            let result: Failed<()> = runtime.block_on(scope(|group| async move {
                // Closures are not interrupted: all three return, after the scope was cancelled or before.
                for n in 0..3 {
                    let (held, seen) = (held.clone(), seen.clone());
                    group.spawn_blocking(move || {
                        seen.add();
                        held.wait();
                        Err::<(), _>(n)
                    });
                }
                while entered.get() < 3 {
                    yield_now().await;
                }
                gate.open();
                pending().await
            }));
            let mut values = errors(result.unwrap_err());
            values.sort_unstable();
            assert_eq!(values, [0, 1, 2]);
        }
    }
}

#[test]
fn what_panics_while_it_is_cancelled_is_told_after_the_first() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let result: Failed<()> = runtime.block_on(scope(|group| async move {
        let running = Arc::new(Tally::default());
        for _ in 0..2 {
            let running = Arc::clone(&running);
            group.spawn(async move {
                let _guard = OnDrop::new(|| panic_silently());
                running.add();
                pending().await
            }) as ChildHandle<()>;
        }
        while running.get() < 2 {
            yield_now().await;
        }
        group.spawn(async { Err::<(), _>(1) });
        let _guard = OnDrop::new(|| panic_silently());
        pending().await
    }));
    let error = result.unwrap_err();
    assert!(matches!(error.first(), ScopeFailure::Error(1)));
    assert_eq!(error.others().len(), 3);
    for failure in error.others() {
        assert!(matches!(failure, ScopeFailure::Join(error) if error.is_panic()));
    }
    assert_eq!(error.to_string(), "1 (and 3 failures more)");
}

#[test]
fn a_value_of_the_body_that_panics_when_a_failure_drops_it_is_told_too() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let result: Result<OnDrop<_>, ScopeError<u32>> = runtime.block_on(scope(|group| async move {
        group.spawn(async {
            yield_now().await;
            Err::<(), _>(1)
        });
        Ok(OnDrop::new(|| panic_silently()))
    }));
    let Err(error) = result else { panic!("a child failed") };
    assert_eq!(error.others().len(), 1);
}

#[test]
fn a_child_spawned_after_the_cancel_is_refused_and_its_future_dropped_at_once() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let result: Failed<u8> = runtime.block_on(scope(|group| async move {
        *keep.lock() = Some(group.clone());
        group.cancel();
        assert!(group.is_cancelled());
        let dropped = Tally::default();
        let guard = dropped.on_drop();
        let refused = group.spawn(async move {
            let _guard = guard;
            Ok(1)
        });
        assert_eq!(dropped.get(), 1);
        assert!(refused.is_finished());
        assert_eq!(refused.now_or_never(), Some(Err(Cancelled)));
        Ok(2)
    }));
    assert_eq!(result.unwrap(), 2, "the body returned in the poll in which it cancelled");
    // After the end the same, and no runtime is asked for.
    let late: TaskGroup<u32> = kept.lock().take().unwrap();
    assert!(late.is_cancelled());
    assert_eq!(runtime::block_on(late.spawn(async { Ok(1) })), Err(Cancelled));
    until_no_tasks(&runtime);
}

#[test]
fn a_scope_that_is_cancelled_from_outside_says_so() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    for _ in 0..count(200, 20_000) {
        let dropped = Tally::default();
        let children = dropped.clone();
        let (tx, rx) = oneshot::channel::<TaskGroup<u32>>();
        let canceller = thread::spawn(move || futures::executor::block_on(rx).unwrap().cancel());
        let result: Failed<()> = runtime.block_on(scope(|group| async move {
            group.spawn(forever(&children));
            tx.send(group).unwrap();
            pending().await
        }));
        let error = result.unwrap_err();
        assert!(matches!(error.first(), ScopeFailure::Cancelled));
        assert_eq!(error.to_string(), "the scope was cancelled");
        assert_eq!(dropped.get(), 1);
        canceller.join().unwrap();
    }
}

fn tree(group: TaskGroup<u32>, depth: usize, leaves: Tally) -> BoxFuture<'static, Result<(), u32>> {
    Box::pin(async move {
        if depth == 0 {
            leaves.add();
            return Ok(());
        }
        for _ in 0..3 {
            group.spawn(tree(group.clone(), depth - 1, leaves.clone()));
            yield_now().await;
        }
        Ok(())
    })
}

#[test]
fn children_that_spawn_siblings_are_all_waited_for() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        let leaves = Tally::default();
        let counter = leaves.clone();
        let result = runtime.block_on(scope(|group| async move {
            group.spawn(tree(group.clone(), 6, counter));
            Ok(())
        }));
        result.unwrap();
        assert_eq!(leaves.get(), 729);
        until_no_tasks(&runtime);
    }
}

#[test]
fn dropping_a_scope_aborts_its_children() {
    let _watchdog = watchdog();
    for workers in WORKERS {
        let runtime = pool(workers);
        for polls in 0..3 {
            let (started, dropped, group) = (Tally::default(), Tally::default(), Arc::new(Mutex::new(None)));
            let (counter, guards, keep) = (started.clone(), dropped.clone(), Arc::clone(&group));
            runtime.block_on(async move {
                let mut running = Box::pin(scope(|group| async move {
                    for _ in 0..100 {
                        let guard = guards.on_drop();
                        counter.add();
                        group.spawn(async move {
                            let _guard = guard;
                            pending::<Result<(), u32>>().await
                        });
                    }
                    *keep.lock() = Some(group.clone());
                    pending::<Result<(), u32>>().await
                }));
                for _ in 0..polls {
                    assert!(futures::poll!(running.as_mut()).is_pending());
                    yield_now().await;
                }
            });
            until(|| dropped.get() == started.get());
            assert_eq!(started.get(), if polls == 0 { 0 } else { 100 });
            if let Some(group) = group.lock().take() {
                assert!(group.is_cancelled());
            }
            until_no_tasks(&runtime);
        }
    }
}

#[test]
fn a_scope_waits_for_the_children_of_a_scope_inside_that_was_dropped() {
    let _watchdog = watchdog();
    for workers in [1, 2, 64] {
        let runtime = pool(workers);
        for in_child in [false, true] {
            for _ in 0..count(20, 2_000) {
                let (gate, entered, over) = (Gate::default(), Tally::default(), Tally::default());
                let (held, seen, ended) = (gate.clone(), entered.clone(), over.clone());
                // A grandchild that nothing interrupts, of a scope that is dropped by its parent's cancellation.
                let inner = async move {
                    let inner: Failed<()> = scope(|group| async move {
                        group.spawn_blocking(move || {
                            seen.add();
                            held.wait();
                            thread::sleep(Duration::from_micros(200));
                            ended.add();
                            Ok(())
                        });
                        pending().await
                    })
                    .await;
                    inner.map_err(|_| 9)
                };
                let opener = {
                    let (gate, entered) = (gate.clone(), entered.clone());
                    move || {
                        until(|| entered.get() == 1);
                        gate.open();
                    }
                };
                let result: Failed<()> = runtime.block_on(scope(|group| async move {
                    let body: BoxFuture<'_, _> = if in_child {
                        group.spawn(inner);
                        Box::pin(pending())
                    } else {
                        Box::pin(inner)
                    };
                    let mut body = body;
                    // The scope inside has begun before it is dropped.
                    poll_fn(|cx| {
                        assert!(body.as_mut().poll(cx).is_pending());
                        if entered.get() == 1 {
                            Poll::Ready(())
                        } else {
                            cx.waker().wake_by_ref();
                            Poll::Pending
                        }
                    })
                    .await;
                    thread::spawn(opener);
                    Err(5)
                }));
                assert_eq!(errors(result.unwrap_err()), [5]);
                assert_eq!(over.get(), 1, "the grandchild is over when the outer scope is");
            }
        }
    }
}

#[test]
fn scopes_nest_and_each_gives_its_own_failure() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let result: Failed<u32> = runtime.block_on(scope(|outer| async move {
        let inner: ChildHandle<Vec<u32>> = outer.spawn(async {
            let inner: Failed<()> = scope(|group| async move {
                group.spawn(async { Err::<(), _>(1) });
                pending().await
            })
            .await;
            Ok(errors(inner.unwrap_err()))
        });
        let fine: Failed<u32> = scope(|_| async { Ok(2) }).await;
        assert_eq!(fine.unwrap(), 2);
        assert_eq!(inner.await, Ok(vec![1]), "a failure inside is the inner scope's");
        Ok(3)
    }));
    assert_eq!(result.unwrap(), 3);
}

#[test]
fn a_handle_kept_to_a_scope_inside_does_not_keep_the_scope_around_waiting() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let children = Tally::default();
    for dropped in [false, true] {
        let kept = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&kept);
        let children = children.clone();
        let result: Failed<()> = runtime.block_on(scope(|_| async move {
            let inner = scope(|group: TaskGroup<u32>| async move {
                group.spawn(forever(&children));
                *keep.lock() = Some(group.clone());
                if !dropped {
                    group.cancel();
                }
                yield_now().await;
                pending::<Result<(), _>>().await
            });
            let mut inner = pin!(inner);
            if dropped {
                assert!(futures::poll!(inner.as_mut()).is_pending());
            } else {
                inner.await.unwrap_err();
            }
            Ok(())
        }));
        result.unwrap();
        assert!(kept.lock().is_some());
    }
    assert_eq!(children.get(), 2);
}

#[test]
fn a_body_borrows_and_need_not_be_send() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let mut local = vec![1, 2];
    let shared = Rc::new(3);
    let result: Failed<()> = runtime.block_on(scope(|group| {
        let (local, shared) = (&mut local, Rc::clone(&shared));
        async move {
            let child = group.spawn(async { Ok(4) });
            local.push(*shared);
            local.push(child.await.unwrap());
            Ok(())
        }
    }));
    result.unwrap();
    assert_eq!(local, [1, 2, 3, 4]);
}

#[test]
fn a_scope_runs_under_another_executor() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let handle = runtime.handle().clone();
    let result: Failed<u32> = pollster::block_on(scope(|group| async move {
        let message = panic_message(|| drop(group.spawn(async { Ok(()) })));
        assert_helpful(&message, "TaskGroup::spawn");
        let child = group.spawn_on(
            async {
                sleep(Duration::from_millis(1)).await;
                Ok(8)
            },
            &handle,
        );
        Ok(child.await.unwrap())
    }));
    assert_eq!(result.unwrap(), 8);
}

#[test]
fn a_child_whose_runtime_goes_is_a_failure() {
    let _watchdog = watchdog();
    let (runtime, other) = (pool(1), pool(1));
    let handle = other.handle().clone();
    let dropped = Tally::default();
    let children = dropped.clone();
    let result: Failed<()> = runtime.block_on(scope(|group| async move {
        group.spawn_on(forever(&children), &handle);
        drop(other);
        pending().await
    }));
    let error = result.unwrap_err();
    assert!(matches!(error.first(), ScopeFailure::Join(error) if error.is_cancelled()));
    assert_eq!(dropped.get(), 1);
}

#[test]
fn a_scope_dropped_with_its_runtime_leaves_nothing() {
    let _watchdog = watchdog();
    for round in 0..count(50, 5_000) {
        let runtime = pool(1 + round % 2);
        let dropped = Tally::default();
        let (guards, children) = (dropped.on_drop(), dropped.clone());
        let task = runtime.spawn(scope(|group| async move {
            let _body = guards;
            for _ in 0..8 {
                let guard = children.on_drop();
                group.spawn(async move {
                    let _guard = guard;
                    pending::<Result<(), u32>>().await
                });
            }
            pending::<Result<(), u32>>().await
        }));
        if round % 3 > 0 {
            thread::yield_now();
        }
        drop(runtime);
        // A worker that has not seen the end yet may tell the scope of a child that was cancelled first.
        match futures::executor::block_on(task) {
            Err(error) => assert!(error.is_cancelled()),
            Ok(result) => {
                let error = result.unwrap_err();
                assert!(matches!(error.first(), ScopeFailure::Join(error) if error.is_cancelled()));
            }
        }
        assert!(matches!(dropped.get(), 1 | 9), "all or, before the first poll, the body's alone");
    }
}

#[test]
fn a_failure_against_spawns_of_siblings_from_other_threads_loses_nobody() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for workers in [1, 2] {
        let runtime = pool(workers);
        for _ in 0..count(200, 20_000) {
            let (made, dropped) = (Tally::default(), Tally::default());
            let spawner = {
                let (made, dropped, handle, mut rng) =
                    (made.clone(), dropped.clone(), runtime.handle().clone(), rng.fork());
                move |group: TaskGroup<u32>| {
                    for n in 0..20 {
                        rng.spin(200);
                        made.add();
                        let guard = dropped.on_drop();
                        let child = group.spawn_on(
                            async move {
                                let _guard = guard;
                                if n == 10 { Err(n) } else { pending().await }
                            },
                            &handle,
                        );
                        drop::<ChildHandle<()>>(child);
                    }
                }
            };
            let threads = Arc::new(Mutex::new(Vec::new()));
            let started = Arc::clone(&threads);
            let result: Failed<()> = runtime.block_on(scope(|group| async move {
                for mut spawner in [spawner.clone(), spawner] {
                    let group = group.clone();
                    started.lock().push(thread::spawn(move || spawner(group)));
                }
                pending().await
            }));
            let values = errors(result.unwrap_err());
            assert!(values == [10] || values == [10, 10], "{values:?}");
            for thread in std::mem::take(&mut *threads.lock()) {
                thread.join().unwrap();
            }
            assert_eq!((made.get(), dropped.get()), (40, 40));
        }
    }
}

#[test]
fn waiting_for_children_may_be_given_up_and_taken_up() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let result: Failed<u64> = runtime.block_on(scope(|group| async move {
        let mut sum = 0;
        for n in 0..50 {
            let mut child = group.spawn(async move {
                sleep(Duration::from_micros(n * 20)).await;
                Ok(n)
            });
            sum += loop {
                if let Ok(output) = timeout(Duration::from_micros(100), &mut child).await {
                    break output.unwrap();
                }
            };
        }
        Ok(sum)
    }));
    assert_eq!(result.unwrap(), 49 * 50 / 2);
}

#[test]
fn a_child_handle_polled_after_its_end_says_what_to_do() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let message = runtime.block_on(async {
        let child = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&child);
        let result: Failed<()> = scope(|group| async move {
            let mut child = group.spawn(async { Ok(1) });
            assert_eq!((&mut child).await, Ok(1));
            *keep.lock() = Some(child);
            Ok(())
        })
        .await;
        result.unwrap();
        let mut child = child.lock().take().unwrap();
        panic_message(|| (&mut child).now_or_never())
    });
    assert_helpful(&message, "ChildHandle::poll");
}

#[test]
fn an_output_that_nobody_takes_is_dropped_once() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    for _ in 0..count(200, 20_000) {
        let outputs = Tally::default();
        let counter = outputs.clone();
        let result: Failed<()> = runtime.block_on(scope(|group| async move {
            let (early, late) = (counter.on_drop(), counter.on_drop());
            drop(group.spawn(async { Ok(early) }));
            let kept = group.spawn(async { Ok(late) });
            yield_now().await;
            drop(kept);
            Ok(())
        }));
        result.unwrap();
        assert_eq!(outputs.get(), 2);
    }
}
