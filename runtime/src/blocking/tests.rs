//! What the pool promises, B1 to B10, on real threads.
use parking_lot::Mutex;
use std::num::NonZeroU64;
use std::panic::panic_any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::pool::Refused;
use super::presence::Remaining;
use super::{Config, Counts, Job, Pool};
use crate::watchdog::{rounds, watched};

const HANG: Duration = Duration::from_secs(30);

fn pool(cap: usize, keep_alive: Duration) -> Pool {
    Pool::new(Config { cap, keep_alive, ..Config::default() })
}

fn close(pool: &Pool) {
    pool.shutdown();
    assert_eq!(pool.join(Some(HANG)), Remaining::default());
}

/// Sends its outcome when it runs, `None` when it is dropped before.
struct Told {
    result: Option<ThreadId>,
    to: Sender<Option<ThreadId>>,
}

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.to.send(self.result);
    }
}

fn told() -> (Job, Receiver<Option<ThreadId>>) {
    let (to, outcome) = mpsc::channel();
    let told = Told { result: None, to };
    let job = Job::new(move || {
        let mut told = told;
        told.result = Some(thread::current().id());
    });
    (job, outcome)
}

/// A job that says that it runs, and then waits until the sender is dropped.
fn gated() -> (Job, Receiver<()>, Sender<()>) {
    let (started, is_started) = mpsc::channel();
    let (gate, opened) = mpsc::channel::<()>();
    let job = Job::new(move || {
        started.send(()).unwrap();
        let _ = opened.recv();
    });
    (job, is_started, gate)
}

fn wait_for(mut condition: impl FnMut() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}

#[test]
fn ten_times_the_cap_never_exceeds_it_and_all_finish() {
    watched("B1", || {
        const CAP: usize = 8;
        let pool = pool(CAP, Config::DEFAULT_KEEP_ALIVE);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        // The first wave meets at a barrier: the cap is reached as well as kept.
        let barrier = Arc::new(Barrier::new(CAP));
        let (done, all) = mpsc::channel();
        for index in 0..10 * CAP {
            let (running, most, barrier) = (running.clone(), most.clone(), barrier.clone());
            let done = done.clone();
            let job = Job::new(move || {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                if index < CAP {
                    barrier.wait();
                }
                running.fetch_sub(1, Ordering::SeqCst);
                done.send(index).unwrap();
            });
            pool.submit(job).unwrap();
        }
        drop(done);
        let mut finished: Vec<_> = all.iter().collect();
        finished.sort_unstable();
        assert_eq!(finished, (0..10 * CAP).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), CAP);
        assert!(pool.metrics().threads <= CAP);
        close(&pool);
    });
}

#[test]
fn a_job_submitted_at_the_cap_while_the_last_thread_goes_idle_runs() {
    watched("B2", || {
        let pool = pool(1, Config::DEFAULT_KEEP_ALIVE);
        for _ in 0..rounds(1_000_000) {
            let (first, first_ran) = told();
            let (second, second_ran) = told();
            pool.submit(first).unwrap();
            // The one thread is about to look at an empty queue.
            assert!(first_ran.recv().unwrap().is_some());
            pool.submit(second).unwrap();
            assert!(second_ran.recv().unwrap().is_some());
        }
        assert_eq!(pool.metrics().threads, 1);
        close(&pool);
    });
}

#[test]
fn a_job_submitted_while_the_keep_alive_expires_runs() {
    watched("B3", || {
        let mut reused = 0;
        for keep_alive in [Duration::ZERO, Duration::from_micros(20), Duration::from_micros(60)] {
            let pool = pool(2, keep_alive);
            let mut last = None;
            for _ in 0..rounds(100_000) {
                let (job, ran) = told();
                pool.submit(job).unwrap();
                let thread = ran.recv().unwrap();
                assert!(thread.is_some(), "dropped");
                reused += usize::from(thread == last);
                last = thread;
            }
            wait_for(|| pool.metrics() == Counts::default());
            close(&pool);
        }
        println!("served by the same thread {reused} times");
    });
}

