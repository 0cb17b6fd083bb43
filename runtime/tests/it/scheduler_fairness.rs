//! No task waits for ever behind others. Polls are counted, not time: these runtimes have one worker.
use parking_lot::Mutex;
use std::future::{Future, poll_fn};
use std::io::Write as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use runtime::net::UnixStream;
use runtime::task::yield_now;

use crate::support::{count, pool_without_spares, until, until_no_tasks, watchdog};

/// What the runtime looks after every so many polls, by default.
const INTERVAL: usize = 61;
/// Tasks from the LIFO slot in a row, at most.
const LIFO_CAP: usize = 3;

/// Wakes itself at each poll, and counts them.
struct SelfWaker {
    polls: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Future for SelfWaker {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        if self.stop.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Polls of `self_wakers` tasks that go by until a task spawned from outside, ten times, is polled.
fn polls_before_a_probe(self_wakers: usize) -> Vec<usize> {
    let runtime = pool_without_spares(1);
    let (polls, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    for _ in 0..self_wakers {
        drop(runtime.spawn(SelfWaker { polls: Arc::clone(&polls), stop: Arc::clone(&stop) }));
    }
    let (tx, rx) = mpsc::channel();
    let (handle, counter) = (runtime.handle().clone(), Arc::clone(&polls));
    let spawner = runtime.spawn(async move {
        // Not before all of them are there.
        while counter.load(Ordering::Relaxed) < 10 * self_wakers {
            yield_now().await;
        }
        // Nor before each has been polled: who came first may have been so many times.
        for _ in 0..2 {
            yield_now().await;
        }
        let mut waits = Vec::new();
        for _ in 0..10 {
            let (handle, polls) = (handle.clone(), Arc::clone(&counter));
            // Spawned by a thread outside while this one, the only worker, stands still: the counter does too.
            let probe = thread::spawn(move || {
                let before = polls.load(Ordering::Relaxed);
                handle.spawn(async move { polls.load(Ordering::Relaxed) - before })
            })
            .join()
            .unwrap();
            waits.push(probe.await.unwrap());
        }
        tx.send(waits).unwrap();
    });
    let waits = rx.recv().unwrap();
    stop.store(true, Ordering::Relaxed);
    drop(spawner);
    until_no_tasks(&runtime);
    waits
}

// S2
#[test]
fn among_a_thousand_self_wakers_a_probe_waits_at_most_two_rounds() {
    let _watchdog = watchdog();
    let waits = polls_before_a_probe(1_000);
    assert!(waits.iter().all(|wait| *wait <= 2_000), "{waits:?}");
}

// S2
#[test]
fn the_injector_is_looked_at_within_one_interval() {
    let _watchdog = watchdog();
    // One self-waker and the spawner itself: what is taken from the injector has at most these two before it.
    let waits = polls_before_a_probe(1);
    assert!(waits.iter().all(|wait| *wait <= INTERVAL + 2), "{waits:?}");
}

// S2
#[test]
fn who_comes_from_outside_is_next_where_nobody_else_came() {
    let _watchdog = watchdog();
    for self_wakers in [1, 4, 30, 200] {
        let waits = polls_before_a_probe(self_wakers);
        // The spawner's own poll, in which it was spawned, is over; then the worker looks.
        assert!(waits.iter().all(|wait| *wait <= 1), "{self_wakers}: {waits:?}");
    }
}

// S7
#[test]
fn who_come_from_one_thread_outside_are_polled_in_order_beside_self_wakers() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    let (polls, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    for _ in 0..4 {
        drop(runtime.spawn(SelfWaker { polls: Arc::clone(&polls), stop: Arc::clone(&stop) }));
    }
    let order = Arc::new(Mutex::new(Vec::new()));
    let items = count(20_000, 1_000_000);
    for index in 0..items {
        let order = Arc::clone(&order);
        drop(runtime.spawn(async move { order.lock().push(index) }));
        // By ones, and by crowds.
        if index / 64 % 2 == 0 {
            thread::yield_now();
        }
    }
    until(|| order.lock().len() == items);
    stop.store(true, Ordering::Relaxed);
    assert!(order.lock().iter().copied().eq(0..items));
    until_no_tasks(&runtime);
}

/// A slot for a waker and a flag to be woken for.
#[derive(Default)]
struct Seat {
    waker: Mutex<Option<Waker>>,
    called: AtomicBool,
}

impl Seat {
    fn call(&self) {
        self.called.store(true, Ordering::Relaxed);
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn wait(&self) {
        poll_fn(|cx| {
            if self.called.swap(false, Ordering::Relaxed) {
                return Poll::Ready(());
            }
            *self.waker.lock() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

// S3
#[test]
fn a_pair_that_plays_ping_pong_through_the_lifo_slot_lets_a_victim_run() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    let seats: Arc<[Seat; 3]> = Arc::default();
    let turns = Arc::new(AtomicUsize::new(0));
    let called_at = Arc::new(AtomicUsize::new(0));
    let (tx, rx) = mpsc::channel();
    let rounds = 1_000;

    // Each wakes the other: always through the LIFO slot.
    let pair = [0, 1].map(|me| {
        let (seats, turns, called_at) = (Arc::clone(&seats), Arc::clone(&turns), Arc::clone(&called_at));
        runtime.spawn(async move {
            for round in 0..rounds * 10 {
                seats[me].wait().await;
                let turn = turns.fetch_add(1, Ordering::Relaxed) + 1;
                if me == 0 && round % 10 == 0 {
                    called_at.store(turn, Ordering::Relaxed);
                    // First the victim, whom the partner then pushes out of the LIFO slot.
                    seats[2].call();
                }
                seats[1 - me].call();
            }
        })
    });
    let (victim_seats, victim_turns) = (Arc::clone(&seats), Arc::clone(&turns));
    let victim = runtime.spawn(async move {
        let mut waits = Vec::new();
        for _ in 0..rounds {
            victim_seats[2].wait().await;
            waits.push(victim_turns.load(Ordering::Relaxed) - called_at.load(Ordering::Relaxed));
        }
        tx.send(waits).unwrap();
    });
    // Not through `block_on`: that thread must not take part.
    drop(runtime.spawn(async move { seats[0].call() }));
    let waits = rx.recv().unwrap();
    assert!(waits.iter().all(|wait| *wait <= LIFO_CAP + 1), "{:?}", waits.iter().max());
    drop((pair, victim));
    until_no_tasks(&runtime);
}

// S8
#[test]
fn beside_a_hot_yielder_a_ready_socket_is_served_within_one_event_interval() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    let (theirs, ours) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let polls = Arc::new(AtomicUsize::new(0));
    let written_at = Arc::new(AtomicUsize::new(0));
    let (tx, rx) = mpsc::channel();
    let rounds = 50;

    let (served, counter, written) = (Arc::clone(&stop), Arc::clone(&polls), Arc::clone(&written_at));
    let reader = runtime.spawn(async move {
        let mut ours = UnixStream::from_std(ours).unwrap();
        let mut waits = Vec::new();
        for _ in 0..rounds {
            let n = ours.read(&mut [0; 8]).await.unwrap();
            assert_eq!(n, 1);
            waits.push(counter.load(Ordering::Relaxed) - written.swap(0, Ordering::Relaxed));
        }
        served.store(true, Ordering::Relaxed);
        tx.send(waits).unwrap();
    });
    let mut theirs = theirs;
    let yielder = runtime.spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            // A poll of some length: the least time between two looks is bounded by the clock as well.
            let began = Instant::now();
            while began.elapsed() < Duration::from_micros(2) {
                std::hint::spin_loop();
            }
            let poll = polls.fetch_add(1, Ordering::Relaxed) + 1;
            // Written inside a poll of the only worker: nobody looks at the socket in this very moment.
            if poll.is_multiple_of(200) && written_at.load(Ordering::Relaxed) == 0 {
                written_at.store(poll, Ordering::Relaxed);
                theirs.write_all(&[1]).unwrap();
            }
            yield_now().await;
        }
    });
    let waits = rx.recv().unwrap();
    assert!(waits.iter().all(|wait| *wait <= INTERVAL + 2), "{waits:?}");
    drop((reader, yielder));
    until_no_tasks(&runtime);
}

#[test]
fn a_task_whose_operations_are_always_ready_gives_way_to_its_neighbours() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    // Joins finished tasks and sleeps for no time, without ever being pending by itself: the budget makes it pending.
    let greedy = runtime.spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            runtime::time::sleep(Duration::ZERO).await;
        }
    });
    let neighbour = runtime.spawn(async move { stop.store(true, Ordering::Relaxed) });
    runtime.block_on(async { (greedy.await.unwrap(), neighbour.await.unwrap()) });
}

