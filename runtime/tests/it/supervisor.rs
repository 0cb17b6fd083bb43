//! A task that blocks its worker costs itself, not its neighbours. How late others are meanwhile is measured in
//! `tests/latency.rs` and by the example `stall`.
use std::future::pending;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use runtime::task::{JoinSet, yield_now};
use runtime::{Builder, Runtime};

use crate::support::{Gate, Rng, Tally, child, count, pool, process, until, until_no_tasks, watchdog};

fn builder(workers: usize) -> Builder {
    let mut builder = Runtime::builder();
    builder.worker_threads(workers);
    builder
}

/// V3, S4: the last of those that it woke is in a place of its own, from where nobody steals.
#[test]
fn all_that_is_queued_behind_a_blocked_worker_runs_elsewhere() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let runtime = pool(workers);
        for tasks in [1, 2, 100, 1000] {
            let blocker = runtime.spawn(async move {
                let (tx, rx) = mpsc::channel();
                for n in 0..tasks {
                    let tx = tx.clone();
                    drop(runtime::spawn(async move { tx.send(n).unwrap() }));
                }
                drop(tx);
                // With nothing that tells the runtime: not `block_in_place`.
                let mut ran: Vec<_> = rx.iter().collect();
                ran.sort_unstable();
                assert!(ran.into_iter().eq(0..tasks));
                // What was stolen from is as good as before.
                yield_now().await;
                runtime::spawn(async { 7 }).await.unwrap()
            });
            assert_eq!(runtime.block_on(blocker).unwrap(), 7);
        }
        assert!(runtime.metrics().stalls > 0);
        until_no_tasks(&runtime);
    }
}

/// V3: what a blocked task wakes is as good as what it spawns; and again, and again.
#[test]
fn a_task_that_wakes_another_and_then_waits_for_it_is_served_each_time() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let task = runtime.spawn(async {
        let (ask, mut asked) = futures::channel::mpsc::unbounded::<()>();
        let (answer, answers) = mpsc::channel();
        drop(runtime::spawn(async move {
            while futures::StreamExt::next(&mut asked).await.is_some() {
                answer.send(()).unwrap();
            }
        }));
        for _ in 0..count(20, 1000) {
            ask.unbounded_send(()).unwrap();
            answers.recv().unwrap();
        }
    });
    runtime.block_on(task).unwrap();
}

/// V2: sockets and timers are served while every worker is blocked, and the workers wait for just that.
#[test]
fn sockets_and_timers_go_on_while_every_worker_is_blocked() {
    let _watchdog = watchdog();
    for workers in [1, 2, 4] {
        let runtime = pool(workers);
        let (gate, blocked) = (Gate::default(), Tally::default());
        let opener = gate.clone();
        let (server, mut client) = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (listener.accept().unwrap().0, client)
        };
        server.set_nonblocking(true).unwrap();
        drop(runtime.spawn(async move {
            let mut server = runtime::net::TcpStream::from_std(server).unwrap();
            runtime::time::sleep(Duration::from_millis(1)).await;
            let mut byte = [0];
            server.read(&mut byte).await.unwrap();
            server.write_all(&byte).await.unwrap();
            runtime::time::sleep(Duration::from_millis(1)).await;
            opener.open();
        }));
        for _ in 0..workers {
            let (gate, blocked) = (gate.clone(), blocked.clone());
            drop(runtime.spawn(async move {
                blocked.add();
                gate.wait();
            }));
        }
        until(|| blocked.get() == workers);
        std::io::Write::write_all(&mut client, &[42]).unwrap();
        gate.wait();
        until_no_tasks(&runtime);
    }
}

