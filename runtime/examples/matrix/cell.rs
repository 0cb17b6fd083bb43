//! One cell, alone in its process: runs one row's future on one column's executor, and says on standard output what
//! became of it. First a line of [`Outcome`], then, when threads were left behind, one of [`Ending`].
use std::io::Write as _;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use futures::future::poll_fn;

use crate::columns::Column;
use crate::outcome::{Ending, Outcome};
use crate::peer::Peer;
use crate::rows::{Leaf, Row};
use crate::threads::{self, Watch};

/// Threads stay for 10 s after their last use; the rest is for a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(13);

pub(crate) fn run(row: &Row, column: &Column) -> ! {
    // Wherever it happens: executors differ in what they do with a panic.
    std::panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("something that is no text");
        say(&Outcome::Panicked(message.to_owned()).to_line());
        process::exit(0);
    }));
    let peer = Peer::start();
    let execute = (column.executor)(row.origin);
    // Threads that the executor starts for itself are there afterwards.
    execute(Box::pin(idle()));
    let watch = Watch::start(threads::settled());

    let pending = Arc::new(AtomicU32::new(0));
    execute(Box::pin(counted((row.leaf)(&peer), Arc::clone(&pending))));
    let extra = watch.finish();
    // Relaxed: the executor has handed the future's end over to this thread.
    assert!(pending.load(Ordering::Relaxed) > 0, "was ready at once");
    say(&Outcome::Ok(extra.values().cloned().collect()).to_line());

    if !extra.is_empty() {
        let ended = Instant::now();
        let mut remaining = threads::remaining(&extra);
        while !remaining.is_empty() && ended.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(50));
            remaining = threads::remaining(&extra);
        }
        say(&Ending { after: ended.elapsed(), remaining }.to_line());
    }
    // What an executor does when it is dropped is not asked here.
    process::exit(0);
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever asked may have gone.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Waits for nothing, but makes its executor wait.
async fn idle() {
    let mut left = 3;
    poll_fn(|cx| {
        if left == 0 {
            return std::task::Poll::Ready(());
        }
        left -= 1;
        let waker = cx.waker().clone();
        thread::spawn(move || waker.wake());
        std::task::Poll::Pending
    })
    .await;
}

/// `leaf`, with a count of the polls that found it waiting.
async fn counted(mut leaf: Leaf, pending: Arc<AtomicU32>) {
    poll_fn(|cx| {
        let poll = leaf.as_mut().poll(cx);
        if poll.is_pending() {
            pending.fetch_add(1, Ordering::Relaxed);
        }
        poll
    })
    .await;
}