/// Polls by anybody of a group so far.
type Clock = Arc<AtomicUsize>;

/// Polls that go by between its wake and its poll, at most, of a task among `crowd` others that are always ready and wake each
/// other in all ways: itself, its successor (by the LIFO slot), or two others at once and then none.
fn longest_wait_in_a_crowd(crowd: usize) -> usize {
    let runtime = pool_without_spares(1);
    let seats: Arc<Vec<Seat>> = Arc::new((0..=crowd).map(|_| Seat::default()).collect());
    let (clock, longest) = (Clock::default(), Arc::new(AtomicUsize::new(0)));
    let woken_at: Arc<Vec<AtomicUsize>> = Arc::new((0..=crowd).map(|_| AtomicUsize::new(0)).collect());
    let stop = Arc::new(AtomicBool::new(false));
    let call = {
        let (seats, woken_at, clock) = (Arc::clone(&seats), Arc::clone(&woken_at), Arc::clone(&clock));
        move |who: usize| {
            if !seats[who].called.load(Ordering::Relaxed) {
                woken_at[who].store(clock.load(Ordering::Relaxed), Ordering::Relaxed);
                seats[who].call();
            }
        }
    };
    for me in 0..crowd {
        let (seats, woken_at, clock) = (Arc::clone(&seats), Arc::clone(&woken_at), Arc::clone(&clock));
        let (longest, stop, call) = (Arc::clone(&longest), Arc::clone(&stop), call.clone());
        drop(runtime.spawn(async move {
            for round in 0.. {
                seats[me].wait().await;
                let now = clock.fetch_add(1, Ordering::Relaxed) + 1;
                if now > 20 * crowd {
                    longest.fetch_max(now - woken_at[me].load(Ordering::Relaxed), Ordering::Relaxed);
                }
                if stop.load(Ordering::Relaxed) {
                    // The end is passed on.
                    (0..crowd).for_each(&call);
                    return;
                }
                match (me + round) % 3 {
                    0 => {
                        call(me);
                        yield_now().await;
                    }
                    1 => {
                        call((me + 1) % crowd);
                        call((me + crowd / 2) % crowd);
                        call(me);
                        yield_now().await;
                    }
                    _ => call((me + crowd - 1) % crowd),
                }
            }
        }));
    }
    let starter = call.clone();
    drop(runtime.spawn(async move { (0..crowd).for_each(starter) }));
    until(|| clock.load(Ordering::Relaxed) > 60 * crowd);
    stop.store(true, Ordering::Relaxed);
    until_no_tasks(&runtime);
    longest.load(Ordering::Relaxed)
}

