//! A reactor in a hundred lines that runs under any executor: `examples/small/timerfd.rs`, and here two uses of it.
#[path = "small/executor.rs"]
mod executor;
#[path = "small/timerfd.rs"]
mod timerfd;

use std::time::{Duration, Instant};

fn main() {
    let twenty = Duration::from_millis(20);

    // An executor that enters a frame drives the reactor on its own thread...
    let start = Instant::now();
    executor::run(vec![Box::pin(async { timerfd::sleep(twenty).await.unwrap() })]);
    assert!(start.elapsed() >= twenty);

    // ... and for one that knows nothing of frames a thread does, which ends when it has been unused for a while.
    let start = Instant::now();
    futures::executor::block_on(timerfd::sleep(twenty)).unwrap();
    assert!(start.elapsed() >= twenty);
    println!("both slept");
}
