//! Timers on the pool.
use parking_lot::Mutex;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use runtime::task::yield_now;
use runtime::time::{
    Duration, Instant, Interval, MissedTickBehavior, Sleep, interval, interval_at, sleep, sleep_until,
    timeout, timeout_at,
};

use crate::support::{
    OnDrop, Rng, Tally, WakeCount, child, count, live_bytes, pool, until, until_no_tasks, watchdog,
};

/// Longer than any test.
const HOUR: Duration = Duration::from_secs(3600);

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn poll_here<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// Runs the same on a worker, in `block_on` of a pool, in `block_on` of a runtime without workers, and with no runtime.
fn everywhere<F: Future<Output = ()> + Send + 'static>(test: impl Fn() -> F) {
    let runtime = pool(2);
    runtime.block_on(runtime.spawn(test())).unwrap();
    runtime.block_on(test());
    runtime::Builder::new_current_thread().build().unwrap().block_on(test());
    runtime::block_on(test());
}

// M1
#[test]
fn a_sleep_of_zero_or_into_the_past_is_ready_at_its_first_poll() {
    let _watchdog = watchdog();
    everywhere(|| async {
        assert!(poll_here(pin!(sleep(Duration::ZERO))).await.is_ready());
        assert!(poll_here(pin!(sleep_until(Instant::now()))).await.is_ready());
        let past = Instant::now() - Duration::from_millis(1);
        assert!(poll_here(pin!(sleep_until(past))).await.is_ready());
        // A timeout lets its future have a try all the same.
        assert_eq!(timeout(Duration::ZERO, async { 7 }).await, Ok(7));
        assert_eq!(timeout_at(past, async { 7 }).await, Ok(7));
        assert!(timeout(Duration::ZERO, std::future::pending::<()>()).await.is_err());
    });
}

// M2
#[test]
fn the_longest_durations_neither_panic_nor_fire() {
    let _watchdog = watchdog();
    everywhere(|| async {
        let mut never = pin!(sleep(Duration::MAX));
        let mut nearly = pin!(sleep(Duration::MAX - Duration::from_nanos(1)));
        let mut years = pin!(sleep(Duration::from_secs(u64::from(u32::MAX) * 1_000)));
        let mut limited = pin!(timeout(Duration::MAX, std::future::pending::<()>()));
        for _ in 0..3 {
            assert!(poll_here(never.as_mut()).await.is_pending());
            assert!(poll_here(nearly.as_mut()).await.is_pending());
            assert!(poll_here(years.as_mut()).await.is_pending());
            assert!(poll_here(limited.as_mut()).await.is_pending());
            sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(timeout(Duration::MAX, async { 7 }).await, Ok(7));
        // The same entry is of use again.
        let soon = Instant::now() + Duration::from_millis(1);
        never.as_mut().reset(soon);
        never.await;
        assert!(Instant::now() >= soon);
        let mut ticks = interval(Duration::MAX);
        ticks.tick().await;
        let mut tick = pin!(ticks.tick());
        assert!(poll_here(tick.as_mut()).await.is_pending());
    });
}

// M4: that none is early; that they are not late is shown by the latency tests.
#[test]
fn random_sleeps_on_many_tasks_are_never_early() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let runtime = pool(2);
    let sleepers: Vec<_> = (0..count(5_000, 100_000))
        .map(|_| {
            let duration = rng.micros(50_000);
            runtime.spawn(async move {
                let began = Instant::now();
                sleep(duration).await;
                let slept = began.elapsed();
                assert!(slept >= duration, "{slept:?} of {duration:?}");
            })
        })
        .collect();
    runtime.block_on(async {
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
    });
    assert_eq!(runtime.metrics().timers, 0);
}

/// Passes wakes on, and counts them.
struct Counted {
    wakes: Arc<AtomicUsize>,
    inner: Waker,
}

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
        self.inner.wake_by_ref();
    }
}

/// Polls `sleep` with a waker that counts.
async fn counted(mut sleep: Pin<&mut Sleep>, wakes: &Arc<AtomicUsize>) {
    poll_fn(|cx| {
        let counted = Counted { wakes: Arc::clone(wakes), inner: cx.waker().clone() };
        sleep.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::new(counted))))
    })
    .await;
}