// S2: the queue is never full; then it always is, and the injector behind it.
#[test]
fn a_ready_task_waits_four_rounds_at_most_whoever_wakes_whom() {
    let _watchdog = watchdog();
    for crowd in [10, 200, 300, 1_000, 3_000] {
        let longest = longest_wait_in_a_crowd(crowd);
        println!("{crowd} tasks: {longest} polls");
        assert!(longest <= bound(crowd), "{longest} polls among {crowd}");
    }
}

/// `docs/fairness.md`: most polls before that of a task which is ready, among so many on one worker.
fn bound(tasks: usize) -> usize {
    const CAPACITY: usize = 256;
    const BATCH: usize = 15;
    let queue = |tasks: usize| (LIFO_CAP + 1) * tasks;
    if tasks <= CAPACITY {
        queue(tasks)
    } else {
        INTERVAL * tasks.div_ceil(BATCH) + queue(CAPACITY + BATCH + 1)
    }
}

/// Half of the queue is made ready behind the other half, again and again. What waits in front must not be moved behind them.
// S2
#[test]
fn a_burst_that_fills_the_queue_never_puts_back_what_waits_there() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    let clock = Clock::default();
    let stop = Arc::new(AtomicBool::new(false));
    let (tx, rx) = mpsc::channel();
    let (burst, counter, stopped) = (200, Arc::clone(&clock), Arc::clone(&stop));
    // Each of its polls makes as many tasks ready as were polled since the last, give or take.
    let bursts = runtime.spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            for _ in 0..burst {
                let counter = Arc::clone(&counter);
                drop(runtime::spawn(async move {
                    for _ in 0..3 {
                        counter.fetch_add(1, Ordering::Relaxed);
                        yield_now().await;
                    }
                }));
            }
            // Not before the crowd is small enough: the number of tasks is bounded.
            let until = counter.load(Ordering::Relaxed) + 3 * burst;
            while counter.load(Ordering::Relaxed) < until && !stopped.load(Ordering::Relaxed) {
                yield_now().await;
            }
        }
    });
    let (counter, stopped) = (Arc::clone(&clock), Arc::clone(&stop));
    let probe = runtime.spawn(async move {
        let mut longest = 0;
        for _ in 0..200 {
            let before = counter.load(Ordering::Relaxed);
            yield_now().await;
            longest = longest.max(counter.load(Ordering::Relaxed) - before);
        }
        stopped.store(true, Ordering::Relaxed);
        tx.send(longest).unwrap();
    });
    let longest = rx.recv().unwrap();
    // At most two bursts are there at a time.
    assert!(longest <= bound(2 * burst), "{longest}");
    drop((bursts, probe));
    until_no_tasks(&runtime);
}