#[test]
fn idle_threads_leave_after_the_keep_alive() {
    watched("keep-alive", || {
        let pool = pool(4, Duration::from_millis(50));
        let barrier = Arc::new(Barrier::new(4));
        for _ in 0..4 {
            let barrier = barrier.clone();
            let job = Job::new(move || {
                barrier.wait();
            });
            pool.submit(job).unwrap();
        }
        wait_for(|| pool.metrics() == Counts::default());
        let (job, ran) = told();
        pool.submit(job).unwrap();
        assert!(ran.recv().unwrap().is_some());
        close(&pool);
    });
}

/// A pool whose threads can be refused.
fn refusing(cap: usize) -> (Pool, Arc<AtomicBool>) {
    let refuse = Arc::new(AtomicBool::new(true));
    let refused = Arc::clone(&refuse);
    let config = Config { cap, ..Config::default() };
    let pool = Pool::with_create(
        config,
        Box::new(move |builder, body| match refused.load(Ordering::SeqCst) {
            true => Err(std::io::Error::from_raw_os_error(11)),
            false => builder.spawn(body),
        }),
    );
    (pool, refuse)
}

#[test]
fn without_any_thread_a_refused_thread_is_the_submitters_error_and_the_job_is_dropped() {
    watched("B4 none", || {
        let (pool, refuse) = refusing(4);
        let (job, outcome) = told();
        let Err(Refused::NoThread(error)) = pool.submit(job) else { panic!("taken") };
        assert_eq!(error.raw_os_error(), Some(11));
        assert_eq!(outcome.recv().unwrap(), None, "dropped before submit returned");
        assert_eq!(pool.metrics(), Counts::default());
        refuse.store(false, Ordering::SeqCst);
        let (job, outcome) = told();
        pool.submit(job).unwrap();
        assert!(outcome.recv().unwrap().is_some());
        close(&pool);
    });
}

#[test]
fn with_a_thread_a_refused_one_makes_the_job_run_later() {
    watched("B4 later", || {
        let (pool, refuse) = refusing(4);
        refuse.store(false, Ordering::SeqCst);
        let (busy, started, gate) = gated();
        pool.submit(busy).unwrap();
        started.recv().unwrap();
        refuse.store(true, Ordering::SeqCst);
        let (first, first_outcome) = told();
        let (second, second_outcome) = told();
        pool.submit(first).unwrap();
        pool.submit(second).unwrap();
        assert_eq!(pool.metrics(), Counts { threads: 1, idle: 0, queued: 2 });
        drop(gate);
        assert!(first_outcome.recv().unwrap().is_some());
        assert!(second_outcome.recv().unwrap().is_some());
        close(&pool);
    });
}

#[test]
fn the_operating_systems_own_refusal_is_the_submitters_error() {
    watched("B4 real", || {
        // More than any address space holds.
        let pool = Pool::new(Config { stack_size: Some(1 << 60), ..Config::default() });
        let (job, outcome) = told();
        assert!(matches!(pool.submit(job), Err(Refused::NoThread(_))));
        assert_eq!(outcome.recv().unwrap(), None);
        assert!(pool.offload().offload(Box::new(|| {})).is_err());
        close(&pool);
    });
}

#[test]
fn jobs_that_counted_on_a_refused_thread_are_cancelled_and_not_orphaned() {
    watched("B4 others", || {
        let (entered, in_create) = mpsc::channel();
        let (gate, opened) = mpsc::channel::<()>();
        let (entered, opened) = (Mutex::new(entered), Mutex::new(opened));
        let pool = Pool::with_create(
            Config::default(),
            Box::new(move |_, _| {
                entered.lock().send(()).unwrap();
                let _ = opened.lock().recv();
                Err(std::io::Error::from_raw_os_error(11))
            }),
        );
        let (first, first_outcome) = told();
        let submitter = thread::spawn({
            let pool = pool.clone();
            move || pool.submit(first).is_err()
        });
        in_create.recv().unwrap();
        let (second, second_outcome) = told();
        pool.submit(second).expect("somebody is creating a thread");
        drop(gate);
        assert!(submitter.join().unwrap());
        assert_eq!(first_outcome.recv().unwrap(), None);
        assert_eq!(second_outcome.recv().unwrap(), None);
        assert_eq!(pool.metrics(), Counts::default());
        close(&pool);
    });
}