/// V4: each spare takes the next blocker; at the cap the rest wait, and run once there is room.
#[test]
fn more_blockers_than_the_cap_never_have_more_threads_and_all_end() {
    let _watchdog = watchdog();
    for (workers, cap, blockers) in [(1, 2, 10), (2, 4, 30)] {
        let runtime = builder(workers).max_spare_threads(cap).build().unwrap();
        let (gate, running, most) =
            (Gate::default(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..blockers {
            let (gate, running, most) = (gate.clone(), Arc::clone(&running), Arc::clone(&most));
            drop(runtime.spawn(async move {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                gate.wait();
                running.fetch_sub(1, Ordering::SeqCst);
            }));
        }
        until(|| running.load(Ordering::SeqCst) == workers + cap);
        assert_eq!(runtime.metrics().spares, cap);
        gate.open();
        until_no_tasks(&runtime);
        assert_eq!(most.load(Ordering::SeqCst), workers + cap);
        until(|| runtime.metrics().spares == 0);
        assert_eq!(runtime.block_on(async { runtime::spawn(async { 7 }).await.unwrap() }), 7);
    }
}

/// V5: and the threads end, too.
#[test]
fn when_the_blockers_return_the_spares_go() {
    let _watchdog = watchdog();
    child::run("supervisor::when_the_blockers_return_the_spares_go", || {
        let runtime = pool(2);
        runtime.block_on(async { runtime::spawn(async {}).await.unwrap() });
        let before = process::threads();
        for _ in 0..3 {
            let (gate, blocked) = (Gate::default(), Tally::default());
            for _ in 0..6 {
                let (gate, blocked) = (gate.clone(), blocked.clone());
                drop(runtime.spawn(async move {
                    blocked.add();
                    gate.wait();
                }));
            }
            until(|| blocked.get() == 6);
            assert!(process::threads() >= before + 4);
            gate.open();
            until(|| process::threads() == before);
            assert_eq!(runtime.metrics().spares, 0);
        }
    });
}

#[test]
fn no_thread_is_added_while_nothing_waits() {
    let _watchdog = watchdog();
    let runtime = pool(2);
    let (gate, blocked) = (Gate::default(), Tally::default());
    for _ in 0..2 {
        let (gate, blocked) = (gate.clone(), blocked.clone());
        drop(runtime.spawn(async move {
            blocked.add();
            gate.wait();
        }));
    }
    until(|| blocked.get() == 2);
    // Both have been seen stuck, and sampled many times since. (A busy machine may keep another poll from its core as long.)
    until(|| runtime.metrics().stalls >= 2);
    let (quiet, waited) = mpsc::channel::<()>();
    assert!(waited.recv_timeout(Duration::from_millis(200)).is_err());
    drop(quiet);
    assert_eq!(runtime.metrics().spares, 0);
    // Now something waits.
    let answer = runtime.spawn(async { 7 });
    assert_eq!(runtime.block_on(answer).unwrap(), 7);
    assert!(runtime.metrics().spares > 0);
    gate.open();
    until_no_tasks(&runtime);
}

/// V6: the clock jumps over the time in which the process was stopped; what was sampled does not.
#[test]
fn a_process_that_was_stopped_takes_over_each_worker_at_most_once() {
    let _watchdog = watchdog();
    child::run("supervisor::a_process_that_was_stopped_takes_over_each_worker_at_most_once", || {
        let runtime = pool(2);
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..4 {
            let stop = Arc::clone(&stop);
            drop(runtime.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    yield_now().await;
                }
            }));
        }
        let before = runtime.metrics().stalls;
        let me = std::process::id().to_string();
        let script = format!("kill -STOP {me}; sleep 2; kill -CONT {me}");
        assert!(std::process::Command::new("sh").args(["-c", &script]).status().unwrap().success());
        let metrics = runtime.metrics();
        assert!(metrics.stalls - before <= 2, "{metrics:?}");
        assert!(metrics.spares <= 2, "{metrics:?}");
        stop.store(true, Ordering::Relaxed);
        until_no_tasks(&runtime);
        until(|| runtime.metrics().spares == 0);
    });
}