// S2: nobody stands in for a guest, and a worker that has enough to do does not steal.
#[test]
fn what_a_blocked_guest_has_queued_is_run_by_workers_that_are_never_out_of_work() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let runtime = pool_without_spares(workers);
        let stop = Arc::new(AtomicBool::new(false));
        let polls = Arc::new(AtomicUsize::new(0));
        for _ in 0..4 * workers {
            drop(runtime.spawn(SelfWaker { polls: Arc::clone(&polls), stop: Arc::clone(&stop) }));
        }
        until(|| polls.load(Ordering::Relaxed) > 1_000);
        runtime.block_on(async {
            for tasks in [1, 2, 100, 1_000] {
                let (tx, rx) = mpsc::channel();
                for n in 0..tasks {
                    let tx = tx.clone();
                    drop(runtime::spawn(async move { tx.send(n).unwrap() }));
                }
                drop(tx);
                // Blocks the guest until all have run.
                assert_eq!(rx.iter().count(), tasks);
            }
        });
        stop.store(true, Ordering::Relaxed);
        until_no_tasks(&runtime);
    }
}

// S3
#[test]
fn a_ping_pong_pair_and_a_self_waker_let_the_injector_in_within_one_interval() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    let (stop, polls) = (Arc::new(AtomicBool::new(false)), Clock::default());
    let seats: Arc<[Seat; 2]> = Arc::default();
    drop(runtime.spawn(SelfWaker { polls: Arc::clone(&polls), stop: Arc::clone(&stop) }));
    for me in [0, 1] {
        let (seats, stop, polls) = (Arc::clone(&seats), Arc::clone(&stop), Arc::clone(&polls));
        drop(runtime.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                seats[me].wait().await;
                polls.fetch_add(1, Ordering::Relaxed);
                seats[1 - me].call();
            }
            seats[1 - me].call();
        }));
    }
    seats[0].call();
    until(|| polls.load(Ordering::Relaxed) > 1_000);
    for _ in 0..20 {
        let (handle, counter) = (runtime.handle().clone(), Arc::clone(&polls));
        // Inside a poll of the one worker nobody polls: what the spawner reads is what it was when it spawned.
        let spawner = runtime.spawn(async move {
            let probe = thread::spawn(move || {
                let before = counter.load(Ordering::Relaxed);
                handle.spawn(async move { counter.load(Ordering::Relaxed) - before })
            });
            probe.join().unwrap().await.unwrap()
        });
        let wait = runtime.block_on(spawner).unwrap();
        // In the own queue: the self-waker and one of the pair, each after three others at most.
        assert!(wait <= INTERVAL + 3 * (LIFO_CAP + 1), "{wait}");
    }
    stop.store(true, Ordering::Relaxed);
    until_no_tasks(&runtime);
}