#[test]
fn two_closures_that_wait_for_one_another_meet_though_submitted_in_a_burst() {
    watched("chain", || {
        for _ in 0..rounds(5_000) {
            let pool = pool(3, Config::DEFAULT_KEEP_ALIVE);
            let barrier = Arc::new(Barrier::new(3));
            let (done, all) = mpsc::channel();
            for _ in 0..3 {
                let (barrier, done) = (barrier.clone(), done.clone());
                let job = Job::new(move || {
                    barrier.wait();
                    done.send(()).unwrap();
                });
                pool.submit(job).unwrap();
            }
            drop(done);
            assert_eq!(all.iter().count(), 3);
            close(&pool);
        }
    });
}

#[test]
fn a_burst_waits_for_the_thread_being_created_and_asks_for_no_second() {
    watched("burst", || {
        let (entered, in_create) = mpsc::channel();
        let (gate, opened) = mpsc::channel::<()>();
        let (entered, opened) = (Mutex::new(entered), Mutex::new(opened));
        let pool = Pool::with_create(
            Config::default(),
            Box::new(move |builder, body| {
                let _ = entered.lock().send(());
                let _ = opened.lock().recv();
                builder.spawn(body)
            }),
        );
        let (first, first_outcome) = told();
        let submitter = thread::spawn({
            let pool = pool.clone();
            move || pool.submit(first).unwrap()
        });
        in_create.recv().unwrap();
        let outcomes: Vec<_> = (0..100)
            .map(|_| {
                let (job, outcome) = told();
                pool.submit(job).unwrap();
                outcome
            })
            .collect();
        assert_eq!(pool.metrics(), Counts { threads: 1, idle: 0, queued: 101 });
        drop(gate);
        submitter.join().unwrap();
        assert!(first_outcome.recv().unwrap().is_some());
        assert!(outcomes.iter().all(|outcome| outcome.recv().unwrap().is_some()));
        close(&pool);
    });
}

#[test]
fn shutdown_with_a_running_closure_reports_it_and_it_still_finishes() {
    watched("B5", || {
        let pool = Pool::new(Config { name: Arc::new(|| "reads-stdin".into()), ..Config::default() });
        let (job, started, gate) = gated();
        let id = NonZeroU64::new(7).unwrap();
        pool.submit(job.with_id(id)).unwrap();
        started.recv().unwrap();
        pool.shutdown();
        let remaining = pool.join(Some(Duration::ZERO));
        assert_eq!(remaining.others, 0);
        assert_eq!(remaining.running.len(), 1);
        assert_eq!((&*remaining.running[0].thread, remaining.running[0].id), ("reads-stdin", Some(id)));
        drop(gate);
        assert_eq!(pool.join(None), Remaining::default());
    });
}

#[test]
fn join_returns_on_time_and_says_what_remains() {
    watched("B6", || {
        for timeout in [Duration::ZERO, Duration::from_millis(100)] {
            let pool = pool(2, Config::DEFAULT_KEEP_ALIVE);
            let (job, started, gate) = gated();
            let (idle, ran) = told();
            // In this order: the other would have one thread run both, if it is done with the first soon enough.
            pool.submit(job).unwrap();
            started.recv().unwrap();
            pool.submit(idle).unwrap();
            ran.recv().unwrap();
            // What it told was its closure's last word, not its thread's.
            wait_for(|| pool.metrics().idle == 1);
            pool.shutdown();
            let before = Instant::now();
            let remaining = pool.join(Some(timeout));
            assert!(before.elapsed() >= timeout);
            assert_eq!(remaining.running.len(), 1);
            drop(gate);
            assert_eq!(pool.join(Some(Duration::MAX)), Remaining::default());
        }
    });
}