// M6
#[test]
fn a_sleep_reset_earlier_later_into_the_past_and_after_it_fired_fires_once_an_arm() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let runtime = pool(2);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let mut rng = rng.fork();
            runtime.spawn(async move {
                let wakes = Arc::new(AtomicUsize::new(0));
                let mut timer = pin!(sleep(Duration::from_millis(1)));
                for _ in 0..count(200, 50_000) {
                    let before = wakes.load(Ordering::SeqCst);
                    let mut armed = 0;
                    for _ in 0..1 + rng.below(3) {
                        let now = Instant::now();
                        let deadline = match rng.below(4) {
                            0 => now + rng.micros(1_000),
                            1 => now + Duration::from_millis(2) + rng.micros(1_000),
                            2 => now - rng.micros(1_000),
                            _ => now + HOUR,
                        };
                        timer.as_mut().reset(deadline);
                        assert_eq!(timer.deadline(), deadline);
                        let mut once = pin!(counted(timer.as_mut(), &wakes));
                        if poll_here(once.as_mut()).await.is_pending() {
                            armed += 1;
                        }
                    }
                    if timer.deadline() > Instant::now() + HOUR / 2 {
                        timer.as_mut().reset(Instant::now() + rng.micros(1_000));
                    }
                    let deadline = timer.deadline();
                    counted(timer.as_mut(), &wakes).await;
                    assert!(Instant::now() >= deadline, "early");
                    assert!(timer.is_elapsed());
                    let fired = wakes.load(Ordering::SeqCst) - before;
                    assert!(fired <= armed + 1, "{fired} wakes for {} arms", armed + 1);
                }
            })
        })
        .collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(runtime.metrics().timers, 0);
}

// M7
#[test]
fn a_sleep_dropped_while_it_fires_wakes_at_most_once() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let runtime = pool(2);
    let handle = runtime.handle().clone();
    let _entered = handle.enter();
    for _ in 0..count(100, 10_000) {
        let wakes: Vec<_> = (0..16)
            .map(|_| {
                let (wakes, waker) = WakeCount::new();
                let mut timer = Box::pin(sleep(Duration::from_micros(500) + rng.micros(1_000)));
                let pending = timer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
                (wakes, pending.then_some(timer))
            })
            .collect();
        // About when they fire, on this thread while a worker fires them.
        let until = Instant::now() + Duration::from_micros(500) + rng.micros(1_500);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        for (count, timer) in wakes {
            drop(timer);
            let dropped_at = count.get();
            assert!(dropped_at <= 1, "{dropped_at} wakes");
            // A wake under way may still come; its waker is let go of then.
            until_let_go(&count);
            assert!(count.get() <= 1);
        }
    }
    until(|| runtime.metrics().timers == 0);
}

fn until_let_go(count: &Arc<WakeCount>) {
    until(|| Arc::strong_count(count) == 1);
}

// M9
#[test]
fn a_sleep_outlives_the_runtime_that_it_was_polled_in() {
    let _watchdog = watchdog();
    let second = pool(1);
    for _ in 0..count(50, 1_000) {
        let first = pool(1);
        let (hand_over, handed) = mpsc::channel();
        let deadline = Instant::now() + Duration::from_millis(5);
        drop(first.spawn(async move {
            let mut timer = Box::pin(sleep_until(deadline));
            assert!(poll_here(timer.as_mut()).await.is_pending() || deadline <= Instant::now());
            hand_over.send(timer).unwrap();
        }));
        let timer = handed.recv().unwrap();
        let waiting = second.spawn(async move {
            timer.await;
            assert!(Instant::now() >= deadline);
        });
        second.block_on(yield_now());
        drop(first);
        second.block_on(waiting).unwrap();
    }
}

// M9
#[test]
fn a_sleep_waited_for_elsewhere_while_its_runtime_goes_still_fires() {
    let _watchdog = watchdog();
    for _ in 0..count(50, 1_000) {
        let runtime = pool(1);
        let deadline = Instant::now() + Duration::from_millis(3);
        // Registered with the runtime, but waited for by a thread that is not the runtime's.
        let timer = runtime.block_on(async {
            let mut timer = Box::pin(sleep_until(deadline));
            let _ = poll_here(timer.as_mut()).await;
            timer
        });
        let elsewhere = thread::spawn(move || futures::executor::block_on(timer));
        drop(runtime);
        elsewhere.join().unwrap();
        assert!(Instant::now() >= deadline);
    }
}

// M9
#[test]
fn a_sleep_is_dropped_in_peace_wherever_and_whenever() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let timers: Vec<_> = runtime.block_on(async {
        let mut timers = Vec::new();
        for index in 0..300 {
            let duration = if index % 3 == 0 { Duration::from_millis(1) } else { HOUR };
            let mut timer = Box::pin(sleep(duration));
            let _ = poll_here(timer.as_mut()).await;
            timers.push(timer);
        }
        timers
    });
    let mut timers = timers.into_iter();
    // On a plain thread, in another runtime, and after its own is gone.
    let some: Vec<_> = timers.by_ref().take(100).collect();
    thread::spawn(move || drop(some)).join().unwrap();
    let some: Vec<_> = timers.by_ref().take(100).collect();
    let other = pool(1);
    other.block_on(other.spawn(async move { drop(some) })).unwrap();
    drop(runtime);
    drop(timers);
}

