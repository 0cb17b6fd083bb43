//! The end of a runtime waits for nobody who waits for the end.
use parking_lot::Mutex;
use std::future::pending;
use std::hint::black_box;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use futures::StreamExt as _;
use runtime::runtime::UnhandledPanic;
use runtime::task::{JoinHandle, block_in_place};
use runtime::{Builder, Handle, Runtime};

use crate::support::{
    Gate, OnDrop, OpenOnDrop, assert_helpful, count, panic_message, panic_silently, pool_without_spares,
    watchdog,
};

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

/// Ends a runtime with a worker that blocks as `blocks` says, once that is about to: it gets two tasks' handles, of which the
/// first waits for ever and the other holds the sender of what it can receive.
fn end_while_a_worker(blocks: fn(Handle, JoinHandle<()>, mpsc::Receiver<()>)) {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        for bytes in [0, 700, 70_000] {
            let runtime = builder(workers).build().unwrap();
            let handle = runtime.handle().clone();
            let never = runtime.spawn(async move {
                let held = vec![0_u8; bytes];
                pending::<()>().await;
                black_box(&held);
            });
            let (sender, receiver) = mpsc::channel();
            if bytes > 700 {
                // In a cell of its own: more than is recycled, and less than is put into a box.
                drop(runtime.spawn(async move {
                    let (_sender, held) = (sender, [0_u8; 2_000]);
                    pending::<()>().await;
                    black_box(&held);
                }));
            } else {
                drop(runtime.spawn(async move {
                    let _sender = sender;
                    pending::<()>().await;
                }));
            }
            let (begun, begins) = mpsc::channel();
            let blocker = runtime.spawn(async move {
                begun.send(()).unwrap();
                blocks(handle, never, receiver);
            });
            begins.recv().unwrap();
            assert!(runtime.shutdown(Duration::MAX).is_clean());
            futures::executor::block_on(blocker).unwrap();
        }
    }
}

// D5
#[test]
fn a_worker_that_blocks_in_place_on_a_task_is_let_go() {
    end_while_a_worker(|handle, never, _| {
        let told = block_in_place(|| handle.block_on(never));
        assert!(told.unwrap_err().is_cancelled());
    });
}

// D5
#[test]
fn a_worker_that_waits_for_what_a_task_holds_is_let_go() {
    end_while_a_worker(|_, _, receiver| assert!(block_in_place(|| receiver.recv()).is_err()));
    end_while_a_worker(|_, _, receiver| assert!(receiver.recv().is_err()));
}

// D5
#[test]
fn a_worker_that_blocks_on_a_task_that_only_it_has_is_let_go() {
    let _watchdog = watchdog();
    for _ in 0..count(10, 1_000) {
        let runtime = pool_without_spares(1);
        let (begun, begins) = mpsc::channel();
        let blocker = runtime.spawn(async move {
            let queued: Vec<_> = (0..3).map(|_| runtime::spawn(pending::<()>())).collect();
            begun.send(()).unwrap();
            for task in queued {
                let told = futures::executor::block_on(task);
                assert!(told.unwrap_err().is_cancelled());
            }
        });
        begins.recv().unwrap();
        assert!(runtime.shutdown(Duration::MAX).is_clean());
        futures::executor::block_on(blocker).unwrap();
    }
}

// D4, D5
#[test]
fn destructors_that_sleep_do_not_keep_a_worker_that_waits_for_their_tasks() {
    let _watchdog = watchdog();
    let runtime = builder(1).build().unwrap();
    let (sender, receiver) = mpsc::channel::<()>();
    let sleeps = OnDrop::new(move || {
        futures::executor::block_on(runtime::time::sleep(Duration::from_millis(1)));
        drop(sender);
    });
    drop(runtime.spawn(async move {
        let _sleeps = sleeps;
        pending::<()>().await;
    }));
    let (begun, begins) = mpsc::channel();
    let blocker = runtime.spawn(async move {
        begun.send(()).unwrap();
        assert!(receiver.recv().is_err());
    });
    begins.recv().unwrap();
    drop(runtime);
    futures::executor::block_on(blocker).unwrap();
}

// D4
#[test]
fn a_queued_closure_that_waits_for_a_task_when_it_is_dropped_is_let_go() {
    let _watchdog = watchdog();
    for workers in [0, 1, 2] {
        let runtime = builder(workers).max_blocking_threads(1).build().unwrap();
        let (handle, task) = (runtime.handle().clone(), runtime.spawn(pending::<()>()));
        let (tell, told) = mpsc::channel();
        let waits = OnDrop::new(move || tell.send(handle.block_on(task)).unwrap());
        let (begun, begins) = mpsc::channel();
        let gate = Gate::default();
        let opens = OpenOnDrop(gate.clone());
        drop(runtime.spawn_blocking(move || {
            begun.send(()).unwrap();
            gate.wait();
        }));
        drop(runtime.spawn_blocking(move || drop(waits)));
        begins.recv().unwrap();
        drop(runtime);
        assert!(told.recv().unwrap().unwrap_err().is_cancelled());
        drop(opens);
    }
}
