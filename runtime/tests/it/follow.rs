//! When a worker that has something to do looks at the driver. Turns between polls, on one worker, and no times.
use parking_lot::Mutex;
use std::io::Write as _;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use runtime::net::UnixStream;
use runtime::task::yield_now;
use runtime::{Handle, Runtime};

use crate::support::{pool_without_spares, until_no_tasks, watchdog};

/// Pairs of readers, each of which writes what it has read to the other one's socket.
const PAIRS: usize = 8;
/// So many that there are always more events than one look takes.
const MANY_PAIRS: usize = 100;
/// Polls of readers that are looked at, and as many before, until all are on their way.
const POLLS: usize = 200;

/// What goes on besides the readers.
#[derive(Clone, Copy, Default)]
struct Beside {
    /// Another worker is awake, inside of a poll.
    another_worker: bool,
    /// So many tasks of the readers' worker yield over and over.
    yielders: usize,
}

/// Turns of the driver so far, of all workers.
fn turns(handle: &Handle) -> u64 {
    handle.metrics().workers.iter().map(|worker| worker.turns).sum()
}

/// Each poll of a reader that has read something: how many turns there had been by then. Of so many pairs.
fn turns_at_polls(pairs: usize, beside: Beside) -> Vec<u64> {
    let runtime = pool_without_spares(1 + usize::from(beside.another_worker));
    let stop = Arc::new(AtomicBool::new(false));
    if beside.another_worker {
        keep_awake(&runtime, Arc::clone(&stop));
    }
    let polled = Arc::new(Mutex::new(Vec::new()));
    let (tx, rx) = mpsc::channel();
    let (handle, in_task, stopped) = (runtime.handle().clone(), Arc::clone(&polled), Arc::clone(&stop));
    drop(runtime.spawn(async move {
        let (theirs, ours): (Vec<_>, Vec<_>) = (0..2 * pairs).map(|_| StdStream::pair().unwrap()).unzip();
        let theirs = Arc::new(theirs);
        for (index, ours) in ours.into_iter().enumerate() {
            ours.set_nonblocking(true).unwrap();
            let mut ours = UnixStream::from_std(ours).unwrap();
            let (handle, theirs, polled) = (handle.clone(), Arc::clone(&theirs), Arc::clone(&in_task));
            let (stop, tx) = (Arc::clone(&stopped), tx.clone());
            drop(runtime::spawn(async move {
                let mut bytes = [0; 2];
                loop {
                    let length = ours.read(&mut bytes).await.unwrap();
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let polls = {
                        let mut polled = polled.lock();
                        polled.push(turns(&handle));
                        polled.len()
                    };
                    if polls == 2 * POLLS {
                        stop.store(true, Ordering::Relaxed);
                        tx.send(()).unwrap();
                    }
                    (&theirs[index ^ 1]).write_all(&bytes[..length]).unwrap();
                }
                // The other one may wait, or have gone.
                (&theirs[index ^ 1]).write_all(&[1]).ok();
            }));
        }
        for _ in 0..beside.yielders {
            let stop = Arc::clone(&stopped);
            drop(runtime::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    yield_now().await;
                }
            }));
        }
        for mut theirs in theirs.iter().step_by(2) {
            theirs.write_all(&[1]).unwrap();
        }
    }));
    rx.recv().unwrap();
    until_no_tasks(&runtime);
    polled.lock().split_off(POLLS)
}

fn keep_awake(runtime: &Runtime, stop: Arc<AtomicBool>) {
    let (tx, rx) = mpsc::channel();
    drop(runtime.spawn(async move {
        tx.send(()).unwrap();
        while !stop.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    }));
    rx.recv().unwrap();
}

#[test]
fn beside_another_that_is_awake_a_look_follows_each_poll_that_caused_an_event() {
    let _watchdog = watchdog();
    let turns = turns_at_polls(PAIRS, Beside { another_worker: true, yielders: 0 });
    let without = turns.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert_eq!(without, 0, "{turns:?}");
}

/// What is queued goes first: the kernel keeps the rest in order.
#[test]
fn with_much_queued_one_look_is_for_many_polls() {
    let _watchdog = watchdog();
    let turns = turns_at_polls(MANY_PAIRS, Beside { another_worker: true, yielders: 0 });
    let looks = (turns[turns.len() - 1] - turns[0]) as usize;
    assert!((1..=POLLS / 8).contains(&looks), "{looks}: {turns:?}");
}

#[test]
fn a_worker_that_is_awake_alone_takes_many_events_by_one_look() {
    let _watchdog = watchdog();
    let turns = turns_at_polls(PAIRS, Beside::default());
    let looks = (turns[turns.len() - 1] - turns[0]) as usize;
    assert!(looks <= 2 * POLLS / PAIRS, "{looks}: {turns:?}");
}

/// Most polls are of those who yield: after each turn that finds it one more is in vain, and then none comes
/// for as many polls as anywhere.
#[test]
fn where_most_polls_cause_no_event_looks_end() {
    let _watchdog = watchdog();
    let beside = Beside { another_worker: true, yielders: 30 };
    let turns = turns_at_polls(1, beside);
    let looks = (turns[turns.len() - 1] - turns[0]) as usize;
    assert!(looks <= 3 * POLLS, "{looks}: {turns:?}");
}