// M9
#[test]
fn timers_work_with_no_runtime_at_all() {
    let _watchdog = watchdog();
    futures::executor::block_on(async {
        let began = Instant::now();
        sleep(Duration::from_millis(2)).await;
        assert!(began.elapsed() >= Duration::from_millis(2));
        assert!(timeout(Duration::from_millis(2), std::future::pending::<()>()).await.is_err());
    });
    // Inside a closure of the blocking pool, too, whose runtime drives them.
    let runtime = pool(1);
    runtime
        .block_on(runtime.spawn_blocking(|| futures::executor::block_on(sleep(Duration::from_millis(2)))))
        .unwrap();
}

/// Takes a tick, is then late for the next ones by at least `late`, and returns when it asked again.
async fn be_late(ticks: &mut Interval, late: Duration) -> Instant {
    ticks.tick().await;
    // Lateness is what is tested: nothing is waited for here.
    thread::sleep(late);
    Instant::now()
}

const PERIOD: Duration = Duration::from_millis(20);

// M12
#[test]
fn burst_makes_up_for_every_missed_tick() {
    let _watchdog = watchdog();
    everywhere(|| async {
        for periods in 1..4_u32 {
            let start = Instant::now();
            let mut ticks = interval_at(start, PERIOD);
            assert_eq!(ticks.missed_tick_behavior(), MissedTickBehavior::Burst);
            be_late(&mut ticks, PERIOD * periods + PERIOD / 2).await;
            for k in 1..=periods + 2 {
                assert_eq!(ticks.tick().await, start + PERIOD * k);
            }
        }
    });
}

// M12
#[test]
fn delay_counts_from_when_the_late_tick_was_taken() {
    let _watchdog = watchdog();
    everywhere(|| async {
        for periods in 1..4_u32 {
            let start = Instant::now();
            let mut ticks = interval_at(start, PERIOD);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let asked = be_late(&mut ticks, PERIOD * periods + PERIOD / 2).await;
            assert_eq!(ticks.tick().await, start + PERIOD, "the late one says when it was due");
            let taken = Instant::now();
            let next = ticks.tick().await;
            assert!(next >= asked + PERIOD && next <= taken + PERIOD, "{:?}", next - asked);
        }
    });
}

// M12
#[test]
fn skip_stays_on_the_grid() {
    let _watchdog = watchdog();
    everywhere(|| async {
        for periods in 1..4_u32 {
            let start = Instant::now();
            let mut ticks = interval_at(start, PERIOD);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let asked = be_late(&mut ticks, PERIOD * periods + PERIOD / 2).await;
            assert_eq!(ticks.tick().await, start + PERIOD);
            let taken = Instant::now();
            let next = ticks.tick().await;
            let since = next - start;
            assert_eq!(since.as_nanos() % PERIOD.as_nanos(), 0, "{since:?}");
            assert!(next > asked && next <= taken + PERIOD, "the first one that is still to come");
        }
    });
}

// M14
#[test]
fn a_wake_that_drops_other_timers_is_harmless() {
    let _watchdog = watchdog();
    struct Dropper(Mutex<Vec<Pin<Box<Sleep>>>>, Tally);
    impl Wake for Dropper {
        fn wake(self: Arc<Self>) {
            self.1.add();
            let timers = std::mem::take(&mut *self.0.lock());
            drop(timers);
        }
    }
    // One whose time a thread in `block_on` keeps, and no runtime at all: then the process's own thread does.
    let sole = Arc::new(runtime::Builder::new_current_thread().build().unwrap());
    let (stop, stopped) = futures::channel::oneshot::channel::<()>();
    let keeps = {
        let sole = Arc::clone(&sole);
        thread::spawn(move || sole.block_on(stopped).unwrap())
    };
    let pool = pool(2);
    let wakes = Tally::default();
    for runtime in [Some(&pool), Some(&*sole), None] {
        for _ in 0..count(20, 1_000) {
            let woken = wakes.get();
            let _entered = runtime.map(runtime::Runtime::enter);
            let deadline = Instant::now() + Duration::from_millis(2);
            // All due in the same tick, and in the ticks beside it: some are in the batch that is being fired.
            let others: Vec<_> = (0..100)
                .map(|index| {
                    let mut timer = Box::pin(sleep_until(deadline + Duration::from_micros(index * 20)));
                    let _ = poll_once(timer.as_mut());
                    timer
                })
                .collect();
            let dropper = Arc::new(Dropper(Mutex::new(others), wakes.clone()));
            let mut timer = Box::pin(sleep_until(deadline));
            let polled = timer.as_mut().poll(&mut Context::from_waker(&Waker::from(dropper)));
            until(|| polled.is_ready() || wakes.get() > woken);
        }
        until(|| runtime.is_none_or(|runtime| runtime.metrics().timers == 0));
    }
    stop.send(()).unwrap();
    keeps.join().unwrap();
}