/// V7
#[test]
fn a_take_over_against_the_shutdown_ends() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    for _ in 0..count(20, 1000) {
        let runtime = builder(2).stall_threshold(Duration::from_millis(1)).build().unwrap();
        let (gate, dropped) = (Gate::default(), Tally::default());
        for _ in 0..8 {
            let (gate, dropped) = (gate.clone(), dropped.on_drop());
            drop(runtime.spawn(async move {
                let _dropped = dropped;
                gate.wait();
                pending::<()>().await;
            }));
        }
        let opener = gate.clone();
        let (before_open, before_drop) = (rng.below(4000), rng.below(4000));
        let opening = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_micros(before_open as u64));
            opener.open();
        });
        std::thread::sleep(Duration::from_micros(before_drop as u64));
        drop(runtime);
        opening.join().unwrap();
        assert_eq!(dropped.get(), 8);
    }
}

/// V8: said once, tried again, and right as soon as there is a thread.
#[test]
fn without_a_thread_to_be_had_work_waits_and_goes_on_when_there_is_one() {
    const NAME: &str = "supervisor::without_a_thread_to_be_had_work_waits_and_goes_on_when_there_is_one";
    let _watchdog = watchdog();
    if !child::is(NAME) {
        let output = child::command(NAME).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.matches("no thread could be started").count(), 1, "{said}");
        return;
    }
    let refuse = Arc::new(AtomicBool::new(false));
    let refused = Tally::default();
    let (flag, tries) = (Arc::clone(&refuse), refused.clone());
    // No thread has a NUL in its name: it is refused like one for which there is no memory.
    let runtime = builder(1)
        .thread_name_fn(move || {
            if flag.load(Ordering::SeqCst) {
                tries.add();
                "\0".to_owned()
            } else {
                "worker".to_owned()
            }
        })
        .build()
        .unwrap();
    refuse.store(true, Ordering::SeqCst);
    let (tx, rx) = mpsc::channel();
    let blocker = runtime.spawn(async move {
        let answer = runtime::spawn(async move { tx.send(7).unwrap() });
        let seven = rx.recv().unwrap();
        answer.await.unwrap();
        seven
    });
    until(|| refused.get() >= 3);
    refuse.store(false, Ordering::SeqCst);
    assert_eq!(runtime.block_on(blocker).unwrap(), 7);
}

/// L3: blockers of every kind, one after the other, while others come and go.
#[test]
fn blockers_that_come_and_go_lose_nothing_and_threads_are_bounded() {
    let _watchdog = watchdog();
    child::run("supervisor::blockers_that_come_and_go_lose_nothing_and_threads_are_bounded", || {
        const WORKERS: usize = 2;
        const SPARES: usize = 4;
        const BLOCKING: usize = 3;
        let without = process::threads();
        let runtime = builder(WORKERS)
            .stall_threshold(Duration::from_millis(1))
            .max_spare_threads(SPARES)
            .max_blocking_threads(BLOCKING)
            .build()
            .unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let handle = runtime.handle().clone();
        let counting = std::thread::spawn(move || {
            let mut most = 0;
            while !stopped.load(Ordering::Relaxed) {
                most = most.max(process::threads());
                let metrics = handle.metrics();
                assert!(metrics.spares <= SPARES, "{metrics:?}");
                assert!(metrics.blocking_threads <= BLOCKING, "{metrics:?}");
                std::thread::yield_now();
            }
            most
        });
        let mut rng = Rng::new();
        let rounds = count(300, 30_000);
        let kinds: Vec<_> = (0..rounds).map(|_| (rng.below(4), rng.below(3000) as u64)).collect();
        let done = runtime.block_on(async {
            let mut set = JoinSet::new();
            for (kind, micros) in kinds {
                let pause = Duration::from_micros(micros);
                set.spawn(async move {
                    match kind {
                        0 => std::thread::sleep(pause),
                        1 => runtime::task::block_in_place(|| std::thread::sleep(pause)),
                        2 => runtime::time::sleep(pause).await,
                        _ => drop(runtime::spawn_blocking(move || std::thread::sleep(pause)).await),
                    }
                    yield_now().await;
                });
            }
            set.join_all().await.len()
        });
        assert_eq!(done, rounds);
        stop.store(true, Ordering::Relaxed);
        let most = counting.join().unwrap();
        // The supervisor, and the thread that counts. One that ends is in nobody's books any more, and may have a successor, while the
        // system still lists it.
        assert!(
            most <= without + WORKERS + 2 * (SPARES + BLOCKING) + 2,
            "{most} threads, {without} of them not ours"
        );
        until(|| runtime.metrics().spares == 0);
    });
}

