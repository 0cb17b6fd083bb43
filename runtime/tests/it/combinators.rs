//! Combinators and channels of other crates on our wakers: whatever the order of the wakes, none is lost.
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use parking_lot::Mutex;
use runtime::Runtime;
use runtime::sync::{Barrier, Notify, RwLock, Semaphore, broadcast, mpsc, oneshot, watch};
use runtime::task::{JoinSet, cancellable, coop, yield_now};
use runtime::time::sleep;
use runtime::{join, select, try_join};

use crate::support::{Rng, Tally, count, pool, until_no_tasks, watchdog};

/// Rounds of each stress.
fn rounds() -> usize {
    count(300, 30_000)
}

/// Resolves with its number when it is fired. Wakes exactly the waker of the last poll.
#[derive(Clone, Default)]
struct Signal(Arc<Mutex<(Option<usize>, Option<Waker>)>>);

impl Signal {
    fn fire(&self, value: usize) {
        let waker = {
            let mut signal = self.0.lock();
            signal.0 = Some(value);
            signal.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Future for Signal {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let mut signal = self.0.lock();
        if let Some(value) = signal.0.take() {
            return Poll::Ready(value);
        }
        let former = signal.1.replace(cx.waker().clone());
        drop(signal);
        drop(former);
        Poll::Pending
    }
}

fn signals(length: usize) -> Vec<Signal> {
    (0..length).map(|_| Signal::default()).collect()
}

/// Fires all, in an order and at times drawn by lot, from two tasks.
fn fire(runtime: &Runtime, signals: &[Signal], rng: &mut Rng) {
    let mut all: Vec<(usize, Signal)> = signals.iter().cloned().enumerate().collect();
    for at in (1..all.len()).rev() {
        all.swap(at, rng.below(at + 1));
    }
    let rest = all.split_off(all.len() / 2);
    for part in [all, rest] {
        let mut rng = rng.fork();
        drop(runtime.spawn(async move {
            for (value, signal) in part {
                rng.spin(200);
                if rng.below(4) == 0 {
                    yield_now().await;
                }
                signal.fire(value);
            }
        }));
    }
}

/// Runs a program in a task and in `block_on`, so often, on two workers.
fn stress<F, T>(program: impl Fn(Vec<Signal>) -> F, length: usize, check: impl Fn(T))
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let runtime = pool(2);
    for round in 0..rounds() {
        let signals = signals(length);
        let future = program(signals.clone());
        check(match round % 3 {
            0 => {
                fire(&runtime, &signals, &mut rng);
                runtime.block_on(future)
            }
            1 => {
                fire(&runtime, &signals, &mut rng);
                runtime::block_on(future)
            }
            _ => {
                let task = runtime.spawn(future);
                fire(&runtime, &signals, &mut rng);
                futures::executor::block_on(task).unwrap()
            }
        });
    }
    until_no_tasks(&runtime);
}

async fn join_of(signals: Vec<Signal>) -> usize {
    let [a, b, c, d, e, f] = <[Signal; 6]>::try_from(signals).ok().unwrap();
    let (a, b, c, d, e, f) = join!(a, b, c, d, e, f);
    a + b + c + d + e + f
}

#[test]
fn join_waits_for_each_whatever_the_order_of_the_wakes() {
    stress(join_of, 6, |sum| assert_eq!(sum, 15));
}

#[test]
fn try_join_ends_at_the_first_error_or_with_all() {
    let ok = async |signal: Signal| Ok::<_, usize>(signal.await);
    stress(
        move |signals| async move {
            let [a, b, c] = <[Signal; 3]>::try_from(signals).ok().unwrap();
            try_join!(ok(a), ok(b), ok(c)).map(|(a, b, c)| a + b + c)
        },
        3,
        |result| assert_eq!(result, Ok(3)),
    );
    stress(
        move |signals| async move {
            let [a, b, c] = <[Signal; 3]>::try_from(signals).ok().unwrap();
            let fails = async { Err::<usize, _>(b.await) };
            try_join!(ok(a), fails, ok(c), async { Ok(pending::<usize>().await) })
        },
        3,
        |result| assert_eq!(result, Err(1)),
    );
}

/// Takes one after the other, in whatever order they come.
async fn select_all(signals: Vec<Signal>) -> usize {
    let [mut a, mut b, mut c, mut d] = <[Signal; 4]>::try_from(signals).ok().unwrap();
    let mut left = [true; 4];
    let mut sum = 0;
    while left.contains(&true) {
        let value = select! {
            value = &mut a, if left[0] => value,
            value = &mut b, if left[1] => value,
            value = &mut c, if left[2] => value,
            value = &mut d, if left[3] => value,
        };
        assert!(std::mem::replace(&mut left[value], false));
        sum += value;
    }
    sum
}

#[test]
fn select_in_a_loop_takes_each_branch_once() {
    stress(select_all, 4, |sum| assert_eq!(sum, 6));
}

#[test]
fn select_drops_the_branches_that_lost() {
    let dropped = Tally::default();
    let count = dropped.clone();
    stress(
        move |signals| {
            let guards = [count.on_drop(), count.on_drop()];
            async move {
                let [first, second] = guards;
                let signal = signals.into_iter().next().unwrap();
                select! {
                    value = signal => value,
                    () = async { let _guard = first; pending().await } => unreachable!(),
                    () = async { let _guard = second; sleep(Duration::MAX).await } => unreachable!(),
                }
            }
        },
        1,
        |value| assert_eq!(value, 0),
    );
    assert_eq!(dropped.get(), 2 * rounds());
}

#[test]
fn futures_unordered_gives_each_of_many() {
    stress(
        |signals| {
            signals.into_iter().collect::<FuturesUnordered<_>>().fold(0, async |sum, value| sum + value)
        },
        40,
        |sum| assert_eq!(sum, 780),
    );
}

#[test]
fn combinators_inside_of_one_another_lose_no_wake() {
    stress(
        |signals| async move {
            let mut signals = signals.into_iter();
            let mut next = |length| signals.by_ref().take(length).collect::<Vec<_>>();
            let (six, many) = (next(6), next(8));
            let [a, b] = <[Signal; 2]>::try_from(next(2)).ok().unwrap();
            let (cancelled, cancel) = cancellable(pending::<()>());
            let unordered = many.into_iter().collect::<FuturesUnordered<_>>();
            let (sum, many, late, ended) = join!(
                join_of(six),
                async { unordered.fold(0, async |sum, value| sum + value).await },
                async {
                    let first = select! { value = a.clone() => value, value = b.clone() => value };
                    let other = if first == 14 { b } else { a };
                    let Ok((first, second)) =
                        try_join!(async { Ok::<_, ()>(first) }, async { Ok(other.await) })
                    else {
                        unreachable!()
                    };
                    cancel.cancel();
                    first + second
                },
                cancelled,
            );
            assert!(ended.is_err());
            sum + many + late
        },
        16,
        |sum| assert_eq!(sum, 120),
    );
}

#[test]
fn timers_and_signals_meet_in_one_select() {
    stress(
        |signals| async move {
            let mut all = signals.into_iter().collect::<FuturesUnordered<_>>();
            let (mut sum, mut ticks) = (0, 0);
            loop {
                select! {
                    value = all.next() => match value {
                        Some(value) => sum += value,
                        None => break,
                    },
                    () = sleep(Duration::from_micros(50)) => ticks += 1,
                }
            }
            assert!(ticks < 1_000_000);
            sum
        },
        10,
        |sum| assert_eq!(sum, 45),
    );
}

/// Runs `rounds` programs of several tasks on two workers.
fn on_two_workers<F: Future<Output = ()> + Send + 'static>(program: impl Fn(Rng) -> F) {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let runtime = pool(2);
    for round in 0..rounds() {
        let program = program(rng.fork());
        if round % 2 == 0 {
            runtime.block_on(program);
        } else {
            futures::executor::block_on(runtime.spawn(program)).unwrap();
        }
    }
    until_no_tasks(&runtime);
}