/// The wait in polls of `self_wakers`, of a probe from another thread and of a timer that is due, in a runtime without workers.
// S2
#[test]
fn in_a_current_thread_runtime_a_remote_spawn_and_a_root_wait_as_long_as_the_interval_and_the_queue() {
    let _watchdog = watchdog();
    let runtime = runtime::Builder::new_current_thread().build().unwrap();
    let self_wakers = 10;
    let (stop, polls) = (Arc::new(AtomicBool::new(false)), Clock::default());
    let handle = runtime.handle().clone();
    runtime.block_on(async {
        for _ in 0..self_wakers {
            drop(runtime::spawn(SelfWaker { polls: Arc::clone(&polls), stop: Arc::clone(&stop) }));
        }
        for _ in 0..20 {
            // A root that is ready takes turns with the tasks, one by one.
            let before = polls.load(Ordering::Relaxed);
            yield_now().await;
            assert!(polls.load(Ordering::Relaxed) - before <= 1);
            let (handle, counter) = (handle.clone(), Arc::clone(&polls));
            let probe = thread::spawn(move || {
                let before = counter.load(Ordering::Relaxed);
                handle.spawn(async move { counter.load(Ordering::Relaxed) - before })
            })
            .join()
            .unwrap();
            let wait = probe.await.unwrap();
            assert!(wait <= INTERVAL + self_wakers, "{wait}");
        }
        stop.store(true, Ordering::Relaxed);
    });
}

// S8
#[test]
fn beside_hot_yielders_a_due_timer_fires_within_one_event_interval_and_a_round() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    let (stop, polls) = (Arc::new(AtomicBool::new(false)), Clock::default());
    let due_at = Arc::new(AtomicUsize::new(0));
    let yielders = 10;
    let deadline = Arc::new(Mutex::new(Instant::now()));
    for me in 0..yielders {
        let (stop, polls) = (Arc::clone(&stop), Arc::clone(&polls));
        let (due_at, deadline) = (Arc::clone(&due_at), Arc::clone(&deadline));
        drop(runtime.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                // 61 of these take longer than what must lie between two looks of a busy worker.
                while began.elapsed() < Duration::from_micros(2) {
                    std::hint::spin_loop();
                }
                let poll = polls.fetch_add(1, Ordering::Relaxed) + 1;
                // A tick of the wheel behind the deadline it is due for certain.
                let is_asked = me == 0 && due_at.load(Ordering::Relaxed) == 0;
                if is_asked && Instant::now() > *deadline.lock() + Duration::from_millis(2) {
                    due_at.store(poll, Ordering::Relaxed);
                }
                yield_now().await;
            }
        }));
    }
    let timer = runtime.spawn(async move {
        let mut waits = Vec::new();
        for _ in 0..20 {
            let when = Instant::now() + Duration::from_millis(1);
            *deadline.lock() = when;
            due_at.store(0, Ordering::Relaxed);
            runtime::time::sleep_until(when.into()).await;
            // Nobody had seen it due: that is no wait.
            let due = due_at.swap(usize::MAX, Ordering::Relaxed);
            if due != 0 {
                waits.push(polls.load(Ordering::Relaxed) - due);
            }
        }
        stop.store(true, Ordering::Relaxed);
        waits
    });
    // Not in the runtime's own `block_on`, whose thread would wait in the driver, and for the operating system to let it run.
    let waits = futures::executor::block_on(timer).unwrap();
    assert!(waits.iter().all(|wait| *wait <= INTERVAL + yielders), "{waits:?}");
    until_no_tasks(&runtime);
}