/// A blocking read is what it is in any thread: interrupted by nothing of ours.
#[test]
fn a_blocking_read_on_a_worker_is_not_disturbed() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let reader = runtime.spawn(async move {
        let mut stream = listener.accept().unwrap().0;
        let mut byte = [0];
        std::io::Read::read(&mut stream, &mut byte).map(|_| byte[0]).map_err(|error| error.kind())
    });
    let other = runtime.spawn(async { 1 });
    assert_eq!(runtime.block_on(other).unwrap(), 1);
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, &[42]).unwrap();
    assert_eq!(runtime.block_on(reader).unwrap(), Ok::<u8, ErrorKind>(42));
}

/// The supervisor's stand-in goes when the task has blocked in place; what it does then is another matter.
#[test]
fn a_worker_that_is_stuck_again_in_the_same_poll_gets_another_stand_in() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let metrics = runtime.handle().clone();
    let task = runtime.spawn(async move {
        let ask = || {
            let (tx, rx) = mpsc::channel();
            drop(runtime::spawn(async move { tx.send(()).unwrap() }));
            rx.recv().unwrap();
        };
        for _ in 0..3 {
            ask();
            // Takes the wish over, and then takes it back.
            runtime::task::block_in_place(|| ());
            until(|| metrics.metrics().spares == 0);
        }
        ask();
    });
    runtime.block_on(task).unwrap();
}

/// Polls that are long but not too long, and no worker that is parked: the driver is turned between two of them.
#[test]
fn beside_a_blocked_slot_timers_wait_for_few_polls_of_busy_workers() {
    const TIMERS: usize = 10;
    // Each takes a share of the stall threshold; without being asked a worker turns the driver every 61.
    const MOST_POLLS: usize = 30;
    let _watchdog = watchdog();
    for in_place in [true, false] {
        let runtime = pool(1);
        let gate = Gate::default();
        let held = gate.clone();
        drop(runtime.spawn(async move {
            if in_place {
                runtime::task::block_in_place(|| held.wait());
            } else {
                held.wait();
            }
        }));
        let (done, polls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..3 {
            let (done, polls) = (Arc::clone(&done), Arc::clone(&polls));
            drop(runtime.spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    while began.elapsed() < Duration::from_millis(4) {}
                    polls.fetch_add(1, Ordering::Relaxed);
                    yield_now().await;
                }
            }));
        }
        until(|| polls.load(Ordering::Relaxed) >= 10);
        // Not in `block_on`, whose thread would turn the driver.
        let (tx, rx) = mpsc::channel();
        let counted = Arc::clone(&polls);
        drop(runtime.spawn(async move {
            let before = counted.load(Ordering::Relaxed);
            for _ in 0..TIMERS {
                runtime::time::sleep(Duration::from_millis(1)).await;
            }
            tx.send(counted.load(Ordering::Relaxed) - before).unwrap();
        }));
        let waited = rx.recv().unwrap();
        done.store(true, Ordering::Relaxed);
        gate.open();
        assert!(waited <= TIMERS * MOST_POLLS, "{waited} polls for {TIMERS} timers");
    }
}