#[test]
fn a_join_set_beside_a_channel_in_one_select_gives_everything() {
    on_two_workers(|mut rng| async move {
        let mut set = JoinSet::new();
        for number in 0..20 {
            let mut rng = rng.fork();
            set.spawn(async move {
                rng.spin(200);
                yield_now().await;
                number
            });
        }
        let (tx, mut rx) = mpsc::channel(1);
        drop(runtime::spawn(async move {
            for number in 100..120 {
                rng.spin(200);
                tx.send(number).await.unwrap();
            }
        }));
        let mut sum = 0;
        loop {
            select! {
                Some(joined) = set.join_next() => sum += joined.unwrap(),
                Some(number) = rx.recv() => sum += number,
                else => break,
            }
        }
        assert_eq!(sum, 190 + 2190);
    });
}

#[test]
fn mpsc_carries_everything_in_each_senders_order() {
    on_two_workers(|mut rng| async move {
        let (tx, mut rx) = mpsc::channel(1 + rng.below(4));
        for sender in 0..3_usize {
            let (tx, mut rng) = (tx.clone(), rng.fork());
            drop(runtime::spawn(async move {
                for number in 0..50_usize {
                    rng.spin(50);
                    tx.send((sender, number)).await.unwrap();
                }
            }));
        }
        drop(tx);
        let mut expected = [0; 3];
        while let Some((sender, number)) = rx.recv().await {
            assert_eq!(number, expected[sender]);
            expected[sender] += 1;
        }
        assert_eq!(expected, [50; 3]);
    });
}