#[test]
fn a_closure_that_has_not_started_at_shutdown_is_dropped() {
    watched("B7", || {
        let pool = pool(1, Config::DEFAULT_KEEP_ALIVE);
        let (busy, started, gate) = gated();
        pool.submit(busy).unwrap();
        started.recv().unwrap();
        let waiting: Vec<_> = (0..10).map(|_| told()).collect();
        let outcomes: Vec<_> = waiting
            .into_iter()
            .map(|(job, outcome)| {
                pool.submit(job).unwrap();
                outcome
            })
            .collect();
        assert_eq!(pool.shutdown(), 10);
        assert!(outcomes.iter().all(|outcome| outcome.recv().unwrap().is_none()));
        let (late, outcome) = told();
        assert!(matches!(pool.submit(late), Err(Refused::Closed)));
        assert_eq!(outcome.recv().unwrap(), None);
        assert_eq!(pool.shutdown(), 0, "a second call finds nothing");
        drop(gate);
        assert_eq!(pool.join(None), Remaining::default());
    });
}

/// A payload whose own drop panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic_any(Boom);
    }
}

/// Likewise, without end.
struct Boom;

impl Drop for Boom {
    fn drop(&mut self) {
        panic_any(Boom);
    }
}

#[test]
fn a_panic_in_a_closure_leaves_its_thread_usable() {
    watched("B8", || {
        let pool = pool(1, Config::DEFAULT_KEEP_ALIVE);
        let (job, ran) = told();
        pool.submit(job).unwrap();
        let thread = ran.recv().unwrap();
        pool.submit(Job::new(|| panic_any("expected by the test"))).unwrap();
        pool.submit(Job::new(|| panic_any(Bomb))).unwrap();
        let (job, ran) = told();
        pool.submit(job).unwrap();
        assert_eq!(ran.recv().unwrap(), thread);
        close(&pool);
    });
}

#[test]
fn a_closure_submitted_by_a_drop_during_shutdown_resolves() {
    struct SubmitsOnDrop(Pool, Option<Job>, Sender<bool>);
    impl Drop for SubmitsOnDrop {
        fn drop(&mut self) {
            let refused = matches!(self.0.submit(self.1.take().unwrap()), Err(Refused::Closed));
            self.2.send(refused).unwrap();
        }
    }
    watched("B9", || {
        let pool = pool(1, Config::DEFAULT_KEEP_ALIVE);
        let (busy, started, gate) = gated();
        pool.submit(busy).unwrap();
        started.recv().unwrap();
        let (inner, inner_outcome) = told();
        let (to, refused) = mpsc::channel();
        let submits = SubmitsOnDrop(pool.clone(), Some(inner), to);
        pool.submit(Job::new(move || drop(submits))).unwrap();
        assert_eq!(pool.shutdown(), 1);
        assert!(refused.recv().unwrap());
        assert_eq!(inner_outcome.recv().unwrap(), None);
        drop(gate);
        assert_eq!(pool.join(None), Remaining::default());
    });
}

#[test]
fn a_closure_that_never_returns_does_not_hold_the_process() {
    const CHILD: &str = "RUNTIME_TEST_NEVER_RETURNS";
    const NAME: &str = "blocking::tests::a_closure_that_never_returns_does_not_hold_the_process";
    if std::env::var_os(CHILD).is_some() {
        let pool = pool(1, Config::DEFAULT_KEEP_ALIVE);
        let (started, is_started) = mpsc::channel();
        pool.submit(Job::new(move || {
            started.send(()).unwrap();
            // Its pipe stays open and empty for as long as the parent waits for this process.
            let _ = std::io::stdin().read_line(&mut String::new());
        }))
        .unwrap();
        is_started.recv().unwrap();
        pool.shutdown();
        assert_eq!(pool.join(Some(Duration::from_millis(1))).running.len(), 1);
        return;
    }
    watched("B10", || {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(CHILD, "1")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let open = child.stdin.take();
        assert!(child.wait().unwrap().success());
        drop(open);
    });
}

