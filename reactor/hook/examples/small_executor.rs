//! An executor in fifty lines that runs any future: `examples/small/executor.rs`, and here a use of it.
//!
//! The futures below know nothing of it, nor it of them: one waits for a thread, two for a reactor.
#[path = "small/executor.rs"]
mod executor;
#[path = "small/timerfd.rs"]
mod timerfd;

use std::cell::Cell;
use std::time::{Duration, Instant};

fn main() {
    let start = Instant::now();
    let (sender, receiver) = futures::channel::oneshot::channel();
    std::thread::spawn(|| sender.send("from a thread"));

    let done = Cell::new(0);
    let sleep = async |milliseconds| {
        timerfd::sleep(Duration::from_millis(milliseconds)).await.unwrap();
        done.set(done.get() + 1);
    };
    executor::run(vec![
        Box::pin(async {
            assert_eq!(receiver.await, Ok("from a thread"));
            done.set(done.get() + 1);
        }),
        Box::pin(sleep(20)),
        Box::pin(sleep(10)),
    ]);
    assert_eq!(done.get(), 3);
    assert!(start.elapsed() >= Duration::from_millis(20));
    println!("three futures in {:?}", start.elapsed());
}
