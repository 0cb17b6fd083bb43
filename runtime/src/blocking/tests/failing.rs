//! Threads that are refused, closures and hooks that panic: nobody waits for what will not come.
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::*;

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
        let hook = || Some(Arc::new(panics) as crate::blocking::config::Hook);
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
