//! Shutting down, with closures that run, wait, are being submitted, or never return.
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Instant;

use super::*;

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
    const NAME: &str = "blocking::tests::ending::a_closure_that_never_returns_does_not_hold_the_process";
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