#[test]
fn oneshot_brings_its_value_or_that_its_sender_went() {
    on_two_workers(|mut rng| async move {
        let all: FuturesUnordered<_> = (0..32)
            .map(|number| {
                let (tx, rx) = oneshot::channel();
                let mut rng = rng.fork();
                drop(runtime::spawn(async move {
                    rng.spin(100);
                    match number % 2 {
                        0 => tx.send(number).unwrap(),
                        _ => drop(tx),
                    }
                }));
                rx
            })
            .collect();
        let sum = all.fold((0, 0), async |(sum, gone), value| match value {
            Ok(value) => (sum + value, gone),
            Err(_) => (sum, gone + 1),
        });
        assert_eq!(sum.await, (240, 16));
    });
}

#[test]
fn notify_and_semaphore_wake_one_for_each() {
    on_two_workers(|mut rng| async move {
        // A ball that two tasks throw to and fro.
        let (near, far) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (to, fro) = (Arc::clone(&far), Arc::clone(&near));
        let other = runtime::spawn(async move {
            for _ in 0..50 {
                to.notified().await;
                fro.notify_one();
            }
        });
        for _ in 0..50 {
            far.notify_one();
            near.notified().await;
        }
        other.await.unwrap();

        let (semaphore, inside) = (Arc::new(Semaphore::new(2)), Arc::new(AtomicUsize::new(0)));
        let mut set = JoinSet::new();
        for _ in 0..8 {
            let (semaphore, inside, mut rng) = (Arc::clone(&semaphore), Arc::clone(&inside), rng.fork());
            set.spawn(async move {
                for _ in 0..8 {
                    let permit = semaphore.acquire().await.unwrap();
                    assert!(inside.fetch_add(1, Ordering::SeqCst) < 2);
                    if rng.below(2) == 0 {
                        yield_now().await;
                    }
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(permit);
                }
            });
        }
        set.join_all().await;
        assert_eq!(semaphore.available_permits(), 2);
    });
}