#[test]
fn join_from_a_thread_of_the_pool_does_not_wait_for_itself() {
    watched("self-join", || {
        let pool = pool(2, Config::DEFAULT_KEEP_ALIVE);
        let (to, remaining) = mpsc::channel();
        let own = pool.clone();
        let job = Job::new(move || {
            own.shutdown();
            to.send(own.join(None)).unwrap();
        });
        pool.submit(job).unwrap();
        assert_eq!(remaining.recv().unwrap(), Remaining::default());
        assert_eq!(pool.join(None), Remaining::default());
    });
}

#[test]
fn hooks_run_once_a_thread_inside_enter_and_before_join_returns() {
    watched("hooks", || {
        let log = Arc::new(Mutex::new(Vec::new()));
        let say = |what: &'static str| {
            let log = Arc::clone(&log);
            move || log.lock().push(what)
        };
        let (enter, leave) = (say("enter"), say("leave"));
        let config = Config {
            on_start: Some(Arc::new(say("start"))),
            on_stop: Some(Arc::new(say("stop"))),
            enter: Some(Arc::new(move |body| {
                enter();
                body();
                leave();
                body();
            })),
            ..Config::default()
        };
        let pool = Pool::new(config);
        pool.submit(Job::new(say("run"))).unwrap();
        wait_for(|| pool.metrics().idle == 1);
        close(&pool);
        assert_eq!(*log.lock(), ["enter", "start", "run", "stop", "leave"]);
    });
}

fn panics() {
    panic_any("expected by the test");
}

#[test]
fn hooks_that_panic_cost_no_job() {
    watched("panicking hooks", || {
        let hook = || Some(Arc::new(panics) as super::config::Hook);
        let pool = Pool::new(Config { cap: 1, on_start: hook(), on_stop: hook(), ..Config::default() });
        let (job, ran) = told();
        pool.submit(job).unwrap();
        assert!(ran.recv().unwrap().is_some());
        close(&pool);
    });
}

#[test]
fn a_thread_that_never_gets_to_the_queue_leaves_no_orphan() {
    watched("lost thread", || {
        let enter = |_: &mut dyn FnMut()| panic_any("expected by the test");
        let pool = Pool::new(Config { enter: Some(Arc::new(enter)), ..Config::default() });
        let (job, outcome) = told();
        pool.submit(job).unwrap();
        assert_eq!(outcome.recv().unwrap(), None);
        wait_for(|| pool.metrics() == Counts::default());
        close(&pool);
    });
}

#[test]
fn a_panic_in_the_thread_name_function_reaches_the_submitter_and_costs_no_place() {
    watched("name", || {
        let panics = Arc::new(AtomicBool::new(true));
        let seen = Arc::clone(&panics);
        let name = move || match seen.load(Ordering::SeqCst) {
            true => panic_any("expected by the test"),
            false => "named".to_owned(),
        };
        let pool = Pool::new(Config { cap: 1, name: Arc::new(name), ..Config::default() });
        let (job, outcome) = told();
        let submitting = std::panic::AssertUnwindSafe(|| pool.submit(job));
        assert!(std::panic::catch_unwind(submitting).is_err());
        assert_eq!(outcome.recv().unwrap(), None);
        panics.store(false, Ordering::SeqCst);
        let (to, name) = mpsc::channel();
        pool.submit(Job::new(move || to.send(thread::current().name().map(str::to_owned)).unwrap())).unwrap();
        assert_eq!(name.recv().unwrap().as_deref(), Some("named"));
        close(&pool);
    });
}

#[test]
fn submitters_on_many_threads_lose_nothing_while_threads_come_and_go() {
    watched("storm", || {
        const SUBMITTERS: usize = 4;
        let each = rounds(1_000_000);
        let pool = pool(3, Duration::from_micros(30));
        let count = Arc::new(AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..SUBMITTERS {
                scope.spawn(|| {
                    for _ in 0..each {
                        let count = Arc::clone(&count);
                        pool.submit(Job::new(move || {
                            drop(count.fetch_add(1, Ordering::Relaxed).to_string())
                        }))
                        .unwrap();
                    }
                });
            }
        });
        wait_for(|| count.load(Ordering::Relaxed) == SUBMITTERS * each);
        wait_for(|| pool.metrics() == Counts::default());
        close(&pool);
    });
}
