//! A runtime with nothing to do does nothing.
use std::thread;
use std::time::Duration;

use runtime::Runtime;

use crate::support::{child, process, soak, watchdog};

// S12
#[test]
fn an_idle_runtime_makes_no_wake_up_at_all() {
    let _watchdog = watchdog();
    child::run("idle::an_idle_runtime_makes_no_wake_up_at_all", || {
        let runtime = Runtime::builder()
            .worker_threads(4)
            .thread_name("idle-test")
            .thread_keep_alive(Duration::from_millis(100))
            .build()
            .unwrap();
        // Everything has been used: workers, timers, sockets, blocking threads.
        let reader = runtime.block_on(async {
            let tasks: Vec<_> = (0..100)
                .map(|_| runtime::spawn(async { runtime::time::sleep(Duration::from_millis(5)).await }))
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            runtime::task::spawn_blocking(|| {}).await.unwrap();
            let listener = runtime::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let far = runtime::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (mut near, _) = listener.accept().await.unwrap();
            // Waits for a byte, and for an hour, neither of which comes.
            runtime::spawn(async move {
                let _far = far;
                let hour = Duration::from_secs(3600);
                drop(runtime::time::timeout(hour, near.read(&mut [0; 1])).await);
            })
        });
        // Settling: keep-alive, the supervisor's last samples. What is measured is a span of time: hence the sleeps.
        thread::sleep(Duration::from_secs(3));
        let (threads, before) = process::context_switches("idle-test");
        let span = Duration::from_secs(if soak() { 10 } else { 3 });
        thread::sleep(span);
        let (threads_after, after) = process::context_switches("idle-test");
        assert!(threads >= 4, "{threads} threads of the runtime found");
        assert_eq!((threads_after, after - before), (threads, 0), "wake-ups in {span:?}");
        // And it has not fallen asleep for good.
        assert_eq!(runtime.block_on(runtime.spawn(async { 7 })).unwrap(), 7);
        reader.abort();
    });
}

#[test]
fn an_idle_thread_in_block_on_makes_no_wake_up_at_all() {
    let _watchdog = watchdog();
    child::run("idle::an_idle_thread_in_block_on_makes_no_wake_up_at_all", || {
        let runtime = Runtime::builder().worker_threads(2).thread_name("idle-test").build().unwrap();
        let (stop, stopped) = futures::channel::oneshot::channel::<()>();
        let guest = thread::Builder::new().name("idle-test-guest".into());
        let guest = guest
            .spawn(move || {
                runtime.block_on(async {
                    runtime::spawn(async {}).await.unwrap();
                    stopped.await.unwrap();
                });
            })
            .unwrap();
        thread::sleep(Duration::from_secs(3));
        let (threads, before) = process::context_switches("idle-test");
        thread::sleep(Duration::from_secs(2));
        let (_, after) = process::context_switches("idle-test");
        assert!(threads >= 3, "{threads} threads of the runtime found");
        assert_eq!(after - before, 0);
        stop.send(()).unwrap();
        guest.join().unwrap();
    });
}