#[test]
fn in_a_set_of_local_tasks_a_task_waits_for_each_other_once_and_the_set_gives_way_after_61() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    let outside = Clock::default();
    let (stop, counter) = (Arc::new(AtomicBool::new(false)), Arc::clone(&outside));
    let neighbour = runtime.spawn(SelfWaker { polls: counter, stop: Arc::clone(&stop) });
    let tasks = 200;
    let set = runtime::task::LocalSet::new();
    let (inside, inner_stop) = (Clock::default(), Arc::new(AtomicBool::new(false)));
    for _ in 0..tasks {
        drop(set.spawn_local(SelfWaker { polls: Arc::clone(&inside), stop: Arc::clone(&inner_stop) }));
    }
    let probe = set.spawn_local(async move {
        let mut longest = (0, 0);
        for _ in 0..50 {
            let before = inside.load(Ordering::Relaxed);
            yield_now().await;
            longest.0 = longest.0.max(inside.load(Ordering::Relaxed) - before);
        }
        longest.1 = inside.load(Ordering::Relaxed);
        inner_stop.store(true, Ordering::Relaxed);
        longest
    });
    let (longest, inside) = runtime.block_on(set.run_until(probe)).unwrap();
    assert!(longest <= tasks, "{longest}");
    assert!(inside >= 50 * tasks);
    stop.store(true, Ordering::Relaxed);
    runtime.block_on(neighbour).unwrap();
}

#[test]
fn who_awaits_many_tasks_is_polled_once_for_several_and_eight_go_first_at_most() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    let seen = runtime.block_on(runtime.spawn(async {
        const TASKS: usize = 100;
        let ran = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..TASKS)
            .map(|number| {
                let ran = Arc::clone(&ran);
                runtime::spawn(async move {
                    ran.fetch_add(1, Ordering::Relaxed);
                    number
                })
            })
            .collect();
        let mut all = std::pin::pin!(async {
            for (number, task) in tasks.into_iter().enumerate() {
                assert_eq!(task.await.unwrap(), number);
            }
        });
        // How many had run at each poll.
        let mut seen = Vec::new();
        poll_fn(|cx| {
            seen.push(ran.load(Ordering::Relaxed));
            all.as_mut().poll(cx)
        })
        .await;
        assert_eq!(seen.last(), Some(&TASKS));
        seen
    }));
    let seen = seen.unwrap();
    assert!(seen.len() <= 20, "woken for each: {seen:?}");
    let most = seen.windows(2).map(|pair| pair[1] - pair[0]).max();
    // The one that was awaited, and eight; the first time the one in the slot.
    assert!(most <= Some(9), "{seen:?}");
}

#[test]
fn who_awaits_what_runs_next_is_reached_by_all_else_meanwhile() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(2);
    for _ in 0..count(20, 2_000) {
        let (begun, has_begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let (tell, told) = futures::channel::oneshot::channel::<()>();
        let joiner = runtime.spawn(async move {
            let child = runtime::spawn(async move {
                begun.send(()).unwrap();
                // Blocks its worker until the one that awaits it has been polled by another.
                released.recv().unwrap();
            });
            match futures::future::select(child, told).await {
                futures::future::Either::Left(_) => panic!("the child waits for this one"),
                futures::future::Either::Right((told, child)) => {
                    told.unwrap();
                    release.send(()).unwrap();
                    child.await.unwrap();
                }
            }
        });
        has_begun.recv().unwrap();
        tell.send(()).unwrap();
        runtime.block_on(joiner).unwrap();
    }
}

