//! What the kernel gives no event for is tried again, whatever the blocking pool does.
use std::future::poll_fn;
use std::task::Poll;

use parking_lot::Mutex;
use runtime::net::{UnixListener, UnixSocket, UnixStream};
use runtime::time::{Duration, Instant};
use runtime::{Builder, Runtime};

use crate::support::{Gate, OpenOnDrop, Tally, until, watchdog};

/// A listener whose backlog is full, by an abstract name.
pub(crate) struct Full {
    pub(crate) name: String,
    listener: UnixListener,
    queued: Mutex<Vec<UnixStream>>,
}

impl Full {
    /// To be polled inside of a runtime.
    pub(crate) async fn listener(name: &str) -> Full {
        let name = format!("\0runtime-test-{}-{name}", std::process::id());
        let socket = UnixSocket::new_stream().unwrap();
        socket.bind(&name).unwrap();
        let listener = socket.listen(1).unwrap();
        let mut queued = Vec::new();
        while let Poll::Ready(stream) = once(UnixStream::connect(&name)).await {
            queued.push(stream.unwrap());
        }
        Full { name, listener, queued: Mutex::new(queued) }
    }

    /// Makes room.
    pub(crate) async fn drain(&self) {
        let queued = std::mem::take(&mut *self.queued.lock());
        for _ in queued {
            self.listener.accept().await.unwrap();
        }
    }
}

/// What comes of one poll.
async fn once<F: Future>(future: F) -> Poll<F::Output> {
    let mut future = std::pin::pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// A runtime of one thread, one more at most that may block.
fn with_one_blocking_thread() -> Runtime {
    Runtime::builder().worker_threads(1).max_blocking_threads(1).build().unwrap()
}

// R10
#[test]
fn a_pool_whose_threads_are_all_taken_stops_no_other_runtimes_connect() {
    let _watchdog = watchdog();
    let busy = with_one_blocking_thread();
    let (gate, started) = (Gate::default(), Tally::default());
    // Also where an assertion below fails: the end of the runtime waits for the closure.
    let _open = OpenOnDrop(gate.clone());
    let taken = started.clone();
    drop(busy.spawn_blocking(move || {
        taken.add();
        gate.wait();
    }));
    until(|| started.get() == 1);
    let theirs = busy.block_on(Full::listener("theirs"));
    let name = theirs.name.clone();
    drop(busy.spawn(async move { UnixStream::connect(name).await }));
    let other = Runtime::builder().worker_threads(1).build().unwrap();
    other.block_on(async {
        let full = Full::listener("mine").await;
        let mut connecting = Box::pin(UnixStream::connect(&full.name));
        assert!(once(&mut connecting).await.is_pending());
        full.drain().await;
        connecting.await.unwrap();
    });
}

// R10
#[test]
fn a_pool_may_block_on_a_connect_to_a_full_backlog_in_its_last_thread() {
    let _watchdog = watchdog();
    let runtime = with_one_blocking_thread();
    let full = runtime.block_on(Full::listener("last"));
    let (handle, name, waits) = (runtime.handle().clone(), full.name.clone(), Tally::default());
    let waiting = waits.clone();
    let connected = runtime.spawn_blocking(move || {
        let mut connecting = Box::pin(UnixStream::connect(name));
        handle.block_on(poll_fn(|cx| {
            let polled = connecting.as_mut().poll(cx);
            waiting.add();
            polled
        }))
    });
    until(|| waits.get() > 0);
    runtime.block_on(async {
        full.drain().await;
        connected.await.unwrap().unwrap();
    });
}

// S12
#[test]
fn the_tick_ends_when_nobody_waits_for_it() {
    crate::support::child::run("paced::the_tick_ends_when_nobody_waits_for_it", || {
        let _watchdog = watchdog();
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let full = Full::listener("ends").await;
            let mut connecting = Box::pin(UnixStream::connect(&full.name));
            assert!(once(&mut connecting).await.is_pending());
            let began = Instant::now();
            // A tick and more: it goes on for who waits.
            let waited = runtime::time::timeout(Duration::from_millis(100), &mut connecting).await;
            assert!(waited.is_err(), "connected after {:?}", began.elapsed());
            assert!(is_ticking());
            full.drain().await;
            connecting.await.unwrap();
        });
        until(|| !is_ticking());
    });
}

/// Whether the thread is there.
fn is_ticking() -> bool {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let mut names =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    names.any(|name| name.trim() == "reactor/pace")
}
