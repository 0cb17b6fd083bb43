//! The end of a runtime waits for nobody who waits for the end.
use parking_lot::Mutex;
use std::future::pending;
use std::hint::black_box;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use futures::StreamExt as _;
use runtime::runtime::UnhandledPanic;
use runtime::task::JoinHandle;
use runtime::{Builder, Handle, Runtime};

use crate::support::{OnDrop, assert_helpful, panic_message, panic_silently, watchdog};

fn builder(workers: usize) -> Builder {
    if workers == 0 {
        return Builder::new_current_thread();
    }
    let mut builder = Runtime::builder();
    builder.worker_threads(workers);
    builder
}

// D1
#[test]
fn a_runtime_that_a_task_of_its_own_holds_ends_by_a_panic_of_another() {
    let _watchdog = watchdog();
    for workers in [0, 1, 2] {
        for in_root in [false, true] {
            let runtime = builder(workers).unhandled_panic(UnhandledPanic::ShutdownRuntime).build().unwrap();
            let handle = runtime.handle().clone();
            let (tell, told) = mpsc::channel();
            let after = OnDrop::new(move || tell.send(()).unwrap());
            let holds = handle.spawn(async move {
                // Dropped after the runtime.
                let _after = after;
                let _runtime = runtime;
                pending::<()>().await;
            });
            let panics = || drop(handle.spawn(async { panic_silently() }));
            if in_root || workers == 0 {
                // The thread that tears down may be this one.
                handle.block_on(async {
                    panics();
                    assert!(holds.await.unwrap_err().is_cancelled());
                });
            } else {
                panics();
            }
            told.recv().unwrap();
        }
    }
}

type Ends = fn(Runtime);

// D1
#[test]
fn a_runtime_dropped_by_its_stall_callback_ends() {
    let _watchdog = watchdog();
    let ends: [Ends; 2] = [drop, |runtime| drop(runtime.shutdown(Duration::MAX))];
    for end in ends {
        let place: Arc<Mutex<Option<Runtime>>> = Arc::default();
        let (tell, told) = mpsc::channel();
        let inside = Arc::clone(&place);
        let on_stall = move |_: &_| {
            let runtime = inside.lock().take();
            if let Some(runtime) = runtime {
                end(runtime);
                tell.send(()).unwrap();
            }
        };
        let runtime = builder(1).on_stall(on_stall).build().unwrap();
        let handle = runtime.handle().clone();
        *place.lock() = Some(runtime);
        // Until then the worker is stuck: nothing but the callback ends it.
        drop(handle.spawn(async move { told.recv().unwrap() }));
        let waits = handle.spawn(pending::<()>());
        drop(handle);
        assert!(futures::executor::block_on(waits).unwrap_err().is_cancelled());
    }
}

/// Blocks on another task when it is dropped, and tells what it was told.
struct Waits {
    handle: Handle,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
    tell: mpsc::Sender<String>,
}

impl Drop for Waits {
    fn drop(&mut self) {
        let task = self.task.lock().take();
        if let Some(task) = task {
            let message = panic_message(|| drop(self.handle.block_on(task)));
            assert_helpful(&message, "Runtime::block_on");
            self.tell.send(message).unwrap();
        }
    }
}

// D4
#[test]
fn destructors_that_block_on_other_tasks_are_told_not_to() {
    let _watchdog = watchdog();
    for workers in [0, 1, 2] {
        for first in [true, false] {
            let runtime = builder(workers).build().unwrap();
            let (tell, told) = mpsc::channel();
            let task = Arc::default();
            let waits = Waits { handle: runtime.handle().clone(), task: Arc::clone(&task), tell };
            let (begun, begins) = futures::channel::mpsc::unbounded();
            let began = begun.clone();
            let small = move |guard| async move {
                let _guard = guard;
                begun.unbounded_send(()).unwrap();
                pending::<()>().await;
            };
            // In which order they are dropped depends on their size.
            let large = move |guard| async move {
                let (_guard, bytes) = (guard, [1_u8; 700]);
                began.unbounded_send(()).unwrap();
                pending::<()>().await;
                black_box(&bytes);
            };
            let waited_for = if first {
                drop(runtime.spawn(small(Some(waits))));
                runtime.spawn(large(None))
            } else {
                drop(runtime.spawn(large(Some(waits))));
                runtime.spawn(small(None))
            };
            runtime.block_on(begins.take(2).collect::<Vec<()>>());
            *task.lock() = Some(waited_for);
            drop(runtime);
            assert!(told.recv().unwrap().contains("blocking it would stop them"));
        }
    }
}