// M15
#[test]
fn timeouts_made_and_cancelled_across_workers_give_all_memory_back() {
    let _watchdog = watchdog();
    child::run("timers::timeouts_made_and_cancelled_across_workers_give_all_memory_back", || {
        let runtime = pool(4);
        let rounds = |total: usize| {
            let tasks: Vec<_> = (0..100)
                .map(|_| {
                    runtime.spawn(async move {
                        for _ in 0..total / 100 {
                            // Pending once, and moved to another worker perhaps: registered here, cancelled there.
                            let ready = async {
                                yield_now().await;
                                yield_now().await;
                            };
                            timeout(HOUR, ready).await.unwrap();
                        }
                    })
                })
                .collect();
            runtime.block_on(async {
                for task in tasks {
                    task.await.unwrap();
                }
            });
            until_no_tasks(&runtime);
            assert_eq!(runtime.metrics().timers, 0);
            live_bytes()
        };
        let baseline = rounds(count(10_000, 100_000));
        let after = rounds(count(100_000, 1_000_000));
        assert!(after - baseline < 64 << 10, "{} bytes kept", after - baseline);
    });
}

#[test]
fn a_timer_registered_from_outside_wakes_a_parked_driver_in_time() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    // The only worker is parked in the driver for an hour; the entry comes from a thread that merely entered.
    let long = runtime.spawn(sleep(HOUR));
    until(|| runtime.metrics().timers == 1);
    for _ in 0..50 {
        let (wakes, waker) = WakeCount::new();
        let _entered = runtime.enter();
        let mut timer = Box::pin(sleep(Duration::from_millis(1)));
        if timer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            until(|| wakes.get() == 1);
        }
    }
    long.abort();
}

#[test]
fn a_future_dropped_by_its_timeout_is_dropped_once() {
    let _watchdog = watchdog();
    everywhere(|| async {
        let dropped = Tally::default();
        let counter = dropped.clone();
        let guard = OnDrop::new(move || {
            counter.add();
        });
        let late = async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        };
        assert!(timeout(Duration::from_millis(1), late).await.is_err());
        assert_eq!(dropped.get(), 1);
    });
}

/// Its deadline stays the one that is waited for; when it has passed nobody looks at it again.
#[test]
fn a_timer_that_was_cancelled_costs_one_wake_up_at_most() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let parks = || runtime.metrics().workers.iter().map(|worker| worker.parks).sum::<u64>();
    for _ in 0..5 {
        let deadline = Instant::now() + Duration::from_millis(30);
        let cancelled = runtime.spawn(timeout_at(deadline, sleep(Duration::from_millis(1))));
        assert!(futures::executor::block_on(cancelled).unwrap().is_ok());
        let before = parks();
        // Nothing is waited for here: this is how long they are watched.
        let (nobody, tells) = mpsc::channel::<()>();
        assert!(tells.recv_timeout(Duration::from_millis(200)).is_err());
        drop(nobody);
        let parked = parks() - before;
        assert!(parked < 20, "an idle pool parked {parked} times");
    }
    // Where no supervisor would see it.
    let sole = runtime::Builder::new_current_thread().build().unwrap();
    let (wake, waits) = futures::channel::oneshot::channel();
    let watched = thread::spawn(|| {
        let (nobody, tells) = mpsc::channel::<()>();
        assert!(tells.recv_timeout(Duration::from_millis(200)).is_err());
        drop(nobody);
        wake.send(()).unwrap();
    });
    sole.block_on(async {
        timeout(Duration::from_millis(30), sleep(Duration::from_millis(1))).await.unwrap();
        let before = sole.metrics().guest.turns;
        waits.await.unwrap();
        let turned = sole.metrics().guest.turns - before;
        assert!(turned < 20, "it turned {turned} times");
    });
    watched.join().unwrap();
}