#[test]
fn waiters_that_are_given_up_leave_the_wake_to_the_others() {
    on_two_workers(|mut rng| async move {
        let semaphore = Arc::new(Semaphore::new(0));
        let mut set = JoinSet::new();
        for _ in 0..8 {
            let (semaphore, mut rng) = (Arc::clone(&semaphore), rng.fork());
            set.spawn(async move {
                loop {
                    let patience = rng.micros(100);
                    select! {
                        permit = semaphore.acquire() => {
                            permit.unwrap().forget();
                            return;
                        }
                        () = sleep(patience) => {}
                    }
                }
            });
        }
        for _ in 0..8 {
            rng.spin(1_000);
            semaphore.add_permits(1);
        }
        set.join_all().await;
        assert_eq!(semaphore.available_permits(), 0);
    });
}

#[test]
fn watch_ends_with_the_last_value_and_broadcast_tells_all_to_each() {
    on_two_workers(|mut rng| async move {
        let (watched, mut watcher) = watch::channel(0);
        let (tx, _) = broadcast::channel(64);
        let mut set = JoinSet::new();
        for _ in 0..3 {
            let mut rx = tx.subscribe();
            set.spawn(async move {
                let mut sum = 0;
                while let Ok(value) = rx.recv().await {
                    sum += value;
                }
                assert_eq!(sum, 1275);
            });
        }
        set.spawn(async move {
            while watcher.changed().await.is_ok() {}
            assert_eq!(*watcher.borrow(), 50);
        });
        for value in 1..=50 {
            rng.spin(50);
            tx.send(value).unwrap();
            watched.send(value).unwrap();
            if rng.below(8) == 0 {
                yield_now().await;
            }
        }
        drop((tx, watched));
        while let Some(joined) = set.join_next().await {
            joined.unwrap();
        }
    });
}

#[test]
fn locks_and_barriers_let_everybody_through() {
    on_two_workers(|_| async move {
        let (mutex, lock, barrier) =
            (Arc::new(runtime::sync::Mutex::new(0)), Arc::new(RwLock::new(0)), Arc::new(Barrier::new(6)));
        let mut set = JoinSet::new();
        for _ in 0..6 {
            let (mutex, lock, barrier) = (Arc::clone(&mutex), Arc::clone(&lock), Arc::clone(&barrier));
            set.spawn(async move {
                for _ in 0..5 {
                    let mut counter = mutex.lock().await;
                    yield_now().await;
                    *counter += 1;
                    drop(counter);
                    *lock.write().await += 1;
                    assert!(*lock.read().await > 0);
                }
                barrier.wait().await;
                assert_eq!(*lock.read().await, 30);
            });
        }
        set.join_all().await;
        assert_eq!(*mutex.lock().await, 30);
    });
}

#[test]
fn a_channel_that_never_runs_dry_yields_when_it_is_made_cooperative() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    for (wrapped, expected) in [(false, 1..=1), (true, 70..=90)] {
        let polls = Tally::default();
        let counter = polls.clone();
        let (tx, mut rx) = mpsc::unbounded_channel();
        (0..10_000).for_each(|number| tx.send(number).unwrap());
        drop(tx);
        let task = runtime.spawn(async move {
            let mut drain = pin!(async move {
                let mut received = 0;
                while let Some(_number) =
                    if wrapped { coop::cooperative(rx.recv()).await } else { rx.recv().await }
                {
                    received += 1;
                }
                received
            });
            poll_fn(|cx| {
                counter.add();
                drain.as_mut().poll(cx)
            })
            .await
        });
        assert_eq!(futures::executor::block_on(task).unwrap(), 10_000);
        assert!(expected.contains(&polls.get()), "{} polls, 128 operations a poll", polls.get());
    }
}

/// Without `cooperative` it would be one poll without end, and the timeout never looked at.
#[test]
fn a_loop_over_channels_that_never_run_dry_ends_by_its_timeout_where_it_is_cooperative() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    async fn round() {
        let (tx, mut rx) = mpsc::channel(4);
        loop {
            tx.send(1).await.unwrap();
            coop::cooperative(rx.recv()).await.unwrap();
        }
    }
    let task =
        runtime.spawn(async { runtime::time::timeout(Duration::from_millis(1), round()).await.is_err() });
    assert!(runtime.block_on(task).unwrap());
}