#[test]
fn who_awaits_what_another_takes_is_woken_although_what_runs_next_blocks() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(2);
    for _ in 0..count(20, 2_000) {
        let (tell, told) = mpsc::channel();
        let joiner = runtime.spawn(async move {
            let awaited = runtime::spawn(async {});
            let next = async {
                // Takes the awaited one's place, and blocks until that has been joined.
                runtime::spawn(async move { told.recv().unwrap() })
            };
            let (awaited, next) = futures::future::join(awaited, next).await;
            awaited.unwrap();
            tell.send(()).unwrap();
            next.await.unwrap();
        });
        runtime.block_on(joiner).unwrap();
    }
}

#[test]
fn who_has_polled_a_handle_once_is_woken_by_the_end_of_the_task_whatever_else_wakes_it() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    let polls = runtime
        .block_on(runtime.spawn(async {
            let mut child = None;
            let mut polls = 0;
            poll_fn(|cx| {
                polls += 1;
                let child = child.get_or_insert_with(|| {
                    let waker = cx.waker().clone();
                    let mut child = runtime::spawn(async move {
                        waker.wake();
                        // The other is polled meanwhile, and asks for no more than whether this has ended.
                        yield_now().await;
                        yield_now().await;
                    });
                    assert!(Pin::new(&mut child).poll(cx).is_pending());
                    child
                });
                if child.is_finished() { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            polls
        }))
        .unwrap();
    assert_eq!(polls, 3);
}

#[test]
fn tasks_that_each_await_the_next_let_others_run() {
    let _watchdog = watchdog();
    /// Spawns the next and awaits it, until told to stop.
    fn link(polls: Arc<AtomicUsize>, stop: Arc<AtomicBool>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            polls.fetch_add(1, Ordering::Relaxed);
            if !stop.load(Ordering::Relaxed) {
                runtime::spawn(link(Arc::clone(&polls), Arc::clone(&stop))).await.unwrap();
            }
        })
    }
    let runtime = pool_without_spares(1);
    let (polls, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (seen, told) = (Arc::clone(&polls), Arc::clone(&stop));
    let victim = runtime.spawn(async move {
        let mut waits = Vec::new();
        for _ in 0..1_000 {
            let before = seen.load(Ordering::Relaxed);
            yield_now().await;
            waits.push(seen.load(Ordering::Relaxed) - before);
        }
        told.store(true, Ordering::Relaxed);
        waits
    });
    let chain = runtime.spawn(link(polls, stop));
    let waits = runtime.block_on(victim).unwrap();
    runtime.block_on(chain).unwrap();
    // The links that wait are in the queue as well, where those whose next was not at once complete are polled once more.
    assert!(waits.iter().all(|wait| *wait <= 4 * (LIFO_CAP + 1)), "{:?}", waits.iter().max());
}

#[test]
fn who_yields_beside_an_await_still_goes_behind_all_others() {
    let _watchdog = watchdog();
    let runtime = pool_without_spares(1);
    runtime
        .block_on(runtime.spawn(async {
            let ran = Arc::new(AtomicUsize::new(0));
            let tasks: Vec<_> = (0..10)
                .map(|_| {
                    let ran = Arc::clone(&ran);
                    runtime::spawn(async move { ran.fetch_add(1, Ordering::Relaxed) })
                })
                .collect();
            let mut next = runtime::spawn(async {});
            let mut yields = std::pin::pin!(yield_now());
            poll_fn(|cx| {
                let yielded = yields.as_mut().poll(cx);
                let _ = Pin::new(&mut next).poll(cx);
                yielded
            })
            .await;
            assert_eq!(ran.load(Ordering::Relaxed), tasks.len());
        }))
        .unwrap();
}
