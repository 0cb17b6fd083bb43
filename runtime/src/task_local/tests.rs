//! What a task-local promises.
use super::*;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::rc::Rc;
use std::task::Waker;

task_local! {
    static NUMBER: u32;
    static OTHER: u32;
    pub(crate) static LOG: Rc<RefCell<Vec<u32>>>
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Pending once.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(
        |_| {
            if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }
        },
    )
    .await;
}

#[test]
fn there_is_a_value_while_the_future_is_polled_and_not_between() {
    let mut future = Box::pin(NUMBER.scope(1, async {
        assert_eq!(NUMBER.get(), 1);
        pause().await;
        NUMBER.get()
    }));
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(NUMBER.try_get().unwrap_err().to_string(), "task-local value not set");
    assert_eq!(poll(future.as_mut()), Poll::Ready(1));
    assert!(NUMBER.try_get().is_err());
}

#[test]
fn keys_of_one_type_are_distinct_and_scopes_nest() {
    let outer = NUMBER.sync_scope(1, || {
        assert!(OTHER.try_get().is_err());
        OTHER.sync_scope(2, || {
            NUMBER.sync_scope(3, || assert_eq!((NUMBER.get(), OTHER.get()), (3, 2)));
            NUMBER.get() + OTHER.get()
        })
    });
    assert_eq!(outer, 3);
}

#[test]
fn a_scope_inside_of_with_hides_the_value_and_leaves_it_as_it_is() {
    NUMBER.sync_scope(1, || {
        NUMBER.with(|outer| {
            NUMBER.sync_scope(2, || assert_eq!((*outer, NUMBER.get()), (1, 2)));
            assert_eq!(NUMBER.get(), 1);
        });
    });
}

#[test]
fn futures_polled_in_turn_have_each_its_own_value() {
    let mut futures: Vec<_> = (0..3)
        .map(|number| {
            Box::pin(NUMBER.scope(number, async move {
                for _ in 0..3 {
                    assert_eq!(NUMBER.get(), number);
                    pause().await;
                }
            }))
        })
        .collect();
    for _ in 0..3 {
        assert!(futures.iter_mut().all(|future| poll(future.as_mut()).is_pending()));
    }
    assert!(futures.iter_mut().all(|future| poll(future.as_mut()).is_ready()));
}

#[test]
fn a_panic_leaves_the_scope() {
    let mut future = Box::pin(NUMBER.scope(1, async { panic_any("expected by the test") }));
    NUMBER.sync_scope(5, || {
        assert!(catch_unwind(AssertUnwindSafe(|| poll::<TaskLocalFuture<_, _>>(future.as_mut()))).is_err());
        assert_eq!(NUMBER.get(), 5);
    });
    assert!(NUMBER.try_get().is_err());
}

/// Logs the value of `NUMBER` when it is dropped; zero for none.
struct Logs;

impl Drop for Logs {
    fn drop(&mut self) {
        LOG.with(|log| log.borrow_mut().push(NUMBER.try_get().unwrap_or(0)));
    }
}

#[test]
fn the_future_is_dropped_in_its_scope_complete_or_not() {
    let log = Rc::default();
    LOG.sync_scope(Rc::clone(&log), || {
        let unpolled = NUMBER.scope(1, {
            let logs = Logs;
            async move { drop(logs) }
        });
        drop(unpolled);
        let mut pending = Box::pin(NUMBER.scope(2, async {
            let _logs = Logs;
            pause().await;
        }));
        assert!(poll(pending.as_mut()).is_pending());
        drop(pending);
        let logs = Logs;
        let mut complete = Box::pin(NUMBER.scope(
            3,
            std::future::poll_fn(move |_| {
                let _held = &logs;
                Poll::Ready(())
            }),
        ));
        assert!(poll(complete.as_mut()).is_ready());
        assert_eq!(*log.borrow(), [1, 2, 3], "completion drops the future, the value stays");
        assert_eq!(complete.as_mut().take_value(), Some(3));
    });
    assert_eq!(*log.borrow(), [1, 2, 3]);
}

#[test]
fn a_future_whose_value_was_taken_has_none_whatever_is_around_it() {
    let mut future = Box::pin(NUMBER.scope(1, async {
        pause().await;
        NUMBER.try_get()
    }));
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(future.as_mut().take_value(), Some(1));
    assert_eq!(future.as_mut().take_value(), None);
    let got = NUMBER.sync_scope(2, || poll(future.as_mut()));
    assert!(matches!(got, Poll::Ready(Err(_))));
}

#[test]
fn misuse_says_what_to_do() {
    let message =
        |payload: Box<dyn std::any::Any + Send>| payload.downcast::<String>().map(|text| *text).unwrap();
    let text = message(catch_unwind(|| NUMBER.get()).unwrap_err());
    assert!(text.starts_with("LocalKey::get: this task-local has no value here"), "{text}");
    assert_eq!(text.matches("help: ").count(), 2);
    let mut future = Box::pin(NUMBER.scope(1, async {}));
    assert!(poll(future.as_mut()).is_ready());
    let text = message(catch_unwind(AssertUnwindSafe(|| poll(future.as_mut()))).unwrap_err());
    assert!(text.contains("completed before"), "{text}");
}

#[test]
fn a_value_follows_its_task_from_thread_to_thread_and_into_no_other() {
    crate::watchdog::watched("task-local on a pool", || {
        let runtime = crate::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let tasks: Vec<_> = (0..100)
            .map(|number| {
                runtime.spawn(NUMBER.scope(number, async move {
                    assert!(crate::spawn(async { NUMBER.try_get() }).await.unwrap().is_err());
                    for _ in 0..20 {
                        assert_eq!(NUMBER.get(), number);
                        crate::task::yield_now().await;
                    }
                }))
            })
            .collect();
        for task in tasks {
            runtime.block_on(task).unwrap();
        }
    });
}

#[test]
fn any_executor_will_do() {
    assert_eq!(futures::executor::block_on(NUMBER.scope(4, async { NUMBER.get() })), 4);
}
